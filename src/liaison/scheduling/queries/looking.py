"""What a person looks for, read once from the database, and the search itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final

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

HORIZON: Final = timedelta(days=HORIZON_DAYS)
"""How far ahead is looked when the visit type sets no limit."""

_DAY: Final = timedelta(days=1)
_STRETCHES: Final = (7, 28, 85)
"""Days that are looked at in one go, one stretch after the other: most answers lie in the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimesWanted:
    """What a person asks for. `with_id` names the resource that it must be with, `not_before` a local day.

    `moving_id` is the appointment that would be moved: its own time counts as free. The patient comes on one of the
    `weekdays` (Monday is 0; none means any) up to and including the day `not_after`, not before `from_at`, and
    leaves by `to_at`, all on the wall clock of the site. `also_at` names further sites that will do.
    """

    visit_type_id: int
    site_id: int
    patient_id: int | None = None
    with_id: int | None = None
    not_before: date | None = None
    not_after: date | None = None
    weekdays: frozenset[int] = frozenset()
    from_at: time | None = None
    to_at: time | None = None
    also_at: tuple[int, ...] = ()
    moving_id: int | None = None
    limit: int = 12
    per_day: int | None = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Able:
    """Somebody or something in service at the site that could fill a need."""

    resource_id: int
    name: str
    is_person: bool
    practitioner_id: int | None
    abilities: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is looked for, with everything that the answer depends on but free time.

    Lead times let a visit start from `soonest` up to `furthest`. `known` are the people who know the patient, `avoid`
    the patient's other visits in that time, `missing` the roles that nobody there can fill.
    """

    wanted: TimesWanted
    visit_type: VisitType
    site: Site
    needs: tuple[Need, ...]
    able: Mapping[int, Able]
    known: frozenset[int]
    avoid: tuple[Span, ...]
    soonest: datetime
    furthest: datetime

    @property
    def first(self) -> datetime:
        """From when on it may start, by lead time and wish."""
        on = self.wanted.not_before
        return self.soonest if on is None else max(self.soonest, day_span(on=on, zone=self.site.zone).start)

    @property
    def last(self) -> datetime:
        """Up to when it may start, by lead time and wish."""
        on = self.wanted.not_after
        return self.furthest if on is None else min(self.furthest, day_span(on=on, zone=self.site.zone).end)

    def otherwise(self, wanted: TimesWanted) -> Question:
        """The same question with other wishes, at the same site for the same patient."""
        return replace(self, wanted=wanted, needs=_needs(self.visit_type, self.able, with_id=wanted.with_id))

    def at_site(self, site: Site) -> Question:
        """The same question at another site, with anybody there; who knows the patient is not asked again."""
        wanted, able = replace(self.wanted, site_id=site.pk, with_id=None), _able(self.visit_type, site=site)
        needs = _needs(self.visit_type, able, with_id=None)
        return replace(self, wanted=wanted, site=site, able=able, needs=needs, known=frozenset())

    @property
    def missing(self) -> tuple[str, ...]:
        """The roles for which there are not enough."""
        return tuple(need.role for need in self.needs if len(need.pool) < need.quantity)


def question_of(actor: Actor, *, wanted: TimesWanted, now: datetime) -> Question:
    """Read what the search depends on. Refuses: Forbidden, NotFound (another site's calendar too)."""
    if not sees_calendar(actor, site_id=wanted.site_id):
        raise NotFound
    visit_type = VisitType.objects.filter(pk=wanted.visit_type_id).prefetch_related("needs").first()
    site = Site.objects.filter(pk=wanted.site_id).first()
    if visit_type is None or site is None:
        raise NotFound
    able = _able(visit_type, site=site)
    needs = _needs(visit_type, able, with_id=wanted.with_id)
    soonest = now + visit_type.least_lead
    patient_id = _visible_patient(actor, wanted.patient_id, now=now)
    return Question(
        wanted=wanted,
        visit_type=visit_type,
        site=site,
        needs=needs,
        able=able,
        known=_known(patient_id, able, now=now) if patient_id is not None else frozenset(),
        avoid=_elsewhere(patient_id, wanted, since=soonest - _DAY) if patient_id is not None else (),
        soonest=soonest,
        furthest=now + (visit_type.most_lead or HORIZON),
    )


def sees_calendar(actor: Actor, *, site_id: int) -> bool:
    """Whether the free time of this site is for this actor. Refuses: Forbidden to who sees no calendar at all."""
    if not actor.may(SEE_CALENDAR):
        raise Forbidden
    return actor.may_at(SEE_CALENDAR, site_id=site_id)


def offers_of(question: Question) -> tuple[Offer, ...]:
    """The earliest offers, in order of time."""
    offers: list[Offer] = []
    limit = question.wanted.limit
    for window in () if question.missing else _stretches(question):
        wish = replace(wish_of(question, window=window), limit=limit - len(offers))
        offers += _not_first(_earliest(question, wish), found=bool(offers))
        if len(offers) >= limit:
            break
    return tuple(offers)


def wish_of(question: Question, *, window: Span) -> Wish:
    """The wish that the rules understand, for starts inside `window`."""
    visit_type, wanted = question.visit_type, question.wanted
    return Wish(
        duration=visit_type.duration,
        before=visit_type.before,
        after=visit_type.after,
        window=window,
        zone=question.site.zone,
        step=timedelta(minutes=visit_type.step_minutes),
        limit=wanted.limit,
        per_day=wanted.per_day,
        avoid=question.avoid,
        weekdays=wanted.weekdays,
        from_at=wanted.from_at,
        to_at=wanted.to_at,
    )


def days_needed(wish: Wish) -> Span:
    """The UTC days for which free time must be known: a visit that starts inside the window may begin to need its
    resources before it and end after it."""
    return whole_days(Span(wish.window.start - wish.before, wish.window.end + wish.duration + wish.after))


def _earliest(question: Question, wish: Wish) -> tuple[Offer, ...]:
    within = days_needed(wish)
    needed = tuple({resource_id for need in question.needs for resource_id in need.pool})
    moving_id = question.wanted.moving_id
    free = free_bits(needed, site=question.site, within=within, but_appointment_id=moving_id)
    if can_use_bits(wish, says_all=free.says_all):
        return earliest_in_bits(wish=wish, needs=question.needs, free=free, known=question.known)
    spans = free_time(needed, site=question.site, within=within, but_appointment_id=moving_id)
    return earliest(wish=wish, needs=question.needs, free=spans, known=question.known)


def _able(visit_type: VisitType, *, site: Site) -> Mapping[int, Able]:
    """Everybody and everything in service at the site with an ability that the visit asks for, by name."""
    wanted = [need.ability for need in visit_type.needs.all()]
    rows = Resource.objects.in_service().filter(abilities__overlap=wanted).working_at(site.pk)
    return {
        pk: Able(
            resource_id=pk,
            name=name,
            is_person=kind == ResourceKind.PERSON,
            practitioner_id=practitioner_id,
            abilities=frozenset(abilities),
        )
        for pk, name, kind, practitioner_id, abilities in rows.values_list(
            "pk", "name", "kind", "practitioner_id", "abilities"
        )
    }


def _needs(visit_type: VisitType, able: Mapping[int, Able], *, with_id: int | None) -> tuple[Need, ...]:
    needs = []
    for need in visit_type.needs.all():
        pool = tuple(pk for pk, one in able.items() if need.ability in one.abilities)
        if with_id in pool and need.quantity == 1:
            pool = tuple(pk for pk in pool if pk == with_id)
        needs.append(Need(role=need.role, pool=pool, quantity=need.quantity))
    if with_id is not None and with_id not in able:
        raise NotFound("This person does not take such visits there. Choose somebody else or another site.")
    return tuple(needs)


def _visible_patient(actor: Actor, patient_id: int | None, *, now: datetime) -> int | None:
    """The patient, if this actor may see them: nothing about others bends the answer."""
    if patient_id is None:
        return None
    visible = Patient.objects.visible_to(actor, now=now).filter(pk=patient_id)
    return visible.values_list("pk", flat=True).first()


def _known(patient_id: int, able: Mapping[int, Able], *, now: datetime) -> frozenset[int]:
    """The people who are on the patient's care team or have seen them before."""
    team = CareTeamMember.objects.current(now=now).filter(patient_id=patient_id, practitioner__isnull=False)
    practitioners = set(team.values_list("practitioner_id", flat=True))
    seen = Reservation.objects.filter(appointment__patient_id=patient_id, appointment__state=State.FULFILLED)
    met = set(seen.values_list("resource_id", flat=True))
    return frozenset(
        pk for pk, one in able.items() if one.is_person and (pk in met or one.practitioner_id in practitioners)
    )


def _elsewhere(patient_id: int, wanted: TimesWanted, *, since: datetime) -> tuple[Span, ...]:
    """When the patient has other visits from `since` on."""
    theirs = Appointment.objects.filter(patient_id=patient_id, end_at__gt=since).holding_time()
    rows = theirs.values_list("pk", "start_at", "end_at")
    return tuple(Span(start, end) for pk, start, end in rows if pk != wanted.moving_id)


def _stretches(question: Question) -> Iterator[Span]:
    """What is looked at, one stretch after the other, cut at local midnights."""
    first, zone = question.first, question.site.zone
    on = first.astimezone(zone).date()
    for days in _STRETCHES:
        on += timedelta(days=days)
        end = min(day_span(on=on, zone=zone).start, question.last)
        if first < end:
            yield Span(first, end)
            first = end


def _not_first(offers: Sequence[Offer], *, found: bool) -> list[Offer]:
    """In a later stretch nothing is the earliest of all any more, only of its day."""
    if not found:
        return list(offers)
    swap = {Reason.EARLIEST: Reason.EARLIEST_THAT_DAY}
    return [replace(offer, reasons=tuple(swap.get(one, one) for one in offer.reasons)) for offer in offers]
