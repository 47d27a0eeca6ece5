"""What a series of visits would meet: each day of it checked, with other times to choose where it can't be had."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import Final

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.core.calendars import BusinessCalendar
from liaison.core.refusals import NotFound
from liaison.loops.queries.calendars import business_calendar
from liaison.scheduling.queries.looking import Question, TimesWanted, question_of
from liaison.scheduling.queries.series_plan import (
    Alternative,
    AlternativeKind,
    LineState,
    PlannedVisit,
    SeriesPlan,
    SeriesWanted,
    Target,
)
from liaison.scheduling.queries.series_search import DAYS_LOOKED_ON, Search, search_of
from liaison.scheduling.rules import (
    Span,
    comes_twice,
    day_span,
    expand,
    settle,
    sits_inside,
)

_DAY: Final = timedelta(days=1)
_SAME_DAY: Final = 2


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
    search = search_of(question, targets=targets, wanted=wanted, leaving=leaving, now=now)
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


def _planned(search: Search, target: Target) -> PlannedVisit:
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


def _why(search: Search, at: datetime) -> Iterator[str]:
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


def _resources_in_the_way(search: Search, at: datetime) -> Iterator[str]:
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


def _alternatives(search: Search, at: datetime) -> Iterator[Alternative]:
    """Other times, the nearest to what was wanted first: that day, a colleague then, one of the next days."""
    zone = search.question.site.zone
    on = at.astimezone(zone).date()
    that_day = search.within(day_span(on=on, zone=zone), search.needs)
    for offer in sorted(that_day, key=lambda offer: abs(offer.start_at - at))[:_SAME_DAY]:
        yield Alternative(kind=AlternativeKind.SAME_DAY, offer=offer)
    colleague = search.exactly(at, search.others) if search.others else None
    if colleague is not None:
        yield Alternative(kind=AlternativeKind.COLLEAGUE, offer=colleague)
    for later in (on + days * _DAY for days in range(1, DAYS_LOOKED_ON)):
        if later in search.days:
            continue
        same_time = settle(on=later, at=at.astimezone(zone).time(), zone=zone).at
        offers = search.within(day_span(on=later, zone=zone), search.needs)
        exact = search.exactly(same_time, search.needs)
        nearest = exact or min(offers, key=lambda offer: abs(offer.start_at - same_time), default=None)
        if nearest is not None:
            yield Alternative(kind=AlternativeKind.NEXT_DAY, offer=nearest)
            return
