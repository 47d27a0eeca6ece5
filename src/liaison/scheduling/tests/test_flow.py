"""The day of a visit: stamps, late patients, missed visits; each taken back on the same day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from liaison.accounts.access import Role
from liaison.core.actor import system_actor
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound, Stale
from liaison.loops.actions import open_loop
from liaison.loops.models import Clock, Evidence, Loop
from liaison.loops.ports import ClockToStart, Owner, Promise
from liaison.orders.models import Referral
from liaison.scheduling import actions, jobs, queries
from liaison.scheduling.actions import CannotChange
from liaison.scheduling.events import AppointmentMissed, AppointmentSeen
from liaison.scheduling.models import Appointment, VisitType
from liaison.scheduling.ports import Barrier, CancelReason, LateAnswer, Stage, State
from liaison.scheduling.rules import stage_of
from liaison.scheduling.tests.clinic import NOW, Clinic, local, person
from liaison.scheduling.tests.hearing import Heard
from liaison.scheduling.tests.test_screens import clock

START = "2026-03-03 10:00"
TEN = local(START)
LATE = TEN + timedelta(minutes=20)
OVER = TEN + timedelta(minutes=31)
LIAISON = system_actor("the day of the visit")
Step = Callable[..., Appointment]


def stage(appointment: Appointment) -> Stage | None:
    return stage_of(Appointment.objects.get(pk=appointment.pk).stamps)


@pytest.fixture
def booked(clinic: Clinic) -> Appointment:
    return clinic.book(START)


@pytest.fixture
def checked_in(clinic: Clinic, booked: Appointment) -> Appointment:
    return actions.check_in(actor=clinic.rosa, appointment=booked, now=TEN)


def roomed(clinic: Clinic, visit: Appointment, *, now: datetime = TEN) -> Appointment:
    return actions.take_to_room(actor=clinic.rosa, appointment=visit, room=clinic.room, now=now)


def test_the_whole_day_forward_and_back_again(clinic: Clinic, checked_in: Appointment, heard: Heard) -> None:
    heard.facts.clear()
    visit = roomed(clinic, checked_in)
    assert (stage(visit), visit.room) == (Stage.ROOMED, clinic.room)
    forward: list[tuple[Step, Stage]] = [(actions.meet_clinician, Stage.SEEN), (actions.leave, Stage.LEFT)]
    back: list[tuple[Step, Stage]] = [
        (actions.undo_leaving, Stage.SEEN),
        (actions.undo_meeting, Stage.ROOMED),
        (actions.undo_room, Stage.CHECKED_IN),
        (actions.undo_check_in, Stage.ARRIVED),
        (actions.undo_arrival, Stage.EXPECTED),
    ]
    for step, then in forward + back:
        visit = step(actor=clinic.rosa, appointment=visit, expected_version=visit.version, now=LATE)
        assert stage(visit) is then
    assert Appointment.objects.get().state == State.BOOKED
    assert heard.facts == []  # nobody hears of what can still be taken back
    verbs = ("scheduling.room", "scheduling.see")
    assert AuditEntry.objects.filter(verb__in=verbs, outcome="done").count() == 6


def test_while_the_clinician_sees_them_the_state_and_the_time_stay(clinic: Clinic, checked_in: Appointment) -> None:
    actions.meet_clinician(actor=clinic.rosa, appointment=checked_in, now=TEN)
    visit = Appointment.objects.get()
    assert visit.state == State.CHECKED_IN
    assert set(visit.reservations.values_list("active", flat=True)) == {True}


def test_a_second_press_changes_nothing_even_from_an_old_form(clinic: Clinic, booked: Appointment) -> None:
    def to_room(**given: object) -> Appointment:
        return actions.take_to_room(room=clinic.room, **given)  # type: ignore[arg-type]  # keywords of several types

    steps: list[Step] = [actions.arrive, actions.check_in, to_room, actions.meet_clinician, actions.leave]
    steps += [actions.undo_leaving, actions.undo_meeting, actions.undo_room, actions.undo_check_in]
    for step in [*steps, actions.undo_arrival]:
        before = Appointment.objects.get().version
        for _ in range(2):
            step(actor=clinic.rosa, appointment=booked, expected_version=before, now=TEN)
        assert Appointment.objects.get().version == before + 1
    entries = AuditEntry.objects.filter(verb__in=["scheduling.attend", "scheduling.room", "scheduling.see"])
    assert sum(entry.details.get("repeated", False) for entry in entries) == 10


def test_a_second_press_of_what_ends_a_visit_tells_nobody_twice(clinic: Clinic, heard: Heard) -> None:
    seen, missed = clinic.book(START), clinic.book("2026-03-03 11:00", patient=clinic.ruth)
    noon = local("2026-03-03 12:00")
    for _ in range(2):
        actions.record_seen(actor=clinic.rosa, appointment=seen, now=noon)
        actions.record_missed(actor=clinic.rosa, appointment=missed, now=noon)
    assert len(heard.of(AppointmentSeen)) == len(heard.of(AppointmentMissed)) == 1


def test_a_form_from_before_somebody_elses_change_is_stale(clinic: Clinic, checked_in: Appointment) -> None:
    roomed(clinic, checked_in)
    with pytest.raises(Stale):
        actions.meet_clinician(actor=clinic.rosa, appointment=checked_in, expected_version=checked_in.version, now=TEN)


def test_the_room_changes_but_when_they_went_there_stays(clinic: Clinic, checked_in: Appointment) -> None:
    first = roomed(clinic, checked_in)
    moved = actions.take_to_room(actor=clinic.rosa, appointment=first, room=clinic.other_room, now=LATE)
    assert (moved.room, moved.roomed_at) == (clinic.other_room, TEN)


def test_a_room_is_one_in_use_at_the_site_of_the_visit(clinic: Clinic, checked_in: Appointment) -> None:
    draft = actions.ResourceDraft(kind="room", name="West room", site=clinic.other_site, abilities=("exam_room",))
    elsewhere = actions.add_resource(actor=LIAISON, draft=draft, now=NOW)
    shared = actions.add_resource(actor=LIAISON, draft=replace(draft, name="Shared room"), now=NOW)
    hours = [actions.HoursDraft(site=clinic.site, weekday=1, opens=TEN.time(), closes=OVER.time())]
    actions.set_hours(actor=LIAISON, resource=shared, hours=hours, now=NOW)
    actions.retire_resource(actor=LIAISON, resource=clinic.other_room, now=NOW)
    clinic.other_room.refresh_from_db()
    for room in (elsewhere, clinic.other_room, clinic.imani):
        with pytest.raises(CannotChange):
            actions.take_to_room(actor=clinic.rosa, appointment=checked_in, room=room, now=TEN)
    assert actions.take_to_room(actor=clinic.rosa, appointment=checked_in, room=shared, now=TEN).room == shared


def test_stamps_keep_their_order(clinic: Clinic, booked: Appointment) -> None:
    with pytest.raises(CannotChange, match="Check the patient in first"):
        actions.meet_clinician(actor=clinic.rosa, appointment=booked, now=TEN)
    visit = roomed(clinic, actions.check_in(actor=clinic.rosa, appointment=booked, now=TEN))
    with pytest.raises(CannotChange, match="Nobody has seen"):
        actions.leave(actor=clinic.rosa, appointment=visit, now=TEN)
    with pytest.raises(CannotChange, match="Take that back first"):
        actions.undo_check_in(actor=clinic.rosa, appointment=visit, now=TEN)
    visit = actions.meet_clinician(actor=clinic.rosa, appointment=visit, now=TEN)
    with pytest.raises(CannotChange):
        actions.undo_room(actor=clinic.rosa, appointment=visit, now=TEN)
    with pytest.raises(CannotChange):
        actions.take_to_room(actor=clinic.rosa, appointment=visit, room=clinic.other_room, now=TEN)
    with pytest.raises(CannotChange, match="sees this patient already"):
        actions.cancel_appointment(actor=clinic.rosa, appointment=visit, reason=CancelReason.PATIENT, now=TEN)
    visit = actions.leave(actor=clinic.rosa, appointment=visit, now=TEN)
    with pytest.raises(CannotChange, match="noted as gone"):
        actions.undo_meeting(actor=clinic.rosa, appointment=visit, now=TEN)


def test_who_is_seen_is_not_moved_but_who_came_too_late_is(clinic: Clinic, booked: Appointment) -> None:
    came = actions.check_in(actor=clinic.rosa, appointment=booked, now=LATE)
    order = clinic.order("2026-03-04 10:00")
    seen = actions.meet_clinician(actor=clinic.rosa, appointment=came, now=LATE)
    with pytest.raises(CannotChange):
        actions.move_appointment(
            actor=clinic.rosa, appointment=seen, order=order, reason=CancelReason.PATIENT, now=LATE
        )
    actions.undo_meeting(actor=clinic.rosa, appointment=seen, now=LATE)
    moved = actions.move_appointment(
        actor=clinic.rosa, appointment=came, order=order, reason=CancelReason.PATIENT, now=LATE
    )
    assert (moved.state, Appointment.objects.get(pk=came.pk).state) == (State.BOOKED, State.CANCELLED)


def test_stamps_belong_to_the_day_and_to_visits_that_are_not_over(clinic: Clinic, checked_in: Appointment) -> None:
    with pytest.raises(CannotChange, match="on the day of the visit only"):
        actions.meet_clinician(actor=clinic.rosa, appointment=checked_in, now=TEN + timedelta(days=1))
    actions.record_seen(actor=clinic.rosa, appointment=checked_in, now=TEN)
    with pytest.raises(CannotChange):
        roomed(clinic, checked_in)


def test_the_front_desk_says_who_came_but_not_that_the_clinician_sees_them(
    clinic: Clinic, checked_in: Appointment
) -> None:
    with writes_open():
        fred = person("Fred", Role.FRONT_DESK, clinic.site)
        billie = person("Billie", Role.BILLING, clinic.site)
    visit = actions.take_to_room(actor=fred, appointment=checked_in, room=clinic.room, now=TEN)
    with pytest.raises(Forbidden):
        actions.meet_clinician(actor=fred, appointment=visit, now=TEN)
    with pytest.raises(Forbidden):
        actions.undo_room(actor=billie, appointment=visit, now=TEN)
    with pytest.raises(NotFound):
        actions.undo_room(actor=clinic.pat, appointment=visit, now=TEN)


# --- late -----------------------------------------------------------------------------------------------------


def test_what_is_done_about_a_late_patient_stays_with_the_visit(clinic: Clinic, booked: Appointment) -> None:
    came = actions.arrive(actor=clinic.rosa, appointment=booked, now=LATE)
    decided = actions.answer_lateness(actor=clinic.marta, appointment=came, answer=LateAnswer.FIT_IN, now=LATE)
    assert (decided.late_answer, decided.late_answered_by_name, decided.late_answered_at) == ("fit_in", "Marta", LATE)
    again = actions.answer_lateness(actor=clinic.rosa, appointment=came, answer=LateAnswer.FIT_IN, now=LATE)
    assert again.late_answered_by_name == "Marta"
    actions.undo_lateness_answer(actor=clinic.rosa, appointment=came, now=LATE)
    actions.undo_lateness_answer(actor=clinic.rosa, appointment=came, now=LATE)
    assert (Appointment.objects.get().late_answer, Appointment.objects.get().version) == ("", came.version + 2)


def test_nothing_is_decided_about_who_is_not_late(clinic: Clinic, booked: Appointment) -> None:
    with pytest.raises(CannotChange, match="not late"):
        actions.answer_lateness(actor=clinic.rosa, appointment=booked, answer=LateAnswer.SEE_NOW, now=TEN)


# --- missed ---------------------------------------------------------------------------------------------------


def to_call() -> Loop:
    """The loop to call about a missed visit."""
    return Loop.objects.get(kind="missed-visit")


def sweep(now: datetime) -> int:
    return actions.miss_overdue(actor=LIAISON, now=now)


def test_who_did_not_come_is_noted_at_the_end_once_and_by_liaison(
    clinic: Clinic, booked: Appointment, heard: Heard
) -> None:
    assert sweep(TEN + timedelta(minutes=29)) == 0
    assert sweep(OVER) == 1
    assert sweep(OVER) == 0
    missed = Appointment.objects.get()
    assert (missed.state, missed.missed_by_name) == (State.NO_SHOW, "Liaison: the day of the visit")
    assert len(heard.of(AppointmentMissed)) == 1
    assert Loop.objects.get(kind="missed-visit").due_at == local("2026-03-03 23:59:59")
    came = actions.arrive(actor=clinic.rosa, appointment=booked, now=OVER)
    assert (came.state, came.missed_by_name, came.missed_at) == (State.ARRIVED, "", None)
    assert (to_call().state, to_call().given_up_reason) == ("given_up", "They came after all")
    actions.record_missed(actor=clinic.rosa, appointment=came, now=OVER)
    assert Loop.objects.filter(kind="missed-visit", state="open").count() == 1


def test_who_is_here_or_decided_about_or_of_a_kind_that_says_never_is_left_to_people(clinic: Clinic) -> None:
    here = clinic.book(START)
    actions.arrive(actor=clinic.rosa, appointment=here, now=TEN)
    on_the_way = clinic.book(
        START, patient=clinic.ruth, key="k", seats=clinic.seats(who=clinic.okafor, room=clinic.other_room)
    )
    actions.answer_lateness(actor=clinic.rosa, appointment=on_the_way, answer=LateAnswer.SEE_NOW, now=LATE)
    never = clinic.book("2026-03-03 11:00", seats=clinic.seats(who=clinic.okafor))
    with writes_open():
        kind = VisitType.objects.get()
        kind.pk, kind.code, kind.no_show_after_minutes = None, "never", None
        kind.save()
        Appointment.objects.filter(pk=never.pk).update(visit_type=kind)
    assert sweep(local("2026-03-03 18:00")) == 0


def test_a_sweep_goes_on_where_one_that_was_killed_ended(clinic: Clinic, booked: Appointment) -> None:
    other = clinic.book(
        START, patient=clinic.ruth, key="k", seats=clinic.seats(who=clinic.okafor, room=clinic.other_room)
    )
    actions.record_missed(actor=LIAISON, appointment=booked, now=OVER)
    assert sweep(OVER) == 1
    assert Appointment.objects.get(pk=other.pk).state == State.NO_SHOW
    assert Loop.objects.filter(kind="missed-visit").count() == 2


def test_the_jobs_sweep_by_liaisons_clock(clinic: Clinic, booked: Appointment, settings: Any) -> None:
    clock(settings, OVER)
    jobs.note_missed_visits()
    assert Appointment.objects.get().state == State.NO_SHOW
    other = actions.check_in(
        actor=clinic.rosa,
        appointment=clinic.book("2026-03-03 14:00", key="k", seats=clinic.seats(who=clinic.okafor)),
        now=OVER,
    )
    actions.meet_clinician(actor=clinic.rosa, appointment=other, now=OVER)
    clock(settings, OVER + timedelta(days=1))
    jobs.finish_visits()
    assert Appointment.objects.get(pk=other.pk).state == State.FULFILLED


def test_a_seen_visit_took_place_when_its_day_is_over(clinic: Clinic, referral: Referral, heard: Heard) -> None:
    seats = clinic.seats(who=clinic.okafor)
    visit = clinic.book(START, referral_id=referral.pk, loop_id=referral.loop_id, seats=seats)
    visit = actions.check_in(actor=clinic.rosa, appointment=visit, now=TEN)
    visit = actions.meet_clinician(actor=clinic.rosa, appointment=visit, now=LATE)
    assert actions.finish_days(actor=LIAISON, now=local("2026-03-03 23:59")) == 0
    referral.refresh_from_db()
    assert referral.state == "scheduled"
    assert actions.finish_days(actor=LIAISON, now=local("2026-03-04 00:03")) == 1
    assert actions.finish_days(actor=LIAISON, now=local("2026-03-04 00:33")) == 0
    referral.refresh_from_db()
    assert (Appointment.objects.get().state, Appointment.objects.get().seen_at) == (State.FULFILLED, LATE)
    assert referral.state == "seen"
    assert len(heard.of(AppointmentSeen)) == 1


def a_loop(clinic: Clinic) -> Loop:
    clock = ClockToStart(
        rule_id="x", rule_version="1", step="See Walter", anchor_event="e", anchor_at=NOW,
        due_at=local("2026-03-20 10:00"),
    )  # fmt: skip
    owner = Owner(user_id=clinic.rosa.user_id)
    return open_loop(
        clinic.rosa,
        patient=clinic.walter,
        promise=Promise(kind="task", title="See Walter", clocks=[clock]),
        owner=owner,
        now=NOW,
    )


def test_the_call_of_the_day_is_a_step_of_the_loop_that_the_visit_served(clinic: Clinic) -> None:
    loop = a_loop(clinic)
    visit = clinic.book(START, loop_id=loop.pk)
    actions.record_missed(actor=clinic.rosa, appointment=visit, now=OVER)
    loop.refresh_from_db()
    assert loop.next_step == "Call Walter: offer another time, ask what came in the way"
    actions.arrive(actor=clinic.rosa, appointment=visit, now=OVER)
    loop.refresh_from_db()
    assert loop.next_step == "See Walter"
    assert Clock.objects.get(rule_id="missed-visit").voided_reason == "They came after all"


@pytest.mark.parametrize("wants_another", [True, False])
def test_the_barrier_is_kept_and_makes_the_call_of_a_served_loop(clinic: Clinic, wants_another: bool) -> None:
    loop = a_loop(clinic)
    visit = clinic.book(START, loop_id=loop.pk)
    actions.record_missed(actor=clinic.rosa, appointment=visit, now=OVER)
    for note in ("the bus", "the bus was late"):
        kept = actions.record_barrier(
            actor=clinic.rosa, appointment=visit, barrier=Barrier.TRANSPORT, note=note, wants_another=wants_another,
            now=OVER,
        )  # fmt: skip
    assert (kept.barrier, kept.barrier_note, kept.barrier_by_name) == ("transport", "the bus was late", "Rosa")
    assert Clock.objects.get(rule_id="missed-visit").satisfied_by == f"appointment:{visit.pk}"
    assert AuditEntry.objects.filter(verb="scheduling.ask_barrier", details__barrier="transport").count() == 2


def test_who_wants_no_other_time_closes_the_loop_with_what_they_said(clinic: Clinic, booked: Appointment) -> None:
    actions.record_missed(actor=clinic.rosa, appointment=booked, now=OVER)
    actions.record_barrier(
        actor=clinic.rosa, appointment=booked, barrier=Barrier.FELT_BETTER, wants_another=False, now=OVER
    )
    assert to_call().state == "closed"
    assert Evidence.objects.get(kind="answered").note == "Felt better. No other time is wanted."


def test_who_wants_another_time_closes_it_by_getting_one(clinic: Clinic, booked: Appointment) -> None:
    actions.record_missed(actor=clinic.rosa, appointment=booked, now=OVER)
    actions.record_barrier(actor=clinic.rosa, appointment=booked, barrier=Barrier.FORGOT, wants_another=True, now=OVER)
    loop = to_call()
    assert (loop.state, loop.next_step) == ("open", "Book another time for Walter")
    assert f"loop={loop.pk}" in queries.rebook_url(booked)
    clinic.book("2026-03-05 10:00", loop_id=loop.pk)
    loop.refresh_from_db()
    assert (loop.state, Evidence.objects.get(kind="answered").note) == ("closed", "Another time: Thu, Mar 5, 10:00.")


def test_another_time_for_the_same_promise_makes_the_call(clinic: Clinic) -> None:
    loop = a_loop(clinic)
    visit = clinic.book(START, loop_id=loop.pk)
    actions.record_missed(actor=clinic.rosa, appointment=visit, now=OVER)
    clinic.book("2026-03-05 10:00", loop_id=loop.pk)
    assert Clock.objects.get(rule_id="missed-visit").satisfied_at is not None


def test_a_missed_referral_visit_is_called_about_and_counts_again_when_they_come(
    clinic: Clinic, referral: Referral
) -> None:
    visit = clinic.book(START, referral_id=referral.pk, seats=clinic.seats(who=clinic.okafor))
    actions.record_missed(actor=clinic.rosa, appointment=visit, now=OVER)
    referral.refresh_from_db()
    assert referral.state == "no_show"
    assert Clock.objects.filter(loop_id=referral.loop_id, rule_id="missed-visit", voided_at=None).exists()
    assert not Loop.objects.filter(kind="missed-visit").exists()
    actions.arrive(actor=clinic.rosa, appointment=visit, now=OVER)
    referral.refresh_from_db()
    assert (referral.state, referral.appointment_id) == ("scheduled", visit.pk)


def test_a_barrier_belongs_to_a_missed_visit_alone(clinic: Clinic, booked: Appointment) -> None:
    with pytest.raises(CannotChange, match="not missed"):
        actions.record_barrier(
            actor=clinic.rosa, appointment=booked, barrier=Barrier.COST, wants_another=False, now=OVER
        )
    actions.record_missed(actor=clinic.rosa, appointment=booked, now=OVER)
    actions.record_barrier(actor=clinic.rosa, appointment=booked, barrier=Barrier.COST, wants_another=True, now=OVER)
    came = actions.arrive(actor=clinic.rosa, appointment=booked, now=OVER)
    assert (came.barrier, came.barrier_by_name) == ("", "")
