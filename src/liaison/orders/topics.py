"""Who hears that a referral moved on: whoever may see its patient's referrals."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.following import numbered_topic
from liaison.orders import access
from liaison.orders.models import Referral
from liaison.patients.models import Patient


@numbered_topic("referral")
def referrals(actor: Actor, numbers: frozenset[int], /, *, now: datetime) -> Collection[int]:
    """The referrals of patients whose referrals this actor may see."""
    visible = Patient.objects.visible_to(actor, access.SEE, now=now)
    return set(Referral.objects.filter(pk__in=numbers, patient__in=visible).values_list("pk", flat=True))
