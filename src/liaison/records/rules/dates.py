"""FHIR dates as instants. A date without a time is never converted through a time zone.

FHIR writes `2021`, `2021-02`, `2021-02-20` and `2021-02-20T09:30:00-05:00`. A value without a time is stored at
12:00 UTC of its day, which is the same calendar day from UTC-12 to UTC+11, and marked `date_only`, so that no
screen in the United States can show the day before (DOMAIN 0: date-only facts stay dates).
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from liaison.records.rules.shapes import Json, obj

EARLIEST_YEAR, LATEST_YEAR = 1850, 2200

_SHAPE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)(?P<time>T\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_LEAP_SECOND = re.compile(r"(?<=T\d\d:\d\d):60(?![\d:])", re.ASCII)
"""FHIR allows second 60, Python knows none: it is read as the last one before."""


class When(NamedTuple):
    """An instant; `date_only` means that only the day (or month, or year) was given."""

    at: datetime
    date_only: bool


class NotADate(ValueError):
    """The text is not a date that can be: wrong form, year 0000, 30 February."""


def parse(value: object, *, latest: bool = False) -> When | None:
    """Read a FHIR date, dateTime or instant.

    `latest` takes the last day of a month or year that is given without its day (the end of a period) instead
    of the first. Returns None for an absent value and for years outside 1850–2200, which are kept in the
    resource but mean nothing in a chart. Raises NotADate for what is no date at all.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise NotADate("a date must be text")
    try:
        return _fast(value)
    except ValueError:
        return _careful(_LEAP_SECOND.sub(":59", value.strip()), latest=latest)


def _fast(value: str) -> When:
    """The usual case: a full timestamp with its zone, read by the standard library."""
    if len(value) < 20:
        raise ValueError(value)
    at = datetime.fromisoformat(value)
    if at.tzinfo is None or not EARLIEST_YEAR <= at.year <= LATEST_YEAR:
        raise ValueError(value)
    return When(at.astimezone(UTC), date_only=False)


def _careful(value: str, *, latest: bool) -> When | None:
    found = _SHAPE.fullmatch(value)
    if found is None:
        raise NotADate(f"“{value[:40]}” is not a date")
    year = int(found["year"])
    if year == 0:
        raise NotADate(f"“{value[:40]}” cannot be: there is no year 0000")
    try:
        day = _day(year, found["month"], found["day"], latest=latest)
        instant = datetime.fromisoformat(value) if found["zone"] else None
    except ValueError:
        raise NotADate(f"“{value[:40]}” is not a day or time of the calendar") from None
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        return None
    if instant is not None:
        return When(instant.astimezone(UTC), date_only=False)
    return When(datetime(day.year, day.month, day.day, 12, tzinfo=UTC), date_only=True)


def _day(year: int, month: str | None, day: str | None, *, latest: bool) -> date:
    month_number = int(month) if month else (12 if latest else 1)
    if day:
        return date(year, month_number, int(day))
    if not 1 <= month_number <= 12:
        raise ValueError(month)
    return date(year, month_number, calendar.monthrange(year, month_number)[1] if latest else 1)


class Span(NamedTuple):
    """When something started and ended; either may be unknown."""

    start: When | None
    end: When | None


NO_SPAN = Span(None, None)


def lenient(value: object, *, latest: bool = False) -> When | None:
    """Like `parse`, but what is no date counts as absent."""
    try:
        return parse(value, latest=latest)
    except NotADate:
        return None


def is_older(came: object, kept: object) -> bool | None:
    """Whether one `meta.lastUpdated` lies before another, as moments and not as text.

    FHIR lets a server write the same instant in any zone and with any fraction of a second (R4, datatype instant).
    None when the two don't tell: one is absent or no date, both are the same moment to the microsecond, or only one
    of them has a time with its zone.
    """
    first, second = lenient(came), lenient(kept)
    if first is None or second is None or first.date_only != second.date_only or first.at == second.at:
        return None
    return first.at < second.at


def span(period: object) -> Span:
    """A FHIR Period. An end before its start counts as unknown."""
    start, end = _ends(obj(period))
    return Span(start, None if _turned_round(start, end) else end)


class NoEnd(StrEnum):
    """Why nobody can reckon from the end of a FHIR Period."""

    UNKNOWN = "end_unknown"
    BEFORE_START = "end_before_start"

    @property
    def words(self) -> str:
        """As an import says it."""
        return "its end is not known" if self is NoEnd.UNKNOWN else "its end lies before its start"


def why_no_end(period: object) -> NoEnd | None:
    """Why a FHIR Period has no end that could be reckoned from; None when it has one. No date is no end."""
    start, end = _ends(obj(period))
    if end is None:
        return NoEnd.UNKNOWN
    return NoEnd.BEFORE_START if _turned_round(start, end) else None


def _ends(period: Json) -> tuple[When | None, When | None]:
    return lenient(period.get("start")), lenient(period.get("end"), latest=True)


def _turned_round(start: When | None, end: When | None) -> bool:
    """An end before its start by a day or more: less may be a difference of zones, or one of them only a day."""
    return start is not None and end is not None and start.at - end.at >= timedelta(days=1)


_MOMENTS = frozenset((
    "abatementDateTime", "authoredOn", "birthDate", "created", "date", "dateTime", "deceasedDateTime",
    "effectiveDateTime", "effectiveInstant", "issued", "occurrenceDateTime", "onsetDateTime",
    "performedDateTime", "recorded", "recordedDate", "sent", "started", "startDate", "whenHandedOver",
))  # fmt: skip
_PERIODS = frozenset((
    "abatementPeriod", "billablePeriod", "effectivePeriod", "occurrencePeriod", "onsetPeriod",
    "performedPeriod", "period", "servicedPeriod",
))  # fmt: skip


def impossible_date(resource: Json) -> tuple[str, str] | None:
    """The first date that the chart would read and that cannot be, as (path inside the resource, reason)."""
    for name, value in resource.items():
        if name in _MOMENTS:
            if reason := _why_not(value):
                return name, reason
        elif name in _PERIODS and isinstance(value, dict):
            for edge in ("start", "end"):
                if reason := _why_not(value.get(edge)):
                    return f"{name}.{edge}", reason
    return None


def _why_not(value: object) -> str:
    try:
        parse(value)
    except NotADate as problem:
        return str(problem)
    return ""
