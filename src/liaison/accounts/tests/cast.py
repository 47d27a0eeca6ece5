"""The people of the tests, and how they prove who they are."""

from __future__ import annotations

import base64
import hmac
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client

from liaison.accounts.access import Role
from liaison.accounts.actions import add_person, add_site, give_role
from liaison.accounts.models import Site, User
from liaison.accounts.queries import actor_of
from liaison.core.actor import Actor, system_actor
from liaison.core.models import AuditEntry

NOW = datetime(2024, 3, 4, 15, tzinfo=UTC)
LIAISON = system_actor("test")
PASSWORD = "a-long-enough-secret"


def site(name: str = "Riverside") -> Site:
    """A place where people work."""
    return add_site(
        actor=LIAISON, code=name.lower(), name=name, time_zone="America/New_York", phone="617-555-0100", now=NOW
    )


def person(name: str, *roles: Role, at: Site | None = None, **more: Any) -> User:
    """Someone who signs in, with these roles at one site (or everywhere)."""
    email = f"{name.lower().replace(' ', '.')}@riverside.example"
    made = add_person(actor=LIAISON, email=email, name=name, password=PASSWORD, now=NOW, **more)
    for role in roles:
        give_role(actor=LIAISON, person=made, role=role, site=at, now=NOW)
    return made


def acting(user: User) -> Actor:
    """That person as an actor who has just proved who they are."""
    proven = NOW + timedelta(minutes=10)
    return replace(actor_of(user, now=NOW), stepped_up_until=proven, session_key="a-session")


def sign_in(client: Client, user: User, *, password: str = PASSWORD, **query: str) -> Any:
    """Type address and password into the sign-in page."""
    return client.post("/account/login/", {"login": user.email, "password": password, **query})


def totp_code(secret: str, *, at: float) -> str:
    """RFC 6238 with its defaults: HMAC-SHA1, 30 seconds, six digits."""
    key = base64.b32decode(secret)
    digest = hmac.new(key, struct.pack(">Q", int(at) // 30), "sha1").digest()
    offset = digest[-1] & 0x0F
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def trail(verb: str) -> list[AuditEntry]:
    """What the audit trail says of one verb, the oldest first."""
    return list(AuditEntry.objects.filter(verb=verb).order_by("id"))


def old_proof(client: Client) -> None:
    """As if the sign-in were eleven minutes ago."""
    session = client.session
    for proof in session["account_authentication_methods"]:
        proof["at"] -= 660
    session.save()
