"""Walter's mail program: it takes our invitations and answers them, as Google's and Outlook's do."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from icalendar import Calendar

from liaison.core.actor import system_actor
from liaison.inbox import actions as inbox
from liaison.inbox.actions import Came
from liaison.inbox.jobs import deliver
from liaison.inbox.models import Message
from liaison.inbox.ports import Sent
from liaison.inbox.queries import checked_mail
from liaison.inbox.tests.cast import Postman
from liaison.scheduling.tests.clinic import NOW

MTA = system_actor("mail")


def sent(message: Message | None = None) -> Message:
    """The message went out (the latest, unless one is given)."""
    found = message or Message.objects.filter(direction="out").latest("pk")
    deliver(found.pk, clock=lambda: NOW, transport=lambda channel: Postman(results=[Sent(reply="250 ok")]))
    found.refresh_from_db()
    assert found.state == "sent"
    return found


def reply_to(message: Message, said: str = "ACCEPTED", **changes: Any) -> bytes:
    """The calendar that answers the first event of an invitation (RFC 5546, 3.2.3)."""
    (attachment,) = message.attachments.all()
    invitation = Calendar.from_ical(bytes(attachment.content)).walk("VEVENT")[0]
    given = {
        "uid": invitation["UID"],
        "sequence": invitation["SEQUENCE"],
        "attendee": invitation["ATTENDEE"],
        "at": NOW,
        "method": "REPLY",
        "more": (),
    } | changes
    lines = [
        "BEGIN:VCALENDAR",
        "PRODID:-//Mail program//EN",
        "VERSION:2.0",
        f"METHOD:{given['method']}",
        "BEGIN:VEVENT",
        f"UID:{given['uid']}",
        f"SEQUENCE:{given['sequence']}",
        *([f"DTSTAMP:{_utc(given['at'])}"] if given["at"] else []),
        f"ATTENDEE;PARTSTAT={said};CN=Walter:{given['attendee']}",
        *given["more"],
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    return "\r\n".join(lines).encode()


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def reply_mail(calendar: bytes, *, text: str = "", sender: str = "walter@example.org", **headers: str) -> bytes:
    """The mail that carries it: words, the calendar beside them, and once more as a file."""
    mail = EmailMessage()
    mail["From"], mail["To"] = f"Walter Ng <{sender}>", "care@riverside.example"
    mail["Subject"] = "Accepted: Appointment"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text or "Walter Ng has accepted this invitation.")
    mail.add_alternative(calendar, maintype="text", subtype="calendar", params={"method": "REPLY", "charset": "UTF-8"})
    mail.add_attachment(calendar, maintype="application", subtype="ics", filename="invite.ics")
    return mail.as_bytes()


def take_in(raw: bytes, *, now: datetime = NOW) -> Came:
    """The mail server hands it over."""
    return inbox.receive_mail(MTA, delivered=checked_mail(raw), now=now)


def answers(message: Message, said: str = "ACCEPTED", *, now: datetime = NOW, **changes: Any) -> Came:
    """Walter presses a button of his calendar."""
    text = changes.pop("text", "")
    sender = changes.pop("sender", "walter@example.org")
    return take_in(reply_mail(reply_to(message, said, **changes), text=text, sender=sender), now=now)
