"""What a referral is to the ledger of loops, and what other packages hand in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from liaison.loops.ports import LoopKind

REPORT: Final = "report_received"
REVIEWED: Final = "referrer_reviewed"
TOLD: Final = "patient_informed"

ABOUT: Final = "orders.referral"
"""How a loop names the referral it serves."""

REFERRAL: Final = LoopKind(
    code="referral",
    label="Referral",
    required_evidence=(REPORT, REVIEWED, TOLD),
    other_evidence=("attempt",),
    evidence_labels={
        REPORT: "The specialist's report came back",
        REVIEWED: "The referrer reviewed it",
        TOLD: "The patient was told",
        "attempt": "Attempt to reach the patient",
    },
    managed_at="orders:referral",
    clinical_evidence=frozenset({REPORT, REVIEWED, TOLD}),
    event_words={
        "visit:referral": "the visit",
        "referral:draft": "when it was written",
        "referral:sent": "when it was sent",
        "referral:received": "when they had it",
        "referral:accepted": "when they accepted",
        "referral:declined": "when they declined",
        "referral:scheduled": "when the visit was arranged",
        "referral:no_show": "when the visit was missed",
        "referral:visit_cancelled": "when the visit was cancelled",
        "referral:seen": "when the patient was seen",
        "referral:note_received": "when the note came",
        "referral:reviewed": "when the note was reviewed",
        "referral:closed": "when it closed",
        "referral:cancel_requested": "when its cancellation was asked for",
        "referral:cancelled": "when it was cancelled",
    },
    icon="send",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom a referral asks: a clinician of the directory, a place, or a clinician at their place."""

    practitioner_id: int | None = None
    organization_id: int | None = None

    def __post_init__(self) -> None:
        """Refuse nobody."""
        if self.practitioner_id is None and self.organization_id is None:
            raise ValueError("A referral asks somebody.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralOrder:
    """What a clinician asks for a patient.

    `specialty` is a code of the directory, `urgency` "routine" or "urgent". `coverage_status` says whether the payer
    must agree first ("not_needed", "requested", "approved", "not_covered" or "unknown"); `coverage_note` says more.
    `attachments` are titles of what goes along.
    """

    referrer_id: int
    specialty: str
    target: Target
    urgency: str
    question: str
    history: str = ""
    coverage_status: str = "unknown"
    coverage_note: str = ""
    attachments: tuple[str, ...] = ()
