"""Loops and what surrounds them: columns and what the database refuses."""

from liaison.loops.models.covering import HandOver, HandOverCover, Holiday, Notice
from liaison.loops.models.ledger import (
    OPEN,
    RECKONED,
    RESTING,
    Clock,
    Evidence,
    Loop,
    LoopEvent,
    LoopQuerySet,
    Priority,
    State,
    Voided,
)
from liaison.loops.models.waiting import WaitingPromise

__all__ = [
    "OPEN",
    "RECKONED",
    "RESTING",
    "Clock",
    "Evidence",
    "HandOver",
    "HandOverCover",
    "Holiday",
    "Loop",
    "LoopEvent",
    "LoopQuerySet",
    "Notice",
    "Priority",
    "State",
    "Voided",
    "WaitingPromise",
]
