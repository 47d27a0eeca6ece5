"""Noting who may be registered twice, and deciding that they are two people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.patients import access
from liaison.patients.models import DuplicateCandidate, DuplicateDecision, Patient
from liaison.patients.queries.likeness import AlikePair
from liaison.patients.rules import SHOW_FROM


def note_duplicates(*, actor: Actor, patient: Patient, pairs: Iterable[AlikePair], now: datetime) -> int:
    """Keep what was found about one patient, and forget open candidates that no longer look alike.

    A pair that somebody decided on is left alone. Returns how many are open now.
    """
    with act(actor, access.MERGE, patient=patient, now=now) as entry:
        alike = {(pair.first_id, pair.second_id): pair.likeness for pair in pairs}
        decided = {
            (row.first_id, row.second_id)
            for side in ("first", "second")
            for row in DuplicateCandidate.objects.filter(**{side: patient}).exclude(decision=DuplicateDecision.OPEN)
        }
        for side in ("first", "second"):
            DuplicateCandidate.objects.filter(**{side: patient}, decision=DuplicateDecision.OPEN).delete()
        rows = [
            DuplicateCandidate(
                first_id=first,
                second_id=second,
                score=likeness.score,
                reasons=[[reason.code, reason.points] for reason in likeness.reasons],
                conflict=likeness.conflict,
                found_at=now,
            )
            for (first, second), likeness in alike.items()
            if likeness.score >= SHOW_FROM and (first, second) not in decided
        ]
        DuplicateCandidate.objects.bulk_create(rows)
        entry.note(candidates=len(rows))
    return len(rows)


def keep_apart(*, actor: Actor, candidate: DuplicateCandidate, now: datetime) -> None:
    """Decide that two registrations are two people; the pair is not shown again."""
    with act(actor, access.MERGE, patient=candidate.first, subject=candidate, now=now) as entry:
        entry.concerns(candidate.second_id)
        candidate.decide(DuplicateDecision.DIFFERENT, by=actor.user_id, now=now)
        candidate.save()
