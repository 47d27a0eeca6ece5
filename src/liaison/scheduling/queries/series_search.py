"""The free time of a whole series, read once: who could serve each visit, and when."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final

from liaison.accounts.models import Site
from liaison.directory.models import Practitioner
from liaison.scheduling.models import Appointment, Reservation
from liaison.scheduling.queries.free import closed_time, time_elsewhere, working_time
from liaison.scheduling.queries.looking import Able, Question, wish_of
from liaison.scheduling.queries.series_plan import SeriesWanted, Target
from liaison.scheduling.queries.times import SeatOffer, TimeOffer
from liaison.scheduling.rules import (
    Need,
    Offer,
    Span,
    earliest,
    free_spans,
)

_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
DAYS_LOOKED_ON: Final = 6


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
class Search:
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


def search_of(
    question: Question, *, targets: Sequence[Target], wanted: SeriesWanted, leaving: Collection[int], now: datetime
) -> Search:
    """Read all that the search of a series depends on; the time of the appointments `leaving` counts as free."""
    anyone = question.otherwise(replace(question.wanted, with_id=None))
    starts = [target.at for target in targets if target.at is not None] or [now]
    within = Span(min(starts) - 2 * _DAY, max(starts) + (DAYS_LOOKED_ON + 2) * _DAY)
    pool = tuple({pk for need in anyone.needs for pk in need.pool})
    zone = question.site.zone
    visits, busy, same_kind = _of_the_patient(question, within=within, leaving=leaving)
    return Search(
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
