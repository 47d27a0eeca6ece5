"""The kinds of loop that scheduling opens: a visit missed, not ready, without a time, moved by us, or not to be kept; a
wait; a series that is held up."""

from typing import Final

from liaison.loops.ports import LoopKind

MISSED_VISIT: Final = LoopKind(
    code="missed-visit",
    label="Missed visit",
    required_evidence=("answered",),
    other_evidence=("attempt",),
    evidence_labels={
        "answered": "Another time, or why not: ride, cost, forgot, felt better",
        "attempt": "Attempt",
    },
    event_words={"appointment": "when the visit was missed"},
    closes_itself=True,
    icon="user-off",
)

CANT_COME: Final = LoopKind(
    code="cant-come",
    label="Visit that the patient can't keep",
    required_evidence=("settled",),
    evidence_labels={"settled": "Another time, or the visit is off, or they come after all"},
    event_words={"appointment": "when they said so"},
    managed_at="scheduling:appointment",
    closes_itself=True,
    icon="calendar-question",
)

CANT_COME_AND_WROTE: Final = LoopKind(
    code="cant-come-wrote",
    label="Visit that the patient can't keep, with a message",
    required_evidence=("settled", "answered_mail"),
    other_evidence=("attempt",),
    evidence_labels={
        "settled": "Another time, or the visit is off, or they come after all",
        "answered_mail": "The patient has an answer to what they wrote",
        "attempt": "Attempt",
    },
    event_words={"appointment": "when they said so"},
    closes_itself=True,
    icon="calendar-question",
)

WAITING: Final = LoopKind(
    code="waitlist",
    label="Waitlist",
    required_evidence=("settled",),
    evidence_labels={"settled": "A time was taken, or none is wanted any more"},
    event_words={"wait": "when the patient joined the waitlist", "offer": "the offer"},
    managed_at="scheduling:wait",
    closes_itself=True,
    icon="hourglass",
)

HOLD_LAPSED: Final = LoopKind(
    code="hold-lapsed",
    label="Held time that lapsed",
    required_evidence=("settled",),
    evidence_labels={"settled": "Another time, or the visit is not wanted any more"},
    event_words={"appointment": "when the time lapsed"},
    closes_itself=True,
    icon="hourglass",
)

NEW_TIME: Final = LoopKind(
    code="new-time",
    label="New time to tell",
    required_evidence=("told_patient",),
    other_evidence=("attempt",),
    evidence_labels={"told_patient": "The patient knows the new time", "attempt": "Attempt"},
    event_words={"replan": "when the day was planned anew", "appointment": "when the visit changed again"},
    closes_itself=True,
    icon="calendar-time",
)

NO_TIME: Final = LoopKind(
    code="displaced",
    label="Visit that lost its time",
    required_evidence=("settled",),
    other_evidence=("attempt",),
    evidence_labels={"settled": "Another time, or the visit is off", "attempt": "Attempt"},
    event_words={"replan": "when the day was planned anew"},
    managed_at="scheduling:appointment",
    closes_itself=True,
    icon="calendar-x",
)

NOT_READY: Final = LoopKind(
    code="not-ready",
    label="Visit not ready",
    required_evidence=("ready",),
    evidence_labels={"ready": "The check passes"},
    event_words={"appointment": "the visit"},
    managed_at="scheduling:appointment",
    closes_itself=True,
    icon="alert-triangle",
)

SERIES_HELD_UP: Final = LoopKind(
    code="series-held-up",
    label="Series that is not booked on",
    required_evidence=("settled",),
    evidence_labels={"settled": "The night books it again"},
    event_words={"series": "when it was refused"},
    managed_at="scheduling:series",
    closes_itself=True,
    icon="calendar-repeat",
)

SERIES_VISIT: Final = LoopKind(
    code="series-visit",
    label="Visit of a series without a time",
    required_evidence=("settled",),
    evidence_labels={"settled": "It has a time, or is not wanted any more"},
    event_words={"series": "when the series was booked"},
    managed_at="scheduling:series_visit",
    closes_itself=True,
    icon="calendar-repeat",
)
