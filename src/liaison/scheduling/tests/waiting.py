"""Helpers of the waitlist's tests: Walter waits, a time becomes free."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from liaison.core.postgres.guard import writes_open
from liaison.patients.models import ContactPoint, Patient
from liaison.scheduling import actions
from liaison.scheduling.models import Appointment, Opening, WaitlistEntry, WaitlistOffer
from liaison.scheduling.ports import CancelReason, Span
from liaison.scheduling.rules import OfferBy
from liaison.scheduling.tests.clinic import NOW, Clinic, local, patient_of

DRAFT = actions.WaitDraft(key="wait", visit_type_code="follow_up", site_ids=())


def join(clinic: Clinic, patient: Patient | None = None, *, now: datetime = NOW, **changes: Any) -> WaitlistEntry:
    """Rosa puts somebody on the list, Walter unless said otherwise."""
    patient = patient or clinic.walter
    draft = replace(DRAFT, **{"key": f"wait {patient.pk}", "site_ids": (clinic.site.pk,)} | changes)
    return actions.join_waitlist(actor=clinic.rosa, patient=patient, draft=draft, now=now)


def freed(clinic: Clinic, start: str = "2026-03-03 10:00", end: str = "2026-03-03 10:30") -> Opening:
    """A time that Rosa names by hand."""
    span = Span(local(start), local(end))
    return actions.open_by_hand(actor=clinic.rosa, site=clinic.site, span=span, now=NOW)


def with_mail(*patients: Patient, language: str = "en") -> None:
    """They can be written to."""
    with writes_open():
        for patient in patients:
            address = f"{patient.given.lower()}{patient.pk}@example.org"
            patient.written_language = language
            patient.save()
            ContactPoint.objects.create(
                patient=patient, kind="email", value=address, value_key=address, may_email=True, added_at=NOW
            )


def with_phone(*patients: Patient) -> None:
    """They can be called."""
    with writes_open():
        for patient in patients:
            number = f"+1617555{patient.pk % 10_000:04d}"
            ContactPoint.objects.create(patient=patient, kind="phone", value=number, value_key=number, added_at=NOW)


def someone(clinic: Clinic, given: str) -> Patient:
    """One more patient of the clinic."""
    with writes_open():
        return patient_of(clinic.site, given=given, family="Waits")


def cancel(clinic: Clinic, appointment: Appointment, *, now: datetime = NOW) -> None:
    """The patient calls a visit off."""
    actions.cancel_appointment(actor=clinic.rosa, appointment=appointment, reason=CancelReason.PATIENT, now=now)


def offer(
    clinic: Clinic, wait: WaitlistEntry, opening: Opening, *, by: OfferBy = OfferBy.PHONE, now: datetime = NOW
) -> WaitlistOffer:
    """Rosa offers a freed time to one who waits."""
    return actions.offer_to_one(actor=clinic.rosa, wait=wait, opening=opening, by=by, now=now)
