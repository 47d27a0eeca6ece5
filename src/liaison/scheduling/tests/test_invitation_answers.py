"""What Walter's calendar answers to an invitation: it is noted on the visit, and never changes the visit itself."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.inbox.actions import Came, queue_message
from liaison.inbox.models import Message, UnmatchedMail
from liaison.inbox.ports import MessageToSend
from liaison.loops.actions import find_owners
from liaison.loops.models import Evidence, Loop, WaitingPromise
from liaison.patients.models import ContactPoint
from liaison.records.models import Resource as Filed
from liaison.scheduling import actions, queries
from liaison.scheduling.models import Appointment, InvitationAnswer
from liaison.scheduling.ports import CancelReason, Standing
from liaison.scheduling.rules import Heard, weigh
from liaison.scheduling.tests.clinic import NOW, Clinic
from liaison.scheduling.tests.replying import MTA, answers, reply_mail, reply_to, sent, take_in
from liaison.scheduling.tests.series import book as book_series
from liaison.scheduling.tests.test_screens import browser, clock, page

START = "2026-03-10 10:00"
LATER = NOW + timedelta(hours=2)


@pytest.fixture(autouse=True)
def _walter_reads_mail(clinic: Clinic) -> None:
    with writes_open():
        clinic.site.phone = "555 0100"
        clinic.site.save()
        ContactPoint.objects.create(
            patient=clinic.walter, kind="email", value="Walter@example.org", value_key="walter@example.org",
            may_email=True, added_at=NOW,
        )  # fmt: skip


def invited(clinic: Clinic, start: str = START) -> tuple[Appointment, Message]:
    """Rosa booked a visit, and the invitation went out."""
    visit = clinic.book(start)
    return visit, sent()


def heard_of(visit: Appointment) -> list[tuple[str, str]]:
    return [(row.said, row.heard) for row in visit.answers.order_by("pk")]


def finding(visit: Appointment, *, now: object = NOW) -> object:
    said = queries.readiness_of([visit], now=now)[visit.pk].findings  # type: ignore[arg-type]  # an instant
    return next((one for one in said if one.code == "scheduling.answered"), None)


def promises() -> list[Loop]:
    return list(Loop.objects.filter(kind="cant-come").order_by("pk"))


def told_to_answer() -> bool:
    return Loop.objects.filter(kind="answer").exists()


REMINDER = {"date": NOW.date(), "time": NOW.time(), "site": "North", "address": "1 Main St", "phone": "5550100"}


# --- the rule -----------------------------------------------------------------------------------------------------


def test_an_answer_counts_by_sequence_then_by_when_it_was_given() -> None:
    def heard(**changes: object) -> Heard:
        given = {"sequence": 1, "current": 1, "is_over": False, "stamped_at": NOW, "standing_at": None} | changes
        return weigh(**given)  # type: ignore[arg-type]  # values of several types

    assert heard() is Heard.APPLIED
    assert heard(standing_at=NOW) is Heard.APPLIED
    assert heard(standing_at=LATER) is Heard.OVERTAKEN
    assert heard(sequence=0) is Heard.OTHER_TIME
    assert heard(sequence=2) is Heard.OTHER_TIME
    assert heard(is_over=True, sequence=0) is Heard.OVER


# --- yes, no, maybe -----------------------------------------------------------------------------------------------


def test_who_accepts_has_confirmed_and_nobody_must_answer(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    assert answers(invitation) is Came.ANSWER
    assert heard_of(visit) == [("accepted", "applied")]
    (came,) = Message.objects.filter(direction="in")
    assert came.patient == clinic.walter
    assert came.body == "Walter Ng has accepted this invitation.\n\n[They accepted the invitation.]"
    assert not told_to_answer()
    assert not promises()
    assert not Filed.objects.exists()
    entry = AuditEntry.objects.get(verb="scheduling.note_answer")
    assert (entry.patient_ids, entry.subject_id) == ([clinic.walter.pk], visit.pk)
    assert entry.details == {"said": "accepted", "heard": "applied", "message_id": came.pk}
    assert finding(visit).standing is Standing.READY  # type: ignore[attr-defined]  # it is there
    job = ProcrastinateJob.objects.filter(task_name="scheduling.check_visit").latest("id")
    assert job.args == {"appointment_id": visit.pk}
    assert any(
        "The patient confirmed" in one.title for one in queries.timeline(clinic.rosa, patient=clinic.walter, now=NOW)
    )
    visit.refresh_from_db()
    assert visit.state == "booked"


def test_who_declines_keeps_the_visit_until_somebody_has_offered_another_time(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    answers(invitation, "DECLINED")
    visit.refresh_from_db()
    assert visit.state == "booked"
    (loop,) = promises()
    assert loop.title == "Walter says they can’t come on March 10"
    assert loop.next_step == "Call Walter: offer another time"
    assert (loop.owner_user_id, loop.about_id) == (clinic.rosa.user_id, visit.pk)
    assert NOW < loop.due_at < visit.start_at
    said = finding(visit)
    assert (said.standing, said.kept_by) == (Standing.BLOCKED, loop.pk)  # type: ignore[union-attr]  # it is there
    assert not told_to_answer()
    actions.move_appointment(
        actor=clinic.rosa, appointment=visit, order=clinic.order("2026-03-11 14:00"), reason=CancelReason.PATIENT,
        now=LATER,
    )  # fmt: skip
    loop.refresh_from_db()
    assert loop.state == "closed"
    assert Evidence.objects.get(loop=loop).note == "The visit has another time."


def test_a_visit_that_is_cancelled_settles_it(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    answers(invitation, "DECLINED")
    visit.refresh_from_db()
    actions.cancel_appointment(actor=clinic.rosa, appointment=visit, reason=CancelReason.PATIENT, now=LATER)
    assert [loop.state for loop in promises()] == ["closed"]


def test_who_comes_after_all_settles_it(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    answers(invitation, "DECLINED")
    visit.refresh_from_db()
    actions.arrive(actor=clinic.rosa, appointment=visit, now=visit.start_at)
    assert [loop.state for loop in promises()] == ["closed"]
    assert Evidence.objects.get(loop__kind="cant-come").note == "They came after all."


def test_who_did_not_come_as_they_had_said_is_called_about_that(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    answers(invitation, "DECLINED")
    visit.refresh_from_db()
    actions.record_missed(actor=clinic.rosa, appointment=visit, now=visit.end_at)
    assert [loop.state for loop in promises()] == ["closed"]
    assert Loop.objects.open().get().kind == "missed-visit"


def test_maybe_asks_for_a_question(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    answers(invitation, "TENTATIVE")
    said = finding(visit)
    assert (said.standing, said.next_step) == (Standing.UNKNOWN, "Ask them whether they come")  # type: ignore[union-attr]
    assert not promises()


def test_who_accepts_after_all_settles_what_they_declined(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    answers(invitation, "DECLINED")
    answers(invitation, "ACCEPTED", at=LATER, now=LATER)
    assert heard_of(visit) == [("declined", "applied"), ("accepted", "applied")]
    assert [loop.state for loop in promises()] == ["closed"]
    assert finding(visit).standing is Standing.READY  # type: ignore[attr-defined]  # it is there
    answers(invitation, "DECLINED", at=LATER + timedelta(hours=1), now=LATER + timedelta(hours=2))
    assert [loop.state for loop in promises()] == ["closed", "open"]


def test_what_was_settled_by_hand_blocks_no_longer_and_declining_again_opens_it_anew(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    answers(invitation, "DECLINED")
    answers(invitation, "DECLINED", at=LATER, now=LATER)
    (loop,) = promises()
    actions.settle_declined(actor=MTA, appointment=visit, note="They come after all", now=LATER)
    said = finding(visit)
    assert (said.standing, "settled" in said.sentence) == (Standing.READY, True)  # type: ignore[union-attr]
    actions.settle_declined(actor=MTA, appointment=visit, note="Said again", now=LATER)
    answers(invitation, "DECLINED", at=LATER + timedelta(hours=1), now=LATER + timedelta(hours=1))
    assert [one.state for one in promises()] == ["closed", "open"]
    assert loop.pk == promises()[0].pk


# --- what changes nothing -----------------------------------------------------------------------------------------


def test_the_same_answer_again_changes_nothing(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    calendar = reply_to(invitation, "DECLINED")
    raw = reply_mail(calendar)
    assert take_in(raw) is Came.ANSWER
    assert take_in(raw) is Came.KNOWN, "The same bytes"
    assert take_in(reply_mail(calendar, Message_ID="<other@x>"), now=LATER) is Came.ANSWER
    assert answers(invitation, "DECLINED", at=LATER, now=LATER) is Came.ANSWER
    assert heard_of(visit) == [("declined", "applied")]
    assert len(promises()) == 1
    assert AuditEntry.objects.filter(verb="scheduling.note_answer", details__known=True).count() == 2


def test_an_answer_to_the_old_time_is_noted_as_such(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    moved = actions.move_appointment(
        actor=clinic.rosa, appointment=visit, order=clinic.order("2026-03-11 14:00"), reason=CancelReason.PATIENT,
        now=NOW,
    )  # fmt: skip
    answers(invitation, "DECLINED")
    assert heard_of(visit) == []
    assert heard_of(moved) == [("declined", "other_time")]
    assert not promises()
    assert finding(moved) is None
    assert queries.answers_of(moved).stands is None
    assert "it changes nothing" in queries.answers_of(moved).every[0].words


def test_an_answer_to_a_visit_that_is_off_is_kept(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    actions.cancel_appointment(actor=clinic.rosa, appointment=visit, reason=CancelReason.PROVIDER, now=NOW)
    answers(invitation, "ACCEPTED")
    assert heard_of(visit) == [("accepted", "over")]
    other, later = invited(clinic, "2026-03-12 10:00")
    answers(later, "DECLINED", now=other.start_at)
    assert heard_of(other) == [("declined", "over")]
    assert not promises()


def test_an_answer_that_was_given_before_the_one_that_stands_comes_too_late(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    answers(invitation, "ACCEPTED", at=LATER, now=LATER)
    answers(invitation, "DECLINED", at=NOW, now=LATER)
    assert heard_of(visit) == [("accepted", "applied"), ("declined", "overtaken")]
    assert not promises()


def test_an_answer_from_the_future_or_without_a_time_was_given_when_it_came(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    answers(invitation, "ACCEPTED", at=NOW + timedelta(days=900))
    answers(invitation, "TENTATIVE", at=None, now=LATER)
    assert [row.stamped_at for row in visit.answers.order_by("pk")] == [NOW, LATER]


# --- whose answer it is -------------------------------------------------------------------------------------------


def test_somebody_else_answers_for_nobody(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    assert answers(invitation, sender="mallory@example.org") is Came.UNMATCHED
    assert UnmatchedMail.objects.get().sender == "mallory@example.org"
    assert answers(invitation, attendee="mailto:ruth@example.org") is Came.UNMATCHED
    other = "mallory@example.org"
    assert answers(invitation, sender=other, attendee=f"mailto:{other}") is Came.UNMATCHED
    assert heard_of(visit) == []


def test_who_knows_our_mail_joins_the_thread_and_answers_no_invitation(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    raw = reply_mail(reply_to(invitation), sender="mallory@example.org", In_Reply_To=invitation.message_id)
    assert take_in(raw) is Came.ANSWER
    (came,) = Message.objects.filter(direction="in")
    assert "not from whom we invited: it counts for nothing" in came.body
    assert "another address" in came.body
    assert heard_of(visit) == []
    assert told_to_answer()


def test_an_invitation_that_never_went_out_is_answered_by_nobody(clinic: Clinic) -> None:
    visit = clinic.book(START)
    assert answers(Message.objects.get()) is Came.UNMATCHED
    assert heard_of(visit) == []


def test_an_event_of_somebody_else_is_ordinary_mail(clinic: Clinic) -> None:
    _, invitation = invited(clinic)
    assert answers(invitation, uid="a-birthday@example.org") is Came.UNMATCHED


@pytest.mark.parametrize(
    "calendar",
    [b"BEGIN:VCALENDAR", b"\xff\xfe\x00", b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\n" + b"X:y\r\n" * 60_000],
    ids=["cut", "no text", "huge"],
)
def test_what_nobody_can_read_stays_mail(clinic: Clinic, calendar: bytes) -> None:
    visit, invitation = invited(clinic)
    assert take_in(reply_mail(calendar, In_Reply_To=invitation.message_id)) is Came.ANSWER
    assert heard_of(visit) == []
    assert told_to_answer()


def test_words_of_their_own_beside_the_answer_ask_for_one(clinic: Clinic) -> None:
    _, invitation = invited(clinic)
    answers(invitation, text="Walter Ng ha aceptado esta invitación.")
    assert not told_to_answer()
    answers(invitation, "TENTATIVE", text="I come if my daughter can drive me.")
    assert told_to_answer()


def test_who_declines_with_words_has_one_promise_that_owes_both(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    answers(invitation, "DECLINED", more=["COMMENT:I am away\\, sorry"])
    assert not told_to_answer()
    (came,) = Message.objects.filter(direction="in")
    assert "[They declined the invitation: they say that they can't come.]" in came.body
    assert "[Their note: I am away, sorry]" in came.body
    loop = Loop.objects.get(state="open")
    assert (loop.kind, loop.required_evidence) == ("cant-come-wrote", ["settled", "answered_mail"])
    assert loop.title.startswith("Walter says they can’t come on ")
    assert loop.title.endswith(", and wrote more")
    assert loop.next_step == "Call Walter: offer another time, and answer their message"
    said = finding(visit)
    assert (said.standing, said.kept_by) == (Standing.BLOCKED, loop.pk)  # type: ignore[union-attr]  # it is there
    actions.cancel_appointment(actor=clinic.marta.as_liaison(), appointment=visit, reason=CancelReason.PATIENT, now=NOW)
    loop.refresh_from_db()
    assert (loop.state, loop.missing_evidence) == ("open", ("answered_mail",))


def test_the_call_about_a_decline_with_words_settles_both(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    answers(invitation, "DECLINED", text="I am away. Can you renew my prescription too?")
    actions.settle_with_patient(actor=clinic.rosa, appointment=visit, now=NOW)
    assert Loop.objects.get(kind="cant-come-wrote").state == "closed"


def test_a_mail_answers_what_they_wrote_and_the_other_time_is_still_owed(clinic: Clinic) -> None:
    _, invitation = invited(clinic)
    answers(invitation, "DECLINED", more=["COMMENT:I am away"])
    loop = Loop.objects.get(kind="cant-come-wrote")
    for key in ("one", "two"):
        queue_message(
            clinic.rosa.as_liaison(),
            patient=clinic.walter,
            message=MessageToSend(template="appointment-reminder", context=REMINDER),
            idempotency_key=key,
            loop=loop,
            now=NOW,
        )
        sent()
    loop.refresh_from_db()
    assert (loop.state, loop.missing_evidence) == ("open", ("settled",))
    assert Evidence.objects.get(loop=loop).kind == "answered_mail"


def test_words_beside_a_decline_that_counts_for_nothing_are_answered_all_the_same(clinic: Clinic) -> None:
    _, invitation = invited(clinic)
    answers(invitation, "DECLINED", sequence=7, text="I am away. Can you renew my prescription too?")
    assert not Loop.objects.filter(kind__startswith="cant-come").exists()
    assert told_to_answer()


def test_what_nobody_can_own_waits_and_still_says_so(clinic: Clinic) -> None:
    visit, invitation = invited(clinic)
    with writes_open():
        visit.booked_by.is_active = False  # type: ignore[union-attr]  # Rosa booked it
        visit.booked_by.deactivated_at = NOW  # type: ignore[union-attr]
        visit.booked_by.save()  # type: ignore[union-attr]
        visit.booked_by.assignments.update(ends_at=NOW - timedelta(days=1))  # type: ignore[union-attr]
        type(visit.booked_by).objects.get(name="Marta").assignments.all().delete()
    answers(invitation, "DECLINED")
    assert WaitingPromise.objects.waiting().get().kind == "cant-come"
    assert finding(visit).standing is Standing.UNKNOWN  # type: ignore[attr-defined]  # it is there
    answers(invitation, "DECLINED", at=LATER, now=LATER)
    assert WaitingPromise.objects.waiting().count() == 1
    visit.refresh_from_db()
    actions.cancel_appointment(
        actor=clinic.marta.as_liaison(), appointment=visit, reason=CancelReason.PATIENT, now=LATER
    )
    assert not WaitingPromise.objects.waiting().exists()
    assert find_owners(MTA, now=LATER) == 0


# --- series -------------------------------------------------------------------------------------------------------


def test_who_accepts_a_series_confirms_each_visit_ahead(clinic: Clinic) -> None:
    series = book_series(clinic)
    invitation = sent()
    answers(invitation)
    visits = Appointment.objects.filter(series_visit__series=series)
    assert {tuple(heard_of(visit)) for visit in visits} == {(("accepted", "applied"),)}


def test_who_declines_a_series_is_called_once(clinic: Clinic) -> None:
    series = book_series(clinic)
    answers(sent(), "DECLINED")
    (loop,) = promises()
    assert loop.title == "Walter says they can’t come to 6 visits, the first on March 5"
    visits = list(Appointment.objects.filter(series_visit__series=series).order_by("start_at"))
    for visit in visits[:-1]:
        actions.cancel_appointment(actor=clinic.rosa, appointment=visit, reason=CancelReason.PATIENT, now=NOW)
    loop.refresh_from_db()
    assert loop.state == "open", "One of them is still expected."
    actions.cancel_appointment(actor=clinic.rosa, appointment=visits[-1], reason=CancelReason.PATIENT, now=NOW)
    loop.refresh_from_db()
    assert loop.state == "closed"


def test_one_visit_of_a_series_is_answered_by_the_start_that_the_rule_gives_it(clinic: Clinic) -> None:
    series = book_series(clinic)
    invitation = sent()
    second = series.visits.get(position=2)
    answers(invitation, "DECLINED", more=["RECURRENCE-ID;TZID=America/New_York:20260309T090000"])
    assert heard_of(second.appointment) == [("declined", "applied")]  # type: ignore[arg-type]  # it is booked
    assert InvitationAnswer.objects.count() == 1
    answers(invitation, "DECLINED", more=["RECURRENCE-ID;TZID=America/New_York:20260310T090000"])
    assert InvitationAnswer.objects.count() == 1, "No such day is in the series."


def test_a_visit_that_was_moved_alone_is_answered_alone(clinic: Clinic) -> None:
    series = book_series(clinic)
    invitation = sent()
    row = series.visits.get(position=2)
    moved = actions.move_appointment(
        actor=clinic.rosa, appointment=row.appointment, order=clinic.order("2026-03-10 14:00"),
        reason=CancelReason.PATIENT, now=NOW,
    )  # fmt: skip
    update = sent()
    answers(invitation)
    assert heard_of(moved) == []
    answers(update, more=["RECURRENCE-ID:20260309T130000Z"], at=LATER, now=LATER)
    assert heard_of(moved) == [("accepted", "applied")]


# --- the screen ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("ACCEPTED", "they know of this time"),
        ("DECLINED", "offer another time"),
        ("TENTATIVE", "ask them whether they come"),
    ],
)
def test_the_visit_says_what_they_answered(clinic: Clinic, settings: object, said: str, words: str) -> None:
    clock(settings, NOW)
    visit, invitation = invited(clinic)
    answers(invitation, said, more=["COMMENT:So it is"])
    shown = page(browser(clinic.rosa).get(f"/appointments/{visit.pk}/"))
    for part in (words, "“So it is”", "by their calendar", "Their mail"):
        assert part in shown


def test_a_visit_that_was_settled_with_them_says_so(clinic: Clinic, settings: object) -> None:
    clock(settings, NOW)
    visit, invitation = invited(clinic)
    answers(invitation, "DECLINED")
    client = browser(clinic.rosa)
    assert "They come after all" in page(client.get(f"/appointments/{visit.pk}/"))
    for _ in range(2):
        assert client.post(f"/appointments/{visit.pk}/settled/").status_code == 302
    (loop,) = promises()
    assert loop.state == "closed"
    assert Evidence.objects.get(loop=loop).note == "Settled with the patient: the visit stands."
    shown = html.unescape(page(client.get(f"/appointments/{visit.pk}/")))
    assert "The patient said that they can't come." in shown
    assert "offer another time" not in shown


def test_pat_of_another_site_sees_nothing_of_it(clinic: Clinic, settings: object) -> None:
    clock(settings, NOW)
    visit, invitation = invited(clinic)
    answers(invitation, "DECLINED")
    client: Client = browser(clinic.pat)
    assert client.get(f"/appointments/{visit.pk}/").status_code == 404
    assert client.post(f"/appointments/{visit.pk}/settled/").status_code == 404
    assert promises()[0].state == "open"
    assert client.get(f"/loops/{promises()[0].pk}/").status_code == 404
