"""Who hears that a message moved."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.following import at_sites, topic
from liaison.inbox import access


@topic("messages")
def messages(actor: Actor, names: frozenset[str], /, *, now: datetime) -> Collection[str]:
    """Everyone who reads messages at that site. It says that some message of a patient there moved, and not which.

    Whose mail is that nobody could match yet, only those hear who read everywhere.
    """
    del now
    return at_sites(actor, access.READ, names)
