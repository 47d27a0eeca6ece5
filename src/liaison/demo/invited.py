"""Patients who answer an invitation from their own calendar: some can't come, one can."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Final

from icalendar import Calendar

from liaison.core.actor import Actor, system_actor
from liaison.demo.staff import Staffed
from liaison.inbox.actions import claim_message, receive_mail, settle
from liaison.inbox.models import Message
from liaison.inbox.ports import Sent
from liaison.inbox.queries import checked_mail
from liaison.patients.models import Patient
from liaison.scheduling import actions as scheduling
from liaison.scheduling.models import Appointment
from liaison.scheduling.ports import BookingOrder, Seat
from liaison.scheduling.queries import TimesWanted, earliest_times

_AFTERNOONS: Final = "I work in the mornings. Could I come one afternoon instead?"
ANSWERS: Final = (
    ("DECLINED", ""), ("ACCEPTED", ""), ("DECLINED", ""), ("DECLINED", _AFTERNOONS),
    ("DECLINED", "My daughter drives me and is away that week."), ("DECLINED", "Is a visit by phone possible?"),
    ("DECLINED", ""),
)  # fmt: skip
"""What the first patients with an invitation answer, and what they write beside it."""

POST: Final = system_actor("post office")


def invite_more(actor: Actor, patients: Sequence[Patient], staffed: Staffed, *, now: datetime) -> None:
    """Book visits until there is an invitation for each answer; in a small clinic chance leaves too few."""
    missing = len(ANSWERS) - len(_invited(now=now))
    without = [one for one in patients if not Appointment.objects.filter(patient=one, start_at__gt=now).exists()]
    site, kind = staffed.sites["RIV"], staffed.visit_types["office"]
    for patient in without[: max(missing, 0)]:
        wanted = TimesWanted(visit_type_id=kind.pk, site_id=site.pk, patient_id=patient.pk)
        offers = earliest_times(actor, wanted=wanted, now=now).offers
        if not offers:
            continue
        order = BookingOrder(
            key=f"demo-invited-{patient.pk}", visit_type_id=kind.pk, site_id=site.pk, start_at=offers[-1].start_at,
            seats=tuple(Seat(role=seat.role, resource_id=seat.resource_id) for seat in offers[-1].seats),
        )  # fmt: skip
        scheduling.book_appointment(actor=actor, patient=patient, order=order, now=now)


def answer_invitations(actor: Actor, *, now: datetime) -> None:
    """Let some invitations to coming visits be out and answered; of those who can't come the first, and the first who
    wrote a word, are called, and come."""
    declined: dict[bool, Appointment] = {}
    for (message, visit), (said, words) in zip(_invited(now=now), ANSWERS, strict=False):
        if _answer(message, said=said, words=words, now=now) and said == "DECLINED":
            declined.setdefault(bool(words), visit)
    for visit in declined.values():
        scheduling.settle_with_patient(actor=actor, appointment=visit, now=now)


def _invited(*, now: datetime) -> list[tuple[Message, Appointment]]:
    """The invitations that wait to go out, to coming visits at Riverside."""
    waiting = Message.objects.filter(
        state="queued", idempotency_key__startswith="visit:", idempotency_key__endswith=":appointment-confirmation",
        next_attempt_at__lte=now, attachments__isnull=False,
    )  # fmt: skip
    found = []
    for message in waiting.order_by("pk"):
        visit = Appointment.objects.select_related("site", "patient").get(pk=int(message.idempotency_key.split(":")[1]))
        if visit.site.code == "RIV" and visit.start_at > now and visit.state == "booked":
            found.append((message, visit))
    return found


def _answer(message: Message, *, said: str, words: str, now: datetime) -> bool:
    """The mail went out and its calendar was answered; whether it could go."""
    claim = claim_message(POST, message_id=message.pk, now=now)
    if claim is None:
        return False
    settle(POST, claim, result=Sent(reply="250 2.0.0 kept"), now=now)
    event = Calendar.from_ical(bytes(message.attachments.get().content)).walk("VEVENT")[0]
    lines = (
        "BEGIN:VCALENDAR", "PRODID:-//Mail program//EN", "VERSION:2.0", "METHOD:REPLY", "BEGIN:VEVENT",
        f"UID:{event['UID']}", f"SEQUENCE:{event['SEQUENCE']}", f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"ATTENDEE;PARTSTAT={said}:{event['ATTENDEE']}", "END:VEVENT", "END:VCALENDAR", "",
    )  # fmt: skip
    mail = EmailMessage()
    mail["From"], mail["To"] = message.to_address, "care@riverside.example"
    mail["Subject"], mail["Message-ID"] = f"{said.capitalize()}: Appointment", f"<reply-{message.pk}@post.example>"
    mail.set_content(words or f"They have {said.lower()} this invitation.")
    mail.add_alternative(
        "\r\n".join(lines).encode(), maintype="text", subtype="calendar", params={"method": "REPLY", "charset": "UTF-8"}
    )
    receive_mail(POST, delivered=checked_mail(mail.as_bytes()), now=now)
    return True
