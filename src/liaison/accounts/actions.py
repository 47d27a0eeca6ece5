"""The only writes to sites, teams, people, roles and passwords."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator

from liaison.accounts.access import (
    DEACTIVATE,
    EXPORT_AUDIT,
    GIVE_ROLES,
    MANAGE_PEOPLE,
    MANAGE_SITES,
    OWN_PASSWORD,
    OWN_SESSIONS,
    RESET_MFA,
    SET_PASSWORD_FOR,
    Role,
)
from liaison.accounts.events import PersonAdded, PersonDeactivated, RoleChanged
from liaison.accounts.models import Assignment, Session, Site, Team, TeamMember, User
from liaison.accounts.ports import open_work_of
from liaison.accounts.queries import meets_person, reaches_person
from liaison.accounts.rules import initial_password_words
from liaison.accounts.words import WORDS
from liaison.core.act import act
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.audit import Verification, accept_head, record, seal_entries, verify_chain
from liaison.core.refusals import Forbidden, NotFound, Refusal, constraint_refusal
from liaison.core.verbs import Verb


class EmailTaken(Refusal):
    """Two people can't sign in with one address."""

    code = "accounts.email_taken"
    sentence = "Someone already signs in with this address. Open their account, or use another address."


class SiteCodeTaken(Refusal):
    """Site codes are unique."""

    code = "accounts.site_code_taken"
    sentence = "Another site has this code. Choose another one."


class TeamNameTaken(Refusal):
    """Team names are unique at a site."""

    code = "accounts.team_name_taken"
    sentence = "This site has a team of that name. Choose another name."


class RoleAlreadyHeld(Refusal):
    """The same role twice at one site says nothing."""

    code = "accounts.role_already_held"
    sentence = "This person holds this role there already."


class HasOpenWork(Refusal):
    """An account is never closed while something waits for its owner."""

    code = "accounts.has_open_work"
    sentence = "This person still holds open work. Hand it over first, then close the account."


class LastAdministrator(Refusal):
    """Somebody must be able to give roles."""

    code = "accounts.last_administrator"
    sentence = "This is the last administrator. Give someone else the role first."


class NotOneself(Refusal):
    """What must be someone else's decision."""

    code = "accounts.not_oneself"
    sentence = "You can't do this to your own account. Ask another administrator."


class AdministratorExists(Refusal):
    """Only the first administrator comes from the command line unasked."""

    code = "accounts.administrator_exists"
    sentence = "Someone administers this installation already, and can add people and give roles on its pages."


class ReachesFurther(Refusal):
    """An administrator of one site does not act on somebody who also works at another."""

    code = "accounts.reaches_further"
    sentence = "This person also holds roles where you manage nobody. Ask an administrator of all these sites."
    status = 403


class AccountClosed(Refusal):
    """A closed account gets no roles."""

    code = "accounts.account_closed"
    sentence = "This account is closed. Open it again first."


constraint_refusal(
    "accounts_user_email_key",
    lambda: EmailTaken(fields={"email": "Someone already signs in with this address."}),
)
constraint_refusal("accounts_site_code_key", lambda: SiteCodeTaken(fields={"code": "Another site has this code."}))
constraint_refusal("accounts_team_once", TeamNameTaken)
constraint_refusal("accounts_assignment_once", RoleAlreadyHeld)


def add_site(
    *, actor: Actor, code: str, name: str, time_zone: str, address: str = "", phone: str = "", now: datetime
) -> Site:
    """Add a place of the organization. `time_zone` is an IANA name. Refuses: SiteCodeTaken.

    Only for who manages sites everywhere.
    """
    with act(actor, MANAGE_SITES, site_id=EVERYWHERE, now=now) as entry:
        site = Site.objects.create(code=code, name=name, time_zone=time_zone, address=address, phone=phone)
        entry.about(site)
    return site


def add_team(*, actor: Actor, name: str, site: Site | None, now: datetime) -> Team:
    """Add a team of a site, or of the whole organization. Refuses: Forbidden elsewhere, TeamNameTaken."""
    with act(actor, MANAGE_SITES, site_id=site.pk if site else EVERYWHERE, now=now) as entry:
        team = Team.objects.create(name=name, site=site)
        entry.about(team)
    return team


def add_person(
    *, actor: Actor, email: str, name: str, password: str | None = None, is_demo: bool = False, now: datetime
) -> User:
    """Add someone who can sign in. Refuses: EmailTaken.

    Without `password` the account has none until `give_password`; one that is given here is the person's own.
    """
    with act(actor, MANAGE_PEOPLE, now=now) as entry:
        person = User(email=email.strip().lower(), name=name.strip(), is_demo=is_demo, added_at=now)
        person.set_password(password)
        person.save(force_insert=True)
        entry.about(person)
        entry.publish(PersonAdded(user_id=person.pk, at=now))
    return person


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


def rename_person(*, actor: Actor, person: User, name: str, email: str, now: datetime) -> User:
    """Change a person's name or address. Refuses: ReachesFurther (save for oneself), EmailTaken."""
    with act(actor, MANAGE_PEOPLE, subject=person, now=now):
        if person.pk != actor.user_id:
            _refuse_further(actor, MANAGE_PEOPLE, person=person, now=now)
        person.name, person.email = name.strip(), email.strip().lower()
        person.save(update_fields=["name", "email"])
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
    of whoever's care team the person is on, at any site. Refuses: Forbidden, ReachesFurther, NotOneself,
    AccountClosed, RoleAlreadyHeld.
    """
    with act(actor, GIVE_ROLES, site_id=site.pk if site else EVERYWHERE, subject=person, now=now) as entry:
        _refuse_further(actor, GIVE_ROLES, person=person, now=now)
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


def end_role(*, actor: Actor, assignment: Assignment, now: datetime) -> Assignment:
    """Take a role away from now on, at a site where one gives roles. Needs a fresh proof of who asks.

    Refuses: Forbidden elsewhere, LastAdministrator.
    """
    with act(actor, GIVE_ROLES, site_id=assignment.site_id, subject=assignment, now=now) as entry:
        _keep_an_administrator(without=[assignment], now=now)
        assignment.end(now=now)
        assignment.save(update_fields=["ends_at"])
        entry.note(role=assignment.role, user_id=assignment.user_id)
        entry.publish(RoleChanged(user_id=assignment.user_id, at=now))
    return assignment


def set_teams(*, actor: Actor, person: User, teams: Iterable[Team], now: datetime) -> None:
    """Make these the teams that a person is in, and no others.

    Refuses: Forbidden for somebody who works elsewhere alone, and for joining or leaving a team of another site.
    """
    wanted = {team.pk for team in teams}
    with act(actor, MANAGE_PEOPLE, subject=person, now=now) as entry:
        held = set(TeamMember.objects.filter(user=person).values_list("team_id", flat=True))
        changed = Team.objects.filter(pk__in=wanted ^ held)
        if not meets_person(actor, MANAGE_PEOPLE, person=person, now=now) or not all(
            actor.may_at(MANAGE_PEOPLE, site_id=team.site_id) for team in changed
        ):
            raise Forbidden
        TeamMember.objects.filter(user=person).exclude(team_id__in=wanted).delete()
        TeamMember.objects.bulk_create(
            [TeamMember(user=person, team_id=pk) for pk in sorted(wanted)], ignore_conflicts=True
        )
        entry.note(team_ids=sorted(wanted))


def deactivate_person(*, actor: Actor, person: User, now: datetime) -> User:
    """Close an account: its sessions end, its roles end. Needs a fresh proof of who asks.

    Refuses: NotOneself, ReachesFurther, HasOpenWork, LastAdministrator.
    """
    with act(actor, DEACTIVATE, subject=person, now=now) as entry:
        if person.pk == actor.user_id:
            raise NotOneself
        _refuse_further(actor, DEACTIVATE, person=person, now=now)
        held = open_work_of(person.pk)
        if held:
            what = ", ".join(f"{work.count} {work.label}" for work in held)
            raise HasOpenWork(f"{person.name} still holds {what}. Hand it over first, then close the account.")
        current = list(Assignment.objects.current(now=now).filter(user=person))
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
        _refuse_further(actor, DEACTIVATE, person=person, now=now)
        person.reactivate()
        person.save(update_fields=["is_active", "deactivated_at"])
    return person


def reset_mfa(*, actor: Actor, person: User, now: datetime) -> int:
    """Remove all second factors of a person who lost theirs, and end their sessions; returns how many.

    Needs a fresh proof of who asks. Refuses: NotOneself (one's own are managed on the account page), ReachesFurther.
    """
    with act(actor, RESET_MFA, subject=person, now=now) as entry:
        if person.pk == actor.user_id:
            raise NotOneself
        _refuse_further(actor, RESET_MFA, person=person, now=now)
        removed, _ = Authenticator.objects.filter(user_id=person.pk).delete()
        Session.objects.filter(user=person).delete()
        entry.note(removed=removed)
    return int(removed)


def give_password(*, actor: Actor, person: User, now: datetime) -> str:
    """Make a first password that a person must change when they sign in; returns it, to be told once.

    Needs a fresh proof of who asks. Refuses: NotOneself, ReachesFurther, AccountClosed.
    """
    with act(actor, SET_PASSWORD_FOR, subject=person, now=now):
        if person.pk == actor.user_id:
            raise NotOneself
        _refuse_further(actor, SET_PASSWORD_FOR, person=person, now=now)
        if not person.is_active:
            raise AccountClosed
        password = initial_password_words([secrets.randbelow(1_000_000) for _ in range(5)], words=WORDS)
        person.set_password(password)
        person.must_change_password = True
        person.save(update_fields=["password", "must_change_password"])
        Session.objects.filter(user=person).delete()
    return password


def set_password(*, actor: Actor, person: User, password: str, now: datetime) -> None:
    """Change one's own password (its strength is the form's to judge). Refuses: Forbidden for someone else's."""
    with act(_self(actor, OWN_PASSWORD), OWN_PASSWORD, subject=person, now=now):
        if actor.user_id != person.pk and not actor.is_system:
            raise Forbidden
        person.set_password(password)
        person.must_change_password = False
        person.save(update_fields=["password", "must_change_password"])


def end_session(*, actor: Actor, handle: str, now: datetime) -> None:
    """Sign out one of one's own browsers. Refuses: NotFound for someone else's."""
    with act(_self(actor, OWN_SESSIONS), OWN_SESSIONS, now=now):
        own = Session.objects.filter(user_id=actor.user_id)
        keys = [session.session_key for session in own if session.handle == handle]
        if not keys:
            raise NotFound
        own.filter(session_key__in=keys).delete()


def _self(actor: Actor, verb: Verb) -> Actor:
    """Whoever has signed in looks after their own account, also before they are given a first role."""
    return actor if actor.is_anonymous or actor.may(verb) else actor.as_liaison()


def begin_audit_export(*, actor: Actor, looked_for: dict[str, Any], patient_id: int | None, now: datetime) -> None:
    """Say in the audit trail that part of it leaves the house. Needs a fresh proof of who asks."""
    with act(actor, EXPORT_AUDIT, now=now) as entry:
        entry.note(**looked_for)
        if patient_id is not None:
            entry.concerns(patient_id)


class NothingToAccept(Refusal):
    """Only a trail that is unbroken but shorter than what was recorded outside can be a restored one."""

    code = "accounts.nothing_to_accept"
    sentence = "The audit trail holds everything that was recorded outside the database; there is nothing to accept."


def accept_restored_trail(*, actor: Actor, reason: str) -> Verification:
    """Say that an older backup was restored, so that seals which were recorded outside are rightly gone.

    The audit trail says so itself, and from which seal on it goes. Refuses: NothingToAccept. Returns the proof of what
    is there now.
    """
    found = verify_chain()
    if found.missing is None:
        raise NothingToAccept(found.problem or None)
    details = {"missing_seal": found.missing.seal, "missing_hash": found.missing.hash, "head": found.head}
    record(actor, "core.accept_restore", reason=reason, details=details)
    while seal_entries():
        pass
    accept_head()
    return verify_audit_chain(actor=actor)


def verify_audit_chain(*, actor: Actor) -> Verification:
    """Walk the whole chain of seals and keep the result where the audit page shows it."""
    result = verify_chain()
    details = {
        "seals": result.seals,
        "entries": result.entries,
        "head": result.head,
        "compared": result.compared,
        "problem": result.problem,
    }
    record(actor, "core.verify_audit", details=details)
    return result


def _refuse_further(actor: Actor, verb: Verb, *, person: User, now: datetime) -> None:
    """Refuse to act on somebody who holds a role at a site where this actor does not hold `verb`."""
    if not reaches_person(actor, verb, person=person, now=now):
        raise ReachesFurther


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
