"""Who hears that something happened to a loop, and that a desk of a site changed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.following import at_sites, numbered_topic, topic
from liaison.loops import access
from liaison.loops.models import Loop
from liaison.patients.models import Patient


@numbered_topic("loop", shows_presence=True)
def loops(actor: Actor, numbers: frozenset[int], /, *, now: datetime) -> Collection[int]:
    """The loops of patients whose loops this actor may see."""
    visible = Patient.objects.visible_to(actor, access.SEE, now=now)
    return set(Loop.objects.filter(pk__in=numbers, patient__in=visible).values_list("pk", flat=True))


@topic("desk")
def desks(actor: Actor, names: frozenset[str], /, *, now: datetime) -> Collection[str]:
    """Everyone who has a desk at that site. It says that some loop of a patient there changed, and not which."""
    del now
    return at_sites(actor, access.SEE, names)
