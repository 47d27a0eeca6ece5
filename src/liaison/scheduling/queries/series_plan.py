"""What a series of visits is asked to be, and what becomes of each of its days: the values of a plan."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from liaison.accounts.models import Site
from liaison.scheduling.models import VisitType
from liaison.scheduling.queries.times import TimeOffer
from liaison.scheduling.rules import (
    HolidayPolicy,
    Occurrence,
    Pattern,
)


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


def signature_of(days: Sequence[Target] | Sequence[Occurrence]) -> str:
    """The position and instant of each visit, as one short text."""
    text = " ".join(f"{day.position}:{day.at:%Y%m%dT%H%M}" for day in days if day.at is not None)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
