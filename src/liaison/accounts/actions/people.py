"""Sites, teams and people: adding them, saying who they are and where they belong."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import make_password

from liaison.accounts.access import MANAGE_PEOPLE, MANAGE_SITES
from liaison.accounts.actions.refusals import LeavesWork, PhoneNeeded, ReachesFurther
from liaison.accounts.events import PersonAdded, TeamAdded
from liaison.accounts.models import Site, Team, TeamMember, User
from liaison.accounts.ports import Leaving, in_words, lost_work
from liaison.accounts.queries import meets_person, reaches_person
from liaison.core.act import act
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.numbers import reaches_from_anywhere, written_number
from liaison.core.refusals import Forbidden, Stale
from liaison.core.verbs import Verb


def add_site(
    *, actor: Actor, code: str, name: str, time_zone: str, phone: str, address: str = "", now: datetime
) -> Site:
    """Add a place of the organization. `time_zone` is an IANA name, `phone` where patients call.

    Only for who manages sites everywhere. Refuses: PhoneNeeded, SiteCodeTaken.
    """
    with act(actor, MANAGE_SITES, site_id=EVERYWHERE, now=now) as entry:
        number = _to_call(phone)
        site = Site.objects.create(code=code, name=name, time_zone=time_zone, address=address, phone=number)
        entry.about(site)
    return site


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDetails:
    """What patients read of a site."""

    name: str
    address: str
    phone: str


def change_site(
    *, actor: Actor, site: Site, details: SiteDetails, expected_version: int | None = None, now: datetime
) -> Site:
    """Say anew what patients read of a site, where one manages sites.

    Refuses: Forbidden elsewhere, PhoneNeeded, Stale (it is not of `expected_version` any more).
    """
    with act(actor, MANAGE_SITES, site_id=site.pk, subject=site, now=now):
        row = Site.objects.select_for_update(no_key=True).get(pk=site.pk)
        _next_version(row, expected_version=expected_version)
        row.name, row.address, row.phone = details.name.strip(), details.address.strip(), _to_call(details.phone)
        row.save(update_fields=["name", "address", "phone", "version"])
    return row


def _next_version(row: Site | User, *, expected_version: int | None) -> None:
    """Count one change of a locked row. Refuses: Stale."""
    if expected_version is not None and row.version != expected_version:
        raise Stale
    row.version += 1


def _to_call(phone: str) -> str:
    """The number as people here write it, however it was typed. Refuses: PhoneNeeded."""
    if not reaches_from_anywhere(phone):
        raise PhoneNeeded
    return written_number(phone)


def add_team(*, actor: Actor, name: str, site: Site | None, now: datetime) -> Team:
    """Add a team of a site, or of the whole organization. Refuses: Forbidden elsewhere, TeamNameTaken."""
    with act(actor, MANAGE_SITES, site_id=site.pk if site else EVERYWHERE, now=now) as entry:
        team = Team.objects.create(name=name, site=site)
        entry.about(team)
        entry.publish(TeamAdded(team_id=team.pk, at=now))
    return team


def add_person(
    *,
    actor: Actor,
    email: str,
    name: str,
    password: str | None = None,
    hashed: str = "",
    is_demo: bool = False,
    now: datetime,
) -> User:
    """Add someone who can sign in. Refuses: EmailTaken.

    Without `password` the account has none until `give_password`; one that is given here is the person's own.
    `hashed` is one that Django's `make_password` has hashed already: the demonstration's people share theirs.
    """
    with act(actor, MANAGE_PEOPLE, now=now) as entry:
        person = User(email=email.strip().lower(), name=name.strip(), is_demo=is_demo, added_at=now)
        person.password = hashed or make_password(password)
        person.save(force_insert=True)
        entry.about(person)
        entry.publish(PersonAdded(user_id=person.pk, at=now))
    return person


def rename_person(
    *, actor: Actor, person: User, name: str, email: str, expected_version: int | None = None, now: datetime
) -> User:
    """Change a person's name or address.

    Refuses: ReachesFurther (save for oneself), EmailTaken, Stale (they are not of `expected_version` any more).
    """
    with act(actor, MANAGE_PEOPLE, subject=person, now=now):
        if person.pk != actor.user_id:
            refuse_further(actor, MANAGE_PEOPLE, person=person, now=now)
        row = User.objects.select_for_update(no_key=True).get(pk=person.pk)
        _next_version(row, expected_version=expected_version)
        row.name, row.email = name.strip(), email.strip().lower()
        row.save(update_fields=["name", "email", "version"])
    return row


def set_teams(
    *,
    actor: Actor,
    person: User,
    teams: Iterable[Team],
    expected_ids: Collection[int] | None = None,
    now: datetime,
) -> None:
    """Make these the teams that a person is in, and no others; `expected_ids` are those that were seen before.

    Refuses: Forbidden for somebody who works elsewhere alone, and for joining or leaving a team of another site;
    Stale when they are in other teams by now; LeavesWork for the last who works in a team that still holds open work.
    """
    wanted = {team.pk for team in teams}
    with act(actor, MANAGE_PEOPLE, subject=person, now=now) as entry:
        User.objects.select_for_update(no_key=True).get(pk=person.pk)  # one at a time says their teams
        held = set(TeamMember.objects.filter(user=person).values_list("team_id", flat=True))
        changed = Team.objects.filter(pk__in=wanted ^ held)
        if not meets_person(actor, MANAGE_PEOPLE, person=person, now=now) or not all(
            actor.may_at(MANAGE_PEOPLE, site_id=team.site_id) for team in changed
        ):
            raise Forbidden
        if expected_ids is not None and held != set(expected_ids):
            raise Stale
        refuse_lost_work(person, team_ids=held - wanted, now=now)
        TeamMember.objects.filter(user=person).exclude(team_id__in=wanted).delete()
        TeamMember.objects.bulk_create(
            [TeamMember(user=person, team_id=pk) for pk in sorted(wanted)], ignore_conflicts=True
        )
        entry.note(team_ids=sorted(wanted))


def refuse_further(actor: Actor, verb: Verb, *, person: User, now: datetime) -> None:
    """Refuse to act on somebody who holds a role at a site where this actor does not hold `verb`."""
    if not reaches_person(actor, verb, person=person, now=now):
        raise ReachesFurther


def refuse_lost_work(
    person: User, *, now: datetime, assignment_ids: Iterable[int] = (), team_ids: Iterable[int] = ()
) -> None:
    """Refuse LeavesWork, with how much, where losing these roles or teams would leave open work behind."""
    leaving = Leaving(user_id=person.pk, assignment_ids=frozenset(assignment_ids), team_ids=frozenset(team_ids))
    lost = lost_work(leaving, now=now)
    if lost:
        raise LeavesWork(
            f"{person.name} still holds {in_words(lost)}. "
            "Hand over or give away what is open first, then do this again."
        )
