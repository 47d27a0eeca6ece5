"""The decisions of scheduling, as pure functions on values: no Django, no database, no clock."""

from liaison.scheduling.rules.asking import Asked, Called, read_line
from liaison.scheduling.rules.bit_search import Counted, FreeBits, can_use_bits, count_starts, earliest_in_bits
from liaison.scheduling.rules.bits import (
    CELL,
    HORIZON_DAYS,
    KeptDay,
    bits_of,
    kept_days,
    kept_of,
    spans_of,
    whole_days,
)
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
from liaison.scheduling.rules.wall import Settled, day_span, first_instant, instant_of, settle

__all__ = [
    "CELL",
    "ENDED",
    "HOLDS_TIME",
    "HORIZON_DAYS",
    "NEXT",
    "REASONS",
    "Answer",
    "Asked",
    "Called",
    "CancelReason",
    "Counted",
    "FreeBits",
    "Hours",
    "KeptDay",
    "Lead",
    "Need",
    "Offer",
    "Outcome",
    "Participant",
    "Presence",
    "Reason",
    "Reminder",
    "ReminderKind",
    "Settled",
    "Span",
    "State",
    "Wish",
    "aggregate",
    "asked_again",
    "bits_of",
    "can_use_bits",
    "count_starts",
    "day_span",
    "earliest",
    "earliest_in_bits",
    "first_instant",
    "free_spans",
    "instant_of",
    "intersect",
    "invitation_place",
    "invitation_summary",
    "is_late_cancellation",
    "kept_days",
    "kept_of",
    "language_of_invitation",
    "lead_of",
    "may_move",
    "merge",
    "read_line",
    "reason_in_words",
    "reminder_is_fresh",
    "reminder_plan",
    "settle",
    "sits_inside",
    "spans_of",
    "subtract",
    "whole_days",
    "working_spans",
]
