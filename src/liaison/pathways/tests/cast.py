"""Walter's hospital stays, as they come in by files, and those who follow him up."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment, Site, Team, TeamMember, User
from liaison.core.actor import Actor, system_actor
from liaison.core.postgres.guard import writes_open
from liaison.pathways.models import Enrolment
from liaison.patients.models import Patient
from liaison.records.actions import import_files
from liaison.scheduling.models import Appointment, VisitType

NOW = datetime(2026, 2, 14, 15, 0, tzinfo=UTC)
"""Saturday morning in New York."""

DISCHARGE = datetime(2026, 2, 13, 20, 0, tzinfo=UTC)
"""Friday afternoon before Presidents' Day: contact by Wednesday 18 February (DOMAIN 2.1)."""

LIAISON = system_actor("test")


@dataclass(slots=True)
class Ward:
    """The cast. `files` numbers what was taken in."""

    riverside: Site
    team: Team
    rosa: Actor
    pat: Actor
    files: int = field(default=0)

    def take_in(self, *resources: dict[str, Any], now: datetime = NOW) -> None:
        """A file with these resources comes in."""
        self.files += 1
        entries = [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in resources]
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"{self.files}.json"
            path.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
            import_files(LIAISON, paths=[path], now=now, site=self.riverside)

    @property
    def walter(self) -> Patient:
        return Patient.objects.get(family="Ng")

    @property
    def enrolment(self) -> Enrolment:
        return Enrolment.objects.select_related("loop").get()

    def visit(self, start_at: datetime) -> Appointment:
        """A visit of Walter's in the books, for the loop of his follow-up."""
        with writes_open():
            kind, _ = VisitType.objects.get_or_create(
                code="post-discharge", defaults={"name": "After hospital", "duration_minutes": 30, "changed_at": NOW}
            )
            return Appointment.objects.create(
                patient=self.walter, visit_type=kind, site=self.riverside, loop_id=self.enrolment.loop_id,
                start_at=start_at, end_at=start_at + timedelta(minutes=30), time_zone="America/New_York",
                modality="in_person", state="booked", idempotency_key=f"v{start_at}", ical_uid=f"v{start_at}",
                booked_at=NOW, booked_by_name="Rosa Delgado",
            )  # fmt: skip


def gather() -> Ward:
    """Put everyone at their desks; Walter's records have not come."""
    with writes_open():
        riverside = Site.objects.create(code="riverside", name="Riverside", time_zone="America/New_York")
        hillside = Site.objects.create(code="hillside", name="Hillside", time_zone="America/Phoenix")
        team = Team.objects.create(name="Care coordination", site=riverside)
        return Ward(
            riverside=riverside,
            team=team,
            rosa=_person("Rosa Delgado", riverside, team=team),
            pat=_person("Pat Lind", hillside),
        )


def _person(name: str, site: Site, *, team: Team | None = None) -> Actor:
    user = User.objects.create(email=f"{name.split(maxsplit=1)[0].lower()}@clinic.example", name=name, password="!")
    Assignment.objects.create(user=user, role=Role.COORDINATOR, site=site, starts_at=NOW - timedelta(days=400))
    if team is not None:
        TeamMember.objects.create(team=team, user=user)
    return Actor(
        user_id=user.pk,
        name=name,
        assignments=frozenset({(str(Role.COORDINATOR), site.pk)}),
        team_ids=frozenset({team.pk} if team else ()),
    )


def walter(**more: Any) -> dict[str, Any]:
    """Walter Ng as a Patient resource."""
    name = [{"family": "Ng", "given": ["Walter"]}]
    return {"resourceType": "Patient", "id": "walter", "name": name, "birthDate": "1941-07-09", **more}


def stay(*, ended: datetime | None = DISCHARGE, days: int = 3, went: str = "", **more: Any) -> dict[str, Any]:
    """A hospital stay of Walter's."""
    started = (ended or NOW) - timedelta(days=days)
    period = {"start": started.isoformat()} | ({"end": ended.isoformat()} if ended else {})
    left = {"hospitalization": {"dischargeDisposition": {"coding": [{"code": went}]}}} if went else {}
    return {
        "resourceType": "Encounter",
        "id": "stay",
        "status": "finished" if ended else "in-progress",
        "class": {"code": "IMP"},
        "subject": {"reference": "Patient/walter"},
        "period": period,
        **left,
        **more,
    }
