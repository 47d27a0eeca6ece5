"""What a series of visits would meet: each day of it checked, with other times to choose where it can't be had."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.core.calendars import BusinessCalendar
from liaison.core.refusals import NotFound
from liaison.directory.models import Practitioner
from liaison.loops.queries.calendars import business_calendar
from liaison.scheduling.models import Appointment, Reservation, VisitType
from liaison.scheduling.queries.free import closed_time, time_elsewhere, working_time
from liaison.scheduling.queries.looking import Able, Question, TimesWanted, question_of, wish_of
from liaison.scheduling.queries.times import SeatOffer, TimeOffer
from liaison.scheduling.rules import (
    HolidayPolicy,
    Need,
    Occurrence,
    Offer,
    Pattern,
    Span,
    comes_twice,
    day_span,
    earliest,
    expand,
    free_spans,
    settle,
    sits_inside,
)

_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_DAYS_LOOKED_ON: Final = 6
_SAME_DAY: Final = 2


class LineState(StrEnum):
    """What becomes of one day of a series, before anybody decided."""

    FREE = "free"
    CONFLICT = "conflict"
    AHEAD = "ahead"
    OUT = "out"


class AlternativeKind(StrEnum):
    """How another time differs from the one that is taken."""

    SAME_DAY = "same_day"
    NEXT_DAY = "next_day"
    COLLEAGUE = "colleague"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesWanted:
    """A series that somebody thinks of. `clinician_id` and `place_id` name who or what it must be each time."""

    patient_id: int
    visit_type_id: int
    site_id: int
    pattern: Pattern
    holidays: HolidayPolicy
    clinician_id: int | None = None
    place_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One visit that is looked for: its place in the series, the day that the rule names, and the wanted instant.

    `now_at` is where it is now, on the wall clock of the site, when it would move.
    """

    position: int
    planned_on: date
    rule_at: datetime
    at: datetime | None
    holiday: str = ""
    is_shifted: bool = False
    is_twice: bool = False
    now_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another time for one visit of a series."""

    kind: AlternativeKind
    offer: TimeOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedVisit:
    """One day of the series as it would be: `offer` when the wanted time is free, else `why` not and what else is.

    `start_at` is on the wall clock of the site; None where it is left out for a holiday.
    """

    target: Target
    state: LineState
    start_at: datetime | None
    offer: TimeOffer | None = None
    why: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()

    @property
    def position(self) -> int:
        """Its place in the series, from 1."""
        return self.target.position

    @property
    def was_moved(self) -> bool:
        """Whether a holiday moved it to another day."""
        if self.start_at is None or not self.target.holiday:
            return False
        return self.start_at.date() != self.target.planned_on  # local: on the wall clock of the site


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPlan:
    """Every day of a series, in order. Times up to `books_until` (a local day) are given now, later ones by and by."""

    visit_type: VisitType
    site: Site
    visits: tuple[PlannedVisit, ...]
    missing: tuple[str, ...]
    books_until: date

    @property
    def signature(self) -> str:
        """The days as one short text: whoever comes back with it saw these."""
        return signature_of([one.target for one in self.visits])

    @property
    def free(self) -> int:
        """How many are free as asked."""
        return self._count(LineState.FREE)

    @property
    def conflicts(self) -> int:
        """How many want a decision."""
        return self._count(LineState.CONFLICT)

    @property
    def ahead(self) -> int:
        """How many can't be booked yet."""
        return self._count(LineState.AHEAD)

    @property
    def out(self) -> int:
        """How many are left out for a holiday."""
        return self._count(LineState.OUT)

    def _count(self, state: LineState) -> int:
        return sum(one.state is state for one in self.visits)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Times:
    """When everybody and everything that could serve works, is closed, is taken and is free."""

    working: Mapping[int, Sequence[Span]]
    closed: Mapping[int, Sequence[Span]]
    reserved: Mapping[int, Sequence[Span]]
    free: Mapping[int, Sequence[Span]]

    def near(self, within: Span) -> Mapping[int, Sequence[Span]]:
        """The free time that touches `within`."""
        return {
            resource_id: spans[
                max(0, bisect_right(spans, within.start, key=_start) - 1) : bisect_right(spans, within.end, key=_start)
            ]
            for resource_id, spans in self.free.items()
        }


def _start(span: Span) -> datetime:
    return span.start


@dataclass(slots=True, kw_only=True)
class _Search:
    """One look at the free time of a whole series. `known` grows: who serves the first visits serves the next."""

    question: Question
    needs: tuple[Need, ...]
    others: tuple[Need, ...]
    times: _Times
    visits: tuple[Span, ...]
    busy: tuple[Span, ...]
    same_kind: frozenset[tuple[date, int]]
    now: datetime
    days: frozenset[date]
    known: set[int] = field(default_factory=set)

    def exactly(self, at: datetime, needs: tuple[Need, ...]) -> TimeOffer | None:
        """Everything that is needed at this instant, or None."""
        return next(iter(self.within(Span(at, at + _MINUTE), needs, step=_MINUTE)), None)

    def within(self, window: Span, needs: tuple[Need, ...], *, step: timedelta | None = None) -> Sequence[TimeOffer]:
        """Every start inside the window at which all is free, in order of time."""
        first, last = max(window.start, self.question.soonest), min(window.end, self.question.furthest + _MINUTE)
        if first >= last or any(not need.pool for need in needs):
            return ()
        late = Span(first, last)
        wish = wish_of(self.question, window=late)
        wish = replace(wish, step=step or wish.step, limit=200, per_day=None, avoid=self.busy)
        around = Span(late.start - _DAY, late.end + _DAY)
        found = earliest(wish=wish, needs=needs, free=self.times.near(around), known=frozenset(self.known))
        return [self._named(offer) for offer in found if not self._is_second(offer)]

    def _is_second(self, offer: Offer) -> bool:
        on = offer.start.astimezone(self.question.site.zone).date()
        return any((on, resource_id) in self.same_kind for _, resource_id in offer.assigned)

    def _named(self, offer: Offer) -> TimeOffer:
        zone, able = self.question.site.zone, self.question.able
        return TimeOffer(
            start_at=offer.start.astimezone(zone),
            end_at=offer.end.astimezone(zone),
            site_id=self.question.site.pk,
            site_name=self.question.site.name,
            seats=tuple(
                SeatOffer(role=role, resource_id=pk, name=able[pk].name, is_person=able[pk].is_person)
                for role, pk in offer.assigned
            ),
            reasons=offer.reasons,
            also_free=tuple(able[pk].name for pk in offer.also_free),
        )


def signature_of(days: Sequence[Target] | Sequence[Occurrence]) -> str:
    """The position and instant of each visit, as one short text."""
    text = " ".join(f"{day.position}:{day.at:%Y%m%dT%H%M}" for day in days if day.at is not None)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def plan_series(actor: Actor, *, wanted: SeriesWanted, now: datetime) -> SeriesPlan:
    """Every visit of the series checked against hours, closures, bookings, lead times and the patient's own visits.

    Nothing is locked or written. Refuses: Forbidden, NotFound (another site's calendar; who does not work there).
    """
    question = _question(actor, wanted, now=now)
    days = expand(
        wanted.pattern,
        zone=question.site.zone,
        holidays=wanted.holidays,
        calendar=business_calendar(site_id=question.site.pk),
    )
    targets = [
        Target(
            position=one.position,
            planned_on=one.planned_on,
            rule_at=one.rule_at,
            at=one.at,
            holiday=one.holiday,
            is_shifted=one.is_shifted,
            is_twice=one.is_twice,
        )
        for one in days
    ]
    return plan_visits(question, targets=targets, wanted=wanted, now=now)


def plan_again(
    actor: Actor, *, wanted: SeriesWanted, targets: Sequence[Target], leaving: Collection[int], now: datetime
) -> SeriesPlan:
    """The same for visits that have a time already: that of the appointments `leaving` counts as free."""
    question = _question(actor, wanted, now=now)
    return plan_visits(question, targets=targets, wanted=wanted, leaving=leaving, now=now)


def plan_visits(
    question: Question,
    *,
    targets: Sequence[Target],
    wanted: SeriesWanted,
    leaving: Collection[int] = (),
    now: datetime,
) -> SeriesPlan:
    """Look for each of the targets, one after the other."""
    search = _search(question, targets=targets, wanted=wanted, leaving=leaving, now=now)
    return SeriesPlan(
        visit_type=question.visit_type,
        site=question.site,
        visits=tuple(_planned(search, target) for target in targets),
        missing=tuple(need.role for need in search.needs if len(need.pool) < need.quantity),
        books_until=question.furthest.astimezone(question.site.zone).date(),
    )


def moved_target(
    *, position: int, rule_at: datetime, from_at: datetime, site: Site, days: int, at: time, holidays: BusinessCalendar
) -> Target:
    """A visit that is at `from_at` now, so many days later at the wall time `at`; a skipped time moves forward."""
    now_at = from_at.astimezone(site.zone)
    on = now_at.date() + days * _DAY  # local: on the wall clock of the site
    settled = settle(on=on, at=at, zone=site.zone)
    return Target(
        position=position,
        planned_on=on,
        rule_at=rule_at,
        at=settled.at,
        holiday=holidays.holiday_name(on),
        is_shifted=settled.shifted,
        is_twice=comes_twice(on=on, at=at, zone=site.zone),
        now_at=now_at,
    )


def _question(actor: Actor, wanted: SeriesWanted, *, now: datetime) -> Question:
    times = TimesWanted(
        visit_type_id=wanted.visit_type_id,
        site_id=wanted.site_id,
        patient_id=wanted.patient_id,
        with_id=wanted.clinician_id,
    )
    question = question_of(actor, wanted=times, now=now)
    if wanted.place_id is not None and wanted.place_id not in question.able:
        raise NotFound("This room or machine does not serve such visits there. Choose another, or any.")
    return question


def _search(
    question: Question, *, targets: Sequence[Target], wanted: SeriesWanted, leaving: Collection[int], now: datetime
) -> _Search:
    anyone = question.otherwise(replace(question.wanted, with_id=None))
    starts = [target.at for target in targets if target.at is not None] or [now]
    within = Span(min(starts) - 2 * _DAY, max(starts) + (_DAYS_LOOKED_ON + 2) * _DAY)
    pool = tuple({pk for need in anyone.needs for pk in need.pool})
    zone = question.site.zone
    visits, busy, same_kind = _of_the_patient(question, within=within, leaving=leaving)
    return _Search(
        question=question,
        needs=_only(question.needs, wanted.place_id),
        others=_only(_colleagues(anyone, wanted.clinician_id), wanted.place_id),
        times=_times(pool, site=question.site, within=within, leaving=leaving),
        visits=visits,
        busy=busy,
        same_kind=same_kind,
        now=now,
        days=frozenset(start.astimezone(zone).date() for start in starts),
        known=set(question.known),
    )


def _only(needs: tuple[Need, ...], place_id: int | None) -> tuple[Need, ...]:
    """The needs with this one room or machine where it can serve."""
    return tuple(
        replace(need, pool=(place_id,)) if place_id in need.pool and need.quantity == 1 else need for need in needs
    )


def _colleagues(question: Question, clinician_id: int | None) -> tuple[Need, ...]:
    """The needs without this person, for colleagues of the same specialty; none where nobody was asked for."""
    if clinician_id is None:
        return ()
    able = question.able
    specialty = _specialties(able)
    return tuple(
        replace(
            need,
            pool=tuple(
                pk for pk in need.pool if pk != clinician_id and specialty.get(pk) == specialty.get(clinician_id)
            ),
        )
        if clinician_id in need.pool
        else need
        for need in question.needs
    )


def _specialties(able: Mapping[int, Able]) -> Mapping[int, str]:
    by_practitioner = {one.practitioner_id: pk for pk, one in able.items() if one.practitioner_id is not None}
    rows = Practitioner.objects.filter(pk__in=by_practitioner).values_list("pk", "specialty")
    return {by_practitioner[pk]: specialty for pk, specialty in rows}


def _times(pool: Sequence[int], *, site: Site, within: Span, leaving: Collection[int]) -> _Times:
    working = working_time(pool, site=site, within=within)
    closed = closed_time(pool, site_id=site.pk, within=within)
    reserved: dict[int, list[Span]] = defaultdict(list)
    rows = Reservation.objects.filter(
        resource_id__in=pool, active=True, during__overlap=(within.start, within.end)
    ).exclude(appointment_id__in=leaving)
    for resource_id, during in rows.values_list("resource_id", "during"):
        reserved[resource_id].append(Span(during.lower, during.upper))
    free = {
        pk: free_spans(working=spans, closed=closed[pk], reserved=reserved.get(pk, ())) for pk, spans in working.items()
    }
    return _Times(working=working, closed=closed, reserved=reserved, free=free)


def _of_the_patient(
    question: Question, *, within: Span, leaving: Collection[int]
) -> tuple[tuple[Span, ...], tuple[Span, ...], frozenset[tuple[date, int]]]:
    """The patient's other visits, the same with the way, and on which days they have this kind of visit with whom."""
    theirs = Appointment.objects.filter(patient_id=question.wanted.patient_id or 0).holding_time().overlapping(within)
    theirs = theirs.exclude(pk__in=leaving)
    modality = question.visit_type.modality
    busy = tuple(time_elsewhere(theirs, site_id=question.site.pk, modality=modality))
    same = theirs.filter(
        visit_type__code=question.visit_type.code, reservations__resource__practitioner__isnull=False
    ).values_list("start_at", "reservations__resource_id")
    zone = question.site.zone
    visits = tuple(Span(start, end) for start, end in theirs.values_list("start_at", "end_at"))
    return visits, busy, frozenset((start.astimezone(zone).date(), resource_id) for start, resource_id in same)


def _planned(search: _Search, target: Target) -> PlannedVisit:
    if target.at is None:
        return PlannedVisit(target=target, state=LineState.OUT, start_at=None)
    local = target.at.astimezone(search.question.site.zone)
    if target.at > search.question.furthest:
        return PlannedVisit(target=target, state=LineState.AHEAD, start_at=local)
    offer = search.exactly(target.at, search.needs)
    if offer is not None:
        search.known |= {seat.resource_id for seat in offer.seats}
        return PlannedVisit(target=target, state=LineState.FREE, start_at=local, offer=offer)
    return PlannedVisit(
        target=target,
        state=LineState.CONFLICT,
        start_at=local,
        why=tuple(_why(search, target.at)),
        alternatives=tuple(_alternatives(search, target.at)),
    )


def _why(search: _Search, at: datetime) -> Iterator[str]:
    """What stands in the way, in sentences; at least one."""
    question = search.question
    if at < search.now:
        yield "That time is past."
        return
    if at < question.soonest:
        yield "That start is too soon for this kind of visit."
        return
    said = [*_resources_in_the_way(search, at)]
    visit = Span(at, at + question.visit_type.duration)
    if any(span.overlaps(visit) for span in search.visits):
        said.append("The patient has another visit at that time.")
    elif any(span.overlaps(visit) for span in search.busy):
        said.append("The patient has no time to come from another site, or to get there.")
    on = at.astimezone(question.site.zone).date()
    people = {pk for need in search.needs for pk in need.pool if question.able[pk].is_person}
    if not said and any((on, pk) in search.same_kind for pk in people):
        said.append("The patient already has this kind of visit with the same clinician that day.")
    yield from said or ["Not everything that it needs is free together then."]


def _resources_in_the_way(search: _Search, at: datetime) -> Iterator[str]:
    question, times = search.question, search.times
    claim = question.visit_type.claim(at)
    for need in search.needs:
        fits = [pk for pk in need.pool if any(span.covers(claim) for span in times.free.get(pk, ()))]
        if len(fits) >= need.quantity:
            continue
        if len(need.pool) != 1:
            yield f"No {need.role} is free then."
            continue
        (pk,) = need.pool
        name = question.able[pk].name
        if not sits_inside(claim, working=times.working.get(pk, ()), closed=()):
            yield f"{name} does not work at {question.site} then."
        elif any(span.overlaps(claim) for span in times.closed[pk]):
            yield f"{name} is away or closed then."
        else:
            yield f"{name} has another visit at that time."


def _alternatives(search: _Search, at: datetime) -> Iterator[Alternative]:
    """Other times, the nearest to what was wanted first: that day, a colleague then, one of the next days."""
    zone = search.question.site.zone
    on = at.astimezone(zone).date()
    that_day = search.within(day_span(on=on, zone=zone), search.needs)
    for offer in sorted(that_day, key=lambda offer: abs(offer.start_at - at))[:_SAME_DAY]:
        yield Alternative(kind=AlternativeKind.SAME_DAY, offer=offer)
    colleague = search.exactly(at, search.others) if search.others else None
    if colleague is not None:
        yield Alternative(kind=AlternativeKind.COLLEAGUE, offer=colleague)
    for later in (on + days * _DAY for days in range(1, _DAYS_LOOKED_ON)):
        if later in search.days:
            continue
        same_time = settle(on=later, at=at.astimezone(zone).time(), zone=zone).at
        offers = search.within(day_span(on=later, zone=zone), search.needs)
        exact = search.exactly(same_time, search.needs)
        nearest = exact or min(offers, key=lambda offer: abs(offer.start_at - same_time), default=None)
        if nearest is not None:
            yield Alternative(kind=AlternativeKind.NEXT_DAY, offer=nearest)
            return
