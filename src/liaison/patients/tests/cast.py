"""The cast: Rosa coordinates at Riverside, Pat is of another site, and nothing here is hers to see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.contrib.auth.hashers import make_password

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment, Site, User
from liaison.core.actor import Actor, system_actor
from liaison.core.clock import current_time
from liaison.core.postgres.guard import writes_open
from liaison.directory.models import Practitioner
from liaison.patients import actions
from liaison.patients.actions import ContactDetails, IdentifierDetails, PatientDetails
from liaison.patients.models import Patient

LIAISON = system_actor("tests")
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, kw_only=True)
class Clinic:
    """Two sites and the people who work there."""

    riverside: Site
    hillside: Site
    rosa: Actor
    marta: Actor
    clerk: Actor
    pat: Actor
    privacy: Actor
    administrator: Actor
    imani: Actor
    dr_imani: Practitioner
    now: datetime


def person(name: str, *assignments: tuple[Role, Site | None]) -> Actor:
    """A person who signs in, as the actor of one session that has just proved who they are."""
    user = User.objects.create(
        email=f"{name.lower().replace(' ', '.')}@example.org", name=name, password=make_password(PASSWORD)
    )
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    for role, site in assignments:
        Assignment.objects.create(user=user, role=role, site=site, starts_at=long_ago)
    held = frozenset((str(role), site.pk if site else None) for role, site in assignments)
    return Actor(
        user_id=user.pk, name=name, assignments=held, stepped_up_until=datetime.now(UTC) + timedelta(minutes=10)
    )


def open_clinic() -> Clinic:
    """The clinic, empty of patients."""
    with writes_open():
        riverside = Site.objects.create(code="RIV", name="Riverside")
        hillside = Site.objects.create(code="HIL", name="Hillside")
        imani = person("Dr Imani", (Role.CLINICIAN, riverside))
        dr_imani = Practitioner.objects.create(name="Dr Imani", user_id=imani.user_id, site=riverside)
        return Clinic(
            riverside=riverside,
            hillside=hillside,
            rosa=person("Rosa", (Role.COORDINATOR, riverside)),
            marta=person("Marta", (Role.SUPERVISOR, riverside)),
            clerk=person("Clerk", (Role.RECORDS_CLERK, None)),
            pat=person("Pat", (Role.COORDINATOR, hillside)),
            privacy=person("Priya", (Role.PRIVACY_OFFICER, None)),
            administrator=person("Ada", (Role.ADMINISTRATOR, None)),
            imani=imani,
            dr_imani=dr_imani,
            now=current_time(),
        )


@dataclass(frozen=True, kw_only=True)
class Registry:
    """Registers people at Riverside (or `site`), as Liaison."""

    clinic: Clinic

    def __call__(self, given: str, family: str, *, birth_on: date | None = None, site: Site | None = None,
                 mrn: str = "", phone: str = "", **details: object) -> Patient:  # fmt: skip
        return actions.register_patient(
            actor=LIAISON,
            details=PatientDetails(given=given, family=family, birth_on=birth_on, **details),
            site_ids=[(site or self.clinic.riverside).pk],
            identifiers=[IdentifierDetails(system="urn:riverside", value=mrn, kind="mrn")] if mrn else [],
            contacts=[ContactDetails(kind="phone", value=phone)] if phone else [],
            now=self.clinic.now,
        )
