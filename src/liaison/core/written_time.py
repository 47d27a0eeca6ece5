"""Dates and times as kept sentences write them: a title, a note, a story, a message about what was done.

They are read on other days than they are written, so nothing here is "tomorrow" or "in 40 min"; for what a page says
from where it stands see `spoken_time`. All take what stands on the wall clock of the place: a date, or an instant that
was put into its zone. English, without Django, so that rules may say dates too.
"""

from __future__ import annotations

from datetime import date, datetime, time


def clock_time(at: datetime | time | None) -> str:
    """The time of day by 24 hours, "09:30"; "" for none."""
    return f"{at:%H:%M}" if at is not None else ""


def long_day(on: date) -> str:
    """A day of about now in a title, "March 9"."""
    return f"{on:%B} {on.day}"


def near_day(on: date, *, year: int) -> str:
    """A day in `year` as "Mar 9", in another as "Mar 9, 2027"."""
    return f"{on:%b} {on.day}" if on.year == year else full_day(on)


def full_day(on: date) -> str:
    """A day in any year, "Mar 9, 2026"."""
    return f"{on:%b} {on.day}, {on.year}"


def day_and_time(local: datetime) -> str:
    """When something of about now is, "Mon, Mar 9, 09:30"."""
    return f"{local:%a}, {local:%b} {local.day}, {clock_time(local)}"


def full_day_and_time(local: datetime) -> str:
    """When something in any year is, "Mon, Mar 9, 2026, 09:30"."""
    return f"{local:%a}, {full_day(local)}, {clock_time(local)}"
