"""Whom and what an administrator reaches: people, teams and roles of the sites where they hold the verb."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from liaison.accounts.access import MANAGE_SITES
from liaison.accounts.models import Assignment, Site, Team, User
from liaison.accounts.rules import meets, reaches
from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden, NotFound
from liaison.core.verbs import Verb


def reaches_person(actor: Actor, verb: Verb, *, person: User, now: datetime) -> bool:
    """Whether `actor` may use `verb` on all that this person is: each role they hold is at a site of the verb.

    Who holds no role any more still counts where they did, as their name stands on care teams there; who never
    held one is reached by everybody who has the verb.
    """
    return reaches(actor.sites_for(verb), held=_sites_of(person, now=now))


def meets_person(actor: Actor, verb: Verb, *, person: User, now: datetime) -> bool:
    """Whether this person works, at least also, where `actor` holds `verb`."""
    return meets(actor.sites_for(verb), held=_sites_of(person, now=now))


def people_met(actor: Actor, verb: Verb, *, now: datetime) -> QuerySet[User]:
    """The people whom `actor` meets by `verb`, as `meets_person` says it of one."""
    sites = actor.sites_for(verb)
    if sites is None:
        return User.objects.all()
    held = Assignment.objects.filter(user=OuterRef("pk"))
    standing = held.standing(now=now)
    here = Q(site_id__in=sites)
    left_here = ~Exists(standing) & Exists(held.filter(here))
    return User.objects.filter(Exists(standing.filter(here)) | left_here | ~Exists(held))


def sites_within(actor: Actor, verb: Verb) -> QuerySet[Site]:
    """The sites at which `actor` holds `verb`."""
    sites = actor.sites_for(verb)
    return Site.objects.all() if sites is None else Site.objects.filter(pk__in=sites)


def site_for(actor: Actor, *, site_id: int) -> Site:
    """A site that `actor` manages. Refuses: Forbidden, NotFound."""
    if not actor.may(MANAGE_SITES):
        raise Forbidden
    found = sites_within(actor, MANAGE_SITES).filter(pk=site_id).first()
    if found is None:
        raise NotFound
    return found


def teams_within(actor: Actor, verb: Verb) -> QuerySet[Team]:
    """The teams of those sites; those of the whole organization for who holds the verb everywhere."""
    sites = actor.sites_for(verb)
    teams = Team.objects.select_related("site")
    return teams if sites is None else teams.filter(site_id__in=sites)


def _sites_of(person: User, *, now: datetime) -> frozenset[int | None]:
    held = Assignment.objects.filter(user=person)
    standing = frozenset(held.standing(now=now).values_list("site_id", flat=True))
    return standing or frozenset(held.values_list("site_id", flat=True))
