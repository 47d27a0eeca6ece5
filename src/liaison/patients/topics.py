"""Who hears that something happened to a patient: whoever may see them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.following import numbered_topic
from liaison.patients.models import Patient


@numbered_topic("patient", shows_presence=True)
def patients(actor: Actor, numbers: frozenset[int], /, *, now: datetime) -> Collection[int]:
    """The patients whom this actor may see at `now`."""
    return set(Patient.objects.filter(pk__in=numbers).visible_to(actor, now=now).values_list("pk", flat=True))
