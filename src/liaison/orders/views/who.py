"""Who asks."""

from __future__ import annotations

from django.http import HttpRequest

from liaison.core.actor import Actor


def who(request: HttpRequest) -> Actor:
    """The actor (the middleware has found out)."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
