"""Free time as it is kept in bits, and worked out of hours and bookings where it is not."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final

from django.db import connection

from liaison.accounts.models import Site
from liaison.scheduling.models import Reservation
from liaison.scheduling.queries.free import free_time
from liaison.scheduling.rules import FreeBits, Span, bits_of
from liaison.scheduling.rules.bits import is_exact

_DAY: Final = timedelta(days=1)
_KEPT: Final = """
    SELECT resource_id, bool_and(is_exact), string_agg(bits, ''::bytea ORDER BY utc_on)
    FROM scheduling_freeday
    WHERE resource_id = ANY(%s) AND site_id = %s AND utc_on >= %s AND utc_on < %s AND time_zone = %s
    GROUP BY resource_id HAVING count(*) = %s
"""


def free_bits(
    resource_ids: Collection[int], *, site: Site, within: Span, but_appointment_id: int | None = None
) -> FreeBits:
    """When each resource is free at this site within whole UTC days.

    The time of the appointment `but_appointment_id` counts as free.
    """
    kept = _kept(resource_ids, site=site, within=within)
    for resource_id in _held_by(but_appointment_id):
        kept.pop(resource_id, None)
    bits = {resource_id: bits for resource_id, (bits, _) in kept.items()}
    says_all = all(exact for _, exact in kept.values())
    missing = tuple(resource_id for resource_id in resource_ids if resource_id not in kept)
    if missing:
        spans = free_time(missing, site=site, within=within, but_appointment_id=but_appointment_id)
        bits |= {resource_id: bits_of(free, within=within) for resource_id, free in spans.items()}
        says_all = says_all and all(is_exact(free, start=within.start) for free in spans.values())
    return FreeBits(within=within, bits=bits, says_all=says_all)


def _kept(resource_ids: Collection[int], *, site: Site, within: Span) -> dict[int, tuple[int, bool]]:
    """Those of which every day is kept for the zone that the site has now."""
    days = (within.end - within.start) // _DAY
    wanted: list[Any] = [list(resource_ids), site.pk, within.start.date(), within.end.date(), site.time_zone, days]
    with connection.cursor() as cursor:
        cursor.execute(_KEPT, wanted)
        rows = cursor.fetchall()
    return {resource_id: (int.from_bytes(bits, "little"), exact) for resource_id, exact, bits in rows}


def _held_by(appointment_id: int | None) -> Collection[int]:
    """Whose kept time holds the visit that is to move."""
    if appointment_id is None:
        return ()
    return tuple(Reservation.objects.filter(appointment_id=appointment_id).values_list("resource_id", flat=True))
