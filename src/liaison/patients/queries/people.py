"""One patient, and where and how they are reached. A merged patient resolves to the survivor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import NotFound
from liaison.core.verbs import Verb
from liaison.patients.models import Alert, ContactPoint, Patient, PatientSite, Proxy


def sites_of(*patient_ids: int) -> frozenset[int]:
    """The sites at which these are patients, for telling open pages there; says nothing about a person."""
    return frozenset(PatientSite.objects.filter(patient_id__in=patient_ids).values_list("site_id", flat=True))


def get_patient(actor: Actor, *, patient_id: int, verb: Verb | None = None, now: datetime) -> Patient:
    """The patient, or the survivor they were merged into. Refuses: NotFound (does not exist or is invisible)."""
    found = Patient.objects.with_survivor().filter(pk=patient_id).first()
    if found is None:
        raise NotFound
    refuse_unseen(actor, patient=found.survivor, verb=verb, now=now)
    return found.survivor


def refuse_unseen(actor: Actor, *, patient: Patient, verb: Verb | None = None, now: datetime) -> None:
    """Let pass a patient whom the actor sees, or on whom they may use `verb`, and note the read. Refuses: NotFound."""
    if not patient.reachable_by(actor, verb, now=now):
        raise NotFound
    seen(patient.pk)


def contact_point_of(patient: Patient, *, contact_point_id: int) -> ContactPoint:
    """One way to reach a patient that was not given up. The patient was fetched for somebody. Refuses: NotFound."""
    found = patient.contact_points.filter(pk=contact_point_id, retired_at__isnull=True).first()
    if found is None:
        raise NotFound
    return found


def alert_of(patient: Patient, *, alert_id: int) -> Alert:
    """One alert of a patient that still holds. The patient was fetched for somebody. Refuses: NotFound."""
    found = patient.alerts.filter(pk=alert_id, ended_at__isnull=True).first()
    if found is None:
        raise NotFound
    return found


def proxy_of(patient: Patient, *, proxy_id: int) -> Proxy:
    """One who speaks for a patient and was not ended. The patient was fetched for somebody. Refuses: NotFound."""
    found = patient.proxies.filter(pk=proxy_id, ended_at__isnull=True).first()
    if found is None:
        raise NotFound
    return found


def places_of(patient: Patient) -> Sequence[PatientSite]:
    """Where they are a patient, the home site first. The patient was fetched for somebody."""
    return tuple(patient.sites.select_related("site").order_by("-is_home", "pk"))
