"""A loop's story with the calls that it tells of: each once, at the time when it was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden
from liaison.inbox import access
from liaison.inbox.models import Call
from liaison.inbox.queries.call_words import CallShown, shown_calls
from liaison.loops.models import Evidence
from liaison.loops.queries import LoopStory, StoryLine
from liaison.patients.queries import get_patient


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldLine:
    """One line of the story, with the call that it tells of; `line` is None for a call that moved nothing."""

    at: datetime
    line: StoryLine | None = None
    call: CallShown | None = None

    @property
    def said(self) -> str:
        """What was said on the call, unless the line says it."""
        said = self.call.said if self.call else ""
        return "" if self.line is not None and said in self.line.sentence else said


def told_story(actor: Actor, *, story: LoopStory, now: datetime) -> Sequence[ToldLine]:
    """The story, the newest first, with the calls that were made for the loop or that prove something in it.

    Refuses Forbidden, NotFound.
    """
    if not actor.may(access.READ):
        raise Forbidden
    patient = get_patient(actor, patient_id=story.row.patient.id, now=now)
    proofs = Evidence.objects.filter(loop_id=story.row.id, about_type="inbox.call", about_id__isnull=False)
    proved = {row.at: row.about_id or 0 for row in proofs.order_by("-pk")}
    calls = Call.objects.filter(patient=patient)
    found = calls.filter(loop_id=story.row.id) | calls.filter(pk__in=proved.values())
    left = {one.id: one for one in shown_calls(actor, found.order_by("pk"), patient=patient, now=now)}
    told = []
    for line in sorted(story.story, key=lambda line: line.id):
        call_id = proved.get(line.at) if line.what in {"evidence", "closed"} else None
        call = left.pop(call_id, None) if call_id is not None else None
        told.append(ToldLine(at=call.at if call else line.at, line=line, call=call))
    told += [ToldLine(at=call.at, call=call) for call in left.values()]
    return sorted(told, key=lambda one: (one.at, one.line is None, one.line.id if one.line else 0), reverse=True)
