"""How a patient wants to be reached, whole: the ways, what is allowed on each, and what they said by channel."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.refusals import NotFound
from liaison.inbox.models import Preference
from liaison.inbox.rules.channels import Category, Channel, Standing
from liaison.patients import access as patient_access
from liaison.patients.actions import ContactDetails
from liaison.patients.models import ContactPoint, Patient
from liaison.patients.queries import shown_contact

_FIRST = {"phone": 0, "email": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class PointNow:
    """One way to reach a patient as it stands; `bad_reason` says why it does not reach them."""

    id: int
    details: ContactDetails
    shown: str
    use: str
    bad_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachSheet:
    """Everything of one screen. `seen` changes when any of it does: a form says against what it was filled in."""

    points: Sequence[PointNow]
    standings: Mapping[tuple[Channel, Category], Standing]
    may_change_person: bool
    may_change_points: bool
    seen: str


def reach_sheet(actor: Actor, *, patient: Patient, now: datetime) -> ReachSheet:
    """How to reach a patient that the caller fetched for this actor. Refuses NotFound."""
    if not patient.reachable_by(actor, now=now):
        raise NotFound
    rows = list(ContactPoint.objects.filter(patient=patient, retired_at=None).order_by("-preferred", "pk"))
    rows.sort(key=lambda row: _FIRST.get(row.kind, 2))
    said = list(Preference.objects.filter(patient=patient).order_by("pk"))
    return ReachSheet(
        points=tuple(_now(row) for row in rows),
        standings={(Channel(row.channel), Category(row.category)): Standing(row.standing) for row in said},
        may_change_person=patient.reachable_by(actor, patient_access.CHANGE, now=now),
        may_change_points=patient.reachable_by(actor, patient_access.CHANGE_CONTACTS, now=now),
        seen=seen_of(patient, points=rows, said=said),
    )


def seen_of(patient: Patient, *, points: Sequence[ContactPoint], said: Sequence[Preference]) -> str:
    """What somebody had before their eyes, in a word that changes when it does."""
    columns = [(row.pk, details_of(row), str(row.bad_since)) for row in sorted(points, key=lambda row: row.pk)]
    last = said[-1].pk if said else 0
    return hashlib.sha256(repr((patient.pk, patient.version, columns, last)).encode()).hexdigest()[:32]


def details_of(row: ContactPoint) -> ContactDetails:
    """A contact point as the patients' actions take it."""
    return ContactDetails(**{name: getattr(row, name) for name in ContactDetails.__slots__})


def _now(row: ContactPoint) -> PointNow:
    bad = row.bad_reason or "it does not reach them"
    return PointNow(
        id=row.pk,
        details=details_of(row),
        shown=shown_contact(row),
        use=row.get_use_display(),
        bad_reason=bad if row.bad_since else "",
    )
