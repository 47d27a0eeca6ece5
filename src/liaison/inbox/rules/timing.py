"""When a message may go: quiet hours, caps for texts, and how long to keep trying."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

QUIET_UNTIL = time(8)
QUIET_FROM = time(21)
"""Texts only between 08:00 and 21:00 where the recipient is (DOMAIN 8.1)."""

A_DAY, PER_DAY = timedelta(days=1), 1
A_WEEK, PER_WEEK = timedelta(days=7), 3
"""Caps of the health-care exemption for automated texts (DOMAIN 8.1)."""

BACK_OFF = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=12),
    timedelta(hours=24),
)
"""The wait after each failed attempt: eight attempts over about 41 hours, then a person takes over."""

ABANDONED_AFTER = timedelta(minutes=15)
"""A `sending` message this old has lost its worker: longer than every time-out of a conversation together."""


def allowed_at(at: datetime, *, zones: Sequence[ZoneInfo], urgent: bool = False) -> datetime:
    """The first instant from `at` on that is outside quiet hours in every zone the recipient may be in.

    More than one zone means that we do not know (area code and address disagree): the hours must suit all.
    `urgent` is for a clinical message released by a role that may. When no hour suits all zones, the first counts.
    """
    if urgent:
        return at
    moment = at
    for _ in range(2 * len(zones)):
        moved = _later_of(moment, zones)
        if moved == moment:
            return moment
        moment = moved
    return moment if not _quiet_anywhere(moment, zones) else _wake(at, zone=zones[0])


def _later_of(moment: datetime, zones: Sequence[ZoneInfo]) -> datetime:
    return max(_wake(moment, zone=zone) for zone in zones)


def _quiet_anywhere(moment: datetime, zones: Sequence[ZoneInfo]) -> bool:
    return any(_wake(moment, zone=zone) != moment for zone in zones)


def _wake(moment: datetime, *, zone: ZoneInfo) -> datetime:
    """`moment` itself when it is not quiet there, else the end of that quiet night."""
    local = moment.astimezone(zone)
    if QUIET_UNTIL <= local.time() < QUIET_FROM:
        return moment
    day = local.date() if local.time() < QUIET_UNTIL else local.date() + timedelta(days=1)
    return datetime.combine(day, QUIET_UNTIL, tzinfo=zone).astimezone(moment.tzinfo)


def over_cap(earlier: Sequence[datetime], *, now: datetime) -> bool:
    """Whether one more automated text at `now` breaks one a day or three a week; `earlier` are sent instants."""
    within_day = sum(1 for at in earlier if now - A_DAY < at <= now)
    within_week = sum(1 for at in earlier if now - A_WEEK < at <= now)
    return within_day >= PER_DAY or within_week >= PER_WEEK


def next_attempt_at(*, attempts: int, now: datetime, expires_at: datetime | None = None) -> datetime | None:
    """When to try again after `attempts` (one or more) failed, or None: stop and ask a person.

    A message that would come too late to be of use (`expires_at`) is not tried again.
    """
    if attempts > len(BACK_OFF):
        return None
    at = now + BACK_OFF[attempts - 1]
    return None if expires_at is not None and at >= expires_at else at
