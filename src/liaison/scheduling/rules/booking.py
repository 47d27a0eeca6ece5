"""Whether a time may be booked or given up, measured against the visit type's limits (DOMAIN 1.5, 1.7)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from liaison.scheduling.rules.spans import Span, merge

TRAVEL: Final = timedelta(minutes=45)
"""What the way from one site to another is reckoned with: no site says yet how far the others are."""


class Lead(StrEnum):
    """How a start lies to the earliest and latest moment at which it may be booked."""

    FITS = "fits"
    PAST = "past"
    TOO_SOON = "too_soon"
    TOO_FAR = "too_far"


def lead_of(*, start: datetime, now: datetime, least: timedelta, most: timedelta | None) -> Lead:
    """Where `start` lies: in the past, sooner than `least` from now, later than `most` from now, or fits."""
    if start < now:
        return Lead.PAST
    if start - now < least:
        return Lead.TOO_SOON
    if most is not None and start - now > most:
        return Lead.TOO_FAR
    return Lead.FITS


def sits_inside(claim: Span, *, working: Iterable[Span], closed: Iterable[Span]) -> bool:
    """Whether all of the claim is working time and none of it closed."""
    return any(span.covers(claim) for span in merge(working)) and not any(span.overlaps(claim) for span in closed)


def is_too_near(visit: Span, other: Span) -> bool:
    """Whether a patient who comes to both, at two sites, has less than `TRAVEL` between them; not when they overlap."""
    if visit.overlaps(other):
        return False
    return max(visit.start - other.end, other.start - visit.end) < TRAVEL


def minutes_between(visit: Span, other: Span) -> int:
    """Whole minutes from the end of the first to the start of the second of two that don't overlap."""
    return max(visit.start - other.end, other.start - visit.end) // timedelta(minutes=1)


def with_the_way(span: Span) -> Span:
    """When a patient with a visit at another site can't be here: the visit with the way there and back."""
    return Span(span.start - TRAVEL, span.end + TRAVEL)


def is_late_cancellation(*, start: datetime, now: datetime, window: timedelta) -> bool:
    """Whether the visit is given up inside its cancellation window."""
    return start - now < window
