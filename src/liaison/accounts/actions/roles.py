"""Roles that are given and end, and accounts that close and open."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from liaison.accounts.access import DEACTIVATE, GIVE_ROLES, MANAGE_PEOPLE, ONLY_EVERYWHERE, Role
from liaison.accounts.actions.people import add_person, refuse_further, refuse_lost_work
from liaison.accounts.actions.refusals import (
    AccountClosed,
    AdministratorExists,
    HasOpenWork,
    HeldEverywhere,
    LastAdministrator,
    NotOneself,
    RoleAlreadyHeld,
)
from liaison.accounts.events import PersonDeactivated, RoleChanged
from liaison.accounts.models import Assignment, Session, Site, User
from liaison.accounts.ports import in_words, open_work_of
from liaison.core.act import act
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.refusals import Stale
from liaison.core.twice import once


def appoint_first_administrator(*, actor: Actor, email: str, name: str, password: str | None, now: datetime) -> User:
    """Open an installation: the first who may give roles, everywhere. Refuses: AdministratorExists, EmailTaken."""
    with act(actor, MANAGE_PEOPLE, now=now):
        if User.objects.active().holding(Role.ADMINISTRATOR, now=now).exists():
            raise AdministratorExists
        return appoint_administrator(actor=actor, email=email, name=name, password=password, now=now)


def appoint_administrator(*, actor: Actor, email: str, name: str, password: str | None, now: datetime) -> User:
    """Add someone who may give roles, everywhere. Refuses: Forbidden, EmailTaken."""
    with act(actor, MANAGE_PEOPLE, now=now) as entry:
        person = add_person(actor=actor, email=email, name=name, password=password, now=now)
        give_role(actor=actor, person=person, role=Role.ADMINISTRATOR, site=None, now=now)
        entry.about(person)
    return person


def give_role(
    *,
    actor: Actor,
    person: User,
    role: Role,
    site: Site | None,
    now: datetime,
    ends_at: datetime | None = None,
) -> Assignment:
    """Give a role at one site, or at every site when `site` is None. Needs a fresh proof of who asks.

    Only where one gives roles oneself, to people who work nowhere else, and never to oneself: a role opens the charts
    of whoever's care team the person is on, at any site. Refuses: Forbidden, HeldEverywhere, ReachesFurther,
    NotOneself, AccountClosed, RoleAlreadyHeld.
    """
    with act(actor, GIVE_ROLES, site_id=site.pk if site else EVERYWHERE, subject=person, now=now) as entry:
        refuse_further(actor, GIVE_ROLES, person=person, now=now)
        if site is not None and role in ONLY_EVERYWHERE:
            raise HeldEverywhere
        if person.pk == actor.user_id:
            raise NotOneself
        if not person.is_active:
            raise AccountClosed
        if Assignment.objects.current(now=now).filter(user=person, role=role, site=site).exists():
            raise RoleAlreadyHeld
        assignment = Assignment.objects.create(user=person, role=role, site=site, starts_at=now, ends_at=ends_at)
        entry.note(role=str(role))
        entry.publish(RoleChanged(user_id=person.pk, at=now))
    return assignment


@once
def end_role(*, actor: Actor, assignment: Assignment, now: datetime) -> Assignment:
    """Take a role away from now on, at a site where one gives roles. Needs a fresh proof of who asks.

    Refuses: Forbidden elsewhere, Stale (it ended before), LeavesWork (open work that they could not see any more),
    LastAdministrator.
    """
    with act(actor, GIVE_ROLES, site_id=assignment.site_id, subject=assignment, now=now) as entry:
        assignment = (
            Assignment.objects.select_for_update(of=("self",)).select_related("user", "site").get(pk=assignment.pk)
        )
        if assignment.ends_at is not None and assignment.ends_at <= now:
            entry.only_once(assignment)
            raise Stale
        refuse_lost_work(assignment.user, assignment_ids={assignment.pk}, now=now)
        _keep_an_administrator(without=[assignment], now=now)
        assignment.end(now=now)
        assignment.save(update_fields=["ends_at"])
        entry.note(role=assignment.role, user_id=assignment.user_id)
        entry.publish(RoleChanged(user_id=assignment.user_id, at=now))
    return assignment


def deactivate_person(*, actor: Actor, person: User, now: datetime) -> User:
    """Close an account: its sessions end, its roles end. Needs a fresh proof of who asks.

    Refuses: NotOneself, ReachesFurther, HasOpenWork, LeavesWork (of their teams), LastAdministrator.
    """
    with act(actor, DEACTIVATE, subject=person, now=now) as entry:
        if person.pk == actor.user_id:
            raise NotOneself
        refuse_further(actor, DEACTIVATE, person=person, now=now)
        held = open_work_of(person.pk)
        if held:
            raise HasOpenWork(
                f"{person.name} still holds {in_words(held)}. Hand it over first, then close the account."
            )
        current = list(Assignment.objects.current(now=now).filter(user=person))
        refuse_lost_work(person, assignment_ids={one.pk for one in current}, now=now)
        _keep_an_administrator(without=current, now=now)
        Assignment.objects.filter(pk__in=[held.pk for held in current]).update(ends_at=now)
        Session.objects.filter(user=person).delete()
        person.deactivate(now=now)
        person.save(update_fields=["is_active", "deactivated_at"])
        entry.publish(PersonDeactivated(user_id=person.pk, at=now))
    return person


def reactivate_person(*, actor: Actor, person: User, now: datetime) -> User:
    """Open a closed account again; it has no roles until they are given. Needs a fresh proof of who asks.

    Refuses: ReachesFurther (than where they worked before).
    """
    with act(actor, DEACTIVATE, subject=person, now=now):
        refuse_further(actor, DEACTIVATE, person=person, now=now)
        person.reactivate()
        person.save(update_fields=["is_active", "deactivated_at"])
    return person


def _keep_an_administrator(*, without: Iterable[Assignment], now: datetime) -> None:
    """Refuse when these are the last that let anybody give roles, or the last that let anybody do so everywhere."""
    ending = [held.pk for held in without if held.role == Role.ADMINISTRATOR]
    if not ending:
        return
    # All of them are locked in one order, so that two administrators can't end each other's role at once.
    holding = Assignment.objects.current(now=now).filter(
        role=Role.ADMINISTRATOR, user__is_active=True, ends_at__isnull=True
    )
    locked = list(holding.select_for_update(of=("self",)).order_by("pk"))
    remaining = [held for held in locked if held.pk not in ending]
    everywhere = any(held.site_id is EVERYWHERE for held in locked if held.pk in ending)
    if not any(held.site_id is EVERYWHERE or not everywhere for held in remaining):
        raise LastAdministrator
