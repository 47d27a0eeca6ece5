"""Sites, teams, staff, and the time that can be booked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Final

from django.contrib.auth.hashers import make_password

from liaison.accounts.access import Role
from liaison.accounts.actions import add_person, add_site, add_team, give_role, set_teams
from liaison.accounts.models import Site, Team, User
from liaison.accounts.queries import DEMO_PASSWORD
from liaison.core.actor import Actor
from liaison.demo import cast
from liaison.directory.actions import OrganizationDetails, PractitionerDetails, add_organization, add_practitioner
from liaison.directory.models import Organization, Practitioner
from liaison.scheduling.actions import (
    HoursDraft,
    NeedDraft,
    ResourceDraft,
    VisitTypeDraft,
    add_resource,
    define_visit_type,
    set_hours,
)
from liaison.scheduling.models import Resource, ResourceKind, VisitType

OPENS: Final = time(8)
CLOSES: Final = time(17)


@dataclass(slots=True)
class Staffed:
    """The clinic before its first patient, by name and code."""

    sites: dict[str, Site] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    people: dict[str, User] = field(default_factory=dict)
    practitioners: dict[str, Practitioner] = field(default_factory=dict)
    resources: dict[str, list[Resource]] = field(default_factory=dict)
    visit_types: dict[str, VisitType] = field(default_factory=dict)
    outside: list[Organization] = field(default_factory=list)

    def who(self, name: str) -> Actor:
        """A person of the clinic as an actor, with the role that the cast gives them."""
        person = next(one for one in cast.STAFF if one.name == name)
        site_id = self.sites[person.site].pk if person.site else None
        team_ids = frozenset({self.teams[person.team].pk}) if person.team else frozenset()
        return Actor(
            user_id=self.people[name].pk,
            name=name,
            assignments=frozenset({(person.role, site_id)}),
            team_ids=team_ids,
        )

    def outside_with(self, specialty: str) -> Organization:
        """A place outside that has this specialty."""
        place = next(place for place, (_, _, codes) in enumerate(cast.OUTSIDE) if specialty in codes)
        return self.outside[place]

    def working_at(self, site_code: str, role: str) -> list[str]:
        """The names of people who hold `role` at a site."""
        return [one.name for one in cast.STAFF if one.role == role and one.site in {site_code, ""}]


def hire(actor: Actor, *, now: datetime) -> Staffed:
    """Build the sites, teams and staff, and make their time bookable on weekdays from 8 to 17."""
    staffed = Staffed()
    for site in cast.SITES:
        staffed.sites[site.code] = add_site(
            actor=actor, code=site.code, name=site.name, time_zone=site.time_zone,
            address=site.address, phone=site.phone, now=now,
        )  # fmt: skip
    for name, code in cast.TEAMS:
        staffed.teams[name] = add_team(actor=actor, name=name, site=staffed.sites.get(code), now=now)
    hashed = make_password(DEMO_PASSWORD)  # once: hashing is slow on purpose
    for person in cast.STAFF:
        _hire(staffed, actor=actor, person=person, hashed=hashed, now=now)
    _furnish(staffed, actor=actor, now=now)
    return staffed


def _hire(staffed: Staffed, *, actor: Actor, person: cast.DemoPerson, hashed: str, now: datetime) -> None:
    user = add_person(actor=actor, email=person.email, name=person.name, hashed=hashed, is_demo=True, now=now)
    site = staffed.sites.get(person.site)
    give_role(actor=actor, person=user, role=Role(person.role), site=site, now=now)
    if person.team:
        set_teams(actor=actor, person=user, teams=[staffed.teams[person.team]], now=now)
    staffed.people[person.name] = user
    if person.specialty:
        details = PractitionerDetails(
            name=person.name,
            specialty=person.specialty,
            user_id=user.pk,
            site_id=staffed.sites[person.site].pk,
            phone=staffed.sites[person.site].phone,
        )
        staffed.practitioners[person.name] = add_practitioner(actor=actor, details=details, now=now)


def _furnish(staffed: Staffed, *, actor: Actor, now: datetime) -> None:
    """Make people's and rooms' time bookable, say what kinds of visit there are, and name places outside."""
    for site in cast.SITES:
        drafts = [
            ResourceDraft(kind=ResourceKind.ROOM, name=room, site=staffed.sites[site.code], abilities=_room(room))
            for room in site.rooms
        ]
        drafts += [
            ResourceDraft(
                kind=ResourceKind.PERSON,
                name=person.name,
                site=staffed.sites[site.code],
                abilities=("clinician", person.specialty),
                practitioner=staffed.practitioners[person.name],
            )
            for person in cast.STAFF
            if person.specialty and person.site == site.code
        ]
        staffed.resources[site.code] = [_open(add_resource(actor=actor, draft=d, now=now), actor, now) for d in drafts]
    for draft in _visit_types():
        staffed.visit_types[draft.code] = define_visit_type(actor=actor, draft=draft, now=now)
    for name, phone, codes in cast.OUTSIDE:
        details = OrganizationDetails(name=name, phone=phone, specialties=codes)
        staffed.outside.append(add_organization(actor=actor, details=details, now=now))


def _open(resource: Resource, actor: Actor, now: datetime) -> Resource:
    hours = [HoursDraft(site=resource.site, weekday=day, opens=OPENS, closes=CLOSES) for day in range(5)]
    set_hours(actor=actor, resource=resource, hours=hours, now=now)
    return resource


def _room(name: str) -> tuple[str, ...]:
    special = {"Echo room": ("echo_room",), "Stress lab": ("stress_lab",)}
    return special.get(name, ("exam_room",))


def _visit_types() -> tuple[VisitTypeDraft, ...]:
    clinician, room = NeedDraft(role="clinician", ability="clinician"), NeedDraft(role="room", ability="exam_room")
    return (
        VisitTypeDraft(
            code="office",
            name="Office visit",
            duration_minutes=20,
            after_minutes=5,
            no_show_after_minutes=60,
            needs=(clinician, room),
        ),
        VisitTypeDraft(
            code="post-discharge", name="Visit after discharge", duration_minutes=30, needs=(clinician, room)
        ),
        VisitTypeDraft(
            code="cardiology-consult",
            name="Cardiology consult",
            duration_minutes=30,
            needs=(NeedDraft(role="clinician", ability="cardiology"), room),
        ),
        VisitTypeDraft(
            code="specialist-consult",
            name="Specialist consult",
            duration_minutes=30,
            needs=(clinician, room),
        ),
        VisitTypeDraft(code="phone", name="Phone visit", modality="phone", duration_minutes=15, needs=(clinician,)),
    )
