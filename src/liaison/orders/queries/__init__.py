"""Reads of orders: one referral with its track, worklists, a patient's timeline, whom to ask."""

from liaison.orders.queries.drafts import draft_to_change, order_of
from liaison.orders.queries.offered import (
    default_owner,
    is_ours,
    open_referrals,
    referrer_choices,
    target_choices,
    target_from_value,
    usual_via,
    value_of,
)
from liaison.orders.queries.page import (
    MOVES,
    VERB_OF_MOVE,
    ReferralPage,
    StepLine,
    TrackStop,
    get_referral,
    referral_page,
    referral_to_book,
    referrals_to_arrange,
    undoable_step,
)
from liaison.orders.queries.told import referral_url, timeline, timeline_years
from liaison.orders.queries.worklist import ReferralRow, Worklist, worklist

__all__ = [
    "MOVES",
    "VERB_OF_MOVE",
    "ReferralPage",
    "ReferralRow",
    "StepLine",
    "TrackStop",
    "Worklist",
    "default_owner",
    "draft_to_change",
    "get_referral",
    "is_ours",
    "open_referrals",
    "order_of",
    "referral_page",
    "referral_to_book",
    "referral_url",
    "referrals_to_arrange",
    "referrer_choices",
    "target_choices",
    "target_from_value",
    "timeline",
    "timeline_years",
    "undoable_step",
    "usual_via",
    "value_of",
    "worklist",
]
