"""The decisions of scheduling, as pure functions on values: no Django, no database, no clock."""

from liaison.scheduling.rules.booking import (
    Lead,
    is_late_cancellation,
    lead_of,
    sits_inside,
)
from liaison.scheduling.rules.cancelling import REASONS, CancelReason, reason_in_words
from liaison.scheduling.rules.hours import Hours, free_spans, working_spans
from liaison.scheduling.rules.invitations import (
    invitation_place,
    invitation_summary,
    language_of_invitation,
)
from liaison.scheduling.rules.participants import (
    Answer,
    Outcome,
    Participant,
    Presence,
    aggregate,
    asked_again,
)
from liaison.scheduling.rules.reminders import Reminder, ReminderKind, reminder_is_fresh, reminder_plan
from liaison.scheduling.rules.search import Need, Offer, Reason, Wish, earliest
from liaison.scheduling.rules.spans import Span, intersect, merge, subtract
from liaison.scheduling.rules.states import ENDED, HOLDS_TIME, NEXT, State, may_move
from liaison.scheduling.rules.waiting import (
    OfferBy,
    OfferMode,
    OfferState,
    Policy,
    Run,
    Suits,
    Unfit,
    Urgency,
    WaitState,
    asks_whether_to_stay,
    place_in_line,
    run_of_offer,
    unfit,
    waitlist_policy,
)
from liaison.scheduling.rules.wall import Settled, day_span, first_instant, instant_of, settle

__all__ = [
    "ENDED",
    "HOLDS_TIME",
    "NEXT",
    "REASONS",
    "Answer",
    "CancelReason",
    "Hours",
    "Lead",
    "Need",
    "Offer",
    "OfferBy",
    "OfferMode",
    "OfferState",
    "Outcome",
    "Participant",
    "Policy",
    "Presence",
    "Reason",
    "Reminder",
    "ReminderKind",
    "Run",
    "Settled",
    "Span",
    "State",
    "Suits",
    "Unfit",
    "Urgency",
    "WaitState",
    "Wish",
    "aggregate",
    "asked_again",
    "asks_whether_to_stay",
    "day_span",
    "earliest",
    "first_instant",
    "free_spans",
    "instant_of",
    "intersect",
    "invitation_place",
    "invitation_summary",
    "is_late_cancellation",
    "language_of_invitation",
    "lead_of",
    "may_move",
    "merge",
    "place_in_line",
    "reason_in_words",
    "reminder_is_fresh",
    "reminder_plan",
    "run_of_offer",
    "settle",
    "sits_inside",
    "subtract",
    "unfit",
    "waitlist_policy",
    "working_spans",
]
