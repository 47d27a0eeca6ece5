"""The waitlist: joining, freed times, offers and what becomes of them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from liaison.core.actor import system_actor
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound, Stale
from liaison.inbox.models import Message
from liaison.loops.models import Loop
from liaison.orders.models import Referral
from liaison.patients import actions as patients
from liaison.scheduling import actions, queries
from liaison.scheduling.events import AppointmentBooked, AppointmentMoved
from liaison.scheduling.jobs import expire
from liaison.scheduling.models import Appointment, Opening, VisitType, WaitlistEntry, WaitlistOffer
from liaison.scheduling.ports import CancelReason, Span
from liaison.scheduling.rules import OfferBy, Urgency
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.hearing import Heard
from liaison.scheduling.tests.waiting import freed, join, someone, with_mail, with_phone

LATER = "2026-03-20 10:00"
LIAISON = system_actor("waitlist")


def cancel(clinic: Clinic, appointment: Appointment, *, now: datetime = NOW) -> None:
    actions.cancel_appointment(actor=clinic.rosa, appointment=appointment, reason=CancelReason.PATIENT, now=now)


def offer(
    clinic: Clinic, wait: WaitlistEntry, opening: Opening, *, by: OfferBy = OfferBy.PHONE, now: datetime = NOW
) -> WaitlistOffer:
    return actions.offer_to_one(actor=clinic.rosa, wait=wait, opening=opening, by=by, now=now)


# --- joining ------------------------------------------------------------------------------------------------------


def test_whoever_joins_is_promised_a_time_and_the_desk_says_when_to_look(clinic: Clinic) -> None:
    wait = join(clinic)
    loop = Loop.objects.get(pk=wait.loop_id)
    assert (loop.kind, loop.title, loop.owner_user_id) == ("waitlist", "Find Walter a visit", clinic.rosa.user_id)
    assert loop.due_at.date() == date(2026, 3, 17)  # ten business days, late in the evening there
    assert AuditEntry.objects.filter(verb="scheduling.wait", patient_ids=[clinic.walter.pk]).exists()


def test_an_urgent_wait_is_looked_at_sooner_and_rises(clinic: Clinic) -> None:
    wait = join(clinic, urgency=Urgency.URGENT, urgency_reason="New murmur")
    loop = Loop.objects.get(pk=wait.loop_id)
    assert (loop.priority, loop.due_at.date()) == ("urgent", date(2026, 3, 4))


def test_joining_to_move_a_visit_forward_says_so(clinic: Clinic) -> None:
    later = clinic.book(LATER)
    wait = join(clinic, moves_id=later.pk)
    assert Loop.objects.get(pk=wait.loop_id).title == "Find Walter an earlier visit"


def test_one_form_sent_twice_joins_once(clinic: Clinic) -> None:
    assert join(clinic).pk == join(clinic).pk
    with pytest.raises(actions.KeyReused):
        join(clinic, clinic.ruth, key=f"wait {clinic.walter.pk}")


def test_nobody_waits_twice_for_one_kind_of_visit(clinic: Clinic) -> None:
    join(clinic)
    with pytest.raises(actions.AlreadyWaiting):
        join(clinic, key="another form")


def test_nobody_waits_after_their_death(clinic: Clinic) -> None:
    with writes_open():
        clinic.walter.is_deceased = True
        clinic.walter.save()
    with pytest.raises(actions.DeadPatient):
        join(clinic)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"urgency": Urgency.SOON}, "urgency_reason"),
        ({"not_before": date(2026, 3, 9), "until": date(2026, 3, 8)}, "until"),
        ({"from_time": time(12), "to_time": time(12)}, "to_time"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(clinic: Clinic, changes: dict[str, object], field: str) -> None:
    with pytest.raises(actions.Impossible) as refused:
        join(clinic, **changes)
    assert field in refused.value.fields


def test_a_visit_that_is_over_or_of_another_kind_cannot_move_forward(clinic: Clinic) -> None:
    cancelled = clinic.book(LATER)
    cancel(clinic, cancelled)
    with pytest.raises(actions.Impossible):
        join(clinic, moves_id=cancelled.pk)
    with pytest.raises(NotFound):
        join(clinic, clinic.ruth, moves_id=cancelled.pk)


def test_what_does_not_exist_or_is_somebody_elses_is_not_found(clinic: Clinic, referral: Referral) -> None:
    for changes in (
        {"site_ids": ()},
        {"site_ids": (clinic.site.pk, 999_999)},
        {"visit_type_code": "nothing"},
        {"with_id": 999_999},
        {"loop_id": 999_999},
    ):
        with pytest.raises(NotFound):
            join(clinic, **changes)
    with pytest.raises(NotFound):
        join(clinic, clinic.ruth, referral_id=referral.pk)


def test_a_kind_that_needs_a_referral_is_waited_for_with_one(clinic: Clinic, referral: Referral) -> None:
    with writes_open():
        VisitType.objects.filter(pk=clinic.follow_up.pk).update(referral_needed=True)
    opening = freed(clinic)
    with pytest.raises(actions.ReferralNeeded):
        join(clinic)
    wait = join(clinic, referral_id=referral.pk)
    assert [one.entry for one in queries.candidates(clinic.rosa, opening=opening, now=NOW)] == [wait]
    with writes_open():
        WaitlistEntry.objects.update(referral=None)
    assert queries.candidates(clinic.rosa, opening=opening, now=NOW) == ()


def test_other_sites_and_roles_enter_nobody(clinic: Clinic) -> None:
    draft = actions.WaitDraft(key="k", visit_type_code="follow_up", site_ids=(clinic.site.pk,))
    with pytest.raises(NotFound):
        actions.join_waitlist(actor=clinic.pat, patient=clinic.walter, draft=draft, now=NOW)
    with pytest.raises(Forbidden):
        actions.join_waitlist(actor=clinic.adam, patient=clinic.walter, draft=draft, now=NOW)


def test_liaison_enters_a_patient_for_the_sites_team(clinic: Clinic) -> None:
    from liaison.accounts.models import Team

    with writes_open():
        team = Team.objects.create(name="Care desk", site=clinic.site)
    draft = actions.WaitDraft(key="k", visit_type_code="follow_up", site_ids=(clinic.site.pk,))
    wait = actions.join_waitlist(actor=LIAISON, patient=clinic.walter, draft=draft, now=NOW)
    assert Loop.objects.get(pk=wait.loop_id).owner_team_id == team.pk


# --- changing, staying, leaving -----------------------------------------------------------------------------------


def test_a_change_keeps_the_place_in_the_line(clinic: Clinic) -> None:
    wait = join(clinic)
    draft = actions.WaitDraft(
        key="x", visit_type_code="follow_up", site_ids=(clinic.other_site.pk,), weekdays=(4, 0, 4),
        urgency=Urgency.URGENT, urgency_reason="Worse",
    )  # fmt: skip
    changed = actions.change_wait(
        actor=clinic.rosa, wait=wait, draft=draft, expected_version=1, now=NOW + timedelta(days=1)
    )
    assert (changed.weekdays, changed.joined_at, changed.version) == ([0, 4], NOW, 2)
    assert Loop.objects.get(pk=wait.loop_id).due_at.date() == date(2026, 3, 5)
    with pytest.raises(Stale):
        actions.change_wait(actor=clinic.rosa, wait=wait, draft=draft, expected_version=1, now=NOW)
    actions.change_wait(actor=clinic.rosa, wait=wait, draft=draft, expected_version=2, now=NOW)


def test_the_kind_of_visit_stays(clinic: Clinic) -> None:
    wait = join(clinic)
    draft = actions.WaitDraft(key="x", visit_type_code="other", site_ids=(clinic.site.pk,))
    with pytest.raises(actions.Impossible):
        actions.change_wait(actor=clinic.rosa, wait=wait, draft=draft, expected_version=1, now=NOW)


def test_looking_without_success_sets_the_next_look(clinic: Clinic) -> None:
    wait = join(clinic)
    actions.keep_waiting(actor=clinic.rosa, wait=wait, expected_version=1, now=NOW + timedelta(days=7))
    assert Loop.objects.get(pk=wait.loop_id).due_at.date() == date(2026, 3, 24)


def test_leaving_needs_a_reason_and_keeps_the_promise(clinic: Clinic) -> None:
    wait = join(clinic)
    with pytest.raises(actions.ReasonMissing):
        actions.leave_waitlist(actor=clinic.rosa, wait=wait, reason=" ", now=NOW)
    left = actions.leave_waitlist(actor=clinic.rosa, wait=wait, reason="Found one elsewhere", now=NOW)
    assert (left.state, left.end_reason) == ("left", "Found one elsewhere")
    assert Loop.objects.get(pk=wait.loop_id).state == "closed"
    with pytest.raises(actions.NotWaiting):
        actions.keep_waiting(actor=clinic.rosa, wait=wait, expected_version=2, now=NOW)


def test_leaving_a_wait_whose_loop_somebody_gave_up_is_no_trouble(clinic: Clinic) -> None:
    from liaison.loops.actions import give_up_loop

    wait = join(clinic)
    give_up_loop(clinic.rosa, loop_id=wait.loop_id or 0, reason="Slip", now=NOW)
    assert actions.leave_waitlist(actor=clinic.rosa, wait=wait, reason="Over", now=NOW).state == "left"


def test_an_offer_to_somebody_whose_loop_was_given_up_still_runs_and_ends(clinic: Clinic) -> None:
    from liaison.loops.actions import give_up_loop

    wait = join(clinic)
    give_up_loop(clinic.rosa, loop_id=wait.loop_id or 0, reason="Slip", now=NOW)
    made = offer(clinic, wait, freed(clinic))
    assert actions.accept_offer(actor=clinic.rosa, offer=made, now=NOW).state == "accepted"


def test_an_offer_that_nobody_ended_is_taken_back_after_the_visit_without_a_word(clinic: Clinic) -> None:
    with_mail(clinic.walter)
    made = offer(clinic, join(clinic), freed(clinic), by=OfferBy.MAIL)
    with writes_open():
        Message.objects.update(state="sent", sent_at=NOW, next_attempt_at=None)
    actions.withdraw_offer(actor=clinic.rosa, offer=made, now=made.start_at)
    assert Message.objects.count() == 1


def test_leaving_withdraws_the_offer_that_runs(clinic: Clinic) -> None:
    wait, opening = join(clinic), freed(clinic)
    made = offer(clinic, wait, opening)
    actions.leave_waitlist(actor=clinic.rosa, wait=wait, reason="Moved away", now=NOW)
    made.refresh_from_db()
    assert made.state == "withdrawn"
    assert Appointment.objects.get(pk=made.hold_id).state == "cancelled"


# --- freed times --------------------------------------------------------------------------------------------------


def test_a_cancelled_visit_frees_its_time_for_those_who_wait(clinic: Clinic) -> None:
    visit = clinic.book("2026-03-03 10:00", patient=clinic.ruth)
    wait = join(clinic)
    cancel(clinic, visit)
    (found,) = queries.openings_ahead(clinic.rosa, now=NOW)
    assert (found.opening.start_at, found.opening.why) == (local("2026-03-03 10:00"), "cancelled")
    (one,) = found.candidates
    assert (one.entry, one.time.start_at) == (wait, local("2026-03-03 10:00"))


def test_a_moved_visit_frees_its_old_time_and_a_past_one_nothing(clinic: Clinic) -> None:
    visit = clinic.book("2026-03-03 10:00", patient=clinic.ruth)
    actions.move_appointment(
        actor=clinic.rosa, appointment=visit, order=clinic.order("2026-03-04 10:00"), reason=CancelReason.PATIENT,
        now=NOW,
    )  # fmt: skip
    assert [opening.why for opening in Opening.objects.all()] == ["moved"]
    cancel(clinic, Appointment.objects.get(state="booked"), now=local("2026-03-04 10:05"))
    assert Opening.objects.count() == 1


def test_time_that_was_closed_and_opens_again_is_freed_too(clinic: Clinic) -> None:
    def reopen(on: str, now: datetime) -> None:
        span = Span(local(f"{on} 09:00"), local(f"{on} 12:00"))
        closure = actions.close_time(actor=clinic.marta, of=clinic.site, during=span, reason="Snow", now=NOW)
        actions.open_time(actor=clinic.marta, closure=closure, now=now)

    reopen("2026-03-03", local("2026-03-03 10:00"))
    reopen("2026-03-04", local("2026-03-05 10:00"))
    (opening,) = Opening.objects.all()
    assert (opening.why, opening.start_at, opening.end_at) == (
        "reopened", local("2026-03-03 10:00"), local("2026-03-03 12:00"),
    )  # fmt: skip


def test_a_time_named_by_hand_lies_ahead_and_is_named_once(clinic: Clinic) -> None:
    assert freed(clinic).pk == freed(clinic).pk
    with pytest.raises(actions.Impossible):
        freed(clinic, "2026-03-01 10:00", "2026-03-01 11:00")


def test_those_whom_it_suits_are_ranked_and_the_reasons_shown(clinic: Clinic) -> None:
    later = clinic.book(LATER)
    first = join(clinic, now=NOW - timedelta(days=3), moves_id=later.pk)
    urgent = join(clinic, clinic.ruth, urgency=Urgency.URGENT, urgency_reason="New murmur")
    with_phone(clinic.walter)
    join(clinic, someone(clinic, "Mondays"), weekdays=(0,))
    opening = freed(clinic)
    best, second = queries.candidates(clinic.rosa, opening=opening, now=NOW)
    assert (best.entry, second.entry) == (urgent, first)
    assert (second.days_won, second.waits_days, best.days_won) == (17, 3, None)
    assert (second.by_phone_only, bool(second.phone), best.phone) == (True, True, "")


def test_a_time_at_which_the_patient_is_elsewhere_does_not_suit(clinic: Clinic) -> None:
    clinic.book("2026-03-03 10:00", seats=clinic.seats(who=clinic.okafor, room=clinic.other_room))
    join(clinic)
    assert queries.candidates(clinic.rosa, opening=freed(clinic), now=NOW) == ()


def test_who_wants_one_clinician_only_is_not_offered_another(clinic: Clinic) -> None:
    wait = join(clinic, with_id=clinic.okafor.pk)
    opening = freed(clinic)
    (one,) = queries.candidates(clinic.rosa, opening=opening, now=NOW)
    assert one.time.who == ("Dr Okafor",)
    clinic.book("2026-03-03 10:00", patient=clinic.ruth, seats=clinic.seats(who=clinic.okafor))
    assert queries.fitting_time(wait, opening=opening, now=NOW) is None


def test_a_person_or_a_kind_that_is_gone_suits_nobody(clinic: Clinic) -> None:
    wait = join(clinic, with_id=clinic.okafor.pk)
    opening = freed(clinic)
    actions.retire_resource(actor=clinic.marta, resource=clinic.okafor, now=NOW)
    assert queries.fitting_time(wait, opening=opening, now=NOW) is None
    with writes_open():
        VisitType.objects.update(is_current=False)
    assert queries.fitting_time(wait, opening=opening, now=NOW) is None
    with pytest.raises(actions.NoLongerFits):
        offer(clinic, wait, opening)


def test_an_opening_that_is_over_suits_nobody(clinic: Clinic) -> None:
    wait, opening = join(clinic), freed(clinic)
    assert queries.fitting_time(wait, opening=opening, now=opening.end_at) is None


def test_the_other_site_sees_neither_who_waits_nor_what_is_free(clinic: Clinic) -> None:
    wait, opening = join(clinic), freed(clinic)
    made = offer(clinic, wait, opening)
    assert queries.waiting(clinic.pat, now=NOW) == []
    assert queries.openings_ahead(clinic.pat, now=NOW) == ()
    for look in (
        lambda: queries.get_entry(clinic.pat, entry_id=wait.pk),
        lambda: queries.get_opening(clinic.pat, opening_id=opening.pk),
        lambda: actions.accept_offer(actor=clinic.pat, offer=made, now=NOW),
        lambda: actions.offer_to_one(actor=clinic.pat, wait=wait, opening=opening, by=OfferBy.PHONE, now=NOW),
    ):
        with pytest.raises(NotFound):
            look()
    for look in (
        lambda: queries.waiting(clinic.adam, now=NOW),
        lambda: queries.openings_ahead(clinic.adam, now=NOW),
    ):
        with pytest.raises(Forbidden):
            look()


def test_who_sees_the_patient_but_not_the_site_offers_nothing_there(clinic: Clinic) -> None:
    from liaison.patients.models import PatientSite

    wait, opening = join(clinic), freed(clinic)
    with writes_open():
        PatientSite.objects.create(patient=clinic.walter, site=clinic.other_site)
    with pytest.raises(NotFound):
        actions.offer_to_one(actor=clinic.pat, wait=wait, opening=opening, by=OfferBy.PHONE, now=NOW)


# --- exclusive offers ---------------------------------------------------------------------------------------------


def test_an_exclusive_offer_holds_the_time_and_tells_the_patient_of_no_booking(clinic: Clinic, heard: Heard) -> None:
    with_mail(clinic.walter)
    made = offer(clinic, join(clinic), freed(clinic), by=OfferBy.MAIL)
    hold = Appointment.objects.get(pk=made.hold_id)
    assert (hold.state, hold.reservations.filter(active=True).count()) == ("pending", 2)
    assert heard.facts == []
    (message,) = Message.objects.all()
    assert message.template.code == "waitlist-offer"  # type: ignore[union-attr]
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
    assert (loop.next_step, loop.waiting_on) == ("Call Walter: offer Tue 3 Mar 10:00", "")
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
