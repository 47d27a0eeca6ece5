"""Who asks: the actor that the middleware put on the request, with its type."""

from __future__ import annotations

from django.http import HttpRequest

from liaison.core.actor import Actor


def actor_of(request: HttpRequest) -> Actor:
    """The person in this session, or nobody (`ActorMiddleware` sets it on every request)."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
