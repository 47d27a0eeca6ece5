"""The times that a displaced visit could have, those nearest to its own first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from liaison.scheduling.rules.bit_search import FreeBits, startable
from liaison.scheduling.rules.bits import CELL, places_of
from liaison.scheduling.rules.journeys import Gap, PlacedVisit, gap_fault
from liaison.scheduling.rules.replan import DisplacedVisit, NewTime, Press, TimeWhy, cost_of_time
from liaison.scheduling.rules.search import Need, Wish, all_different
from liaison.scheduling.rules.spans import Span

NOTICE: Final = timedelta(hours=4)
"""How long before another time than their own a patient must be told at the least."""
EARLIER_NOTICE: Final = timedelta(days=2)
"""The same for a time before their own: who is not reached until then misses it, and counts on the later one."""
_MOST_LEADING: Final = 8
"""People who are tried for one start."""
_VARIANTS: Final = 2
"""Rooms that are tried with one person at one start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Another visit of the same journey, and the gap that is asked between the two."""

    other: PlacedVisit
    gap: Gap
    is_earlier: bool

    def allows(self, placed: PlacedVisit) -> bool:
        """Whether a visit that is placed so lies to the other one as was asked."""
        earlier, later = (self.other, placed) if self.is_earlier else (placed, self.other)
        return gap_fault(self.gap, earlier=earlier, later=later) is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToReplan:
    """A displaced visit with what the search for its times depends on.

    `had` are the resources that it had, `known` the people who know the patient, `beside` the visits of its journey to
    which it must lie as was asked.
    """

    key: int
    patient_id: int
    was: datetime
    press: Press
    deadline: datetime | None
    wish: Wish
    needs: tuple[Need, ...]
    free: FreeBits
    had: frozenset[int] = frozenset()
    known: frozenset[int] = frozenset()
    beside: tuple[Beside, ...] = ()


def with_times(visit: ToReplan, *, now: datetime, most: int) -> DisplacedVisit:
    """The visit with at most `most` times that it could have, the cheapest first. Without needs there are none."""
    possible, fitting = startable(wish=visit.wish, needs=visit.needs, free=visit.free) if visit.needs else (0, {})
    starts = [visit.free.within.start + place * CELL for place in places_of(possible)]
    distance, times = _Distance(was=visit.was, deadline=visit.deadline), list[NewTime]()
    for start in sorted(filter(lambda start: _may_be(start, visit, now=now), starts), key=distance):
        times += _times_at(start, visit, fitting)
        if len(times) >= most:
            break
    times.sort(key=lambda one: (one.cost, one.start, one.assigned))
    return DisplacedVisit(
        key=visit.key, patient_id=visit.patient_id, was=visit.was, press=visit.press, deadline=visit.deadline,
        times=tuple(times[:most]),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Distance:
    """How far a start lies from the visit's own; those by its deadline go before those after it."""

    was: datetime
    deadline: datetime | None

    def __call__(self, start: datetime) -> tuple[bool, timedelta, datetime]:
        return self.deadline is not None and start > self.deadline, abs(start - self.was), start


def _may_be(start: datetime, visit: ToReplan, *, now: datetime) -> bool:
    notice = EARLIER_NOTICE if start < visit.was else NOTICE
    if start != visit.was and start < now + notice:
        return False
    placed = PlacedVisit(span=Span(start, start + visit.wish.duration), zone=visit.wish.zone)
    return all(one.allows(placed) for one in visit.beside)


def _times_at(start: datetime, visit: ToReplan, fitting: Mapping[int, int]) -> Iterator[NewTime]:
    """The time at this start with each of those who could lead it; who knows the patient first."""
    at = (start - visit.free.within.start) // CELL
    able = [[pk for pk in need.pool if fitting.get(pk, 0) >> at & 1] for need in visit.needs]
    leading = sorted(able[0], key=lambda pk: (pk not in visit.had, pk not in visit.known))
    for leader in leading[:_MOST_LEADING]:
        place = visit.needs[0].pool.index(leader)
        found = {_assigned(leader, place + shift, able, visit.needs) for shift in range(_VARIANTS)}
        for assigned in sorted(one for one in found if one is not None):
            yield _time(start, assigned, visit)


def _assigned(
    leader: int, place: int, able: Sequence[Sequence[int]], needs: Sequence[Need]
) -> tuple[tuple[str, int], ...] | None:
    """Who takes each seat when `leader` takes the first: people who lead at one time get rooms of their own."""
    turned = [_turned(each, place) for each in able]
    seats = [at for at, need in enumerate(needs) for _ in range(need.quantity)]
    chosen = all_different([[leader], *(turned[at] for at in seats[1:])])
    if chosen is None:
        return None
    return tuple((needs[at].role, pk) for at, pk in zip(seats, chosen, strict=True))


def _turned(each: Sequence[int], by: int) -> list[int]:
    """The same in another order, which begins `by` places on."""
    first = by % len(each) if each else 0
    return [*each[first:], *each[:first]]


def _time(start: datetime, assigned: tuple[tuple[str, int], ...], visit: ToReplan) -> NewTime:
    taken = {pk for _, pk in assigned}
    is_known = bool(taken & visit.known)
    return NewTime(
        start=start,
        end=start + visit.wish.duration,
        claim=visit.wish.claim(start),
        assigned=assigned,
        cost=cost_of_time(start, was=visit.was, press=visit.press, deadline=visit.deadline, is_known=is_known),
        whys=tuple(_whys(start, assigned, visit)),
    )


def _whys(start: datetime, assigned: tuple[tuple[str, int], ...], visit: ToReplan) -> Iterator[TimeWhy]:
    if start == visit.was:
        yield TimeWhy.SAME_TIME
    elif start.astimezone(visit.wish.zone).date() == visit.was.astimezone(visit.wish.zone).date():
        yield TimeWhy.SAME_DAY
    leader = assigned[0][1]
    if leader in visit.had:
        yield TimeWhy.SAME_PERSON
    elif leader in visit.known:
        yield TimeWhy.KNOWS_PATIENT
    else:
        yield TimeWhy.SOMEBODY_NEW
    if visit.deadline is not None and start > visit.deadline:
        yield TimeWhy.AFTER_DEADLINE
