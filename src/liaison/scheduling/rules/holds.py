"""How long a time may be kept for a patient who makes up their mind, and what becomes of it (DOMAIN 1.2, "hold")."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

HOLD_FOR: Final = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4), timedelta(hours=24))
"""What a person may choose from, the shortest first: while they ask at home, until they call back, overnight."""

MOST_HOLDS: Final = 3
"""Times that may be kept for one patient at once: each of them is a time that nobody else can have."""


class HoldEnd(StrEnum):
    """What became of a time that was held."""

    TAKEN = "taken"
    GIVEN_UP = "given_up"
    LAPSED = "lapsed"


def held_until(*, now: datetime, lasting: timedelta, start: datetime) -> datetime | None:
    """When the hold ends: after `lasting`, at the start of the visit at the latest. None where that is no time at all.

    Refuses with ValueError a length that nobody may choose.
    """
    if lasting not in HOLD_FOR:
        raise ValueError("A time is held for one of the lengths of HOLD_FOR.")
    until = min(now + lasting, start)
    return until if until > now else None
