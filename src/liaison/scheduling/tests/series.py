"""A series in the small clinic: Walter comes on Mondays and Thursdays at nine, six times."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from liaison.scheduling import actions
from liaison.scheduling.actions import Pick, PickKind, SeriesChange, SeriesOrder, Shift
from liaison.scheduling.models import Series
from liaison.scheduling.ports import CancelReason, Seat
from liaison.scheduling.queries.series import changeable_visits, shifted_targets
from liaison.scheduling.queries.series_plan import LineState, PlannedVisit, SeriesPlan, SeriesWanted, signature_of
from liaison.scheduling.queries.series_planning import plan_again, plan_series
from liaison.scheduling.queries.times import TimeOffer
from liaison.scheduling.rules import HolidayPolicy, Pattern
from liaison.scheduling.tests.clinic import NOW, Clinic

PHYSIO = Pattern(first_on=date(2026, 3, 5), at=time(9), weekdays=frozenset({0, 3}), count=6)
"""Thursday March 5, then 9, 12, 16, 19 and 23; New York's clocks change on the 8th."""


def wanted(clinic: Clinic, pattern: Pattern = PHYSIO, **changes: Any) -> SeriesWanted:
    given = SeriesWanted(
        patient_id=clinic.walter.pk,
        visit_type_id=clinic.follow_up.pk,
        site_id=clinic.site.pk,
        pattern=pattern,
        holidays=HolidayPolicy.SKIP,
        clinician_id=clinic.imani.pk,
    )
    return replace(given, **changes)


def plan(clinic: Clinic, pattern: Pattern = PHYSIO, *, now: datetime = NOW, **changes: Any) -> SeriesPlan:
    return plan_series(clinic.rosa, wanted=wanted(clinic, pattern, **changes), now=now)


def pick_of(offer: TimeOffer) -> Pick:
    seats = tuple(Seat(role=seat.role, resource_id=seat.resource_id) for seat in offer.seats)
    return Pick(kind=PickKind.BOOK, start_at=offer.start_at, seats=seats)


def decided(one: PlannedVisit) -> Pick | None:
    """What is free is booked, what is taken is left open, what is ahead or left out needs no decision."""
    if one.state is LineState.CONFLICT:
        return Pick(kind=PickKind.OPEN)
    return pick_of(one.offer) if one.offer else None


def picks_of(found: SeriesPlan) -> dict[int, Pick]:
    return {one.position: pick for one in found.visits if (pick := decided(one)) is not None}


def order_of(clinic: Clinic, pattern: Pattern = PHYSIO, *, now: datetime = NOW, **changes: Any) -> SeriesOrder:
    asked = {name: changes.pop(name) for name in ("holidays", "clinician_id", "place_id") if name in changes}
    found = plan(clinic, pattern, now=now, **asked)
    order = SeriesOrder(
        key="a series",
        wanted=wanted(clinic, pattern, **asked),
        signature=found.signature,
        picks=picks_of(found),
    )
    return replace(order, **changes)


def book(clinic: Clinic, pattern: Pattern = PHYSIO, *, now: datetime = NOW, **changes: Any) -> Series:
    order = order_of(clinic, pattern, now=now, **changes)
    return actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=order, now=now)


def change_of(
    clinic: Clinic, series: Series, *, from_position: int = 1, at: time = time(9), days: int = 0, **changes: Any
) -> SeriesChange:
    """The change as Rosa would confirm it after she saw the preview."""
    now = changes.pop("now", NOW)
    clinician_id = changes.pop("clinician_id", series.clinician_id)
    rows = changeable_visits(series, from_position=from_position, now=now)
    targets = shifted_targets(rows, series=series, at=at, days=days)
    found = plan_again(
        clinic.rosa,
        wanted=wanted(clinic, series.pattern, clinician_id=clinician_id),
        targets=targets,
        leaving=[row.appointment_id or 0 for row in rows],
        now=now,
    )
    change = SeriesChange(
        key=f"moved {at} {days}",
        shift=Shift(from_position=from_position, at=at, days=days, clinician_id=clinician_id),
        signature=signature_of(targets),
        picks=picks_of(found),
        reason=CancelReason.PATIENT,
        expected_version=series.version,
    )
    return replace(change, **changes)
