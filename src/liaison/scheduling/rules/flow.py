"""The day of a visit (DOMAIN 1.7): which stage a patient is at, who is late, who is missed by itself.

A stage is read from time stamps. FHIR R4's state stays beside them: a patient in a room or with the clinician is
`checked-in`, and `fulfilled` comes when the day of the visit has ended (docs/decisions/0021).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from statistics import median
from types import MappingProxyType
from typing import Final

from liaison.scheduling.rules.states import State

MISSED_WITHIN: Final = timedelta(hours=24)
"""A visit that ended longer ago is not called missed by itself: a person says what became of it."""


class Stage(StrEnum):
    """Where a patient is on the day, in the order of the day."""

    EXPECTED = "expected"
    ARRIVED = "arrived"
    CHECKED_IN = "checked-in"
    ROOMED = "roomed"
    SEEN = "with-clinician"
    LEFT = "left"


STAGES: Final = tuple(Stage)


class LateAnswer(StrEnum):
    """What is done about a patient who is late."""

    SEE_NOW = "see_now"
    FIT_IN = "fit_in"
    RESCHEDULE = "reschedule"


class Barrier(StrEnum):
    """What came in the way of a visit that was missed."""

    TRANSPORT = "transport"
    COST = "cost"
    FORGOT = "forgot"
    FELT_BETTER = "felt_better"
    OTHER = "other"


BARRIERS: Final[Mapping[Barrier, str]] = MappingProxyType(
    {
        Barrier.TRANSPORT: "No ride",
        Barrier.COST: "Worried about the cost",
        Barrier.FORGOT: "Forgot",
        Barrier.FELT_BETTER: "Felt better",
        Barrier.OTHER: "Something else",
    }
)
"""The barriers as a person says them, in the order of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamps:
    """One visit as the flow of a day sees it. Instants are aware; `has_room` is false for video and phone."""

    state: State
    start_at: datetime
    end_at: datetime
    arrived_at: datetime | None = None
    checked_in_at: datetime | None = None
    roomed_at: datetime | None = None
    seen_at: datetime | None = None
    left_at: datetime | None = None
    has_room: bool = True


_OF_STATE: Final[Mapping[State, Stage]] = MappingProxyType(
    {
        State.BOOKED: Stage.EXPECTED,
        State.ARRIVED: Stage.ARRIVED,
        State.CHECKED_IN: Stage.CHECKED_IN,
        State.FULFILLED: Stage.LEFT,
    }
)


def stage_of(visit: Stamps) -> Stage | None:
    """The stage of a visit; None for one that is in no flow (held, cancelled, missed)."""
    stage = _OF_STATE.get(visit.state)
    if stage is not Stage.CHECKED_IN:
        return stage
    if visit.left_at is not None:
        return Stage.LEFT
    if visit.seen_at is not None:
        return Stage.SEEN
    return Stage.CHECKED_IN if visit.roomed_at is None else Stage.ROOMED


def next_stage(visit: Stamps) -> Stage | None:
    """What one press on the board notes. By video and phone there is no room to go to."""
    stage = stage_of(visit)
    if stage is None or stage is Stage.LEFT:
        return None
    following = STAGES[STAGES.index(stage) + 1]
    return Stage.SEEN if following is Stage.ROOMED and not visit.has_room else following


def since(visit: Stamps) -> datetime:
    """The last stamp of the day; before any, the start."""
    stamps = (visit.left_at, visit.seen_at, visit.roomed_at, visit.checked_in_at, visit.arrived_at)
    return next((at for at in stamps if at is not None), visit.start_at)


def late_by(visit: Stamps, *, threshold: timedelta, now: datetime) -> timedelta | None:
    """How late the patient is, or was on arrival; None when less than `threshold` after the start, or seen already."""
    if stage_of(visit) not in {Stage.EXPECTED, Stage.ARRIVED, Stage.CHECKED_IN, Stage.ROOMED}:
        return None
    late = (visit.arrived_at or now) - visit.start_at
    return late if late >= threshold else None


def is_missed_by_itself(
    visit: Stamps, *, grace: timedelta | None, late_answer: LateAnswer | None, now: datetime
) -> bool:
    """Whether nobody came and the time is over: at the end plus `grace`, None for never.

    Never once a patient is here or being seen, in a waiting room by video too; never once somebody decided about
    a late patient; and never more than MISSED_WITHIN after the end.
    """
    if grace is None or late_answer is not None or visit.state is not State.BOOKED:
        return False
    if visit.arrived_at is not None or visit.seen_at is not None:
        return False
    return visit.end_at + grace <= now < visit.end_at + MISSED_WITHIN


def last_day(visit: Stamps, *, zone: tzinfo) -> date:
    """The local day on which the visit ends; a visit until midnight ends on the day before."""
    return (visit.end_at - timedelta(microseconds=1)).astimezone(zone).date()


def is_its_day(visit: Stamps, *, zone: tzinfo, now: datetime) -> bool:
    """Whether `now` is on a local day of the visit: from the day on which it starts to the one on which it ends."""
    return visit.start_at.astimezone(zone).date() <= now.astimezone(zone).date() <= last_day(visit, zone=zone)


def is_finished(visit: Stamps, *, zone: tzinfo, now: datetime) -> bool:
    """Whether the patient was seen and the local day of the visit is over, so that it counts as having taken place."""
    was_seen = visit.state is State.CHECKED_IN and visit.seen_at is not None
    return was_seen and now.astimezone(zone).date() > last_day(visit, zone=zone)


def wait_of(visit: Stamps) -> timedelta | None:
    """From arriving to being seen; None while either is open, or where nobody noted the arrival."""
    if visit.arrived_at is None or visit.seen_at is None:
        return None
    return visit.seen_at - visit.arrived_at


def median_wait(waits: Collection[timedelta]) -> timedelta | None:
    """The wait that half of the patients exceed; None without any."""
    return timedelta(seconds=median(wait.total_seconds() for wait in waits)) if waits else None
