"""What the inbox tells a patient's timeline: messages, calls and notes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models.functions import Coalesce
from django.urls import reverse

from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden
from liaison.core.timeline import TimelineEntry, years_in
from liaison.inbox import access
from liaison.inbox.models import Call, Message, Note
from liaison.inbox.models.messages import Direction
from liaison.inbox.queries.call_words import CallShown, in_one_line, shown_calls
from liaison.inbox.queries.notes import readable
from liaison.patients.models import Patient
from liaison.patients.queries import refuse_unseen


def timeline(
    actor: Actor,
    *,
    patient: Patient,
    kinds: Collection[str] = (),
    before: datetime | None = None,
    limit: int = 50,
    now: datetime,
) -> tuple[TimelineEntry, ...]:
    """Messages, calls and the notes this actor may read, the newest first: at most `limit`, earlier than `before`.

    `kinds` of nothing means all kinds; ours are "message", "call" and "note". Refuses Forbidden, NotFound.
    """
    if not actor.may(access.READ):
        raise Forbidden
    refuse_unseen(actor, patient=patient, now=now)
    entries: list[TimelineEntry] = []
    if not kinds or "message" in kinds:
        messages = Message.objects.filter(patient=patient)
        messages = messages.filter(queued_at__lt=before) if before else messages
        entries += [_message(row) for row in messages.order_by("-queued_at", "-pk")[:limit]]
    if not kinds or "call" in kinds:
        calls = Call.objects.filter(patient=patient)
        calls = calls.filter(started_at__lt=before) if before else calls
        latest = calls.order_by("-started_at", "-pk")[:limit]
        entries += [_call(one) for one in shown_calls(actor, latest, patient=patient, now=now)]
    if not kinds or "note" in kinds:
        notes = readable(actor, patient=patient, now=now)
        notes = notes.filter(happened_at__lt=before) if before else notes
        entries += [_note(row) for row in notes.order_by("-happened_at", "-pk")[:limit]]
    entries.sort(key=lambda entry: (entry.at, entry.key), reverse=True)
    return tuple(entries[:limit])


def timeline_years(actor: Actor, *, patient: Patient, before: datetime, now: datetime) -> frozenset[int]:
    """The years before an instant of which `timeline` tells. Refuses Forbidden, NotFound."""
    if not actor.may(access.READ):
        raise Forbidden
    refuse_unseen(actor, patient=patient, now=now)
    messages = Message.objects.filter(patient=patient, queued_at__lt=before)
    return frozenset().union(
        years_in(messages, Coalesce("sent_at", "queued_at")),
        years_in(Call.objects.filter(patient=patient, started_at__lt=before), "started_at"),
        years_in(readable(actor, patient=patient, now=now).filter(happened_at__lt=before), "happened_at"),
    )


def _message(row: Message) -> TimelineEntry:
    to = "from the patient" if row.direction == Direction.IN else f"to {row.to_proxy or 'the patient'}"
    return TimelineEntry(
        at=row.sent_at or row.queued_at,
        kind="message",
        title=row.subject,
        detail=f"{row.channel} {to}: {row.get_state_display()}",
        url=reverse("inbox:message", args=[row.pk]),
        source="inbox",
        key=f"message:{row.pk:012d}",
    )


def _call(one: CallShown) -> TimelineEntry:
    struck = f"Struck out by {one.struck_by}: {one.struck_reason}"
    by = f"({one.by}, entered {one.entered_on})" if one.entered_on else f"({one.by})"
    return TimelineEntry(
        at=one.at,
        kind="call",
        title=f"Call with {one.with_whom}: {one.outcome_label}",
        detail=struck if one.struck_at else " ".join(part for part in (in_one_line(one), by) if part),
        url=reverse("inbox:call_shown", args=[one.id]),
        struck_at=one.struck_at,
        source="inbox",
        key=f"call:{one.id:012d}",
    )


def _note(row: Note) -> TimelineEntry:
    title = "Note" if row.adds_to_id is None else "Addition to a note"
    return TimelineEntry(
        at=row.happened_at,
        kind="note",
        title=f"{title} by {row.by_name}",
        detail=_struck(row) if row.is_struck else row.text,
        url=reverse("inbox:note_shown", args=[row.pk]),
        struck_at=row.struck_at,
        source="inbox",
        key=f"note:{row.pk:012d}",
    )


def _struck(row: Note) -> str:
    return f"Struck out by {row.struck_by_name}: {row.struck_reason}"
