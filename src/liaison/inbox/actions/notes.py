"""Writing a note about a patient; adding to it or striking it out, for its words are never changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.keys import hold_key
from liaison.core.live import announce
from liaison.core.refusals import Conflict, NotFound, Refusal
from liaison.inbox import access
from liaison.inbox.actions.keys import KeyReused
from liaison.inbox.models import Note
from liaison.inbox.queries.notes import may_strike, note_for
from liaison.loops.models import Loop
from liaison.patients.models import Patient

A_MINUTE: Final = timedelta(minutes=1)


class NothingNoted(Refusal):
    """There are no words."""

    code = "inbox.nothing_noted"
    sentence = "Write down what colleagues should know."
    field = "text"


class NotedInTheFuture(Refusal):
    """What it is about has not happened yet."""

    code = "inbox.noted_in_the_future"
    sentence = "This has not happened yet. Say when it was, or set a next step on the loop."
    field = "happened_at"


class SayWhyStruck(Refusal):
    """A note is struck out without a reason."""

    code = "inbox.say_why_struck"
    sentence = "Say what is wrong with the note: whoever acted on it must understand."
    field = "reason"


class NotYourNote(Refusal):
    """Somebody else wrote it."""

    code = "inbox.not_your_note"
    sentence = "A colleague wrote this note. Add to it, or ask a supervisor to strike it out."
    status = 403


class AlreadyStruck(Conflict):
    """It was struck out before."""

    code = "inbox.already_struck"
    sentence = "This note was struck out meanwhile. Nothing more is needed."


def write_note(
    actor: Actor,
    *,
    patient: Patient,
    text: str,
    idempotency_key: str,
    now: datetime,
    loop: Loop | None = None,
    happened_at: datetime | None = None,
    clinical: bool = False,
) -> Note:
    """Write down what happened (now, unless `happened_at` says so); the same key again returns the same note.

    A `clinical` note is read by roles that read the chart, and by its writer. Refuses Forbidden, NotFound (no such
    patient here, or the loop is another's), NothingNoted, NotedInTheFuture, KeyReused.
    """
    with act(actor, access.WRITE_NOTE, patient=patient, now=now) as entry:
        known = _known(entry, idempotency_key, patient=patient, text=text)
        if known is not None:
            return known
        if loop is not None and loop.patient_id != patient.pk:
            raise NotFound
        at = happened_at or now
        if at > now + A_MINUTE:  # the person's clock may be a little ahead of ours
            raise NotedInTheFuture
        note = Note(patient=patient, loop=loop, clinical=clinical, happened_at=min(at, now))
        _write(entry, note, text=text, actor=actor, key=idempotency_key, now=now)
    return note


def add_to_note(actor: Actor, *, note_id: int, text: str, idempotency_key: str, now: datetime) -> Note:
    """Add to a note what it lacks or had wrong; additions stand in a row under the first note, as clinical as it is.

    The same key again returns the same addition. Refuses Forbidden, NotFound, NothingNoted, KeyReused.
    """
    note = note_for(actor, note_id=note_id, now=now)
    first = note.adds_to or note
    with act(actor, access.WRITE_NOTE, patient=note.patient, subject=note, now=now) as entry:
        known = _known(entry, idempotency_key, patient=note.patient, text=text)
        if known is not None:
            return known
        more = Note(
            patient=first.patient, loop=first.loop, adds_to=first, clinical=first.clinical, happened_at=now
        )  # fmt: skip
        _write(entry, more, text=text, actor=actor, key=idempotency_key, now=now)
    return more


def strike_note(actor: Actor, *, note_id: int, reason: str, now: datetime) -> Note:
    """Strike a note out: its words stay, with who struck it and why.

    One's own; a colleague's only with the verb for it. Refuses Forbidden, NotFound, SayWhyStruck, NotYourNote,
    AlreadyStruck.
    """
    seen = note_for(actor, note_id=note_id, now=now)
    with act(actor, access.STRIKE_NOTE, patient=seen.patient, subject=seen, now=now) as entry:
        note = Note.objects.select_for_update(of=("self",)).get(pk=seen.pk)
        if not may_strike(actor, note=note, now=now):
            raise NotYourNote
        if note.is_struck:
            raise AlreadyStruck
        if not reason.strip():
            raise SayWhyStruck
        note.strike(by_id=actor.user_id, by_name=actor.name, reason=reason.strip(), now=now)
        note.save()
        entry.about(note)
        _announce(note)
    return note


def _known(entry: Entry, key: str, *, patient: Patient, text: str) -> Note | None:
    hold_key(key)
    known = Note.objects.filter(idempotency_key=key).first()
    if known is None:
        return None
    if (known.patient_id, known.text) != (patient.pk, text.strip()):
        raise KeyReused
    entry.about(known)
    entry.note(repeated=True)
    return known


def _write(entry: Entry, note: Note, *, text: str, actor: Actor, key: str, now: datetime) -> None:
    note.text = text.strip()
    if not note.text:
        raise NothingNoted
    note.noted_at, note.by_id, note.by_name, note.idempotency_key = now, actor.user_id, actor.name, key
    note.save()
    entry.about(note)
    entry.note(clinical=note.clinical, addition=note.adds_to_id is not None)
    _announce(note)


def _announce(note: Note) -> None:
    announce(topic=f"patient:{note.patient_id}", what="note")
