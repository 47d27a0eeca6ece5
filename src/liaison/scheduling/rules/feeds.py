"""What stands in a clinician's own calendar: the minimum that lets them plan their day (45 CFR 164.502(b)).

The calendar lies with somebody with whom there is no contract about patients' data, and on a phone's locked screen. So
no name, no initials and no reason stand in it: with the time and the place, initials name a patient to who knows them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from liaison.scheduling.rules.states import State

FEED_BACK: Final = timedelta(days=30)
"""How far back the visits of a feed go."""

_OFF: Final = frozenset({State.CANCELLED, State.ENTERED_IN_ERROR})
_OPEN: Final = frozenset({State.PROPOSED, State.PENDING, State.WAITLIST})


class DutyStatus(StrEnum):
    """How sure a visit is (RFC 5545, 3.8.1.11)."""

    TENTATIVE = "TENTATIVE"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One visit as it stands in the clinician's own calendar. `url` leads to the visit, behind the sign-in."""

    uid: str
    sequence: int
    changed_at: datetime
    start_at: datetime
    end_at: datetime
    summary: str
    where: str
    status: DutyStatus
    url: str


def duty_uid(visit_uid: str) -> str:
    """The same for the life of a visit, and not the UID of the patient's own invitation: who reads this calendar
    can't answer for the patient with it."""
    return f"{sha256(f'duty:{visit_uid}'.encode()).hexdigest()[:32]}@liaison"


def duty_status(state: State) -> DutyStatus:
    """How sure a visit in this state is."""
    if state in _OFF:
        return DutyStatus.CANCELLED
    return DutyStatus.TENTATIVE if state in _OPEN else DutyStatus.CONFIRMED


def secret_hash(secret: str) -> str:
    """What is kept of the secret in an address: it has 256 random bits, so a plain SHA-256 can't be turned back."""
    return sha256(secret.encode()).hexdigest()
