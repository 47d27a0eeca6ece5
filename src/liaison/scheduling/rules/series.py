"""Which days and instants a series falls on: a weekly or monthly rule of RFC 5545, closed days, changes of the clock.

The rule is expanded by `dateutil` on the wall clock of the site; each wall time then becomes an instant by itself, so
nine o'clock stays nine o'clock when the clocks change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from dateutil.rrule import MO, MONTHLY, WEEKLY, rrule, weekday

from liaison.core.calendars import BusinessCalendar
from liaison.scheduling.rules.wall import day_span, settle

MOST_VISITS: Final = 100
MOST_DAYS: Final = 730
MOST_APART_IN_SERIES: Final = 12
_MOST_MOVED_DAYS: Final = 7
_CODES: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_SHORTEST_MONTH: Final = 28
_LAST: Final = -1
_DAY: Final = timedelta(days=1)


class HolidayPolicy(StrEnum):
    """What becomes of a visit that falls on a closed day."""

    SKIP = "skip"
    NEXT = "next"
    KEEP = "keep"


class Repeats(StrEnum):
    """What a series repeats by: weeks, or months with one visit each, on a day that its first day names."""

    WEEKLY = "weekly"
    DAY_OF_MONTH = "day"
    WEEKDAY_OF_MONTH = "weekday"
    LAST_WEEKDAY = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Every `every` weeks on `weekdays` (Monday is 0), or every `every` months, at the wall time `at` from `first_on`.

    It ends after `count` visits or with the day `until`, exactly one of the two. The weeks begin on Monday, and the
    week or month of `first_on` is the first. A day left out for a holiday is not counted: twelve visits are twelve.
    By the day of the month it is that of `first_on`, in a shorter month the last: RFC 5545 (3.3.10) would leave such a
    month out, and a visit with it. By the weekday it is as in the month of `first_on`, e.g. the second Tuesday; a fifth
    is the last one.
    """

    first_on: date
    at: time
    weekdays: frozenset[int] = frozenset()
    repeats: Repeats = Repeats.WEEKLY
    every: int = 1
    count: int | None = None
    until: date | None = None

    @property
    def in_month(self) -> int:
        """Which of its weekday in the month a monthly visit is: 1 to 4, or -1 for the last."""
        if self.repeats is Repeats.LAST_WEEKDAY or self.first_on.day > _SHORTEST_MONTH:
            return _LAST
        return (self.first_on.day - 1) // 7 + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One day of the rule: its `position` (from 1), the day that the rule names, and what the holidays make of it.

    `rule_at` is the start on that day, `at` the one on `on`; those two are None when it is left out. `holiday` names
    why `planned_on` is closed. `is_shifted` says that the clocks skip the wall time, `is_twice` that it comes twice.
    """

    position: int
    planned_on: date
    rule_at: datetime
    on: date | None
    at: datetime | None
    holiday: str = ""
    is_shifted: bool = False
    is_twice: bool = False


def wrong_with(pattern: Pattern) -> tuple[tuple[str, str], ...]:
    """What can't be about a pattern, as pairs of the field and a sentence; nothing when it can be expanded."""
    found: list[tuple[str, str]] = []
    weekly = pattern.repeats is Repeats.WEEKLY
    if weekly and not (pattern.weekdays and pattern.weekdays <= set(range(7))):
        found.append(("weekdays", "Choose at least one day of the week."))
    if not 1 <= pattern.every <= MOST_APART_IN_SERIES:
        found.append(("every", f"Every one, or up to every {MOST_APART_IN_SERIES}."))
    if (pattern.count is None) == (pattern.until is None):
        found.append(("count", "Say how many visits, or the last day: one of the two."))
    if pattern.count is not None and not 2 <= pattern.count <= MOST_VISITS:
        found.append(("count", f"A series has 2 to {MOST_VISITS} visits."))
    if pattern.until is not None and not pattern.first_on <= pattern.until <= pattern.first_on + MOST_DAYS * _DAY:
        found.append(("until", "The last day is the first one or later, and within two years of it."))
    return tuple(found)


def rule_text(pattern: Pattern, *, zone: ZoneInfo) -> str:
    """The rule as RFC 5545 writes it; UNTIL is in UTC, as it must be beside a DTSTART with a zone."""
    apart = [f"INTERVAL={pattern.every}"] if pattern.every > 1 else []
    if pattern.repeats is Repeats.WEEKLY:
        days = ",".join(_CODES[day] for day in sorted(pattern.weekdays))
        parts = ["FREQ=WEEKLY", *apart, "WKST=MO", f"BYDAY={days}"]
    elif pattern.repeats is Repeats.DAY_OF_MONTH:
        days = ",".join(str(day) for day in _month_days(pattern.first_on))
        parts = ["FREQ=MONTHLY", *apart, f"BYMONTHDAY={days}", *(["BYSETPOS=-1"] if "," in days else [])]
    else:
        parts = ["FREQ=MONTHLY", *apart, f"BYDAY={pattern.in_month}{_CODES[pattern.first_on.weekday()]}"]
    if pattern.count is not None:
        parts.append(f"COUNT={pattern.count}")
    if pattern.until is not None:
        last = day_span(on=pattern.until, zone=zone).end.astimezone(UTC) - timedelta(seconds=1)
        parts.append(f"UNTIL={last:%Y%m%dT%H%M%SZ}")
    return ";".join(parts)


def rule_days(pattern: Pattern) -> Iterator[date]:
    """The days of the rule in order of time, within two years of the first; closed days are not looked at."""
    last = pattern.first_on + MOST_DAYS * _DAY
    if pattern.until is not None:
        last = min(last, pattern.until)
    named: dict[str, Any]
    if pattern.repeats is Repeats.WEEKLY:
        named = {"freq": WEEKLY, "byweekday": sorted(pattern.weekdays), "wkst": MO}
    elif pattern.repeats is Repeats.DAY_OF_MONTH:
        named = {"freq": MONTHLY, "bymonthday": _month_days(pattern.first_on), "bysetpos": _LAST}
    else:
        named = {"freq": MONTHLY, "byweekday": weekday(pattern.first_on.weekday(), pattern.in_month)}
    rule = rrule(
        dtstart=datetime.combine(pattern.first_on, time()),
        interval=pattern.every,
        until=datetime.combine(last, time()),
        **named,
    )
    return (moment.date() for moment in rule)


def _month_days(first_on: date) -> tuple[int, ...]:
    """The days of a month of which the last one there is counts: one, or from the 28th on up to that of `first_on`."""
    return tuple(range(min(_SHORTEST_MONTH, first_on.day), first_on.day + 1))


def expand(
    pattern: Pattern, *, zone: ZoneInfo, holidays: HolidayPolicy, calendar: BusinessCalendar
) -> tuple[Occurrence, ...]:
    """Every day of the rule up to the last visit, those left out for a holiday included.

    A wall time that the clocks skip moves forward by the gap, one that comes twice is its first occurrence, as RFC
    5545 (3.3.5, 3.3.10) reads a rule's times too. With `NEXT` a visit moves to the next business day on which the
    series has no other visit, at most a week on; where there is none it is left out. Stops one visit beyond
    `MOST_VISITS`, so that whoever asks can see that there were too many.
    """
    days = tuple(rule_days(pattern))
    most = pattern.count if pattern.count is not None else MOST_VISITS + 1
    taken = set(days)
    found: list[Occurrence] = []
    visits = 0
    for position, planned_on in enumerate(days, start=1):
        holiday = calendar.holiday_name(planned_on)
        on = _settled_day(planned_on, holidays=holidays, calendar=calendar, taken=taken) if holiday else planned_on
        if on is not None:
            taken.add(on)
            visits += 1
        found.append(_occurrence(position, planned_on, on=on, holiday=holiday, at=pattern.at, zone=zone))
        if visits == most:
            break
    return tuple(found)


def comes_twice(*, on: date, at: time, zone: ZoneInfo) -> bool:
    """Whether the clocks show this wall time twice on that day."""
    early = datetime.combine(on, at.replace(fold=0), tzinfo=zone)
    late = early.replace(fold=1)
    return early.utcoffset() != late.utcoffset() and not settle(on=on, at=at, zone=zone).shifted


def _settled_day(
    planned_on: date, *, holidays: HolidayPolicy, calendar: BusinessCalendar, taken: set[date]
) -> date | None:
    if holidays is HolidayPolicy.KEEP:
        return planned_on
    if holidays is HolidayPolicy.SKIP:
        return None
    later = (planned_on + days * _DAY for days in range(1, _MOST_MOVED_DAYS + 1))
    return next((on for on in later if calendar.is_business_day(on) and on not in taken), None)


def _occurrence(
    position: int, planned_on: date, *, on: date | None, holiday: str, at: time, zone: ZoneInfo
) -> Occurrence:
    rule_at = settle(on=planned_on, at=at, zone=zone).at
    if on is None:
        return Occurrence(position=position, planned_on=planned_on, rule_at=rule_at, on=None, at=None, holiday=holiday)
    settled = settle(on=on, at=at, zone=zone)
    return Occurrence(
        position=position,
        planned_on=planned_on,
        rule_at=rule_at,
        on=on,
        at=settled.at,
        holiday=holiday,
        is_shifted=settled.shifted,
        is_twice=comes_twice(on=on, at=at, zone=zone),
    )
