"""The search for times of several visits that belong together, on bits.

First the days: for each run of visits that could share one day the days on which it can, as bits, and from run to run
the days that the gaps allow. That leaves every combination of trips and last day in some thousand steps, without
looking at one time. Then, for the best of them, times: the cells from which the rest of the day can still be reached
are worked out backwards, so that the first that is tried is nearly always the answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from liaison.scheduling.rules.bit_search import startable
from liaison.scheduling.rules.bits import CELL, between, cell_after, places_after, places_before, places_of
from liaison.scheduling.rules.journey_filling import (
    ANY,
    Filling,
    Minutes,
    Mode,
    PlacedStep,
    PreparedPlace,
    apart_by,
    assign,
)
from liaison.scheduling.rules.journeys import (
    Gap,
    Hindered,
    Hindrance,
    JourneyPlan,
    JourneyWish,
    PlannedStep,
    Step,
    StepPlace,
    with_whys,
)
from liaison.scheduling.rules.wall import day_span

_DAY: Final = timedelta(days=1)
_DAYS_TRIED: Final = 60
_COMPARED: Final = 3
"""Choices of days with the same trips and the same last day, of which the best is kept."""
_AMOUNTS: Final = (1, 2, 3, 4, 5, 7, 10, 14, 21, 28, 42, 60)
"""Days by which a gap is widened, to see what would help."""


def plan_journey(wish: JourneyWish) -> tuple[JourneyPlan, ...]:
    """The best plans: fewest trips first, then done on the earliest day. No two have as many trips and the same last
    day; the one that is done first of all is always among them.

    Visits are looked for on whole five minutes; times that are free by other minutes only are not found. Refuses:
    ValueError when gaps don't match the steps.
    """
    return _Search(wish).plans(wish.gaps)


def why_no_plan(wish: JourneyWish) -> Hindrance:
    """What leaves no plan, and the smallest change of one gap that gives one. Only where there is none."""
    return _Search(wish).hindrance()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chain:
    """Runs of steps, each on a day of its own: the days (bits) on which each can be, after those before it."""

    groups: tuple[tuple[int, ...], ...]
    days: tuple[int, ...]

    def gap_after(self, group: int) -> int:
        """The place of the gap between this run and the next."""
        return sum(len(one) for one in self.groups[: group + 1]) - 1


class _Search:
    """One journey, with what was worked out for any gaps."""

    def __init__(self, wish: JourneyWish) -> None:
        if len(wish.gaps) != len(wish.steps) - 1:
            raise ValueError("There is one gap fewer than there are steps.")
        self.wish = wish
        spans = [place.wish.window for step in wish.steps for place in step.places]
        # A local day may begin a day before the UTC day of its instant.
        self.zero = min((span.start.date() for span in spans), default=date.max) - _DAY
        self.steps = [self._prepared(step) for step in wish.steps]
        self.sites = tuple(dict.fromkeys(place.site_id for step in wish.steps for place in step.places))
        self.every_day = 0
        for places in self.steps:
            for one in places:
                for day in one.days:
                    self.every_day |= 1 << day
        self._reached: dict[object, tuple[int, ...]] = {}
        self._group_days: dict[tuple[tuple[int, ...], tuple[Minutes, ...]], int] = {}

    def _prepared(self, step: Step) -> tuple[PreparedPlace, ...]:
        found = []
        for place in step.places:
            cells, fitting = startable(wish=place.wish, needs=place.needs, free=place.free)
            known = 0
            for need in place.needs:
                for resource in place.known.intersection(need.pool):
                    known |= fitting.get(resource, 0)
            days = dict(self._by_day(cells, place))
            known_days = dict(self._by_day(cells & known, place))
            found.append(PreparedPlace(place=place, days=days, known_days=known_days, fitting=dict(fitting)))
        return tuple(found)

    def _by_day(self, cells: int, place: StepPlace) -> Iterator[tuple[int, int]]:
        """The cells of each local day that has some; days are counted from the day before the first of all."""
        zone, within = place.wish.zone, place.free.within
        while cells:
            lowest = (cells & -cells).bit_length() - 1
            on = (within.start + lowest * CELL).astimezone(zone).date()
            first, last = _cells_of_day(on, zone, within.start)
            that_day = cells & between(max(first, 0), last)
            yield (on - self.zero).days, that_day
            cells ^= that_day

    def plans(self, gaps: tuple[Gap, ...], *, limit: int | None = None) -> tuple[JourneyPlan, ...]:
        """The plans, ranked."""
        chains = sorted(self._chains(gaps), key=lambda chain: len(chain.groups))
        most = self.wish.limit if limit is None else limit
        found: list[JourneyPlan] = []
        for trips in range(1, len(self.steps) + 1):
            alike = [chain for chain in chains if len(chain.groups) == trips]
            found += islice(self._with_trips(alike, gaps), min(most, self.wish.per_trips))
            if found and limit is not None:
                break
        return with_whys(_best(found, limit=most))

    def _with_trips(self, chains: Sequence[_Chain], gaps: tuple[Gap, ...]) -> Iterator[JourneyPlan]:
        """The best plan for each last day, in order of it; these chains have as many trips."""
        ends = 0
        for chain in chains:
            ends |= chain.days[-1]
        for last in places_of(ends):
            with_end = [chain for chain in chains if chain.days[-1] >> last & 1]
            tried = islice(((chain, days) for chain in with_end for days in _days_of(chain, gaps, last)), _DAYS_TRIED)
            placed = (self._plan(chain, days, gaps) for chain, days in tried)
            compared = list(islice((plan for plan in placed if plan is not None), _COMPARED))
            if compared:
                yield min(compared, key=lambda plan: (-plan.known, plan.visits[-1].end))

    def _chains(self, gaps: tuple[Gap, ...]) -> list[_Chain]:
        """Every way to part the steps into trips that the days allow; in the order that was asked first."""
        found: list[_Chain] = []
        minutes = tuple((gap.least_minutes, gap.most_minutes) for gap in gaps)

        def grow(group: tuple[int, ...], chain: _Chain, allowed: int, used: tuple[int, ...]) -> None:
            at = len(used)
            days = allowed & self._days_of_group(group, minutes[at : at + len(group) - 1])
            if not days:
                return
            grown = _Chain(groups=(*chain.groups, group), days=(*chain.days, days))
            now_used = (*used, *group)
            if len(now_used) == len(self.steps):
                found.append(grown)
                return
            gap = gaps[len(now_used) - 1]
            for step in self._next(now_used):
                if gap.least_days == 0:
                    grow((*group, step), chain, allowed, used)
                then = places_after(days, least=max(gap.least_days, 1), most=gap.most_days)
                grow((step,), grown, then & self.every_day, now_used)

        for step in self._next(()):
            grow((step,), _Chain(groups=(), days=()), self.every_day, ())
        return found

    def _next(self, used: tuple[int, ...]) -> Sequence[int]:
        """Which steps may come after these."""
        if not self.wish.any_order:
            return (len(used),)
        return [step for step in range(len(self.steps)) if step not in used]

    def _days_of_group(self, group: tuple[int, ...], minutes: tuple[Minutes, ...]) -> int:
        """The days on which these visits can follow each other."""
        days = self._group_days.get((group, minutes))
        if days is None:
            days = 0
            for day in places_of(self.every_day):
                if any(self.reach(group, minutes, day, ANY)):
                    days |= 1 << day
            self._group_days[group, minutes] = days
        return days

    def reach(self, group: tuple[int, ...], minutes: tuple[Minutes, ...], day: int, mode: Mode) -> tuple[int, ...]:
        """The cells, at each place of the first step, from which the others can still follow on that day."""
        key = (group, minutes, day, mode)
        known = self._reached.get(key)
        if known is not None:
            return known
        first = self.steps[group[0]]
        cells = tuple(one.cells(day, mode) for one in first)
        if len(group) > 1 and any(cells):
            then = self.reach(group[1:], minutes[1:], day, mode)
            cells = tuple(
                mine & self._leading(one, group[1], then, minutes[0]) if mine else 0
                for one, mine in zip(first, cells, strict=True)
            )
        self._reached[key] = cells
        return cells

    def _leading(self, one: PreparedPlace, step: int, then: tuple[int, ...], minutes: Minutes) -> int:
        """The cells of a start here after which the step can start at one of `then`."""
        found = 0
        for other, cells in zip(self.steps[step], then, strict=True):
            if cells:
                least, most = apart_by(one.place, other.place, minutes)
                low = -(-(one.place.wish.duration + least) // CELL)
                high = None if most is None else (one.place.wish.duration + most) // CELL
                found |= places_before(cells, least=low, most=high)
        return found

    def _plan(self, chain: _Chain, days: Sequence[int], gaps: tuple[Gap, ...]) -> JourneyPlan | None:
        """Times on these days: at one site if that can be, with who knows the patient if that can be."""
        order = tuple(step for group in chain.groups for step in group)
        on = tuple(day for group, day in zip(chain.groups, days, strict=True) for _ in group)
        kinds = [step.kind for step in self.wish.steps]
        knows = any(one.known_days for places in self.steps for one in places)
        for site_id in (*(self.sites if len(self.sites) > 1 else ()), None):
            for known in (True, False) if knows else (False,):
                filling = Filling(self.steps, kinds, self.reach, order, on, gaps, Mode(site_id=site_id, known=known))
                visits = filling.fill([])
                if visits is not None:
                    return self._told(filling.closer(visits))
        return None

    def _told(self, visits: Sequence[PlacedStep]) -> JourneyPlan:
        planned = []
        for visit, chosen in zip(visits, assign(visits) or (), strict=True):
            roles = [need.role for need in visit.place.needs for _ in range(need.quantity)]
            planned.append(
                PlannedStep(
                    step=visit.step,
                    site_id=visit.place.site_id,
                    start=visit.span.start,
                    end=visit.span.end,
                    assigned=tuple(zip(roles, chosen, strict=True)),
                    knows=not visit.place.known.isdisjoint(chosen),
                )
            )
        return JourneyPlan(visits=tuple(planned), days=tuple(self.zero + visit.day * _DAY for visit in visits))

    def hindrance(self) -> Hindrance:
        """What leaves no plan."""
        for at, places in enumerate(self.steps):
            if not any(one.days for one in places):
                return Hindrance(kind=Hindered.STEP, at=at)
        gaps = self.wish.gaps
        kind, at = (Hindered.TOGETHER, 0) if self._chains(gaps) else (Hindered.GAP, self._reachable(gaps))
        found = Hindrance(kind=kind, at=at)
        helpful = [place for place in range(len(gaps)) if self._first(_with(gaps, place, Gap()))]
        for wider in _AMOUNTS:
            for place in helpful:
                for gap in _widened(gaps[place], wider):
                    plan = self._first(_with(gaps, place, gap))
                    if plan is not None:
                        return replace(found, relaxed_at=place, relaxed=gap, then=plan)
        return found

    def _first(self, gaps: tuple[Gap, ...]) -> JourneyPlan | None:
        return next(iter(self.plans(gaps, limit=1)), None)

    def _reachable(self, gaps: tuple[Gap, ...]) -> int:
        """The first gap that no visit keeps to, whichever order is tried: all up to it leave days."""
        for at in range(1, len(gaps)):
            if not self._chains((*gaps[:at], *(Gap() for _ in gaps[at:]))):
                return at - 1
        return len(gaps) - 1


def _best(found: Sequence[JourneyPlan], *, limit: int) -> list[JourneyPlan]:
    """As many as are wanted: of more trips first those that are done earlier; ranked by trips and last day."""
    ranked = sorted(found, key=lambda plan: (plan.trips, plan.days[-1], -plan.known))
    if len(ranked) <= limit:
        return ranked
    earliest = min(ranked, key=lambda plan: (plan.days[-1], plan.trips))
    kept = ranked[:limit]
    return kept if earliest in kept else [*kept[:-1], earliest]


def _days_of(chain: _Chain, gaps: tuple[Gap, ...], last: int) -> Iterator[tuple[int, ...]]:
    """The days of each trip that end on `last`, the earliest first."""
    back = [0] * len(chain.groups)
    back[-1] = 1 << last
    for at in range(len(back) - 2, -1, -1):
        gap = gaps[chain.gap_after(at)]
        days = places_before(back[at + 1], least=max(gap.least_days, 1), most=gap.most_days)
        back[at] = chain.days[at] & days

    def onward(chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        at = len(chosen)
        if at == len(back):
            yield chosen
            return
        days = back[at]
        if chosen:
            gap = gaps[chain.gap_after(at - 1)]
            days &= places_after(1 << chosen[-1], least=max(gap.least_days, 1), most=gap.most_days)
        for day in places_of(days):
            yield from onward((*chosen, day))

    yield from onward(())


def _with(gaps: tuple[Gap, ...], at: int, gap: Gap) -> tuple[Gap, ...]:
    return (*gaps[:at], gap, *gaps[at + 1 :])


def _widened(gap: Gap, days: int) -> Iterator[Gap]:
    """The gap with less asked of it: minutes are given up with the first day, then it is wider by so many days."""
    if days == 1 and (gap.most_minutes is not None or gap.least_minutes):
        yield Gap(least_days=gap.least_days, most_days=gap.most_days)
    if gap.least_days:
        yield replace(gap, least_days=max(gap.least_days - days, 0))
    if gap.most_days is not None:
        yield Gap(least_days=gap.least_days, most_days=gap.most_days + days)


@lru_cache(maxsize=1024)
def _cells_of_day(on: date, zone: ZoneInfo, origin: datetime) -> tuple[int, int]:
    """The cells of a local day: the first, and the first after it."""
    span = day_span(on=on, zone=zone)
    return cell_after(span.start, start=origin), cell_after(span.end, start=origin)
