"""The stages of a visit's day, who is late, who is missed by itself (DOMAIN 1.7)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from liaison.scheduling.rules import (
    LateAnswer,
    Stage,
    Stamps,
    State,
    is_finished,
    is_its_day,
    is_missed_by_itself,
    last_day,
    late_by,
    median_wait,
    next_stage,
    since,
    stage_of,
    wait_of,
)

TEN = datetime(2026, 3, 3, 10, tzinfo=UTC)
EXPECTED = Stamps(state=State.BOOKED, start_at=TEN, end_at=TEN + timedelta(minutes=30))
ARRIVED = replace(EXPECTED, state=State.ARRIVED, arrived_at=TEN)
CHECKED_IN = replace(ARRIVED, state=State.CHECKED_IN, checked_in_at=TEN + timedelta(minutes=2))
ROOMED = replace(CHECKED_IN, roomed_at=TEN + timedelta(minutes=5))
SEEN = replace(ROOMED, seen_at=TEN + timedelta(minutes=9))
LEFT = replace(SEEN, left_at=TEN + timedelta(minutes=28))
LIMIT = timedelta(minutes=15)
NEW_YORK = ZoneInfo("America/New_York")


def after(minutes: int) -> datetime:
    return TEN + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("visit", "stage", "following"),
    [
        (EXPECTED, Stage.EXPECTED, Stage.ARRIVED),
        (ARRIVED, Stage.ARRIVED, Stage.CHECKED_IN),
        (CHECKED_IN, Stage.CHECKED_IN, Stage.ROOMED),
        (replace(CHECKED_IN, has_room=False), Stage.CHECKED_IN, Stage.SEEN),
        (ROOMED, Stage.ROOMED, Stage.SEEN),
        (SEEN, Stage.SEEN, Stage.LEFT),
        (LEFT, Stage.LEFT, None),
        (replace(SEEN, state=State.FULFILLED), Stage.LEFT, None),
        (replace(EXPECTED, state=State.NO_SHOW), None, None),
        (replace(EXPECTED, state=State.PENDING), None, None),
    ],
)
def test_each_press_moves_to_the_next_stage(visit: Stamps, stage: Stage | None, following: Stage | None) -> None:
    assert stage_of(visit) is stage
    assert next_stage(visit) is following


def test_one_waits_since_the_last_stamp_and_before_any_since_the_start() -> None:
    assert [since(visit) for visit in (EXPECTED, ARRIVED, CHECKED_IN, ROOMED, SEEN, LEFT)] == [
        TEN, TEN, after(2), after(5), after(9), after(28),
    ]  # fmt: skip


def test_a_patient_is_late_at_the_threshold_and_stays_so_after_coming() -> None:
    assert late_by(EXPECTED, threshold=LIMIT, now=after(14)) is None
    assert late_by(EXPECTED, threshold=LIMIT, now=after(15)) == LIMIT
    came_late = replace(ARRIVED, arrived_at=after(20))
    assert late_by(came_late, threshold=LIMIT, now=after(50)) == timedelta(minutes=20)
    assert late_by(ARRIVED, threshold=LIMIT, now=after(50)) is None
    assert late_by(replace(SEEN, arrived_at=after(20)), threshold=LIMIT, now=after(50)) is None


@pytest.mark.parametrize(
    ("visit", "grace", "answer", "minutes", "missed"),
    [
        (EXPECTED, 0, None, 29, False),
        (EXPECTED, 0, None, 30, True),
        (EXPECTED, 10, None, 39, False),
        (EXPECTED, 10, None, 40, True),
        (EXPECTED, None, None, 600, False),
        (EXPECTED, 0, LateAnswer.FIT_IN, 600, False),
        (EXPECTED, 0, None, 30 + 24 * 60, False),
        (ARRIVED, 0, None, 60, False),
        (replace(ARRIVED, state=State.BOOKED, has_room=False), 0, None, 60, False),
        (replace(EXPECTED, seen_at=TEN, has_room=False), 0, None, 60, False),
        (replace(EXPECTED, state=State.CANCELLED), 0, None, 60, False),
    ],
)
def test_who_did_not_come_is_missed_at_the_end_plus_the_grace(
    visit: Stamps, grace: int | None, answer: LateAnswer | None, minutes: int, missed: bool
) -> None:
    length = None if grace is None else timedelta(minutes=grace)
    assert is_missed_by_itself(visit, grace=length, late_answer=answer, now=after(minutes)) is missed


def overnight(start: str, end: str) -> Stamps:
    begins, ends = (datetime.fromisoformat(text).replace(tzinfo=NEW_YORK) for text in (start, end))
    return replace(SEEN, start_at=begins, end_at=ends)


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def test_a_visit_over_midnight_belongs_to_both_days_and_one_until_midnight_to_the_first() -> None:
    over = overnight("2026-03-03 23:30", "2026-03-04 00:30")
    until = overnight("2026-03-03 23:30", "2026-03-04 00:00")
    assert last_day(over, zone=NEW_YORK).day == 4
    assert last_day(until, zone=NEW_YORK).day == 3
    assert is_its_day(over, zone=NEW_YORK, now=wall("2026-03-04 00:10"))
    assert not is_its_day(until, zone=NEW_YORK, now=wall("2026-03-04 00:10"))
    assert not is_its_day(over, zone=NEW_YORK, now=wall("2026-03-02 23:59"))


@pytest.mark.parametrize(
    ("start", "end", "still", "over"),
    [
        # The clock springs forward on 8 March 2026 and falls back on 1 November 2026.
        ("2026-03-08 01:30", "2026-03-08 03:30", "2026-03-08 23:59", "2026-03-09 00:00"),
        ("2026-11-01 00:30", "2026-11-01 01:30", "2026-11-01 23:59", "2026-11-02 00:00"),
    ],
)
def test_a_visit_took_place_when_the_local_day_is_over_also_where_the_clock_changes(
    start: str, end: str, still: str, over: str
) -> None:
    visit = overnight(start, end)
    assert not is_finished(visit, zone=NEW_YORK, now=wall(still))
    assert is_finished(visit, zone=NEW_YORK, now=wall(over))
    assert not is_finished(replace(visit, seen_at=None), zone=NEW_YORK, now=wall(over))
    assert not is_finished(replace(visit, state=State.FULFILLED), zone=NEW_YORK, now=wall(over))


def test_a_wait_runs_from_arriving_to_being_seen_and_the_median_is_of_all() -> None:
    assert wait_of(SEEN) == timedelta(minutes=9)
    assert wait_of(ROOMED) is None
    assert wait_of(replace(SEEN, arrived_at=None)) is None
    assert median_wait([]) is None
    assert median_wait([timedelta(minutes=n) for n in (3, 9, 40)]) == timedelta(minutes=9)
