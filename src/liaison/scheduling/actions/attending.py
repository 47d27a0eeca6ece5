"""What happens to an appointment after it was booked: cancelled, arrived, checked in, seen, missed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.facts import Fact
from liaison.core.live import announce
from liaison.core.refusals import Stale
from liaison.scheduling.access import ATTEND, CANCEL
from liaison.scheduling.actions.keeping import lock_resources, refresh_free_time
from liaison.scheduling.actions.refusals import CannotChange, OnlyHeld
from liaison.scheduling.events import (
    AppointmentArrived,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentNotMissed,
    AppointmentSeen,
)
from liaison.scheduling.models import Appointment, Hold
from liaison.scheduling.ports import CancelReason
from liaison.scheduling.queries.visits import successor_of
from liaison.scheduling.rules import HOLDS_TIME, State, is_late_cancellation, may_move


def cancel_appointment(
    *,
    actor: Actor,
    appointment: Appointment,
    reason: CancelReason,
    expected_version: int | None = None,
    series_id: int | None = None,
    now: datetime,
) -> Appointment:
    """The visit will not take place; its time is free again. With `series_id` the series tells the patient.

    Refuses: CannotChange, OnlyHeld (it is given up instead), Stale.
    """

    def change(current: Appointment) -> None:
        if current.seen_at is not None:
            raise CannotChange("The clinician sees this patient already. Take that back first, if it is a mistake.")
        if Hold.objects.filter(appointment=current, end="").exists():
            raise OnlyHeld
        current.cancel(reason=reason, by_name=actor.name, now=now)
        current.ical_sequence += 1

    late = is_late_cancellation(start=appointment.start_at, now=now, window=appointment.visit_type.cancellation)
    with act(actor, CANCEL, patient=appointment.patient, subject=appointment, reason=reason.value, now=now) as entry:
        first = _said_before(entry, appointment, State.CANCELLED)
        if first is not None and _is_the_same(first, reason=reason, actor=actor):
            entry.about(first)
            return first
        current = change_state(appointment, State.CANCELLED, change, expected_version=expected_version, now=now)
        entry.about(current)
        entry.note(late=late)
        entry.publish(
            AppointmentCancelled(reason=reason.value, late=late, series_id=series_id, at=now, **ids_of(current))
        )
    return current


def _is_the_same(cancelled: Appointment, *, reason: CancelReason, actor: Actor) -> bool:
    """Whether this person cancelled it so already; one that was moved stands at another time."""
    same = (cancelled.cancel_reason, cancelled.cancelled_by_name) == (reason.value, actor.name)
    return same and successor_of(cancelled) is None


def arrive(
    *, actor: Actor, appointment: Appointment, expected_version: int | None = None, now: datetime
) -> Appointment:
    """The patient is here, on the local day of the visit. A second press changes nothing.

    Refuses: CannotChange, Stale, NotFree (a late arrival after a no-show whose time was given away).
    """
    if appointment.visit_on != _today(appointment, now):
        raise CannotChange("A patient arrives on the day of the visit. Move the visit to today first.")

    with act(actor, ATTEND, patient=appointment.patient, subject=appointment, now=now) as entry:
        current = _said_before(entry, appointment, State.ARRIVED)
        if current is None:
            was_missed = Appointment.objects.filter(pk=appointment.pk, state=State.NO_SHOW).exists()
            current = change_state(
                appointment,
                State.ARRIVED,
                lambda visit: visit.arrive(now=now),
                expected_version=expected_version,
                now=now,
            )
            entry.publish(AppointmentArrived(at=now, **ids_of(current)))
            if was_missed:
                entry.publish(AppointmentNotMissed(at=now, **ids_of(current)))
        entry.about(current)
    return current


def undo_arrival(
    *, actor: Actor, appointment: Appointment, expected_version: int | None = None, now: datetime
) -> Appointment:
    """The patient is not here after all, said on the same local day. Refuses: CannotChange, Stale."""
    return _press(
        actor, appointment, State.BOOKED, Appointment.undo_arrival, expected_version=expected_version, now=now
    )


def check_in(
    *, actor: Actor, appointment: Appointment, expected_version: int | None = None, now: datetime
) -> Appointment:
    """All that comes before the visit is done. Refuses: CannotChange, Stale."""
    if appointment.visit_on != _today(appointment, now):
        raise CannotChange("A patient checks in on the day of the visit. Move the visit to today first.")
    return _press(
        actor,
        appointment,
        State.CHECKED_IN,
        lambda visit: visit.check_in(now=now),
        expected_version=expected_version,
        now=now,
    )


def undo_check_in(
    *, actor: Actor, appointment: Appointment, expected_version: int | None = None, now: datetime
) -> Appointment:
    """Something before the visit is still to be done. Refuses: CannotChange (in a room or seen already), Stale."""

    def change(current: Appointment) -> None:
        if current.roomed_at is not None or current.seen_at is not None:
            raise CannotChange("The patient is in a room or with the clinician. Take that back first.")
        current.undo_check_in()

    return _press(
        actor,
        appointment,
        State.ARRIVED,
        change,
        expected_version=expected_version,
        now=now,
    )


def record_seen(
    *, actor: Actor, appointment: Appointment, expected_version: int | None = None, now: datetime
) -> Appointment:
    """The visit took place, today or on an earlier day. Refuses: CannotChange, Stale."""
    if appointment.visit_on > _today(appointment, now):
        raise CannotChange("The day of this visit has not come yet. Move the visit if it took place early.")
    return _press(
        actor,
        appointment,
        State.FULFILLED,
        lambda visit: visit.see(now=now),
        publishes=AppointmentSeen,
        expected_version=expected_version,
        now=now,
    )


def record_missed(
    *, actor: Actor, appointment: Appointment, expected_version: int | None = None, now: datetime
) -> Appointment:
    """The patient did not come, or left before being seen. Refuses: CannotChange (before the start too), Stale."""
    if now < appointment.start_at:
        raise CannotChange("The visit has not started yet. Cancel it if the patient says that they will not come.")
    return _press(
        actor,
        appointment,
        State.NO_SHOW,
        lambda visit: visit.miss(by_name=actor.name, now=now),
        publishes=AppointmentMissed,
        expected_version=expected_version,
        now=now,
    )


def _press(
    actor: Actor,
    appointment: Appointment,
    state: State,
    change: Callable[[Appointment], None],
    *,
    publishes: Callable[..., Fact] | None = None,
    expected_version: int | None,
    now: datetime,
) -> Appointment:
    """One press of a button; the second changes nothing. `publishes` is the fact, where other packages hear of it."""
    with act(actor, ATTEND, patient=appointment.patient, subject=appointment, now=now) as entry:
        current = _said_before(entry, appointment, state)
        if current is None:
            current = change_state(appointment, state, change, expected_version=expected_version, now=now)
            if publishes is not None:
                entry.publish(publishes(at=now, **ids_of(current)))
        entry.about(current)
        entry.note(state=current.state)
    return current


def _said_before(entry: Entry, appointment: Appointment, state: State) -> Appointment | None:
    """The visit, locked, if it has this state already: a second press changes nothing and tells nobody."""
    current = Appointment.objects.select_for_update(no_key=True).get(pk=appointment.pk)
    if current.state_now is not state:
        return None
    entry.note(repeated=True)
    return current


def change_state(
    appointment: Appointment,
    state: State,
    change: Callable[[Appointment], None],
    *,
    expected_version: int | None,
    now: datetime,
) -> Appointment:
    """Lock it, see that the state may change so, change it, and let its reservations follow."""
    current = Appointment.objects.select_for_update(no_key=True).get(pk=appointment.pk)
    if expected_version is not None and current.version != expected_version:
        raise Stale
    if not may_move(current.state_now, state, visit_on=current.visit_on, today=_today(current, now)):
        raise CannotChange
    holds = state in HOLDS_TIME
    resource_ids: tuple[int, ...] = ()
    if holds != (current.state_now in HOLDS_TIME):
        resource_ids = tuple(lock_resources(current.reservations.values_list("resource_id", flat=True)))
    change(current)
    current.save()
    current.reservations.update(active=holds)
    if resource_ids:
        refresh_free_time(resource_ids, during=current.claim)
    tell_who_looks(current, what=state.value)
    return current


def tell_who_looks(current: Appointment, *, what: str) -> None:
    """Who has the visit or its day open fetches it again."""
    announce(topic=f"calendar:{current.site_id}:{current.visit_on}", what=what)
    announce(topic=f"appointment:{current.pk}", what=what)


def _today(appointment: Appointment, now: datetime) -> date:
    return now.astimezone(appointment.zone).date()


def ids_of(appointment: Appointment) -> dict[str, Any]:
    """What every fact about a visit names."""
    return {
        "appointment_id": appointment.pk,
        "patient_id": appointment.patient_id,
        "loop_id": appointment.loop_id,
        "referral_id": appointment.referral_id,
    }
