"""What a visit does to the promise that it serves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment, Team, TeamMember, User
from liaison.core.actor import system_actor
from liaison.core.postgres.guard import writes_open
from liaison.core.written_time import day_and_time
from liaison.inbox.models import Message
from liaison.loops.actions import find_owners, open_loop
from liaison.loops.models import Loop, WaitingPromise
from liaison.loops.ports import ClockToStart, Owner, Promise
from liaison.orders.actions import NotNow, ReferralChanged, mark_seen, record_note, undo_move
from liaison.orders.models import Referral, ReferralStep
from liaison.scheduling import actions, queries
from liaison.scheduling.models import Appointment
from liaison.scheduling.ports import CancelReason
from liaison.scheduling.rules import Barrier
from liaison.scheduling.tests import series
from liaison.scheduling.tests.clinic import NOW, Clinic, local, person
from liaison.scheduling.tests.test_screens import browser

START = "2026-03-03 10:00"
AFTER = local("2026-03-03 10:45")
LIAISON = system_actor("ledger")


def booked(clinic: Clinic, referral: Referral) -> Appointment:
    return clinic.book(START, referral_id=referral.pk, loop_id=referral.loop_id, seats=clinic.seats(who=clinic.okafor))


def state(referral: Referral) -> tuple[str, int | None]:
    referral.refresh_from_db()
    return referral.state, referral.appointment_id


def test_a_booking_schedules_its_referral(clinic: Clinic, referral: Referral) -> None:
    appointment = booked(clinic, referral)
    assert state(referral) == ("scheduled", appointment.pk)
    assert referral.visit_at == appointment.start_at
    (visit,) = queries.coming_visits(clinic.rosa, patient=clinic.walter, now=NOW)
    assert (visit.referral_id, visit.loop_id) == (referral.pk, referral.loop_id)


def test_a_move_takes_the_referral_along(clinic: Clinic, referral: Referral) -> None:
    old = booked(clinic, referral)
    order = clinic.order("2026-03-04 10:00", referral_id=referral.pk, seats=clinic.seats(who=clinic.okafor))
    new = actions.move_appointment(
        actor=clinic.rosa, appointment=old, order=order, reason=CancelReason.PATIENT, now=NOW
    )
    assert state(referral) == ("scheduled", new.pk)
    assert referral.visit_at == new.start_at


def test_a_cancelled_visit_sends_the_referral_back_to_booking(clinic: Clinic, referral: Referral) -> None:
    appointment = booked(clinic, referral)
    actions.cancel_appointment(actor=clinic.rosa, appointment=appointment, reason=CancelReason.WEATHER, now=NOW)
    assert state(referral) == ("visit_cancelled", None)
    assert referral.state_reason == "Weather"


def test_a_visit_that_took_place_awaits_the_note(clinic: Clinic, referral: Referral) -> None:
    appointment = booked(clinic, referral)
    actions.record_seen(actor=clinic.rosa, appointment=appointment, now=AFTER)
    assert state(referral)[0] == "seen"
    assert referral.visit_at == appointment.start_at


SEEN_AT = NOW - timedelta(minutes=10)
"""Before the day of the visit that is booked."""


def seen_earlier(clinic: Clinic, referral: Referral) -> None:
    with writes_open():
        ReferralStep.objects.filter(referral=referral, state="sent").update(at=SEEN_AT - timedelta(days=2))
    mark_seen(clinic.rosa, referral_id=referral.pk, seen_at=SEEN_AT, seen_earlier=True, now=NOW)


def test_seen_before_the_day_of_a_visit_booked_here_that_one_is_cancelled_and_the_patient_told(
    clinic: Clinic, referral: Referral
) -> None:
    appointment = booked(clinic, referral)
    told = Message.objects.count()
    seen_earlier(clinic, referral)
    appointment.refresh_from_db()
    assert (appointment.state, appointment.cancelled_by_name) == ("cancelled", "Liaison, for Rosa")
    assert state(referral)[0] == "seen"
    assert referral.visit_at == SEEN_AT
    assert Message.objects.count() == told + 1
    assert not appointment.reservations.filter(active=True).exists()


def test_taken_back_the_referral_looks_for_another_visit(clinic: Clinic, referral: Referral) -> None:
    booked(clinic, referral)
    seen_earlier(clinic, referral)
    step = ReferralStep.objects.filter(referral=referral, state="seen").get()
    undo_move(clinic.rosa, referral_id=referral.pk, step_id=step.pk, now=NOW)
    assert state(referral) == ("visit_cancelled", None)
    assert Loop.objects.get(pk=referral.loop_id).next_step.startswith("Rebook Walter Ng")


def test_taken_back_with_the_visit_standing_the_referral_counts_on_it(clinic: Clinic, referral: Referral) -> None:
    appointment = booked(clinic, referral)
    same_day = local("2026-03-03 09:30")
    mark_seen(clinic.rosa, referral_id=referral.pk, seen_at=same_day, now=AFTER)
    appointment.refresh_from_db()
    assert appointment.state == "booked", "the visit of the day is this one"
    step = ReferralStep.objects.filter(referral=referral, state="seen").get()
    undo_move(clinic.rosa, referral_id=referral.pk, step_id=step.pk, now=AFTER)
    assert state(referral) == ("scheduled", appointment.pk)


def test_taken_back_before_any_visit_was_arranged_nothing_is_looked_for(clinic: Clinic, referral: Referral) -> None:
    seen_earlier(clinic, referral)
    step = ReferralStep.objects.filter(referral=referral, state="seen").get()
    before = state(referral)
    undo_move(clinic.rosa, referral_id=referral.pk, step_id=step.pk, now=NOW)
    assert (before[0], state(referral)[1]) == ("seen", None)


def test_a_visit_that_was_cancelled_meanwhile_is_cancelled_once(clinic: Clinic, referral: Referral) -> None:
    appointment = booked(clinic, referral)
    actions.cancel_appointment(actor=clinic.rosa, appointment=appointment, reason=CancelReason.WEATHER, now=NOW)
    before = Appointment.objects.get(pk=appointment.pk).version
    actions.cancel_what_was_not_needed(actor=clinic.rosa, appointment_id=appointment.pk, now=NOW)
    assert Appointment.objects.get(pk=appointment.pk).version == before


def test_a_visit_of_a_series_is_one_of_several_that_are_wanted_and_stays(clinic: Clinic) -> None:
    first = series.book(clinic).visits.order_by("appointment__start_at")[0].appointment
    assert first is not None
    actions.cancel_what_was_not_needed(actor=clinic.rosa, appointment_id=first.pk, now=NOW)
    first.refresh_from_db()
    assert first.state == "booked"


@pytest.mark.parametrize("needed", [True, False])
def test_a_note_leaves_the_visit_that_is_booked_here_as_whoever_files_it_says(
    clinic: Clinic, referral: Referral, needed: bool
) -> None:
    appointment = booked(clinic, referral)
    told = Message.objects.count()
    record_note(clinic.rosa, referral_id=referral.pk, report="Seen already", still_needed=needed, now=NOW)
    appointment.refresh_from_db()
    assert appointment.state == ("booked" if needed else "cancelled")
    assert Message.objects.count() == told + (0 if needed else 1)
    assert state(referral) == ("note_received", appointment.pk if needed else None)
    step = ReferralStep.objects.filter(referral=referral, state="note_received").get()
    left = "stays" if needed else "is not needed any more"
    assert step.sentence.endswith(f"The visit booked here for {day_and_time(appointment.local_start)} {left}.")
    undo_move(clinic.rosa, referral_id=referral.pk, step_id=step.pk, now=NOW)
    assert state(referral) == (("scheduled", appointment.pk) if needed else ("visit_cancelled", None))


def test_a_note_that_cancels_the_visit_and_is_sent_twice_cancels_once(clinic: Clinic, referral: Referral) -> None:
    booked(clinic, referral)
    told, version = Message.objects.count(), Referral.objects.get(pk=referral.pk).version
    for _ in range(2):
        answer = record_note(
            clinic.rosa, referral_id=referral.pk, report="Seen", still_needed=False, now=NOW, expected_version=version
        )
        assert answer.state == "note_received"
    assert Message.objects.count() == told + 1
    assert ReferralStep.objects.filter(referral=referral, state="note_received").count() == 1
    with pytest.raises(ReferralChanged):
        record_note(
            clinic.rosa, referral_id=referral.pk, report="Seen", still_needed=True, now=NOW, expected_version=version
        )


def test_a_visit_of_a_series_that_somebody_names_is_cancelled_alone(clinic: Clinic) -> None:
    first = series.book(clinic).visits.order_by("appointment__start_at")[0].appointment
    assert first is not None
    standing = Appointment.objects.filter(state="booked").count()
    actions.cancel_what_is_needed_no_more(actor=clinic.rosa, appointment_id=first.pk, now=NOW)
    assert Appointment.objects.filter(state="booked").count() == standing - 1
    actions.cancel_what_is_needed_no_more(actor=clinic.rosa, appointment_id=first.pk, now=NOW)
    assert Appointment.objects.filter(state="cancelled").count() == 1


def test_a_missed_visit_and_a_late_arrival_are_both_told(clinic: Clinic, referral: Referral) -> None:
    appointment = booked(clinic, referral)
    actions.record_missed(actor=clinic.rosa, appointment=appointment, now=AFTER)
    assert state(referral)[0] == "no_show"
    assert not Loop.objects.filter(kind="missed-visit").exists()
    arrived = actions.arrive(actor=clinic.rosa, appointment=appointment, now=AFTER)
    actions.record_seen(actor=clinic.rosa, appointment=arrived, now=AFTER + timedelta(minutes=30))
    assert state(referral)[0] == "seen"


def test_a_referral_that_people_moved_by_hand_is_left_alone(clinic: Clinic, referral: Referral) -> None:
    appointment = booked(clinic, referral)
    mark_seen(clinic.rosa.as_liaison(), referral_id=referral.pk, seen_at=AFTER, now=AFTER)
    actions.record_seen(actor=clinic.rosa, appointment=appointment, now=AFTER)
    assert state(referral)[0] == "seen"
    assert Appointment.objects.get().state == "fulfilled"


def test_a_visit_for_a_referral_whose_visit_is_over_is_refused_and_not_booked(
    clinic: Clinic, referral: Referral
) -> None:
    mark_seen(clinic.rosa.as_liaison(), referral_id=referral.pk, seen_at=NOW, now=NOW)
    with pytest.raises(NotNow):
        booked(clinic, referral)
    assert not Appointment.objects.exists()


def missed(clinic: Clinic, **changes: object) -> Appointment:
    appointment = clinic.book(START, **changes)  # type: ignore[arg-type]  # keywords of several types
    return actions.record_missed(actor=clinic.marta, appointment=appointment, now=AFTER)


def test_a_missed_visit_that_serves_nothing_else_opens_a_loop_for_whoever_booked_it(clinic: Clinic) -> None:
    appointment = missed(clinic)
    loop = Loop.objects.get(kind="missed-visit")
    assert (loop.owner_user_id, loop.about_id, loop.state) == (clinic.rosa.user_id, appointment.pk, "open")
    assert loop.due_at == local("2026-03-03 23:59:59")
    assert loop.next_step == "Call Walter: offer another time, ask what came in the way"


def test_when_the_booker_is_gone_the_team_of_the_site_calls(clinic: Clinic) -> None:
    with writes_open():
        team = Team.objects.create(name="North desk", site=clinic.site)
        TeamMember.objects.create(team=team, user_id=clinic.marta.user_id)
        User.objects.filter(pk=clinic.rosa.user_id).update(is_active=False, deactivated_at=NOW)
    missed(clinic)
    assert Loop.objects.get(kind="missed-visit").owner_team_id == team.pk


def nobody_is_there(clinic: Clinic) -> None:
    with writes_open():
        Assignment.objects.all().delete()
        User.objects.filter(pk=clinic.rosa.user_id).update(is_active=False, deactivated_at=NOW)


def somebody_is_there(clinic: Clinic) -> Team:
    with writes_open():
        team = Team.objects.create(name="North desk", site=clinic.site)
    assert find_owners(LIAISON, now=AFTER) == 0
    return team


def test_the_call_that_nobody_could_own_is_made_once_somebody_can(clinic: Clinic) -> None:
    nobody_is_there(clinic)
    appointment = missed(clinic)
    assert not Loop.objects.filter(kind="missed-visit").exists()
    assert find_owners(LIAISON, now=AFTER) == 1
    team = somebody_is_there(clinic)
    loop = Loop.objects.get(kind="missed-visit")
    assert (loop.owner_team_id, loop.about_id) == (team.pk, appointment.pk)
    assert loop.due_at == local("2026-03-03 23:59:59")


def test_who_comes_after_all_is_not_called_later(clinic: Clinic) -> None:
    nobody_is_there(clinic)
    appointment = missed(clinic)
    actions.arrive(actor=clinic.marta, appointment=appointment, now=AFTER)
    somebody_is_there(clinic)
    assert not Loop.objects.filter(kind="missed-visit").exists()
    assert WaitingPromise.objects.get(kind="missed-visit").ended_why == "They came after all"


@pytest.mark.parametrize("wants_another", [True, False])
def test_what_they_said_before_anybody_could_own_it_counts(clinic: Clinic, wants_another: bool) -> None:
    nobody_is_there(clinic)
    appointment = missed(clinic)
    actions.record_barrier(
        actor=clinic.marta, appointment=appointment, barrier=Barrier.FORGOT, wants_another=wants_another, now=AFTER
    )
    somebody_is_there(clinic)
    steps = list(Loop.objects.filter(kind="missed-visit").values_list("next_step", flat=True))
    assert steps == (["Book another time for Walter"] if wants_another else [])


def test_an_open_loop_keeps_its_own_clock_when_its_visit_is_missed(clinic: Clinic) -> None:
    clock = ClockToStart(
        rule_id="x", rule_version="1", step="See Walter", anchor_event="e", anchor_at=NOW, due_at=AFTER
    )
    loop = open_loop(
        clinic.rosa,
        patient=clinic.walter,
        promise=Promise(kind="task", title="See Walter", clocks=[clock]),
        owner=Owner(user_id=clinic.rosa.user_id),
        now=NOW,
    )
    missed(clinic, loop_id=loop.pk)
    assert list(Loop.objects.exclude(kind="failed-message")) == [loop]  # nobody could write to him of the visit


def test_a_clinical_topic_that_a_visit_serves_is_named_to_care_alone(clinic: Clinic) -> None:
    clock = ClockToStart(
        rule_id="x", rule_version="1", step="Explain warfarin", anchor_event="e", anchor_at=NOW, due_at=AFTER,
        evidence="understood",
    )  # fmt: skip
    loop = open_loop(
        clinic.rosa,
        patient=clinic.walter,
        promise=Promise(kind="teach-back", title="Explain warfarin to Walter", clocks=[clock]),
        owner=Owner(user_id=clinic.rosa.user_id),
        now=NOW,
    )
    address = f"/appointments/{clinic.book(START, loop_id=loop.pk).pk}/"
    assert "warfarin" in browser(clinic.rosa).get(address).content.decode()
    with writes_open():
        fred = person("Fred", Role.FRONT_DESK, clinic.site)
    told = browser(fred).get(address).content.decode()
    assert "warfarin" not in told
    assert "Teach-back" in told
