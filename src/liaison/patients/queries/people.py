"""One patient, or several by what systems call them. Merged patients resolve to their survivor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Q

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import NotFound
from liaison.core.verbs import Verb
from liaison.patients.models import ContactPoint, Identifier, Patient, PatientSite

Pair = tuple[str, str]


def sites_of(*patient_ids: int) -> frozenset[int]:
    """The sites at which these are patients, for telling open pages there; says nothing about a person."""
    return frozenset(PatientSite.objects.filter(patient_id__in=patient_ids).values_list("site_id", flat=True))


def get_patient(actor: Actor, *, patient_id: int, verb: Verb | None = None) -> Patient:
    """The patient, or the survivor they were merged into. Refuses: NotFound (does not exist or is invisible)."""
    found = Patient.objects.with_survivor().filter(pk=patient_id).first()
    if found is None:
        raise NotFound
    patient = found.survivor
    if not patient.reachable_by(actor, verb):
        raise NotFound
    seen(patient.pk)
    return patient


def contact_point_of(patient: Patient, *, contact_point_id: int) -> ContactPoint:
    """One way to reach a patient that was not given up. The patient was fetched for somebody. Refuses: NotFound."""
    found = patient.contact_points.filter(pk=contact_point_id, retired_at__isnull=True).first()
    if found is None:
        raise NotFound
    return found


def places_of(patient: Patient) -> Sequence[PatientSite]:
    """Where they are a patient, the home site first. The patient was fetched for somebody."""
    return tuple(patient.sites.select_related("site").order_by("-is_home", "pk"))


def patients_shown(actor: Actor, *, patient_ids: Iterable[int]) -> Mapping[int, Patient]:
    """Those of some patients that the actor may see, by the ids that were asked for, in two queries."""
    asked = list(Patient.objects.with_survivor().filter(pk__in=set(patient_ids)))
    survivors = {patient.pk: patient.survivor for patient in asked}
    wanted = {patient.pk for patient in survivors.values()}
    visible = set(Patient.objects.filter(pk__in=wanted).visible_to(actor).values_list("pk", flat=True))
    shown = {pk: patient for pk, patient in survivors.items() if patient.pk in visible}
    seen({patient.pk for patient in shown.values()})
    return shown


def patient_by_identifier(actor: Actor, *, system: str, value: str) -> Patient | None:
    """The patient whom `system` calls `value`, exactly as written; None when there is none to see."""
    return patients_by_identifiers(actor, pairs=[(system, value)]).get((system, value))


def patients_by_identifiers(actor: Actor, *, pairs: Iterable[Pair]) -> Mapping[Pair, Patient]:
    """The patients behind pairs (system, value), survivors in place of merged ones; unknown pairs are left out."""
    wanted = set(pairs)
    if not wanted:
        return {}
    by_system: dict[str, list[str]] = {}
    for system, value in wanted:
        by_system.setdefault(system, []).append(value)
    match = Q()
    for system, values in by_system.items():
        match |= Q(system=system, value__in=values)
    rows = Identifier.objects.filter(match).select_related("patient__merged_into")
    found = {(row.system, row.value): row.patient.survivor for row in rows}
    visible = set(
        Patient.objects.filter(pk__in={patient.pk for patient in found.values()})
        .visible_to(actor)
        .values_list("pk", flat=True)
    )
    shown = {pair: patient for pair, patient in found.items() if patient.pk in visible}
    seen({patient.pk for patient in shown.values()})
    return shown
