"""When people of the clinic are at work: nothing that a person does in the demonstration happens at night."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from liaison.core.calendars import FEDERAL

BEGINS: Final = time(8, 10)
ENDS: Final = time(16, 50)
_SETTLED: Final = timedelta(minutes=30)
_DAY: Final = timedelta(days=1)
_QUARTER: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Working hours on business days at one wall clock, seen at `now`, an aware instant."""

    zone: ZoneInfo
    now: datetime

    def past(self, at: datetime) -> datetime:
        """A working moment for something that happened at `at`; never after `now`, and whatever came earlier stays so.

        A business day and the closed days after it are squeezed into that day's working hours, today's into those
        that have passed.
        """
        today = self._today()
        at = min(at, self.now)
        day = today if at >= self._midnight(today) else _business_day_at(at.astimezone(self.zone).date())
        if day == today:
            starts, ends = self._midnight(day), self.now
            begins, closes = self._at(day, BEGINS), min(self.now, self._at(day, ENDS))
        else:
            starts, ends = self._midnight(day), self._midnight(_business_day_after(day))
            begins, closes = self._at(day, BEGINS), self._at(day, ENDS)
        return begins + (closes - begins) * ((at - starts) / (ends - starts))

    @property
    def at_work(self) -> datetime:
        """The last moment, up to `now`, at which somebody was at work."""
        return self.past(self.now)

    def ago(self, how_long: timedelta) -> datetime:
        """A working moment about so long before now."""
        return self.past(self.now - how_long)

    def due(self, at: datetime) -> datetime:
        """A quarter of an hour in working hours by which something is due, for one that lies anywhere."""
        local = at.astimezone(self.zone)
        on = local.date() if FEDERAL.is_business_day(local.date()) else _business_day_after(local.date())
        share = (local - self._midnight(local.date())) / _DAY
        quarters = round((self._at(on, ENDS) - self._at(on, BEGINS)) * share / _QUARTER)
        return self._at(on, time(8, 15)) + _QUARTER * min(quarters, 34)

    def soon_after(self, at: datetime) -> datetime:
        """`at` when somebody is at work then, else when they begin the next time, some minutes later."""
        local = at.astimezone(self.zone)
        on = local.date()
        if FEDERAL.is_business_day(on) and BEGINS <= local.time() < ENDS:
            return at
        if not FEDERAL.is_business_day(on) or local.time() >= ENDS:
            on = _business_day_after(on)
        return self._at(on, BEGINS) + timedelta(minutes=local.minute * 2)

    def business_days(self, *, back: int, ahead: int) -> Iterator[date]:
        """The business days from `back` days before today to `ahead` days after it."""
        today = self.now.astimezone(self.zone).date()
        days = (today + timedelta(days=offset) for offset in range(-back, ahead + 1))
        return (day for day in days if FEDERAL.is_business_day(day))

    def _today(self) -> date:
        """The business day that is under way, or the last one before."""
        local = self.now.astimezone(self.zone)
        begun = local >= self._at(local.date(), BEGINS) + _SETTLED
        return _business_day_at(local.date() if begun else local.date() - _DAY)

    def _at(self, on: date, at: time) -> datetime:
        return datetime.combine(on, at, tzinfo=self.zone)

    def _midnight(self, on: date) -> datetime:
        return self._at(on, time(0))


def _business_day_at(on: date) -> date:
    """The day itself, or the last business day before it."""
    while not FEDERAL.is_business_day(on):
        on -= _DAY
    return on


def _business_day_after(on: date) -> date:
    on += _DAY
    while not FEDERAL.is_business_day(on):
        on += _DAY
    return on
