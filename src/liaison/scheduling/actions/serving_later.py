"""A visit that was booked for nothing in particular turns out to be the one that somebody promised."""

from __future__ import annotations

from datetime import datetime

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.refusals import Stale
from liaison.core.written_time import long_day
from liaison.loops.actions import void_evidence
from liaison.loops.models import Loop
from liaison.loops.ports import About, Mistake
from liaison.scheduling.access import SERVE, SERVE_NO_MORE
from liaison.scheduling.actions.attending import ids_of, tell_who_looks
from liaison.scheduling.actions.refusals import CannotServe, WentOn
from liaison.scheduling.events import AppointmentServes, AppointmentServesNoMore
from liaison.scheduling.models import Appointment
from liaison.scheduling.queries.asked import is_arranged_elsewhere
from liaison.scheduling.rules import MAY_SERVE, State


def serve_loop(
    *, actor: Actor, appointment: Appointment, loop_id: int, expected_version: int | None = None, now: datetime
) -> Appointment:
    """This visit is for that promise of the same patient, as if it had been booked for it. A second press changes
    nothing. A promise that moves on a page of its own (a referral, the waitlist) is booked for there. The visit comes
    back with its loop as both are now: taking it back names these versions.

    Refuses: CannotServe (it serves something already, will not take place, or the promise has ended), Stale.
    """
    with act(actor, SERVE, patient=appointment.patient, subject=appointment, now=now) as entry:
        current = Appointment.objects.select_for_update(no_key=True).get(pk=appointment.pk)
        entry.about(current)
        if current.loop_id == loop_id:
            entry.note(repeated=True)
            return _with_loop(current)
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
    return _with_loop(current)


def serve_no_more(
    *, actor: Actor, appointment: Appointment, loop_id: int, expected_version: int, loop_version: int, now: datetime
) -> Appointment:
    """Take back that this visit is for that promise: it names nothing again, and what it proved there is void; a
    promise that it closed opens again. A second press changes nothing.

    Refuses: WentOn, when the visit or the promise changed since it was said (`expected_version`, `loop_version`) or
    the promise moves on a page of its own.
    """
    with act(actor, SERVE_NO_MORE, patient=appointment.patient, subject=appointment, now=now) as entry:
        current = Appointment.objects.select_for_update(no_key=True).get(pk=appointment.pk)
        entry.about(current)
        if current.loop_id is None:
            entry.note(repeated=True)
            return current
        loop = Loop.objects.select_for_update().get(pk=current.loop_id)
        as_said = (loop.pk, current.version, loop.version) == (loop_id, expected_version, loop_version)
        if not as_said or is_arranged_elsewhere(loop):
            raise WentOn
        facts = ids_of(current)
        current.serve_no_more()
        current.save()
        entry.note(loop_id=loop_id)
        void_evidence(actor.as_liaison(), mistake=_mistake(current), loop_id=loop_id, now=now)
        entry.publish(AppointmentServesNoMore(at=now, **facts))
        tell_who_looks(current, what="serves")
    return current


def _mistake(appointment: Appointment) -> Mistake:
    """What hangs on it in the loop: the evidence that names it, and the clocks that it ended."""
    return Mistake(
        sentence=f"Taken back: the visit on {long_day(appointment.local_start)} is for something else.",
        about=About(type="scheduling.appointment", id=appointment.pk),
        events=(f"appointment:{appointment.pk}",),
    )


def _with_loop(appointment: Appointment) -> Appointment:
    """The visit with its loop as what followed left it."""
    appointment.loop = Loop.objects.get(pk=appointment.loop_id or 0)
    return appointment


def _promise(appointment: Appointment, *, loop_id: int) -> Loop:
    loop = Loop.objects.open().filter(pk=loop_id, patient=appointment.patient_id).first()
    if loop is None:
        raise CannotServe("What this visit was to count for has ended, or is not this patient's. Look at the loop.")
    if is_arranged_elsewhere(loop):
        raise CannotServe("A visit for this is arranged on the page of what it is about. Open it from the loop.")
    return loop
