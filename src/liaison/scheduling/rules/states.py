"""The states of an appointment and which may follow which (DOMAIN 1.2; the codes are FHIR R4's)."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum


class State(StrEnum):
    """FHIR R4 `Appointment.status`."""

    PROPOSED = "proposed"
    PENDING = "pending"
    BOOKED = "booked"
    ARRIVED = "arrived"
    CHECKED_IN = "checked-in"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NO_SHOW = "noshow"
    ENTERED_IN_ERROR = "entered-in-error"
    WAITLIST = "waitlist"


_S = State

NEXT: Mapping[State, frozenset[State]] = {
    _S.PROPOSED: frozenset({_S.PENDING, _S.BOOKED, _S.WAITLIST, _S.CANCELLED, _S.ENTERED_IN_ERROR}),
    _S.WAITLIST: frozenset({_S.PROPOSED, _S.PENDING, _S.BOOKED, _S.CANCELLED, _S.ENTERED_IN_ERROR}),
    _S.PENDING: frozenset({_S.BOOKED, _S.PROPOSED, _S.WAITLIST, _S.CANCELLED, _S.ENTERED_IN_ERROR}),
    _S.BOOKED: frozenset(
        {_S.ARRIVED, _S.CHECKED_IN, _S.FULFILLED, _S.NO_SHOW, _S.CANCELLED, _S.PENDING, _S.ENTERED_IN_ERROR}
    ),
    _S.ARRIVED: frozenset({_S.CHECKED_IN, _S.FULFILLED, _S.NO_SHOW, _S.BOOKED, _S.CANCELLED, _S.ENTERED_IN_ERROR}),
    _S.CHECKED_IN: frozenset({_S.FULFILLED, _S.ARRIVED, _S.CANCELLED, _S.ENTERED_IN_ERROR}),
    _S.NO_SHOW: frozenset({_S.ARRIVED, _S.ENTERED_IN_ERROR}),
    _S.FULFILLED: frozenset({_S.ENTERED_IN_ERROR}),
    _S.CANCELLED: frozenset({_S.ENTERED_IN_ERROR}),
    _S.ENTERED_IN_ERROR: frozenset(),
}

HOLDS_TIME = frozenset({State.PENDING, State.BOOKED, State.ARRIVED, State.CHECKED_IN})
"""States whose reservations keep others out. A proposed one does so only while its hold lives (DOMAIN 1.5)."""

ENDED = frozenset({State.FULFILLED, State.CANCELLED, State.NO_SHOW, State.ENTERED_IN_ERROR})

MAY_SERVE = frozenset({State.BOOKED, State.ARRIVED, State.CHECKED_IN, State.FULFILLED})
"""States in which a visit can be said to be for a promise: it is expected, or took place."""

_SAME_DAY_ONLY = frozenset({(State.ARRIVED, State.BOOKED), (State.NO_SHOW, State.ARRIVED)})


def may_move(before: State, after: State, *, visit_on: date, today: date) -> bool:
    """Whether the state may change so. Undoing an arrival and a late arrival after a no-show only on the
    local day of the visit."""
    if after not in NEXT[before]:
        return False
    return (before, after) not in _SAME_DAY_ONLY or visit_on == today
