"""The waitlist: offers and what becomes of them."""

from __future__ import annotations

from datetime import datetime

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from liaison.core.actor import system_actor
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import NotFound
from liaison.inbox.models import Message
from liaison.loops.models import Loop
from liaison.patients import actions as patients
from liaison.scheduling import actions
from liaison.scheduling.events import AppointmentBooked, AppointmentMoved
from liaison.scheduling.jobs import expire
from liaison.scheduling.models import Appointment, Opening, WaitlistEntry, WaitlistOffer
from liaison.scheduling.ports import CancelReason
from liaison.scheduling.rules import OfferBy
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.hearing import Heard
from liaison.scheduling.tests.waiting import cancel, freed, join, offer, someone, with_mail

LATER = "2026-03-20 10:00"
LIAISON = system_actor("waitlist")


# --- exclusive offers ---------------------------------------------------------------------------------------------


def test_an_exclusive_offer_holds_the_time_and_tells_the_patient_of_no_booking(clinic: Clinic, heard: Heard) -> None:
    with_mail(clinic.walter)
    made = offer(clinic, join(clinic), freed(clinic), by=OfferBy.MAIL)
    hold = Appointment.objects.get(pk=made.hold_id)
    assert (hold.state, hold.reservations.filter(active=True).count()) == ("pending", 2)
    assert heard.facts == []
    (message,) = Message.objects.all()
    assert message.template.code == "waitlist-offer"  # type: ignore[union-attr]  # it is there
    assert actions.offer_link(made) in message.body
    assert (made.starts_at, made.expires_at) == (local("2026-03-02 08:00"), local("2026-03-02 10:00"))
    with pytest.raises(actions.NotFree):
        clinic.book("2026-03-03 10:00", patient=clinic.ruth)
    assert ProcrastinateJob.objects.filter(task_name="scheduling.expire").count() == 1


def test_the_mail_says_when_and_where_in_their_language_and_nothing_clinical(clinic: Clinic) -> None:
    with_mail(clinic.walter, language="es")
    offer(clinic, join(clinic), freed(clinic), by=OfferBy.MAIL)
    (message,) = Message.objects.all()
    assert "martes, 3 de marzo de 2026, a las 10:00 a. m." in message.body
    for word in ("Imani", "Okafor", "Follow-up", "Walter Ng"):
        assert word not in message.body


def test_on_the_phone_the_desk_says_whom_to_call(clinic: Clinic) -> None:
    wait = join(clinic)
    offer(clinic, wait, freed(clinic))
    loop = Loop.objects.get(pk=wait.loop_id)
    assert (loop.next_step, loop.waiting_on) == ("Call Walter: offer Tue, Mar 3, 10:00", "")
    assert not Message.objects.exists()


def test_accepting_a_first_visit_books_it_and_keeps_the_promise(clinic: Clinic, heard: Heard) -> None:
    wait = join(clinic)
    made = actions.accept_offer(actor=clinic.rosa, offer=offer(clinic, wait, freed(clinic)), now=NOW)
    wait.refresh_from_db()
    assert made.appointment is not None
    assert (made.state, wait.state, wait.filled_by_id) == ("accepted", "filled", made.appointment_id)
    assert (made.appointment.state, made.appointment.predecessor_id) == ("booked", None)
    assert [fact.appointment_id for fact in heard.of(AppointmentBooked)] == [made.appointment_id]
    assert Loop.objects.get(pk=wait.loop_id).state == "closed"


def test_accepting_an_earlier_time_moves_the_visit_in_one_step(clinic: Clinic, heard: Heard) -> None:
    later = clinic.book(LATER, note="Bring the list")
    wait = join(clinic, moves_id=later.pk)
    made = actions.accept_offer(actor=clinic.rosa, offer=offer(clinic, wait, freed(clinic)), now=NOW)
    later.refresh_from_db()
    taken = made.appointment
    assert taken is not None
    assert (later.state, later.cancel_reason) == ("cancelled", "pat-swl")
    assert not later.reservations.filter(active=True).exists()
    assert (taken.predecessor_id, taken.ical_uid, taken.ical_sequence) == (later.pk, later.ical_uid, 1)
    assert (taken.note, taken.state) == ("Bring the list", "booked")
    (moved,) = heard.of(AppointmentMoved)
    assert (moved.appointment_id, moved.previous_id) == (taken.pk, later.pk)
    opening = Opening.objects.get(appointment=later)
    assert (opening.why, opening.depth) == ("moved", 2)


def test_times_that_free_each_other_stop_after_three_rounds(clinic: Clinic) -> None:
    days = ["2026-03-12", "2026-03-16", "2026-03-18"]
    opening = freed(clinic)
    for number, day in enumerate(days):
        patient = someone(clinic, f"N{number}")
        later = clinic.book(f"{day} 10:00", patient=patient, key=f"later {number}")
        wait = join(clinic, patient, moves_id=later.pk)
        actions.accept_offer(actor=clinic.rosa, offer=offer(clinic, wait, opening), now=NOW)
        made = Opening.objects.filter(appointment=later).first()
        if made is not None:
            assert made.depth == number + 2
            opening = made
    assert Opening.objects.count() == 3


def test_accepting_twice_books_once(clinic: Clinic) -> None:
    made = offer(clinic, join(clinic), freed(clinic))
    first = actions.accept_offer(actor=clinic.rosa, offer=made, now=NOW)
    again = actions.accept_offer(actor=clinic.rosa, offer=made, now=NOW)
    assert first.appointment_id == again.appointment_id
    assert Appointment.objects.count() == 1


def test_a_decline_gives_the_time_back_and_the_patient_stays(clinic: Clinic, heard: Heard) -> None:
    wait, opening = join(clinic), freed(clinic)
    made = offer(clinic, wait, opening)
    actions.decline_offer(actor=clinic.rosa, offer=made, note="At work", now=NOW)
    again = actions.decline_offer(actor=clinic.rosa, offer=made, now=NOW)
    wait.refresh_from_db()
    assert (again.state, again.answer_note, wait.state) == ("declined", "At work", "waiting")
    assert clinic.book("2026-03-03 10:00", patient=clinic.ruth).state == "booked"
    assert not Message.objects.filter(patient=clinic.walter).exists()
    with pytest.raises(actions.OfferOver):
        actions.accept_offer(actor=clinic.rosa, offer=made, now=NOW)
    assert len(heard.of(AppointmentBooked)) == 1


def test_a_withdrawn_offer_says_so_if_its_mail_went_out(clinic: Clinic) -> None:
    with_mail(clinic.walter)
    made = offer(clinic, join(clinic), freed(clinic), by=OfferBy.MAIL)
    with writes_open():
        Message.objects.update(state="sent", sent_at=NOW, next_attempt_at=None)
    actions.withdraw_offer(actor=clinic.rosa, offer=made, now=NOW)
    assert sorted(Message.objects.values_list("template__code", flat=True)) == ["waitlist-gone", "waitlist-offer"]
    with pytest.raises(actions.OfferOver):
        actions.withdraw_offer(actor=clinic.rosa, offer=made, now=NOW)


def test_a_mail_that_still_waits_is_simply_not_sent(clinic: Clinic) -> None:
    with_mail(clinic.walter)
    made = offer(clinic, join(clinic), freed(clinic), by=OfferBy.MAIL)
    actions.withdraw_offer(actor=clinic.rosa, offer=made, now=NOW)
    assert [message.state for message in Message.objects.all()] == ["suppressed"]


def test_one_offer_at_a_time(clinic: Clinic) -> None:
    wait = join(clinic)
    offer(clinic, wait, freed(clinic))
    with pytest.raises(actions.AlreadyOffered):
        offer(clinic, wait, freed(clinic, "2026-03-03 14:00", "2026-03-03 15:00"))


def test_what_cannot_be_offered_says_why(clinic: Clinic) -> None:
    wait, opening = join(clinic), freed(clinic)
    with pytest.raises(actions.NoMail):
        offer(clinic, wait, opening, by=OfferBy.MAIL)
    with pytest.raises(actions.TooLateToOffer):
        offer(clinic, wait, opening, now=local("2026-03-03 08:50"))
    with pytest.raises(actions.NoLongerFits):
        offer(clinic, wait, opening, now=local("2026-03-03 09:50"))


def test_nobody_is_offered_a_time_at_a_place_they_did_not_choose(clinic: Clinic) -> None:
    wait, opening = join(clinic), freed(clinic)
    with writes_open():
        wait.sites.set([clinic.other_site])
    with pytest.raises(actions.NoLongerFits):
        offer(clinic, wait, opening)
    assert not WaitlistOffer.objects.exists()


def test_a_time_that_is_held_is_not_cancelled_or_moved_past_the_offer(clinic: Clinic) -> None:
    made = offer(clinic, join(clinic), freed(clinic))
    hold = Appointment.objects.get(pk=made.hold_id)
    with pytest.raises(actions.HeldForOffer):
        cancel(clinic, hold)
    with pytest.raises(actions.HeldForOffer):
        actions.move_appointment(
            actor=clinic.rosa, appointment=hold, order=clinic.order("2026-03-04 10:00"),
            reason=CancelReason.PATIENT, now=NOW,
        )  # fmt: skip


# --- expiry -------------------------------------------------------------------------------------------------------


def test_an_unanswered_offer_ends_and_is_no_decline(clinic: Clinic) -> None:
    wait = join(clinic)
    made = offer(clinic, wait, freed(clinic))
    assert not actions.expire_offer(actor=LIAISON, offer_id=made.pk, now=NOW)
    assert actions.expire_offer(actor=LIAISON, offer_id=made.pk, now=made.expires_at)
    assert not actions.expire_offer(actor=LIAISON, offer_id=made.pk, now=made.expires_at)
    wait.refresh_from_db()
    made.refresh_from_db()
    assert (made.state, wait.state, wait.lapses) == ("expired", "waiting", 1)
    assert Appointment.objects.get(pk=made.hold_id).state == "cancelled"
    assert not actions.expire_offer(actor=LIAISON, offer_id=999_999, now=NOW)


def test_an_offer_can_not_be_taken_after_its_time_even_before_the_job_ran(clinic: Clinic) -> None:
    made = offer(clinic, join(clinic), freed(clinic))
    for answer in (actions.accept_offer, actions.decline_offer):
        with pytest.raises(actions.OfferOver):
            answer(actor=clinic.rosa, offer=made, now=made.expires_at)


def test_the_job_ends_what_is_over(clinic: Clinic, settings: object) -> None:
    made = offer(clinic, join(clinic), freed(clinic))
    expire(offer_id=made.pk)  # the real clock is far past it
    made.refresh_from_db()
    assert made.state == "expired"


def test_after_three_in_a_row_somebody_asks_whether_to_stay(clinic: Clinic) -> None:
    wait, opening = join(clinic), freed(clinic, "2026-03-10 10:00", "2026-03-10 10:30")
    now = NOW
    for _ in range(3):
        made = offer(clinic, wait, opening, now=now)
        now = made.expires_at
        actions.expire_offer(actor=LIAISON, offer_id=made.pk, now=now)
    loop = Loop.objects.get(pk=wait.loop_id)
    assert loop.next_step == "Ask Walter whether to stay on the waitlist: 3 offers went unanswered"
    wait.refresh_from_db()
    actions.keep_waiting(actor=clinic.rosa, wait=wait, expected_version=wait.version, now=now)
    wait.refresh_from_db()
    loop.refresh_from_db()
    assert (wait.lapses, loop.next_step) == (0, "Look for an earlier time for Walter")


# --- broadcast offers ---------------------------------------------------------------------------------------------


def broadcast(clinic: Clinic, opening: Opening, *waits: WaitlistEntry, now: datetime = NOW) -> actions.Broadcast:
    return actions.offer_to_several(actor=clinic.rosa, opening=opening, entry_ids=[wait.pk for wait in waits], now=now)


def one_pair_free(clinic: Clinic) -> None:
    """Only Dr Imani in one room works at ten."""
    actions.retire_resource(actor=clinic.marta, resource=clinic.okafor, now=NOW)


def test_the_first_of_several_gets_it_and_the_others_are_told(clinic: Clinic) -> None:
    one_pair_free(clinic)
    with_mail(clinic.walter, clinic.ruth)
    silent = someone(clinic, "Phone")
    waits = [join(clinic), join(clinic, clinic.ruth), join(clinic, silent)]
    made = broadcast(clinic, freed(clinic), *waits)
    assert [one.entry_id for one in made.offers] == [waits[0].pk, waits[1].pk]
    assert made.left_out == (waits[2].pk,)
    assert not Appointment.objects.exists()
    with writes_open():
        Message.objects.update(state="sent", sent_at=NOW, next_attempt_at=None)
    walters, ruths = made.offers
    actions.accept_offer(actor=LIAISON, offer=ruths, now=NOW)
    walters.refresh_from_db()
    assert walters.state == "superseded"
    gone = Message.objects.get(template__code="waitlist-gone")
    assert gone.patient_id == clinic.walter.pk
    with pytest.raises(actions.OfferOver):
        actions.accept_offer(actor=LIAISON, offer=walters, now=NOW)
    assert {wait.state for wait in WaitlistEntry.objects.filter(patient=clinic.walter)} == {"waiting"}


def test_who_could_still_have_it_with_a_colleague_keeps_the_offer(clinic: Clinic) -> None:
    with_mail(clinic.walter, clinic.ruth)
    made = broadcast(clinic, freed(clinic), join(clinic), join(clinic, clinic.ruth))
    for one in made.offers:
        assert actions.accept_offer(actor=LIAISON, offer=one, now=NOW).state == "accepted"
    assert Appointment.objects.filter(state="booked").count() == 2


def test_a_time_that_somebody_booked_meanwhile_is_said_to_be_gone(clinic: Clinic) -> None:
    one_pair_free(clinic)
    with_mail(clinic.walter)
    made = broadcast(clinic, freed(clinic), join(clinic))
    clinic.book("2026-03-03 10:00", patient=clinic.ruth)
    answered = actions.accept_offer(actor=LIAISON, offer=made.offers[0], now=NOW)
    assert (answered.state, answered.appointment_id) == ("superseded", None)


def test_a_broadcast_taken_by_somebody_with_a_later_visit_moves_it(clinic: Clinic) -> None:
    with_mail(clinic.walter)
    later = clinic.book(LATER)
    made = broadcast(clinic, freed(clinic), join(clinic, moves_id=later.pk))
    taken = actions.accept_offer(actor=LIAISON, offer=made.offers[0], now=NOW).appointment
    later.refresh_from_db()
    assert taken is not None
    assert (later.cancel_reason, taken.predecessor_id) == ("pat-swl", later.pk)


def test_whoever_has_an_offer_or_too_little_time_is_left_out(clinic: Clinic) -> None:
    with_mail(clinic.walter, clinic.ruth)
    waits = [join(clinic), join(clinic, clinic.ruth)]
    offer(clinic, waits[0], freed(clinic, "2026-03-04 10:00", "2026-03-04 11:00"))
    opening = freed(clinic)
    assert broadcast(clinic, opening, *waits).left_out == (waits[0].pk,)
    assert broadcast(clinic, opening, waits[1], now=local("2026-03-03 08:50")).offers == ()


# --- visits that change meanwhile ---------------------------------------------------------------------------------


def test_a_visit_that_is_moved_by_hand_is_still_the_one_to_move_forward(clinic: Clinic) -> None:
    later = clinic.book(LATER)
    wait = join(clinic, moves_id=later.pk)
    order = clinic.order("2026-03-18 10:00")
    moved = actions.move_appointment(
        actor=clinic.rosa, appointment=later, order=order, reason=CancelReason.PATIENT, now=NOW
    )
    wait.refresh_from_db()
    assert wait.moves_id == moved.pk


def test_when_the_later_visit_is_cancelled_the_patient_still_waits_for_a_first_one(clinic: Clinic) -> None:
    later = clinic.book(LATER)
    wait = join(clinic, moves_id=later.pk)
    made = offer(clinic, wait, freed(clinic))
    cancel(clinic, later)
    taken = actions.accept_offer(actor=clinic.rosa, offer=made, now=NOW).appointment
    assert taken is not None
    assert (taken.predecessor_id, taken.state) == (None, "booked")


def test_when_the_visit_took_place_nobody_waits_any_more(clinic: Clinic) -> None:
    visit = clinic.book("2026-03-03 10:00")
    wait = join(clinic, moves_id=visit.pk)
    actions.record_seen(actor=clinic.rosa, appointment=visit, now=local("2026-03-03 10:20"))
    wait.refresh_from_db()
    assert (wait.state, wait.end_reason) == ("left", "The visit took place")


def test_after_a_merge_the_survivor_waits_and_after_its_end_the_other_again(clinic: Clinic) -> None:
    wait = join(clinic, clinic.ruth)
    record = patients.merge_patients(
        actor=LIAISON, survivor=clinic.walter, merged=clinic.ruth, reason="One", conflict_checked=True, now=NOW
    )
    wait.refresh_from_db()
    assert wait.patient_id == clinic.walter.pk
    patients.unmerge_patients(actor=LIAISON, merge=record, reason="Two", now=NOW)
    wait.refresh_from_db()
    assert wait.patient_id == clinic.ruth.pk


# --- links --------------------------------------------------------------------------------------------------------


def test_a_link_opens_its_own_offer_and_a_changed_one_nothing(clinic: Clinic) -> None:
    made = offer(clinic, join(clinic), freed(clinic))
    token = actions.offer_link(made).rstrip("/").rpartition("/")[2]
    assert actions.offer_of_link(token) == made
    for wrong in (token[:-1], f"999999:{token.partition(':')[2]}", "nonsense"):
        with pytest.raises(NotFound):
            actions.offer_of_link(wrong)
    with writes_open():
        WaitlistOffer.objects.all().delete()
    with pytest.raises(NotFound):
        actions.offer_of_link(token)


# --- who does not read it -----------------------------------------------------------------------------------------


def test_who_does_not_read_the_offer_is_called_with_an_interpreter_and_once_answered_no_more(clinic: Clinic) -> None:
    with_mail(clinic.walter, language="vi")
    wait = join(clinic)
    made = offer(clinic, wait, freed(clinic), by=OfferBy.MAIL)
    loop = Loop.objects.get(pk=wait.loop_id)
    assert (loop.next_step, loop.waiting_on, loop.due_at) == (
        "Call Walter with an interpreter (our mail is in English, they read Vietnamese): offer Tue, Mar 3, 10:00",
        "", made.expires_at,
    )  # fmt: skip
    assert Loop.objects.count() == 1, "the promise of the wait says it, and none besides"
    actions.decline_offer(actor=clinic.rosa, offer=made, now=NOW)
    loop.refresh_from_db()
    assert "interpreter" not in loop.next_step


def test_who_reads_the_offer_is_waited_for(clinic: Clinic) -> None:
    with_mail(clinic.walter, language="es")
    wait = join(clinic)
    offer(clinic, wait, freed(clinic), by=OfferBy.MAIL)
    loop = Loop.objects.get(pk=wait.loop_id)
    assert (loop.next_step, loop.waiting_on) == ("Hear whether Walter takes Tue, Mar 3, 10:00", "the patient")
