"""Several visits of one patient that belong together: what is asked of them, and whether times keep to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from liaison.scheduling.rules.bit_search import FreeBits
from liaison.scheduling.rules.booking import is_too_near
from liaison.scheduling.rules.search import Need, Wish
from liaison.scheduling.rules.spans import Span

FEWEST_STEPS: Final = 2
MOST_STEPS: Final = 5
"""With six, the orders to try would be 720."""
MOST_APART: Final = 365
"""Days; no gap asks for more."""
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """How far a visit lies after the one before it.

    Days are counted between the dates on the wall clock of each visit's place, minutes from the end of one to the start
    of the next. Each most is None where nothing limits it. Refuses: ValueError for what nothing could keep to.
    """

    least_days: int = 0
    most_days: int | None = None
    least_minutes: int = 0
    most_minutes: int | None = None

    def __post_init__(self) -> None:
        days_cross = self.most_days is not None and self.most_days < self.least_days
        minutes_cross = self.most_minutes is not None and self.most_minutes < self.least_minutes
        if days_cross or minutes_cross or self.least_days < 0 or self.least_minutes < 0:
            raise ValueError("A gap is at least nothing, and its most is not under its least.")


class GapFault(StrEnum):
    """Against what two visits stand that follow each other."""

    ORDER = "order"
    TOO_NEAR = "too_near"
    TOO_FAR = "too_far"
    MINUTES_TOO_FEW = "minutes_too_few"
    MINUTES_TOO_MANY = "minutes_too_many"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedVisit:
    """A visit with its time and the zone of its place."""

    span: Span
    zone: ZoneInfo

    @property
    def on(self) -> date:
        """The date at its place."""
        return self.span.start.astimezone(self.zone).date()


def gap_fault(gap: Gap, *, earlier: PlacedVisit, later: PlacedVisit) -> GapFault | None:
    """What is wrong with these two, by the rule between them; None when nothing is."""
    days = (later.on - earlier.on).days
    if days < gap.least_days:
        return GapFault.TOO_NEAR
    if gap.most_days is not None and days > gap.most_days:
        return GapFault.TOO_FAR
    if later.span.start < earlier.span.end:
        return GapFault.ORDER
    minutes = (later.span.start - earlier.span.end) / _MINUTE
    if minutes < gap.least_minutes:
        return GapFault.MINUTES_TOO_FEW
    if gap.most_minutes is not None and minutes > gap.most_minutes:
        return GapFault.MINUTES_TOO_MANY
    return None


def distance_in_words(earlier: PlacedVisit, later: PlacedVisit) -> str:
    """How the later lies to the earlier, to be followed by what that is: "3 days before", "on the same day as"."""
    days = (later.on - earlier.on).days
    if days:
        return f"{_days(abs(days))} {'after' if days > 0 else 'before'}"
    if later.span.start < earlier.span.end:
        return "before the end of"
    return f"{(later.span.start - earlier.span.end) // _MINUTE} minutes after"


def gap_in_words(gap: Gap) -> str:
    """What the rule asks: "at least 1 day after", "on the same day", "1 to 14 days after", "at any time after"."""
    minutes = _minutes_in_words(gap)
    if gap.most_days == 0:
        return f"on the same day, {minutes} after" if minutes else "on the same day, after"
    if gap.most_days is None:
        days = f"at least {_days(gap.least_days)}" if gap.least_days else "at any time"
    elif gap.least_days == 0:
        days = f"at most {_days(gap.most_days)}"
    elif gap.least_days == gap.most_days:
        days = f"exactly {_days(gap.least_days)}"
    else:
        days = f"{gap.least_days} to {_days(gap.most_days)}"
    return f"{days}, {minutes} after" if minutes else f"{days} after"


def _minutes_in_words(gap: Gap) -> str:
    least = [f"at least {gap.least_minutes} minutes"] if gap.least_minutes else []
    most = [f"at most {gap.most_minutes} minutes"] if gap.most_minutes is not None else []
    return " and ".join(least + most)


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlace:
    """One place at which a step could be: what is looked for there, and the free time of who and what could serve.

    `known` know the patient; `people` see patients under their name: not twice on one day for one kind of visit.
    `in_person` says that the patient comes there and needs the way from another site.
    """

    site_id: int
    wish: Wish
    needs: tuple[Need, ...]
    free: FreeBits
    known: frozenset[int] = frozenset()
    people: frozenset[int] = frozenset()
    in_person: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One visit of the journey: its kind, and the places at which it could be, the preferred first."""

    kind: str
    places: tuple[StepPlace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyWish:
    """What is looked for. `gaps` stand between the first and the second visit and so on, one fewer than `steps`.

    With `any_order` the visits may come in any order, and a gap stands between whichever follow each other. All free
    time is given for the same days. At most `limit` plans, of each number of trips at most `per_trips`.
    """

    steps: tuple[Step, ...]
    gaps: tuple[Gap, ...]
    any_order: bool = False
    limit: int = 5
    per_trips: int = 3


class PlanWhy(StrEnum):
    """Why a plan stands where it stands."""

    ONE_TRIP = "one_trip"
    FEWEST_TRIPS = "fewest_trips"
    DONE_EARLIEST = "done_earliest"
    KNOWS_PATIENT = "knows_patient"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One visit of a plan: which step (as it was asked), where, when, and who and what would be taken."""

    step: int
    site_id: int
    start: datetime
    end: datetime
    assigned: tuple[tuple[str, int], ...]
    knows: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyPlan:
    """All visits in the order of their time. A trip is a local day on which the patient has one of them or more."""

    visits: tuple[PlannedStep, ...]
    days: tuple[date, ...]
    whys: tuple[PlanWhy, ...] = ()

    @property
    def trips(self) -> int:
        """On how many days the patient has visits."""
        return len(set(self.days))

    @property
    def known(self) -> int:
        """How many of the visits are with somebody who knows the patient."""
        return sum(visit.knows for visit in self.visits)


class Hindered(StrEnum):
    """What leaves no plan."""

    STEP = "step"
    GAP = "gap"
    TOGETHER = "together"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """Why there is no plan, and the smallest change of one gap that gives one.

    `at` is the step that has no time at all (by its place in the wish), or the gap that leaves none; `relaxed_at` and
    `relaxed` are the gap and what it would be, `then` the plan that there is then.
    """

    kind: Hindered
    at: int
    relaxed_at: int | None = None
    relaxed: Gap | None = None
    then: JourneyPlan | None = None


def with_whys(plans: Sequence[JourneyPlan]) -> tuple[JourneyPlan, ...]:
    """The plans with what speaks for each: only the first that has the fewest trips, or is done earliest, says so."""
    if not plans:
        return ()
    fewest = min(plan.trips for plan in plans)
    done = min(plan.visits[-1].end for plan in plans)
    first_done = next(plan for plan in plans if plan.visits[-1].end == done)
    told = []
    for plan in plans:
        whys = []
        if plan.trips == fewest and (plan is plans[0] or fewest < max(one.trips for one in plans)):
            whys.append(PlanWhy.ONE_TRIP if fewest == 1 else PlanWhy.FEWEST_TRIPS)
        if plan is first_done:
            whys.append(PlanWhy.DONE_EARLIEST)
        if plan.known:
            whys.append(PlanWhy.KNOWS_PATIENT)
        told.append(JourneyPlan(visits=plan.visits, days=plan.days, whys=tuple(whys)))
    return tuple(told)


def clash(one: Span, other: Span, *, is_travel: bool) -> bool:
    """Whether a patient can't have both: at once, or at two sites without the time to travel."""
    return one.overlaps(other) or (is_travel and is_too_near(one, other))
