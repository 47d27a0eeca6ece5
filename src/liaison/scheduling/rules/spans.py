"""Half-open spans of time and the three operations on sets of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The instants from `start` up to but without `end`, both kept in UTC.

    UTC because adding to a datetime in any other zone moves the wall clock instead of time.
    Refuses naive datetimes, and an end that is not after the start.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("A span needs datetimes that know their zone.")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.end <= self.start:
            raise ValueError(f"A span ends after it starts; {self.end} is not after {self.start}.")

    @property
    def length(self) -> timedelta:
        """The elapsed time between start and end."""
        return self.end - self.start

    def covers(self, other: "Span") -> bool:
        """Whether all of `other` lies inside this span."""
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: "Span") -> bool:
        """Whether the two share any instant; touching ends do not."""
        return self.start < other.end and other.start < self.end


def merge(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same instants as sorted spans that neither overlap nor touch."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            if span.end > merged[-1].end:
                merged[-1] = Span(merged[-1].start, span.end)
        else:
            merged.append(span)
    return tuple(merged)


def subtract(spans: Iterable[Span], *, taken: Iterable[Span]) -> tuple[Span, ...]:
    """What is left of `spans` without the instants of `taken`, merged."""
    left: list[Span] = []
    cuts = merge(taken)
    first_cut = 0
    for span in merge(spans):
        while first_cut < len(cuts) and cuts[first_cut].end <= span.start:
            first_cut += 1
        left.extend(_without(span, cuts, first_cut))
    return tuple(left)


def _without(span: Span, cuts: Sequence[Span], first: int) -> list[Span]:
    pieces: list[Span] = []
    start = span.start
    for cut in cuts[first:]:
        if cut.start >= span.end:
            break
        if cut.start > start:
            pieces.append(Span(start, cut.start))
        start = max(start, cut.end)
    if start < span.end:
        pieces.append(Span(start, span.end))
    return pieces


def intersect(left: Iterable[Span], right: Iterable[Span]) -> tuple[Span, ...]:
    """The instants that are in both sets, merged."""
    ours, theirs = merge(left), merge(right)
    both: list[Span] = []
    i = j = 0
    while i < len(ours) and j < len(theirs):
        start, end = max(ours[i].start, theirs[j].start), min(ours[i].end, theirs[j].end)
        if start < end:
            both.append(Span(start, end))
        if ours[i].end <= theirs[j].end:
            i += 1
        else:
            j += 1
    return tuple(both)
