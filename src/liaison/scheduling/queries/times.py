"""The earliest times at which everything that a visit needs is free together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden, NotFound
from liaison.patients.models import CareTeamMember, Patient
from liaison.scheduling.access import SEE_CALENDAR
from liaison.scheduling.models import Appointment, Reservation, Resource, ResourceKind, VisitType
from liaison.scheduling.queries.free import free_time
from liaison.scheduling.queries.kept import free_bits
from liaison.scheduling.rules import (
    HORIZON_DAYS,
    Need,
    Offer,
    Reason,
    Span,
    State,
    Wish,
    can_use_bits,
    day_span,
    earliest,
    earliest_in_bits,
    whole_days,
)

HORIZON = timedelta(days=HORIZON_DAYS)
"""How far ahead is looked when the visit type sets no limit."""

_DAY = timedelta(days=1)
_STRETCHES = (7, 28, 85)
"""Days that are looked at in one go, one stretch after the other: most answers lie in the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimesWanted:
    """What a person asks for. `with_id` names the resource that it must be with, `not_before` a local day.

    `moving_id` is the appointment that would be moved: its own time counts as free.
    """

    visit_type_id: int
    site_id: int
    patient_id: int | None = None
    with_id: int | None = None
    not_before: date | None = None
    moving_id: int | None = None
    limit: int = 12
    per_day: int | None = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatOffer:
    """One resource that would be taken, by name."""

    role: str
    resource_id: int
    name: str
    is_person: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOffer:
    """A time that can be booked now: start and end on the site's wall clock, and why it ranks here."""

    start_at: datetime
    end_at: datetime
    seats: tuple[SeatOffer, ...]
    reasons: tuple[Reason, ...]
    also_free: tuple[str, ...]

    @property
    def who(self) -> tuple[str, ...]:
        """The people."""
        return tuple(seat.name for seat in self.seats if seat.is_person)

    @property
    def where(self) -> tuple[str, ...]:
        """The rooms and devices."""
        return tuple(seat.name for seat in self.seats if not seat.is_person)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The answer: offers, earliest first. Without any, `missing` names roles that nobody there can take;
    when that is empty too, everybody is taken up to `searched_until`."""

    offers: tuple[TimeOffer, ...]
    missing: tuple[str, ...]
    searched_until: date


def earliest_times(actor: Actor, *, wanted: TimesWanted, now: datetime) -> Times:
    """The earliest times for a visit. Stateless: any process answers the same. Refuses: Forbidden, NotFound."""
    if not actor.may(SEE_CALENDAR):
        raise Forbidden
    visit_type = VisitType.objects.filter(pk=wanted.visit_type_id).prefetch_related("needs").first()
    site = Site.objects.filter(pk=wanted.site_id).first()
    if visit_type is None or site is None:
        raise NotFound
    needs, people = _needs(visit_type, site=site, with_id=wanted.with_id)
    known = _known(actor, wanted.patient_id, people, on=now.date())
    last = now + (visit_type.most_lead or HORIZON)
    offers: list[Offer] = []
    missing = tuple(need.role for need in needs if len(need.pool) < need.quantity)
    for window in () if missing else _stretches(wanted, site=site, first=now + visit_type.least_lead, last=last):
        wish = replace(
            _wish(visit_type, wanted, site=site, window=window, limit=wanted.limit - len(offers)),
            avoid=_elsewhere(actor, wanted, window=window),
        )
        fresh = _earliest(people, wanted=wanted, site=site, wish=wish, needs=needs, known=known)
        offers += _not_first(fresh, found=bool(offers))
        if len(offers) >= wanted.limit:
            break
    return Times(
        offers=tuple(_named(offer, people, site=site) for offer in offers),
        missing=missing,
        searched_until=last.astimezone(site.zone).date(),
    )


def possible_at(actor: Actor, *, visit_types: Sequence[VisitType], site_id: int) -> Sequence[VisitType]:
    """Those of the visit types for which this site has everybody and everything that they need."""
    if not actor.may(SEE_CALENDAR):
        raise Forbidden
    there = Resource.objects.in_service().working_at(site_id).values_list("abilities", flat=True)
    able = Counter(ability for abilities in there for ability in set(abilities))
    return [kind for kind in visit_types if all(able[need.ability] >= need.quantity for need in kind.needs.all())]


def clinicians_for(actor: Actor, *, visit_type: VisitType, site_id: int) -> Sequence[Resource]:
    """The people who could take the first role of this visit at this site, by name."""
    if not actor.may(SEE_CALENDAR):
        raise Forbidden
    first = visit_type.needs.all()[0]
    able = Resource.objects.in_service().able_to(first.ability).working_at(site_id)
    return tuple(able.filter(kind=ResourceKind.PERSON))


def _needs(
    visit_type: VisitType, *, site: Site, with_id: int | None
) -> tuple[tuple[Need, ...], Mapping[int, Resource]]:
    """What is needed, with everything in service at the site that could fill it."""
    people: dict[int, Resource] = {}
    needs: list[Need] = []
    for need in visit_type.needs.all():
        pool = list(Resource.objects.in_service().able_to(need.ability).working_at(site.pk))
        if with_id in {resource.pk for resource in pool} and need.quantity == 1:
            pool = [resource for resource in pool if resource.pk == with_id]
        people.update((resource.pk, resource) for resource in pool)
        needs.append(Need(role=need.role, pool=tuple(r.pk for r in pool), quantity=need.quantity))
    if with_id is not None and with_id not in people:
        raise NotFound("This person does not take such visits there. Choose somebody else or another site.")
    return tuple(needs), people


def _known(actor: Actor, patient_id: int | None, people: Mapping[int, Resource], *, on: date) -> frozenset[int]:
    """The people who are on the patient's care team or have seen them before."""
    if patient_id is None:
        return frozenset()
    visible = Patient.objects.visible_to(actor).filter(pk=patient_id)
    team = CareTeamMember.objects.on(on).filter(patient__in=visible, practitioner__isnull=False)
    practitioners = set(team.values_list("practitioner_id", flat=True))
    seen = Reservation.objects.filter(
        appointment__patient__in=visible, appointment__state=State.FULFILLED, resource_id__in=people
    )
    met = set(seen.values_list("resource_id", flat=True))
    return frozenset(
        pk
        for pk, resource in people.items()
        if resource.kind == ResourceKind.PERSON and (pk in met or resource.practitioner_id in practitioners)
    )


def _stretches(wanted: TimesWanted, *, site: Site, first: datetime, last: datetime) -> Iterator[Span]:
    """What is looked at, one stretch after the other, cut at local midnights."""
    if wanted.not_before is not None:
        first = max(first, day_span(on=wanted.not_before, zone=site.zone).start)
    on = first.astimezone(site.zone).date()
    for days in _STRETCHES:
        on += timedelta(days=days)
        end = min(day_span(on=on, zone=site.zone).start, last)
        if first < end:
            yield Span(first, end)
            first = end


def _elsewhere(actor: Actor, wanted: TimesWanted, *, window: Span) -> tuple[Span, ...]:
    """When the patient has other visits."""
    if wanted.patient_id is None:
        return ()
    theirs = Appointment.objects.filter(patient__in=Patient.objects.visible_to(actor).filter(pk=wanted.patient_id))
    around = Span(window.start - _DAY, window.end + _DAY)
    rows = theirs.holding_time().overlapping(around).values_list("pk", "start_at", "end_at")
    return tuple(Span(start, end) for pk, start, end in rows if pk != wanted.moving_id)


def _wish(visit_type: VisitType, wanted: TimesWanted, *, site: Site, window: Span, limit: int) -> Wish:
    return Wish(
        duration=visit_type.duration,
        before=visit_type.before,
        after=visit_type.after,
        window=window,
        zone=site.zone,
        step=timedelta(minutes=visit_type.step_minutes),
        limit=limit,
        per_day=wanted.per_day,
    )


def _earliest(
    people: Mapping[int, Resource],
    *,
    wanted: TimesWanted,
    site: Site,
    wish: Wish,
    needs: Sequence[Need],
    known: frozenset[int],
) -> tuple[Offer, ...]:
    # A visit that starts inside the window may begin to need its resources before it and end after it.
    within = whole_days(Span(wish.window.start - wish.before, wish.window.end + wish.duration + wish.after))
    free = free_bits(tuple(people), site=site, within=within, but_appointment_id=wanted.moving_id)
    if can_use_bits(wish, says_all=free.says_all):
        return earliest_in_bits(wish=wish, needs=needs, free=free, known=known)
    spans = free_time(tuple(people), site=site, within=within, but_appointment_id=wanted.moving_id)
    return earliest(wish=wish, needs=needs, free=spans, known=known)


def _not_first(offers: Sequence[Offer], *, found: bool) -> list[Offer]:
    """In a later stretch nothing is the earliest of all any more, only of its day."""
    if not found:
        return list(offers)
    swap = {Reason.EARLIEST: Reason.EARLIEST_THAT_DAY}
    return [replace(offer, reasons=tuple(swap.get(one, one) for one in offer.reasons)) for offer in offers]


def _named(offer: Offer, people: Mapping[int, Resource], *, site: Site) -> TimeOffer:
    return TimeOffer(
        start_at=offer.start.astimezone(site.zone),
        end_at=offer.end.astimezone(site.zone),
        seats=tuple(
            SeatOffer(
                role=role,
                resource_id=resource_id,
                name=people[resource_id].name,
                is_person=people[resource_id].kind == ResourceKind.PERSON,
            )
            for role, resource_id in offer.assigned
        ),
        reasons=offer.reasons,
        also_free=tuple(people[resource_id].name for resource_id in offer.also_free),
    )
