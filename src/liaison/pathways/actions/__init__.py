"""What is done with protocols.

evaluate(actor, now=…, patient_ids=None) -> EvaluationSummary
set_complexity(actor, enrolment_id=…, complexity=…, now=…) -> Enrolment
note_call(…), visit_booked(…), visit_lost(…), visit_seen(…): what calls and visits mean for a follow-up
"""

from liaison.pathways.actions.enrolling import EvaluationSummary, NobodyToOwn, evaluate, install_protocols
from liaison.pathways.actions.following import (
    NotRunning,
    note_call,
    set_complexity,
    visit_booked,
    visit_lost,
    visit_seen,
)

__all__ = [
    "EvaluationSummary",
    "NobodyToOwn",
    "NotRunning",
    "evaluate",
    "install_protocols",
    "note_call",
    "set_complexity",
    "visit_booked",
    "visit_lost",
    "visit_seen",
]
