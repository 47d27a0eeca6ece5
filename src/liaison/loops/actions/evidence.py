"""Proving a promise kept, and ending it."""

from __future__ import annotations

from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden, Refusal, constraint_refusal
from liaison.core.twice import once
from liaison.core.verbs import Verb
from liaison.loops import access
from liaison.loops.actions.changing import (
    Change,
    ReasonNeeded,
    changing,
    end_clocks,
    follow_clocks,
    recount_evidence,
)
from liaison.loops.events import EvidenceAdded, LoopClosed, LoopGivenUp
from liaison.loops.models import Evidence, Loop, State, Voided
from liaison.loops.ports import About


class EvidenceMissing(Refusal):
    """A loop closes only with its proof; "sent" closes nothing."""

    code = "loops.evidence_missing"
    sentence = "Evidence is still missing. Record it first, or give the loop up with a reason."


class UnknownEvidence(Refusal):
    """This kind of loop is proved by something else."""

    code = "loops.unknown_evidence"
    sentence = "This kind of loop knows no such evidence. Choose one of those listed."


class CareDecides(Forbidden):
    """Clinical evidence is the word of somebody who cares for the patient."""

    code = "loops.care_decides"
    sentence = (
        "This is recorded by those who care for the patient: a coordinator, a clinician or a supervisor. "
        "Give the loop to one of them."
    )


class ManagedElsewhere(Refusal):
    """This loop moves with what it is about, on that page."""

    code = "loops.managed_elsewhere"
    sentence = "This is done on the page of what the loop is about, so that both move together. Open it from the loop."
    status = 409


class ProvenElsewhere(Refusal):
    """This evidence is a thing with a day and a page of its own, not a sentence."""

    code = "loops.proven_elsewhere"
    sentence = (
        "This is proven on its own page: a call by logging it, a visit and the medicines by their day. Open that page "
        "from here."
    )
    field = "kind"


constraint_refusal("loop_closed_has_its_evidence", EvidenceMissing)


def add_evidence(
    actor: Actor,
    *,
    loop_id: int,
    kind: str,
    now: datetime,
    note: str = "",
    about: About | None = None,
    happened_at: datetime | None = None,
    expected_version: int | None = None,
) -> Loop:
    """Record one piece of proof; clocks that wait for it are satisfied. `happened_at` is when it took place, if known.

    A kind that `closes_itself` closes with its last piece. Undoable unless the proof is itself a thing outside
    (`about`). Refuses Forbidden, NotFound, LoopChanged, NotOpen, UnknownEvidence, CareDecides.
    """
    with changing(actor, access.EVIDENCE, loop_id=loop_id, now=now, expected_version=expected_version) as change:
        loop, info = change.loop, change.loop.kind_info
        if kind not in info.accepted_evidence:
            raise UnknownEvidence
        if kind in info.clinical_evidence and not loop.patient.reachable_by(actor, access.CLINICAL_EVIDENCE, now=now):
            raise CareDecides
        row = Evidence.objects.create(
            loop=loop,
            kind=kind,
            note=note,
            about_type=about.type if about else "",
            about_id=about.id if about else None,
            at=now,
            happened_at=happened_at,
            by_id=actor.user_id,
            by_name=actor.name,
        )
        change.evidence_ids.append(row.pk)
        recount_evidence(loop)
        end_clocks(change, satisfied_by=f"evidence:{row.pk}", only_evidence=kind)
        follow_clocks(loop, now=now)
        change.publish(EvidenceAdded, evidence=kind)
        sentence = f"{info.evidence_label(kind)}{f': {note}' if note else '.'}"
        change.say("evidence", sentence, evidence=kind, undoable=about is None)
        if info.closes_itself and not loop.missing_evidence:
            _close(change, actor=actor)
            change.say("closed", f"{sentence.rstrip('.')}. Closed.", evidence=kind, undoable=about is None)
    return change.loop


def close_loop(
    actor: Actor, *, loop_id: int, now: datetime, note: str = "", expected_version: int | None = None
) -> Loop:
    """End it as kept; running clocks that nobody needs any more are voided.

    Refuses Forbidden, NotFound, LoopChanged, NotOpen, EvidenceMissing.
    """
    with changing(actor, access.CLOSE, loop_id=loop_id, now=now, expected_version=expected_version) as change:
        missing = change.loop.missing_evidence
        if missing:
            labels = ", ".join(change.loop.kind_info.evidence_label(code) for code in missing)
            raise EvidenceMissing(f"Still missing: {labels}. Record it first, or give the loop up with a reason.")
        _close(change, actor=actor)
        change.say("closed", f"Closed{f': {note}' if note else '.'}", undoable=True)
    return change.loop


def give_up_loop(
    actor: Actor, *, loop_id: int, reason: str, now: datetime, expected_version: int | None = None
) -> Loop:
    """End it as not kept, with the reason. Refuses ReasonNeeded and the usual."""
    with changing(
        actor, access.GIVE_UP, loop_id=loop_id, now=now, expected_version=expected_version, reason=reason
    ) as change:
        if not reason.strip():
            raise ReasonNeeded
        end_clocks(change, voided_reason=f"Given up: {reason}")
        _end(change, actor=actor, state=State.GIVEN_UP)
        change.loop.given_up_reason = reason.strip()[:500]
        change.publish(LoopGivenUp)
        change.say("given_up", "Given up.", reason=reason, undoable=True)
    return change.loop


@once
def add_evidence_by_hand(
    actor: Actor, *, loop_id: int, kind: str, note: str, now: datetime, expected_version: int | None
) -> Loop:
    """`add_evidence` from the desk's form. Refuses ManagedElsewhere and ProvenElsewhere besides."""
    refuse_managed(actor, access.EVIDENCE, loop_id=loop_id, now=now)
    loop = Loop.objects.filter(pk=loop_id).first()
    if loop is not None and kind in loop.kind_info.proven_at:
        raise ProvenElsewhere
    return add_evidence(actor, loop_id=loop_id, kind=kind, note=note, now=now, expected_version=expected_version)


@once
def close_loop_by_hand(actor: Actor, *, loop_id: int, now: datetime, expected_version: int | None) -> Loop:
    """`close_loop` from the desk's form. Refuses ManagedElsewhere besides."""
    refuse_managed(actor, access.CLOSE, loop_id=loop_id, now=now)
    return close_loop(actor, loop_id=loop_id, now=now, expected_version=expected_version)


@once
def give_up_loop_by_hand(
    actor: Actor, *, loop_id: int, reason: str, now: datetime, expected_version: int | None
) -> Loop:
    """`give_up_loop` from the desk's form. Refuses ManagedElsewhere besides."""
    refuse_managed(actor, access.GIVE_UP, loop_id=loop_id, now=now)
    return give_up_loop(actor, loop_id=loop_id, reason=reason, now=now, expected_version=expected_version)


def refuse_managed(actor: Actor, verb: Verb, *, loop_id: int, now: datetime) -> None:
    """Refuse ManagedElsewhere for a kind that moves on its own page.

    Only to who may do this to the loop: to others the action says what it says of every loop, so that a loop of
    another site can't be told from one that does not exist.
    """
    loop = Loop.objects.select_related("patient").filter(pk=loop_id).first()
    if loop is not None and loop.kind_info.managed_at and loop.patient.reachable_by(actor, verb, now=now):
        raise ManagedElsewhere


def _close(change: Change, *, actor: Actor) -> None:
    end_clocks(change, voided_reason="The loop closed.", because=Voided.CLOSED)
    _end(change, actor=actor, state=State.CLOSED)
    change.publish(LoopClosed)


def _end(change: Change, *, actor: Actor, state: str) -> None:
    loop = change.loop
    loop.state = state
    loop.ended_at, loop.ended_by_id, loop.ended_by_name = change.now, actor.user_id, actor.name
    loop.snoozed_until, loop.snooze_reason = None, ""
    loop.next_escalation_at = None
