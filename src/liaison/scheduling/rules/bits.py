"""Free time as bits: one for each five minutes, set when the whole of them is free.

A day is a UTC day of 288 bits, kept as 36 bytes, the lowest bit of the first byte first: the bytes of days that
follow each other, joined, are one number, and bit `i` of it stands for five minutes that begin `5 i` minutes after
the first midnight.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from liaison.scheduling.rules.spans import Span

CELL: Final = timedelta(minutes=5)
CELLS_A_DAY: Final = 288
BYTES_A_DAY: Final = CELLS_A_DAY // 8
HORIZON_DAYS: Final = 120
"""How far ahead is looked when a visit type sets no limit."""

_DAY: Final = timedelta(days=1)
_MOST_KEPT_DAYS: Final = 400
_SPARE_DAYS: Final = 7
# Kept beyond the horizon, so that a night in which the job did not run goes unnoticed.


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDay:
    """One UTC day of one resource. `is_exact` when free time begins and ends on whole five minutes only: then the
    bits say everything; else some minutes at an edge are free that no bit shows."""

    on: date
    bits: bytes
    is_exact: bool


def whole_days(span: Span) -> Span:
    """The UTC days that `span` touches, from midnight to midnight."""
    start = midnight(span.start.date())
    end = midnight(span.end.date())
    return Span(start, end if end == span.end else end + _DAY)


def midnight(on: date) -> datetime:
    """The instant at which that UTC day begins."""
    return datetime.combine(on, time(), tzinfo=UTC)


def kept_days(*, now: datetime, most_lead_days: int | None) -> Span:
    """The days for which free time is kept at `now`: from yesterday to a week beyond the longest lead time.

    Lead times of more than a year are not kept to their end: beyond it the search reads hours and bookings.
    """
    ahead = min(max(HORIZON_DAYS, most_lead_days or 0), _MOST_KEPT_DAYS) + _SPARE_DAYS
    today = midnight(now.astimezone(UTC).date())
    return Span(today - _DAY, today + ahead * _DAY)


def bits_of(spans: Iterable[Span], *, within: Span) -> int:
    """The free spans as one number; `within` begins on a whole five minutes and says where bit 0 lies."""
    cells = (within.end - within.start) // CELL
    bits = 0
    for span in spans:
        first = max(cell_after(span.start, start=within.start), 0)
        last = min((span.end - within.start) // CELL, cells)
        if first < last:
            bits |= between(first, last)
    return bits


def cell_after(instant: datetime, *, start: datetime) -> int:
    """The index of the first five minutes that begin at or after `instant`, counted from `start`."""
    return -((start - instant) // CELL)


def between(first: int, last: int) -> int:
    """A number whose bits from `first` up to but without `last` are set; both count from 0."""
    return (1 << last) - (1 << first)


def is_exact(spans: Iterable[Span], *, start: datetime) -> bool:
    """Whether these spans begin and end on whole five minutes from `start`."""
    nothing = timedelta()
    return all((span.start - start) % CELL == nothing and (span.end - start) % CELL == nothing for span in spans)


def kept_of(spans: Sequence[Span], *, days: Span) -> tuple[KeptDay, ...]:
    """What is kept of merged free spans, for each of these whole UTC days."""
    count = (days.end - days.start) // _DAY
    whole = bits_of(spans, within=days).to_bytes(count * BYTES_A_DAY, "little")
    rough = {
        edge.date()
        for span in spans
        for edge in (span.start, span.end)
        if (edge - days.start) % CELL and days.start <= edge < days.end
    }
    return tuple(
        KeptDay(
            on=(on := (days.start + number * _DAY).date()),
            bits=whole[number * BYTES_A_DAY : (number + 1) * BYTES_A_DAY],
            is_exact=on not in rough,
        )
        for number in range(count)
    )


def places_of(bits: int) -> Iterator[int]:
    """The places of the bits that are set, in order."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def places_before(bits: int, *, least: int, most: int | None) -> int:
    """The places from which one of these lies `least` to `most` ahead."""
    if most is None:
        highest = bits.bit_length() - 1 - least
        return between(0, highest + 1) if highest >= 0 else 0
    if most < least:
        return 0
    return _smeared_down(bits, most - least + 1) >> least


def places_after(bits: int, *, least: int, most: int | None) -> int:
    """The places that lie `least` to `most` after one of these; without a most up to no end."""
    if most is None:
        return -1 << ((bits & -bits).bit_length() - 1 + least)
    found = 0
    for step in range(least, most + 1):
        found |= bits << step
    return found


def _smeared_down(bits: int, count: int) -> int:
    """These bits and those up to `count - 1` places under each, nothing under place 0 lost that matters."""
    have = 1
    while have < count:
        step = min(have, count - have)
        bits |= bits >> step
        have += step
    return bits
