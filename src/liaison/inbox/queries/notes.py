"""Notes about a patient, for those who may read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import Forbidden, NotFound
from liaison.inbox import access
from liaison.inbox.models import Note
from liaison.loops.queries import words_of
from liaison.patients.models import Patient


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteLine:
    """One note or addition; `struck_reason` is empty on one that counts."""

    id: int
    text: str
    happened_at: datetime
    noted_at: datetime
    by_name: str
    may_strike: bool
    struck_at: datetime | None
    struck_by_name: str
    struck_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteShown:
    """A note with everything that was added to it, the first one first."""

    patient: Patient
    first: NoteLine
    additions: Sequence[NoteLine]
    clinical: bool
    loop_id: int | None
    loop_title: str
    zone: str
    may_add: bool


def get_note(actor: Actor, *, note_id: int, now: datetime) -> NoteShown:
    """One note; the id of an addition shows the note it belongs to. Refuses Forbidden, NotFound."""
    found = note_for(actor, note_id=note_id, now=now)
    first = found.adds_to or found
    site = first.patient.home_site()
    seen(first.patient_id)
    return NoteShown(
        patient=first.patient,
        first=_line(actor, first, now=now),
        additions=tuple(_line(actor, one, now=now) for one in first.additions.order_by("pk")),
        clinical=first.clinical,
        loop_id=first.loop_id,
        loop_title=words_of(actor, loops=[first.loop], now=now)[first.loop.pk].title if first.loop else "",
        zone=site.time_zone if site else "",
        may_add=first.patient.reachable_by(actor, access.WRITE_NOTE, now=now),
    )


def note_for(actor: Actor, *, note_id: int, now: datetime) -> Note:
    """The row of one note that the actor may read. Refuses Forbidden, NotFound."""
    if not actor.may(access.READ):
        raise Forbidden
    related = ("patient", "loop", "adds_to", "adds_to__patient", "adds_to__loop")
    note = Note.objects.select_related(*related).filter(pk=note_id).first()
    if note is None or not note.patient.reachable_by(actor, now=now):
        raise NotFound
    if not readable(actor, patient=note.patient, now=now).filter(pk=note.pk).exists():
        raise NotFound
    return note


def readable(actor: Actor, *, patient: Patient, now: datetime) -> QuerySet[Note]:
    """The notes on a patient whom the actor can see: all, or all but the clinical ones of others."""
    notes = Note.objects.filter(patient=patient)
    if patient.reachable_by(actor, access.READ_CLINICAL_NOTE, now=now):
        return notes
    return notes.filter(Q(clinical=False) | (Q(by_id=actor.user_id) & Q(by_id__isnull=False)))


def may_strike(actor: Actor, *, note: Note, now: datetime) -> bool:
    """Whether this is the actor's own note, or the actor may strike out anybody's."""
    own = note.by_id is not None and note.by_id == actor.user_id
    return own or note.patient.reachable_by(actor, access.STRIKE_ANY_NOTE, now=now)


def _line(actor: Actor, note: Note, *, now: datetime) -> NoteLine:
    return NoteLine(
        id=note.pk,
        text=note.text,
        happened_at=note.happened_at,
        noted_at=note.noted_at,
        by_name=note.by_name,
        may_strike=not note.is_struck and may_strike(actor, note=note, now=now),
        struck_at=note.struck_at,
        struck_by_name=note.struck_by_name,
        struck_reason=note.struck_reason,
    )
