"""A day that can't take place as planned: which visit gets which other time.

Each visit that is displaced comes with the times that it could have and what each would cost it. A plan gives every
visit one of them or none, so that nobody and nothing is needed twice at once. `greedy_plan` lets those choose first
that can least wait; `rules.replan_polish` looks for a plan that costs less.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Final

from liaison.scheduling.rules.spans import Span

_MINUTE: Final = timedelta(minutes=1)

NO_TIME: Final = 200_000
"""What it costs a visit that can wait to get none of the times: as much as a time 140 days away."""
TOO_LATE_FOR_IT: Final = 60_000
"""What is added for a time after the day by which it was promised."""
SOMEBODY_ELSE: Final = 720
"""What is added for somebody who does not know the patient: as much as half a day's waiting of what can wait."""
_PINNED: Final = 1000


class Press(IntEnum):
    """How hard a visit presses: what a minute of waiting costs it."""

    ROUTINE = 1
    URGENT = 4
    CLINICAL = 8


class TimeWhy(StrEnum):
    """What is to be said of a time that a displaced visit could have."""

    SAME_TIME = "same_time"
    SAME_DAY = "same_day"
    SAME_PERSON = "same_person"
    KNOWS_PATIENT = "knows_patient"
    SOMEBODY_NEW = "somebody_new"
    AFTER_DEADLINE = "after_deadline"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTime:
    """A time that a visit could have: `assigned` pairs each role with a resource, all needed during `claim`."""

    start: datetime
    end: datetime
    claim: Span
    assigned: tuple[tuple[str, int], ...]
    cost: int
    whys: tuple[TimeWhy, ...] = ()

    def takes(self, patient_id: int) -> Iterator[tuple[int, Span]]:
        """Whose time it takes: each resource by its id, the patient as a negative number."""
        for _, resource_id in self.assigned:
            yield resource_id, self.claim
        yield -patient_id, Span(self.start, self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplacedVisit:
    """A visit that can't be when it was booked, and the times that it could have, the cheapest first.

    `was` is its start so far, `deadline` the instant by which it was promised. `is_pinned` says that a person chose
    among `times`: the others give way.
    """

    key: int
    patient_id: int
    was: datetime
    press: Press = Press.ROUTINE
    deadline: datetime | None = None
    times: tuple[NewTime, ...] = ()
    is_pinned: bool = False

    @property
    def cost_of_none(self) -> int:
        """What it costs to leave it without a time."""
        return NO_TIME * self.press * (_PINNED if self.is_pinned else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPlan:
    """Which of its times each visit gets, by its key; None for none. No plan costs less than `bound`."""

    picks: Mapping[int, NewTime | None]
    cost: int
    bound: int

    @property
    def is_best(self) -> bool:
        """Whether it is proven that no plan costs less."""
        return self.cost <= self.bound

    @property
    def off_by(self) -> int:
        """How many per cent of what it costs may be too much, rounded up."""
        return 0 if self.is_best else -(-100 * (self.cost - self.bound) // self.cost)


def cost_of_time(start: datetime, *, was: datetime, press: Press, deadline: datetime | None, is_known: bool) -> int:
    """What a time costs a visit: the minutes between then and now, weighed by how hard it presses; more when it is
    after the deadline, and when nobody there knows the patient."""
    away = abs(start - was) // _MINUTE
    late = TOO_LATE_FOR_IT if deadline is not None and start > deadline else 0
    return press * (away + late) + (0 if is_known else SOMEBODY_ELSE)


def in_order_of_need(visits: Sequence[DisplacedVisit]) -> list[DisplacedVisit]:
    """Who chooses first: what a person chose, then what presses, is due first, has few times, comes first."""
    return sorted(
        visits,
        key=lambda one: (
            not one.is_pinned,
            -one.press,
            one.deadline is None,
            one.deadline or one.was,
            len(one.times),
            one.was,
            one.key,
        ),
    )


def greedy_plan(visits: Sequence[DisplacedVisit]) -> DayPlan:
    """The plan in which each visit, who can least wait first, takes the cheapest time that is left."""
    taken: dict[int, list[Span]] = defaultdict(list)
    picks: dict[int, NewTime | None] = {}
    for visit in in_order_of_need(visits):
        pick = next((one for one in visit.times if not _collides(one, visit, taken)), None)
        picks[visit.key] = pick
        for whose, span in pick.takes(visit.patient_id) if pick else ():
            taken[whose].append(span)
    return DayPlan(picks=picks, cost=cost_of_plan(visits, picks), bound=lower_bound(visits))


def cost_of_plan(visits: Sequence[DisplacedVisit], picks: Mapping[int, NewTime | None]) -> int:
    """What a plan costs all together."""
    return sum(pick.cost if (pick := picks[one.key]) is not None else one.cost_of_none for one in visits)


def lower_bound(visits: Sequence[DisplacedVisit]) -> int:
    """What the visits would cost if each could have its cheapest time, whatever the others have."""
    return sum(min((one.cost for one in visit.times), default=visit.cost_of_none) for visit in visits)


def still_open(visits: Sequence[DisplacedVisit], plan: DayPlan, *, most: int) -> Mapping[int, tuple[NewTime, ...]]:
    """By visit the times that it could have while all others keep what the plan gives them, the cheapest first: one
    for each start and leading person, at most `most`."""
    taken: dict[int, list[tuple[int, Span]]] = defaultdict(list)
    for visit in visits:
        pick = plan.picks[visit.key]
        for whose, span in pick.takes(visit.patient_id) if pick else ():
            taken[whose].append((visit.key, span))
    return {visit.key: _open_to(visit, taken, most=most) for visit in visits}


def _open_to(
    visit: DisplacedVisit, taken: Mapping[int, Sequence[tuple[int, Span]]], *, most: int
) -> tuple[NewTime, ...]:
    found: dict[tuple[datetime, int], NewTime] = {}
    for one in visit.times:
        free = all(
            key == visit.key or not span.overlaps(other)
            for whose, span in one.takes(visit.patient_id)
            for key, other in taken.get(whose, ())
        )
        if free:
            found.setdefault((one.start, one.assigned[0][1]), one)
        if len(found) == most:
            break
    return tuple(found.values())


def _collides(time: NewTime, visit: DisplacedVisit, taken: Mapping[int, Sequence[Span]]) -> bool:
    return any(span.overlaps(other) for whose, span in time.takes(visit.patient_id) for other in taken.get(whose, ()))
