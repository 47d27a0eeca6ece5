"""Who lost their time twice, or has it back: what is promised is what the patient does not know yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from liaison.core.postgres.guard import writes_open
from liaison.loops.actions import add_evidence
from liaison.loops.models import Loop, WaitingPromise
from liaison.scheduling import actions, queries
from liaison.scheduling.models import Appointment, Closure, Displacement, Replan, Resource
from liaison.scheduling.ports import CancelReason, Span, Standing
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.test_replanning import (
    apply,
    booked,
    moved_of,
    nobody_there,
    order_of,
    plan,
    tell_loop,
    waits,
    without_times,
)
from liaison.scheduling.tests.test_serving_later import promise

__all__ = ["booked", "nobody_there"]


def all_called(clinic: Clinic, of: Resource, *, key: str) -> Replan:
    """Who or what is away on Tuesday, and everybody is called."""
    order = order_of(clinic, plan(clinic, of=of), key=key, resource_id=of.pk)
    return apply(clinic, replace(order, moves=tuple(replace(one, start_at=None, seats=()) for one in order.moves)))


def last_loop(visit: Appointment) -> Loop:
    loop = visit.displacements.latest("pk").loop
    assert loop is not None
    return Loop.objects.get(pk=loop.pk)


@pytest.mark.parametrize("first", ["room", "clinician"])
def test_opened_again_what_something_else_still_closes_is_looked_for_further(
    clinic: Clinic, booked: Any, first: str
) -> None:
    both = {"clinician": all_called(clinic, clinic.imani, key="a"), "room": all_called(clinic, clinic.room, key="b")}
    visit = booked[0]
    away = "Room 1" if first == "clinician" else "Dr Imani"
    actions.open_time(actor=clinic.marta, closure=both.pop(first).closure, now=NOW)
    loop = last_loop(visit)
    assert (loop.state, loop.kind, loop.title) == (
        "open",
        "displaced",
        "Find Walter another time than Tue, Mar 3, 10:00",
    )
    assert loop.next_step == f"Call Walter: {away} can’t be there Tue, Mar 3, 10:00; find another time"
    assert queries.readiness_of([visit], now=NOW)[visit.pk].standing is Standing.BLOCKED
    liaison = clinic.rosa.as_liaison()
    assert actions.miss_overdue(actor=liaison, now=visit.end_at + timedelta(hours=1)) == 0
    (other,) = both.values()
    actions.open_time(actor=clinic.marta, closure=other.closure, now=NOW)
    assert {last_loop(each).state for each in booked} == {"closed"}
    assert actions.miss_overdue(actor=liaison, now=booked[1].end_at + timedelta(hours=1)) == 2


def test_what_was_closed_by_hand_or_with_the_site_keeps_it_too(clinic: Clinic, booked: Any) -> None:
    replan = without_times(clinic)
    during = Span(local("2026-03-03 10:00"), local("2026-03-03 10:30"))
    snow = actions.close_time(actor=clinic.marta, of=clinic.site, during=during, reason="Snow", now=NOW)
    actions.open_time(actor=clinic.marta, closure=replan.closure, now=NOW)
    assert [last_loop(visit).state for visit in booked] == ["open", "closed"]
    assert "Riverside North can’t be there" in last_loop(booked[0]).next_step
    liaison = clinic.rosa.as_liaison()
    assert actions.miss_overdue(actor=liaison, now=booked[1].end_at + timedelta(hours=1)) == 1
    actions.open_time(actor=clinic.marta, closure=snow, now=NOW)
    assert last_loop(booked[0]).state == "closed"


def test_opened_again_who_never_heard_of_that_time_is_told(clinic: Clinic, booked: Any) -> None:
    row = twice_moved(clinic, booked[0], then=None)
    actions.open_time(actor=clinic.marta, closure=row.replan.closure, now=NOW)
    assert last_loop(row.appointment).state == "closed"
    loop = tell_loop(clinic, booked[0])
    assert (loop.state, loop.kind) == ("open", "new-time")
    assert loop.title == "Tell Walter: the visit on Tue, Mar 3, 10:00 is now Wed, Mar 4, 12:00 with Dr Okafor"
    actions.arrive(actor=clinic.rosa, appointment=row.appointment, now=row.appointment.start_at)
    assert tell_loop(clinic, booked[0]).state == "closed"


WEDNESDAY = Span(local("2026-03-04 00:00"), local("2026-03-05 00:00"))


def twice_moved(clinic: Clinic, visit: Appointment, *, then: str | None) -> Displacement:
    """Moved from Tuesday to Wednesday noon, and before anybody says so Wednesday is planned anew too."""
    other = clinic.seats(who=clinic.okafor)
    order = order_of(clinic, plan(clinic))
    apply(
        clinic,
        replace(
            order,
            moves=tuple(
                replace(one, start_at=local("2026-03-04 12:00"), seats=other)
                if one.appointment_id == visit.pk
                else replace(one, start_at=None, seats=())
                for one in order.moves
            ),
        ),
    )
    found = plan(clinic, of=clinic.okafor, during=WEDNESDAY)
    again = order_of(clinic, found, key="again", resource_id=clinic.okafor.pk, during=WEDNESDAY)
    start_at = local(then) if then else None
    seats = clinic.seats() if then else ()
    apply(clinic, replace(again, moves=tuple(replace(one, start_at=start_at, seats=seats) for one in again.moves)))
    return Displacement.objects.latest("pk")


def test_moved_a_second_time_before_they_heard_they_are_told_from_the_time_that_they_know(
    clinic: Clinic, booked: Any
) -> None:
    row = twice_moved(clinic, booked[0], then="2026-03-06 12:00")
    loop = row.loop
    assert row.known == booked[0]
    assert loop is not None
    assert loop.title == "Tell Walter: the visit on Tue, Mar 3, 10:00 is now Fri, Mar 6, 12:00 with Dr Imani"
    assert (loop.next_step, loop.priority) == (loop.title, "urgent")
    assert loop.due_at is not None
    assert loop.due_at <= booked[0].start_at
    order = clinic.order("2026-03-10 10:00", key="by hand")
    last = actions.move_appointment(
        actor=clinic.rosa, appointment=row.moved_to, order=order, reason=CancelReason.PATIENT, now=NOW
    )
    loop.refresh_from_db()
    assert "the visit on Tue, Mar 3, 10:00 is now Tue, Mar 10, 10:00" in loop.next_step
    actions.cancel_appointment(actor=clinic.rosa, appointment=last, reason=CancelReason.PATIENT, now=NOW)
    loop.refresh_from_db()
    assert "the visit on Tue, Mar 3, 10:00 is off" in loop.next_step


def test_without_a_time_the_second_time_they_are_called_before_the_time_that_they_know(
    clinic: Clinic, booked: Any
) -> None:
    row = twice_moved(clinic, booked[0], then=None)
    assert row.loop is not None
    assert row.loop.title == "Find Walter another time than Tue, Mar 3, 10:00"
    assert row.loop.next_step == (
        "Call Walter (they expect Tue, Mar 3, 10:00): Dr Okafor can’t be there Wed, Mar 4, 12:00; find another time"
    )
    assert row.loop.due_at is not None
    assert (row.loop.due_at <= booked[0].start_at, row.loop.priority) == (True, "urgent")
    assert row.loop.next_is_call
    said = queries.readiness_of([row.appointment], now=NOW)[row.appointment.pk]
    told = next(one for one in said.findings if one.code == "scheduling.told")
    assert (told.standing, told.kept_by, told.next_is_call) == (Standing.UNKNOWN, row.loop.pk, True)


def to_the_other_room(clinic: Clinic, *, key: str) -> Replan:
    """Room 1 is closed on Tuesday; all stay with Dr Imani at their time in room 2."""
    order = order_of(clinic, plan(clinic, of=clinic.room), key=key, resource_id=clinic.room.pk)
    seats = clinic.seats(room=clinic.other_room)
    stay = {visit.pk: visit.start_at for visit in Appointment.objects.all()}
    moves = tuple(replace(one, start_at=stay[one.appointment_id], seats=seats) for one in order.moves)
    return apply(clinic, replace(order, moves=moves))


def test_nobody_is_called_because_of_another_room(clinic: Clinic, booked: Any) -> None:
    replan = to_the_other_room(clinic, key="room")
    assert [(row.loop, row.moved_to is None) for row in replan.displaced.all()] == [(None, False)] * 2
    assert not Loop.objects.filter(kind="new-time").exists()
    assert not WaitingPromise.objects.waiting().exists()
    moved = moved_of(booked[0])
    actions.arrive(actor=clinic.rosa, appointment=moved, now=moved.start_at)


def test_who_may_have_been_called_already_is_told_that_the_time_stands(clinic: Clinic, booked: Any) -> None:
    gone = without_times(clinic)
    with writes_open():
        Closure.objects.filter(pk=gone.closure_id).delete()
    to_the_other_room(clinic, key="room")
    assert last_loop(booked[0]).title == "Tell Walter: the visit on Tue, Mar 3, 10:00 stays at that time, with Dr Imani"


def test_who_was_told_of_the_first_move_hears_of_the_second_from_there(clinic: Clinic, booked: Any) -> None:
    order = order_of(clinic, plan(clinic))
    apply(clinic, order)
    moved = moved_of(booked[0])
    add_evidence(clinic.rosa, loop_id=tell_loop(clinic, booked[0]).pk, kind="told_patient", note="By phone", now=NOW)
    found = plan(clinic, of=clinic.okafor)
    again = order_of(clinic, found, key="again", resource_id=clinic.okafor.pk)
    apply(clinic, replace(again, moves=tuple(replace(one, start_at=None, seats=()) for one in again.moves)))
    row = Displacement.objects.get(appointment=moved)
    assert (row.expected, row.known) == (None, moved)


@pytest.mark.usefixtures("nobody_there")
def test_opened_again_it_waits_for_who_tells_them_and_is_linked(clinic: Clinic, booked: Any) -> None:
    row = twice_moved(clinic, booked[0], then=None)
    actions.open_time(actor=clinic.marta, closure=row.replan.closure, now=NOW)
    assert waits(row.appointment) is None
    hers = Displacement.objects.get(moved_to=row.appointment)
    key = f"displaced:{hers.pk}:{row.pk}"
    assert "is now Wed, Mar 4, 12:00" in WaitingPromise.objects.waiting().get(once_key=key).title
    actions.arrive(actor=clinic.rosa, appointment=row.appointment, now=row.appointment.start_at)
    assert not WaitingPromise.objects.waiting().filter(once_key=key).exists()
    loop = promise(clinic)
    with writes_open():
        actions.link_displacement(once_key=key, loop_id=loop.pk)
    hers.refresh_from_db()
    assert hers.loop == loop
