"""What follows from a booking, a move and a cancellation: the patient is told, reminders are planned."""

from __future__ import annotations

from liaison.core.actor import Actor
from liaison.core.facts import reacts_to
from liaison.scheduling.actions import confirm_booking, confirm_cancellation, confirm_move, plan_reminders
from liaison.scheduling.events import AppointmentBooked, AppointmentCancelled, AppointmentMoved
from liaison.scheduling.models import Appointment


@reacts_to(AppointmentBooked)
def tell_of_the_booking(fact: AppointmentBooked, *, actor: Actor) -> None:
    """Confirm, and plan the reminders."""
    appointment = _appointment(fact.appointment_id)
    confirm_booking(actor=actor, appointment=appointment, now=fact.at)
    plan_reminders(appointment=appointment, now=fact.at)


@reacts_to(AppointmentMoved)
def tell_of_the_move(fact: AppointmentMoved, *, actor: Actor) -> None:
    """Say the new time, and plan its reminders; those of the old time see that it is cancelled."""
    appointment = _appointment(fact.appointment_id)
    previous = _appointment(fact.previous_id)
    confirm_move(actor=actor, appointment=appointment, previous=previous, now=fact.at)
    plan_reminders(appointment=appointment, now=fact.at)


@reacts_to(AppointmentCancelled)
def tell_of_the_cancellation(fact: AppointmentCancelled, *, actor: Actor) -> None:
    """Say that it is off."""
    confirm_cancellation(actor=actor, appointment=_appointment(fact.appointment_id), now=fact.at)


def _appointment(pk: int) -> Appointment:
    return Appointment.objects.select_related("patient", "site", "loop").get(pk=pk)
