"""Taking back one's own slip within ten seconds, where nothing left the house."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.db.models import Field

from liaison.core.actor import Actor
from liaison.core.refusals import Refusal
from liaison.core.twice import once
from liaison.loops import access, rules
from liaison.loops.actions.changing import REMEMBERED, Change, changing
from liaison.loops.events import EvidenceWithdrawn, LoopReopened
from liaison.loops.models import Clock, Evidence, Loop, LoopEvent, Notice, State


class TooLateToUndo(Refusal):
    """The ten seconds are over, someone else changed it since, or something left the house."""

    code = "loops.too_late_to_undo"
    sentence = "This can't be taken back any more. Change it the ordinary way; the story keeps both."
    status = 409


@once
def undo_last_change(actor: Actor, *, loop_id: int, now: datetime) -> Loop:
    """Put the loop back as it was before this person's last change. Refuses TooLateToUndo and the usual."""
    with changing(actor, access.UNDO, loop_id=loop_id, now=now, ended_too=True) as change:
        last = LoopEvent.objects.select_for_update().filter(loop=change.loop).order_by("-id").first()
        if last is None or not rules.may_undo(
            done_at=last.at,
            now=now,
            is_last=last.version == change.loop.version,
            by_same_person=last.by_id is not None and last.by_id == actor.user_id,
            undoable=last.undoable and last.undone_at is None,
        ):
            raise TooLateToUndo
        was_open = change.loop.state == State.OPEN
        _put_back(change, last=last)
        withdrawn = Evidence.objects.filter(pk__in=last.before.get("evidence", []))
        if kinds := tuple(sorted(set(withdrawn.values_list("kind", flat=True)))):
            change.publish(EvidenceWithdrawn, evidence=kinds)
        if not was_open and change.loop.state == State.OPEN:
            change.publish(LoopReopened)
        change.say("undone", f"Taken back: {last.sentence}")
    return change.loop


def _put_back(change: Change, *, last: LoopEvent) -> None:
    loop = change.loop
    for name in last.before.keys() & REMEMBERED:  # of what was noted before a column came, it stays as it is
        column = Loop._meta.get_field(name.removesuffix("_id"))
        setattr(loop, name, cast("Field[Any, Any]", column).to_python(last.before[name]))
    Clock.objects.filter(pk__in=last.before.get("clocks", [])).update(
        satisfied_at=None, satisfied_by="", voided_at=None, voided_reason="", voided_because=""
    )
    Evidence.objects.filter(pk__in=last.before.get("evidence", [])).update(withdrawn_at=change.now)
    Notice.objects.filter(pk__in=last.before.get("notices", [])).update(seen_at=None)
    last.undone_at = change.now
    last.save()
