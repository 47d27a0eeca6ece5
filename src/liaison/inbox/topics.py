"""Who hears that a message moved."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.following import topic
from liaison.inbox import access


@topic("messages")
def messages(actor: Actor, names: frozenset[str], /, *, now: datetime) -> Collection[str]:
    """Everyone who reads messages. It says that some message of the organization moved, and not which."""
    del now
    return names & {""} if actor.may(access.READ) else frozenset()
