"""A small clinic: Riverside North in New York, open weekdays nine to five, and another site for Pat."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from liaison.accounts.access import Role
from liaison.accounts.models import Site, User
from liaison.core.actor import Actor, system_actor
from liaison.core.postgres.guard import writes_open
from liaison.directory.models import Practitioner
from liaison.loops.ports import Owner
from liaison.orders.actions import refer_patient
from liaison.orders.models import Referral
from liaison.orders.ports import ReferralOrder, Target
from liaison.patients.models import Patient, PatientSite
from liaison.scheduling import actions
from liaison.scheduling.models import Appointment, Resource, VisitType
from liaison.scheduling.ports import BookingOrder, Override, Seat

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""Monday, seven in the morning in New York."""


def local(text: str) -> datetime:
    """A wall-clock time in New York."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """The cast and what they work with."""

    site: Site
    other_site: Site
    rosa: Actor
    marta: Actor
    pat: Actor
    noor: Actor
    adam: Actor
    walter: Patient
    ruth: Patient
    imani: Resource
    okafor: Resource
    room: Resource
    other_room: Resource
    follow_up: VisitType

    def seats(self, *, who: Resource | None = None, room: Resource | None = None) -> tuple[Seat, ...]:
        return (
            Seat(role="clinician", resource_id=(who or self.imani).pk),
            Seat(role="room", resource_id=(room or self.room).pk),
        )

    def order(self, start: str, **changes: Any) -> BookingOrder:
        order = BookingOrder(
            key=f"key {start}",
            visit_type_id=self.follow_up.pk,
            site_id=self.site.pk,
            start_at=local(start),
            seats=self.seats(),
        )
        return replace(order, **changes)

    def book(
        self,
        start: str,
        *,
        actor: Actor | None = None,
        patient: Patient | None = None,
        override: Override | None = None,
        now: datetime = NOW,
        **changes: Any,
    ) -> Appointment:
        return actions.book_appointment(
            actor=actor or self.rosa,
            patient=patient or self.walter,
            order=self.order(start, **changes),
            override=override,
            now=now,
        )


def person(name: str, role: Role, site: Site | None) -> Actor:
    """Someone who holds one role at one site, or everywhere."""
    user = User.objects.create(email=f"{name.lower()}@riverside.example", name=name, added_at=NOW)
    user.assignments.create(role=role, site=site, starts_at=NOW.replace(year=2025))
    return Actor(user_id=user.pk, name=name, assignments=frozenset({(str(role), site.pk if site else None)}))


def patient_of(site: Site, *, given: str, family: str) -> Patient:
    """Someone who is a patient at one site."""
    patient = Patient.objects.create(given=given, family=family, registered_at=NOW, changed_at=NOW)
    PatientSite.objects.create(patient=patient, site=site, is_home=True)
    return patient


def open_clinic() -> Clinic:
    """Write the small clinic."""
    with writes_open():
        site = Site.objects.create(code="north", name="Riverside North", time_zone="America/New_York")
        other_site = Site.objects.create(code="west", name="Riverside West", time_zone="America/Phoenix")
        rosa = person("Rosa", Role.COORDINATOR, site)
        marta = person("Marta", Role.SUPERVISOR, site)
        pat = person("Pat", Role.COORDINATOR, other_site)
        noor = person("Noor", Role.SUPERVISOR, other_site)
        adam = person("Adam", Role.ADMINISTRATOR, None)
        walter = patient_of(site, given="Walter", family="Ng")
        ruth = patient_of(site, given="Ruth", family="Abara")
        practitioner = Practitioner.objects.create(name="Dr Imani", site=site)
        other_practitioner = Practitioner.objects.create(name="Dr Okafor", site=site)
    arranger = system_actor("tests")
    imani = _resource(arranger, "person", "Dr Imani", site, "physician", practitioner)
    okafor = _resource(arranger, "person", "Dr Okafor", site, "physician", other_practitioner)
    room = _resource(arranger, "room", "Room 1", site, "exam_room")
    other_room = _resource(arranger, "room", "Room 2", site, "exam_room")
    return Clinic(
        site=site,
        other_site=other_site,
        rosa=rosa,
        marta=marta,
        pat=pat,
        noor=noor,
        adam=adam,
        walter=walter,
        ruth=ruth,
        imani=imani,
        okafor=okafor,
        room=room,
        other_room=other_room,
        follow_up=actions.define_visit_type(
            actor=arranger,
            draft=actions.VisitTypeDraft(
                code="follow_up",
                name="Follow-up",
                duration_minutes=30,
                after_minutes=5,
                least_lead_minutes=60,
                most_lead_days=90,
                needs=(
                    actions.NeedDraft(role="clinician", ability="physician"),
                    actions.NeedDraft(role="room", ability="exam_room"),
                ),
            ),
            now=NOW,
        ),
    )


def _resource(
    actor: Actor, kind: str, name: str, site: Site, ability: str, practitioner: Practitioner | None = None
) -> Resource:
    resource = actions.add_resource(
        actor=actor,
        draft=actions.ResourceDraft(kind=kind, name=name, site=site, abilities=(ability,), practitioner=practitioner),
        now=NOW,
    )
    weekdays = [actions.HoursDraft(site=site, weekday=day, opens=time(9), closes=time(17)) for day in range(5)]
    actions.set_hours(actor=actor, resource=resource, hours=weekdays, now=NOW)
    return resource


def referral_to_okafor(clinic: Clinic) -> Referral:
    """Dr Imani asks Dr Okafor, a cardiologist of the same house, to see Walter."""
    with writes_open():
        Practitioner.objects.filter(name="Dr Okafor").update(specialty="cardiology")
    order = ReferralOrder(
        referrer_id=clinic.imani.practitioner_id or 0,
        specialty="cardiology",
        target=Target(practitioner_id=clinic.okafor.practitioner_id),
        urgency="routine",
        question="Palpitations since the discharge?",
        coverage_status="not_needed",
    )
    rosa = Owner(user_id=clinic.rosa.user_id)
    return refer_patient(clinic.rosa.as_liaison(), patient=clinic.walter, order=order, owner=rosa, via="phone", now=NOW)
