"""The fixed cast, made as simply as the tables allow, and the loops that tests begin with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment, Site, Team, TeamMember, User
from liaison.core import facts as core_facts
from liaison.core.actor import Actor, system_actor
from liaison.core.facts import Fact
from liaison.core.postgres.guard import writes_open
from liaison.loops import actions, events
from liaison.loops.models import Loop
from liaison.loops.ports import ClockToStart, LoopKind, Owner, Promise, register_kind
from liaison.patients.models import Patient, PatientSite

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)  # Wednesday, 10:00 in New York
NEW_YORK = ZoneInfo("America/New_York")

ERRAND = LoopKind(
    code="test_errand",
    label="Errand",
    required_evidence=("asked", "answered"),
    other_evidence=("attempt",),
    evidence_labels={"asked": "Asked the pharmacy", "answered": "The pharmacy answered"},
)
CLINICAL = LoopKind(
    code="test_clinical",
    label="Explaining",
    required_evidence=("understood",),
    other_evidence=("attempt",),
    evidence_labels={"understood": "Said it back", "attempt": "Attempt"},
    clinical_evidence=frozenset({"understood"}),
    clinical_words=True,
)
MANAGED = LoopKind(code="test_managed", label="Managed", required_evidence=("done",), managed_at="loops:take")
register_kind(ERRAND)
register_kind(CLINICAL)
register_kind(MANAGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Everyone, as users and as actors."""

    riverside: Site
    hillside: Site
    team: Team
    rosa: Actor
    tom: Actor
    imani: Actor
    marta: Actor
    pat: Actor
    chief: Actor
    fred: Actor
    walter: Patient
    olga: Patient

    def loop(self, **more: Any) -> Loop:
        """A loop of Rosa's for Walter, due tomorrow, unless said otherwise."""
        due = more.pop("due_at", NOW + timedelta(days=1))
        promised = {"kind": "test_errand", "title": "Refill for Walter", "clocks": [clock(due_at=due)]}
        promised |= {field.name: more.pop(field.name) for field in fields(Promise) if field.name in more}
        return actions.open_loop(
            more.pop("actor", self.rosa),
            patient=more.pop("patient", self.walter),
            promise=Promise(**promised),
            owner=more.pop("owner", Owner(user_id=self.rosa.user_id)),
            now=more.pop("now", NOW),
            **more,
        )


def clock(*, due_at: datetime, rule_id: str = "test.ask", step: str = "Ask the pharmacy", **more: Any) -> ClockToStart:
    """A clock that runs from now."""
    return ClockToStart(
        rule_id=rule_id,
        rule_version="1",
        step=step,
        anchor_event="test:1",
        anchor_at=NOW,
        due_at=due_at,
        **more,
    )


def gather() -> Cast:
    """Put everyone at their desks."""
    with writes_open():
        riverside = Site.objects.create(code="riverside", name="Riverside", time_zone="America/New_York")
        hillside = Site.objects.create(code="hillside", name="Hillside", time_zone="America/Phoenix")
        team = Team.objects.create(name="Care coordination", site=riverside)
        return Cast(
            riverside=riverside,
            hillside=hillside,
            team=team,
            rosa=person("Rosa Delgado", Role.COORDINATOR, riverside, team=team),
            tom=person("Tom Baker", Role.COORDINATOR, riverside, team=team),
            imani=person("Dr Imani Okoye", Role.CLINICIAN, riverside),
            marta=person("Marta Ruiz", Role.SUPERVISOR, riverside),
            pat=person("Pat Lind", Role.COORDINATOR, hillside),
            chief=person("Ada Chief", Role.SUPERVISOR, None),
            fred=person("Fred Front", Role.FRONT_DESK, riverside),
            walter=patient("Walter", "Ng", riverside),
            olga=patient("Olga", "Petrova", riverside),
        )


def person(name: str, role: Role, site: Site | None, *, team: Team | None = None) -> Actor:
    """Someone who signs in, with one role at one site."""
    user = User.objects.create(email=f"{name.lower().replace(' ', '.')}@clinic.example", name=name, password="!")
    Assignment.objects.create(user=user, role=role, site=site, starts_at=NOW - timedelta(days=400))
    if team is not None:
        TeamMember.objects.create(team=team, user=user)
    return Actor(
        user_id=user.pk,
        name=name,
        assignments=frozenset({(str(role), site.pk if site else None)}),
        team_ids=frozenset({team.pk} if team else ()),
    )


def patient(given: str, family: str, site: Site) -> Patient:
    """Someone who is a patient of one site."""
    made = Patient.objects.create(
        given=given, family=family, birth_on=datetime(1950, 2, 1, tzinfo=UTC).date(),
        registered_at=NOW, changed_at=NOW,
    )  # fmt: skip
    PatientSite.objects.create(patient=made, site=site, is_home=True)
    return made


SYSTEM = system_actor("test")


@contextmanager
def listening() -> Iterator[list[Fact]]:
    """Hear every fact of the ledger."""
    heard: list[Fact] = []

    def ear(fact: Fact, *, actor: Actor) -> None:
        del actor
        heard.append(fact)

    kinds = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, events.LoopFact)]
    for kind in kinds:
        core_facts._reactions[kind].append(ear)
    try:
        yield heard
    finally:
        for kind in kinds:
            core_facts._reactions[kind].remove(ear)
