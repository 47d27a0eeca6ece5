"""Wall-clock times at a place, as instants, over changes of the clock (DOMAIN 1.6)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from liaison.scheduling.rules.spans import Span

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """An instant for a wall time that a person typed; `shifted` when the clocks skip that time."""

    at: datetime
    shifted: bool


def settle(*, on: date, at: time, zone: ZoneInfo) -> Settled:
    """The instant a person means. A time that is skipped in spring moves forward by the gap, one that
    comes twice in autumn is its first occurrence: New York 2026-03-08 02:30 becomes 03:30 EDT."""
    wall = datetime.combine(on, at.replace(tzinfo=None, fold=0), tzinfo=zone)
    instant = wall.astimezone(UTC)
    back = instant.astimezone(zone)
    return Settled(at=instant, shifted=back.replace(tzinfo=None) != wall.replace(tzinfo=None))


def first_instant(*, on: date, at: time, zone: ZoneInfo) -> datetime:
    """The first instant at which the wall clock shows `at` or later on that day.

    For a time inside a spring gap that is the moment of the change itself, so that hours which open at
    02:30 on that night are open as soon as the clock says 03:00.
    """
    settled = settle(on=on, at=at, zone=zone)
    if not settled.shifted:
        return settled.at
    # A skipped time read with the offset after the change lies before it, with the offset before it after it.
    before = datetime.combine(on, at.replace(tzinfo=None, fold=1), tzinfo=zone).astimezone(UTC)
    after = settled.at
    old_offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == old_offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def day_span(*, on: date, zone: ZoneInfo) -> Span:
    """The whole local day: 23, 23.5, 24, 24.5 or 25 hours long."""
    return Span(
        first_instant(on=on, at=time(), zone=zone),
        first_instant(on=on + timedelta(days=1), at=time(), zone=zone),
    )
