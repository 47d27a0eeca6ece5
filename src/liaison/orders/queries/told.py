"""What the timeline of a patient shows of their referrals."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.urls import NoReverseMatch, reverse

from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden
from liaison.core.timeline import TimelineEntry, years_in
from liaison.orders import access
from liaison.orders.models import ReferralStep
from liaison.orders.queries.page import hides_reason
from liaison.patients.models import Patient
from liaison.patients.queries import refuse_unseen
from liaison.records.access import READ_CHART


def timeline(
    actor: Actor,
    *,
    patient: Patient,
    kinds: Collection[str] = (),
    before: datetime | None = None,
    limit: int = 50,
    now: datetime,
) -> tuple[TimelineEntry, ...]:
    """Every step of a patient's referrals, the newest first. Refuses Forbidden, NotFound."""
    _refuse_unseen(actor, patient=patient, now=now)
    if kinds and "referral" not in kinds:
        return ()
    reads = patient.reachable_by(actor, READ_CHART, now=now)
    steps = ReferralStep.objects.select_related("referral__specialty").filter(referral__patient=patient)
    if before is not None:
        steps = steps.filter(at__lt=before)
    return tuple(
        TimelineEntry(
            at=step.at,
            kind="referral",
            title=f"Referral to {step.referral.specialty.name.lower()}: {step.sentence}",
            detail=_detail(step, reads_chart=reads),
            struck_at=step.undone_at,
            url=referral_url(step.referral_id),
            source="orders",
            key=str(step.pk),
        )
        for step in steps.order_by("-at", "-id")[:limit]
    )


def timeline_years(actor: Actor, *, patient: Patient, before: datetime, now: datetime) -> frozenset[int]:
    """The years before an instant of which `timeline` tells. Refuses Forbidden, NotFound."""
    _refuse_unseen(actor, patient=patient, now=now)
    return years_in(ReferralStep.objects.filter(referral__patient=patient, at__lt=before), "at")


def _detail(step: ReferralStep, *, reads_chart: bool) -> str:
    if step.undone_at is not None:
        with_review = " with the review of the note" if step.undone_because else ""
        return f"({step.by_name}) Taken back by {step.undone_by_name}{with_review}"
    return f"{'' if hides_reason(step, reads_chart=reads_chart) else step.reason} ({step.by_name})".strip()


def referral_url(referral_id: int) -> str:
    """The address of a referral's page."""
    try:
        return reverse("orders:referral", args=[referral_id])
    except NoReverseMatch:
        return ""


def _refuse_unseen(actor: Actor, *, patient: Patient, now: datetime) -> None:
    if not actor.may(access.SEE):
        raise Forbidden
    refuse_unseen(actor, patient=patient, verb=access.SEE, now=now)
