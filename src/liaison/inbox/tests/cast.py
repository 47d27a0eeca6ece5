"""The cast: Rosa coordinates, Marta supervises every site, Pat works elsewhere, Fred sits at the front desk.

Walter is the patient, June his daughter.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment, Site, Team, TeamMember, User
from liaison.core.actor import Actor
from liaison.core.postgres.guard import writes_open
from liaison.inbox.actions import queue_message
from liaison.inbox.models import Message
from liaison.inbox.ports import Envelope, MessageToSend, Result, Sent
from liaison.patients.models import ContactPoint, Patient, PatientSite, Proxy

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)  # a Monday, 10:00 at the site


@dataclass
class Cast:
    """Everybody, and where they are."""

    site: Site
    team: Team
    rosa: Actor
    marta: Actor
    pat: Actor
    fred: Actor
    rosa_user: User
    pat_user: User
    walter: Patient
    mail: ContactPoint
    phone: ContactPoint
    others: dict[str, Patient] = field(default_factory=dict)

    def patient(self, given: str = "Ada", **more: object) -> Patient:
        """Another patient of the site, without any address."""
        values: dict[str, object] = {
            "family": "Other", "given": given, "birth_on": date(1960, 1, 1), "registered_at": NOW, "changed_at": NOW,
        }  # fmt: skip
        with writes_open():
            patient = Patient.objects.create(**(values | more))
            PatientSite.objects.create(patient=patient, site=self.site, is_home=True)
        return patient

    def point(self, patient: Patient, *, kind: str = "email", value: str, **more: object) -> ContactPoint:
        """A contact point that may be used."""
        allowed = {"email": {"may_email": True}, "phone": {"may_text": True}}.get(kind, {})
        with writes_open():
            return ContactPoint.objects.create(
                patient=patient, kind=kind, value=value, value_key=value, added_at=NOW, **{**allowed, **more}
            )

    def change(self, row: object, **columns: object) -> None:
        """Change a row as its own package would."""
        with writes_open():
            for name, value in columns.items():
                setattr(row, name, value)
            row.save()  # type: ignore[attr-defined]  # every row can

    def proxy(self, patient: Patient, *, name: str = "June Ng", **more: object) -> Proxy:
        """Someone who speaks for a patient."""
        values: dict[str, object] = {
            "relationship": "daughter", "kind": "consent", "scope": ["schedule", "clinical"],
            "email": "june@example.org", "starts_on": date(2026, 1, 1), "evidence": "form",
        }  # fmt: skip
        with writes_open():
            return Proxy.objects.create(patient=patient, name=name, **(values | more))


def person(name: str, *, role: Role, site: Site | None) -> tuple[User, Actor]:
    """Someone who signs in, and as an actor; without a site their role holds everywhere."""
    user = User.objects.create(email=f"{name.lower()}@riverside.example", name=name, added_at=NOW)
    Assignment.objects.create(user=user, role=role, site=site, starts_at=NOW - timedelta(days=365))
    return user, Actor(user_id=user.pk, name=name, assignments=frozenset({(str(role), site.pk if site else None)}))


def everybody() -> Cast:
    """The whole cast, put into the database."""
    with writes_open():
        site = Site.objects.create(
            code="main", name="Riverside Main", address="1 Main St", phone="617-555-0100", time_zone="America/New_York"
        )
        elsewhere = Site.objects.create(code="hill", name="Hill", time_zone="America/New_York")
        rosa_user, rosa = person("Rosa", role=Role.COORDINATOR, site=site)
        _, fred = person("Fred", role=Role.FRONT_DESK, site=site)
        _, marta = person("Marta", role=Role.SUPERVISOR, site=None)
        pat_user, pat = person("Pat", role=Role.COORDINATOR, site=elsewhere)
        team = Team.objects.create(name="Care desk", site=site)
        TeamMember.objects.create(team=team, user=rosa_user)
        walter = Patient.objects.create(
            family="Ng", given="Walter", birth_on=date(1950, 5, 5), registered_at=NOW, changed_at=NOW,
            spoken_language="en",
        )  # fmt: skip
        PatientSite.objects.create(patient=walter, site=site, is_home=True)
        mail = ContactPoint.objects.create(
            patient=walter, kind="email", value="walter@example.org", value_key="walter@example.org", may_email=True,
            preferred=True, added_at=NOW,
        )  # fmt: skip
        phone = ContactPoint.objects.create(
            patient=walter, kind="phone", value="617-555-0177", value_key="+16175550177", may_call=True, added_at=NOW
        )
    return Cast(
        site=site, team=team, rosa=rosa, marta=marta, pat=pat, fred=fred,
        rosa_user=rosa_user, pat_user=pat_user, walter=walter,
        mail=mail, phone=phone,
    )  # fmt: skip


@dataclass
class Postman:
    """A transport that answers as told and keeps what it carried; `before` runs before the point of no return."""

    results: list[Result] = field(default_factory=list)
    carried: list[Envelope] = field(default_factory=list)
    marks: bool = True

    def send(self, envelope: Envelope, *, point_of_no_return) -> Result:  # type: ignore[no-untyped-def]  # the fixtures have no types
        """Carry one message."""
        if self.marks:
            point_of_no_return()
        result = self.results.pop(0) if self.results else Sent(reply="250 ok")
        self.carried.append(envelope)
        return result


def written(cast: Cast, **values: object) -> Message:
    """Rosa writes to a patient: what `queue_message` and its message take, side by side."""
    said = {one.name: values.pop(one.name) for one in fields(MessageToSend) if one.name in values}
    return queue_message(cast.rosa, message=MessageToSend(**said), **values)  # type: ignore[arg-type]  # keywords of several types
