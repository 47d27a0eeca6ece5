"""Asking the database whom criteria fit: one statement, however many patients there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import connection

from liaison.pathways.models import Enrolment
from liaison.pathways.rules.criteria import Criteria
from liaison.pathways.rules.sql import ALL_HOLD, compile_criteria


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An anchor and what criteria say of it: `failed` is the number of the first condition it fails, or None."""

    patient_id: int
    fact_id: int
    resource_id: int
    starts_at: datetime | None
    ends_at: datetime
    time_zone: str
    failed: int | None

    @property
    def stay(self) -> tuple[int, int]:
        """The stay and whose it is, by their ids: a correction may give it to another patient."""
        return self.resource_id, self.patient_id

    @property
    def ended_on(self) -> date:
        """The local day at the patient's site."""
        return self.ends_at.astimezone(ZoneInfo(self.time_zone)).date()


def anchors_that_pass(
    criteria: Criteria, *, now: datetime, patient_ids: Sequence[int] | None = None
) -> list[Candidate]:
    """The anchors for which every condition holds."""
    return _run(criteria, now=now, patient_ids=patient_ids, passing_only=True)


def judged_anchors(criteria: Criteria, *, now: datetime, patient_ids: Sequence[int] | None = None) -> list[Candidate]:
    """Every anchor that ended by `now`, with its verdict."""
    return _run(criteria, now=now, patient_ids=patient_ids, passing_only=False)


def latest_of_each(passing: Sequence[Candidate]) -> list[Candidate]:
    """Of several anchors of one patient the one that ended last: the others need no follow-up of their own."""
    latest: dict[int, Candidate] = {}
    for candidate in passing:
        known = latest.get(candidate.patient_id)
        if known is None or candidate.ends_at >= known.ends_at:
            latest[candidate.patient_id] = candidate
    return list(latest.values())


def to_open(code: str, *, passing: Sequence[Candidate]) -> list[Candidate]:
    """Those for which no loop was opened yet, or whose loop was taken back; the last of each patient, by patient."""
    last = latest_of_each(passing)
    anchors = [candidate.resource_id for candidate in last]
    enrolled = Enrolment.objects.filter(protocol__code=code, anchor_id__in=anchors, voided_at=None)
    known = set(enrolled.values_list("anchor_id", "patient_id"))
    found = [candidate for candidate in last if candidate.stay not in known]
    return sorted(found, key=lambda candidate: candidate.patient_id)  # all lock patients in one order


def failures(criteria: Criteria, *, now: datetime, patient_ids: Sequence[int]) -> dict[tuple[int, int], str]:
    """Why anchors of these patients fail: the stay → the reason of the first condition that does not hold."""
    return {
        one.stay: criteria.conditions[one.failed].otherwise
        for one in judged_anchors(criteria, now=now, patient_ids=patient_ids)
        if one.failed is not None
    }


def _run(
    criteria: Criteria, *, now: datetime, patient_ids: Sequence[int] | None, passing_only: bool
) -> list[Candidate]:
    statement = compile_criteria(criteria, now=now, patient_ids=patient_ids, passing_only=passing_only)
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.params)
        return [
            Candidate(
                patient_id=row[0],
                fact_id=row[1],
                resource_id=row[2],
                starts_at=row[3],
                ends_at=row[4],
                time_zone=row[5],
                failed=None if row[6] == ALL_HOLD else row[6],
            )
            for row in cursor.fetchall()
        ]
