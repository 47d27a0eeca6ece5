"""Who works here, where, and in which teams."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import Count, Prefetch, Q, QuerySet

from liaison.accounts.access import MANAGE_PEOPLE, MANAGE_SITES, Role
from liaison.accounts.models import Assignment, Session, Site, Team, User
from liaison.accounts.queries.reach import people_met, teams_within
from liaison.accounts.rules import browser_in_words
from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden, NotFound

DEMO_PASSWORD = "riverside-demo"  # noqa: S105 - of invented people; production has no demo sign-ins
SHOWN_AT_SIGN_IN: Final = (
    "rosa.delgado@riverside.example",
    "theo.lindqvist@riverside.example",
    "marta.kowalska@riverside.example",
    "imani.achebe@riverside.example",
    "pat.morrow@riverside.example",
    "kofi.mensah@riverside.example",
    "priya.nair@riverside.example",
    "adam.novak@riverside.example",
)
"""Those of the demonstration's people whom its sign-in page offers; the others have the same password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSignIn:
    """One invented person whose account the sign-in page offers in demo mode."""

    name: str
    email: str
    password: str
    roles: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """One person as the list of people shows them."""

    user_id: int
    name: str
    email: str
    initials: str
    is_active: bool
    roles: tuple[str, ...]
    teams: tuple[str, ...]
    factors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSession:
    """One browser in which one is signed in. `handle` names it on the page without giving its key away."""

    handle: str
    browser: str
    words: str
    address: str
    began_at: datetime | None
    seen_at: datetime | None
    is_this_one: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccount:
    """What somebody holds here, and their second factors: an app with codes, passkeys (how many), codes on paper."""

    assignments: tuple[Assignment, ...]
    teams: tuple[Team, ...]
    has_totp: bool
    passkeys: int
    has_recovery_codes: bool


def demo_sign_ins() -> tuple[DemoSignIn, ...]:
    """The invented people whom the sign-in page offers, one of each role first; empty outside demo mode."""
    if settings.LIAISON_MODE != "demo":
        return ()
    offered = User.objects.active().filter(is_demo=True, email__in=SHOWN_AT_SIGN_IN).order_by("pk")
    held = offered.prefetch_related(Prefetch("assignments", Assignment.objects.select_related("site")))
    everyone = [_demo_sign_in(user) for user in held]
    firsts = list({person.roles: person for person in reversed(everyone)}.values())[::-1]
    return (*firsts, *(person for person in everyone if person not in firsts))


def open_demo_accounts() -> tuple[int, str]:
    """How many accounts of invented people are open, and the address of one; for start-up checks."""
    invented = User.objects.active().filter(is_demo=True).order_by("pk")
    return invented.count(), invented.values_list("email", flat=True).first() or ""


def _demo_sign_in(user: User) -> DemoSignIn:
    assignments = [held for held in user.assignments.all() if held.ends_at is None]
    return DemoSignIn(
        name=user.name,
        email=user.email,
        password=DEMO_PASSWORD,
        roles=", ".join(dict.fromkeys(held.label for held in assignments)),
        place=", ".join(dict.fromkeys(held.where for held in assignments)),
    )


def people(actor: Actor, *, text: str = "", closed: bool = False, now: datetime) -> tuple[PersonRow, ...]:
    """Everyone who signs in at the sites where this actor manages people, and who holds no role yet, by name.

    `text` narrows by name or address. Refuses: Forbidden.
    """
    _may_manage(actor)
    found = people_met(actor, MANAGE_PEOPLE, now=now).filter(is_active=not closed)
    for word in text.split():
        found = found.filter(Q(name__icontains=word) | Q(email__icontains=word))
    current = Assignment.objects.current(now=now).select_related("site")
    found = found.prefetch_related(Prefetch("assignments", current), "teams")
    found = found.annotate(factors=Count("authenticator", distinct=True))
    return tuple(_person_row(user) for user in found.order_by("name", "pk"))


def _person_row(user: User) -> PersonRow:
    return PersonRow(
        user_id=user.pk,
        name=user.name,
        email=user.email,
        initials=user.initials,
        is_active=user.is_active,
        roles=tuple(str(held) for held in user.assignments.all()),
        teams=tuple(team.name for team in user.teams.all()),
        factors=user.factors,  # type: ignore[attr-defined]  # annotated above
    )


def person_for(actor: Actor, *, user_id: int, now: datetime) -> User:
    """One person, to be managed. Refuses: Forbidden, NotFound (also for people of other sites alone)."""
    _may_manage(actor)
    try:
        return people_met(actor, MANAGE_PEOPLE, now=now).get(pk=user_id)
    except User.DoesNotExist:
        raise NotFound from None


def assignment_of(person: User, *, assignment_id: int) -> Assignment:
    """A role that this person holds or will hold. The person was fetched for somebody. Refuses: NotFound."""
    found = Assignment.objects.filter(pk=assignment_id, user=person, ends_at__isnull=True).first()
    if found is None:
        raise NotFound
    return found


def assignments_of(person: User, *, now: datetime) -> QuerySet[Assignment]:
    """The roles that this person holds now, with their sites. The person was fetched for somebody."""
    return Assignment.objects.current(now=now).filter(user=person).select_related("site")


def teams_in_reach(actor: Actor, *, person: User) -> QuerySet[Team]:
    """The teams of this person that the actor manages; the others are not theirs to change."""
    return person.teams.filter(pk__in=teams_within(actor, MANAGE_PEOPLE))


def teams_out_of_reach(actor: Actor, *, person: User) -> QuerySet[Team]:
    """The teams of this person that the actor does not manage."""
    return person.teams.exclude(pk__in=teams_within(actor, MANAGE_PEOPLE))


def sites_with_teams(actor: Actor) -> QuerySet[Site]:
    """Every site of the organization with its teams and who is in them. Refuses: Forbidden."""
    if not actor.may(MANAGE_SITES):
        raise Forbidden
    return Site.objects.prefetch_related("teams__members")


def teams_everywhere(actor: Actor) -> QuerySet[Team]:
    """The teams of the whole organization. Refuses: Forbidden."""
    if not actor.may(MANAGE_SITES):
        raise Forbidden
    return Team.objects.filter(site__isnull=True)


def own_account(actor: Actor, *, now: datetime) -> OwnAccount:
    """What the actor holds here and how they prove who they are."""
    kinds = Counter(Authenticator.objects.filter(user_id=actor.user_id or 0).values_list("type", flat=True))
    held = Assignment.objects.current(now=now).filter(user_id=actor.user_id or 0).select_related("site")
    return OwnAccount(
        assignments=tuple(held),
        teams=tuple(Team.objects.filter(pk__in=actor.team_ids)),
        has_totp=Authenticator.Type.TOTP in kinds,
        passkeys=kinds[Authenticator.Type.WEBAUTHN],
        has_recovery_codes=Authenticator.Type.RECOVERY_CODES in kinds,
    )


def has_second_factor(user_id: int) -> bool:
    """Whether this person proves who they are with more than a password."""
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return bool(Authenticator.objects.filter(user_id=user_id, type__in=kinds).exists())


def colleagues(actor: Actor, *, now: datetime, role: Role | None = None, site_id: int | None = None) -> QuerySet[User]:
    """Active people whom work can be given to, by name: those of one role, at one site, or all.

    Names of colleagues are no secret inside the organization; nobody who is not signed in gets any.
    """
    if actor.is_anonymous:
        return User.objects.active().none()
    held = Assignment.objects.current(now=now)
    if role is not None:
        held = held.filter(role=role)
    if site_id is not None:
        held = held.filter(Q(site_id=site_id) | Q(site__isnull=True))
    return User.objects.active().filter(pk__in=held.values("user_id")).order_by("name", "pk")


def sites_of(actor: Actor) -> QuerySet[Site]:
    """The sites at which this actor holds any role."""
    sites = Site.objects.order_by("name")
    return sites if actor.site_ids is None else sites.filter(pk__in=actor.site_ids)


def sessions_of(actor: Actor, *, now: datetime) -> tuple[OwnSession, ...]:
    """The browsers in which this actor is signed in, the latest used first."""
    if actor.user_id is None:
        return ()
    rows = Session.objects.filter(user_id=actor.user_id, expire_date__gt=now).order_by("-seen_at")
    return tuple(
        OwnSession(
            handle=row.handle,
            browser=row.browser,
            words=browser_in_words(row.browser),
            address=row.address or "",
            began_at=row.began_at,
            seen_at=row.seen_at,
            is_this_one=row.session_key == actor.session_key,
        )
        for row in rows
    )


def _may_manage(actor: Actor) -> None:
    if not actor.may(MANAGE_PEOPLE):
        raise Forbidden
