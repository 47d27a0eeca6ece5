"""A browser with somebody signed in."""

from __future__ import annotations

from django.conf import settings
from django.test import Client

from liaison.accounts.models import User
from liaison.core.actor import Actor
from liaison.core.postgres.guard import writes_open

HTMX = {"HX-Request": "true"}


def signed_in(actor: Actor) -> Client:
    """The browser of this person."""
    client = Client()
    with writes_open():
        client.force_login(User.objects.get(pk=actor.user_id), backend=settings.AUTHENTICATION_BACKENDS[-1])
    return client


def text_of(response: object) -> str:
    """What the page says."""
    return response.content.decode()
