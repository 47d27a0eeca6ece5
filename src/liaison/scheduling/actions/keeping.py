"""Keep free time up to date: called inside the transaction of whatever changes hours, closures or bookings.

Everybody locks in one order: sites, then resources, both by id. Who has the lock sees all that was committed, so
working a day out anew from hours, closures and bookings is always right, whatever happened before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Max, QuerySet

from liaison.accounts.models import Site
from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.scheduling.access import KEEP_FREE_TIME
from liaison.scheduling.models import FreeDay, Resource, VisitType, WorkingHours
from liaison.scheduling.ports import Span
from liaison.scheduling.queries.free import free_time
from liaison.scheduling.rules import bits_of, kept_days, kept_of, whole_days
from liaison.scheduling.rules.bits import BYTES_A_DAY, is_exact, midnight

_TOGETHER: Final = 50
"""Resources that the nightly run locks at a time."""


def lock_sites(site_ids: Iterable[int]) -> None:
    """Let nobody else close these sites or give somebody hours there until this transaction ends."""
    list(Site.objects.select_for_update(no_key=True).filter(pk__in=set(site_ids)).order_by("pk").values_list("pk"))


def lock_resources(resource_ids: Iterable[int]) -> Mapping[int, Resource]:
    """Let nobody else change these resources' time until this transaction ends.

    In the order of their ids: bookings of one resource wait for each other here and not inside the exclusion
    constraint, where two that overlap would each wait for the other.
    """
    rows = Resource.objects.select_for_update(no_key=True).filter(pk__in=set(resource_ids)).order_by("pk")
    return {resource.pk: resource for resource in rows}


def lock_arrangement(resource: Resource, *, at: Iterable[int] = ()) -> None:
    """Let nobody else change what this resource's hours are made of, here and at the further sites `at`."""
    lock_sites({*at, *resource.hours.values_list("site_id", flat=True)})
    lock_resources([resource.pk])


def lock_what_closes(of: Resource | Site) -> tuple[int, ...]:
    """Let nobody else change the time that a closure of this would touch: the ids of the resources."""
    if isinstance(of, Resource):
        return tuple(lock_resources([of.pk]))
    lock_sites([of.pk])
    working_there = Resource.objects.working_at(of.pk)
    return tuple(lock_resources(working_there.values_list("pk", flat=True)))


def take_free_time(resource_ids: Collection[int], *, claim: Span) -> None:
    """Take a new booking's claim out of what is kept. The resources are locked already.

    Where bits say everything, its cells are cleared; else the days are worked out anew.
    """
    kept = list(_kept_of_days(resource_ids, during=claim))
    if not is_exact([claim], start=midnight(claim.start.date())) or not all(row.is_exact for row in kept):
        refresh_free_time(resource_ids, during=claim)
        return
    for row in kept:
        day = midnight(row.utc_on)
        taken = bits_of([claim], within=Span(day, day + timedelta(days=1)))
        row.bits = (int.from_bytes(row.bits, "little") & ~taken).to_bytes(BYTES_A_DAY, "little")
    FreeDay.objects.bulk_update(kept, ["bits"])


def refresh_free_time(resource_ids: Collection[int], *, during: Span) -> None:
    """Work out anew what is kept of the days that `during` touches. The resources are locked already."""
    days = whole_days(during)
    by_site: dict[Site, list[FreeDay]] = defaultdict(list)
    for row in _kept_of_days(resource_ids, during=during).select_related("site"):
        by_site[row.site].append(row)
    for site, rows in by_site.items():
        wanted = {(row.resource_id, row.utc_on) for row in rows}
        fresh = _worked_out({row.resource_id for row in rows}, site=site, days=days)
        _write(fresh=[row for row in fresh if (row.resource_id, row.utc_on) in wanted], kept=rows)


def rebuild_free_time(resource_ids: Collection[int], *, now: datetime) -> int:
    """Work out anew everything that is kept of these resources: how many days were missing or wrong.

    Days that are over and those of resources out of service are dropped. Locks the sites and the resources.
    """
    hours = WorkingHours.objects.filter(resource_id__in=resource_ids)
    lock_sites(hours.values_list("site_id", flat=True))
    in_service = {pk for pk, one in lock_resources(resource_ids).items() if one.retired_at is None}
    days = kept_days(now=now, most_lead_days=_most_lead_days())
    workers: dict[Site, set[int]] = defaultdict(set)
    for entry in hours.filter(resource_id__in=in_service).select_related("site"):
        workers[entry.site].add(entry.resource_id)
    kept: dict[int, list[FreeDay]] = defaultdict(list)
    for row in FreeDay.objects.filter(resource_id__in=resource_ids):
        kept[row.site_id].append(row)
    changed, living = 0, set()
    for site, ids in workers.items():
        fresh = list(_worked_out(ids, site=site, days=days))
        living |= {_place(row) for row in fresh}
        changed += _write(fresh=fresh, kept=kept[site.pk])
    dead = [
        row.pk for rows in kept.values() for row in rows if (row.resource_id, row.site_id, row.utc_on) not in living
    ]
    FreeDay.objects.filter(pk__in=dead).delete()
    return changed


def keep_free_time(actor: Actor, *, now: datetime, progress: Callable[[int, int], None] | None = None) -> int:
    """Bring all that is kept up to date and extend it to today's horizon: how many days were missing or wrong.

    Some resources at a time, each in a transaction of its own: what is killed goes on where it was when run again.
    `progress` is called with (resources done, resources in all).
    """
    ids = list(Resource.objects.order_by("pk").values_list("pk", flat=True))
    changed = 0
    for first in range(0, len(ids), _TOGETHER):
        with act(actor, KEEP_FREE_TIME, now=now) as entry:
            fixed = rebuild_free_time(ids[first : first + _TOGETHER], now=now)
            entry.note(days=fixed)
        changed += fixed
        if progress is not None:
            progress(min(first + _TOGETHER, len(ids)), len(ids))
    return changed


def _kept_of_days(resource_ids: Collection[int], *, during: Span) -> QuerySet[FreeDay]:
    days = whole_days(during)
    return FreeDay.objects.filter(
        resource_id__in=resource_ids, utc_on__gte=days.start.date(), utc_on__lt=days.end.date()
    )


def _most_lead_days() -> int | None:
    longest: int | None = VisitType.objects.filter(is_current=True).aggregate(most=Max("most_lead_days"))["most"]
    return longest


def _worked_out(resource_ids: Collection[int], *, site: Site, days: Span) -> Iterator[FreeDay]:
    """The rows as they should be: one for each resource and whole UTC day, also where nothing is free."""
    free = free_time(tuple(resource_ids), site=site, within=days)
    for resource_id in sorted(resource_ids):
        for day in kept_of(free.get(resource_id, ()), days=days):
            yield FreeDay(
                resource_id=resource_id,
                site_id=site.pk,
                utc_on=day.on,
                time_zone=site.time_zone,
                bits=day.bits,
                is_exact=day.is_exact,
            )


def _write(*, fresh: Sequence[FreeDay], kept: Sequence[FreeDay]) -> int:
    """Write those that are new or differ: how many."""
    known = {(row.resource_id, row.utc_on): _said(row) for row in kept}
    differ = [row for row in fresh if known.get((row.resource_id, row.utc_on)) != _said(row)]
    FreeDay.objects.bulk_create(
        differ,
        batch_size=2000,
        update_conflicts=True,
        unique_fields=["resource", "site", "utc_on"],
        update_fields=["time_zone", "bits", "is_exact"],
    )
    return len(differ)


def _place(row: FreeDay) -> tuple[int, int, date]:
    return row.resource_id, row.site_id, row.utc_on


def _said(row: FreeDay) -> tuple[bytes, bool, str]:
    return bytes(row.bits), row.is_exact, row.time_zone
