"""A week as a table of hours and days, and a month as a table of weeks.

The hours are those of the wall clock, so a visit at nine stands beside nine on every day: on a day on which the
clocks change, an hour is missing and says so, or comes twice and holds both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from liaison.scheduling.queries import DayVisit, MonthDay, Week, WeekDay
from liaison.scheduling.rules import Span, first_instant, intersect, subtract

_HOUR = timedelta(hours=1)
_FIRST, _LAST = 9, 17
_HOURS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class HourCell:
    """An hour of a day: free, part, closed, off, or gone where the clocks skip it; with the visits that begin in it."""

    kind: str
    is_twice: bool
    visits: tuple[DayVisit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HourRow:
    """One hour of the wall clock over the seven days."""

    at: time
    cells: tuple[HourCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayHead:
    """A day: how many visits and which, how many hours it has when not 24, and when one works (on the wall clock)."""

    on: date
    is_today: bool
    visits: int
    odd_hours: float | None
    works: tuple[tuple[datetime, datetime], ...]
    visits_then: tuple[DayVisit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekTable:
    """The whole week."""

    heads: tuple[DayHead, ...]
    rows: tuple[HourRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthCell:
    """A day of a month: `tenth` is its fullness in tenths, at most 10, for the bar; None when nobody works."""

    day: MonthDay
    url: str
    is_today: bool
    is_outside: bool
    tenth: int | None


def week_table(week: Week, *, today: date) -> WeekTable:
    """The hours from the first to the last in which something happens, at least nine to five."""
    first, last = _shown(week)
    return WeekTable(
        heads=tuple(
            DayHead(
                on=day.on,
                is_today=day.on == today,
                visits=len(day.visits),
                odd_hours=None if day.whole.length == _HOURS * _HOUR else day.whole.length / _HOUR,
                works=_works(day, week=week),
                visits_then=day.visits,
            )
            for day in week.days
        ),
        rows=tuple(
            HourRow(at=time(hour), cells=tuple(_cell(day, hour, week=week) for day in week.days))
            for hour in range(first, last)
        ),
    )


def _works(day: WeekDay, *, week: Week) -> tuple[tuple[datetime, datetime], ...]:
    """The working time of a day without what is closed."""
    zone = week.site.zone
    return tuple(
        (span.start.astimezone(zone), span.end.astimezone(zone)) for span in subtract(day.working, taken=day.closed)
    )


def _shown(week: Week) -> tuple[int, int]:
    zone = week.site.zone
    starts = [span.start.astimezone(zone).hour for day in week.days for span in day.working]
    ends = [_up(span.end.astimezone(zone)) for day in week.days for span in day.working]
    starts += [max(visit.start_at, day.whole.start).astimezone(zone).hour for day in week.days for visit in day.visits]
    ends += [_up(visit.end_at) for day in week.days for visit in day.visits if visit.end_at <= day.whole.end]
    return min([_FIRST, *starts]), max([_LAST, *ends, *(start + 1 for start in starts)])


def _up(at: datetime) -> int:
    """The full hour at or after this time of day; midnight is the end of the day before."""
    return at.hour + (at.minute > 0) or _HOURS


def _cell(day: WeekDay, hour: int, *, week: Week) -> HourCell:
    zone = week.site.zone
    start = first_instant(on=day.on, at=time(hour), zone=zone)
    end = day.whole.end if hour == _HOURS - 1 else first_instant(on=day.on, at=time(hour + 1), zone=zone)
    if end <= start:
        return HourCell(kind="gone", is_twice=False, visits=())
    within = Span(start, end)
    visits = tuple(one for one in day.visits if start <= max(one.start_at, day.whole.start) < end)
    return HourCell(kind=_kind(day, within), is_twice=within.length > _HOUR, visits=visits)


def _kind(day: WeekDay, within: Span) -> str:
    worked = intersect(day.working, (within,))
    left = subtract(worked, taken=day.closed)
    if not worked:
        return "off"
    if not left:
        return "closed"
    return "free" if left == (within,) else "part"


def month_weeks(
    days: Sequence[MonthDay], *, of: date, today: date, url: Callable[[str], str]
) -> Iterator[Sequence[MonthCell]]:
    """The days in rows of seven. `url` gives the address of a day."""
    cells = [
        MonthCell(
            day=day,
            url=url(day.on.isoformat()),
            is_today=day.on == today,
            is_outside=(day.on.year, day.on.month) != (of.year, of.month),
            tenth=None if day.fullness is None else min(10, -(-day.fullness // 10)),
        )
        for day in days
    ]
    for first in range(0, len(cells), 7):
        yield cells[first : first + 7]
