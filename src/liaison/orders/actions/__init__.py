"""Everything that is done with a referral, one function each; `docs/tour.md` follows one from click to row."""

from liaison.orders.actions.asking import (
    DuplicateReferral,
    NotInHouse,
    NotReadyToSend,
    SameTarget,
    attach,
    draft_referral,
    refer_patient,
    reroute_referral,
    send_referral,
)
from liaison.orders.actions.cancelling import cancel_referral, confirm_cancelled
from liaison.orders.actions.closing import KnowsUnsaid, VisitAhead, record_note, review_note, tell_patient
from liaison.orders.actions.deciding import accept_referral, confirm_received, decline_referral
from liaison.orders.actions.drafting import NoDraft, change_draft
from liaison.orders.actions.merging import follow_merge, follow_unmerge
from liaison.orders.actions.moving import NotNow, ReferralChanged, ReferralReasonNeeded
from liaison.orders.actions.once import ReferralWrittenAnew
from liaison.orders.actions.undoing import BuiltOn, TakenBackBefore, WentOut, undo_move
from liaison.orders.actions.visiting import (
    SeenBeforeSent,
    SeenBeforeTheVisit,
    VisitBeforeSent,
    VisitInTheFuture,
    mark_scheduled,
    mark_seen,
    mark_visit_cancelled,
    mark_visit_missed,
)

__all__ = [
    "BuiltOn",
    "DuplicateReferral",
    "KnowsUnsaid",
    "NoDraft",
    "NotInHouse",
    "NotNow",
    "NotReadyToSend",
    "ReferralChanged",
    "ReferralReasonNeeded",
    "ReferralWrittenAnew",
    "SameTarget",
    "SeenBeforeSent",
    "SeenBeforeTheVisit",
    "TakenBackBefore",
    "VisitAhead",
    "VisitBeforeSent",
    "VisitInTheFuture",
    "WentOut",
    "accept_referral",
    "attach",
    "cancel_referral",
    "change_draft",
    "confirm_cancelled",
    "confirm_received",
    "decline_referral",
    "draft_referral",
    "follow_merge",
    "follow_unmerge",
    "mark_scheduled",
    "mark_seen",
    "mark_visit_cancelled",
    "mark_visit_missed",
    "record_note",
    "refer_patient",
    "reroute_referral",
    "review_note",
    "send_referral",
    "tell_patient",
    "undo_move",
]
