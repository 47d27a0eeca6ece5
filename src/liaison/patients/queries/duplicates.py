"""Who may be registered twice, two patients side by side, and merges that stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import QuerySet

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import NotFound
from liaison.patients import access, rules
from liaison.patients.models import DuplicateCandidate, DuplicateDecision, MergeRecord, Patient
from liaison.patients.queries.band import Band, band
from liaison.patients.queries.likeness import likeness_of


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateRow:
    """A pair to decide on. `reasons` are (code, points)."""

    candidate_id: int
    score: int
    conflict: bool
    reasons: Sequence[rules.Reason]
    first_id: int
    first_name: str
    second_id: int
    second_name: str
    found_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One line of two patients side by side."""

    label: str
    left: str
    right: str

    @property
    def differs(self) -> bool:
        """Whether both say something, and not the same."""
        return bool(self.left) and bool(self.right) and self.left != self.right


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two patients side by side, why they look alike, and what stands against it."""

    left: Band
    right: Band
    likeness: rules.Likeness
    lines: Sequence[Difference]


def duplicates(actor: Actor, *, limit: int = 100, now: datetime) -> Sequence[DuplicateRow]:
    """The open pairs of which the actor may merge both: those for whom one identifier came, then the most alike."""
    pairs = _to_decide(actor, now=now).select_related("first", "second")
    rows = list(pairs.order_by("-disputed", "-score", "pk")[:limit])
    seen(pk for row in rows for pk in (row.first_id, row.second_id))
    return [
        DuplicateRow(
            candidate_id=row.pk,
            score=row.score,
            conflict=row.conflict,
            reasons=[rules.Reason(code=code, points=points) for code, points in row.reasons],
            first_id=row.first_id,
            first_name=row.first.display_name,
            second_id=row.second_id,
            second_name=row.second.display_name,
            found_at=row.found_at,
        )
        for row in rows
    ]


def count_duplicates(actor: Actor, *, now: datetime) -> int:
    """How many open pairs there are of which the actor may merge both."""
    return _to_decide(actor, now=now).count()


def get_candidate(actor: Actor, *, candidate_id: int, now: datetime) -> DuplicateCandidate:
    """One pair of which the actor may merge both. Refuses: NotFound."""
    mine = Patient.objects.visible_to(actor, access.MERGE, now=now)
    found = DuplicateCandidate.objects.filter(pk=candidate_id, first__in=mine, second__in=mine)
    row = found.select_related("first", "second").first()
    if row is None:
        raise NotFound
    seen([row.first_id, row.second_id])
    return row


def compare_patients(actor: Actor, *, left: Patient, right: Patient, now: datetime) -> Comparison:
    """Two patients side by side. Refuses: NotFound when the actor can't see both."""
    one, other = band(actor, patient=left, now=now), band(actor, patient=right, now=now)
    return Comparison(left=one, right=other, likeness=likeness_of(left, right), lines=_lines(one, other))


def standing_merges(actor: Actor, *, limit: int = 50, now: datetime) -> Sequence[MergeRecord]:
    """Merges that may be undone, the newest first."""
    mine = Patient.objects.visible_to(actor, access.MERGE, now=now)
    rows = list(
        MergeRecord.objects.filter(undone_at__isnull=True, survivor__in=mine)
        .select_related("survivor", "merged", "merged_by")
        .order_by("-pk")[:limit]
    )
    seen(patient_id for row in rows for patient_id in (row.survivor_id, row.merged_id))
    return rows


def get_merge(actor: Actor, *, merge_id: int, now: datetime) -> MergeRecord:
    """One merge whose survivor the actor may see. Refuses: NotFound."""
    mine = Patient.objects.visible_to(actor, access.MERGE, now=now)
    row = MergeRecord.objects.filter(pk=merge_id, survivor__in=mine).select_related("survivor", "merged").first()
    if row is None:
        raise NotFound
    seen([row.survivor_id, row.merged_id])
    return row


def _to_decide(actor: Actor, *, now: datetime) -> QuerySet[DuplicateCandidate]:
    mine = Patient.objects.current().visible_to(actor, access.MERGE, now=now)
    return DuplicateCandidate.objects.filter(decision=DuplicateDecision.OPEN, first__in=mine, second__in=mine)


def _lines(one: Band, other: Band) -> Sequence[Difference]:
    def day(on: date | None) -> str:
        return on.isoformat() if on else ""

    pairs = [
        ("Name", one.name, other.name),
        ("Called", one.called_as, other.called_as),
        ("Birth date", day(one.birth_on), day(other.birth_on)),
        ("Sex", one.sex_label, other.sex_label),
        ("Speaks", one.language, other.language),
        ("Reached at", _contacts(one), _contacts(other)),
        ("Identifiers", _numbers(one), _numbers(other)),
        ("Site", one.home_site, other.home_site),
        ("Care team", _team(one), _team(other)),
        ("Proxies", _speakers(one), _speakers(other)),
    ]
    return [Difference(label=label, left=left, right=right) for label, left, right in pairs]


def _contacts(of: Band) -> str:
    return " · ".join(contact.shown for contact in of.contacts)


def _numbers(of: Band) -> str:
    return " · ".join(f"{row.value} ({row.label})" for row in of.identifiers)


def _team(of: Band) -> str:
    return " · ".join(member.name for member in of.care_team)


def _speakers(of: Band) -> str:
    return " · ".join(proxy.name for proxy in of.proxies)
