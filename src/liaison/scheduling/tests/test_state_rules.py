"""States, limits and reminders: the tables of DOMAIN 1.2, 1.5, 1.7 and 8.3."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from liaison.core.calendars import FEDERAL
from liaison.scheduling.rules import (
    ENDED,
    HOLDS_TIME,
    NEXT,
    Lead,
    ReminderKind,
    Span,
    State,
    is_late_cancellation,
    lead_of,
    may_move,
    reminder_plan,
    sits_inside,
)

TODAY = date(2026, 3, 2)
YESTERDAY = date(2026, 3, 1)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize("state", list(State))
def test_every_state_says_what_may_follow_and_nothing_follows_itself(state: State) -> None:
    assert state not in NEXT[state]
    assert (State.ENTERED_IN_ERROR in NEXT[state]) or state is State.ENTERED_IN_ERROR
    assert not (state in ENDED and state in HOLDS_TIME)


def test_a_booked_visit_may_be_missed_but_a_cancelled_one_never_comes_back() -> None:
    assert may_move(State.BOOKED, State.NO_SHOW, visit_on=YESTERDAY, today=TODAY)
    assert not may_move(State.CANCELLED, State.BOOKED, visit_on=TODAY, today=TODAY)


def test_an_arrival_is_undone_and_a_late_patient_let_in_only_on_the_day_itself() -> None:
    for before, after in ((State.ARRIVED, State.BOOKED), (State.NO_SHOW, State.ARRIVED)):
        assert may_move(before, after, visit_on=TODAY, today=TODAY)
        assert not may_move(before, after, visit_on=YESTERDAY, today=TODAY)


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(-1, Lead.PAST), (1, Lead.TOO_SOON), (2, Lead.FITS), (48, Lead.FITS), (49, Lead.TOO_FAR)],
)
def test_a_start_is_measured_against_the_lead_times(hours: int, expected: Lead) -> None:
    start = NOON + timedelta(hours=hours)
    assert lead_of(start=start, now=NOON, least=timedelta(hours=2), most=timedelta(hours=48)) is expected


def test_without_a_longest_lead_time_any_later_start_fits() -> None:
    assert lead_of(start=NOON + timedelta(days=900), now=NOON, least=timedelta(0), most=None) is Lead.FITS


def test_a_claim_sits_inside_working_time_only_if_no_closure_touches_it() -> None:
    claim = Span(NOON, NOON + timedelta(hours=1))
    morning = Span(NOON - timedelta(hours=3), NOON + timedelta(minutes=30))
    rest = Span(NOON + timedelta(minutes=30), NOON + timedelta(hours=3))
    assert sits_inside(claim, working=[morning, rest], closed=[])
    assert not sits_inside(claim, working=[morning], closed=[])
    assert not sits_inside(claim, working=[morning, rest], closed=[Span(NOON, NOON + timedelta(minutes=1))])


def test_a_cancellation_is_late_inside_its_window() -> None:
    assert is_late_cancellation(start=NOON + timedelta(hours=23), now=NOON, window=timedelta(hours=24))
    assert not is_late_cancellation(start=NOON + timedelta(hours=24), now=NOON, window=timedelta(hours=24))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def test_reminders_come_a_week_three_and_one_business_days_before_at_ten_at_the_site() -> None:
    plan = reminder_plan(
        start=local("2026-03-10 09:00"), zone=NEW_YORK, is_telehealth=False, calendar=FEDERAL, now=NOON
    )
    assert [(reminder.kind, reminder.at) for reminder in plan] == [
        (ReminderKind.WEEK, local("2026-03-03 10:00")),
        (ReminderKind.THREE_DAYS, local("2026-03-05 10:00")),
        (ReminderKind.DAY_BEFORE, local("2026-03-09 10:00")),
    ]


def test_a_visit_booked_for_tomorrow_needs_no_reminder_on_the_day_of_booking() -> None:
    plan = reminder_plan(
        start=local("2026-03-03 09:00"), zone=NEW_YORK, is_telehealth=False, calendar=FEDERAL, now=NOON
    )
    assert plan == ()


def test_telehealth_is_reminded_two_hours_before_unless_that_is_past() -> None:
    soon = NOON + timedelta(hours=3)
    plan = reminder_plan(start=soon, zone=NEW_YORK, is_telehealth=True, calendar=FEDERAL, now=NOON)
    assert [reminder.at for reminder in plan] == [NOON + timedelta(hours=1)]
    too_soon = NOON + timedelta(hours=2)
    assert reminder_plan(start=too_soon, zone=NEW_YORK, is_telehealth=True, calendar=FEDERAL, now=NOON) == ()
