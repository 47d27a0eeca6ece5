"""The search for times on bits: the same offers as `earliest` on spans, found by AND and shift.

Free time of a resource is one number (`rules.bits`). Moved onto each other, its cells say at which cell a claim could
begin; OR over a pool and AND over the needs leave the starts at which everybody could come together.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from liaison.scheduling.rules.bits import CELL, CELLS_A_DAY, between, cell_after
from liaison.scheduling.rules.search import Fit, Need, Offer, Wish, ranked_offers
from liaison.scheduling.rules.spans import Span

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_NOTHING: Final = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeBits:
    """The free time of resources within whole UTC days: bit `i` of a number is the `i`-th five minutes of them.

    `says_all` when free time begins and ends on whole five minutes: then nothing is free that no bit shows.
    """

    within: Span
    bits: Mapping[int, int]
    says_all: bool


def can_use_bits(wish: Wish, *, says_all: bool) -> bool:
    """Whether bits give the same answer as spans.

    A claim that begins and ends on whole five minutes never needs the minutes at an edge that no bit shows; another
    does, unless there are none. The zone must be whole five minutes from UTC, as all are today.
    """
    offsets = (wish.window.start.astimezone(wish.zone).utcoffset(), wish.window.end.astimezone(wish.zone).utcoffset())
    on_cells = all((offset or _NOTHING) % CELL == _NOTHING for offset in offsets)
    return on_cells and (says_all or (wish.before % CELL == _NOTHING == (wish.duration + wish.after) % CELL))


def earliest_in_bits(
    *, wish: Wish, needs: Sequence[Need], free: FreeBits, known: frozenset[int] = frozenset()
) -> tuple[Offer, ...]:
    """What `earliest` answers for the same free time, ranked and explained alike. See `can_use_bits`."""
    if not needs:
        return ()
    shape, (possible, fitting) = _Shape.of(wish), startable(wish=wish, needs=needs, free=free)

    def fits_at(start: datetime) -> Callable[[int], Fit]:
        at = (start - free.within.start) // CELL

        def fit(resource: int) -> Fit:
            if resource not in fitting or not fitting[resource] >> at & 1:
                return Fit.NOT_FREE
            return Fit.NO_GAP if shape.joins(free.bits[resource], at) else Fit.FREE

        return fit

    starts = _instants(possible, free.within.start)
    return ranked_offers(starts, wish=wish, needs=needs, fits_at=fits_at, known=known)


def startable(*, wish: Wish, needs: Sequence[Need], free: FreeBits) -> tuple[int, Mapping[int, int]]:
    """The cells of `free.within` at which a visit could start by its wish and each of its needs alone; and, for each
    resource that is ever free, those at which it could serve. Whoever serves two needs is counted for both."""
    shape = _Shape.of(wish)
    fitting = {
        resource: shape.starts_in(bits) for need in needs for resource in need.pool if (bits := free.bits.get(resource))
    }
    possible = _startable(wish, free.within)
    for need in needs:
        possible &= _at_least(need.quantity, [fitting[one] for one in need.pool if one in fitting])
    return possible, fitting


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many starts each condition leaves, among those on the steps of the wish that may be booked at all.

    `by_need` counts for each need alone, in their order; `together` for all at once; `suiting` are those of them on the
    days and hours of the wish, `possible` those of these at which the patient is nowhere else.
    """

    by_need: tuple[int, ...]
    together: int
    suiting: int
    possible: int


def count_starts(*, wish: Wish, needs: Sequence[Need], free: FreeBits, bookable: Span) -> Counted:
    """What stands in the way of a wish. `bookable` are the starts that the lead times allow.

    One who serves two needs is counted for both, so that `possible` may be more than can be had.
    """
    shape = _Shape.of(wish)
    anytime = replace(wish, window=bookable, avoid=(), weekdays=frozenset(), from_at=None, to_at=None)
    starts = _startable(anytime, free.within)
    by_need = []
    together = starts
    for need in needs:
        able = _at_least(need.quantity, [shape.starts_in(free.bits.get(one, 0)) for one in need.pool])
        by_need.append((able & starts).bit_count())
        together &= able
    suiting = together & _startable(replace(wish, avoid=()), free.within)
    possible = suiting & _startable(wish, free.within)
    return Counted(
        by_need=tuple(by_need),
        together=together.bit_count(),
        suiting=suiting.bit_count(),
        possible=possible.bit_count(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """How many cells a claim takes before and after the cell in which the visit starts."""

    before: int
    after: int

    @classmethod
    def of(cls, wish: Wish) -> "_Shape":
        return cls(before=-(-wish.before // CELL), after=-(-(wish.duration + wish.after) // CELL))

    def starts_in(self, bits: int) -> int:
        """The cells at which a visit could start, of these free ones."""
        wanted, have = self.before + self.after, 1
        while have < wanted:
            step = min(have, wanted - have)
            bits &= bits >> step
            have += step
        return bits << self.before

    def joins(self, bits: int, at: int) -> bool:
        """Whether the cell before or after the claim of a visit at `at` is not free."""
        first = at - self.before
        return not (first and bits >> (first - 1) & 1 and bits >> (at + self.after) & 1)


def _at_least(quantity: int, fitting: Sequence[int]) -> int:
    """The cells at which at least `quantity` of these can start."""
    # levels[k] holds the cells at which k + 1 of those seen so far can.
    levels = [0] * quantity
    for starts in fitting:
        for level in range(quantity - 1, 0, -1):
            levels[level] |= levels[level - 1] & starts
        levels[0] |= starts
    return levels[-1]


def _startable(wish: Wish, within: Span) -> int:
    """The cells at which the wish lets a visit start: in its window, on its steps, while the patient is free."""
    cells = (within.end - within.start) // CELL
    starts = 0
    for span in wish.starts():
        first = max(cell_after(span.start, start=within.start), 0)
        last = min(cell_after(span.end, start=within.start), cells)
        if first < last:
            starts |= between(first, last)
    starts &= _on_steps(wish.step // CELL, wish.zone, within)
    for away in wish.avoid:
        # Later than `away.start - duration`, because then the visit would end after it began.
        begins = max((away.start - wish.duration - within.start) // CELL + 1, 0)
        ends = min(cell_after(away.end, start=within.start), cells)
        if begins < ends:
            starts &= ~between(begins, ends)
    return starts


@lru_cache(maxsize=64)
def _on_steps(step: int, zone: ZoneInfo, within: Span) -> int:
    """The cells whose wall-clock minute is a multiple of the step (in cells)."""
    days = (within.end - within.start) // _DAY
    ahead = [_ahead(within.start + number * _DAY, zone) for number in range(days + 1)]
    starts = 0
    for number in range(days):
        if ahead[number] == ahead[number + 1]:
            cells = _pattern(step, ahead[number])
        else:
            # The clock moves by less than an hour on this day: ask it for every five minutes.
            midnight = within.start + number * _DAY
            cells = sum(
                1 << cell for cell in range(CELLS_A_DAY) if (cell + _ahead(midnight + cell * CELL, zone)) % step == 0
            )
        starts |= cells << number * CELLS_A_DAY
    return starts


def _ahead(instant: datetime, zone: ZoneInfo) -> int:
    """How many cells the wall clock is ahead of a whole number of hours from UTC."""
    return ((instant.astimezone(zone).utcoffset() or _NOTHING) % _HOUR) // CELL


@cache
def _pattern(step: int, ahead: int) -> int:
    """A day's cells that lie on steps when the clock is `ahead`."""
    return sum(1 << cell for cell in range(CELLS_A_DAY) if (cell + ahead) % step == 0)


def _instants(cells: int, start: datetime) -> Iterator[datetime]:
    """The instants of the cells that are set, in order."""
    while cells:
        lowest = cells & -cells
        yield start + (lowest.bit_length() - 1) * CELL
        cells ^= lowest
