"""Whether a time may be booked or given up, measured against the visit type's limits (DOMAIN 1.5, 1.7)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from liaison.scheduling.rules.spans import Span, merge


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


def is_late_cancellation(*, start: datetime, now: datetime, window: timedelta) -> bool:
    """Whether the visit is given up inside its cancellation window."""
    return start - now < window
