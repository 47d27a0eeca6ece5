"""A week of one resource, and a month of a site: how much is booked of what is worked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Count, F, Sum
from django.db.models.functions import TruncDate

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.scheduling.models import Appointment, Reservation, Resource, ResourceKind
from liaison.scheduling.queries.day import EVERYTHING, DayVisit, Filter, bookable_at, refuse_calendar, visits_of
from liaison.scheduling.queries.free import closed_time, working_time
from liaison.scheduling.rules import Span, State, day_span, subtract

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekDay:
    """One local day of a resource: when it works, when of that it is closed, and its visits."""

    on: date
    whole: Span
    working: tuple[Span, ...]
    closed: tuple[Span, ...]
    visits: tuple[DayVisit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """Seven days of one resource at a site, Monday first."""

    site: Site
    resource: Resource
    days: tuple[WeekDay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthDay:
    """One local day: how many visits, and how much time they take of the time that is worked."""

    on: date
    visits: int
    booked: timedelta
    worked: timedelta

    @property
    def fullness(self) -> int | None:
        """Booked of worked time in percent, rounded down; over 100 where visits overlap; None without work."""
        return self.booked * 100 // self.worked if self.worked else None


def week(actor: Actor, *, site: Site, resource: Resource, monday: date, now: datetime) -> Week:
    """The seven days from `monday`. Refuses: Forbidden, NotFound (another site's calendar)."""
    refuse_calendar(actor, site=site)
    days = [monday + number * _DAY for number in range(7)]
    within = _from_to(days, site=site)
    visits = visits_of(actor, resource=resource, site=site, within=within, now=now)
    working = working_time((resource.pk,), site=site, within=within).get(resource.pk, ())
    closed = closed_time((resource.pk,), site_id=site.pk, within=within)[resource.pk]
    wholes = {on: day_span(on=on, zone=site.zone) for on in days}
    return Week(
        site=site,
        resource=resource,
        days=tuple(
            WeekDay(
                on=on,
                whole=whole,
                working=tuple(_cut(working, whole)),
                closed=tuple(_cut(closed, whole)),
                visits=tuple(one for one in visits if one.start_at < whole.end and one.end_at > whole.start),
            )
            for on, whole in wholes.items()
        ),
    )


def month(
    actor: Actor, *, site: Site, days: Sequence[date], only: Filter = EVERYTHING, who: int | None = None
) -> Sequence[MonthDay]:
    """Each of these local days, which follow each other, of one resource (`who`) or of all that `only` lets through.

    Without a kind, fullness is that of people: rooms are free because nobody is there. Holds nothing of a patient.
    Refuses: Forbidden, NotFound (another site's calendar).
    """
    asked = bookable_at(actor, site=site, only=only)
    chosen = {resource.pk for resource in asked if who is None or resource.pk == who}
    measured = chosen
    if who is None and not only.is_set:
        measured = {resource.pk for resource in asked if resource.kind == ResourceKind.PERSON} or chosen
    within = _from_to(days, site=site)
    counted = _counted(chosen if only.is_set or who is not None else None, site=site, within=within)
    booked = _booked(measured, site=site, within=within)
    worked = _worked(measured, site=site, days=days, within=within)
    return [
        MonthDay(
            on=on,
            visits=counted.get(on, 0),
            booked=booked.get(on, timedelta()),
            worked=worked.get(on, timedelta()),
        )
        for on in days
    ]


def _from_to(days: Sequence[date], *, site: Site) -> Span:
    return Span(day_span(on=days[0], zone=site.zone).start, day_span(on=days[-1], zone=site.zone).end)


def _cut(spans: Sequence[Span], whole: Span) -> Iterator[Span]:
    for span in spans:
        if span.overlaps(whole):
            yield Span(max(span.start, whole.start), min(span.end, whole.end))


def _counted(resource_ids: Collection[int] | None, *, site: Site, within: Span) -> Mapping[date, int]:
    """How many visits begin on each day; of everything at the site without ids."""
    rows = Appointment.objects.filter(site=site, start_at__gte=within.start, start_at__lt=within.end).standing()
    if resource_ids is not None:
        rows = rows.filter(reservations__resource__in=resource_ids)
    days = rows.annotate(on=TruncDate("start_at", tzinfo=site.zone)).order_by().values("on")
    return {row["on"]: row["n"] for row in days.annotate(n=Count("pk", distinct=True))}


def _booked(resource_ids: Collection[int], *, site: Site, within: Span) -> Mapping[date, timedelta]:
    """The time of visits on the day on which they begin; who did not come took none."""
    rows = Reservation.objects.filter(
        resource__in=resource_ids,
        appointment__site=site,
        appointment__start_at__gte=within.start,
        appointment__start_at__lt=within.end,
    ).exclude(appointment__state__in=[State.CANCELLED, State.ENTERED_IN_ERROR, State.NO_SHOW])
    days = rows.annotate(on=TruncDate("appointment__start_at", tzinfo=site.zone)).order_by().values("on")
    return {row["on"]: row["t"] for row in days.annotate(t=Sum(F("appointment__end_at") - F("appointment__start_at")))}


def _worked(
    resource_ids: Collection[int], *, site: Site, days: Sequence[date], within: Span
) -> Mapping[date, timedelta]:
    """Working time without closures, added up over the resources."""
    working = working_time(tuple(resource_ids), site=site, within=within)
    closed = closed_time(tuple(resource_ids), site_id=site.pk, within=within)
    # Many resources keep the same hours and are closed at the same times: work each pattern out once.
    alike: dict[tuple[tuple[Span, ...], tuple[Span, ...]], int] = defaultdict(int)
    for resource_id, spans in working.items():
        alike[spans, tuple(closed[resource_id])] += 1
    starts = [day_span(on=on, zone=site.zone) for on in days]
    found: dict[date, timedelta] = defaultdict(timedelta)
    for (spans, shut), many in alike.items():
        left = subtract(spans, taken=shut)
        for on, whole in zip(days, starts, strict=True):
            found[on] += many * sum((span.length for span in _cut(left, whole)), timedelta())
    return found
