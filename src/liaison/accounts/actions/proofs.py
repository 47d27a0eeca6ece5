"""How people prove who they are: passwords, second factors, sessions."""

from __future__ import annotations

import secrets
from datetime import datetime

from allauth.mfa.models import Authenticator

from liaison.accounts.access import OWN_PASSWORD, OWN_SESSIONS, RESET_MFA, SET_PASSWORD_FOR
from liaison.accounts.actions.people import refuse_further
from liaison.accounts.actions.refusals import AccountClosed, NotOneself
from liaison.accounts.models import Session, User
from liaison.accounts.rules import initial_password_words
from liaison.accounts.words import WORDS
from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden, NotFound
from liaison.core.verbs import Verb


def reset_mfa(*, actor: Actor, person: User, now: datetime) -> int:
    """Remove all second factors of a person who lost theirs, and end their sessions; returns how many.

    Needs a fresh proof of who asks. Refuses: NotOneself (one's own are managed on the account page), ReachesFurther.
    """
    with act(actor, RESET_MFA, subject=person, now=now) as entry:
        if person.pk == actor.user_id:
            raise NotOneself
        refuse_further(actor, RESET_MFA, person=person, now=now)
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
        refuse_further(actor, SET_PASSWORD_FOR, person=person, now=now)
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
