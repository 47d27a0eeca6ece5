"""Patients who answer an invitation from their own calendar: some can't come, one can."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Final

from icalendar import Calendar

from liaison.core.actor import Actor, system_actor
from liaison.inbox.actions import claim_message, receive_mail, settle
from liaison.inbox.models import Message
from liaison.inbox.ports import Sent
from liaison.inbox.queries import checked_mail
from liaison.scheduling import actions as scheduling
from liaison.scheduling.models import Appointment

_AFTERNOONS: Final = "I work in the mornings. Could I come one afternoon instead?"
ANSWERS: Final = (
    ("DECLINED", ""), ("ACCEPTED", ""), ("DECLINED", ""), ("DECLINED", _AFTERNOONS), ("DECLINED", ""),
    ("DECLINED", "My daughter drives me and is away that week."), ("DECLINED", "Is a visit by phone possible?"),
)  # fmt: skip
"""What the first patients with an invitation answer, and what they write beside it."""

POST: Final = system_actor("post office")


def answer_invitations(actor: Actor, *, now: datetime) -> None:
    """Let some invitations to coming visits be out and answered; whoever can't come first is called, and comes."""
    waiting = Message.objects.filter(
        state="queued", idempotency_key__startswith="visit:", idempotency_key__endswith=":appointment-confirmation",
        next_attempt_at__lte=now, attachments__isnull=False,
    )  # fmt: skip
    answers = iter(ANSWERS)
    declined: list[Appointment] = []
    for message in waiting.order_by("pk"):
        visit = Appointment.objects.select_related("site").get(pk=int(message.idempotency_key.split(":")[1]))
        if visit.site.code != "RIV" or visit.start_at <= now or visit.state != "booked":
            continue
        answer = next(answers, None)
        if answer is None:
            break
        said, words = answer
        if _answer(message, said=said, words=words, now=now) and said == "DECLINED":
            declined.append(visit)
    if declined:
        scheduling.settle_with_patient(actor=actor, appointment=declined[0], now=now)


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
