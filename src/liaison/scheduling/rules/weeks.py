"""Weeks and months as a calendar shows them: Monday first (ISO 8601)."""

from collections.abc import Sequence
from datetime import date, timedelta

_DAY = timedelta(days=1)


def monday_of(on: date) -> date:
    """The Monday of the week of this day."""
    return on - on.weekday() * _DAY


def days_of_week(on: date) -> Sequence[date]:
    """The seven days of the week of this day, Monday first."""
    return [monday_of(on) + number * _DAY for number in range(7)]


def days_of_month(on: date) -> Sequence[date]:
    """Whole weeks, Monday first, that hold every day of the month of `on`: 28, 35 or 42 days."""
    first = on.replace(day=1)
    last = months_around(on)[1] - _DAY
    start, end = monday_of(first), monday_of(last) + 6 * _DAY
    return [start + number * _DAY for number in range((end - start).days + 1)]


def months_around(on: date) -> tuple[date, date]:
    """The first days of the months before and after that of `on`."""
    first = on.replace(day=1)
    return (first - _DAY).replace(day=1), (first + 31 * _DAY).replace(day=1)
