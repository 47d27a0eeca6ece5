"""Striking out what was recorded of a follow-up by mistake: it stays to be read, and counts for nothing."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.refusals import Conflict, NotFound
from liaison.core.written_time import day_and_time, long_day
from liaison.loops.actions import ReasonNeeded, void_evidence
from liaison.loops.models import Evidence
from liaison.loops.ports import Mistake
from liaison.pathways.access import STRIKE_PROOF
from liaison.pathways.actions.following import visible_enrolment
from liaison.pathways.actions.visits import medicines_unproven, proof_of_ours, visit_unproven
from liaison.pathways.kinds import RECONCILIATION, VISIT
from liaison.pathways.models import Enrolment
from liaison.pathways.queries import STRUCK_OUT_HERE

_WHAT: Final = {VISIT: "the visit elsewhere", RECONCILIATION: "the medicines reconciled"}


class ProofStruckBefore(Conflict):
    """Somebody else was first."""

    code: ClassVar[str] = "pathways.proof_struck_before"
    sentence = "This was taken back meanwhile. Nothing more is needed."


def strike_proof(actor: Actor, *, enrolment_id: int, evidence_id: int, reason: str, now: datetime) -> Enrolment:
    """Say that a visit elsewhere, or the medicines, were recorded by mistake: it stays, struck through, and counts for
    nothing.

    Its clocks run again, due when they were; the step to book a visit too, unless one of ours took place or is
    expected, which counts then. A follow-up that closed on it opens again; one that was given up stays so. A visit of
    ours is changed on its own page. The same again by the same person changes nothing. Refuses Forbidden, NotFound,
    ReasonNeeded, ProofStruckBefore.
    """
    enrolment = visible_enrolment(actor, enrolment_id, now=now)
    with act(actor, STRIKE_PROOF, patient=enrolment.patient, subject=enrolment, reason=reason, now=now) as entry:
        here = Evidence.objects.select_for_update().filter(loop_id=enrolment.loop_id, about_type="")
        row = here.filter(pk=evidence_id, kind__in=STRUCK_OUT_HERE).first()
        if row is None:
            raise NotFound
        if not reason.strip():
            raise ReasonNeeded
        entry.note(evidence=row.kind, repeated=row.withdrawn_at is not None)
        if row.withdrawn_at is not None:
            return _struck_before(actor, row, enrolment=enrolment, reason=reason)
        mistake = Mistake(
            sentence=f"Recorded by mistake, and taken back: {_what(row, zone=ZoneInfo(enrolment.time_zone))}.",
            reason=reason.strip(),
            kinds=(row.kind,),
            at=row.at,
        )
        instead = proof_of_ours(enrolment) if row.kind == VISIT else ()
        void_evidence(actor, mistake=mistake, instead=instead, loop_id=enrolment.loop_id, now=now)
        unproven = visit_unproven if row.kind == VISIT else medicines_unproven
        unproven(actor, loop_id=enrolment.loop_id, why=mistake.sentence, now=now)
    return enrolment


def _struck_before(actor: Actor, row: Evidence, *, enrolment: Enrolment, reason: str) -> Enrolment:
    if (row.withdrawn_by_id, row.withdrawn_reason) == (actor.user_id, reason.strip()):
        return enrolment
    if not row.withdrawn_by_name:
        raise ProofStruckBefore
    raise ProofStruckBefore(f"{row.withdrawn_by_name} struck this out meanwhile: {row.withdrawn_reason}")


def _what(row: Evidence, *, zone: ZoneInfo) -> str:
    local = (row.happened_at or row.at).astimezone(zone)
    return f"{_WHAT[row.kind]}, {day_and_time(local) if row.kind == VISIT else long_day(local)}"
