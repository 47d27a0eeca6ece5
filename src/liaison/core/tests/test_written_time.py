"""Dates and times as kept sentences write them."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from liaison.core import written_time

VISIT = datetime(2026, 3, 9, 9, 5, tzinfo=ZoneInfo("America/New_York"))


def test_a_time_of_day_counts_to_24_and_none_is_nothing() -> None:
    assert written_time.clock_time(VISIT) == "09:05"
    assert written_time.clock_time(time(17, 0)) == "17:00"
    assert written_time.clock_time(None) == ""


def test_a_day_of_a_single_digit_has_no_zero() -> None:
    assert written_time.long_day(VISIT) == "March 9"
    assert written_time.full_day(VISIT.date()) == "Mar 9, 2026"


def test_the_year_is_said_where_it_is_another() -> None:
    assert written_time.near_day(VISIT, year=2026) == "Mar 9"
    assert written_time.near_day(date(2027, 1, 31), year=2026) == "Jan 31, 2027"


def test_a_visit_is_said_with_the_day_of_the_week() -> None:
    assert written_time.day_and_time(VISIT) == "Mon, Mar 9, 09:05"
    assert written_time.full_day_and_time(VISIT) == "Mon, Mar 9, 2026, 09:05"
