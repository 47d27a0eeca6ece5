"""The states of a referral, their clocks and how FHIR says them: pure, no database."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from liaison.core.calendars import FEDERAL
from liaison.loops.rules import event_words
from liaison.orders import rules
from liaison.orders.ports import REFERRAL, REPORT, REVIEWED, TOLD, Target
from liaison.orders.rules import Names, State

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
ZONE = ZoneInfo("America/New_York")
NAMES = Names(patient="Walter Ng", target="Heart Center", referrer="Dr Imani", specialty="cardiology")


def clock(state: State, *, urgency: str = "routine", visit_at: datetime | None = None) -> rules.ClockToStart | None:
    return rules.clock_for(
        state, urgency=urgency, names=NAMES, referral_id=7, now=NOW, visit_at=visit_at, zone=ZONE, calendar=FEDERAL
    )


@pytest.mark.parametrize(
    ("state", "routine", "urgent"),
    [
        (State.DRAFT, "03-05 23:59", "03-04 14:00"),
        (State.SENT, "03-06 23:59", "03-04 14:00"),
        (State.RECEIVED, "03-11 23:59", "03-05 23:59"),
        (State.ACCEPTED, "03-18 23:59", "03-06 23:59"),
        (State.DECLINED, "03-05 23:59", "03-04 14:00"),
        (State.SCHEDULED, "03-20 23:59", "03-20 23:59"),
        (State.NO_SHOW, "03-11 23:59", "03-05 23:59"),
        (State.VISIT_CANCELLED, "03-11 23:59", "03-05 23:59"),
        (State.SEEN, "03-31 23:59", "03-31 23:59"),
        (State.NOTE_RECEIVED, "03-09 23:59", "03-09 23:59"),
        (State.REVIEWED, "03-11 23:59", "03-11 23:59"),
        (State.CANCEL_REQUESTED, "03-06 23:59", "03-05 23:59"),
    ],
)
def test_every_open_state_has_its_clock_routine_and_urgent(state: State, routine: str, urgent: str) -> None:
    visit = datetime(2026, 3, 20, 14, tzinfo=ZONE)
    for urgency, expected in (("routine", routine), ("urgent", urgent)):
        started = clock(state, urgency=urgency, visit_at=visit)
        assert started is not None
        assert f"{started.due_at.astimezone(ZONE):%m-%d %H:%M}" == expected
        assert started.rule_version == "2026.1"


def test_a_clock_says_its_rule_and_who_must_move_first() -> None:
    started = clock(State.SENT)
    assert started is not None
    assert (started.step, started.waiting_on) == (
        "Confirm that Heart Center has Walter Ng's referral", "Heart Center",
    )  # fmt: skip
    assert started.source.endswith("closed-loop referral: 2 business days, routine")
    assert started.anchor_event == "referral:7:sent"


def test_a_clock_says_what_it_is_counted_from_and_which_days_it_leaves_out() -> None:
    visit = datetime(2026, 3, 20, 14, tzinfo=ZONE)
    for state, event, calendar in (
        (State.SCHEDULED, "visit:referral:7", ""),
        (State.SEEN, "visit:referral:7", "federal"),
        (State.ACCEPTED, "referral:7:accepted", "federal"),
    ):
        started = clock(state, visit_at=visit)
        assert started is not None
        assert (started.anchor_event, started.calendar) == (event, calendar)
        assert event_words(event, kind=REFERRAL) == ("the visit" if "visit" in event else "when they accepted")
    urgent = clock(State.SENT, urgency="urgent")
    assert urgent is not None
    assert urgent.calendar == "", "four hours leave no day out"


def test_every_state_of_a_referral_is_said_where_a_clock_runs_from_it() -> None:
    assert all(event_words(f"referral:7:{state}", kind=REFERRAL) for state in State)


def test_a_clock_from_a_visit_without_a_time_runs_from_now() -> None:
    started = clock(State.SEEN)
    assert started is not None
    assert started.anchor_at == NOW


def test_what_has_ended_has_no_clock() -> None:
    assert clock(State.CLOSED) is None
    assert clock(State.CANCELLED) is None


def test_the_table_of_a_later_date_does_not_hold_yet() -> None:
    rule = rules.clock_rule(State.SENT, on=date(2026, 1, 1))
    assert rule is not None
    assert rule.rule_id == "referral.acknowledge"


def test_nothing_follows_a_referral_that_has_ended() -> None:
    for ended in rules.ENDED:
        assert not any(rules.may_become(ended, to=state) for state in State)


def test_every_state_but_the_draft_can_be_reached_and_left_towards_an_end() -> None:
    reached = {State.DRAFT}
    for _ in State:
        reached |= {state for state in State if any(rules.may_become(known, to=state) for known in reached)}
    assert reached == set(State)
    ends_there = set(rules.ENDED)
    for _ in State:
        ends_there |= {state for state in State if any(rules.may_become(state, to=end) for end in ends_there)}
    assert ends_there == set(State), "no state is a trap"


def test_three_facts_close_a_referral_in_any_order() -> None:
    assert rules.missing_facts([TOLD]) == (REPORT, REVIEWED)
    assert rules.missing_facts([TOLD, REVIEWED, REPORT]) == ()


def test_a_referral_asks_somebody() -> None:
    with pytest.raises(ValueError, match="asks somebody"):
        Target()
