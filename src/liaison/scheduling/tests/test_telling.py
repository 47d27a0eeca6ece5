"""What Walter receives about his visits."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from icalendar import Calendar, Event
from procrastinate.contrib.django.models import ProcrastinateJob

from liaison.core.actor import system_actor
from liaison.core.clock import current_time
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.gateways.email.transport import smtp_from_settings
from liaison.inbox.models import Message
from liaison.inbox.ports import Channel, connect, disconnect
from liaison.loops.actions import add_evidence
from liaison.loops.models import Loop
from liaison.patients.models import ContactPoint
from liaison.scheduling import actions, queries
from liaison.scheduling.jobs import remind
from liaison.scheduling.models import Appointment, VisitType
from liaison.scheduling.ports import CancelReason
from liaison.scheduling.rules import ReminderKind, invitation_place, language_of_invitation
from liaison.scheduling.tests.clinic import NOW, Clinic, local

START = "2026-03-10 10:00"
REMINDERS = system_actor("reminders")


@pytest.fixture(autouse=True)
def _walter_reads_mail_in_spanish(clinic: Clinic) -> None:
    with writes_open():
        clinic.walter.written_language = "es-MX"
        clinic.walter.save()
        clinic.site.phone, clinic.site.address = "555 0100", "1 River Road\nRiverside"
        clinic.site.save()
        for patient in (clinic.walter, clinic.ruth):
            address = f"{patient.given.lower()}@example.org"
            ContactPoint.objects.create(
                patient=patient, kind="email", value=address, value_key=address, may_email=True, added_at=NOW
            )


def event_of(message: Message) -> Event:
    (attachment,) = message.attachments.all()
    calendar = Calendar.from_ical(bytes(attachment.content))
    assert attachment.media_type == f"text/calendar; method={calendar['METHOD']}; charset=UTF-8"
    return calendar.walk("VEVENT")[0]


def messages() -> list[Message]:
    return list(Message.objects.order_by("pk"))


def cancel(clinic: Clinic, appointment: Appointment, *, now: datetime = NOW) -> Appointment:
    return actions.cancel_appointment(actor=clinic.rosa, appointment=appointment, reason=CancelReason.PATIENT, now=now)


def test_the_confirmation_is_in_his_language_with_an_invitation_and_nothing_clinical(clinic: Clinic) -> None:
    booked = clinic.book(START, note="chest pain")
    (message,) = messages()
    assert (message.to_address, message.language, message.state) == ("walter@example.org", "es", "queued")
    assert "martes, 10 de marzo de 2026, a las 10:00 a. m." in message.body
    assert "Riverside North" in message.body
    for word in ("Imani", "Follow-up", "chest"):
        assert word not in message.body + message.subject
    event = event_of(message)
    assert (event["UID"], event["SEQUENCE"], event["DTSTART"].dt) == (booked.ical_uid, 0, booked.start_at)
    assert event["SUMMARY"].startswith("Cita con ")
    assert event["LOCATION"] == "Riverside North, 1 River Road Riverside"
    assert event["ATTENDEE"] == "mailto:walter@example.org"


def test_who_is_called_or_seen_by_video_is_sent_to_no_site(clinic: Clinic) -> None:
    with writes_open():
        VisitType.objects.filter(pk=clinic.follow_up.pk).update(modality="phone")
    booked = clinic.book(START)
    (message,) = messages()
    assert "Dónde: Por teléfono" in message.body
    for place in ("Riverside North", "River Road"):
        assert place not in message.body
    assert event_of(message)["LOCATION"] == "Por teléfono"
    assert booked.modality == "phone"


def test_a_move_updates_the_same_event_and_the_waiting_confirmation_of_the_old_time_is_not_sent(
    clinic: Clinic,
) -> None:
    old = clinic.book(START)
    order = clinic.order("2026-03-11 14:00")
    new = actions.move_appointment(
        actor=clinic.rosa, appointment=old, order=order, reason=CancelReason.PATIENT, now=NOW
    )
    first, second = messages()
    assert (first.state, second.state) == ("suppressed", "queued")
    event = event_of(second)
    assert (event["UID"], event["SEQUENCE"], event["DTSTART"].dt) == (old.ical_uid, 1, new.start_at)
    assert "10 de marzo" in second.body
    assert "11 de marzo" in second.body


def test_a_cancellation_takes_the_event_out_of_his_calendar(clinic: Clinic) -> None:
    booked = cancel(clinic, clinic.book(START))
    _, message = messages()
    event = event_of(message)
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == (booked.ical_uid, 1, "CANCELLED")


def test_all_that_is_written_of_a_visit_is_news_of_the_same_visit(clinic: Clinic) -> None:
    old = clinic.book(START)
    order = clinic.order("2026-03-11 14:00")
    new = actions.move_appointment(
        actor=clinic.rosa, appointment=old, order=order, reason=CancelReason.PATIENT, now=NOW
    )
    cancel(clinic, new)
    clinic.book("2026-03-12 10:00")
    *theirs, another = messages()
    assert {one.matter for one in theirs} == {f"visit:{old.ical_uid}"}
    assert another.matter not in {"", theirs[0].matter}


def test_who_died_or_whose_visit_is_past_is_not_written_to(clinic: Clinic) -> None:
    booked, past = clinic.book(START), clinic.book("2026-03-03 10:00")
    with writes_open():
        clinic.walter.is_deceased = True
        clinic.walter.save()
    before = len(messages())
    cancel(clinic, Appointment.objects.get(pk=booked.pk))
    with writes_open():
        clinic.walter.is_deceased = False
        clinic.walter.save()
    cancel(clinic, Appointment.objects.get(pk=past.pk), now=local("2026-03-03 12:00"))
    assert len(messages()) == before


def test_reminders_wait_for_their_time_as_jobs(clinic: Clinic) -> None:
    clinic.book(START)
    waiting = ProcrastinateJob.objects.filter(task_name="scheduling.remind").order_by("scheduled_at")
    assert [job.args["kind"] for job in waiting] == ["week", "three_days", "day_before"]
    assert [job.scheduled_at for job in waiting] == [
        local("2026-03-03 10:00"),
        local("2026-03-05 10:00"),
        local("2026-03-09 10:00"),
    ]


def told(appointment: Appointment, kind: ReminderKind, now: datetime) -> bool:
    return actions.remind_patient(actor=REMINDERS, appointment_id=appointment.pk, kind=kind, now=now)


def test_a_reminder_is_sent_once_when_its_time_comes(clinic: Clinic) -> None:
    booked = clinic.book(START, note="chest pain")
    at = local("2026-03-09 10:01")
    assert told(booked, ReminderKind.DAY_BEFORE, at)
    assert told(booked, ReminderKind.DAY_BEFORE, at)
    reminders = [message for message in messages() if message.subject.startswith("Recordatorio")]
    assert len(reminders) == 1
    assert (reminders[0].language, reminders[0].to_address) == ("es", "walter@example.org")
    assert "martes, 10 de marzo de 2026" in reminders[0].body
    for word in ("Imani", "Follow-up", "chest"):
        assert word not in reminders[0].body + reminders[0].subject
    assert reminders[0].expires_at == booked.start_at
    again, first = reminders[0].attachments.get(), messages()[0].attachments.get()
    for line in (f"UID:{booked.ical_uid}", "SEQUENCE:0", "METHOD:REQUEST"):
        assert line in bytes(again.content).decode()
        assert line in bytes(first.content).decode()
    assert AuditEntry.objects.filter(verb="scheduling.remind").count() == 2


def test_a_reminder_looks_again_before_it_is_sent(clinic: Clinic) -> None:
    at = local("2026-03-09 10:01")
    cancelled = cancel(clinic, clinic.book(START))
    assert not told(cancelled, ReminderKind.DAY_BEFORE, at)
    booked = clinic.book(START, key="again")
    assert not told(booked, ReminderKind.DAY_BEFORE, at + timedelta(hours=13))
    assert not told(booked, ReminderKind.TWO_HOURS, at)
    assert not told(booked, ReminderKind.DAY_BEFORE, local("2026-03-10 10:00"))
    with writes_open():
        clinic.walter.is_deceased = True
        clinic.walter.save()
    assert not told(booked, ReminderKind.DAY_BEFORE, at)
    assert not actions.remind_patient(actor=REMINDERS, appointment_id=987654, kind=ReminderKind.WEEK, now=at)


def test_the_job_reminds_by_the_clock(clinic: Clinic) -> None:
    now = current_time()
    booked = clinic.book(START)
    remind(appointment_id=booked.pk, kind="day_before")
    assert AuditEntry.objects.get(verb="scheduling.remind").actor_name == "Liaison: reminders"
    assert current_time() >= now


def test_without_a_gateway_for_mail_the_booking_stands(clinic: Clinic) -> None:
    disconnect(Channel.EMAIL)
    try:
        assert clinic.book(START).pk
    finally:
        connect(Channel.EMAIL, smtp_from_settings)
    assert messages() == []


def test_a_site_without_a_phone_and_a_patient_without_an_address_do_not_stop_a_booking(
    clinic: Clinic,
) -> None:
    with writes_open():
        clinic.site.phone = ""
        clinic.site.save()
        clinic.walter.contact_points.all().delete()
    clinic.book(START)
    (message,) = messages()
    assert message.state == "suppressed"
    assert "ATTENDEE" not in event_of(message)


def test_the_place_and_language_of_an_invitation() -> None:
    assert invitation_place(site_name="West", address="", modality="in_person", language="en") == "West"
    assert invitation_place(site_name="West", address="x", modality="video", language="es") == "Por video"
    assert language_of_invitation("", "es") == "es"
    assert language_of_invitation("yue", "es") == "en"
    assert language_of_invitation("", "") == "en"


def test_who_books_is_told_before_when_no_confirmation_can_be_sent(clinic: Clinic) -> None:
    assert queries.why_unconfirmed(clinic.walter, now=NOW) == ""
    with writes_open():
        ContactPoint.objects.filter(patient=clinic.walter).delete()
    assert queries.why_unconfirmed(clinic.walter, now=NOW) == "No e-mail address is known."
    disconnect(Channel.EMAIL)
    try:
        assert queries.why_unconfirmed(clinic.ruth, now=NOW) == "No mail server is connected."
        assert queries.told_of(clinic.book(START)) is None, "none was written"
    finally:
        connect(Channel.EMAIL, smtp_from_settings)


def test_who_books_is_told_before_and_after_that_the_patient_does_not_read_it(clinic: Clinic) -> None:
    assert queries.why_unread(clinic.walter, now=NOW) == ""
    clinic.walter.written_language = "vi"
    with writes_open():
        clinic.walter.save()
    assert queries.why_unread(clinic.walter, now=NOW) == (
        "The confirmation and the reminders go out in English; they read Vietnamese: tell them with an interpreter."
    )
    disconnect(Channel.EMAIL)
    try:
        assert queries.why_unread(clinic.walter, now=NOW) == "", "nothing goes out"
    finally:
        connect(Channel.EMAIL, smtp_from_settings)
    visit = clinic.book(START)
    told = queries.told_of(visit)
    assert told is not None
    assert (told.ok, told.unread, told.to_interpret) == (True, "in English; they read Vietnamese", True)
    loop = Loop.objects.get(once_key__startswith="untold:")
    add_evidence(REMINDERS, loop_id=loop.pk, kind="reached_another_way", note="Interpreter 12", now=NOW)
    told = queries.told_of(visit)
    assert told is not None
    assert (told.unread, told.to_interpret) == ("in English; they read Vietnamese", False)


def test_the_visit_says_where_its_confirmation_stands(clinic: Clinic) -> None:
    told = queries.told_of(clinic.book(START))
    assert told is not None
    assert (told.words, told.why, told.ok) == ("waits to be sent", "", True)
    with writes_open():
        ContactPoint.objects.filter(patient=clinic.walter).delete()
    not_told = queries.told_of(clinic.book("2026-03-11 10:00"))
    assert not_told is not None
    assert (not_told.words, not_told.why, not_told.ok) == ("not sent", "No e-mail address is known.", False)
