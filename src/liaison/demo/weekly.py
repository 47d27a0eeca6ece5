"""Patients who come every week, each with one visit that still wants a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from itertools import product
from typing import Final

from liaison.core.actor import Actor
from liaison.core.calendars import FEDERAL, next_business_day
from liaison.demo.staff import Staffed
from liaison.patients.models import Patient
from liaison.scheduling import actions as scheduling
from liaison.scheduling.models import SeriesVisit
from liaison.scheduling.ports import BookingOrder, CancelReason, HolidayPolicy, Pattern, Seat
from liaison.scheduling.queries import SeriesWanted, TimeOffer, plan_series
from liaison.scheduling.queries.series_plan import SeriesPlan

WEEKS: Final = 3
HOURS: Final = (11, 14, 9, 15, 10)
SERIES: Final = 4
CALLED_OFF: Final = 3
"""Which series the patient does not want any more."""
WITHOUT_TIME: Final = 2
"""Which visit of each series nobody has found a time for."""


def come_every_week(actor: Actor, patients: Sequence[Patient], staffed: Staffed, *, now: datetime) -> None:
    """A series for each of these patients; one has a time for all visits by now, one left one out, the rest wait.

    Three were held up one night; for one of them a later night went well, and the last was called off.
    """
    for place, patient in enumerate(patients):
        wanted, plan = _planned(actor, patient, staffed, from_day=8 + place, now=now)
        key = f"demo-series-{patient.pk}"
        order = scheduling.SeriesOrder(key=key, wanted=wanted, signature=plan.signature, picks=_picks(plan))
        series = scheduling.book_series(actor=actor, patient=patient, order=order, now=now)
        row = series.visits.get(position=WITHOUT_TIME)
        if place == 0:
            _find_time(actor, row, wanted=wanted, plan=plan, now=now)
        if place in {0, 2, CALLED_OFF}:
            refusal = scheduling.Impossible("Room 4 was out of service that night.")
            scheduling.promise_to_look(actor, series_id=series.pk, refusal=refusal, now=now)
        if place == 0:
            scheduling.settle_held_up(actor, series_id=series.pk, now=now)
        if place == 1:
            scheduling.leave_series_visit_out(actor=actor, row=row, reason="They are away that week", now=now)
        if place == CALLED_OFF:
            scheduling.cancel_series(
                actor=actor, series=series, from_position=1, reason=CancelReason.PATIENT, key=f"{key}-off",
                expected_version=series.version, now=now,
            )  # fmt: skip


def _planned(
    actor: Actor, patient: Patient, staffed: Staffed, *, from_day: int, now: datetime
) -> tuple[SeriesWanted, SeriesPlan]:
    """The first weekday and hour at which every visit has a time, whatever the day and however busy the clinic."""
    for day, hour in product(range(from_day, from_day + 7), HOURS):
        wanted = _wanted(patient, staffed, at=time(hour), after=timedelta(days=day), now=now)
        plan = plan_series(actor, wanted=wanted, now=now)
        if all(one.offer for one in plan.visits):
            break
    return wanted, plan


def _wanted(patient: Patient, staffed: Staffed, *, at: time, after: timedelta, now: datetime) -> SeriesWanted:
    site = staffed.sites["RIV"]
    first = next_business_day((now.astimezone(site.zone) + after).date(), calendar=FEDERAL)
    return SeriesWanted(
        patient_id=patient.pk,
        visit_type_id=staffed.visit_types["office"].pk,
        site_id=site.pk,
        pattern=Pattern(first_on=first, at=at, weekdays=frozenset({first.weekday()}), count=WEEKS),
        holidays=HolidayPolicy.SKIP,
    )


def _picks(plan: SeriesPlan) -> dict[int, scheduling.Pick]:
    """Every free time but that of the visit that is left open; a day on which nobody is free stays open too."""
    found: dict[int, scheduling.Pick] = {}
    for one in plan.visits:
        if one.offer is None or one.position == WITHOUT_TIME:
            found[one.position] = scheduling.Pick(kind=scheduling.PickKind.OPEN)
            continue
        found[one.position] = scheduling.Pick(
            kind=scheduling.PickKind.BOOK, start_at=one.offer.start_at, seats=_seats(one.offer)
        )
    return found


def _find_time(actor: Actor, row: SeriesVisit, *, wanted: SeriesWanted, plan: SeriesPlan, now: datetime) -> None:
    offer = next((one.offer for one in plan.visits if one.position == row.position), None)
    if offer is None or row.loop_id is None:
        return
    order = BookingOrder(
        key=f"demo-series-visit-{row.pk}", visit_type_id=wanted.visit_type_id, site_id=wanted.site_id,
        start_at=offer.start_at, seats=_seats(offer), loop_id=row.loop_id,
    )  # fmt: skip
    scheduling.book_appointment(actor=actor, patient=row.series.patient, order=order, now=now)


def _seats(offer: TimeOffer) -> tuple[Seat, ...]:
    return tuple(Seat(role=seat.role, resource_id=seat.resource_id) for seat in offer.seats)
