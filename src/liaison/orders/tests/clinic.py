"""Riverside with Rosa, Dr Imani, Marta and Walter; Heart Center to ask, and Dr Adler in case they decline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment, Site, Team, TeamMember, User
from liaison.core import facts as core_facts
from liaison.core.actor import Actor
from liaison.core.facts import Fact
from liaison.core.postgres.guard import writes_open
from liaison.directory.models import Organization, Practitioner, Specialty
from liaison.loops.ports import Owner
from liaison.orders import actions, events
from liaison.orders.models import Referral
from liaison.orders.ports import ReferralOrder, Target
from liaison.patients.models import Patient, PatientSite

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
"""Wednesday, ten in the morning in New York."""
NEW_YORK = ZoneInfo("America/New_York")
DAY = timedelta(days=1)


def ends(day: int, *, month: int = 3) -> datetime:
    """The last second of a day of 2026 in New York."""
    return datetime(2026, month, day, 23, 59, 59, tzinfo=NEW_YORK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """Everyone and everything a referral needs."""

    riverside: Site
    team: Team
    rosa: Actor
    imani: Actor
    marta: Actor
    pat: Actor
    fred: Actor
    dr_imani: Practitioner
    heart_center: Organization
    adler: Practitioner
    skin_clinic: Organization
    walter: Patient

    def order(self, **changes: Any) -> ReferralOrder:
        """What Dr Imani asks, unless changed."""
        given: dict[str, Any] = {
            "referrer_id": self.dr_imani.pk,
            "specialty": "cardiology",
            "target": Target(organization_id=self.heart_center.pk),
            "urgency": "routine",
            "question": "New murmur: does he need an echo?",
            "coverage_status": "not_needed",
            **changes,
        }
        return ReferralOrder(**given)

    def draft(self, *, actor: Actor | None = None, duplicate_reason: str = "", **changes: Any) -> Referral:
        """A referral that has not left yet."""
        return actions.draft_referral(
            actor or self.imani,
            patient=self.walter,
            order=self.order(**changes),
            owner=Owner(user_id=self.rosa.user_id),
            now=NOW,
            duplicate_reason=duplicate_reason,
        )

    def sent(self, **changes: Any) -> Referral:
        """A referral at Heart Center."""
        return actions.refer_patient(
            self.imani,
            patient=self.walter,
            order=self.order(**changes),
            owner=Owner(user_id=self.rosa.user_id),
            via="fax",
            now=NOW,
        )


def open_clinic() -> Clinic:
    """Put everyone in their places."""
    with writes_open():
        riverside = Site.objects.create(code="riverside", name="Riverside", time_zone="America/New_York")
        hillside = Site.objects.create(code="hillside", name="Hillside", time_zone="America/Phoenix")
        team = Team.objects.create(name="Care coordination", site=riverside)
        imani = _person("Dr Imani Okoye", Role.CLINICIAN, riverside)
        heart, _ = Specialty.objects.get_or_create(code="cardiology", defaults={"name": "Cardiology"})
        skin, _ = Specialty.objects.get_or_create(code="dermatology", defaults={"name": "Dermatology"})
        heart_center = Organization.objects.create(name="Heart Center", kind="clinic")
        heart_center.specialties.add(heart)
        skin_clinic = Organization.objects.create(name="Skin Clinic", kind="clinic")
        skin_clinic.specialties.add(skin)
        walter = Patient.objects.create(
            given="Walter", family="Ng", birth_on=datetime(1950, 2, 1, tzinfo=UTC).date(),
            registered_at=NOW, changed_at=NOW,
        )  # fmt: skip
        PatientSite.objects.create(patient=walter, site=riverside, is_home=True)
        return Clinic(
            riverside=riverside,
            team=team,
            rosa=_person("Rosa Delgado", Role.COORDINATOR, riverside, team=team),
            imani=imani,
            marta=_person("Marta Ruiz", Role.SUPERVISOR, riverside),
            pat=_person("Pat Lind", Role.COORDINATOR, hillside),
            fred=_person("Fred Front", Role.FRONT_DESK, riverside),
            dr_imani=Practitioner.objects.create(name="Dr Imani Okoye", site=riverside, user_id=imani.user_id),
            heart_center=heart_center,
            adler=Practitioner.objects.create(name="Dr Adler", specialty=heart),
            skin_clinic=skin_clinic,
            walter=walter,
        )


def _person(name: str, role: Role, site: Site, *, team: Team | None = None) -> Actor:
    user = User.objects.create(email=f"{name.lower().replace(' ', '.')}@clinic.example", name=name, password="!")
    Assignment.objects.create(user=user, role=role, site=site, starts_at=NOW - 400 * DAY)
    if team is not None:
        TeamMember.objects.create(team=team, user=user)
    return Actor(
        user_id=user.pk,
        name=name,
        assignments=frozenset({(str(role), site.pk)}),
        team_ids=frozenset({team.pk} if team else ()),
    )


@contextmanager
def listening() -> Iterator[list[Fact]]:
    """Hear every fact of orders."""
    heard: list[Fact] = []

    def ear(fact: Fact, *, actor: Actor) -> None:
        del actor
        heard.append(fact)

    kinds = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, events.ReferralFact)]
    for kind in kinds:
        core_facts._reactions[kind].append(ear)
    try:
        yield heard
    finally:
        for kind in kinds:
            core_facts._reactions[kind].remove(ear)
