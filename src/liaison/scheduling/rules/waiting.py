"""Whom on the waitlist a freed time suits, in which order, and how long an offer runs (DOMAIN 1.5)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from liaison.inbox.ports import QUIET_FROM, allowed_at

_DAY = timedelta(days=1)


class Urgency(StrEnum):
    """The clinical priority of a wait, the most pressing first."""

    URGENT = "urgent"
    SOON = "soon"
    ROUTINE = "routine"


class WaitState(StrEnum):
    """Where a patient's wait stands."""

    WAITING = "waiting"
    FILLED = "filled"
    LEFT = "left"


class OfferState(StrEnum):
    """Where an offer stands; all but the first are for good."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


class OfferMode(StrEnum):
    """Held for one patient, or first come first served among several."""

    EXCLUSIVE = "exclusive"
    BROADCAST = "broadcast"


class OfferBy(StrEnum):
    """How the patient hears of it."""

    MAIL = "mail"
    PHONE = "phone"


class Unfit(StrEnum):
    """Why a time does not suit somebody who waits."""

    NOTICE = "notice"
    WEEKDAY = "weekday"
    TIME_OF_DAY = "time_of_day"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"
    NOT_EARLIER = "not_earlier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The house rules of the waitlist, as `waitlist.json` in this package has them."""

    version: str
    source: str
    offer_for: Mapping[OfferMode, timedelta]
    shortest_offer: timedelta
    look_again_days: Mapping[Urgency, int]
    expiries_before_asking: int
    ask_within_days: int
    most_rounds: int
    recent: timedelta


@cache
def waitlist_policy() -> Policy:
    """The house rules; business days are whole numbers."""
    data = json.loads((files("liaison.scheduling") / "waitlist.json").read_text(encoding="utf-8"))
    return Policy(
        version=data["version"],
        source=data["source"],
        offer_for=MappingProxyType({mode: timedelta(minutes=data["offer_minutes"][mode]) for mode in OfferMode}),
        shortest_offer=timedelta(minutes=data["shortest_offer_minutes"]),
        look_again_days=MappingProxyType({one: data["look_again_business_days"][one] for one in Urgency}),
        expiries_before_asking=data["expiries_before_asking"],
        ask_within_days=data["ask_within_business_days"],
        most_rounds=data["most_rounds"],
        recent=timedelta(days=data["recent_days"]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Suits:
    """When a time suits somebody who waits. Empty weekdays mean all; Monday is 0.

    `from_time` up to `to_time` are starts on the site's wall clock; `until` is the last day. The start must lie on
    an earlier local day than `earlier_than`, the visit that would move forward.
    """

    weekdays: frozenset[int] = frozenset()
    from_time: time | None = None
    to_time: time | None = None
    not_before: date | None = None
    until: date | None = None
    least_notice: timedelta = timedelta(0)
    earlier_than: datetime | None = None


def unfit(suits: Suits, *, start: datetime, zone: ZoneInfo, now: datetime) -> Unfit | None:
    """Why a start does not suit, or None when it does."""
    local = start.astimezone(zone)
    against = {
        Unfit.NOTICE: start - now < suits.least_notice,
        Unfit.NOT_EARLIER: suits.earlier_than is not None
        and local.date() >= suits.earlier_than.astimezone(zone).date(),
        Unfit.TOO_EARLY: suits.not_before is not None and local.date() < suits.not_before,
        Unfit.TOO_LATE: suits.until is not None and local.date() > suits.until,
        Unfit.WEEKDAY: bool(suits.weekdays) and local.weekday() not in suits.weekdays,
        Unfit.TIME_OF_DAY: not (suits.from_time or time.min) <= local.time() < (suits.to_time or time.max),
    }
    return next((reason for reason, holds in against.items() if holds), None)


_ORDER: Final = tuple(Urgency)


def place_in_line(
    urgency: Urgency, *, joined_on: date, recent_offers: int, joined_at: datetime
) -> tuple[int, date, int, datetime]:
    """The key by which those who wait are ranked: clinical priority, day joined, fewer recent offers, the clock."""
    return (_ORDER.index(urgency), joined_on, recent_offers, joined_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """From when an offer runs, and until when it may be taken. Both in UTC."""

    starts_at: datetime
    expires_at: datetime


def run_of_offer(
    *, now: datetime, lasts: timedelta, last_call: datetime, zones: Sequence[ZoneInfo], shortest: timedelta
) -> Run | None:
    """How long an offer may be taken, or None when too little time is left to ask.

    It starts outside the quiet hours of every zone the patient may be in, and only time outside them counts; it
    ends at `last_call` (start less the notice that is needed) at the latest.
    """
    starts = allowed_at(now.astimezone(UTC), zones=zones)
    ends, left = starts, lasts
    while (night := _next_night(ends, zones=zones)) < ends + left:
        left -= max(night - ends, timedelta(0))
        ends = allowed_at(max(night, ends + timedelta(minutes=1)), zones=zones)
    expires = min(ends + left, last_call.astimezone(UTC))
    return Run(starts_at=starts, expires_at=expires) if expires - starts >= shortest else None


def _next_night(at: datetime, *, zones: Sequence[ZoneInfo]) -> datetime:
    """When the quiet hours next begin in any of these zones."""
    if not zones:
        return at + 365 * _DAY
    tonight = (datetime.combine(at.astimezone(zone).date(), QUIET_FROM, tzinfo=zone).astimezone(UTC) for zone in zones)
    return min(tonight)


def asks_whether_to_stay(*, lapses: int, after: int) -> bool:
    """Whether the patient is asked: each time that so many offers in a row went unanswered."""
    return lapses > 0 and lapses % after == 0
