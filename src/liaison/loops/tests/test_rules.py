"""Rank, words, the ladder and sharing a desk: pure, no database."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.core.calendars import FEDERAL
from liaison.loops import rules
from liaison.loops.ports import (
    TASK,
    LoopKind,
    Owner,
    kind_of,
    register_kind,
    registered_kinds,
)

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)  # Wednesday, 10:00 in New York
ZONE = ZoneInfo("America/New_York")


def local(day: int, hour: int, minute: int = 0, *, month: int = 3, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZONE)


def why(**more: object) -> list[str]:
    given_ = {"due_at": local(20, 9), "priority": "routine", "escalation_level": 0, "waiting_on": "", **more}
    return [each.words for each in rules.why(**given_, now=NOW, zone=ZONE)]  # type: ignore[arg-type]  # keywords of several types


def test_nothing_presses_when_it_is_due_in_weeks() -> None:
    assert why() == []


def test_the_reasons_for_a_rank_are_said_the_weightiest_first() -> None:
    assert why(due_at=local(2, 12), priority="clinical", escalation_level=3, waiting_on="Cardiology") == [
        "clinical", "late", "escalated to the manager of all sites", "waiting on Cardiology",
    ]  # fmt: skip
    assert why(due_at=local(4, 17), priority="urgent", escalation_level=2) == ["urgent", "due today"]


@pytest.mark.parametrize(
    ("due_at", "priority", "words"),
    [
        (local(1, 9), "routine", "late"),
        (local(4, 17), "routine", "due today"),
        (local(5, 9), "routine", "due later"),
        (local(2, 9), "urgent", "urgent (counts as due 2 days earlier), then late"),
        (local(9, 9), "urgent", "urgent (counts as due 2 days earlier), then due later"),
        (local(4, 17), "clinical", "clinical (counts as due 14 days earlier), then due today"),
    ],
)
def test_a_rank_says_in_words_what_orders_the_desk(due_at: datetime, priority: str, words: str) -> None:
    rank = rules.rank(due_at, priority=priority, now=NOW, zone=ZONE)
    assert rank.words == words
    assert rank.at == rules.urgent_at(due_at, priority=priority), "the words and the order come from one rule"


def test_the_order_is_explained_by_the_figures_of_the_rule() -> None:
    said = " ".join(rules.order_words())
    assert "Urgent counts as due 2 days earlier, clinical as due 14 days earlier." in said
    reaching = next(level for level in rules.ladder("routine") if level.business_days == 0)
    assert reaching.raise_to == "urgent", "what reaches its due time turns urgent by itself, as the words say"


def test_an_escalation_says_to_whom() -> None:
    due = local(2, 12)
    assert why(due_at=due, escalation_level=3)[1:] == ["escalated to the site's supervisor"]
    assert why(due_at=due, escalation_level=5)[1:] == ["escalated to the manager of all sites"]
    beyond_the_clinical_ladder = why(due_at=due, priority="clinical", escalation_level=5)
    assert beyond_the_clinical_ladder == ["clinical", "late", "escalated"]


def test_who_is_told_is_named_as_colleagues_would() -> None:
    assert rules.told_words(("owner",)) == "its owner"
    assert (
        rules.told_words(("owner", "clinician", "supervisor")) == "its owner, the clinicians and the site's supervisor"
    )
    assert rules.told_words(("lead", "supervisor")) == "the site's supervisor"


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("encounter:12", "the discharge"),
        ("referral:3:sent", "when it was sent"),
        ("visit:2026-03-04", "the visit"),
        ("call:7", "the call"),
        ("evidence:113", "its evidence came in"),
        ("done by Rosa Delgado", "done by Rosa Delgado"),
        ("test:1", ""),
    ],
)
def test_what_a_clock_runs_from_is_said_as_a_person_would(event: str, words: str) -> None:
    kind = LoopKind(
        code="x", label="X", required_evidence=("done",),
        event_words={"encounter": "the discharge", "referral:sent": "when it was sent"},
    )  # fmt: skip
    assert rules.event_words(event, kind=kind) == words


def test_the_days_that_are_not_counted_are_said() -> None:
    assert rules.calendar_words("") == ""
    assert rules.calendar_words("weekdays") == "weekends"
    assert rules.calendar_words("federal") == "weekends, federal holidays"
    layers = "federal+organization+site:3+payer:7+moon"
    assert rules.calendar_words(layers) == (
        "weekends, federal holidays, the organization's closed days, the site's closed days, "
        "the payer's closed days, moon"
    )


def test_a_clinical_step_due_now_stands_before_a_routine_one_two_weeks_late() -> None:
    clinical = rules.urgent_at(NOW, priority="clinical")
    assert clinical <= rules.urgent_at(NOW - timedelta(days=14), priority="routine")
    assert clinical < rules.urgent_at(NOW - timedelta(days=11), priority="urgent")


@given(due=st.datetimes(timezones=st.just(UTC)), priority=st.sampled_from(["routine", "urgent", "clinical"]))
def test_nothing_rises_later_than_it_is_due(due: datetime, priority: str) -> None:
    if due < datetime(2, 1, 1, tzinfo=UTC):
        return
    risen = rules.urgent_at(due, priority=priority)
    assert due - max(rules.RISES_EARLIER_BY.values()) <= risen <= due


def climb(
    now: datetime, *, due: datetime, priority: str = "routine", since: datetime | None = None
) -> tuple[int, datetime | None]:
    started_at = since or local(2, 8)
    rung = rules.climb(priority=priority, due_at=due, started_at=started_at, now=now, calendar=FEDERAL, zone=ZONE)
    return (rung.reached.level if rung.reached else 0), rung.next_at


def test_the_ladder_climbs_in_business_days_over_the_weekend() -> None:
    due = local(6, 17)  # Friday
    assert climb(local(4, 10), due=due) == (0, local(5, 0))
    assert climb(local(5, 0), due=due) == (1, due)
    assert climb(due, due=due) == (2, local(9, 17))
    assert climb(local(9, 16), due=due)[0] == 2
    assert climb(local(9, 17), due=due) == (3, local(11, 17))
    assert climb(local(11, 17), due=due) == (4, local(13, 17))
    assert climb(local(13, 17), due=due) == (5, None)


def test_a_promise_that_was_late_when_it_was_made_is_pressed_about_from_then_on() -> None:
    due, made = local(2, 17), local(6, 10)  # Friday, four days late
    assert climb(made, due=due, since=made) == (2, local(9, 10)), "its owner and team know at once, nobody above"
    assert climb(local(9, 9), due=due, since=made)[0] == 2
    assert climb(local(9, 10), due=due, since=made) == (3, local(11, 10))
    assert climb(local(13, 10), due=due, since=made) == (5, None)


def test_a_clinical_one_that_was_late_when_it_was_made_reaches_the_top_hours_later() -> None:
    due, made = local(2, 17), local(6, 10)
    assert climb(made, due=due, since=made, priority="clinical") == (2, local(6, 14))
    assert climb(local(6, 14), due=due, since=made, priority="clinical") == (3, None)


def test_a_clinical_ladder_begins_at_once_and_never_waits_for_business_hours() -> None:
    due = local(7, 3)  # Saturday night
    assert climb(local(2, 8), due=due, priority="clinical") == (1, due)
    assert climb(due, due=due, priority="clinical") == (2, local(7, 7))
    assert climb(local(7, 7), due=due, priority="clinical") == (3, None)


def test_a_ladder_raises_a_priority_and_never_lowers_one() -> None:
    assert rules.raised("routine", to="urgent") == "urgent"
    assert rules.raised("clinical", to="urgent") == "clinical"
    assert rules.raised("urgent", to="") == "urgent"


def test_a_ladder_climbed_several_rungs_at_once_raises_as_if_one_by_one() -> None:
    def raise_to(now: datetime, priority: str = "routine") -> str:
        return rules.climb(
            priority=priority, due_at=local(5, 17), started_at=local(2, 8), now=now, calendar=FEDERAL, zone=ZONE
        ).raise_to  # fmt: skip

    assert [raise_to(local(5, 0)), raise_to(local(5, 17)), raise_to(local(11, 17))] == ["", "urgent", "urgent"]
    assert raise_to(local(11, 17), "clinical") == ""


def test_missing_evidence_keeps_the_order_of_the_kind() -> None:
    assert rules.missing(("a", "b", "c"), present={"b"}) == ("a", "c")


@pytest.mark.parametrize(
    ("seconds", "is_last", "same", "undoable", "may"),
    [
        (9, True, True, True, True),
        (29, True, True, True, True),  # pressed in time, and long on its way
        (30, True, True, True, False),
        (-1, True, True, True, False),
        (1, False, True, True, False),
        (1, True, False, True, False),
        (1, True, True, False, False),
    ],
)
def test_a_slip_is_taken_back_by_who_made_it_within_ten_seconds(
    seconds: int, is_last: bool, same: bool, undoable: bool, may: bool
) -> None:
    found = rules.may_undo(
        done_at=NOW,
        now=NOW + timedelta(seconds=seconds),
        is_last=is_last,
        by_same_person=same,
        undoable=undoable,
    )
    assert found is may


def test_the_clock_that_is_due_first_is_the_next_step() -> None:
    assert rules.earliest_running([(local(6, 1), 7), (local(5, 1), 9)]) == 9
    assert rules.earliest_running([]) is None


def test_a_snooze_lies_ahead_and_ends_by_the_due_time() -> None:
    due = local(5, 9)
    assert rules.snooze_is_short_enough(due, due_at=due, now=NOW)
    assert not rules.snooze_is_short_enough(due + timedelta(seconds=1), due_at=due, now=NOW)
    assert not rules.snooze_is_short_enough(NOW, due_at=due, now=NOW)


def test_a_patients_loops_stay_together_when_a_desk_is_shared_out() -> None:
    tom, team = Owner(user_id=1), Owner(team_id=1)
    everybody = {tom: {10, 11, 12}, team: {10, 11, 12}}
    loops = [(10, 1), (11, 2), (10, 3), (12, 4)]
    shared = rules.share_out(loops, covers=[tom, team], load={tom: 1}, sees=everybody)
    assert [(each.loop_id, each.to) for each in shared] == [(1, team), (3, team), (2, tom), (4, tom)]
    with pytest.raises(ValueError, match="Nobody"):
        rules.share_out([], covers=[], load={}, sees={})


def test_nobody_gets_a_loop_of_a_patient_whom_they_cannot_see_and_what_nobody_sees_is_left_out() -> None:
    tom, pat = Owner(user_id=1), Owner(user_id=2)
    loops = [(10, 1), (11, 2), (10, 3), (12, 4)]
    shared = rules.share_out(loops, covers=[tom, pat], load={tom: 9}, sees={tom: {10}, pat: {11}})
    assert [(each.loop_id, each.to) for each in shared] == [(1, tom), (3, tom), (2, pat)]
    assert rules.share_out(loops, covers=[tom], load={}, sees={}) == ()


def test_an_owner_is_exactly_one_of_a_person_and_a_team() -> None:
    for nobody_or_two in ({}, {"user_id": 1, "team_id": 1}):
        with pytest.raises(ValueError, match="exactly one"):
            Owner(**nobody_or_two)


def test_a_kind_that_could_close_without_proof_is_refused() -> None:
    with pytest.raises(ValueError, match="no evidence"):
        LoopKind(code="x", label="X", required_evidence=())


def test_a_kind_is_registered_once_and_found_by_its_code() -> None:
    register_kind(TASK)
    assert kind_of("task") is TASK
    assert TASK in registered_kinds()
    assert TASK.evidence_label("unheard_of") == "Unheard of"
    with pytest.raises(ValueError, match="differently"):
        register_kind(LoopKind(code="task", label="Other", required_evidence=("x",)))
    with pytest.raises(LookupError, match="registered are"):
        kind_of("no such kind")
