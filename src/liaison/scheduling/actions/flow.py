"""The flow of a visit's day: to a room, with the clinician, gone; what is done about who is late.

Each is a time stamp beside the state, taken back on the same local day; a second press changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.refusals import Stale
from liaison.core.verbs import Verb
from liaison.scheduling.access import LATE, ROOM, SEE
from liaison.scheduling.actions.attending import tell_who_looks
from liaison.scheduling.actions.refusals import CannotChange
from liaison.scheduling.models import Appointment, Resource, ResourceKind
from liaison.scheduling.rules import LateAnswer, Stage, State, is_its_day, late_by

_NOT_TODAY = "That is noted on the day of the visit only. Note it as having taken place, or as missed, instead."
_CHECK_IN_FIRST = "Check the patient in first."
_HERE_ANSWERS = frozenset({State.BOOKED, State.ARRIVED, State.CHECKED_IN})


def take_to_room(
    *, actor: Actor, appointment: Appointment, room: Resource, expected_version: int | None = None, now: datetime
) -> Appointment:
    """The patient sits in `room`; said again with another room, they moved there. Refuses: CannotChange (another
    day, not checked in, no room of this site, seen already), Stale."""

    def change(visit: Appointment) -> None:
        if visit.seen_at is not None:
            raise CannotChange("The clinician sees this patient already.")
        if room.kind != ResourceKind.ROOM or room.retired_at is not None or not _is_at(room, visit.site_id):
            raise CannotChange("This is no room in use at the site of the visit. Choose another.")
        visit.take_to_room(room, now=now)

    return _stamp(
        actor, ROOM, appointment, Stage.ROOMED, change, is_done=lambda visit: visit.room_id == room.pk,
        expected_version=expected_version, now=now,
    )  # fmt: skip


def _is_at(room: Resource, site_id: int) -> bool:
    return room.site_id == site_id or Resource.objects.working_at(site_id).filter(pk=room.pk).exists()


def undo_room(
    *, actor: Actor, appointment: Appointment, expected_version: int | None = None, now: datetime
) -> Appointment:
    """The patient is not in a room after all. Refuses: CannotChange (another day, seen already), Stale."""

    def change(visit: Appointment) -> None:
        if visit.seen_at is not None:
            raise CannotChange("The clinician sees this patient already. Take that back first.")
        visit.undo_room()

    return _stamp(
        actor, ROOM, appointment, Stage.CHECKED_IN, change, is_done=lambda visit: visit.roomed_at is None,
        expected_version=expected_version, now=now,
    )  # fmt: skip


def meet_clinician(
    *, actor: Actor, appointment: Appointment, expected_version: int | None = None, now: datetime
) -> Appointment:
    """The clinician sees the patient from now on. Refuses: CannotChange (another day, not checked in), Stale."""
    return _stamp(
        actor, SEE, appointment, Stage.SEEN, lambda visit: visit.meet_clinician(now=now),
        is_done=lambda visit: visit.seen_at is not None, expected_version=expected_version, now=now,
    )  # fmt: skip


def undo_meeting(
    *, actor: Actor, appointment: Appointment, expected_version: int | None = None, now: datetime
) -> Appointment:
    """The clinician does not see them yet. Refuses: CannotChange (another day, gone already), Stale."""

    def change(visit: Appointment) -> None:
        if visit.left_at is not None:
            raise CannotChange("The patient is noted as gone. Take that back first.")
        visit.undo_meeting()

    return _stamp(
        actor, SEE, appointment, Stage.ROOMED, change, is_done=lambda visit: visit.seen_at is None,
        expected_version=expected_version, now=now,
    )  # fmt: skip


def leave(*, actor: Actor, appointment: Appointment, expected_version: int | None = None, now: datetime) -> Appointment:
    """The patient is gone, after being seen. Refuses: CannotChange (another day, not seen yet), Stale."""

    def change(visit: Appointment) -> None:
        if visit.seen_at is None:
            raise CannotChange("Nobody has seen the patient yet. Note that they did not stay instead.")
        visit.leave(now=now)

    return _stamp(
        actor, ROOM, appointment, Stage.LEFT, change, is_done=lambda visit: visit.left_at is not None,
        expected_version=expected_version, now=now,
    )  # fmt: skip


def undo_leaving(
    *, actor: Actor, appointment: Appointment, expected_version: int | None = None, now: datetime
) -> Appointment:
    """The patient is still here. Refuses: CannotChange (another day), Stale."""
    return _stamp(
        actor, ROOM, appointment, Stage.SEEN, Appointment.undo_leaving, is_done=lambda visit: visit.left_at is None,
        expected_version=expected_version, now=now,
    )  # fmt: skip


def answer_lateness(
    *,
    actor: Actor,
    appointment: Appointment,
    answer: LateAnswer,
    expected_version: int | None = None,
    now: datetime,
) -> Appointment:
    """Say what is done about a late patient; who and when stay with the visit. The same answer again changes nothing.

    Refuses: CannotChange (nobody is late, or they were seen), Stale.
    """

    def change(visit: Appointment) -> None:
        if late_by(visit.stamps, threshold=visit.visit_type.late_after, now=now) is None:
            raise CannotChange("This patient is not late. Look at what the visit says now.")
        visit.answer_lateness(answer, by_name=actor.name, now=now)

    return _change(
        actor, LATE, appointment, f"late: {answer}", change, is_done=lambda visit: visit.late_answer == answer,
        expected_version=expected_version, now=now,
    )  # fmt: skip


def undo_lateness_answer(
    *, actor: Actor, appointment: Appointment, expected_version: int | None = None, now: datetime
) -> Appointment:
    """The question what to do about a late patient is open again. Refuses: CannotChange, Stale."""

    return _change(
        actor, LATE, appointment, "late: asked", Appointment.undo_lateness_answer,
        is_done=lambda visit: not visit.late_answer, expected_version=expected_version, now=now,
    )  # fmt: skip


def _stamp(
    actor: Actor,
    verb: Verb,
    appointment: Appointment,
    stage: Stage,
    change: Callable[[Appointment], None],
    *,
    is_done: Callable[[Appointment], bool],
    expected_version: int | None,
    now: datetime,
) -> Appointment:
    """A stamp of who is checked in."""

    def checked_in(visit: Appointment) -> None:
        if visit.state_now is not State.CHECKED_IN:
            raise CannotChange(_CHECK_IN_FIRST if visit.state_now in _HERE_ANSWERS else None)
        change(visit)

    return _change(
        actor, verb, appointment, stage.value, checked_in, is_done=is_done, expected_version=expected_version, now=now
    )


def _change(
    actor: Actor,
    verb: Verb,
    appointment: Appointment,
    what: str,
    change: Callable[[Appointment], None],
    *,
    is_done: Callable[[Appointment], bool],
    expected_version: int | None,
    now: datetime,
) -> Appointment:
    """Lock it, leave it alone if that was said before, see that it is the day, change it, tell who looks."""
    with act(actor, verb, patient=appointment.patient, subject=appointment, now=now) as entry:
        rows = Appointment.objects.select_for_update(no_key=True, of=("self",)).select_related("visit_type")
        current = rows.get(pk=appointment.pk)
        entry.about(current)
        entry.note(stage=what)
        if is_done(current):
            entry.note(repeated=True)
            return current
        if expected_version is not None and current.version != expected_version:
            raise Stale
        if current.state_now not in _HERE_ANSWERS:
            raise CannotChange
        if not is_its_day(current.stamps, zone=current.zone, now=now):
            raise CannotChange(_NOT_TODAY)
        change(current)
        current.save()
        tell_who_looks(current, what=what)
    return current
