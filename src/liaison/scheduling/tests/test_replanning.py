"""A clinician is sick: everybody who would have come has another time, or somebody who finds one; all or nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from liaison.accounts.models import Assignment
from liaison.core.actor import Actor
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.loops.actions import add_evidence
from liaison.loops.models import Loop, WaitingPromise
from liaison.orders.models import Referral
from liaison.patients.models import CareTeamMember, Patient, PatientSite
from liaison.scheduling import actions, queries
from liaison.scheduling.actions import (
    DayChanged,
    DayTaken,
    Impossible,
    KeyReused,
    ReasonMissing,
    ReplanMove,
    ReplanOrder,
)
from liaison.scheduling.models import Appointment, Closure, Displacement, Opening, Replan, Resource, VisitType
from liaison.scheduling.ports import CancelReason, Seat, Span, Standing
from liaison.scheduling.queries.replanning import Closing
from liaison.scheduling.rules.replan import Press
from liaison.scheduling.tests.clinic import NOW, Clinic, local, patient_of
from liaison.scheduling.tests.journeys import heart_of
from liaison.scheduling.tests.test_serving_later import promise
from liaison.scheduling.tests.test_warnings import both_sites, west

__all__ = ["both_sites"]

TUESDAY = Span(local("2026-03-03 00:00"), local("2026-03-04 00:00"))


def closing(clinic: Clinic, *, of: Resource | None = None, during: Span = TUESDAY) -> Closing:
    return Closing(site=clinic.site, resource=of or clinic.imani, during=during)


def plan(clinic: Clinic, *, actor: Actor | None = None, chosen: Any = None, now: datetime = NOW, **what: Any) -> Any:
    return queries.plan_day(actor or clinic.rosa, closing=closing(clinic, **what), chosen=chosen, effort=0.1, now=now)


def order_of(clinic: Clinic, found: queries.DayReplan, *, key: str = "sick", **changes: Any) -> ReplanOrder:
    moves = tuple(
        ReplanMove(
            appointment_id=line.visit.pk,
            version=line.visit.version,
            start_at=line.proposed.start_at if line.proposed else None,
            seats=tuple(Seat(role=seat.role, resource_id=seat.resource_id) for seat in line.proposed.seats)
            if line.proposed
            else (),
        )
        for line in found.lines
    )
    order = ReplanOrder(
        key=key, site_id=clinic.site.pk, resource_id=clinic.imani.pk, during=TUESDAY, reason="Sick", moves=moves
    )
    return replace(order, **changes)


def apply(
    clinic: Clinic, order: ReplanOrder | None = None, *, actor: Actor | None = None, now: datetime = NOW
) -> Replan:
    return actions.replan_day(actor=actor or clinic.rosa, order=order or order_of(clinic, plan(clinic)), now=now)


@pytest.fixture
def booked(clinic: Clinic) -> tuple[Appointment, Appointment]:
    """Walter at ten and Ruth at eleven with Dr Imani on Tuesday."""
    return clinic.book("2026-03-03 10:00"), clinic.book("2026-03-03 11:00", patient=clinic.ruth)


def patient_of_the_site(clinic: Clinic) -> Patient:
    with writes_open():
        return patient_of(clinic.site, given="June", family="Ng")


def replace_kind(clinic: Clinic) -> VisitType:
    """Follow-ups last 20 minutes from now on."""
    draft = actions.VisitTypeDraft(
        code="follow_up", name="Follow-up", duration_minutes=20,
        needs=(
            actions.NeedDraft(role="clinician", ability="physician"),
            actions.NeedDraft(role="room", ability="exam_room"),
        ),
    )  # fmt: skip
    return actions.define_visit_type(actor=clinic.adam, draft=draft, now=NOW)


# --- the plan ------------------------------------------------------------------------------------------------


def test_a_colleague_takes_over_at_the_same_time_in_the_same_room(clinic: Clinic, booked: Any) -> None:
    found = plan(clinic)
    times = [(line.visit.patient.given, f"{line.proposed.start_at:%a %H:%M}") for line in found.lines]
    assert times == [("Walter", "Tue 10:00"), ("Ruth", "Tue 11:00")]
    assert {seat.name for line in found.lines for seat in line.proposed.seats if seat.is_person} == {"Dr Okafor"}
    assert (found.is_best, found.off_by, found.unseen, found.held, found.to_call) == (True, 0, 0, 0, 0)
    assert all(line.others for line in found.lines)


def test_it_is_applied_at_once_told_promised_and_audited(clinic: Clinic, booked: Any) -> None:
    replan = apply(clinic)
    rows = list(Displacement.objects.filter(replan=replan).order_by("pk"))
    moved = [row.moved_to for row in rows]
    assert [one.predecessor for one in moved] == list(booked)
    assert {row.appointment.cancel_reason for row in rows} == {CancelReason.PROVIDER}
    assert [row.loop.kind for row in rows] == ["new-time"] * 2
    assert rows[0].loop.title == "Tell Walter: the visit on Tue, Mar 3, 10:00 stays at that time, with Dr Okafor"
    closure = Closure.objects.get()
    assert (closure.resource, closure.reason, replan.closure) == (clinic.imani, "Sick", closure)
    entry = AuditEntry.objects.get(verb="scheduling.replan", outcome="done")
    assert entry.details["moved"] == 2
    assert AuditEntry.objects.filter(verb="scheduling.move", outcome="done").count() == 2
    assert not Opening.objects.exists()


def test_the_same_form_twice_is_one_replan_and_another_form_with_its_key_is_refused(
    clinic: Clinic, booked: Any
) -> None:
    order = order_of(clinic, plan(clinic))
    first = apply(clinic, order)
    assert apply(clinic, order) == first
    assert Closure.objects.count() == 1
    with pytest.raises(KeyReused):
        apply(clinic, replace(order, reason="Snow"))


def test_a_form_with_the_same_key_and_other_choices_is_refused(clinic: Clinic, booked: Any) -> None:
    order = order_of(clinic, plan(clinic))
    first = apply(clinic, order)
    walter, ruth = order.moves
    call = replace(walter, start_at=None, seats=())
    for other in (
        (call, ruth),
        (replace(walter, seats=ruth.seats, start_at=ruth.start_at), ruth),
        (replace(walter, seats=clinic.seats(who=clinic.okafor, room=clinic.other_room)), ruth),
        (walter, ruth, replace(call, appointment_id=0)),
    ):
        with pytest.raises(KeyReused):
            apply(clinic, replace(order, moves=other))
    moved = moved_of(booked[0])
    by_hand = clinic.order("2026-03-10 10:00", key="by hand", seats=clinic.seats(who=clinic.okafor))
    actions.move_appointment(actor=clinic.rosa, appointment=moved, order=by_hand, reason=CancelReason.PATIENT, now=NOW)
    assert apply(clinic, order) == first


def test_nobody_is_lost_when_no_time_is_found(clinic: Clinic, booked: Any) -> None:
    with writes_open():
        VisitType.objects.update(most_lead_days=1)
    actions.retire_resource(actor=clinic.adam, resource=clinic.okafor, now=NOW)
    both_days = Span(local("2026-03-02 00:00"), TUESDAY.end)
    found = plan(clinic, during=both_days)
    assert (found.to_call, [line.others for line in found.lines]) == (2, [(), ()])
    replan = apply(clinic, order_of(clinic, found, during=both_days))
    for visit in booked:
        visit.refresh_from_db()
        assert visit.state == "booked"
        (row,) = visit.displacements.all()
        assert (row.replan, row.moved_to, row.loop.kind) == (replan, None, "displaced")
        assert row.loop.next_step.startswith(f"Call {visit.patient.goes_by}: Dr Imani can’t be there")
        assert row.loop.due_at <= visit.start_at


def test_who_can_least_wait_stands_first_with_what_it_rests_on(clinic: Clinic, booked: Any) -> None:
    loop = promise(clinic)
    with writes_open():
        loop.priority, loop.due_at = "clinical", local("2026-03-05 17:00")
        loop.save()
        Appointment.objects.filter(pk=booked[0].pk).update(loop=loop)
        clinic.okafor.hours.all().delete()
        CareTeamMember.objects.create(
            patient=clinic.ruth, practitioner=clinic.imani.practitioner, role="primary_care", starts_on=date(2020, 1, 1)
        )
    lines = plan(clinic).lines
    assert [line.visit.pk for line in lines] == [booked[0].pk, booked[1].pk]
    assert (lines[0].press, lines[0].is_due_by, lines[0].serves) == (Press.CLINICAL, loop.due_at, "See Walter")
    assert lines[0].proposed.start_at.date() < lines[1].proposed.start_at.date() or (
        lines[0].proposed.start_at != lines[1].proposed.start_at
    )
    with writes_open():
        loop.state, loop.ended_at, loop.ended_by_name, loop.given_up_reason = "given_up", NOW, "Rosa", "no"
        loop.save()
    assert {line.is_due_by for line in plan(clinic).lines} == {None}


def test_an_urgent_referral_presses_too(clinic: Clinic, referral: Referral) -> None:
    seats = clinic.seats(who=clinic.okafor)
    clinic.book("2026-03-03 10:00", referral_id=referral.pk, loop_id=referral.loop_id, seats=seats)
    with writes_open():
        Referral.objects.update(urgency="urgent")
    (line,) = plan(clinic, of=clinic.okafor).lines
    assert line.press is Press.URGENT


def test_what_a_person_chose_is_kept_and_the_others_make_room(clinic: Clinic, booked: Any) -> None:
    walter, ruth = booked
    found = plan(clinic)
    wanted = found.lines[1].proposed.picked
    lines = {line.visit.pk: line for line in plan(clinic, chosen={walter.pk: wanted, ruth.pk: None}).lines}
    assert lines[walter.pk].proposed.picked == wanted
    assert (lines[walter.pk].was_chosen, lines[ruth.pk].was_chosen) == (True, True)
    assert lines[ruth.pk].proposed is None
    assert lines[ruth.pk].others
    gone = (local("2026-03-03 03:00"), frozenset({("clinician", clinic.okafor.pk)}))
    lines = {line.visit.pk: line for line in plan(clinic, chosen={walter.pk: gone}).lines}
    assert (lines[walter.pk].is_gone, lines[walter.pk].was_chosen) == (True, False)
    assert lines[walter.pk].proposed is not None


def test_all_or_nothing_and_it_says_which_time_was_taken(clinic: Clinic, booked: Any) -> None:
    order = order_of(clinic, plan(clinic))
    third = patient_of_the_site(clinic)
    clinic.book(
        "2026-03-03 11:00", key="third", patient=third, seats=clinic.seats(who=clinic.okafor, room=clinic.other_room)
    )
    with pytest.raises(DayTaken, match="Ruth, Tue, Mar 3, 11:00, can't be had any more: Dr Okafor was just given"):
        apply(clinic, order)
    assert not Replan.objects.exists()
    assert not Closure.objects.exists()
    assert {visit.state for visit in Appointment.objects.all()} == {"booked"}
    apply(clinic)
    assert Displacement.objects.exclude(moved_to=None).count() == 2


def test_a_visit_that_came_went_or_changed_meanwhile_asks_for_a_fresh_plan(clinic: Clinic, booked: Any) -> None:
    order = order_of(clinic, plan(clinic))
    with writes_open():
        Appointment.objects.filter(pk=booked[0].pk).update(version=7)
    with pytest.raises(DayChanged, match="1 visit of that time"):
        apply(clinic, order)
    later = clinic.book("2026-03-03 15:00", patient=patient_of_the_site(clinic))
    with pytest.raises(DayChanged, match="2 visits of that time"):
        apply(clinic, order)
    actions.cancel_appointment(actor=clinic.rosa, appointment=booked[1], reason=CancelReason.PATIENT, now=NOW)
    with pytest.raises(DayChanged, match="3 visits of that time"):
        apply(clinic, order)
    apply(clinic)
    assert later.displacements.count() == 1


def test_two_visits_may_swap_rooms_in_one_go(clinic: Clinic) -> None:
    first = clinic.book("2026-03-03 10:00")
    second = clinic.book("2026-03-03 11:00", patient=clinic.ruth, seats=clinic.seats(room=clinic.other_room))
    order = order_of(clinic, plan(clinic))
    swapped = {
        first.pk: ("2026-03-03 11:00", clinic.other_room),
        second.pk: ("2026-03-03 10:00", clinic.room),
    }
    moves = tuple(
        replace(
            move,
            start_at=local(swapped[move.appointment_id][0]),
            seats=clinic.seats(who=clinic.okafor, room=swapped[move.appointment_id][1]),
        )
        for move in order.moves
    )
    apply(clinic, replace(order, moves=moves))
    assert {row.moved_to.local_start.hour for row in Displacement.objects.all()} == {10, 11}


def test_what_can_t_be_is_refused(clinic: Clinic, booked: Any) -> None:
    order = order_of(clinic, plan(clinic))
    with pytest.raises(ReasonMissing):
        apply(clinic, replace(order, reason="  "))
    with pytest.raises(Impossible):
        apply(clinic, order, now=NOW + timedelta(days=9))
    with pytest.raises(NotFound):
        apply(clinic, replace(order, resource_id=0))
    with pytest.raises(NotFound):
        apply(clinic, replace(order, site_id=0), actor=clinic.rosa.as_liaison())
    with pytest.raises(Forbidden):
        apply(clinic, order, actor=clinic.pat)
    with pytest.raises(NotFound):
        plan(clinic, actor=clinic.pat)
    with pytest.raises(Forbidden):
        plan(clinic, actor=clinic.adam)
    with pytest.raises(Forbidden):
        queries.what_can_close(clinic.adam)


def test_a_site_closed_by_snow_moves_all_that_lies_in_it(clinic: Clinic, booked: Any) -> None:
    clinic.book("2026-03-03 14:00", patient=patient_of_the_site(clinic), seats=clinic.seats(who=clinic.okafor))
    snow = Closing(site=clinic.site, resource=None, during=TUESDAY)
    assert snow.of == clinic.site
    found = queries.plan_day(clinic.rosa, closing=snow, effort=0.1, now=NOW)
    assert {line.proposed.start_at.date() for line in found.lines} <= {date(2026, 3, 2), date(2026, 3, 4)}
    replan = apply(clinic, order_of(clinic, found, resource_id=None, reason="Snow"))
    assert (replan.of_what, Closure.objects.get().site) == ("Riverside North", clinic.site)
    assert Appointment.objects.filter(cancel_reason=CancelReason.OTHER).count() == 3


def test_a_visit_whose_patient_she_does_not_see_is_promised_to_who_does(clinic: Clinic, booked: Any) -> None:
    with writes_open():
        PatientSite.objects.filter(patient=clinic.ruth).delete()
        PatientSite.objects.create(patient=clinic.ruth, site=clinic.other_site, is_home=True)
    found = plan(clinic)
    assert ([line.visit.patient for line in found.lines], found.unseen) == ([clinic.walter], 1)
    replan = apply(clinic)
    lines, unseen = queries.replanned_lines(clinic.rosa, replan=replan, now=NOW)
    assert ([line.visit for line in lines], unseen) == ([booked[0]], 1)
    hers = Displacement.objects.get(appointment=booked[1])
    assert (hers.moved_to, hers.loop.kind if hers.loop else "") == (None, "displaced")


def test_a_promise_that_waited_for_an_owner_is_linked_when_it_has_one(clinic: Clinic, booked: Any) -> None:
    apply(clinic)
    hers = Displacement.objects.get(appointment=booked[1])
    loop = promise(clinic)
    with writes_open():
        Displacement.objects.update(loop=None)
        actions.link_displacement(once_key=f"another:{hers.pk}", loop_id=loop.pk)
        actions.link_displacement(once_key=f"displaced:{hers.pk}", loop_id=loop.pk)
    hers.refresh_from_db()
    assert hers.loop == loop


def test_what_is_only_held_or_its_patient_dead_is_no_visit_to_move(clinic: Clinic, booked: Any) -> None:
    actions.hold_time(
        actor=clinic.rosa, patient=patient_of_the_site(clinic), order=clinic.order("2026-03-03 14:00"),
        lasting=timedelta(hours=24), now=NOW,
    )  # fmt: skip
    with writes_open():
        Patient.objects.filter(pk=clinic.walter.pk).update(is_deceased=True)
    found = plan(clinic)
    assert ([line.visit for line in found.lines], found.held) == ([booked[1]], 1)


def test_a_visit_of_a_kind_that_is_offered_no_more_gets_a_call(clinic: Clinic, booked: Any) -> None:
    with writes_open():
        VisitType.objects.update(is_current=False)
    assert [line.proposed for line in plan(clinic).lines] == [None, None]


def test_a_kind_that_was_edited_since_is_booked_as_it_is_now_and_as_long_as_it_was(clinic: Clinic) -> None:
    old = clinic.book("2026-03-03 10:00", minutes=45)
    edited = replace_kind(clinic)
    apply(clinic)
    moved = Displacement.objects.get(appointment=old).moved_to
    assert moved is not None
    assert (moved.visit_type, moved.end_at - moved.start_at) == (edited, timedelta(minutes=45))


def test_a_booking_that_can_only_be_in_the_past_has_no_time(clinic: Clinic, booked: Any) -> None:
    with writes_open():
        VisitType.objects.update(least_lead_minutes=60 * 24 * 90, most_lead_days=1)
    assert plan(clinic).to_call == 2


def test_the_visits_of_a_journey_keep_their_gaps(clinic: Clinic) -> None:
    heart = heart_of(clinic)
    journey = heart.book()
    visits = [step.appointment for step in queries.journey_steps(journey)]
    on = visits[1].visit_on
    during = Span(local(f"{on} 00:00"), local(f"{on + timedelta(days=1)} 00:00"))
    (line,) = [one for one in plan(clinic, of=heart.machine, during=during).lines if one.visit == visits[1]]
    assert line.journey is not None
    assert line.proposed is None or visits[0].visit_on < line.proposed.start_at.date() <= visits[2].visit_on


def test_the_patients_other_visits_and_the_way_there_are_left_free(both_sites: Clinic) -> None:
    clinic = both_sites
    moving = clinic.book("2026-03-03 10:00")
    west(clinic, "2026-03-03 14:00")
    (line,) = plan(clinic).lines
    assert line.visit == moving
    assert line.proposed.start_at.date() != date(2026, 3, 3)


# --- what follows --------------------------------------------------------------------------------------------


def tell_loop(clinic: Clinic, visit: Appointment) -> Loop:
    loop = Displacement.objects.get(appointment=visit).loop
    assert loop is not None
    return Loop.objects.get(pk=loop.pk)


def moved_of(visit: Appointment) -> Appointment:
    row = Displacement.objects.get(appointment=visit)
    assert row.moved_to is not None
    return row.moved_to


def test_a_queued_mail_is_not_told_and_nobody_calls_twice(clinic: Clinic, booked: Any) -> None:
    calls = list(Loop.objects.open().filter(kind="failed-message").values_list("pk", "version"))
    apply(clinic)
    for visit in booked:
        loop = tell_loop(clinic, visit)
        assert loop.state == "open"
        said = queries.readiness_of([moved_of(visit)], now=NOW)[moved_of(visit).pk]
        told = next(one for one in said.findings if one.code == "scheduling.told")
        assert (told.standing, told.kept_by) == (Standing.UNKNOWN, loop.pk)
    assert list(Loop.objects.open().filter(kind="failed-message").values_list("pk", "version")) == calls
    add_evidence(clinic.rosa, loop_id=tell_loop(clinic, booked[0]).pk, kind="told_patient", note="By phone", now=NOW)
    said = queries.readiness_of([moved_of(booked[0])], now=NOW)[moved_of(booked[0]).pk]
    assert next(one for one in said.findings if one.code == "scheduling.told").standing is Standing.READY
    assert tell_loop(clinic, booked[0]).state == "closed"


def test_who_comes_at_the_new_time_knew_it(clinic: Clinic, booked: Any) -> None:
    apply(clinic)
    moved = moved_of(booked[0])
    actions.arrive(actor=clinic.rosa, appointment=moved, now=moved.start_at)
    assert tell_loop(clinic, booked[0]).state == "closed"
    actions.undo_arrival(actor=clinic.rosa, appointment=moved, now=moved.start_at)
    actions.arrive(actor=clinic.rosa, appointment=moved, now=moved.start_at)


def test_moved_once_more_by_hand_it_is_the_last_time_that_is_told(clinic: Clinic, booked: Any) -> None:
    apply(clinic)
    moved = moved_of(booked[0])
    order = clinic.order("2026-03-10 10:00", key="by hand", seats=clinic.seats(who=clinic.okafor))
    last = actions.move_appointment(
        actor=clinic.rosa, appointment=moved, order=order, reason=CancelReason.PATIENT, now=NOW
    )
    loop = tell_loop(clinic, booked[0])
    assert (loop.state, moved_of(booked[0])) == ("open", last)
    assert "is now Tue, Mar 10, 10:00 with Dr Okafor" in loop.next_step
    assert loop.title == loop.next_step
    actions.cancel_appointment(actor=clinic.rosa, appointment=last, reason=CancelReason.PATIENT, now=NOW)
    loop = tell_loop(clinic, booked[0])
    assert loop.title == loop.next_step == "Tell Walter: the visit on Tue, Mar 3, 10:00 is off"


def without_times(clinic: Clinic) -> Replan:
    """Everybody is called."""
    order = order_of(clinic, plan(clinic))
    return apply(clinic, replace(order, moves=tuple(replace(one, start_at=None, seats=()) for one in order.moves)))


def test_a_visit_without_a_time_is_looked_for_until_it_is_moved_or_off(clinic: Clinic, booked: Any) -> None:
    without_times(clinic)
    order = clinic.order("2026-03-10 10:00", key="by hand", seats=clinic.seats(who=clinic.okafor))
    actions.move_appointment(
        actor=clinic.rosa, appointment=booked[0], order=order, reason=CancelReason.PROVIDER, now=NOW
    )
    assert tell_loop(clinic, booked[0]).state == "closed"
    actions.cancel_appointment(actor=clinic.rosa, appointment=booked[1], reason=CancelReason.PROVIDER, now=NOW)
    assert tell_loop(clinic, booked[1]).state == "closed"


def test_a_visit_that_can_t_be_is_neither_reminded_of_nor_missed_nor_blocked_twice(clinic: Clinic, booked: Any) -> None:
    visit = clinic.book("2026-03-13 10:00")
    during = Span(local("2026-03-13 00:00"), local("2026-03-14 00:00"))
    order = order_of(clinic, plan(clinic, during=during), during=during)
    apply(clinic, replace(order, moves=tuple(replace(one, start_at=None, seats=()) for one in order.moves)))
    liaison = clinic.rosa.as_liaison()
    reminder = actions.reminders_ahead(visit, now=NOW)[-1]
    assert actions.remind_patient(actor=liaison, appointment_id=visit.pk, kind=reminder.kind, now=reminder.at) is False
    said = queries.readiness_of([visit], now=NOW)[visit.pk]
    blocked = next(one for one in said.findings if one.code == "scheduling.resources")
    assert blocked.kept_by == tell_loop(clinic, visit).pk
    assert actions.miss_overdue(actor=liaison, now=visit.end_at + timedelta(days=1)) == 0


def test_opened_again_what_stood_there_takes_place(clinic: Clinic, booked: Any) -> None:
    replan = without_times(clinic)
    actions.open_time(actor=clinic.marta, closure=Closure.objects.get(), now=NOW)
    replan.refresh_from_db()
    assert replan.closure is None
    assert {tell_loop(clinic, visit).state for visit in booked} == {"closed"}
    liaison = clinic.rosa.as_liaison()
    assert actions.miss_overdue(actor=liaison, now=booked[0].end_at + timedelta(hours=1)) == 2


def test_planned_anew_once_more_the_first_promise_ends_with_the_second(clinic: Clinic, booked: Any) -> None:
    first = without_times(clinic)
    actions.retire_resource(actor=clinic.adam, resource=clinic.other_room, now=NOW)
    whole = Closing(site=clinic.site, resource=None, during=TUESDAY)
    found = queries.plan_day(clinic.rosa, closing=whole, effort=0.1, now=NOW)
    apply(clinic, order_of(clinic, found, key="snow", resource_id=None, reason="Snow"))
    ended = [row.loop for row in first.displaced.select_related("loop")]
    assert {loop.state for loop in ended if loop} == {"given_up"}
    assert Loop.objects.open().filter(kind="new-time").count() == 2


def test_who_comes_to_a_time_that_can_t_be_still_needs_another(clinic: Clinic, booked: Any) -> None:
    without_times(clinic)
    actions.arrive(actor=clinic.rosa, appointment=booked[0], now=booked[0].start_at)
    assert tell_loop(clinic, booked[0]).state == "open"


# --- while nobody can own it ---------------------------------------------------------------------------------


@pytest.fixture
def nobody_there(clinic: Clinic, booked: Any) -> None:
    """Nobody at the site can own a promise: it waits until somebody can."""
    with writes_open():
        Assignment.objects.all().delete()


def waits(visit: Appointment) -> WaitingPromise | None:
    key = f"displaced:{visit.displacements.latest('pk').pk}"
    return WaitingPromise.objects.waiting().filter(once_key=key).first()


@pytest.mark.usefixtures("nobody_there")
def test_the_promise_that_waits_follows_the_visit(clinic: Clinic, booked: Any) -> None:
    replan = apply(clinic)
    lines, _unseen = queries.replanned_lines(clinic.rosa, replan=replan, now=NOW)
    assert {line.loop for line in lines} == {None}
    order = clinic.order("2026-03-10 10:00", key="by hand", seats=clinic.seats(who=clinic.okafor))
    actions.move_appointment(
        actor=clinic.rosa, appointment=moved_of(booked[0]), order=order, reason=CancelReason.PATIENT, now=NOW
    )
    kept = waits(booked[0])
    assert kept is not None
    assert "Tue, Mar 10, 10:00" in kept.clocks[0]["step"]
    assert kept.title == kept.clocks[0]["step"]
    moved = moved_of(booked[1])
    actions.arrive(actor=clinic.rosa, appointment=moved, now=moved.start_at)
    assert waits(booked[1]) is None
    actions.undo_arrival(actor=clinic.rosa, appointment=moved, now=moved.start_at)
    actions.arrive(actor=clinic.rosa, appointment=moved, now=moved.start_at)


@pytest.mark.usefixtures("nobody_there")
def test_planned_anew_again_only_the_last_promise_waits(clinic: Clinic, booked: Any) -> None:
    first = without_times(clinic)
    whole = Closing(site=clinic.site, resource=None, during=TUESDAY)
    found = queries.plan_day(clinic.rosa, closing=whole, effort=0.1, now=NOW)
    apply(clinic, order_of(clinic, found, key="snow", resource_id=None, reason="Snow"))
    keys = set(WaitingPromise.objects.waiting().values_list("once_key", flat=True))
    assert keys.isdisjoint(f"displaced:{row.pk}" for row in first.displaced.all())
    assert all(waits(visit) for visit in booked)
    actions.open_time(actor=clinic.marta, closure=first.closure, now=NOW)
    assert all(waits(visit) for visit in booked)
