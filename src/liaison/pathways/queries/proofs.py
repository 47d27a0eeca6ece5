"""What a person typed in of a follow-up, and what of it was struck out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from liaison.core.actor import Actor
from liaison.loops.access import READ_CLINICAL
from liaison.loops.models import Evidence
from liaison.pathways.kinds import POST_DISCHARGE, RECONCILIATION, VISIT
from liaison.pathways.models import Enrolment

STRUCK_OUT_HERE: Final = (VISIT, RECONCILIATION)
"""Evidence that is struck out on the follow-up's page where a person recorded it; calls and visits of ours have pages
of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedProof:
    """One piece that stands: the id of the evidence, what it says ("" for who may not read it), by whom and when."""

    id: int
    kind: str
    note: str
    by_name: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StruckProof:
    """One piece that was struck out. `note` and `reason` are "" for who may not read them."""

    label: str
    note: str
    by_name: str
    at: datetime
    reason: str


def recorded_proofs(row: Enrolment, *, reads: bool) -> tuple[RecordedProof, ...]:
    """What stands, in the order in which it was recorded."""
    return tuple(
        RecordedProof(id=one.pk, kind=one.kind, note=_note(one, reads=reads), by_name=one.by_name, at=one.at)
        for one in _by_hand(row).filter(withdrawn_at=None).order_by("pk")
    )


def struck_proofs(row: Enrolment, *, reads: bool) -> tuple[StruckProof, ...]:
    """What was struck out, the latest first; what was undone within ten seconds is not told."""
    return tuple(
        StruckProof(
            label=POST_DISCHARGE.evidence_label(one.kind),
            note=_note(one, reads=reads),
            by_name=one.withdrawn_by_name,
            at=one.withdrawn_at or one.at,
            reason=one.withdrawn_reason if reads else "",
        )
        for one in _by_hand(row).exclude(withdrawn_reason="").order_by("-withdrawn_at", "-pk")
    )


def reads_clinical(actor: Actor, row: Enrolment, *, now: datetime) -> bool:
    """Whether the actor reads what clinical evidence of this follow-up says, and why it was struck out."""
    return row.patient.reachable_by(actor, READ_CLINICAL, now=now)


def _by_hand(row: Enrolment) -> QuerySet[Evidence]:
    return Evidence.objects.filter(loop_id=row.loop_id, kind__in=STRUCK_OUT_HERE, about_type="")


def _note(one: Evidence, *, reads: bool) -> str:
    return one.note if reads or one.kind not in POST_DISCHARGE.clinical_evidence else ""
