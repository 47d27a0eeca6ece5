"""Free, closed and reserved time of resources, and of a patient, as spans. Shared by searches and checks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from django.db.models import Q

from liaison.accounts.models import Site
from liaison.scheduling.models import AppointmentQuerySet, Closure, Modality, Reservation, WorkingHours
from liaison.scheduling.rules import Hours, Span, free_spans, with_the_way, working_spans


def free_time(
    resource_ids: Sequence[int],
    *,
    site: Site,
    within: Span,
    but_appointment_id: int | None = None,
    leaving: Collection[int] = (),
) -> Mapping[int, tuple[Span, ...]]:
    """When each resource is free at this site: working hours without closures and active reservations.

    The time of the appointment `but_appointment_id`, and of those that are `leaving` (ids), counts as free.
    """
    working = working_time(resource_ids, site=site, within=within)
    closed = closed_time(resource_ids, site_id=site.pk, within=within)
    reserved: dict[int, list[Span]] = defaultdict(list)
    without = {*leaving, *([] if but_appointment_id is None else [but_appointment_id])}
    for resource_id, span in reserved_time(resource_ids, within=within, leaving=without):
        reserved[resource_id].append(span)
    return {
        resource_id: free_spans(working=spans, closed=closed[resource_id], reserved=reserved[resource_id])
        for resource_id, spans in working.items()
    }


def working_time(resource_ids: Sequence[int], *, site: Site, within: Span) -> Mapping[int, tuple[Span, ...]]:
    """When each resource works at this site; resources without hours there are left out."""
    hours: dict[int, list[Hours]] = defaultdict(list)
    for entry in WorkingHours.objects.filter(resource_id__in=resource_ids, site=site):
        hours[entry.resource_id].append(entry.as_rule())
    # Many resources keep the same hours: work each pattern out once.
    known: dict[tuple[Hours, ...], tuple[Span, ...]] = {}
    found: dict[int, tuple[Span, ...]] = {}
    for resource_id, entries in hours.items():
        pattern = tuple(entries)
        if pattern not in known:
            known[pattern] = working_spans(pattern, zone=site.zone, window=within)
        found[resource_id] = known[pattern]
    return found


def closed_time(resource_ids: Sequence[int], *, site_id: int, within: Span) -> Mapping[int, list[Span]]:
    """The time taken out of these resources' hours at this site, cut to `within`."""
    rows = Closure.objects.filter(
        Q(resource_id__in=resource_ids) | Q(site_id=site_id), during__overlap=(within.start, within.end)
    )
    found: dict[int, list[Span]] = {resource_id: [] for resource_id in resource_ids}
    for row in rows:
        start = max(row.during.lower, within.start) if row.during.lower else within.start
        end = min(row.during.upper, within.end) if row.during.upper else within.end
        for resource_id in [row.resource_id] if row.resource_id else resource_ids:
            found[resource_id].append(Span(start, end))
    return found


def reserved_time(
    resource_ids: Sequence[int], *, within: Span, leaving: Collection[int] = ()
) -> list[tuple[int, Span]]:
    """The active reservations of these resources that touch `within`, as (resource id, span); without those of the
    appointments that are `leaving` (ids).

    Two branches, because the exclusion constraint's index holds only what was not overridden.
    """
    mine = Reservation.objects.filter(
        resource_id__in=resource_ids, active=True, during__overlap=(within.start, within.end)
    ).order_by()
    if leaving:
        mine = mine.exclude(appointment_id__in=leaving)
    both = mine.filter(overridden=False).union(mine.filter(overridden=True), all=True)
    rows = both.values_list("resource_id", "during")
    return [(resource_id, Span(during.lower, during.upper)) for resource_id, during in rows]


def time_elsewhere(visits: AppointmentQuerySet, *, site_id: int, modality: str) -> list[Span]:
    """When the patient of these visits can't be at this site: at another one with the way, if both are in person."""
    in_person = modality == Modality.IN_PERSON
    return [
        with_the_way(Span(start, end))
        if in_person and how == Modality.IN_PERSON and at != site_id
        else Span(start, end)
        for start, end, at, how in visits.values_list("start_at", "end_at", "site_id", "modality")
    ]
