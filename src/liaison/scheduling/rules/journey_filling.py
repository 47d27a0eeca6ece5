"""Times for several visits on chosen days: who serves each, nobody twice at once, the patient nowhere in a hurry."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from liaison.scheduling.rules.bits import CELL, between, cell_after, places_of
from liaison.scheduling.rules.booking import TRAVEL
from liaison.scheduling.rules.journeys import Gap, StepPlace, clash
from liaison.scheduling.rules.spans import Span

_MINUTE: Final = timedelta(minutes=1)
_MOST_TRIED: Final = 400
"""Times looked at for one choice of days: only visits that keep each other from one resource need more than a few."""

Minutes = tuple[int, int | None]
"""How many minutes lie at least and at most between two visits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """Which of the possible starts are looked at: those at one site, those with somebody who knows the patient."""

    site_id: int | None = None
    known: bool = False


ANY: Final = Mode()


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPlace:
    """A step at one place, prepared: the cells at which it could start, by day, and who could serve when."""

    place: StepPlace
    days: dict[int, int]
    known_days: dict[int, int]
    fitting: dict[int, int]

    def cells(self, day: int, mode: Mode) -> int:
        """The starts on that day; where somebody is known, only theirs if that is asked."""
        if mode.site_id not in {None, self.place.site_id}:
            return 0
        every = self.days.get(day, 0)
        return (self.known_days.get(day, 0) if mode.known else 0) or every


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedStep:
    """A step that was given a time. `choices` are for each seat the resources that are free, the preferred first."""

    step: int
    kind: str
    day: int
    place: StepPlace
    span: Span
    claim: Span
    choices: tuple[tuple[int, ...], ...]


Reach = Callable[[tuple[int, ...], tuple[Minutes, ...], int, Mode], tuple[int, ...]]
"""The cells, at each place of the first of these steps, from which the others can still follow on that day."""


@dataclass(slots=True)
class Filling:
    """Gives one order of steps times on given days."""

    steps: Sequence[tuple[PreparedPlace, ...]]
    kinds: Sequence[str]
    reach: Reach
    order: tuple[int, ...]
    on: tuple[int, ...]
    gaps: tuple[Gap, ...]
    mode: Mode
    left: int = _MOST_TRIED

    def fill(self, placed: list[PlacedStep]) -> list[PlacedStep] | None:
        """The earliest times for the rest after these; None when there are none."""
        at = len(placed)
        if at == len(self.order):
            return placed
        for place, cells in zip(self.steps[self.order[at]], self._possible(at), strict=True):
            for cell in places_of(cells & self._after(placed, place)):
                self.left -= 1
                if self.left < 0:
                    return None
                visit = self._visit(at, place, cell)
                if self._fits([*placed, visit]):
                    done = self.fill([*placed, visit])
                    if done is not None:
                        return done
        return None

    def _possible(self, at: int) -> tuple[int, ...]:
        """The starts from which the rest of that day can be reached."""
        end = at + 1
        while end < len(self.order) and self.on[end] == self.on[at]:
            end += 1
        minutes = tuple((gap.least_minutes, gap.most_minutes) for gap in self.gaps[at : end - 1])
        return self.reach(self.order[at:end], minutes, self.on[at], self.mode)

    def _after(self, placed: Sequence[PlacedStep], place: PreparedPlace) -> int:
        """The cells that the visit before this one leaves."""
        if not placed:
            return -1
        earlier, gap = placed[-1], self.gaps[len(placed) - 1]
        least, most = apart_by(earlier.place, place.place, (gap.least_minutes, gap.most_minutes))
        origin = place.place.free.within.start
        cells = -1 << cell_after(earlier.span.end + least, start=origin)
        if most is not None:
            cells &= (1 << ((earlier.span.end + most - origin) // CELL + 1)) - 1
        return cells

    def _visit(self, at: int, prepared: PreparedPlace, cell: int) -> PlacedStep:
        place = prepared.place
        start = place.free.within.start + cell * CELL
        free = {pk for pk, cells in prepared.fitting.items() if cells >> cell & 1}
        choices = tuple(
            tuple(sorted((pk for pk in need.pool if pk in free), key=lambda pk: pk not in place.known))
            for need in place.needs
            for _ in range(need.quantity)
        )
        step = self.order[at]
        return PlacedStep(
            step=step,
            kind=self.kinds[step],
            day=self.on[at],
            place=place,
            span=Span(start, start + place.wish.duration),
            claim=place.wish.claim(start),
            choices=choices,
        )

    def _fits(self, visits: Sequence[PlacedStep]) -> bool:
        """Whether the last of these can be had with the others, and all can be served."""
        last = visits[-1]
        if any(clash(one.span, last.span, is_travel=_travels(one.place, last.place)) for one in visits[:-1]):
            return False
        return assign(visits) is not None

    def closer(self, visits: list[PlacedStep]) -> list[PlacedStep]:
        """The same with less waiting: visits of one day as late as what follows them on it lets them be."""
        for at in range(len(visits) - 2, -1, -1):
            if self.on[at] == self.on[at + 1]:
                visits = self._later(visits, at)
        return visits

    def _later(self, visits: list[PlacedStep], at: int) -> list[PlacedStep]:
        visit, following = visits[at], visits[at + 1]
        prepared = next(one for one in self.steps[visit.step] if one.place is visit.place)
        gap = self.gaps[at]
        least, _ = apart_by(visit.place, following.place, (gap.least_minutes, gap.most_minutes))
        origin = visit.place.free.within.start
        latest = (following.span.start - least - visit.place.wish.duration - origin) // CELL
        now = (visit.span.start - origin) // CELL
        cells = prepared.cells(visit.day, self.mode) & between(now + 1, max(latest, now) + 1)
        cells &= self._after(visits[:at], prepared)
        if cells:
            moved = [*visits[:at], self._visit(at, prepared, cells.bit_length() - 1), *visits[at + 1 :]]
            ends = moved[at]
            apart = all(
                not clash(one.span, ends.span, is_travel=_travels(one.place, ends.place))
                for one in moved
                if one is not ends
            )
            if apart and assign(moved) is not None:
                return moved
        return visits


def apart_by(earlier: StepPlace, later: StepPlace, minutes: Minutes) -> tuple[timedelta, timedelta | None]:
    """How much time lies at least and at most between the end of one and the start of the next."""
    least, most = minutes
    way = TRAVEL if _travels(earlier, later) else timedelta()
    return max(least * _MINUTE, way), None if most is None else most * _MINUTE


def _travels(one: StepPlace, other: StepPlace) -> bool:
    return one.site_id != other.site_id and one.in_person and other.in_person


def assign(visits: Sequence[PlacedStep]) -> tuple[tuple[int, ...], ...] | None:
    """Who and what serves each visit, no resource at once in two, the most preferred first; None if that can't be."""
    seats = [(at, choices) for at, visit in enumerate(visits) for choices in visit.choices]
    taken: list[tuple[int, int]] = []

    def free(resource: int, at: int) -> bool:
        return all(resource != other or not _disturb(visits[at], visits[held], resource) for held, other in taken)

    def seat(number: int) -> bool:
        if number == len(seats):
            return True
        at, choices = seats[number]
        for resource in choices:
            if free(resource, at):
                taken.append((at, resource))
                if seat(number + 1):
                    return True
                taken.pop()
        return False

    if not seat(0):
        return None
    return tuple(tuple(resource for held, resource in taken if held == at) for at in range(len(visits)))


def _disturb(one: PlacedStep, other: PlacedStep, resource: int) -> bool:
    """Whether this resource can't serve both: its time overlaps, or it is the same kind of visit on one day."""
    if one is other or one.claim.overlaps(other.claim):
        return True
    return one.kind == other.kind and one.day == other.day and resource in one.place.people
