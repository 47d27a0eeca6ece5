"""Business days, holidays and due times: pure functions on dates, no clock and no database.

A calendar composes layers of holidays: the federal ones (5 U.S.C. 6103, with the day on which a weekend
holiday is observed), an organization's own, a payer's. Due times fall at the end of the local day of the
place of service unless a rule counts hours, which run in elapsed UTC (DOMAIN 3.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import holidays

LAST_SECOND: Final = time(23, 59, 59)
SATURDAY: Final = 5
FURTHEST_DAYS: Final = 3660
"""No rule counts further than ten years; a calendar without any business day stops here."""


class Unit(StrEnum):
    """What an allowance counts."""

    BUSINESS_DAYS = "business_days"
    CALENDAR_DAYS = "calendar_days"
    HOURS = "hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How long a rule allows: an amount of a unit, and the cut-off if the rule knows one.

    With `cut_off`, an event at or after that local time counts as the next day's (DOMAIN 3.3: only where the
    rule says so). `roll_forward` moves a zero or calendar-day allowance off a closed day to an open one.
    """

    amount: int
    unit: Unit
    cut_off: time | None = None
    roll_forward: bool = False

    def __post_init__(self) -> None:
        """Refuse to count backwards: a rule that warns early says so with `minus_business_days`."""
        if self.amount < 0:
            raise ValueError(f"An allowance is never negative: {self.amount} {self.unit}.")

    def days_off(self, calendar: BusinessCalendar) -> str:
        """The name of the calendar whose closed days it leaves out, as a clock records it; "" when it counts all."""
        return calendar.name if self.unit is Unit.BUSINESS_DAYS else ""

    def __str__(self) -> str:
        noun = {Unit.BUSINESS_DAYS: "business day", Unit.CALENDAR_DAYS: "day", Unit.HOURS: "hour"}[self.unit]
        return f"{self.amount} {noun}{'' if self.amount == 1 else 's'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holidays:
    """One layer of closed days: its name ("organization", "payer:7") and each day's name."""

    name: str
    days: Mapping[date, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessCalendar:
    """Monday to Friday, but for the holidays of its layers. Composable by `with_layers`."""

    federal: bool = True
    layers: tuple[Holidays, ...] = ()

    @property
    def name(self) -> str:
        """The layers' names, as a clock records them: "federal+organization"."""
        names = (["federal"] if self.federal else []) + [layer.name for layer in self.layers]
        return "+".join(names) or "weekdays"

    def with_layers(self, *layers: Holidays) -> BusinessCalendar:
        """The same calendar with more closed days."""
        return BusinessCalendar(federal=self.federal, layers=(*self.layers, *layers))

    def holiday_name(self, on: date) -> str:
        """Why this day is closed, or "" when it is no holiday (it may still be a weekend)."""
        if self.federal and (name := federal_holidays(on.year).get(on)):
            return name
        return next((layer.days[on] for layer in self.layers if on in layer.days), "")

    def is_business_day(self, on: date) -> bool:
        """Whether work is done on this day."""
        return on.weekday() < SATURDAY and not self.holiday_name(on)


FEDERAL: Final = BusinessCalendar()
"""Weekdays but for federal holidays: the calendar of the federal rules (DOMAIN 2.1)."""


@lru_cache(maxsize=64)
def federal_holidays(year: int) -> Mapping[date, str]:
    """The federal holidays that fall in a year, observed days included (1 January 2028 counts in 2027).

    A holiday on a Saturday is observed on the Friday before (5 U.S.C. 6103(b)), one on a Sunday on the Monday after
    (Executive Order 11582).
    """
    both = holidays.country_holidays("US", years=(year, year + 1), observed=True)
    return MappingProxyType({on: name for on, name in both.items() if on.year == year})


def organization_holidays(name: str, *, days: Iterable[tuple[date, str]]) -> Holidays:
    """A layer of closed days from rows of data; `name` says whose ("organization", "payer:7")."""
    return Holidays(name=name, days=MappingProxyType(dict(days)))


def next_business_day(on: date, *, calendar: BusinessCalendar) -> date:
    """The day itself when it is a business day, else the first one after it."""
    return on if calendar.is_business_day(on) else add_business_days(on, days=1, calendar=calendar)


def add_business_days(on: date, *, days: int, calendar: BusinessCalendar = FEDERAL, roll_forward: bool = False) -> date:
    """The n-th business day after `on` (before it, for a negative n); day 1 is the first one after.

    n = 0 is the date itself or, under roll-forward, the next business day (DOMAIN 3.3). Raises OverflowError
    when the calendar has no business day within ten years.
    """
    if days == 0:
        return next_business_day(on, calendar=calendar) if roll_forward else on
    step = timedelta(days=1 if days > 0 else -1)
    left, reached = abs(days), on
    for _ in range(FURTHEST_DAYS):
        reached += step
        left -= calendar.is_business_day(reached)
        if not left:
            return reached
    raise OverflowError(f"No {abs(days)} business days within ten years of {on} in calendar {calendar.name}.")


def counting_day(at: datetime, *, zone: tzinfo, cut_off: time | None = None) -> date:
    """The local day an event counts for: its own or, at or after the cut-off, the next."""
    local = at.astimezone(zone)
    late = cut_off is not None and local.time() >= cut_off
    return local.date() + timedelta(days=1 if late else 0)


def end_of_day(on: date, *, zone: tzinfo) -> datetime:
    """23:59:59 of that local day, as an instant in UTC."""
    return datetime.combine(on, LAST_SECOND, tzinfo=zone).astimezone(UTC)


def start_of_day(on: date, *, zone: tzinfo) -> datetime:
    """00:00 of that local day, as an instant in UTC."""
    return datetime.combine(on, time(0), tzinfo=zone).astimezone(UTC)


def due_after(
    anchor_at: datetime, *, allowance: Allowance, zone: tzinfo, calendar: BusinessCalendar = FEDERAL
) -> datetime:
    """When something is due that may take `allowance` from `anchor_at`: an instant in UTC."""
    if allowance.unit is Unit.HOURS:
        return anchor_at.astimezone(UTC) + timedelta(hours=allowance.amount)
    return due_after_day(
        counting_day(anchor_at, zone=zone, cut_off=allowance.cut_off),
        allowance=allowance,
        zone=zone,
        calendar=calendar,
    )


def due_after_day(on: date, *, allowance: Allowance, zone: tzinfo, calendar: BusinessCalendar = FEDERAL) -> datetime:
    """The same for an anchor that is a date only (a discharge date). Hours need an instant: ValueError."""
    if allowance.unit is Unit.HOURS:
        raise ValueError("An allowance in hours runs from an instant, not from a date.")
    if allowance.unit is Unit.BUSINESS_DAYS:
        day = add_business_days(on, days=allowance.amount, calendar=calendar, roll_forward=allowance.roll_forward)
    else:
        day = on + timedelta(days=allowance.amount)
        day = next_business_day(day, calendar=calendar) if allowance.roll_forward else day
    return end_of_day(day, zone=zone)
