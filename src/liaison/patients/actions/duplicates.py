"""Noting who may be registered twice, and deciding that they are two people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.patients import access
from liaison.patients.models import DuplicateCandidate, DuplicateDecision, Patient
from liaison.patients.queries.likeness import AlikePair, likeness_of
from liaison.patients.rules import SHOW_FROM


def note_duplicates(*, actor: Actor, patient: Patient, pairs: Iterable[AlikePair], now: datetime) -> int:
    """Keep what was found about one patient, and forget open candidates that no longer look alike.

    A pair that somebody decided on is left alone; one with a disputed identifier stays until somebody does.
    Returns how many are open now.
    """
    with act(actor, access.MERGE, patient=patient, now=now) as entry:
        alike = {(pair.first_id, pair.second_id): pair.likeness for pair in pairs}
        _open(patient).filter(disputed=False).delete()
        disputed = list(_open(patient).select_related("first", "second"))
        for row in disputed:
            _measure(row).save()
        kept = {(row.first_id, row.second_id) for row in _about(patient)}
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
            if likeness.score >= SHOW_FROM and (first, second) not in kept
        ]
        DuplicateCandidate.objects.bulk_create(rows)
        entry.note(candidates=len(rows) + len(disputed))
    return len(rows) + len(disputed)


def note_disputed_identifier(*, actor: Actor, patient: Patient, other: Patient, now: datetime) -> None:
    """An identifier that `other` bears came with the record of `patient`: a person decides whether they are one.

    The pair stands among the possible duplicates, marked as contradictory, until it is decided on; a decision that was
    made before holds. Nothing is merged.
    """
    with act(actor, access.MERGE, patient=patient, now=now) as entry:
        entry.concerns(other.pk)
        dispute(patient, other, now=now)


def dispute(one: Patient, other: Patient, *, now: datetime) -> None:
    """Write down that an identifier came for both, unless somebody decided on them before. The caller authorised it."""
    first, second = sorted([one, other], key=lambda patient: patient.pk)
    row = DuplicateCandidate.objects.filter(first=first, second=second).first()
    if row is None:
        row = DuplicateCandidate(first=first, second=second, score=0, found_at=now)
    elif row.decision != DuplicateDecision.OPEN:
        return
    row.disputed = row.conflict = True
    row.save()
    _measure(row).save()


def keep_apart(*, actor: Actor, candidate: DuplicateCandidate, now: datetime) -> None:
    """Decide that two registrations are two people; the pair is not shown again."""
    with act(actor, access.MERGE, patient=candidate.first, subject=candidate, now=now) as entry:
        entry.concerns(candidate.second_id)
        candidate.decide(DuplicateDecision.DIFFERENT, by=actor.user_id, now=now)
        candidate.save()


def _about(patient: Patient) -> QuerySet[DuplicateCandidate]:
    return DuplicateCandidate.objects.filter(Q(first=patient) | Q(second=patient))


def _open(patient: Patient) -> QuerySet[DuplicateCandidate]:
    return _about(patient).filter(decision=DuplicateDecision.OPEN)


def _measure(row: DuplicateCandidate) -> DuplicateCandidate:
    """Score a disputed pair anew, by what is known of both now."""
    likeness = likeness_of(row.first, row.second)
    row.score = likeness.score
    row.reasons = [[reason.code, reason.points] for reason in likeness.reasons]
    return row
