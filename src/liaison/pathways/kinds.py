"""The kinds of loop that protocols open."""

from __future__ import annotations

from typing import Final

from liaison.loops.ports import LoopKind

CONTACT: Final = "contact"
VISIT: Final = "visit"
RECONCILIATION: Final = "reconciliation"
ATTEMPT: Final = "attempt"

POST_DISCHARGE: Final = LoopKind(
    code="post-discharge",
    label="After a hospital stay",
    required_evidence=(CONTACT, VISIT, RECONCILIATION),
    other_evidence=(ATTEMPT,),
    evidence_labels={
        CONTACT: "Contact made, or two attempts documented",
        VISIT: "Visit attended",
        RECONCILIATION: "Medicines reconciled",
        ATTEMPT: "Attempt to call",
    },
    clinical_evidence=frozenset({CONTACT, RECONCILIATION}),
    event_words={"encounter": "the discharge", "visit": "the booked visit", "call": "the call"},
    icon="building-hospital",
)
"""Transitional care management, CPT 99495 and 99496 (DOMAIN 2.1)."""
