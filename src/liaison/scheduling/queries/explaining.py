"""Why there is no time, and what would have to give for one: the smallest changes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

from liaison.accounts.queries import sites_within
from liaison.core.actor import Actor
from liaison.scheduling.access import BOOK
from liaison.scheduling.queries.kept import free_bits
from liaison.scheduling.queries.looking import (
    Question,
    TimesWanted,
    days_needed,
    offers_of,
    question_of,
    wish_of,
)
from liaison.scheduling.rules import FreeBits, Offer, Span, can_use_bits, count_starts, earliest_in_bits

_MINUTES: Final = (15, 30, 60, 120, 240)
_DAYS: Final = (3, 7, 14, 28)
_SITES_ASKED: Final = 5
_MINUTES_A_DAY: Final = 24 * 60


class Change(StrEnum):
    """What would give: the order is that of the list, the cheapest for the patient first."""

    LATER_IN_DAY = "later_in_day"
    EARLIER_IN_DAY = "earlier_in_day"
    OTHER_DAYS = "other_days"
    LATER_DATE = "later_date"
    ANYBODY = "anybody"
    EARLIER_DATE = "earlier_date"
    OTHER_SITE = "other_site"
    ALL_WISHES = "all_wishes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxed:
    """One change of the wishes that gives a time: the wishes after it, and the first time that there is then."""

    change: Change
    wanted: TimesWanted
    start_at: datetime
    who: tuple[str, ...]
    site_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """How many starts are free in one role alone. `pool` says out of how many people or things."""

    role: str
    starts: int
    pool: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What each condition leaves of the starts that lead times allow, and what would help.

    `together` counts those at which all roles are free at once, `suiting` those of them on the days and hours wanted,
    `possible` those of these at which the patient has no other visit. `counted` is empty where somebody is missing
    altogether, or where the search could not count.
    """

    counted: tuple[Left, ...] = ()
    together: int = 0
    suiting: int = 0
    possible: int = 0
    relaxed: tuple[Relaxed, ...] = ()


def explain(actor: Actor, *, wanted: TimesWanted, now: datetime) -> Explanation:
    """Why a search finds nothing or little at its first site. Refuses: Forbidden, NotFound."""
    question = question_of(actor, wanted=replace(wanted, also_at=(), limit=1), now=now)
    explained, found = Explanation(), list[Relaxed]()
    if not question.missing:
        free = _free(question)
        explained = _counted(question, free)
        hopeless = bool(explained.counted) and not explained.together
        for change, steps in _ladders(question.wanted):
            if hopeless and all(question.otherwise(wanted).needs == question.needs for wanted in steps[:1]):
                continue  # Not even without wishes: only other people could help.
            found += _first_that_helps(change, question, steps, free)
    if not wanted.also_at:
        found += _elsewhere(actor, question)
    order = list(Change)
    return replace(explained, relaxed=tuple(sorted(found, key=lambda one: order.index(one.change))))


def _ladders(wanted: TimesWanted) -> Iterator[tuple[Change, Sequence[TimesWanted]]]:
    """What could give at the same site, each in steps from the smallest on."""
    if wanted.to_at is not None:
        later = [_moved(wanted.to_at, minutes) for minutes in _MINUTES]
        yield Change.LATER_IN_DAY, [replace(wanted, to_at=at) for at in later if at is not None]
    if wanted.from_at is not None:
        earlier = [_moved(wanted.from_at, -minutes) for minutes in _MINUTES]
        yield Change.EARLIER_IN_DAY, [replace(wanted, from_at=at) for at in earlier if at is not None]
    if wanted.weekdays:
        yield Change.OTHER_DAYS, [replace(wanted, weekdays=frozenset())]
    if wanted.not_after is not None:
        on = wanted.not_after
        yield Change.LATER_DATE, [replace(wanted, not_after=on + timedelta(days=days)) for days in _DAYS]
    if wanted.with_id is not None:
        yield Change.ANYBODY, [replace(wanted, with_id=None)]
    if wanted.not_before is not None:
        yield Change.EARLIER_DATE, [replace(wanted, not_before=None)]
    without = replace(
        wanted, with_id=None, weekdays=frozenset(), not_before=None, not_after=None, from_at=None, to_at=None
    )
    if without != wanted:
        yield Change.ALL_WISHES, [without]


def _moved(at: time, minutes: int) -> time | None:
    """A wall-clock time some minutes later or earlier on the same day; None where the day ends."""
    moved = at.hour * 60 + at.minute + minutes
    return time(moved // 60, moved % 60) if 0 <= moved < _MINUTES_A_DAY else None


def _first_that_helps(
    change: Change, question: Question, steps: Sequence[TimesWanted], free: FreeBits
) -> list[Relaxed]:
    """The smallest step that gives a time, if one does."""
    for wanted in steps:
        relaxed = question.otherwise(wanted)
        offer = _first_offer(relaxed, free)
        if offer is not None:
            return [_relaxed(change, relaxed, offer)]
    return []


def _first_offer(question: Question, free: FreeBits) -> Offer | None:
    if question.first >= question.last:
        return None
    wish = wish_of(question, window=Span(question.first, question.last))
    if can_use_bits(wish, says_all=free.says_all):
        offers = earliest_in_bits(wish=wish, needs=question.needs, free=free, known=question.known)
    else:
        offers = offers_of(question)
    return next(iter(offers), None)


def _elsewhere(actor: Actor, question: Question) -> Iterator[Relaxed]:
    """The first time at each of some other sites whose time this person gives, with anybody there."""
    for site in sites_within(actor, BOOK).exclude(pk=question.site.pk)[:_SITES_ASKED]:
        there = question.at_site(site)
        offers = offers_of(there)
        if offers:
            yield _relaxed(Change.OTHER_SITE, there, offers[0])


def _relaxed(change: Change, question: Question, offer: Offer) -> Relaxed:
    people = (question.able[resource_id] for _, resource_id in offer.assigned)
    return Relaxed(
        change=change,
        wanted=question.wanted,
        start_at=offer.start.astimezone(question.site.zone),
        who=tuple(one.name for one in people if one.is_person),
        site_name=question.site.name,
    )


def _free(question: Question) -> FreeBits:
    """Everybody's free time over all days that could be booked: read once, searched often."""
    bookable = Span(question.soonest, max(question.furthest, question.soonest + timedelta(days=1)))
    return free_bits(
        tuple(question.able),
        site=question.site,
        within=days_needed(wish_of(question, window=bookable)),
        but_appointment_id=question.wanted.moving_id,
    )


def _counted(question: Question, free: FreeBits) -> Explanation:
    if question.first >= question.last:
        return Explanation()
    wish = wish_of(question, window=Span(question.first, question.last))
    if not can_use_bits(wish, says_all=free.says_all):
        return Explanation()
    bookable = Span(question.soonest, question.furthest)
    counted = count_starts(wish=wish, needs=question.needs, free=free, bookable=bookable)
    return Explanation(
        counted=tuple(
            Left(role=need.role, starts=starts, pool=len(need.pool))
            for need, starts in zip(question.needs, counted.by_need, strict=True)
        ),
        together=counted.together,
        suiting=counted.suiting,
        possible=counted.possible,
    )
