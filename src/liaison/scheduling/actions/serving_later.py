"""A visit that was booked for nothing in particular turns out to be the one that somebody promised."""

from __future__ import annotations

from datetime import datetime

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.refusals import Stale
from liaison.loops.models import Loop
from liaison.scheduling.access import SERVE
from liaison.scheduling.actions.attending import ids_of, tell_who_looks
from liaison.scheduling.actions.refusals import CannotServe
from liaison.scheduling.events import AppointmentServes
from liaison.scheduling.models import Appointment
from liaison.scheduling.queries.asked import is_arranged_elsewhere
from liaison.scheduling.rules import MAY_SERVE, State


def serve_loop(
    *, actor: Actor, appointment: Appointment, loop_id: int, expected_version: int | None = None, now: datetime
) -> Appointment:
    """This visit is for that promise of the same patient, as if it had been booked for it. A second press changes
    nothing. A promise that moves on a page of its own (a referral, the waitlist) is booked for there.

    Refuses: CannotServe (it serves something already, will not take place, or the promise has ended), Stale.
    """
    with act(actor, SERVE, patient=appointment.patient, subject=appointment, now=now) as entry:
        current = Appointment.objects.select_for_update(no_key=True).get(pk=appointment.pk)
        entry.about(current)
        if current.loop_id == loop_id:
            entry.note(repeated=True)
            return current
        if expected_version is not None and current.version != expected_version:
            raise Stale
        if current.loop_id is not None or current.referral_id is not None:
            raise CannotServe("This visit is for something else already. Open it to see what for.")
        if current.state_now not in MAY_SERVE:
            raise CannotServe("This visit will not take place, or did not. Choose another, or book one.")
        current.serve(_promise(current, loop_id=loop_id))
        current.save()
        entry.note(loop_id=loop_id)
        took_place = current.state_now is State.FULFILLED
        entry.publish(AppointmentServes(took_place=took_place, at=now, **ids_of(current)))
        tell_who_looks(current, what="serves")
    return current


def _promise(appointment: Appointment, *, loop_id: int) -> Loop:
    loop = Loop.objects.open().filter(pk=loop_id, patient=appointment.patient_id).first()
    if loop is None:
        raise CannotServe("What this visit was to count for has ended, or is not this patient's. Look at the loop.")
    if is_arranged_elsewhere(loop):
        raise CannotServe("A visit for this is arranged on the page of what it is about. Open it from the loop.")
    return loop
