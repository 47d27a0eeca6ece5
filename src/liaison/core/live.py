"""Live announcements and presence.

An announcement tells open pages that something changed; it carries a topic and a word, never content: the
page fetches the fragment again and sees what its reader may see. It leaves with the commit, not before. Who may
follow a topic, and who may be seen to be present in one, is `core/following.py` and each package's `topics.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection

from liaison.core.actor import Actor
from liaison.core.following import refuse_unless_present_in
from liaison.core.models import Presence

PRESENT_FOR: Final = timedelta(seconds=45)


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """Someone who has a page open."""

    user_id: int
    name: str


def channel() -> str:
    """The notification channel of this organization."""
    return f"live_{settings.LIAISON_SCHEMA}"


def announce(*, topic: str, what: str) -> None:
    """Tell every open page that follows `topic` ("patient:12", "loop:7", "desk:3") that `what` happened."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel(), json.dumps({"topic": topic, "what": what})])


def announce_at_sites(*, topic: str, site_ids: Iterable[int], what: str) -> None:
    """Tell who follows `topic` at one of these sites ("desk:3"), or everywhere ("desk"), that `what` happened."""
    announce(topic=topic, what=what)
    for site_id in sorted(set(site_ids)):
        announce(topic=f"{topic}:{site_id}", what=what)


def beat(actor: Actor, *, topic: str, now: datetime) -> None:
    """Say that this person has `topic` open; the first beat is announced to the others.

    Refuses NotFound for a topic that this person may not follow, or that shows nobody's presence.
    """
    refuse_unless_present_in(actor, topic=topic, now=now)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO core_presence (topic, user_id, name, seen_at) VALUES (%s, %s, %s, %s)
            ON CONFLICT (topic, user_id) DO UPDATE SET seen_at = EXCLUDED.seen_at, name = EXCLUDED.name
            RETURNING (xmax = 0) AS is_new
            """,
            [topic, actor.user_id, actor.name, now],
        )
        is_new = cursor.fetchone()[0]
        cursor.execute("DELETE FROM core_presence WHERE seen_at < %s", [now - PRESENT_FOR])
    if is_new:
        announce(topic=topic, what="presence")


def leave(actor: Actor, *, topic: str) -> None:
    """Say that this person closed `topic`; of one that they did not have open it says nothing."""
    if actor.user_id is None:
        return
    gone, _ = Presence.objects.filter(topic=topic, user_id=actor.user_id).delete()
    if gone:
        announce(topic=topic, what="presence")


def others_present(actor: Actor, *, topic: str, now: datetime) -> Sequence[Present]:
    """Who else has `topic` open, by name. Refuses NotFound for a topic that this person may not follow."""
    refuse_unless_present_in(actor, topic=topic, now=now)
    rows = Presence.objects.filter(topic=topic, seen_at__gt=now - PRESENT_FOR).order_by("name")
    return [Present(user_id=row.user_id, name=row.name) for row in rows if row.user_id != actor.user_id]
