"""Times that are kept for patients who make up their mind: some still are, some lapsed and are asked about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from liaison.core.actor import Actor, system_actor
from liaison.demo.office import Office
from liaison.demo.staff import Staffed
from liaison.patients.models import Patient
from liaison.scheduling import actions as scheduling
from liaison.scheduling.models import Hold
from liaison.scheduling.ports import HOLD_FOR, BookingOrder, Seat
from liaison.scheduling.queries import TimesWanted, earliest_times

KEPT: Final = 4
"""Patients for whom a time is kept, the last of them now."""


def keep_times(actor: Actor, patients: Sequence[Patient], staffed: Staffed, *, office: Office) -> None:
    """The first ones' times lapsed in the hours before, so somebody asks them; the last one's time stands."""
    for place, patient in enumerate(patients[:KEPT]):
        is_last = place == min(KEPT, len(patients)) - 1
        held = _keep(actor, patient, staffed, lasting=HOLD_FOR[-1 if is_last else 0], office=office)
        if held is not None and not is_last:
            scheduling.lapse_hold(
                actor=system_actor("held times"), appointment_id=held.appointment_id, now=held.until_at
            )


def _keep(actor: Actor, patient: Patient, staffed: Staffed, *, lasting: timedelta, office: Office) -> Hold | None:
    """The last of the earliest times; None where no time is free."""
    site, kind = staffed.sites["RIV"], staffed.visit_types["office"]
    now = office.at_work if lasting == HOLD_FOR[-1] else office.ago(timedelta(hours=26))
    wanted = TimesWanted(
        visit_type_id=kind.pk, site_id=site.pk, patient_id=patient.pk,
        not_before=office.now.astimezone(site.zone).date() + timedelta(days=2),
    )  # fmt: skip
    offers = earliest_times(actor, wanted=wanted, now=now).offers
    if not offers:
        return None
    order = BookingOrder(
        key=f"demo-kept-{patient.pk}", visit_type_id=kind.pk, site_id=site.pk, start_at=offers[-1].start_at,
        seats=tuple(Seat(role=seat.role, resource_id=seat.resource_id) for seat in offers[-1].seats),
    )  # fmt: skip
    return scheduling.hold_time(actor=actor, patient=patient, order=order, lasting=lasting, now=now)
