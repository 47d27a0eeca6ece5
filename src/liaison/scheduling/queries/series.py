"""A series as it stands: its visits in order, and which of them can still change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time

from django.db.models import QuerySet

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import NotFound
from liaison.loops.queries.calendars import business_calendar
from liaison.patients.models import Patient
from liaison.scheduling.models import Appointment, Resource, ResourceKind, Series, SeriesState, SeriesVisit, VisitType
from liaison.scheduling.queries.looking import sees_calendar
from liaison.scheduling.queries.series_plan import Target
from liaison.scheduling.queries.series_planning import moved_target


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a visit stands in its series: the `number`th of `total`, those left out not counted."""

    series_id: int
    position: int
    number: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesLine:
    """One visit of a series; `number` is empty for what was left out. Times are on the wall clock of the site."""

    row: SeriesVisit
    number: int | None
    start_at: datetime
    rule_at: datetime
    can_change: bool

    @property
    def was_moved(self) -> bool:
        """Whether it is at another time than the rule says."""
        return self.start_at != self.rule_at


def get_series(actor: Actor, *, series_id: int, now: datetime) -> Series:
    """One series with what its page shows. Refuses: NotFound."""
    found = (
        Series.objects.filter(pk=series_id, patient__in=Patient.objects.visible_to(actor, now=now))
        .select_related("patient", "site", "clinician", "place", "loop", "referral")
        .first()
    )
    if found is None:
        raise NotFound
    seen(found.patient_id)
    return found


def get_series_visit(actor: Actor, *, series_visit_id: int, now: datetime) -> SeriesVisit:
    """One visit of a series. Refuses: NotFound."""
    rows = SeriesVisit.objects.filter(
        pk=series_visit_id, series__patient__in=Patient.objects.visible_to(actor, now=now)
    )
    found = rows.select_related("series__patient", "series__site", "loop", "appointment").first()
    if found is None:
        raise NotFound
    seen(found.series.patient_id)
    return found


def series_lines(series: Series, *, now: datetime) -> Sequence[SeriesLine]:
    """Every day of the series in order of time. The series was fetched for somebody."""
    rows = series.visits.select_related("appointment", "loop").prefetch_related("appointment__reservations__resource")
    ordered = sorted(rows, key=lambda row: (row.wanted_at, row.position))
    lines, number = [], 0
    for row in ordered:
        number += row.state != SeriesState.OUT
        lines.append(
            SeriesLine(
                row=row,
                number=number if row.state != SeriesState.OUT else None,
                start_at=row.wanted_at.astimezone(series.site.zone),
                rule_at=row.rule_at.astimezone(series.site.zone),
                can_change=_can_change(row.appointment, now=now),
            )
        )
    return lines


def place_in_series(appointment: Appointment) -> Place | None:
    """Which visit of which series this is; None when of none. The appointment was fetched for somebody."""
    return places_in_series([appointment.pk]).get(appointment.pk)


def places_in_series(appointment_ids: Sequence[int]) -> Mapping[int, Place]:
    """The same for several appointments, by their ids; those of no series are left out."""
    series_ids = SeriesVisit.objects.filter(appointment__in=appointment_ids).values("series")
    kept = SeriesVisit.objects.filter(series__in=series_ids).exclude(state=SeriesState.OUT)
    order: dict[int, list[tuple[int, int | None]]] = defaultdict(list)
    rows = kept.order_by("wanted_at", "position").values_list("series", "position", "appointment")
    for series_id, position, appointment_id in rows:
        order[series_id].append((position, appointment_id))
    return {
        appointment_id: Place(series_id=series_id, position=position, number=number, total=len(visits))
        for series_id, visits in order.items()
        for number, (position, appointment_id) in enumerate(visits, start=1)
        if appointment_id is not None and appointment_id in appointment_ids
    }


def changeable_visits(series: Series, *, from_position: int, now: datetime) -> Sequence[SeriesVisit]:
    """The visits from this one on, in order, that have a time ahead and to which the patient is expected."""
    rows = (
        series.visits.filter(position__gte=from_position, state=SeriesState.BOOKED)
        .select_related("appointment__patient", "appointment__visit_type", "appointment__site", "series__site")
        .prefetch_related("appointment__reservations")
    )
    return [row for row in rows.order_by("position") if _can_change(row.appointment, now=now)]


def shifted_targets(rows: Sequence[SeriesVisit], *, series: Series, at: time, days: int) -> Sequence[Target]:
    """These visits at the wall time `at`, so many days later."""
    holidays = business_calendar(site_id=series.site_id)
    return [
        moved_target(
            position=row.position,
            rule_at=row.rule_at,
            from_at=row.wanted_at,
            site=series.site,
            days=days,
            at=at,
            holidays=holidays,
        )
        for row in rows
    ]


def kind_called(code: str) -> VisitType | None:
    """Today's version of the kind of visit with this code, with its needs; None when it is not offered any more."""
    return VisitType.objects.filter(code=code, is_current=True).prefetch_related("needs").first()


def series_place_gone(series: Series, *, visit_type: VisitType | None) -> Resource | None:
    """The room or machine that the series asks for and that serves such visits there no more; None when all is well."""
    if series.place is None or visit_type is None:
        return None
    return (
        None if _able_places(visit_type, site_id=series.site_id).filter(pk=series.place.pk).exists() else series.place
    )


def places_for(actor: Actor, *, visit_type: VisitType, site_id: int) -> Sequence[Resource]:
    """The rooms and machines that could serve this visit at this site, by name. Refuses: Forbidden."""
    if not sees_calendar(actor, site_id=site_id):
        return ()
    return tuple(_able_places(visit_type, site_id=site_id).exclude(kind=ResourceKind.PERSON))


def _able_places(visit_type: VisitType, *, site_id: int) -> QuerySet[Resource]:
    abilities = [need.ability for need in visit_type.needs.all()]
    return Resource.objects.in_service().filter(abilities__overlap=abilities).working_at(site_id)


def _can_change(appointment: Appointment | None, *, now: datetime) -> bool:
    return appointment is not None and appointment.expects_patient and appointment.start_at > now
