"""Visits that stand in the books at once: rows for many, with one audit entry for each site."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from liaison.accounts.models import Site
from liaison.core.act import act
from liaison.core.actor import system_actor
from liaison.demo.staff import Staffed
from liaison.inbox.models import Message
from liaison.inbox.ports import Category, Channel
from liaison.patients.models import ContactKind, ContactPoint, Patient
from liaison.scheduling.access import BOOK
from liaison.scheduling.models import Appointment, Reservation, Resource, VisitType
from liaison.scheduling.ports import State

_WRITTEN: Final = {
    "en": ("Your appointment", "Hello {name}, you have an appointment on {on:%Y-%m-%d} at {on:%H:%M} at {site}."),
    "es": ("Su cita", "Hola, {name}: tiene una cita el {on:%Y-%m-%d} a las {on:%H:%M} en {site}."),
}


@dataclass(slots=True, kw_only=True)
class Planned:
    """One visit that is to be: whose, where, when, with whom, and what became of it. `front_desk` books it."""

    patient: Patient
    site: Site
    front_desk: str
    start_at: datetime
    visit_type: VisitType
    person: Resource
    room: Resource | None
    booked_at: datetime
    missed: bool = False

    @property
    def key(self) -> str:
        """The key under which it is booked, once."""
        return f"demo-{self.person.pk}-{self.start_at.isoformat()}"

    @property
    def end_at(self) -> datetime:
        """When it is over."""
        return self.start_at + self.visit_type.duration


def put_into_the_books(planned: Sequence[Planned], *, staffed: Staffed, now: datetime) -> None:
    """Write them with the time that they take, and what patients were told of those to come."""
    by_site: dict[int, list[Planned]] = defaultdict(list)
    for one in planned:
        by_site[one.site.pk].append(one)
    for site_id, ours in by_site.items():
        actor = system_actor("demonstration")
        with act(actor, BOOK, site_id=site_id, reason="From the earlier calendar", now=now) as entry:
            made = Appointment.objects.bulk_create([_visit(one, staffed=staffed, now=now) for one in ours])
            Reservation.objects.bulk_create(
                [taken for one, row in zip(ours, made, strict=True) for taken in _taken(one, row)]
            )
            _tell(made, now=now)
            entry.concerns(*{one.patient.pk for one in ours})
            entry.note(visits=len(made))


def _visit(one: Planned, *, staffed: Staffed, now: datetime) -> Appointment:
    return Appointment(
        patient=one.patient,
        visit_type=one.visit_type,
        site=one.site,
        start_at=one.start_at,
        end_at=one.end_at,
        time_zone=one.site.time_zone,
        modality=one.visit_type.modality,
        interpreter_language=one.patient.spoken_language if one.patient.interpreter_needed else "",
        idempotency_key=one.key,
        ical_uid=f"{one.key}@riverside.example",
        booked_at=one.booked_at,
        booked_by=staffed.people[one.front_desk],
        booked_by_name=one.front_desk,
        **_became(one, now=now),
    )


def _became(one: Planned, *, now: datetime) -> Mapping[str, Any]:
    if one.start_at > now:
        return {"state": State.BOOKED.value}
    if one.missed:
        return {"state": State.NO_SHOW.value, "missed_at": one.end_at}
    arrived_at = one.start_at - timedelta(minutes=3 + one.patient.pk % 9)
    if one.end_at > now:
        return {"state": State.ARRIVED.value, "arrived_at": arrived_at}
    return {"state": State.FULFILLED.value, "arrived_at": arrived_at, "seen_at": one.end_at}


def _taken(one: Planned, row: Appointment) -> list[Reservation]:
    claim = row.claim
    seats = [("clinician", one.person), *([("room", one.room)] if one.room is not None else [])]
    return [
        Reservation(appointment=row, resource=resource, role=role, during=(claim.start, claim.end))
        for role, resource in seats
    ]


def _tell(visits: Sequence[Appointment], *, now: datetime) -> None:
    """Whoever has an address and agreed to it had their confirmation when the visit was booked."""
    points = ContactPoint.objects.filter(kind=ContactKind.EMAIL, may_email=True, bad_since=None, retired_at=None)
    at = {point.patient_id: point for point in points.filter(patient__in={visit.patient_id for visit in visits})}
    messages = []
    for visit in visits:
        point = at.get(visit.patient_id)
        if point is None or visit.start_at <= now:
            continue
        language = "es" if visit.patient.written_language == "es" else "en"
        subject, body = _WRITTEN[language]
        words = {"name": visit.patient.given, "on": visit.local_start, "site": visit.site.name}
        messages.append(
            Message(
                patient=visit.patient, channel=Channel.EMAIL, category=Category.APPOINTMENT, language=language,
                contact_point_id=point.pk, to_address=point.value, subject=subject, body=body.format(**words),
                idempotency_key=f"visit:{visit.pk}:appointment-confirmation",
                message_id=f"<demo-{visit.pk}@riverside.example>",
                queued_at=visit.booked_at, queued_by_name=visit.booked_by_name, send_at=visit.booked_at,
                expires_at=visit.start_at, state="delivered", attempts=1, handed_over_at=visit.booked_at,
                sent_at=visit.booked_at, ended_at=visit.booked_at,
            )
        )  # fmt: skip
    Message.objects.bulk_create(messages)
