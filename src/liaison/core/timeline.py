"""One entry of a patient's timeline, as every package tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from django.db.models import QuerySet
from django.db.models.functions import ExtractYear

NOON: Final = time(12, tzinfo=UTC)
A_BIT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """Something that happened to or for a patient.

    `kind` is one of visit, result, condition, medication, immunization, procedure, document, plan, message,
    call, booking, referral, loop, note, other. `key` is unique inside `source` and orders equal instants.
    `struck_at` is set for what was entered by mistake or taken back: it stays, struck through.
    `date_only` says that only the day is known: `at` is then noon UTC of that day and no clock is shown.
    """

    at: datetime
    kind: str
    title: str
    detail: str = ""
    url: str = ""
    source: str
    key: str
    date_only: bool = False
    struck_at: datetime | None = None

    def has_come(self, *, now: datetime, zone: tzinfo) -> bool:
        """Whether it is not of days or hours to come: what has a day and no time has come when that day has."""
        return self.at <= (noon_of(now.astimezone(zone).date()) if self.date_only else now)


def noon_of(day: date) -> datetime:
    """The instant at which an entry stands that has a day and no time."""
    return datetime.combine(day, NOON)


def nothing_after(now: datetime, *, zone: tzinfo) -> datetime:
    """The instant before which everything lies that has come by `now`; some of what lies before it may be to come."""
    return max(now, noon_of(now.astimezone(zone).date())) + A_BIT


def years_in(rows: QuerySet[Any], column: Any) -> frozenset[int]:
    """The years (UTC) in which `column` of these rows lies, for a timeline's jump to a year: one look."""
    found = rows.order_by().annotate(told_in=ExtractYear(column, tzinfo=UTC)).values_list("told_in", flat=True)
    return frozenset(year for year in found.distinct() if year is not None)
