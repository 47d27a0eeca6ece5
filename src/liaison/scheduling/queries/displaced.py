"""Visits that lost their time when a day was planned anew: which still have none, and who tells the patient."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db.models import F, Q, QuerySet

from liaison.loops.models import Loop
from liaison.scheduling.kinds import NEW_TIME
from liaison.scheduling.models import Appointment, AppointmentQuerySet, Closure, Displacement


def without_time(visits: AppointmentQuerySet | Collection[int]) -> QuerySet[Displacement, int]:
    """The ids of those of these visits that stand at a time at which they can't be: somebody looks for another one."""
    lost = Displacement.objects.filter(appointment__in=visits, moved_to=None)
    return lost.filter(Q(replan__closure__isnull=False) | Q(loop__state="open")).values_list("appointment", flat=True)


def closed_of(visit: Appointment) -> Closure | None:
    """What is closed of that which this visit needs, buffers included; of several what was closed first."""
    claimed = visit.reservations.filter(active=True)
    by_resource = Q(resource__reservations__in=claimed, during__overlap=F("resource__reservations__during"))
    by_site = Q(resource=None, site=visit.site_id, during__overlap=(visit.start_at, visit.end_at))
    return Closure.objects.select_related("resource", "site").filter(by_resource | by_site).order_by("pk").first()


def is_displaced(appointment: Appointment) -> bool:
    """Whether this visit lost its time, and nobody could have it now. The appointment was fetched for somebody."""
    return Displacement.objects.filter(appointment=appointment).exclude(replan__closure=None).exists()


def who_tells(appointment_ids: Collection[int]) -> Mapping[int, Loop]:
    """By visit the promise that somebody tells the patient its time, which a plan gave it; ended ones too."""
    rows = Displacement.objects.filter(moved_to__in=appointment_ids, loop__kind=NEW_TIME.code).select_related("loop")
    return {row.moved_to_id: row.loop for row in rows if row.moved_to_id is not None and row.loop is not None}


def who_finds(appointment_ids: Collection[int]) -> Mapping[int, int]:
    """By visit the id of the open promise to find it another time."""
    rows = Displacement.objects.filter(appointment__in=appointment_ids, moved_to=None, loop__state="open")
    return {row.appointment_id: row.loop_id for row in rows if row.loop_id is not None}


def tells_of_it(message_key: str) -> bool:
    """Whether somebody tells the patient by phone anyway what this message, by its key, says of a visit."""
    number = message_key.removeprefix("visit:").partition(":")[0]
    if not message_key.startswith("visit:") or not number.isdecimal():
        return False
    told = who_tells([int(number)]).get(int(number))
    return told is not None and told.state == "open"
