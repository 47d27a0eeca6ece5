"""The earliest times at which everything that a visit needs is free together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden, NotFound
from liaison.scheduling.access import SEE_CALENDAR
from liaison.scheduling.models import Resource, ResourceKind, VisitType, WorkingHours
from liaison.scheduling.queries.looking import Question, TimesWanted, offers_of, question_of, sees_calendar
from liaison.scheduling.rules import Offer, Reason


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
    site_id: int
    site_name: str
    seats: tuple[SeatOffer, ...]
    reasons: tuple[Reason, ...]
    also_free: tuple[str, ...]

    @property
    def on(self) -> date:
        """The date at the site."""
        return self.start_at.date()  # local: the start is on the site's wall clock

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
    """The earliest times for a visit. Stateless: any process answers the same.

    Refuses: Forbidden, NotFound (a site whose calendar the actor doesn't see; as one of several it is passed over).
    """
    questions = _questions(actor, wanted, now=now)
    found = [_named(offer, question) for question in questions for offer in offers_of(question)]
    first = questions[0]
    return Times(
        offers=_merged(found, wanted) if len(questions) > 1 else tuple(found),
        missing=first.missing if all(question.missing for question in questions) else (),
        searched_until=max(question.last.astimezone(question.site.zone).date() for question in questions),
    )


def _questions(actor: Actor, wanted: TimesWanted, *, now: datetime) -> list[Question]:
    """The same question for each site. Where the wanted person never works it is not asked. Refuses: NotFound."""
    questions = []
    for site_id in (wanted.site_id, *wanted.also_at):
        try:
            questions.append(question_of(actor, wanted=replace(wanted, site_id=site_id), now=now))
        except NotFound:
            if not wanted.also_at:
                raise
    if not questions:
        raise NotFound
    return questions


def _merged(offers: Sequence[TimeOffer], wanted: TimesWanted) -> tuple[TimeOffer, ...]:
    """The earliest of several sites: only the first of all is the earliest, only the first of a day its first."""
    merged: list[TimeOffer] = []
    on_day: Counter[date] = Counter()
    for offer in sorted(offers, key=lambda offer: offer.start_at):
        on = offer.on
        if wanted.per_day is not None and on_day[on] >= wanted.per_day:
            continue
        rank = [Reason.EARLIEST] if not merged else [Reason.EARLIEST_THAT_DAY] if not on_day[on] else []
        others = [reason for reason in offer.reasons if reason not in {Reason.EARLIEST, Reason.EARLIEST_THAT_DAY}]
        merged.append(replace(offer, reasons=(*rank, *others)))
        on_day[on] += 1
    return tuple(merged[: wanted.limit])


def possible_at(actor: Actor, *, visit_types: Sequence[VisitType], site_id: int) -> Sequence[VisitType]:
    """Those of the visit types for which this site has everybody and everything that they need.

    None at a site whose calendar the actor doesn't see. Refuses: Forbidden.
    """
    if not sees_calendar(actor, site_id=site_id):
        return []
    there = Resource.objects.in_service().working_at(site_id).values_list("abilities", flat=True)
    able = Counter(ability for abilities in there for ability in set(abilities))
    return [kind for kind in visit_types if all(able[need.ability] >= need.quantity for need in kind.needs.all())]


def people_in_service(actor: Actor) -> Sequence[tuple[int, str]]:
    """Everybody whose time can be given away at the sites of this actor, as (resource id, name), by name.

    Refuses: Forbidden.
    """
    if not actor.may(SEE_CALENDAR):
        raise Forbidden
    people, sites = Resource.objects.in_service().filter(kind=ResourceKind.PERSON), actor.sites_for(SEE_CALENDAR)
    if sites is not None:
        people = people.filter(pk__in=WorkingHours.objects.filter(site_id__in=sites).values("resource_id"))
    return tuple(people.values_list("pk", "name"))


def sites_called(actor: Actor) -> Sequence[tuple[int, str]]:
    """Every site of the organization, as (id, name): one that is named is understood, also where nothing is given away.

    Refuses: Forbidden.
    """
    if not actor.may(SEE_CALENDAR):
        raise Forbidden
    return tuple(Site.objects.values_list("pk", "name"))


def able_at(actor: Actor, *, ability: str, site_id: int) -> Sequence[Resource]:
    """Who and what could take a role that needs this ability at this site, by name. Refuses: Forbidden."""
    if not actor.may(SEE_CALENDAR):
        raise Forbidden
    return tuple(Resource.objects.in_service().able_to(ability).working_at(site_id))


def current_version(visit_type: VisitType) -> VisitType:
    """Today's version of a kind of visit, with its needs; this one where there is none."""
    now = VisitType.objects.filter(code=visit_type.code, is_current=True).prefetch_related("needs").first()
    return now or visit_type


def clinicians_for(actor: Actor, *, visit_type: VisitType, site_id: int) -> Sequence[Resource]:
    """The people who could take the first role of this visit at this site, by name.

    Nobody at a site whose calendar the actor doesn't see. Refuses: Forbidden.
    """
    if not sees_calendar(actor, site_id=site_id):
        return ()
    first = visit_type.needs.all()[0]
    able = Resource.objects.in_service().able_to(first.ability).working_at(site_id)
    return tuple(able.filter(kind=ResourceKind.PERSON))


def _named(offer: Offer, question: Question) -> TimeOffer:
    zone, able = question.site.zone, question.able
    return TimeOffer(
        start_at=offer.start.astimezone(zone),
        end_at=offer.end.astimezone(zone),
        site_id=question.site.pk,
        site_name=question.site.name,
        seats=tuple(
            SeatOffer(
                role=role,
                resource_id=resource_id,
                name=able[resource_id].name,
                is_person=able[resource_id].is_person,
            )
            for role, resource_id in offer.assigned
        ),
        reasons=offer.reasons,
        also_free=tuple(able[resource_id].name for resource_id in offer.also_free),
    )
