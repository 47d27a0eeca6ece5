"""Where a booking starts from: the specialist whom a referral asks, the promise that it keeps, the places that suit.

The patient was fetched for somebody; nothing here says anything of another.
"""

from __future__ import annotations

from collections.abc import Collection

from liaison.loops.models import Loop
from liaison.orders.models import Referral
from liaison.patients.models import Patient
from liaison.scheduling.models import Resource


def specialist_asked(*, patient: Patient, referral_id: int) -> Resource | None:
    """The specialist of our own, in service, whom this referral of the patient asks; None when it asks another's."""
    asked = Referral.objects.filter(pk=referral_id, patient=patient).values("target_practitioner")
    return Resource.objects.in_service().filter(practitioner__in=asked).first()


def kind_promised(*, patient: Patient, loop_id: int) -> str:
    """The kind of this loop of the patient, which a visit type may be named like; "" when it is not theirs."""
    return Loop.objects.filter(pk=loop_id, patient=patient).values_list("kind", flat=True).first() or ""


def first_site(*, patient: Patient, among: Collection[int]) -> int | None:
    """The patient's home site, else another of theirs: the first that is `among` these sites (ids)."""
    theirs = patient.sites.order_by("-is_home", "pk").values_list("site_id", flat=True)
    return next((pk for pk in theirs if pk in among), None)
