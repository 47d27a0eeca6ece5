"""The search for times at which several resources are free together.

`earliest` takes free time per resource as spans and gives ranked offers. `earliest_in_bits` does the same on bits, much
faster; this one is its oracle, and answers where bits cannot.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, StrEnum
from zoneinfo import ZoneInfo

from liaison.scheduling.rules.spans import Span, intersect, merge, subtract
from liaison.scheduling.rules.wall import first_instant

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_SMALLEST_GAP = timedelta(minutes=5)


class Fit(Enum):
    """How a claim fits into a resource's free time. A gap that is left is no gap when it is under five minutes."""

    NOT_FREE = "not_free"
    FREE = "free"
    NO_GAP = "no_gap"


class Reason(StrEnum):
    """Why an offer stands where it stands."""

    EARLIEST = "earliest"
    EARLIEST_THAT_DAY = "earliest_that_day"
    KNOWS_PATIENT = "knows_patient"
    NO_GAP = "no_gap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """`quantity` resources out of `pool` (ids in order of preference), all at the same time, as `role`."""

    role: str
    pool: tuple[int, ...]
    quantity: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is looked for: a visit of `duration` that starts inside `window`.

    `before` and `after` are the buffers that the resources are also needed for. Starts fall on multiples of
    `step` (whole minutes that divide an hour) on the wall clock of `zone`. At most `limit` offers, at most
    `per_day` of them on one local day. The visit itself, without buffers, touches none of `avoid`: the
    patient is elsewhere then. On the wall clock of `zone` it starts on one of the `weekdays` (Monday is 0; none
    means any), not before `from_at`, and ends by `to_at` of the same local day.
    """

    duration: timedelta
    before: timedelta
    after: timedelta
    window: Span
    zone: ZoneInfo
    step: timedelta
    limit: int
    per_day: int | None = None
    avoid: tuple[Span, ...] = ()
    weekdays: frozenset[int] = frozenset()
    from_at: time | None = None
    to_at: time | None = None

    def starts(self) -> tuple[Span, ...]:
        """When a visit may start, by the window, the weekdays and the times of day."""
        if not self.weekdays and self.from_at is None and self.to_at is None:
            return (self.window,)
        on, spans = self.window.start.astimezone(self.zone).date(), []
        while on <= self.window.end.astimezone(self.zone).date():
            if not self.weekdays or on.weekday() in self.weekdays:
                spans += self._starts_on(on)
            on += _DAY
        return intersect(spans, (self.window,))

    def _starts_on(self, on: date) -> list[Span]:
        first = first_instant(on=on, at=self.from_at or time(), zone=self.zone)
        if self.to_at is None:
            end = first_instant(on=on + _DAY, at=time(), zone=self.zone)
        else:
            # One minute more than the last start, because spans leave their end out.
            end = first_instant(on=on, at=self.to_at, zone=self.zone) - self.duration + _MINUTE
        return [Span(first, end)] if first < end else []

    def claim(self, start: datetime) -> Span:
        """The time of each resource that a visit at `start` takes, buffers included."""
        return Span(start - self.before, start + self.duration + self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A time at which everything needed is free: who and what would be taken, and why it ranks here.

    `assigned` pairs each role with a resource id, in the order of the needs. `also_free` are the other
    resources of the first need that could take this start.
    """

    start: datetime
    end: datetime
    assigned: tuple[tuple[str, int], ...]
    also_free: tuple[int, ...]
    reasons: tuple[Reason, ...]


def earliest(
    *,
    wish: Wish,
    needs: Sequence[Need],
    free: Mapping[int, Sequence[Span]],
    known: frozenset[int] = frozenset(),
) -> tuple[Offer, ...]:
    """The earliest offers, in order of time.

    `free` holds each resource's free spans, merged and sorted. At one start a resource in `known` (one that
    knows the patient) goes before one whose day stays without a gap, and that before the order of the pool.
    No resource serves two needs at once. Without needs there is nothing to search: no offers.
    """
    if not needs:
        return ()
    calendars = {
        resource: _Calendar(spans) for need in needs for resource in need.pool if (spans := free.get(resource))
    }

    def fits_at(start: datetime) -> Callable[[int], Fit]:
        claim = wish.claim(start)

        def fit(resource: int) -> Fit:
            span = calendars[resource].around(claim) if resource in calendars else None
            if span is None:
                return Fit.NOT_FREE
            gap = min(claim.start - span.start, span.end - claim.end)
            return Fit.NO_GAP if gap < _SMALLEST_GAP else Fit.FREE

        return fit

    return ranked_offers(_starts(wish, needs, calendars), wish=wish, needs=needs, fits_at=fits_at, known=known)


def ranked_offers(
    starts: Iterable[datetime],
    *,
    wish: Wish,
    needs: Sequence[Need],
    fits_at: Callable[[datetime], Callable[[int], Fit]],
    known: frozenset[int],
) -> tuple[Offer, ...]:
    """The offers at these starts (in order of time), as many as are wanted, each with who is taken and why.

    `fits_at` says how a visit at a start fits into the free time of each resource.
    """
    offers: list[Offer] = []
    on_day: dict[date, int] = {}
    for start in starts:
        day = start.astimezone(wish.zone).date()
        if wish.per_day is not None and on_day.get(day, 0) >= wish.per_day:
            continue
        offer = _offer_at(start, wish, needs, fits_at(start), known)
        if offer is None:
            continue
        offers.append(_with_rank(offer, is_first=not offers, is_first_of_day=day not in on_day))
        on_day[day] = on_day.get(day, 0) + 1
        if len(offers) == wish.limit:
            break
    return tuple(offers)


class _Calendar:
    """One resource's free spans, made quick to ask."""

    __slots__ = ("_starts", "spans")

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = spans
        self._starts = [span.start for span in spans]

    def around(self, claim: Span) -> Span | None:
        """The free span that holds all of the claim."""
        at = bisect_right(self._starts, claim.start) - 1
        if at < 0 or not self.spans[at].covers(claim):
            return None
        return self.spans[at]


def _starts(wish: Wish, needs: Sequence[Need], calendars: Mapping[int, _Calendar]) -> Iterator[datetime]:
    """Aligned starts at which each need taken alone has somebody; a superset of the answer."""
    # A visit of `duration` touches a span when it starts after `span.start - duration` and before its end.
    elsewhere = (Span(span.start - wish.duration + _MINUTE, span.end) for span in wish.avoid)
    possible = subtract(wish.starts(), taken=elsewhere)
    for need in needs:
        possible = intersect(possible, merge(_start_spans(wish, need, calendars)))
    for span in possible:
        start = _aligned(span.start, wish)
        while start < span.end:
            yield start
            start = _aligned(start + _MINUTE, wish)


def _start_spans(wish: Wish, need: Need, calendars: Mapping[int, _Calendar]) -> Iterator[Span]:
    whole = wish.before + wish.duration + wish.after
    for resource in need.pool:
        for span in calendars[resource].spans if resource in calendars else ():
            if span.length >= whole:
                # One minute more than the last start, because spans leave their end out.
                yield Span(span.start + wish.before, span.end - wish.after - wish.duration + _MINUTE)


def _aligned(start: datetime, wish: Wish) -> datetime:
    """The first whole step of the wall clock at or after `start`."""
    at = start if not (start.second or start.microsecond) else start.replace(second=0, microsecond=0) + _MINUTE
    step = int(wish.step / _MINUTE)
    while behind := at.astimezone(wish.zone).minute % step:
        # The clock may change by less than a step meanwhile, so look again.
        at += (step - behind) * _MINUTE
    return at


def _offer_at(
    start: datetime,
    wish: Wish,
    needs: Sequence[Need],
    fit: Callable[[int], Fit],
    known: frozenset[int],
) -> Offer | None:
    fits = {resource: fit(resource) for need in needs for resource in need.pool}
    tight = {resource for resource, how in fits.items() if how is Fit.NO_GAP}
    ranked = [
        sorted(
            (resource for resource in need.pool if fits[resource] is not Fit.NOT_FREE),
            key=lambda resource: (resource not in known, resource not in tight),
        )
        for need in needs
    ]
    seats = [at for at, need in enumerate(needs) for _ in range(need.quantity)]
    chosen = all_different([ranked[at] for at in seats])
    if chosen is None:
        return None
    taken = frozenset(chosen)
    reasons = [Reason.KNOWS_PATIENT] if taken & known else []
    if taken & tight:
        reasons.append(Reason.NO_GAP)
    return Offer(
        start=start,
        end=start + wish.duration,
        assigned=tuple((needs[at].role, resource) for at, resource in zip(seats, chosen, strict=True)),
        also_free=tuple(resource for resource in ranked[0] if resource not in taken),
        reasons=tuple(reasons),
    )


def all_different(choices: Sequence[Sequence[int]]) -> tuple[int, ...] | None:
    """One resource for each seat, all different, the most preferred first; None if that cannot be."""
    if not choices:
        return ()
    for resource in choices[0]:
        rest = all_different([[other for other in seat if other != resource] for seat in choices[1:]])
        if rest is not None:
            return (resource, *rest)
    return None


def _with_rank(offer: Offer, *, is_first: bool, is_first_of_day: bool) -> Offer:
    rank: tuple[Reason, ...] = ()
    if is_first:
        rank = (Reason.EARLIEST,)
    elif is_first_of_day:
        rank = (Reason.EARLIEST_THAT_DAY,)
    return Offer(
        start=offer.start,
        end=offer.end,
        assigned=offer.assigned,
        also_free=offer.also_free,
        reasons=rank + offer.reasons,
    )
