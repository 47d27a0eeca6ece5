"""From a user and a session to an actor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.conf import settings
from django.contrib.auth import get_user

from liaison.accounts.models import Assignment, Site, TeamMember, User
from liaison.accounts.queries.people import has_second_factor
from liaison.accounts.rules import Left, SessionLimits, Unfinished, left
from liaison.accounts.sessions import BEGAN, SEEN, SessionStore
from liaison.core.actor import ANONYMOUS, Actor
from liaison.core.clock import real_instant, training_offset


def actor_for(user: Any, *, session: Mapping[str, Any], now: datetime) -> Actor:
    """The actor that `user` is in `session` with the roles that hold at `now`; nobody when not signed in.

    In production the demonstration's people are nobody however they came in: by a passkey, or in a session of before.
    """
    if not isinstance(user, User) or not user.is_active or (user.is_demo and settings.PRODUCTION):
        return ANONYMOUS
    held = Assignment.objects.current(now=now).filter(user=user).values_list("role", "site_id", "site__time_zone")
    assignments = frozenset(held)
    return Actor(
        user_id=user.pk,
        name=user.name,
        assignments=frozenset((role, site_id) for role, site_id, _ in assignments),
        zone=_zone({site_id: zone for _, site_id, zone in assignments}),
        team_ids=frozenset(TeamMember.objects.filter(user=user).values_list("team_id", flat=True)),
        stepped_up_until=_stepped_up_until(session),
        session_key=getattr(session, "session_key", None) or "",
    )


def actor_of(user: User, *, now: datetime) -> Actor:
    """The actor that `user` is outside any session: for jobs that act for a person, and for tests."""
    return actor_for(user, session={}, now=now)


def actor_for_session(session_key: str, *, now: datetime) -> Actor:
    """The actor whose browser sends this session key, for doors that are not Django views; else nobody.

    Who must first change a first password or set up a second factor is nobody yet, as on every page.
    """
    session = SessionStore(session_key)
    if seconds_left(session, now=now).ended:
        return ANONYMOUS

    class _Request:
        def __init__(self) -> None:
            self.session = session

    user = get_user(_Request())  # type: ignore[arg-type]  # get_user() asks for the session alone
    if isinstance(user, User) and unfinished(user) is not Unfinished.NOTHING:
        return ANONYMOUS
    return actor_for(user, session=session, now=now)


def unfinished(user: User) -> Unfinished:
    """What this person must still do before they do anything else; asked anew each time, as a factor may go."""
    if user.must_change_password:
        return Unfinished.PASSWORD
    if settings.LIAISON_MFA_REQUIRED and not has_second_factor(user.pk):
        return Unfinished.SECOND_FACTOR
    return Unfinished.NOTHING


def seconds_left(session: Mapping[str, Any], *, now: datetime) -> Left:
    """What is left of a session; sessions are timed by the real clock, also under the training clock."""
    real = real_instant(now)
    limits = SessionLimits(
        idle=timedelta(seconds=settings.LIAISON_IDLE_SECONDS),
        absolute=timedelta(seconds=settings.LIAISON_ABSOLUTE_SECONDS),
    )
    began = _instant(session.get(BEGAN)) or real
    return left(began_at=began, seen_at=_instant(session.get(SEEN)) or began, now=real, limits=limits)


def _zone(zones: Mapping[int | None, str | None]) -> tzinfo:
    """The time zone of the first of the sites where somebody holds a role, else of the organization's first site."""
    first = min((site_id for site_id in zones if site_id is not None), default=None)
    name = (
        zones[first] if first is not None else Site.objects.order_by("pk").values_list("time_zone", flat=True).first()
    )
    return ZoneInfo(name) if name else UTC


def _stepped_up_until(session: Mapping[str, Any]) -> datetime | None:
    """Until when the latest proof of identity in this session counts, on Liaison's clock.

    Signing in is such a proof as well as confirming it later; a second factor asked for at sign-in makes
    the sign-in itself the later of two.
    """
    proofs = [proof["at"] for proof in session.get(AUTHENTICATION_METHODS_SESSION_KEY, ())]
    if not proofs:
        return None
    latest = datetime.fromtimestamp(max(proofs), tz=UTC)
    return latest + training_offset() + timedelta(seconds=settings.LIAISON_STEP_UP_SECONDS)


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
