"""Reads of protocols: whom they fit and whom not, and where follow-ups stand."""

from liaison.pathways.queries.candidates import Candidate, anchors_that_pass, judged_anchors, latest_of_each
from liaison.pathways.queries.follow_ups import (
    EXPECTED,
    FollowUpView,
    follow_up_of_loops,
    get_follow_up,
    may_be_the_visit,
    visit_expected_at,
    visit_seen_at,
    why_visit_unread,
)
from liaison.pathways.queries.outlook import Outlook, outlook, told, waiting_follow_ups
from liaison.pathways.queries.proofs import STRUCK_OUT_HERE, RecordedProof, StruckProof
from liaison.pathways.queries.protocols import ProtocolView, get_protocol, protocols

__all__ = [
    "EXPECTED",
    "STRUCK_OUT_HERE",
    "Candidate",
    "FollowUpView",
    "Outlook",
    "ProtocolView",
    "RecordedProof",
    "StruckProof",
    "anchors_that_pass",
    "follow_up_of_loops",
    "get_follow_up",
    "get_protocol",
    "judged_anchors",
    "latest_of_each",
    "may_be_the_visit",
    "outlook",
    "protocols",
    "told",
    "visit_expected_at",
    "visit_seen_at",
    "waiting_follow_ups",
    "why_visit_unread",
]
