"""Climbing the escalation ladder (DOMAIN 3.4): one step per level, one notice per level and person."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.spoken_time import due_in_words
from liaison.loops import access, rules
from liaison.loops.actions.changing import publish, tell
from liaison.loops.events import LoopEscalated
from liaison.loops.models import Loop, Notice
from liaison.loops.queries.calendars import business_calendar
from liaison.loops.queries.owners import people_to_tell

AT_ONCE: Final = 200
"""How many loops one transaction moves: short enough that nobody waits for its locks."""


def escalate_loops(actor: Actor, *, now: datetime, most: int = AT_ONCE) -> int:
    """Move loops whose next rung has come, at most `most`; returns how many. Safe to run twice and at once.

    Rows that someone is working on are skipped and found again next time.
    """
    with act(actor, access.ESCALATE, now=now) as entry:
        due = (
            Loop.objects.open()
            .filter(next_escalation_at__lte=now)
            .select_related("site", "patient")
            .order_by("next_escalation_at")
            .select_for_update(of=("self",), skip_locked=True)[:most]
        )
        loops = list(due)
        for loop in loops:
            _climb(loop, actor=actor, now=now)
            if loop.escalation_level:
                publish(entry, loop, kind=LoopEscalated, now=now, level=loop.escalation_level)
        entry.concerns(*{loop.patient_id for loop in loops})
        entry.note(loops=len(loops))
    return len(loops)


def _climb(loop: Loop, *, actor: Actor, now: datetime) -> None:
    rung = rules.climb(
        priority=loop.priority,
        due_at=loop.due_at,
        started_at=loop.opened_at,
        now=now,
        calendar=business_calendar(site_id=loop.site_id),
        zone=loop.site.zone,
    )
    loop.next_escalation_at = rung.next_at
    level = rung.reached
    if level is None or level.level <= loop.escalation_level:
        loop.save(update_fields=["next_escalation_at"])
        return
    told = people_to_tell(loop, roles=level.notify, now=now)
    loop.escalation_level = level.level
    loop.priority = rules.raised(loop.priority, to=rung.raise_to)
    loop.urgent_at = rules.urgent_at(loop.due_at, priority=loop.priority)
    loop.version += 1
    loop.save()
    words = due_in_words(loop.due_at, now=now, zone=loop.site.zone).text
    Notice.objects.bulk_create(
        [
            Notice(loop=loop, due_at=loop.due_at, level=level.level, user_id=user_id, at=now,
                   sentence=f"{loop.next_step}: {words}"[:300])
            for user_id in told
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    due = words if loop.due_at < now else f"due {words}"
    tell(loop, actor=actor, now=now, what="escalated",
         sentence=f"Escalated to {rules.told_words(level.notify)}: {due}.")  # fmt: skip
