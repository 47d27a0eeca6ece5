"""What patients of the demonstration received: the files that its mail server kept."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings
from icalendar import Calendar

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import Forbidden, NotFound
from liaison.inbox import access
from liaison.inbox.models import Message
from liaison.patients.models import Patient

MOST = 200
_NAME = re.compile(r"\d{20}-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """The fields of an iCalendar invitation as a calendar program would show them."""

    method: str
    summary: str
    starts: str
    ends: str
    location: str
    status: str
    uid: str
    sequence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedMail:
    """One mail as the patient has it. `name` is the file's, `message_id` our message's id."""

    name: str
    to: str
    sender: str
    subject: str
    sent: datetime | None
    text: str
    invitation: Invitation | None
    files: Sequence[str]
    message_id: int
    patient_id: int
    patient: str


def mailbox(actor: Actor, *, now: datetime) -> Sequence[ReceivedMail]:
    """The latest mails to patients that the actor sees, the newest first.

    Refuses Forbidden, and NotFound in production.
    """
    folder = _folder(actor)
    files = sorted(folder.glob("*.eml"), reverse=True)[:MOST] if folder.is_dir() else []
    return _owned(actor, [(one.stem, _parse(one)) for one in files], now=now)


def received_mail(actor: Actor, *, name: str, now: datetime) -> ReceivedMail:
    """One mail by its file's name. Refuses Forbidden, NotFound."""
    folder = _folder(actor)
    file = folder / f"{name}.eml"
    if not _NAME.fullmatch(name) or not file.is_file():
        raise NotFound
    found = _owned(actor, [(name, _parse(file))], now=now)
    if not found:
        raise NotFound
    return found[0]


def _folder(actor: Actor) -> Path:
    if not actor.may(access.READ):
        raise Forbidden
    if settings.LIAISON_MODE == "production":
        raise NotFound
    return Path(settings.LIAISON_DATA) / "demo-mailbox"


def _parse(file: Path) -> EmailMessage:
    mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert isinstance(mail, EmailMessage)  # noqa: S101 - the default policy makes nothing else
    return mail


def _owned(actor: Actor, mails: Sequence[tuple[str, EmailMessage]], *, now: datetime) -> Sequence[ReceivedMail]:
    ids = [str(mail.get("Message-ID", "")) for _, mail in mails]
    ours = Message.objects.filter(message_id__in=ids, patient__in=Patient.objects.visible_to(actor, now=now))
    by_id = {row.message_id: row for row in ours.select_related("patient").defer("body")}
    shown = [_shown(name, mail, row=by_id[key]) for (name, mail), key in zip(mails, ids, strict=True) if key in by_id]
    seen({one.patient_id for one in shown})
    return shown


def _shown(name: str, mail: EmailMessage, *, row: Message) -> ReceivedMail:
    body = mail.get_body(preferencelist=("plain",))
    date = mail.get("Date")
    return ReceivedMail(
        name=name,
        to=str(mail.get("X-Envelope-To", mail.get("To", ""))),
        sender=str(mail.get("From", "")),
        subject=str(mail.get("Subject", "")),
        sent=date.datetime if date is not None else None,
        text=body.get_content() if body is not None else "",
        invitation=_invitation(mail),
        files=tuple(part.get_filename() or part.get_content_type() for part in mail.iter_attachments()),
        message_id=row.pk,
        patient_id=row.patient_id,
        patient=row.patient.display_name,
    )


def _invitation(mail: EmailMessage) -> Invitation | None:
    part = next((one for one in mail.walk() if one.get_content_type() == "text/calendar"), None)
    if part is None:
        return None
    try:
        calendar = Calendar.from_ical(bytes(part.get_payload(decode=True) or b""))
    except ValueError:
        return None
    event = next(iter(calendar.walk("VEVENT")), None)
    if event is None:
        return None
    return Invitation(
        method=str(calendar.get("METHOD", part.get_param("method") or "")),
        summary=str(event.get("SUMMARY", "")),
        starts=_when(event, "DTSTART"),
        ends=_when(event, "DTEND"),
        location=str(event.get("LOCATION", "")),
        status=str(event.get("STATUS", "")),
        uid=str(event.get("UID", "")),
        sequence=str(event.get("SEQUENCE", "")),
    )


def _when(event: object, name: str) -> str:
    value = event.get(name)  # type: ignore[attr-defined]  # a component of icalendar, which has no types
    return f"{value.dt:%Y-%m-%d %H:%M %Z}".strip() if value is not None else ""
