"""One day at one site: who and what works when, and the visits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import Forbidden, NotFound
from liaison.patients.models import Patient
from liaison.scheduling.access import SEE_CALENDAR
from liaison.scheduling.models import Appointment, Resource, ResourceKind
from liaison.scheduling.queries.free import closed_time, working_time
from liaison.scheduling.rules import Span, State, day_span, subtract

_KIND_ORDER = {ResourceKind.PERSON: 0, ResourceKind.ROOM: 1, ResourceKind.DEVICE: 2}


LOOK_AHEAD: Final = timedelta(days=60)
"""How far ahead a day with working hours is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayVisit:
    """One visit as a day shows it. The names are empty where this actor may not see the patient."""

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
    resource_ids: frozenset[int]
    resources: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """One resource's day. Spans are instants; visits are those that take its time."""

    resource_id: int
    name: str
    kind: str
    working: tuple[Span, ...]
    closed: tuple[Span, ...]
    visits: tuple[DayVisit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A local day at a site. `shown` is the stretch in which anything works or takes place."""

    site: Site
    on: date
    shown: Span
    rows: tuple[DayRow, ...]
    visits: tuple[DayVisit, ...]


def sites_to_see(actor: Actor) -> Sequence[Site]:
    """The sites whose calendar this actor may see, by name."""
    ids = actor.sites_for(SEE_CALENDAR)
    return tuple(Site.objects.all() if ids is None else Site.objects.filter(pk__in=ids))


def day(actor: Actor, *, site: Site, on: date) -> Day:
    """Everything of one local day at a site. Refuses: Forbidden, NotFound (another site's calendar)."""
    if not actor.may(SEE_CALENDAR):
        raise Forbidden
    sites = actor.sites_for(SEE_CALENDAR)
    if sites is not None and site.pk not in sites:
        raise NotFound
    whole = day_span(on=on, zone=site.zone)
    visits = _visits(actor, site=site, whole=whole)
    rows = _rows(visits, site=site, whole=whole)
    return Day(site=site, on=on, shown=_shown(rows, visits, whole), rows=rows, visits=visits)


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


def _visits(actor: Actor, *, site: Site, whole: Span) -> tuple[DayVisit, ...]:
    appointments = list(
        Appointment.objects.filter(site=site)
        .overlapping(whole)
        .standing()
        .select_related("patient", "visit_type")
        .prefetch_related("reservations__resource")
        .order_by("start_at", "pk")
    )
    patient_ids = {row.patient_id for row in appointments}
    visible = set(Patient.objects.visible_to(actor).filter(pk__in=patient_ids).values_list("pk", flat=True))
    seen(visible)
    return tuple(_visit(row, is_visible=row.patient_id in visible, site=site) for row in appointments)


def _visit(row: Appointment, *, is_visible: bool, site: Site) -> DayVisit:
    taken = tuple(reservation.resource for reservation in row.reservations.all())
    return DayVisit(
        appointment_id=row.pk,
        patient_id=row.patient_id if is_visible else None,
        patient_name=row.patient.display_name if is_visible else "",
        patient_short=(row.patient.family or row.patient.given) if is_visible else "",
        start_at=row.start_at.astimezone(site.zone),
        end_at=row.end_at.astimezone(site.zone),
        what=row.visit_type.name,
        state=row.state_now,
        modality=row.modality,
        interpreter_language=row.interpreter_language,
        overrides=tuple(row.overrides),
        resource_ids=frozenset(resource.pk for resource in taken),
        resources=", ".join(resource.name for resource in taken),
    )


def _rows(visits: Sequence[DayVisit], *, site: Site, whole: Span) -> tuple[DayRow, ...]:
    """Everything in service that works here today or has a visit, people first."""
    by_resource: dict[int, list[DayVisit]] = defaultdict(list)
    for visit in visits:
        for resource_id in visit.resource_ids:
            by_resource[resource_id].append(visit)
    resources = _resources(site, by_resource)
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


def _resources(site: Site, with_visits: Mapping[int, object]) -> list[Resource]:
    here = Resource.objects.in_service().working_at(site.pk)
    also = Resource.objects.filter(pk__in=list(with_visits))
    return sorted(here | also, key=lambda resource: (_KIND_ORDER[ResourceKind(resource.kind)], resource.name))


def _shown(rows: Sequence[DayRow], visits: Sequence[DayVisit], whole: Span) -> Span:
    """From the first to the last thing of the day, cut to the day; nine to five when there is nothing."""
    starts = [span.start for row in rows for span in row.working] + [visit.start_at for visit in visits]
    ends = [span.end for row in rows for span in row.working] + [visit.end_at for visit in visits]
    if not starts:
        return whole
    return Span(max(min(starts), whole.start), min(max(ends), whole.end))
