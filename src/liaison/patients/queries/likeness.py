"""Finding registrations that may be one person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db.models import Q, QuerySet

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.patients import rules
from liaison.patients.models import ContactKind, ContactPoint, DuplicateCandidate, Identifier, Patient

COMPARED: Final = 200
"""Registrations that are looked at closely; indexes choose them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAlike:
    """A registered patient who is like someone about to be registered."""

    patient_id: int
    name: str
    birth_on: date | None
    sex: str
    mrn: str
    likeness: rules.Likeness


@dataclass(frozen=True, slots=True, kw_only=True)
class AlikePair:
    """Two patients, by their ids in ascending order, and how alike they are."""

    first_id: int
    second_id: int
    likeness: rules.Likeness


def look_alikes(
    actor: Actor, *, registration: rules.Registration, limit: int = 8, now: datetime
) -> Sequence[LookAlike]:
    """Patients the actor can see who may be the person about to be registered, the most alike first."""
    visible = Patient.objects.current().visible_one_by_one(actor, now=now)
    found = [
        (rules.compare(registration, other=registration_of(patient)), patient)
        for patient in _near(visible, registration)
    ]
    alike = sorted(
        ((likeness, patient) for likeness, patient in found if likeness.score >= rules.SHOW_FROM),
        key=lambda pair: -pair[0].score,
    )[:limit]
    seen(patient.pk for _, patient in alike)
    return [
        LookAlike(
            patient_id=patient.pk,
            name=patient.display_name,
            birth_on=patient.birth_on,
            sex=patient.sex,
            mrn=next((row.value for row in patient.identifiers.all() if row.kind == "mrn"), ""),
            likeness=likeness,
        )
        for likeness, patient in alike
    ]


def pairs_for(actor: Actor, *, patient: Patient, now: datetime) -> Sequence[AlikePair]:
    """Every visible patient who may be the same person as `patient`."""
    mine = registration_of(patient)
    visible = Patient.objects.current().visible_to(actor, now=now).exclude(pk=patient.pk)
    pairs = []
    for other in _near(visible, mine):
        likeness = rules.compare(mine, other=registration_of(other))
        if likeness.score >= rules.SHOW_FROM:
            first, second = sorted([patient.pk, other.pk])
            pairs.append(AlikePair(first_id=first, second_id=second, likeness=likeness))
    return pairs


def likeness_of(one: Patient, other: Patient) -> rules.Likeness:
    """How alike two patients are, and why, an identifier that came for both included. The caller authorised both."""
    likeness = rules.compare(registration_of(one), other=registration_of(other))
    first, second = sorted([one.pk, other.pk])
    if DuplicateCandidate.objects.filter(first_id=first, second_id=second, disputed=True).exists():
        return rules.disputed(likeness)
    return likeness


def registration_of(patient: Patient) -> rules.Registration:
    """What is compared of a patient; retired numbers and former names count too."""
    points = list(patient.contact_points.all())
    return rules.Registration(
        names=((patient.given, patient.family), *((name.given, name.family) for name in patient.names.all())),
        birth_on=patient.birth_on,
        sex=patient.sex,
        phones=_keys(points, ContactKind.PHONE),
        emails=_keys(points, ContactKind.EMAIL),
        addresses=_keys(points, ContactKind.ADDRESS),
        identifiers=frozenset((row.system, row.value_key) for row in patient.identifiers.all()),
    )


def _keys(points: Iterable[ContactPoint], kind: ContactKind) -> frozenset[str]:
    return frozenset(point.value_key for point in points if point.kind == kind)


def _near(visible: QuerySet[Patient], mine: rules.Registration) -> Sequence[Patient]:
    """Those worth comparing: a shared number or line, or a like name (and, if that is too many, birth date)."""
    ids: set[int] = set()
    values = [key for _, key in mine.identifiers]
    if values:
        ids.update(Identifier.objects.filter(value_key__in=values).values_list("patient", flat=True)[:COMPARED])
    lines = [*mine.phones, *mine.emails]
    if lines:
        ids.update(ContactPoint.objects.filter(value_key__in=lines).values_list("patient", flat=True)[:COMPARED])
    for given, family in mine.names:
        alike = Q()
        for word in rules.name_words(f"{given} {family}"):
            alike &= Q(search_keys__overlap=sorted(rules.slip_keys(word)))
        if alike:
            ids.update(visible.filter(alike).order_by().values_list("pk", flat=True)[:COMPARED])
    if mine.birth_on is not None:
        ids.update(visible.filter(birth_on=mine.birth_on).order_by().values_list("pk", flat=True)[:COMPARED])
    near = visible.filter(pk__in=ids).prefetch_related("identifiers", "contact_points", "names")
    return list(near.order_by("pk"))
