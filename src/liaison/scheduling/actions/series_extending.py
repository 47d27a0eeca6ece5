"""Book the visits of a series that may be booked now, night by night; one without a time becomes a loop."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.refusals import NotFound, Refusal
from liaison.scheduling.access import EXTEND_SERIES
from liaison.scheduling.actions.booking import hold_patient, place_visit
from liaison.scheduling.actions.keeping import lock_resources
from liaison.scheduling.actions.series_booking import tell_of_each
from liaison.scheduling.actions.series_held_up import promise_to_look, settle_held_up
from liaison.scheduling.actions.series_open import leave_out, open_visit, stop_waiting
from liaison.scheduling.events import SeriesTold
from liaison.scheduling.models import Appointment, Series, SeriesState, SeriesVisit, VisitType
from liaison.scheduling.ports import BookingOrder, Seat
from liaison.scheduling.queries.looking import HORIZON
from liaison.scheduling.queries.series_plan import PlannedVisit, SeriesWanted, Target
from liaison.scheduling.queries.series_planning import plan_again
from liaison.scheduling.rules import HolidayPolicy

_log = logging.getLogger(__name__)


def extend_series(actor: Actor, *, now: datetime) -> int:
    """Book every visit of every series that has come within what may be booked. Returns how many were booked.

    Each series is a transaction of its own, and none stands in the way of another: a visit that can't be had, for
    whatever reason, becomes a promise to find a time, which waits while nobody at the site could own it. A series that
    is refused as a whole becomes a promise to see why, which the next night that goes well keeps.
    """
    rows = SeriesVisit.objects.filter(state=SeriesState.AHEAD).order_by("series").values_list("series", flat=True)
    booked = 0
    for series_id in rows.distinct():
        try:
            booked += _extend(actor, series_id=series_id, now=now)
        except Refusal as refusal:
            _log.error("scheduling.series_refused", extra={"series": series_id, "code": refusal.code})
            promise_to_look(actor, series_id=series_id, refusal=refusal, now=now)
        else:
            settle_held_up(actor, series_id=series_id, now=now)
    return booked


def _extend(actor: Actor, *, series_id: int, now: datetime) -> int:
    series = Series.objects.select_related("patient").get(pk=series_id)
    visit_type = VisitType.objects.filter(code=series.visit_type_code, is_current=True).first()
    horizon = (visit_type.most_lead if visit_type else None) or HORIZON
    if not series.visits.filter(state=SeriesState.AHEAD, wanted_at__lte=now + horizon).exists():
        return 0
    with act(actor, EXTEND_SERIES, patient=series.patient, subject=series, now=now) as entry:
        locked = Series.objects.select_for_update(of=("self",)).select_related(
            "patient", "site", "booked_by", "loop", "clinician", "place"
        )
        series = locked.get(pk=series_id)
        due = series.visits.select_related("series__site", "series__patient", "series__booked_by", "loop")
        rows = list(due.filter(state=SeriesState.AHEAD, wanted_at__lte=now + horizon).order_by("position"))
        booked = _book_due(actor, series, rows, visit_type=visit_type, now=now)
        if booked:
            series.version += 1
            series.ical_sequence += 1
            series.save()
            tell_of_each(booked, actor=actor, series=series, now=now)
            ids = tuple(one.pk for one in booked)
            entry.publish(
                SeriesTold(
                    series_id=series.pk, patient_id=series.patient_id, what="booked", appointment_ids=ids, at=now
                )
            )
        entry.about(series)
        entry.note(booked=[one.pk for one in booked], looked_at=len(rows))
    return len(booked)


def _book_due(
    actor: Actor, series: Series, rows: Sequence[SeriesVisit], *, visit_type: VisitType | None, now: datetime
) -> list[Appointment]:
    if series.patient.is_deceased:
        for row in rows:
            leave_out(actor, row, why="The patient died", now=now)
        return []
    if visit_type is None:
        return _open_all(actor, rows, why="This kind of visit is not offered any more", now=now)
    hold_patient(series.patient_id)
    try:
        planned = _planned(actor, series, rows, visit_type=visit_type, now=now)
    except Refusal as refusal:
        return _open_all(actor, rows, why=refusal.sentence, now=now)
    lock_resources({seat.resource_id for one in planned.values() if one.offer for seat in one.offer.seats})
    booked = []
    for row in rows:
        appointment = _book_one(actor, row, planned[row.position], visit_type=visit_type, now=now)
        if appointment is not None:
            booked.append(appointment)
    return booked


def _open_all(actor: Actor, rows: Sequence[SeriesVisit], *, why: str, now: datetime) -> list[Appointment]:
    """Nothing can be booked: each visit is a promise to find a time."""
    for row in rows:
        open_visit(actor, row, why=why, now=now)
    return []


def _refuse_retired(series: Series) -> None:
    """Whom or what the series asks for each time is still in service. Refuses: NotFound, by name."""
    for asked in (series.clinician, series.place):
        if asked is not None and asked.retired_at is not None:
            raise NotFound(f"{asked.name} no longer serves here.")


def _planned(
    actor: Actor, series: Series, rows: Sequence[SeriesVisit], *, visit_type: VisitType, now: datetime
) -> dict[int, PlannedVisit]:
    _refuse_retired(series)
    wanted = SeriesWanted(
        patient_id=series.patient_id,
        visit_type_id=visit_type.pk,
        site_id=series.site_id,
        pattern=series.pattern,
        holidays=HolidayPolicy(series.holidays),
        clinician_id=series.clinician_id,
        place_id=series.place_id,
    )
    zone = series.site.zone
    targets = [
        Target(
            position=row.position,
            planned_on=row.rule_at.astimezone(zone).date(),
            rule_at=row.rule_at,
            at=row.wanted_at,
        )
        for row in rows
    ]
    plan = plan_again(actor, wanted=wanted, targets=targets, leaving=(), now=now)
    return {one.position: one for one in plan.visits}


def _book_one(
    actor: Actor, row: SeriesVisit, planned: PlannedVisit, *, visit_type: VisitType, now: datetime
) -> Appointment | None:
    """Book it at the time that is wanted, or promise to find another."""
    series = row.series
    if planned.offer is None:
        open_visit(actor, row, why=" ".join(planned.why), now=now)
        return None
    order = BookingOrder(
        key=f"series-{series.pk}:{row.position}",
        visit_type_id=visit_type.pk,
        site_id=series.site_id,
        start_at=planned.offer.start_at,
        seats=tuple(Seat(role=seat.role, resource_id=seat.resource_id) for seat in planned.offer.seats),
        referral_id=series.referral_id,
        note=series.note,
        is_one_of_several=True,
    )
    try:
        appointment = place_visit(
            order, patient=series.patient, follows=None, actor=actor, verb=EXTEND_SERIES, override=None, now=now
        )
    except Refusal as refusal:
        open_visit(actor, row, why=refusal.sentence, now=now)
        return None
    row.state, row.appointment, row.is_in_event, row.why = SeriesState.BOOKED, appointment, True, ""
    row.save()
    stop_waiting(actor, row, why="It has a time", now=now)
    return appointment
