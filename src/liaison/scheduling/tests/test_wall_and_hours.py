"""Wall-clock times and working hours over changes of the clock (DOMAIN 1.6)."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liaison.scheduling.rules import (
    Hours,
    Span,
    day_span,
    first_instant,
    free_spans,
    intersect,
    merge,
    settle,
    subtract,
    working_spans,
)

NEW_YORK = ZoneInfo("America/New_York")
PHOENIX = ZoneInfo("America/Phoenix")
LONDON = ZoneInfo("Europe/London")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
SANTIAGO = ZoneInfo("America/Santiago")
ZONES = (NEW_YORK, PHOENIX, LONDON, LORD_HOWE, SANTIAGO)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_skipped_time_in_new_york_moves_forward_and_says_so() -> None:
    settled = settle(on=date(2026, 3, 8), at=time(2, 30), zone=NEW_YORK)
    assert settled.at == utc("2026-03-08 07:30")
    assert settled.shifted


def test_a_time_that_comes_twice_in_new_york_is_its_first_occurrence() -> None:
    settled = settle(on=date(2026, 11, 1), at=time(1, 30), zone=NEW_YORK)
    assert (settled.at, settled.shifted) == (utc("2026-11-01 05:30"), False)


def test_phoenix_never_skips_a_time() -> None:
    settled = settle(on=date(2026, 3, 8), at=time(2, 30), zone=PHOENIX)
    assert (settled.at, settled.shifted) == (utc("2026-03-08 09:30"), False)


@pytest.mark.parametrize(
    ("zone", "on", "at", "shifted_to"),
    [
        (LONDON, date(2026, 3, 29), time(1, 30), "2026-03-29 01:30"),
        (LORD_HOWE, date(2026, 10, 4), time(2, 15), "2026-10-03 15:45"),
        (SANTIAGO, date(2026, 9, 6), time(0, 30), "2026-09-06 04:30"),
    ],
)
def test_skipped_times_elsewhere_move_forward_by_the_gap(zone: ZoneInfo, on: date, at: time, shifted_to: str) -> None:
    settled = settle(on=on, at=at, zone=zone)
    assert settled.shifted
    assert settled.at == utc(shifted_to)


@pytest.mark.parametrize(
    ("zone", "on", "hours"),
    [
        (NEW_YORK, date(2026, 3, 8), 23),
        (NEW_YORK, date(2026, 11, 1), 25),
        (PHOENIX, date(2026, 3, 8), 24),
        (LONDON, date(2026, 10, 25), 25),
        (LORD_HOWE, date(2026, 10, 4), 23.5),
        (LORD_HOWE, date(2026, 4, 5), 24.5),
        (SANTIAGO, date(2026, 9, 6), 23),
        (SANTIAGO, date(2026, 4, 4), 25),
        (NEW_YORK, date(2028, 2, 29), 24),
    ],
)
def test_a_local_day_is_as_long_as_its_clock_changes_make_it(zone: ZoneInfo, on: date, hours: float) -> None:
    assert day_span(on=on, zone=zone).length == timedelta(hours=hours)


def test_hours_that_open_inside_a_gap_open_when_the_clock_changes() -> None:
    assert first_instant(on=date(2026, 3, 8), at=time(2, 30), zone=NEW_YORK) == utc("2026-03-08 07:00")
    assert first_instant(on=date(2026, 9, 6), at=time(0, 0), zone=SANTIAGO) == utc("2026-09-06 04:00")


def week(at: ZoneInfo, day: str, days: int = 7) -> Span:
    start = datetime.fromisoformat(day).replace(tzinfo=at)
    return Span(start, start + timedelta(days=days))


def test_nine_to_five_stays_nine_to_five_on_both_sides_of_the_change() -> None:
    hours = [Hours(weekday=day, opens=time(9), closes=time(17)) for day in range(7)]
    spans = working_spans(hours, zone=NEW_YORK, window=week(NEW_YORK, "2026-03-07", 3))
    assert [span.start for span in spans] == [
        utc("2026-03-07 14:00"),
        utc("2026-03-08 13:00"),
        utc("2026-03-09 13:00"),
    ]
    assert {span.length for span in spans} == {timedelta(hours=8)}


def test_a_night_shift_reaches_into_the_next_day_and_loses_the_skipped_hour() -> None:
    saturday_night = Hours(weekday=5, opens=time(22), closes=time(6))
    spans = working_spans([saturday_night], zone=NEW_YORK, window=week(NEW_YORK, "2026-03-02", 8))
    assert spans == (Span(utc("2026-03-08 03:00"), utc("2026-03-08 10:00")),)


def test_hours_that_end_at_midnight_end_with_the_day() -> None:
    evening = Hours(weekday=0, opens=time(18), closes=time(0))
    assert working_spans([evening], zone=PHOENIX, window=week(PHOENIX, "2026-03-02")) == (
        Span(utc("2026-03-03 01:00"), utc("2026-03-03 07:00")),
    )


def test_hours_wholly_inside_a_gap_are_no_hours() -> None:
    in_the_gap = Hours(weekday=6, opens=time(2, 10), closes=time(2, 50))
    assert working_spans([in_the_gap], zone=NEW_YORK, window=week(NEW_YORK, "2026-03-05")) == ()


def test_hours_hold_from_their_first_day_up_to_but_without_their_last() -> None:
    hours = Hours(weekday=0, opens=time(9), closes=time(10), valid_from=date(2026, 3, 9), valid_to=date(2026, 3, 23))
    spans = working_spans([hours], zone=PHOENIX, window=week(PHOENIX, "2026-03-01", 30))
    assert [span.start.date() for span in spans] == [date(2026, 3, 9), date(2026, 3, 16)]


def test_closures_and_reservations_leave_what_is_free() -> None:
    day = Span(utc("2026-03-02 09:00"), utc("2026-03-02 17:00"))
    lunch = Span(utc("2026-03-02 12:00"), utc("2026-03-02 13:00"))
    visit = Span(utc("2026-03-02 09:00"), utc("2026-03-02 09:30"))
    assert free_spans(working=[day], closed=[lunch], reserved=[visit]) == (
        Span(utc("2026-03-02 09:30"), utc("2026-03-02 12:00")),
        Span(utc("2026-03-02 13:00"), utc("2026-03-02 17:00")),
    )


def test_a_span_refuses_times_without_a_zone_and_ends_before_starts() -> None:
    with pytest.raises(ValueError, match="zone"):
        Span(datetime(2026, 3, 2, 9), datetime(2026, 3, 2, 10))  # noqa: DTZ001 - without a zone on purpose
    with pytest.raises(ValueError, match="not after"):
        Span(utc("2026-03-02 09:00"), utc("2026-03-02 09:00"))


EPOCH = utc("2026-03-01 00:00")
minutes = st.integers(min_value=0, max_value=60)
spans = st.lists(
    st.tuples(minutes, st.integers(min_value=1, max_value=15)).map(
        lambda pair: Span(EPOCH + timedelta(minutes=pair[0]), EPOCH + timedelta(minutes=pair[0] + pair[1]))
    ),
    max_size=6,
)


def covered(some: list[Span] | tuple[Span, ...]) -> set[int]:
    return {
        minute
        for minute in range(120)
        if any(span.start <= EPOCH + timedelta(minutes=minute) < span.end for span in some)
    }


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(left=spans, right=spans)
def test_sets_of_spans_behave_as_sets_of_minutes(left: list[Span], right: list[Span]) -> None:
    assert covered(merge(left)) == covered(left)
    assert covered(subtract(left, taken=right)) == covered(left) - covered(right)
    assert covered(intersect(left, right)) == covered(left) & covered(right)
    for result in (merge(left), subtract(left, taken=right), intersect(left, right)):
        assert all(a.end < b.start for a, b in pairwise(result))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    zone=st.sampled_from(ZONES),
    first=st.dates(min_value=date(2026, 1, 1), max_value=date(2027, 12, 31)),
    opens=st.integers(min_value=0, max_value=95),
    length=st.integers(min_value=1, max_value=40),
)
def test_working_time_is_what_a_walk_along_the_clock_finds(
    zone: ZoneInfo, first: date, opens: int, length: int
) -> None:
    """The walk: from the first moment the wall shows opening time to the first that shows closing time."""
    closes = (opens + length) % 96
    entry = Hours(
        weekday=first.weekday(),
        opens=time(opens // 4, opens % 4 * 15),
        closes=time(closes // 4, closes % 4 * 15),
    )
    window = day_span(on=first, zone=zone)
    window = Span(window.start, window.end + timedelta(days=2))
    ends_on = first if closes > opens else first + timedelta(days=1)
    moments = [window.start + timedelta(minutes=15 * step) for step in range(4 * 24 * 3)]
    begin = next(m for m in moments if wall(m, zone) >= datetime.combine(first, entry.opens))
    finish = next(m for m in moments if wall(m, zone) >= datetime.combine(ends_on, entry.closes))
    expected = (Span(begin, finish),) if begin < finish else ()
    assert working_spans([entry], zone=zone, window=window) == expected


def wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)
