"""What is done with protocols.

evaluate(actor, now=…, patient_ids=None) -> EvaluationSummary
record_visit_elsewhere(actor, enrolment_id=…, seen_at=…, modality=…, where=…, now=…) -> Enrolment
record_reconciliation(actor, enrolment_id=…, done_on=…, note=…, now=…) -> Enrolment
strike_proof(actor, enrolment_id=…, evidence_id=…, reason=…, now=…) -> Enrolment
set_complexity(actor, enrolment_id=…, complexity=…, seen=…, now=…) -> Enrolment
turn_off(actor, code=…, reason=…, now=…), turn_on(actor, code=…, now=…) -> ProtocolPause
note_call(…), forget_call(…), visit_booked(…), visit_lost(…), visit_seen(…), visit_served(…),
visit_serves_no_more(…), visit_unproven(…): what calls and visits mean for a follow-up
"""

from liaison.pathways.actions.enrolling import (
    EvaluationSummary,
    ProtocolChanged,
    evaluate,
    install_protocols,
    refuse_changed_protocols,
)
from liaison.pathways.actions.following import ComplexityChanged, NotRunning, forget_call, note_call, set_complexity
from liaison.pathways.actions.missing import tell_clinician_of_missed, visit_not_missed
from liaison.pathways.actions.reconciling import (
    Reconciled,
    ReconciledInTheFuture,
    ReconciledTooEarly,
    record_reconciliation,
)
from liaison.pathways.actions.striking import ProofStruckBefore, strike_proof
from liaison.pathways.actions.switching import AlreadyOff, NotOff, SayWhyOff, turn_off, turn_on
from liaison.pathways.actions.visits import (
    NotFaceToFace,
    TooEarlyToCount,
    VisitByPhone,
    VisitInTheFuture,
    VisitRecorded,
    VisitTooEarly,
    record_visit_elsewhere,
    visit_booked,
    visit_lost,
    visit_seen,
    visit_served,
    visit_serves_no_more,
    visit_unproven,
)

__all__ = [
    "AlreadyOff",
    "ComplexityChanged",
    "EvaluationSummary",
    "NotFaceToFace",
    "NotOff",
    "NotRunning",
    "ProofStruckBefore",
    "ProtocolChanged",
    "Reconciled",
    "ReconciledInTheFuture",
    "ReconciledTooEarly",
    "SayWhyOff",
    "TooEarlyToCount",
    "VisitByPhone",
    "VisitInTheFuture",
    "VisitRecorded",
    "VisitTooEarly",
    "evaluate",
    "forget_call",
    "install_protocols",
    "note_call",
    "record_reconciliation",
    "record_visit_elsewhere",
    "refuse_changed_protocols",
    "set_complexity",
    "strike_proof",
    "tell_clinician_of_missed",
    "turn_off",
    "turn_on",
    "visit_booked",
    "visit_lost",
    "visit_not_missed",
    "visit_seen",
    "visit_served",
    "visit_serves_no_more",
    "visit_unproven",
]
