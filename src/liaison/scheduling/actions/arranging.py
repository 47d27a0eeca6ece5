"""What can be booked and with whose time: visit types, resources, working hours, closures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Final

from liaison.accounts.models import Site
from liaison.core.act import Entry, act
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.refusals import Conflict, Forbidden, Stale, constraint_refusal
from liaison.directory.models import Practitioner
from liaison.scheduling.access import ARRANGE
from liaison.scheduling.actions.keeping import (
    lock_arrangement,
    lock_what_closes,
    rebuild_free_time,
    refresh_free_time,
)
from liaison.scheduling.actions.refusals import Impossible
from liaison.scheduling.events import TimeOpened
from liaison.scheduling.models import (
    Closure,
    Modality,
    Resource,
    ResourceKind,
    VisitNeed,
    VisitType,
    WorkingHours,
)
from liaison.scheduling.ports import Span

_BOOKABLE = "They are bookable already, perhaps taken out of service: change that entry instead."
constraint_refusal(
    "scheduling_resource_practitioner_id_key", lambda: Impossible(_BOOKABLE, fields={"practitioner": _BOOKABLE})
)

STEPS: Final = (5, 10, 15, 20, 30, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedDraft:
    """One role of a visit type: `quantity` resources that have `ability`."""

    role: str
    ability: str
    quantity: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitTypeDraft:
    """A visit type as a person describes it. Minutes are whole; `step_minutes` is one of `STEPS`."""

    code: str
    name: str
    duration_minutes: int
    needs: tuple[NeedDraft, ...]
    modality: str = Modality.IN_PERSON
    before_minutes: int = 0
    after_minutes: int = 0
    step_minutes: int = 15
    least_lead_minutes: int = 0
    most_lead_days: int | None = None
    cancellation_hours: int = 24
    late_after_minutes: int = 15
    no_show_after_minutes: int | None = 0
    referral_needed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceDraft:
    """A person, room or device as somebody describes it."""

    kind: str
    name: str
    site: Site
    abilities: tuple[str, ...] = ()
    practitioner: Practitioner | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursDraft:
    """Weekly hours on the wall clock of a site. Monday is 0; `closes` at or before `opens` is on the next day."""

    site: Site
    weekday: int
    opens: time
    closes: time
    valid_from: date | None = field(default=None)
    valid_to: date | None = field(default=None)


class OtherSite(Forbidden):
    """What is at a site is arranged by those who may there."""

    code = "scheduling.other_site"
    sentence = "This is arranged by another site. Leave its part as it is, or ask somebody there."


class CodeTaken(Conflict):
    """A new visit type has the code of one that stands."""

    code = "scheduling.code_taken"
    sentence = "A visit type has this code already. Change that one, or choose another code."

    def __init__(self) -> None:
        super().__init__(fields={"code": self.sentence})


constraint_refusal("scheduling_visit_type_version_once", CodeTaken)


class NameTaken(Conflict):
    """Two rooms or devices in service would have one name at one site."""

    code = "scheduling.name_taken"
    sentence = "A room or device of this site has this name already. Give one of them a name that tells them apart."
    field = "name"


constraint_refusal("scheduling_resource_name_once", NameTaken)


def add_visit_type(*, actor: Actor, draft: VisitTypeDraft, now: datetime) -> VisitType:
    """Add a visit type under a code that no other has, nor had. They are the whole organization's.

    Refuses: Forbidden, Impossible (no needs, no duration, an unknown step), CodeTaken.
    """
    _check_draft(draft)
    with act(actor, ARRANGE, site_id=EVERYWHERE, now=now) as entry:
        if VisitType.objects.filter(code=draft.code).exists():
            raise CodeTaken
        return _write_version(draft, version=1, entry=entry, now=now)


def define_visit_type(
    *, actor: Actor, draft: VisitTypeDraft, expected_version: int | None = None, now: datetime
) -> VisitType:
    """Make the next version of the visit type with this code, or its first; earlier bookings keep theirs.

    Visit types are the whole organization's: whoever arranges only some sites is refused Forbidden.
    Refuses: Impossible (no needs, no duration, an unknown step), Stale (another version came meanwhile).
    """
    _check_draft(draft)
    with act(actor, ARRANGE, site_id=EVERYWHERE, now=now) as entry:
        known = VisitType.objects.select_for_update().filter(code=draft.code, is_current=True).first()
        if expected_version is not None and (known is None or known.version != expected_version):
            raise Stale
        if known is not None:
            known.is_current = False
            known.save(update_fields=["is_current"])
        return _write_version(draft, version=known.version + 1 if known else 1, entry=entry, now=now)


def _write_version(draft: VisitTypeDraft, *, version: int, entry: Entry, now: datetime) -> VisitType:
    made = VisitType.objects.create(
        code=draft.code,
        version=version,
        name=draft.name.strip(),
        modality=draft.modality,
        duration_minutes=draft.duration_minutes,
        before_minutes=draft.before_minutes,
        after_minutes=draft.after_minutes,
        step_minutes=draft.step_minutes,
        least_lead_minutes=draft.least_lead_minutes,
        most_lead_days=draft.most_lead_days,
        cancellation_hours=draft.cancellation_hours,
        late_after_minutes=draft.late_after_minutes,
        no_show_after_minutes=draft.no_show_after_minutes,
        referral_needed=draft.referral_needed,
        changed_at=now,
    )
    VisitNeed.objects.bulk_create(
        VisitNeed(visit_type=made, position=at, role=need.role, ability=need.ability, quantity=need.quantity)
        for at, need in enumerate(draft.needs)
    )
    entry.about(made)
    entry.note(code=made.code, version=made.version)
    return made


def _check_draft(draft: VisitTypeDraft) -> None:
    if not draft.code or not draft.name.strip():
        raise Impossible("A visit type needs a name.", fields={"name": "Give it a name."})
    if draft.duration_minutes < 1:
        raise Impossible("A visit lasts a minute at least.", fields={"duration_minutes": "Give it a duration."})
    if draft.step_minutes not in STEPS:
        raise Impossible("Visits start every 5, 10, 15, 20, 30 or 60 minutes.", fields={"step_minutes": "Pick one."})
    roles = [need.role for need in draft.needs]
    if not roles or len(set(roles)) != len(roles) or any(need.quantity < 1 for need in draft.needs):
        raise Impossible("A visit type needs at least one role, each named once.", fields={"needs": "Name its roles."})


def add_resource(*, actor: Actor, draft: ResourceDraft, now: datetime) -> Resource:
    """Make somebody's or something's time bookable. Refuses: Impossible, NameTaken."""
    _check_resource(draft)
    with act(actor, ARRANGE, site_id=draft.site.pk, now=now) as entry:
        _refuse_bookable(draft, beside=None)
        resource = Resource.objects.create(
            kind=draft.kind,
            name=draft.name.strip(),
            site=draft.site,
            abilities=sorted(set(draft.abilities)),
            practitioner=draft.practitioner,
        )
        entry.about(resource)
    return resource


def change_resource(
    *, actor: Actor, resource: Resource, draft: ResourceDraft, expected_version: int | None = None, now: datetime
) -> Resource:
    """Change what a resource is called, can do and where it is. Bookings stay.

    Refuses: Impossible, NameTaken, OtherSite, Stale (it is not of `expected_version` any more).
    """
    _check_resource(draft)
    with act(actor, ARRANGE, site_id=resource.site_id, subject=resource, now=now):
        _refuse_other_sites(actor, site_ids={draft.site.pk})
        resource = _next_version(resource, expected_version=expected_version)
        _refuse_bookable(draft, beside=resource.pk)
        resource.kind, resource.name, resource.site = draft.kind, draft.name.strip(), draft.site
        resource.abilities = sorted(set(draft.abilities))
        resource.practitioner = draft.practitioner
        resource.save()
    return resource


def _next_version(resource: Resource, *, expected_version: int | None) -> Resource:
    """The resource as it is now, locked, to be saved as its next version. Refuses: Stale."""
    row = Resource.objects.select_for_update(no_key=True).get(pk=resource.pk)
    if expected_version is not None and row.version != expected_version:
        raise Stale
    row.version += 1
    return row


def _check_resource(draft: ResourceDraft) -> None:
    if draft.kind not in ResourceKind.values or not draft.name.strip():
        raise Impossible("A resource is a person, a room or a device with a name.", fields={"name": "Give it a name."})
    if draft.practitioner is not None and draft.kind != ResourceKind.PERSON:
        raise Impossible("Only a person is a practitioner.", fields={"practitioner": "Leave this empty."})


def _refuse_bookable(draft: ResourceDraft, *, beside: int | None) -> None:
    """A clinician's time is one resource; `beside` is the one that is being changed."""
    known = Resource.objects.filter(practitioner=draft.practitioner).exclude(pk=beside or 0)
    if draft.practitioner is not None and known.exists():
        raise Impossible(_BOOKABLE, fields={"practitioner": _BOOKABLE})


def retire_resource(*, actor: Actor, resource: Resource, now: datetime) -> Resource:
    """Its time can be given away no longer; what was given stays and must be moved by hand. Said again it changes
    nothing."""
    with act(actor, ARRANGE, site_id=resource.site_id, subject=resource, now=now) as entry:
        if _is_retired_now(resource, entry=entry):
            entry.note(repeated=True)
            return resource
        resource.retire(now=now)
        resource.save(update_fields=["retired_at"])
        rebuild_free_time([resource.pk], now=now)
    return resource


def return_resource(*, actor: Actor, resource: Resource, now: datetime) -> Resource:
    """Its time can be given away again. Said again it changes nothing.

    Refuses: NameTaken (another one has got its name meanwhile).
    """
    with act(actor, ARRANGE, site_id=resource.site_id, subject=resource, now=now) as entry:
        if not _is_retired_now(resource, entry=entry):
            entry.note(repeated=True)
            return resource
        resource.return_to_service()
        resource.save(update_fields=["retired_at"])
        rebuild_free_time([resource.pk], now=now)
    return resource


def _is_retired_now(resource: Resource, *, entry: Entry) -> bool:
    """Whether it is out of service once nobody else changes it; `resource` says so too."""
    lock_arrangement(resource)
    resource.refresh_from_db(fields=["retired_at"])
    entry.about(resource)
    return resource.retired_at is not None


def set_hours(
    *,
    actor: Actor,
    resource: Resource,
    hours: Sequence[HoursDraft],
    expected_version: int | None = None,
    now: datetime,
) -> None:
    """Replace all working hours of a resource; bookings outside the new ones stay.

    Somebody may work at several sites: each site's hours are changed by who arranges that site, and the lines of
    others stay as they are. Refuses: Impossible, OtherSite, Stale (it is not of `expected_version` any more).
    """
    if any(not 0 <= entry.weekday <= 6 for entry in hours):
        raise Impossible("A weekday is Monday (0) to Sunday (6).")
    if any(entry.valid_from and entry.valid_to and entry.valid_to <= entry.valid_from for entry in hours):
        raise Impossible("Hours end after they begin.", fields={"valid_to": "Choose a later day."})
    with act(actor, ARRANGE, subject=resource, now=now) as entry:
        lock_arrangement(resource, at={draft.site.pk for draft in hours})
        was = {_line(row, site_id=row.site_id) for row in resource.hours.all()}
        becomes = {_line(draft, site_id=draft.site.pk) for draft in hours}
        _refuse_other_sites(actor, site_ids={site_id for site_id, *_ in was ^ becomes})
        _next_version(resource, expected_version=expected_version).save(update_fields=["version"])
        resource.hours.all().delete()
        WorkingHours.objects.bulk_create(
            WorkingHours(
                resource=resource,
                site=draft.site,
                weekday=draft.weekday,
                opens=draft.opens,
                closes=draft.closes,
                valid_from=draft.valid_from,
                valid_to=draft.valid_to,
            )
            for draft in hours
        )
        rebuild_free_time([resource.pk], now=now)
        entry.note(hours=len(hours))


def close_time(*, actor: Actor, of: Resource | Site, during: Span, reason: str, now: datetime) -> Closure:
    """Take time out of a resource's hours, or out of a whole site's; bookings stay. Refuses: Impossible."""
    if not reason.strip():
        raise Impossible("Say why it is closed.", fields={"reason": "Say why."})
    site_id = of.site_id if isinstance(of, Resource) else of.pk
    with act(actor, ARRANGE, site_id=site_id, subject=of, reason=reason.strip(), now=now) as entry:
        touched = lock_what_closes(of)
        closure = Closure.objects.create(
            resource=of if isinstance(of, Resource) else None,
            site=of if isinstance(of, Site) else None,
            during=(during.start, during.end),
            reason=reason.strip(),
        )
        refresh_free_time(touched, during=during)
        entry.about(closure)
    return closure


def open_time(*, actor: Actor, closure: Closure, now: datetime) -> None:
    """Give the time of a closure back."""
    with act(actor, ARRANGE, site_id=closure.place_id, reason=closure.reason, now=now) as entry:
        entry.note(closure_id=closure.pk)
        touched = lock_what_closes(closure.of)
        closure.refresh_from_db(fields=["during"])
        opened = TimeOpened(
            site_id=closure.place_id or 0,  # a closure always has a place
            start_at=closure.during.lower,
            end_at=closure.during.upper,
            at=now,
        )
        entry.publish(opened)
        closure.delete()
        refresh_free_time(touched, during=Span(closure.during.lower, closure.during.upper))


def _refuse_other_sites(actor: Actor, *, site_ids: Iterable[int]) -> None:
    if not all(actor.may_at(ARRANGE, site_id=site_id) for site_id in site_ids):
        raise OtherSite


def _line(row: HoursDraft | WorkingHours, *, site_id: int) -> tuple[int, int, time, time, date | None, date | None]:
    return (site_id, row.weekday, row.opens, row.closes, row.valid_from, row.valid_to)
