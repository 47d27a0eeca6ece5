"""What the patient is told about a visit: confirmation, new time, cancellation, reminders.

Each message carries the invitation, so that the patient's own calendar follows; a reminder repeats the last one.
Nothing clinical is in either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from typing import Any, Final

from django.conf import settings

from liaison.accounts.models import Site
from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.inbox.actions import cancel_queued, queue_message
from liaison.inbox.ports import AttachmentContent, Category, Channel, MessageToSend, is_connected
from liaison.inbox.queries.letters import address_for
from liaison.loops.queries.calendars import business_calendar
from liaison.patients.models import Patient
from liaison.scheduling.access import REMIND
from liaison.scheduling.models import Appointment, Modality, SeriesVisit
from liaison.scheduling.ports import Invitation, Method, invitation_writers
from liaison.scheduling.queries.displaced import without_time
from liaison.scheduling.rules import (
    Reminder,
    ReminderKind,
    invitation_place,
    invitation_summary,
    language_of_invitation,
    reminder_is_fresh,
    reminder_plan,
)

CONFIRMATION: Final = "appointment-confirmation"
MOVED: Final = "appointment-moved"
CANCELLED: Final = "appointment-cancelled"
REMINDER: Final = "appointment-reminder"


def confirm_booking(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """Send the confirmation with the invitation."""
    _tell(actor, appointment, template=CONFIRMATION, method=Method.REQUEST, now=now)


def confirm_move(*, actor: Actor, appointment: Appointment, previous: Appointment, now: datetime) -> None:
    """Say the new time, with an update of the same invitation; what still waits about the old time is not sent.

    Where the visit begins when and where it did (it was stretched, or has another room) it is confirmed once more:
    a "new time" that is the old one would only puzzle.
    """
    withhold(actor, previous, reason="moved", now=now)
    if (previous.start_at, previous.site_id) == (appointment.start_at, appointment.site_id):
        confirm_booking(actor=actor, appointment=appointment, now=now)
        return
    old = {"old_date": previous.local_start.date(), "old_time": previous.local_start.time()}
    _tell(actor, appointment, template=MOVED, method=Method.REQUEST, now=now, more=old)


def confirm_cancellation(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """Say that the visit is off and take it out of the patient's calendar; reminders are not sent."""
    withhold(actor, appointment, reason="cancelled", now=now)
    _tell(actor, appointment, template=CANCELLED, method=Method.CANCEL, now=now)


def reminders_ahead(appointment: Appointment, *, now: datetime) -> Sequence[Reminder]:
    """The reminders still to come, in order of time. Each looks again at its time whether it still holds."""
    return reminder_plan(
        start=appointment.start_at,
        zone=appointment.zone,
        is_telehealth=appointment.modality == Modality.VIDEO,
        calendar=business_calendar(site_id=appointment.site_id),
        now=now,
    )


def remind_patient(*, actor: Actor, appointment_id: int, kind: ReminderKind, now: datetime) -> bool:
    """Remind the patient, if the visit still stands, lies ahead, and the patient lives. Returns whether it did.

    Nor of a visit that lost its time when a day was planned anew. Run twice it reminds once. A reminder whose time
    passed long ago (a stopped worker) is left out.
    """
    row = Appointment.objects.select_related("patient", "site").filter(pk=appointment_id).first()
    if row is None:
        return False
    with act(actor, REMIND, patient=row.patient, subject=row, now=now) as entry:
        planned = reminders_ahead(row, now=row.booked_at)
        holds = (
            row.expects_patient
            and not row.patient.is_deceased
            and row.start_at > now
            and not without_time([row.pk]).exists()
            and any(one.kind is kind and reminder_is_fresh(one, now=now) for one in planned)
        )
        entry.note(kind=kind.value, sent=holds)
        if holds:
            _tell(actor, row, template=REMINDER, method=Method.REQUEST, now=now, key=f"remind:{kind.value}")
    return holds


def _tell(
    actor: Actor,
    appointment: Appointment,
    *,
    template: str,
    method: Method,
    now: datetime,
    more: Mapping[str, Any] | None = None,
    key: str = "",
) -> None:
    """Queue one message, unless it can be of no use: the visit is past, the patient died, nothing carries it."""
    patient = appointment.patient
    if appointment.start_at <= now or patient.is_deceased or not is_connected(Channel.EMAIL):
        return
    context = {
        "date": appointment.local_start.date(),
        "time": appointment.local_start.time(),
        "phone": appointment.site.number_to_call(),
        **where_to_be(patient, site=appointment.site, modality=appointment.modality),
        **(more or {}),
    }
    queue_message(
        actor,
        patient=patient,
        message=MessageToSend(
            template=template,
            context=context,
            attachments=_invitations(appointment, method=method, now=now),
            expires_at=appointment.start_at,
            matter=_matter(appointment),
        ),
        idempotency_key=f"{_prefix(appointment)}{key or template}",
        loop=appointment.loop,
        now=now,
    )


def where_to_be(patient: Patient, *, site: Site, modality: str) -> dict[str, str]:
    """What a message says of the place: the site and its address, or that it is by phone or video."""
    if modality == Modality.IN_PERSON:
        return {"site": site.name, "address": site.address}
    language = language_of_invitation(patient.written_language, patient.spoken_language)
    return {"site": invitation_place(site_name="", address="", modality=modality, language=language), "address": ""}


def _matter(appointment: Appointment) -> str:
    """What it is news of: the visit, which goes by its event in the patient's calendar whenever it is moved."""
    event = _event_of(appointment)
    return f"visit:{event.uid}" + (f"@{event.recurs_at.isoformat()}" if event.recurs_at else "")


def _prefix(appointment: Appointment) -> str:
    return f"visit:{appointment.pk}:"


def withhold(actor: Actor, appointment: Appointment, *, reason: str, now: datetime) -> None:
    """What still waits to be sent about this time is not sent."""
    cancel_queued(actor, prefix=_prefix(appointment), reason=reason, now=now)


def _invitations(appointment: Appointment, *, method: Method, now: datetime) -> tuple[AttachmentContent, ...]:
    invitation = invitation_of(appointment, method=method, now=now)
    return tuple(
        AttachmentContent(
            name="appointment.ics",
            media_type=writer.media_type(invitation),
            content=writer.write(invitation),
        )
        for writer in invitation_writers()
    )


def invitation_of(appointment: Appointment, *, method: Method, now: datetime) -> Invitation:
    """The invitation as it stands now, in the patient's language."""
    patient, site = appointment.patient, appointment.site
    language = language_of_invitation(patient.written_language, patient.spoken_language)
    organizer_name, organizer_email = parseaddr(settings.LIAISON_MAIL_FROM)
    address = address_for(patient, channel=Channel.EMAIL, category=Category.APPOINTMENT, now=now)
    event = _event_of(appointment)
    return Invitation(
        uid=event.uid,
        sequence=event.sequence,
        recurs_at=event.recurs_at,
        method=method,
        stamped_at=now,
        start_at=appointment.start_at,
        end_at=appointment.end_at,
        zone=appointment.zone,
        summary=invitation_summary(organization=settings.LIAISON_ORGANIZATION, language=language),
        where=invitation_place(
            site_name=site.name, address=site.address, modality=appointment.modality, language=language
        ),
        organizer_name=organizer_name,
        organizer_email=organizer_email,
        attendee_email="" if isinstance(address, str) else address.value,
        language=language,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    uid: str
    sequence: int
    recurs_at: datetime | None


def _event_of(appointment: Appointment) -> _Event:
    """Its event in the patient's calendar: one of its own, or its place in that of its series."""
    row = SeriesVisit.objects.select_related("series").filter(appointment=appointment, is_in_event=True).first()
    if row is None:
        return _Event(uid=appointment.ical_uid, sequence=appointment.ical_sequence, recurs_at=None)
    series = row.series
    return _Event(uid=series.ical_uid, sequence=series.ical_sequence + appointment.ical_sequence, recurs_at=row.rule_at)
