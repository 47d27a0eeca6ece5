"""A small world for journeys on values: labs, an echo and a cardiologist, on a few days of March 2026."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import permutations, product
from zoneinfo import ZoneInfo

from liaison.scheduling.rules import FreeBits, Need, Span, Wish, bits_of, earliest, whole_days
from liaison.scheduling.rules.journeys import (
    Gap,
    JourneyPlan,
    JourneyWish,
    PlacedVisit,
    Step,
    StepPlace,
    clash,
    gap_fault,
)

NEW_YORK = ZoneInfo("America/New_York")
MONDAY = date(2026, 3, 2)
LAB, ECHO, HEART, NURSE = 1, 2, 3, 4
NAMES = {LAB: "lab", ECHO: "echo", HEART: "heart", NURSE: "nurse"}


def at(day: int, clock: str, zone: ZoneInfo = NEW_YORK) -> datetime:
    """A wall-clock time so many days after that Monday."""
    return datetime.combine(MONDAY + timedelta(days=day), time.fromisoformat(clock), tzinfo=zone)


def free(day: int, opens: str, closes: str, zone: ZoneInfo = NEW_YORK) -> Span:
    """Free time on one day."""
    return Span(at(day, opens, zone), at(day, closes, zone))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Who and what is free when, and for how many days it is looked."""

    times: Mapping[int, Sequence[Span]]
    days: int = 7
    zone: ZoneInfo = NEW_YORK

    @property
    def window(self) -> Span:
        """The days that are looked at."""
        return Span(at(0, "00:00", self.zone), at(self.days, "00:00", self.zone))

    def place(
        self,
        *pools: Iterable[int],
        minutes: int = 30,
        before: int = 0,
        after: int = 0,
        site: int = 1,
        step: int = 15,
        known: Iterable[int] = (),
        people: Iterable[int] = (),
        in_person: bool = True,
        avoid: tuple[Span, ...] = (),
    ) -> StepPlace:
        """A step at one place; each pool is one need."""
        wish = Wish(
            duration=timedelta(minutes=minutes), before=timedelta(minutes=before), after=timedelta(minutes=after),
            window=self.window, zone=self.zone, step=timedelta(minutes=step), limit=1, avoid=avoid,
        )  # fmt: skip
        within = whole_days(Span(self.window.start - timedelta(days=1), self.window.end + timedelta(days=1)))
        bits = {pk: bits_of(spans, within=within) for pk, spans in self.times.items()}
        return StepPlace(
            site_id=site,
            wish=wish,
            needs=tuple(Need(role=f"role {n}", pool=tuple(pool)) for n, pool in enumerate(pools)),
            free=FreeBits(within=within, bits=bits, says_all=True),
            known=frozenset(known),
            people=frozenset(people),
            in_person=in_person,
        )

    def step(self, *pools: Iterable[int], kind: str = "", **more: object) -> Step:
        """A step at one place only."""
        place = self.place(*pools, **more)  # type: ignore[arg-type]  # passed on as it is
        return Step(kind=kind or f"kind of {pools}", places=(place,))


def asked(
    *steps: Step, gaps: Sequence[Gap] = (), any_order: bool = False, limit: int = 5, per_trips: int = 3
) -> JourneyWish:
    """A wish; without gaps the visits follow each other at any time."""
    given = tuple(gaps) or (Gap(),) * (len(steps) - 1)
    return JourneyWish(steps=steps, gaps=given, any_order=any_order, limit=limit, per_trips=per_trips)


def written(plan: JourneyPlan, *, zone: ZoneInfo = NEW_YORK) -> list[str]:
    """A plan in words that are quick to compare: the step with its day and time."""
    return [f"{visit.step} {visit.start.astimezone(zone):%a %H:%M}" for visit in plan.visits]


def ends_by_brute_force(wish: JourneyWish, times: Mapping[int, Sequence[Span]]) -> set[tuple[int, date]]:
    """Every number of trips with every last day that some plan has: all orders, places, starts and seats are tried."""
    found = set()
    orders = permutations(range(len(wish.steps))) if wish.any_order else [tuple(range(len(wish.steps)))]
    starts = [[(place, start) for place in step.places for start in _starts(place, times)] for step in wish.steps]
    for order in orders:
        for chosen in product(*(starts[step] for step in order)):
            visits = [PlacedVisit(span=Span(s, s + p.wish.duration), zone=p.wish.zone) for p, s in chosen]
            faults = [
                gap_fault(gap, earlier=a, later=b) for gap, a, b in zip(wish.gaps, visits, visits[1:], strict=False)
            ]
            if any(faults) or not _apart(chosen, visits) or not _served(order, chosen, visits, wish, times):
                continue
            found.add((len({visit.on for visit in visits}), visits[-1].on))
    return found


def _starts(place: StepPlace, times: Mapping[int, Sequence[Span]]) -> list[datetime]:
    wish = replace(place.wish, limit=10_000)
    return [offer.start for offer in earliest(wish=wish, needs=place.needs, free=times)]


def _apart(chosen: Sequence[tuple[StepPlace, datetime]], visits: Sequence[PlacedVisit]) -> bool:
    for one in range(len(visits)):
        for other in range(one):
            a, b = chosen[one][0], chosen[other][0]
            is_travel = a.site_id != b.site_id and a.in_person and b.in_person
            if clash(visits[one].span, visits[other].span, is_travel=is_travel):
                return False
    return True


def _served(
    order: Sequence[int],
    chosen: Sequence[tuple[StepPlace, datetime]],
    visits: Sequence[PlacedVisit],
    wish: JourneyWish,
    times: Mapping[int, Sequence[Span]],
) -> bool:
    seats = []
    for number, (place, start) in enumerate(chosen):
        claim = place.wish.claim(start)
        for need in place.needs:
            able = [pk for pk in need.pool if any(span.covers(claim) for span in times.get(pk, ()))]
            seats += [[(number, pk, claim) for pk in able]] * need.quantity

    def disturb(one: tuple[int, int, Span], other: tuple[int, int, Span]) -> bool:
        if one[1] != other[1]:
            return False
        same_day = visits[one[0]].on == visits[other[0]].on
        kinds = {wish.steps[order[held[0]]].kind for held in (one, other)}
        twice = same_day and len(kinds) == 1 and one[1] in chosen[one[0]][0].people
        return one[0] == other[0] or one[2].overlaps(other[2]) or twice

    return any(
        all(not disturb(taken[a], taken[b]) for a in range(len(taken)) for b in range(a)) for taken in product(*seats)
    )
