"""Business days, observed holidays and due times, with the vectors of DOMAIN 2.1 and 3.3."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.core.calendars import (
    FEDERAL,
    Allowance,
    BusinessCalendar,
    Unit,
    add_business_days,
    counting_day,
    due_after,
    due_after_day,
    end_of_day,
    federal_holidays,
    next_business_day,
    organization_holidays,
    start_of_day,
)

NEW_YORK = ZoneInfo("America/New_York")
PHOENIX = ZoneInfo("America/Phoenix")


def days(amount: int, **more: object) -> Allowance:
    return Allowance(amount=amount, unit=Unit.BUSINESS_DAYS, **more)  # type: ignore[arg-type]  # keywords of several types


@pytest.mark.parametrize(
    ("discharged_on", "contact_by", "seven_days", "fourteen_days", "period_ends"),
    [
        ("2026-02-13", "2026-02-18", "2026-02-20", "2026-02-27", "2026-03-14"),
        ("2026-07-02", "2026-07-07", "2026-07-09", "2026-07-16", "2026-07-31"),
        ("2026-11-25", "2026-11-30", "2026-12-02", "2026-12-09", "2026-12-24"),
        ("2026-12-24", "2026-12-29", "2026-12-31", "2027-01-07", "2027-01-22"),
    ],
)
def test_the_deadlines_after_a_discharge_are_those_of_the_transitional_care_table(
    discharged_on: str, contact_by: str, seven_days: str, fourteen_days: str, period_ends: str
) -> None:
    discharged = date.fromisoformat(discharged_on)
    assert add_business_days(discharged, days=2) == date.fromisoformat(contact_by)
    for amount, expected in ((7, seven_days), (14, fourteen_days), (29, period_ends)):
        due = due_after_day(discharged, allowance=Allowance(amount=amount, unit=Unit.CALENDAR_DAYS), zone=NEW_YORK)
        assert due.astimezone(NEW_YORK).date() == date.fromisoformat(expected)


def test_the_federal_holidays_of_2026_include_the_observed_third_of_july() -> None:
    closed = sorted(on for on in federal_holidays(2026) if on.weekday() < 5)
    assert [f"{on:%m-%d}" for on in closed] == [
        "01-01", "01-19", "02-16", "05-25", "06-19", "07-03", "09-07", "10-12", "11-11", "11-26", "12-25",
    ]  # fmt: skip


def test_the_federal_holidays_of_2021_have_the_new_one_and_two_new_years() -> None:
    assert federal_holidays(2021)[date(2021, 6, 18)] == "Juneteenth National Independence Day (observed)"
    assert date(2020, 6, 19) not in federal_holidays(2020)
    assert federal_holidays(2021)[date(2021, 12, 31)] == "New Year's Day (observed)"
    assert federal_holidays(2026)[date(2026, 11, 26)] == "Thanksgiving Day"


def test_an_allowance_says_which_days_it_leaves_out() -> None:
    assert days(2).days_off(FEDERAL) == "federal"
    assert Allowance(amount=2, unit=Unit.CALENDAR_DAYS).days_off(FEDERAL) == ""
    assert Allowance(amount=2, unit=Unit.HOURS).days_off(FEDERAL) == ""


def test_a_new_year_on_a_saturday_is_observed_in_the_year_before() -> None:
    assert not FEDERAL.is_business_day(date(2027, 12, 31))
    assert "New Year" in FEDERAL.holiday_name(date(2027, 12, 31))


def test_an_organization_and_a_payer_close_further_days() -> None:
    ours = organization_holidays("organization", days=[(date(2026, 11, 27), "Day after Thanksgiving")])
    payer = organization_holidays("payer:7", days=[(date(2026, 11, 30), "Inventory")])
    calendar = FEDERAL.with_layers(ours, payer)
    assert calendar.name == "federal+organization+payer:7"
    assert calendar.holiday_name(date(2026, 11, 27)) == "Day after Thanksgiving"
    assert add_business_days(date(2026, 11, 25), days=1, calendar=calendar) == date(2026, 12, 1)
    assert BusinessCalendar(federal=False).name == "weekdays"
    assert BusinessCalendar(federal=False).is_business_day(date(2026, 11, 26))


def test_no_days_at_all_is_the_day_itself_unless_it_rolls_forward() -> None:
    saturday = date(2026, 7, 4)
    assert add_business_days(saturday, days=0) == saturday
    assert add_business_days(saturday, days=0, roll_forward=True) == date(2026, 7, 6)
    assert next_business_day(date(2026, 7, 6), calendar=FEDERAL) == date(2026, 7, 6)


def test_counting_backwards_skips_closed_days_too() -> None:
    assert add_business_days(date(2026, 7, 7), days=-2) == date(2026, 7, 2)


def test_a_calendar_without_an_open_day_says_so_instead_of_counting_for_ever() -> None:
    start = date(2026, 1, 1)
    never = organization_holidays("closed", days=[(start + timedelta(days=n), "closed") for n in range(4000)])
    with pytest.raises(OverflowError, match="federal\\+closed"):
        add_business_days(start, days=1, calendar=FEDERAL.with_layers(never))


def test_an_event_after_the_cut_off_counts_as_the_next_day_only_where_the_rule_says_so() -> None:
    at = datetime(2026, 3, 3, 22, 30, tzinfo=UTC)  # Tuesday 17:30 in New York
    assert counting_day(at, zone=NEW_YORK) == date(2026, 3, 3)
    assert counting_day(at, zone=NEW_YORK, cut_off=time(17)) == date(2026, 3, 4)
    assert counting_day(at, zone=NEW_YORK, cut_off=time(18)) == date(2026, 3, 3)
    assert due_after(at, allowance=days(1), zone=NEW_YORK) == end_of_day(date(2026, 3, 4), zone=NEW_YORK)
    assert due_after(at, allowance=days(1, cut_off=time(17)), zone=NEW_YORK) == end_of_day(
        date(2026, 3, 5), zone=NEW_YORK
    )


def test_a_due_day_ends_with_its_last_second_in_the_zone_of_the_site() -> None:
    assert end_of_day(date(2026, 3, 4), zone=NEW_YORK) == datetime(2026, 3, 5, 4, 59, 59, tzinfo=UTC)
    assert end_of_day(date(2026, 3, 4), zone=PHOENIX) == datetime(2026, 3, 5, 6, 59, 59, tzinfo=UTC)
    assert start_of_day(date(2026, 3, 4), zone=NEW_YORK) == datetime(2026, 3, 4, 5, tzinfo=UTC)


def test_hours_elapse_in_utc_across_the_change_of_the_clocks() -> None:
    at = datetime(2026, 3, 8, 1, 30, tzinfo=NEW_YORK)  # half an hour before 02:00 becomes 03:00
    due = due_after(at, allowance=Allowance(amount=4, unit=Unit.HOURS), zone=NEW_YORK)
    assert due.astimezone(NEW_YORK).strftime("%H:%M") == "06:30"


def test_hours_can_not_run_from_a_date() -> None:
    with pytest.raises(ValueError, match="instant"):
        due_after_day(date(2026, 3, 4), allowance=Allowance(amount=4, unit=Unit.HOURS), zone=NEW_YORK)


def test_calendar_days_may_roll_forward_to_an_open_day() -> None:
    rolls = Allowance(amount=1, unit=Unit.CALENDAR_DAYS, roll_forward=True)
    due = due_after_day(date(2026, 7, 2), allowance=rolls, zone=NEW_YORK)
    assert due.astimezone(NEW_YORK).date() == date(2026, 7, 6)


def test_an_allowance_says_itself_and_is_never_negative() -> None:
    assert str(days(1)) == "1 business day"
    assert str(Allowance(amount=4, unit=Unit.HOURS)) == "4 hours"
    assert str(Allowance(amount=2, unit=Unit.CALENDAR_DAYS)) == "2 days"
    with pytest.raises(ValueError, match="never negative"):
        days(-1)


@given(on=st.dates(date(2000, 1, 1), date(2060, 1, 1)), amount=st.integers(1, 40))
def test_the_nth_business_day_is_open_and_has_n_open_days_up_to_it(on: date, amount: int) -> None:
    reached = add_business_days(on, days=amount)
    assert FEDERAL.is_business_day(reached)
    between = (on + timedelta(days=n) for n in range(1, (reached - on).days + 1))
    assert sum(FEDERAL.is_business_day(day) for day in between) == amount


@given(on=st.dates(date(2000, 1, 1), date(2060, 1, 1)), amount=st.integers(1, 40))
def test_from_an_open_day_counting_there_and_back_ends_where_it_began(on: date, amount: int) -> None:
    start = next_business_day(on, calendar=FEDERAL)
    assert add_business_days(add_business_days(start, days=amount), days=-amount) == start
