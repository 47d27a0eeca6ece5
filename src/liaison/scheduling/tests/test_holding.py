"""A time that is kept while the patient makes up their mind: held, taken, given up, lapsed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from liaison.core.actor import ANONYMOUS, system_actor
from liaison.core.postgres.guard import writes_open
from liaison.inbox.models import Message
from liaison.loops.actions import add_evidence
from liaison.loops.models import Loop, WaitingPromise
from liaison.scheduling import actions
from liaison.scheduling.actions.refusals import DeadPatient, HeldClosed, HoldOver, Impossible, OnlyHeld, TooManyHolds
from liaison.scheduling.events import AppointmentBooked, AppointmentCancelled
from liaison.scheduling.jobs import lapse, lapse_what_is_over
from liaison.scheduling.models import Appointment, Hold
from liaison.scheduling.ports import CancelReason, Override, Span
from liaison.scheduling.queries import hold_of, timeline
from liaison.scheduling.queries.readiness import coming_ids, expected
from liaison.scheduling.rules import HOLD_FOR, HoldEnd, held_until
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.hearing import Heard
from liaison.scheduling.tests.test_serving_later import promise
from liaison.scheduling.tests.waiting import with_mail

TUESDAY = "2026-03-03 10:00"
QUARTER = timedelta(minutes=15)
LIAISON = system_actor("held times")


def hold(clinic: Clinic, start: str = TUESDAY, *, now: datetime = NOW, **changes: object) -> Hold:
    lasting = changes.pop("lasting", QUARTER)
    patient, override = changes.pop("patient", clinic.walter), changes.pop("override", None)
    actor = changes.pop("actor", clinic.rosa)
    return actions.hold_time(
        actor=actor,  # type: ignore[arg-type]  # told by the test
        patient=patient,  # type: ignore[arg-type]  # told by the test
        order=clinic.order(start, **changes),
        lasting=lasting,  # type: ignore[arg-type]  # told by the test
        override=override,  # type: ignore[arg-type]  # told by the test
        now=now,
    )


def test_it_ends_after_its_length_and_at_the_start_at_the_latest() -> None:
    start = local(TUESDAY)
    assert held_until(now=NOW, lasting=QUARTER, start=start) == NOW + QUARTER
    soon = start - timedelta(minutes=40)
    assert held_until(now=soon, lasting=timedelta(hours=1), start=start) == start
    assert held_until(now=start, lasting=timedelta(hours=1), start=start) is None
    with pytest.raises(ValueError, match="lengths of HOLD_FOR"):
        held_until(now=NOW, lasting=timedelta(days=9), start=start)


def test_a_held_time_keeps_everybody_out_and_nobody_is_told(clinic: Clinic, heard: Heard) -> None:
    with_mail(clinic.walter)
    held = hold(clinic)
    visit = held.appointment
    assert (visit.state, visit.reservations.filter(active=True).count()) == ("pending", 2)
    assert (held.until_at, held.held_by_name, held.stands) == (NOW + QUARTER, "Rosa", True)
    assert not Message.objects.exists()
    assert not heard.of(AppointmentBooked)
    with pytest.raises(actions.NotFree):
        clinic.book(TUESDAY, patient=clinic.ruth)
    job = ProcrastinateJob.objects.get(task_name="scheduling.lapse")
    assert job.args == {"appointment_id": visit.pk}


def test_a_held_time_is_no_visit_yet(clinic: Clinic) -> None:
    visit = hold(clinic).appointment
    assert list(expected(start_at=NOW, end_at=NOW + timedelta(days=9))) == []
    assert list(timeline(clinic.rosa, patient=clinic.walter, now=NOW)) == []
    assert coming_ids(patient_id=clinic.walter.pk, now=NOW) == (visit.pk,)


def test_the_same_form_again_holds_it_once_and_another_one_with_its_key_is_refused(clinic: Clinic) -> None:
    first = hold(clinic)
    assert hold(clinic).pk == first.pk
    with pytest.raises(actions.KeyReused):
        hold(clinic, "2026-03-03 11:00", key=f"key {TUESDAY}")
    assert Hold.objects.count() == 1


@pytest.mark.parametrize("lasting", [timedelta(0), timedelta(days=2)])
def test_nobody_holds_a_time_as_long_as_they_like(clinic: Clinic, lasting: timedelta) -> None:
    with pytest.raises(Impossible):
        hold(clinic, lasting=lasting)
    assert not Appointment.objects.exists()


def test_a_time_that_has_begun_is_not_held(clinic: Clinic) -> None:
    with pytest.raises(Impossible):
        hold(clinic, now=local(TUESDAY))


def test_three_times_may_be_held_for_one_patient_side_by_side(clinic: Clinic) -> None:
    for hour in ("10:00", "11:00", "13:00"):
        hold(clinic, f"2026-03-03 {hour}")
    with pytest.raises(TooManyHolds):
        hold(clinic, "2026-03-03 15:00")
    hold(clinic, "2026-03-03 15:00", patient=clinic.ruth)


def test_a_second_time_with_another_clinician_at_the_same_hour_is_an_alternative(clinic: Clinic) -> None:
    hold(clinic)
    other = clinic.seats(who=clinic.okafor, room=clinic.other_room)
    assert hold(clinic, key="other", seats=other).stands


def test_what_needs_a_reason_needs_it_for_a_hold_too(clinic: Clinic) -> None:
    clinic.book(
        "2026-03-03 10:15", seats=clinic.seats(who=clinic.okafor, room=clinic.other_room), patient=clinic.walter
    )
    with pytest.raises(actions.PatientBusy):
        hold(clinic)
    held = hold(clinic, override=Override(reason="They choose between both"))
    assert held.appointment.override_reason == "They choose between both"


def test_taking_it_books_it_tells_the_patient_and_frees_the_alternatives(clinic: Clinic, heard: Heard) -> None:
    with_mail(clinic.walter)
    other = hold(clinic, "2026-03-04 10:00")
    for_ruth = hold(clinic, "2026-03-05 10:00", patient=clinic.ruth)
    held = hold(clinic)
    later = NOW + timedelta(minutes=5)
    taken = actions.take_hold(
        actor=clinic.rosa, appointment=held.appointment, expected_version=held.appointment.version, now=later
    )
    assert (taken.state, taken.booked_at, taken.booked_by_name) == ("booked", later, "Rosa")
    assert [fact.appointment_id for fact in heard.of(AppointmentBooked)] == [taken.pk]
    actions.give_up_alternatives(actor=ANONYMOUS, appointment=taken, now=later)
    for one in (held, other, for_ruth):
        one.refresh_from_db()
    assert (held.end_now, other.end_now, for_ruth.end_now) == (HoldEnd.TAKEN, HoldEnd.GIVEN_UP, None)
    actions.give_up_alternatives(actor=ANONYMOUS, appointment=taken, now=later)  # who answers an offer may only book
    clinic.book("2026-03-04 10:00", patient=clinic.ruth, override=Override(reason="Wants two"))


def test_taken_twice_is_once(clinic: Clinic, heard: Heard) -> None:
    visit = hold(clinic).appointment
    for _ in range(2):
        taken = actions.take_hold(actor=clinic.rosa, appointment=visit, expected_version=visit.version, now=NOW)
        assert taken.state == "booked"
    assert len(heard.of(AppointmentBooked)) == 1


def test_a_page_that_goes_back_to_the_form_takes_what_it_held(clinic: Clinic) -> None:
    visit = hold(clinic).appointment
    booked = actions.book_or_take(actor=clinic.rosa, patient=clinic.walter, order=clinic.order(TUESDAY), now=NOW)
    assert (booked.pk, booked.state) == (visit.pk, "booked")
    again = actions.book_or_take(
        actor=clinic.rosa, patient=clinic.walter, order=clinic.order("2026-03-05 10:00"), now=NOW
    )
    assert again.pk != visit.pk


def test_another_time_from_the_same_form_is_booked_beside_what_it_held(clinic: Clinic) -> None:
    visit = hold(clinic).appointment
    order = clinic.order("2026-03-04 10:00", key=f"key {TUESDAY}")
    booked = actions.book_or_take(actor=clinic.rosa, patient=clinic.walter, order=order, now=NOW)
    assert booked.pk != visit.pk


def test_given_up_it_is_free_and_nobody_is_told(clinic: Clinic, heard: Heard) -> None:
    with_mail(clinic.walter)
    visit = hold(clinic).appointment
    for _ in range(2):
        freed = actions.give_up_hold(actor=clinic.rosa, appointment=visit, expected_version=visit.version, now=NOW)
        assert freed.state == "cancelled"
    assert not heard.of(AppointmentCancelled)
    assert not Message.objects.exists()
    assert list(timeline(clinic.rosa, patient=clinic.walter, now=NOW)) == []
    clinic.book(TUESDAY, patient=clinic.ruth)
    with pytest.raises(HoldOver, match="held until Mon, Mar 2, 07:15"):
        actions.take_hold(actor=clinic.rosa, appointment=visit, now=NOW)


def test_nobody_took_it_so_it_lapses_and_somebody_asks_whether_it_is_still_wanted(clinic: Clinic) -> None:
    visit = hold(clinic).appointment
    early = actions.lapse_hold(actor=LIAISON, appointment_id=visit.pk, now=NOW + QUARTER - timedelta(seconds=1))
    assert not early
    assert actions.lapse_hold(actor=LIAISON, appointment_id=visit.pk, now=NOW + QUARTER)
    assert not actions.lapse_hold(actor=LIAISON, appointment_id=visit.pk, now=NOW + QUARTER)
    loop = Loop.objects.get(kind="hold-lapsed")
    assert (loop.owner_user_id, loop.next_step) == (
        clinic.rosa.user_id, "Ask Walter whether the visit is still wanted, and book another time",
    )  # fmt: skip
    with pytest.raises(HoldOver):
        actions.give_up_hold(actor=clinic.rosa, appointment=visit, now=NOW + QUARTER)
    clinic.book(TUESDAY, patient=clinic.ruth)


def test_who_books_after_all_need_not_be_asked(clinic: Clinic) -> None:
    lapsed = hold(clinic).appointment
    actions.lapse_hold(actor=LIAISON, appointment_id=lapsed.pk, now=NOW + QUARTER)
    booked = clinic.book("2026-03-05 10:00")
    actions.settle_lapsed(actor=LIAISON, appointment=booked, now=NOW)
    actions.settle_lapsed(actor=LIAISON, appointment=booked, now=NOW)
    assert Loop.objects.get(kind="hold-lapsed").state == "closed"


def test_who_wants_it_no_more_is_noted_by_hand(clinic: Clinic) -> None:
    lapsed = hold(clinic).appointment
    actions.lapse_hold(actor=LIAISON, appointment_id=lapsed.pk, now=NOW + QUARTER)
    loop = Loop.objects.get(kind="hold-lapsed")
    add_evidence(clinic.rosa, loop_id=loop.pk, kind="settled", note="She sees somebody else", now=NOW + QUARTER)
    loop.refresh_from_db()
    assert loop.state == "closed"


def test_a_question_that_nobody_could_own_is_dropped_when_they_book(clinic: Clinic) -> None:
    lapsed = hold(clinic).appointment
    with writes_open():
        lapsed.booked_by = None
        lapsed.save(update_fields=["booked_by"])
    actions.lapse_hold(actor=LIAISON, appointment_id=lapsed.pk, now=NOW + QUARTER)
    waits = WaitingPromise.objects.waiting().filter(kind="hold-lapsed")
    assert waits.count() + Loop.objects.open().filter(kind="hold-lapsed").count() == 1
    actions.settle_lapsed(actor=LIAISON, appointment=clinic.book("2026-03-05 10:00"), now=NOW)
    assert waits.count() + Loop.objects.open().filter(kind="hold-lapsed").count() == 0


def test_what_stands_behind_a_promise_is_asked_for_by_that(clinic: Clinic) -> None:
    served = promise(clinic)
    visit = hold(clinic, loop_id=served.pk).appointment
    assert actions.lapse_hold(actor=LIAISON, appointment_id=visit.pk, now=NOW + QUARTER)
    assert not Loop.objects.filter(kind="hold-lapsed").exists()


def test_what_is_no_hold_is_not_ended(clinic: Clinic) -> None:
    booked = clinic.book(TUESDAY)
    assert hold_of(booked) is None
    assert not actions.lapse_hold(actor=LIAISON, appointment_id=booked.pk, now=NOW)
    for end in (actions.take_hold, actions.give_up_hold):
        with pytest.raises(HoldOver, match="not held"):
            end(actor=clinic.rosa, appointment=booked, now=NOW)


def test_a_held_time_is_neither_moved_nor_cancelled(clinic: Clinic) -> None:
    visit = hold(clinic).appointment
    with pytest.raises(OnlyHeld):
        actions.cancel_appointment(actor=clinic.rosa, appointment=visit, reason=CancelReason.PATIENT, now=NOW)
    with pytest.raises(OnlyHeld):
        actions.move_appointment(
            actor=clinic.rosa,
            appointment=visit,
            order=clinic.order("2026-03-04 10:00"),
            reason=CancelReason.PATIENT,
            now=NOW,
        )


def test_nothing_is_booked_for_the_dead(clinic: Clinic) -> None:
    visit = hold(clinic).appointment
    with writes_open():
        type(clinic.walter).objects.filter(pk=clinic.walter.pk).update(is_deceased=True)
    visit = Appointment.objects.select_related("patient").get(pk=visit.pk)
    with pytest.raises(DeadPatient):
        actions.take_hold(actor=clinic.rosa, appointment=visit, now=NOW)


def test_a_form_that_held_a_time_which_is_free_again_says_so(clinic: Clinic) -> None:
    actions.give_up_hold(actor=clinic.rosa, appointment=hold(clinic).appointment, now=NOW)
    with pytest.raises(HoldOver, match="is not any more"):
        hold(clinic)


def test_who_gives_up_what_a_colleague_booked_is_told_so(clinic: Clinic) -> None:
    visit = hold(clinic).appointment
    actions.take_hold(actor=clinic.marta, appointment=visit, now=NOW)
    with pytest.raises(HoldOver, match="Marta booked this time for the patient meanwhile"):
        actions.give_up_hold(actor=clinic.rosa, appointment=visit, now=NOW)


def test_what_was_held_for_the_dead_is_free_and_nobody_asks_them(clinic: Clinic) -> None:
    given_up, lapsed = hold(clinic), hold(clinic, "2026-03-04 10:00")
    with writes_open():
        type(clinic.walter).objects.filter(pk=clinic.walter.pk).update(is_deceased=True)
    assert actions.lapse_hold(actor=LIAISON, appointment_id=lapsed.appointment_id, now=NOW + QUARTER)
    for _ in range(2):
        actions.give_up_holds_of_the_dead(actor=clinic.rosa, patient_id=clinic.walter.pk, now=NOW)
    given_up.refresh_from_db()
    assert given_up.end_now is HoldEnd.GIVEN_UP
    assert not Loop.objects.filter(kind="hold-lapsed").exists()


def test_what_its_own_job_left_lapses_within_five_minutes(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    visit, later = hold(clinic).appointment, hold(clinic, "2026-03-04 10:00", lasting=HOLD_FOR[1]).appointment
    monkeypatch.setattr("liaison.scheduling.jobs.current_time", lambda: NOW + HOLD_FOR[0])
    lapse_what_is_over()
    assert [Appointment.objects.get(pk=one.pk).state for one in (visit, later)] == ["cancelled", "pending"]


def test_the_job_lapses_it(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    visit = hold(clinic).appointment
    monkeypatch.setattr("liaison.scheduling.jobs.current_time", lambda: NOW + HOLD_FOR[0])
    lapse(appointment_id=visit.pk)
    visit.refresh_from_db()
    assert (visit.state, visit.hold.end) == ("cancelled", "lapsed")


def closed(clinic: Clinic) -> None:
    """Dr Imani is away on Tuesday."""
    actions.close_time(
        actor=clinic.marta, of=clinic.imani, during=Span(local("2026-03-03 00:00"), local("2026-03-04 00:00")),
        reason="Sick", now=NOW,
    )  # fmt: skip


def test_a_time_that_was_closed_since_is_not_taken(clinic: Clinic, heard: Heard) -> None:
    with_mail(clinic.walter)
    held = hold(clinic)
    closed(clinic)
    with pytest.raises(HeldClosed, match=r"Dr Imani does not work at Riverside North then. Choose another time"):
        actions.take_hold(actor=clinic.rosa, appointment=held.appointment, now=NOW)
    with pytest.raises(HeldClosed):
        actions.book_or_take(actor=clinic.rosa, patient=clinic.walter, order=clinic.order(TUESDAY), now=NOW)
    held.refresh_from_db()
    assert (held.stands, held.appointment.state, heard.of(AppointmentBooked)) == (True, "pending", [])
    assert not Message.objects.exists()
    actions.give_up_hold(actor=clinic.rosa, appointment=held.appointment, now=NOW)


def test_what_was_held_in_closed_time_with_a_reason_is_taken(clinic: Clinic) -> None:
    closed(clinic)
    held = hold(clinic, override=Override(reason="Comes in for him"), actor=clinic.marta)
    assert actions.take_hold(actor=clinic.rosa, appointment=held.appointment, now=NOW).state == "booked"
