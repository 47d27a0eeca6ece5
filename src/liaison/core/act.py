"""The one way to change something.

    with act(actor, BOOK, patient=order.patient, now=now) as entry:
        ...
        entry.publish(AppointmentBooked(appointment_id=appointment.pk, at=now))

All of it happens in one transaction, which `act()` opens unless there is one: it asks whether the actor's roles
hold the verb for this patient, puts an entry into the audit trail and lets others react to what was published.
A refusal rolls everything back; the attempt is then audited in a transaction of its own.

What is not about a patient but belongs to a site (a room, a team, a person's role) names the site instead:

    with act(actor, ARRANGE, site_id=room.site_id, now=now) as entry:
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, Protocol

from django.db import IntegrityError, models, transaction

from liaison.core.actor import Actor
from liaison.core.audit import entry_for, fingerprint
from liaison.core.facts import Fact, reactions_to
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound, Refusal, StepUpNeeded, refusal_for_constraint
from liaison.core.remembering import forget
from liaison.core.twice import SaidBefore, as_asked, was_asked_before
from liaison.core.verbs import Verb

MOST_FACTS: Final = 100_000
# More facts than this in one act means that reactions feed each other: a bug, not a big day.


class Place(Enum):
    """Where an act takes place when it names no site."""

    NONE_NAMED = "none"


class Reachable(Protocol):
    """What `act()` asks of a patient."""

    pk: Any

    def reachable_by(self, actor: Actor, verb: Verb | None = None, *, now: datetime) -> bool:
        """Whether this actor may use this verb on them; without a verb, whether they may see them."""
        ...


@dataclass(slots=True)
class Entry:
    """What will stand in the audit trail, and what is told to others when the body is done."""

    actor: Actor
    verb: Verb
    patient_ids: list[int]
    reason: str
    frame: _Frame
    subject: models.Model | None = None
    before: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def publish(self, fact: Fact) -> None:
        """Tell the packages above what happened; they react after the body, in this transaction."""
        self.frame.facts.append((fact, self.actor))

    def about(self, subject: models.Model) -> None:
        """Name the row this is about, when it did not exist before."""
        self.subject = subject

    def only_once(self, row: models.Model) -> None:
        """End the act here if the same person asked the same of this row a moment ago and it stands so (`twice.once`).

        To be called before the act refuses what it is asked for as changed meanwhile; `row` is locked.
        """
        if was_asked_before(row):
            self.about(row)
            raise SaidBefore(row)

    def concerns(self, *patient_ids: int) -> None:
        """Name further patients that this touches (a merge, a bulk move)."""
        self.patient_ids.extend(pk for pk in patient_ids if pk not in self.patient_ids)

    def note(self, **details: Any) -> None:
        """Add plain JSON values to the entry: counts, codes, ids. Never names or clinical text."""
        self.details.update(details)


@dataclass(slots=True)
class _Frame:
    """What the acts of one transaction share."""

    facts: deque[tuple[Fact, Actor]] = field(default_factory=deque)
    attempt: Entry | None = None


_frame: ContextVar[_Frame | None] = ContextVar("liaison_act", default=None)


@contextmanager
def act(
    actor: Actor,
    verb: Verb,
    *,
    patient: Reachable | None = None,
    site_id: int | Place | None = Place.NONE_NAMED,
    subject: models.Model | None = None,
    reason: str = "",
    now: datetime,
) -> Iterator[Entry]:
    """Do `verb` as `actor`, on `patient` if it is about one. Refuses: Forbidden, NotFound, StepUpNeeded.

    With `site_id` the actor must hold a role that carries the verb at that site or everywhere, else Forbidden;
    `site_id=None` (EVERYWHERE) is what belongs to the whole organization, and wants a role held everywhere. The
    site stands in the entry's details, also when it was refused. A thing that has several sites is asked for each
    by `actor.may_at(verb, site_id=...)` inside the body.

    `now` is needed for verbs that ask for a fresh proof of identity. An inner act joins the outer one's
    transaction: a refusal inside ends the whole of it, save what stands `apart()`.
    """
    forget()
    outer = _frame.get()
    frame = outer or _Frame()
    ids = [patient.pk] if patient is not None and patient.pk is not None else []
    entry = Entry(
        actor=actor, verb=verb, patient_ids=ids, reason=reason, frame=frame, subject=subject,
        before=fingerprint(subject),
    )  # fmt: skip
    if not isinstance(site_id, Place):
        entry.note(site_id=site_id)
    if outer is not None:
        with _as_refusals(entry), _told_again(entry):
            _check(entry, patient=patient, site_id=site_id, now=now)
            yield entry
            _write(entry)
        return
    try:
        with writes_open(), _told_again(entry), _joined(frame), _as_refusals(entry), transaction.atomic():
            _check(entry, patient=patient, site_id=site_id, now=now)
            yield entry
            _write(entry)
            _react(frame)
    except Refusal as refusal:
        _write_refused(frame.attempt or entry, refusal)
        raise


def refuse_unless(actor: Actor, verb: Verb, *, patient: Reachable, now: datetime) -> None:
    """Refuse as an act would, before there is anything to do; the attempt stands in the audit trail under its verb.

    For a form that is not even read from who may not send it. Refuses: Forbidden, NotFound, StepUpNeeded.
    """
    entry = Entry(actor=actor, verb=verb, patient_ids=[patient.pk], reason="", frame=_Frame())
    try:
        _check(entry, patient=patient, site_id=Place.NONE_NAMED, now=now)
    except Refusal as refusal:
        _write_refused(entry, refusal)
        raise


@contextmanager
def apart() -> Iterator[None]:
    """Inside an act, stand or fall alone: an error in here undoes what was done in here, with its audit entries and
    facts, and goes on; who catches it keeps the rest. Outside any act there is nothing to keep apart: each act is a
    transaction of its own.
    """
    frame = _frame.get()
    if frame is None:
        yield
        return
    attempt, facts = frame.attempt, len(frame.facts)
    try:
        with transaction.atomic():
            yield
    except Exception:
        frame.attempt = attempt
        while len(frame.facts) > facts:
            frame.facts.pop()
        raise


@contextmanager
def _joined(frame: _Frame) -> Iterator[None]:
    """Let the acts that begin inside join `frame`."""
    token = _frame.set(frame)
    try:
        yield
    finally:
        _frame.reset(token)


def _check(entry: Entry, *, patient: Reachable | None, site_id: int | Place | None, now: datetime) -> None:
    actor, verb = entry.actor, entry.verb
    if not actor.may(verb):
        raise Forbidden
    if not isinstance(site_id, Place) and not actor.may_at(verb, site_id=site_id):
        raise Forbidden
    if patient is not None and not patient.reachable_by(actor, verb, now=now):
        raise Forbidden if patient.reachable_by(actor, now=now) else NotFound
    if verb.step_up and not actor.has_stepped_up(now=now):
        raise StepUpNeeded


@contextmanager
def _as_refusals(entry: Entry) -> Iterator[None]:
    """Remember which act was refused, and read a violated constraint as the refusal it stands for."""
    try:
        yield
    except Refusal:
        entry.frame.attempt = entry.frame.attempt or entry
        raise
    except IntegrityError as error:
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
        refusal = refusal_for_constraint(name)
        if refusal is None:
            raise
        entry.frame.attempt = entry.frame.attempt or entry
        raise refusal from error


@contextmanager
def _told_again(entry: Entry) -> Iterator[None]:
    """Put a second press into the trail as what it was: nothing was changed."""
    try:
        yield
    except SaidBefore:
        entry.note(repeated=True)
        _write(entry)
        raise


def _write(entry: Entry) -> None:
    subject = entry.subject
    entry_for(
        entry.actor,
        entry.verb,
        outcome=AuditEntry.Outcome.DONE,
        reason=entry.reason,
        patient_ids=entry.patient_ids,
        subject_type=subject._meta.label_lower if subject is not None else "",
        subject_id=subject.pk if subject is not None else None,
        before_hash=entry.before,
        after_hash=fingerprint(subject),
        details=entry.details | as_asked(subject),
    ).save(force_insert=True)


def _write_refused(entry: Entry, refusal: Refusal) -> None:
    subject = entry.subject
    refusal.audited = True
    with writes_open(), transaction.atomic():
        entry_for(
            entry.actor,
            entry.verb,
            outcome=AuditEntry.Outcome.REFUSED,
            refusal_code=refusal.code,
            reason=entry.reason,
            patient_ids=entry.patient_ids,
            subject_type=subject._meta.label_lower if subject is not None else "",
            subject_id=subject.pk if subject is not None else None,
            details=entry.details,
        ).save(force_insert=True)


def _react(frame: _Frame) -> None:
    done = 0
    while frame.facts:
        fact, actor = frame.facts.popleft()
        done += 1
        if done > MOST_FACTS:
            raise RuntimeError(f"More than {MOST_FACTS} facts in one act; the last was {type(fact).__name__}.")
        for reaction in reactions_to(type(fact)):
            reaction(fact, actor=actor.as_liaison())
