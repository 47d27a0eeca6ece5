"""What can be booked: visit types, resources, closures. Nothing here is a patient's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden, NotFound
from liaison.core.remembering import remembered
from liaison.directory.models import Specialty
from liaison.scheduling.access import ARRANGE, SEE_CALENDAR
from liaison.scheduling.models import Closure, Resource, ResourceKind, VisitNeed, VisitType, WorkingHours
from liaison.scheduling.rules import ability_in_words


def visit_types(actor: Actor) -> Sequence[VisitType]:
    """The current version of every visit type, by name."""
    _may_see(actor)
    rows = VisitType.objects.filter(is_current=True).prefetch_related("needs")
    return remembered("scheduling.visit_types", lambda: tuple(rows))


def get_visit_type(actor: Actor, *, visit_type_id: int) -> VisitType:
    """One version of a visit type. Refuses: NotFound."""
    _may_see(actor)
    found = VisitType.objects.filter(pk=visit_type_id).prefetch_related("needs").first()
    if found is None:
        raise NotFound
    return found


def visit_type_of(actor: Actor, *, code: str) -> VisitType:
    """The newest version of the visit type with this code, with its needs. Refuses: NotFound."""
    _may_see(actor)
    found = VisitType.objects.filter(code=code).order_by("-version").prefetch_related("needs").first()
    if found is None:
        raise NotFound
    return found


def resources(actor: Actor, *, site_id: int | None = None) -> Sequence[Resource]:
    """Every resource with its hours, the ones in service first; those at home at a site if one is given."""
    _may_see(actor)
    rows = Resource.objects.select_related("site", "practitioner").prefetch_related("hours__site")
    if site_id is not None:
        rows = rows.filter(site_id=site_id)
    return sorted(rows, key=lambda resource: (resource.retired_at is not None, resource.kind, resource.name))


def get_resource(actor: Actor, *, resource_id: int) -> Resource:
    """One resource. Refuses: NotFound."""
    _may_see(actor)
    found = Resource.objects.select_related("site", "practitioner").filter(pk=resource_id).first()
    if found is None:
        raise NotFound
    return found


def closures_ahead(actor: Actor, *, now: datetime, resource: Resource | None = None) -> Sequence[Closure]:
    """Closures that have not ended: of one resource, or of all sites and resources."""
    _may_see(actor)
    rows = Closure.objects.select_related("resource__site", "site").filter(during__endswith__gt=now)
    return tuple(rows if resource is None else rows.filter(resource=resource))


def get_closure(actor: Actor, *, closure_id: int) -> Closure:
    """One closure, of a resource or a site. Refuses: Forbidden, NotFound."""
    _may_see(actor)
    found = Closure.objects.filter(pk=closure_id).first()
    if found is None:
        raise NotFound
    return found


def hours_of(actor: Actor, *, resource: Resource) -> Sequence[WorkingHours]:
    """The working hours of a resource, each with its site. Refuses: Forbidden."""
    _may_see(actor)
    return tuple(resource.hours.select_related("site"))


def site_to_arrange(actor: Actor, *, site_id: int) -> Site:
    """A site whose time this actor may close. Refuses: Forbidden (theirs are others), NotFound."""
    found = Site.objects.filter(pk=site_id).first()
    if found is None and actor.may(ARRANGE):
        raise NotFound
    if found is None or not actor.may_at(ARRANGE, site_id=found.pk):
        raise Forbidden
    return found


def clinicians(actor: Actor, *, site_ids: Collection[int]) -> Sequence[Resource]:
    """Everybody of the directory who works at one of these sites, by name. Refuses: Forbidden."""
    _may_see(actor)
    people = Resource.objects.in_service().filter(kind=ResourceKind.PERSON, practitioner__isnull=False)
    return tuple(people.working_at_any(site_ids))


def abilities_in_use(actor: Actor) -> Mapping[str, str]:
    """Every ability that a resource has or a visit type asks for, and each specialty: the words by the code."""
    _may_see(actor)
    had = {ability for abilities in Resource.objects.values_list("abilities", flat=True) for ability in abilities}
    named = dict(Specialty.objects.values_list("code", "name"))
    codes = had | set(VisitNeed.objects.values_list("ability", flat=True)) | set(named)
    return {code: ability_in_words(code, named=named) for code in sorted(codes)}


def _may_see(actor: Actor) -> None:
    if not (actor.may(SEE_CALENDAR) or actor.may(ARRANGE)):
        raise Forbidden
