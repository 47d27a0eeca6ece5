"""Where the visit of a referral can be booked: at the places of whom it asks, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liaison.accounts.models import Site
from liaison.orders.models import Referral
from liaison.patients.models import Patient
from liaison.scheduling.models import Resource


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


def sites_asked(referral: Referral) -> frozenset[int]:
    """The sites at which whom the referral asks works: their own, and those of the hours they have elsewhere."""
    asked = referral.target_practitioner
    if asked is None:
        return frozenset()
    theirs = Resource.objects.in_service().filter(practitioner=asked)
    found = {asked.site_id, *theirs.values_list("site_id", flat=True), *theirs.values_list("hours__site_id", flat=True)}
    return frozenset(pk for pk in found if pk is not None)
