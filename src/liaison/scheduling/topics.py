"""Who hears that a visit changed, and that a day of a site's calendar did."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from liaison.core.actor import Actor
from liaison.core.following import numbered_topic, topic
from liaison.core.numbers import id_in
from liaison.patients.models import Patient
from liaison.scheduling.access import SEE_CALENDAR
from liaison.scheduling.models import Appointment


@numbered_topic("appointment")
def appointments(actor: Actor, numbers: frozenset[int], /, *, now: datetime) -> Collection[int]:
    """The visits of patients whom this actor may see."""
    visible = Patient.objects.visible_to(actor, now=now)
    return set(Appointment.objects.filter(pk__in=numbers, patient__in=visible).values_list("pk", flat=True))


@topic("calendar")
def days(actor: Actor, names: frozenset[str], /, *, now: datetime) -> Collection[str]:
    """Days ("3:2026-11-23") of the sites whose calendar this actor may see."""
    del now
    return {name for name in names if _may_see(actor, name)}


def _may_see(actor: Actor, name: str) -> bool:
    site, _, on = name.partition(":")
    site_id = id_in(site)
    if site_id is None:
        return False
    try:
        date.fromisoformat(on)
    except ValueError:
        return False
    return actor.may_at(SEE_CALENDAR, site_id=site_id)
