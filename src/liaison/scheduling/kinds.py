"""The kind of loop that a missed visit opens."""

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
    icon="user-off",
)
