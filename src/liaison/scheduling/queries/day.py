"""One day at one site: who and what works when, and the visits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Max

from liaison.accounts.models import Site
from liaison.accounts.queries import sites_within
from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import Forbidden, NotFound
from liaison.patients.models import Patient
from liaison.scheduling.access import SEE_CALENDAR
from liaison.scheduling.models import Appointment, Reservation, Resource, ResourceKind, VisitType
from liaison.scheduling.queries.free import closed_time, working_time
from liaison.scheduling.rules import Span, State, day_span, subtract

_KIND_ORDER = {ResourceKind.PERSON: 0, ResourceKind.ROOM: 1, ResourceKind.DEVICE: 2}
_MOVABLE = frozenset({State.PENDING, State.BOOKED})
_MOST_MINUTES: Final = 1440

LOOK_AHEAD: Final = timedelta(days=60)
"""How far ahead a day with working hours is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayVisit:
    """One visit as a day shows it. Names, note and needs are empty where this actor may not see the patient.

    `taken` are the resources whose time it takes: id and name.
    """

    appointment_id: int
    patient_id: int | None
    patient_name: str
    patient_short: str
    start_at: datetime
    end_at: datetime
    what: str
    state: State
    modality: str
    interpreter_language: str
    overrides: tuple[str, ...]
    taken: tuple[tuple[int, str], ...]
    note: str
    mobility_needs: str
    in_series: bool = False

    @property
    def resource_ids(self) -> frozenset[int]:
        """Whose time it takes."""
        return frozenset(resource_id for resource_id, _ in self.taken)

    @property
    def resources(self) -> str:
        """Their names in the order of the roles."""
        return ", ".join(name for _, name in self.taken)

    @property
    def is_movable(self) -> bool:
        """Whether it stands, its patient has not come yet, and this actor may see the patient."""
        return self.patient_id is not None and self.state in _MOVABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What of a calendar is asked for: one kind of resource ("" for all), those whose name contains `name`."""

    kind: str = ""
    name: str = ""

    @property
    def is_set(self) -> bool:
        """Whether anything is left out."""
        return bool(self.kind or self.name)

    def shows(self, resource: Resource) -> bool:
        """Whether this resource is asked for; upper and lower case are the same."""
        return (not self.kind or resource.kind == self.kind) and self.name.casefold() in resource.name.casefold()


EVERYTHING: Final = Filter()


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """One resource's day. `working` and `closed` are half-open spans of instants; `visits` take its time."""

    resource_id: int
    name: str
    kind: str
    working: tuple[Span, ...]
    closed: tuple[Span, ...]
    visits: tuple[DayVisit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A local day at a site: `shown` is the stretch of it in which anything works or takes place; `rows` are people
    first, then rooms and devices, by name; `visits` are all of the day, in order."""

    site: Site
    on: date
    shown: Span
    rows: tuple[DayRow, ...]
    visits: tuple[DayVisit, ...]


def sites_to_see(actor: Actor) -> Sequence[Site]:
    """The sites whose calendar this actor may see, by name."""
    return tuple(sites_within(actor, SEE_CALENDAR))


def day(actor: Actor, *, site: Site, on: date, only: Filter = EVERYTHING, now: datetime) -> Day:
    """One local day at a site: everything, or what `only` lets through.

    Refuses: Forbidden, NotFound (another site's calendar).
    """
    refuse_calendar(actor, site=site)
    whole = day_span(on=on, zone=site.zone)
    found = _found(site=site, within=whole)
    resources = _resources(site, {pk for taken in found.taken.values() for pk, _ in taken}, only=only)
    if only.is_set:
        found = found.of({resource.pk for resource in resources})
    visits = _visits(actor, found, site=site, now=now)
    rows = _rows(visits, resources, site=site, whole=whole)
    return Day(site=site, on=on, shown=_shown(rows, visits, whole), rows=rows, visits=visits)


def visits_of(actor: Actor, *, resource: Resource, site: Site, within: Span, now: datetime) -> tuple[DayVisit, ...]:
    """The visits at a site that take this resource's time, in order. Refuses: Forbidden, NotFound."""
    refuse_calendar(actor, site=site)
    return _visits(actor, _found(site=site, within=within, resource=resource), site=site, now=now)


def bookable_at(actor: Actor, *, site: Site, only: Filter = EVERYTHING) -> Sequence[Resource]:
    """What works at a site, people first, by name. Refuses: Forbidden, NotFound."""
    refuse_calendar(actor, site=site)
    return _resources(site, (), only=only)


def refuse_calendar(actor: Actor, *, site: Site) -> None:
    """Refuses: Forbidden (no calendar at all), NotFound (another site's)."""
    if not actor.may(SEE_CALENDAR):
        raise Forbidden
    sites = actor.sites_for(SEE_CALENDAR)
    if sites is not None and site.pk not in sites:
        raise NotFound


def next_working_day(*, site: Site, after: date) -> date | None:
    """The first day after `after` on which anyone or anything works at this site, or None within LOOK_AHEAD."""
    resources = Resource.objects.in_service().working_at(site.pk)
    ids = tuple(resources.values_list("pk", flat=True))
    first = day_span(on=after + timedelta(days=1), zone=site.zone).start
    within = Span(first, first + LOOK_AHEAD)
    starts: list[datetime] = []
    closed = closed_time(ids, site_id=site.pk, within=within)
    for resource_id, spans in working_time(ids, site=site, within=within).items():
        starts += [span.start for span in subtract(spans, taken=closed[resource_id])][:1]
    return min(starts).astimezone(site.zone).date() if starts else None


_COLUMNS = (
    "pk", "patient_id", "start_at", "end_at", "visit_type__name", "state", "modality", "interpreter_language",
    "overrides", "note", "series_visit__series",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Rows of the database before anybody asked who may see them: `_COLUMNS`, and by visit (resource id, name)."""

    rows: Sequence[tuple[Any, ...]]
    taken: Mapping[int, Sequence[tuple[int, str]]]

    def of(self, resource_ids: AbstractSet[int]) -> _Found:
        """Those that take the time of one of these."""
        kept = {pk for pk, taken in self.taken.items() if any(one in resource_ids for one, _ in taken)}
        return _Found(rows=[row for row in self.rows if row[0] in kept], taken=self.taken)


def _found(*, site: Site, within: Span, resource: Resource | None = None) -> _Found:
    """The visits of a site, or of one resource, that stand and touch `within`, in order.

    Plain rows: a big site has a thousand a day.
    """
    longest = VisitType.objects.aggregate(most=Max("duration_minutes"))["most"] or 0
    standing = (
        Appointment.objects.filter(site=site)
        .overlapping(within)
        # What the index can use: nothing that began earlier can still last.
        .filter(start_at__gt=within.start - timedelta(minutes=max(longest, _MOST_MINUTES)))
        .standing()
    )
    if resource is not None:
        standing = standing.filter(reservations__resource=resource)
    taken: dict[int, list[tuple[int, str]]] = defaultdict(list)
    reserved = Reservation.objects.filter(appointment__in=standing).order_by("pk")
    for pk, resource_id, name in reserved.values_list("appointment_id", "resource_id", "resource__name"):
        taken[pk].append((resource_id, name))
    return _Found(rows=list(standing.order_by("start_at", "pk").values_list(*_COLUMNS)), taken=taken)


def _visits(actor: Actor, found: _Found, *, site: Site, now: datetime) -> tuple[DayVisit, ...]:
    patient_ids = {row[1] for row in found.rows}
    visible = Patient.objects.visible_to(actor, now=now).only("given", "family", "mobility_needs").in_bulk(patient_ids)
    seen(visible)
    zone = site.zone
    return tuple(_visit(row, found.taken.get(row[0], ()), visible.get(row[1]), zone=zone) for row in found.rows)


def _visit(
    row: tuple[Any, ...], taken: Sequence[tuple[int, str]], patient: Patient | None, *, zone: ZoneInfo
) -> DayVisit:
    pk, _, start_at, end_at, what, state, modality, language, overrides, note, series_id = row
    return DayVisit(
        appointment_id=pk,
        patient_id=patient.pk if patient else None,
        patient_name=patient.display_name if patient else "",
        patient_short=(patient.family or patient.given) if patient else "",
        start_at=start_at.astimezone(zone),
        end_at=end_at.astimezone(zone),
        what=what,
        state=State(state),
        modality=modality,
        interpreter_language=language,
        overrides=tuple(overrides),
        taken=tuple(taken),
        note=note if patient else "",
        mobility_needs=patient.mobility_needs if patient else "",
        in_series=series_id is not None and patient is not None,
    )


def _rows(visits: Sequence[DayVisit], resources: Sequence[Resource], *, site: Site, whole: Span) -> tuple[DayRow, ...]:
    """Those of the resources that work here today or have a visit."""
    by_resource: dict[int, list[DayVisit]] = defaultdict(list)
    for visit in visits:
        for resource_id in visit.resource_ids:
            by_resource[resource_id].append(visit)
    ids = tuple(resource.pk for resource in resources)
    working = working_time(ids, site=site, within=whole)
    closed = closed_time(ids, site_id=site.pk, within=whole)
    return tuple(
        DayRow(
            resource_id=resource.pk,
            name=resource.name,
            kind=resource.kind,
            working=working.get(resource.pk, ()),
            closed=tuple(closed[resource.pk]),
            visits=tuple(by_resource[resource.pk]),
        )
        for resource in resources
        if working.get(resource.pk) or by_resource[resource.pk]
    )


def _resources(site: Site, with_visits: Collection[int], *, only: Filter) -> list[Resource]:
    """What works here or has a visit, people first."""
    here = Resource.objects.in_service().working_at(site.pk)
    also = Resource.objects.filter(pk__in=with_visits)
    asked = (resource for resource in here | also if only.shows(resource))
    return sorted(asked, key=lambda resource: (_KIND_ORDER[ResourceKind(resource.kind)], resource.name, resource.pk))


def _shown(rows: Sequence[DayRow], visits: Sequence[DayVisit], whole: Span) -> Span:
    """From the first to the last thing of the day, cut to the day; the whole day when there is nothing."""
    starts = [span.start for row in rows for span in row.working] + [visit.start_at for visit in visits]
    ends = [span.end for row in rows for span in row.working] + [visit.end_at for visit in visits]
    if not starts:
        return whole
    return Span(max(min(starts), whole.start), min(max(ends), whole.end))
