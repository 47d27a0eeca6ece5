"""What follows from a booking, a move and a cancellation: the patient is told, reminders are planned."""

from __future__ import annotations

from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.facts import reacts_to
from liaison.core.jobs import defer
from liaison.scheduling.actions import confirm_booking, confirm_cancellation, confirm_move, reminders_ahead
from liaison.scheduling.events import AppointmentBooked, AppointmentCancelled, AppointmentMoved
from liaison.scheduling.jobs import remind
from liaison.scheduling.models import Appointment


@reacts_to(AppointmentBooked)
def tell_of_the_booking(fact: AppointmentBooked, *, actor: Actor) -> None:
    """Confirm, and plan the reminders."""
    appointment = _appointment(fact.appointment_id)
    confirm_booking(actor=actor, appointment=appointment, now=fact.at)
    _plan_reminders(appointment, now=fact.at)


@reacts_to(AppointmentMoved)
def tell_of_the_move(fact: AppointmentMoved, *, actor: Actor) -> None:
    """Say the new time, and plan its reminders; those of the old time see that it is cancelled."""
    appointment = _appointment(fact.appointment_id)
    previous = _appointment(fact.previous_id)
    confirm_move(actor=actor, appointment=appointment, previous=previous, now=fact.at)
    _plan_reminders(appointment, now=fact.at)


@reacts_to(AppointmentCancelled)
def tell_of_the_cancellation(fact: AppointmentCancelled, *, actor: Actor) -> None:
    """Say that it is off."""
    confirm_cancellation(actor=actor, appointment=_appointment(fact.appointment_id), now=fact.at)


def _plan_reminders(appointment: Appointment, *, now: datetime) -> None:
    for reminder in reminders_ahead(appointment, now=now):
        defer(remind, at=reminder.at, appointment_id=appointment.pk, kind=reminder.kind.value)


def _appointment(pk: int) -> Appointment:
    return Appointment.objects.select_related("patient", "site", "loop").get(pk=pk)
