"""What a visit serves: where that of a referral can be booked, and which visits are booked for the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from liaison.accounts.models import Site
from liaison.loops.models import Loop
from liaison.orders.models import Referral
from liaison.patients.models import Patient
from liaison.scheduling.models import Appointment, Resource, SeriesVisit
from liaison.scheduling.rules import State


@dataclass(frozen=True, slots=True, kw_only=True)
class WhomAsked:
    """Whom a referral asks, and our sites at which they work; none of them when their visits are not booked here."""

    referral_id: int
    name: str
    sites: Sequence[Site]


def asked_by(patient: Patient, *, referral_id: int | None) -> WhomAsked | None:
    """Whom this referral of the patient asks; None when it is none of theirs."""
    rows = Referral.objects.select_related("target_practitioner", "target_organization")
    referral = rows.filter(pk=referral_id or 0, patient=patient).first()
    if referral is None:
        return None
    sites = Site.objects.filter(pk__in=sites_asked(referral)).order_by("name")
    return WhomAsked(referral_id=referral.pk, name=referral.target_name, sites=tuple(sites))


def booked_for_the_same(
    *, patient_id: int, loop_id: int | None, referral_id: int | None, now: datetime
) -> Sequence[Appointment]:
    """The patient's booked visits ahead that serve this promise or this referral, the next first.

    The promise to find one visit of a series a time is asked for alone: its referral has the others of the series. A
    time that is only held for an offer is not booked. The patient was fetched for somebody.
    """
    if loop_id is not None and SeriesVisit.objects.filter(loop_id=loop_id).exists():
        referral_id = None
    same = Q(pk__in=())
    if loop_id is not None:
        same |= Q(loop_id=loop_id)
    if referral_id is not None:
        same |= Q(referral_id=referral_id)
    rows = Appointment.objects.filter(same, patient_id=patient_id, start_at__gt=now, state=State.BOOKED)
    return tuple(rows.prefetch_related("reservations__resource").order_by("start_at", "pk"))


def is_arranged_elsewhere(loop: Loop) -> bool:
    """Whether visits of this promise are arranged on the page of what it is about: a referral, the waitlist."""
    return bool(loop.kind_info.managed_at) or Referral.objects.filter(loop=loop).exists()


def sites_asked(referral: Referral) -> frozenset[int]:
    """The sites at which whom the referral asks works: their own, and those of the hours they have elsewhere."""
    asked = referral.target_practitioner
    if asked is None:
        return frozenset()
    theirs = Resource.objects.in_service().filter(practitioner=asked)
    found = {asked.site_id, *theirs.values_list("site_id", flat=True), *theirs.values_list("hours__site_id", flat=True)}
    return frozenset(pk for pk in found if pk is not None)
