"""The kinds of loop that protocols open."""

from __future__ import annotations

from typing import Final

from liaison.loops.ports import LoopKind, ProofPage

CONTACT: Final = "contact"
VISIT: Final = "visit"
RECONCILIATION: Final = "reconciliation"
ATTEMPT: Final = "attempt"

_LOGGED: Final = ProofPage(url="inbox:call", words="Log a call")

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
    proven_at={
        CONTACT: _LOGGED,
        ATTEMPT: _LOGGED,
        VISIT: ProofPage(url="pathways:visit_elsewhere", words="The visit took place elsewhere", by_care=True),
        RECONCILIATION: ProofPage(url="pathways:reconcile", words="The medicines were reconciled", by_care=True),
    },
    icon="building-hospital",
)
"""Transitional care management, CPT 99495 and 99496 (DOMAIN 2.1)."""

MISSED_AFTER_STAY: Final = LoopKind(
    code="missed-after-stay",
    label="Missed after a hospital stay",
    required_evidence=("decided",),
    evidence_labels={"decided": "What the clinician decided, and that it was done"},
    clinical_evidence=frozenset({"decided"}),
    event_words={"appointment": "when the visit was missed"},
    closes_itself=True,
    icon="urgent",
)
"""A missed visit of a patient who was in hospital is the clinician's to decide about (DOMAIN 1.7)."""
