"""Reads of the inbox; whoever asks comes first, and what they can't see is not there."""

from liaison.inbox.queries.call_words import CallShown, Taught
from liaison.inbox.queries.calls import (
    CallPage,
    CallSheet,
    call_sheet,
    counted_with,
    get_call,
    may_strike_call,
    propose_next,
)
from liaison.inbox.queries.incoming import MailRow, checked_mail, count_unmatched, unmatched_bytes, unmatched_mail
from liaison.inbox.queries.letters import Letter, letter_for, usual_fields
from liaison.inbox.queries.mailbox import Invitation, ReceivedMail, mailbox, received_mail
from liaison.inbox.queries.messages import (
    Box,
    MessagePage,
    MessageRow,
    MessageShown,
    counts,
    get_message,
    message_page,
)
from liaison.inbox.queries.notes import NoteLine, NoteShown, get_note, may_strike
from liaison.inbox.queries.reaching import PointNow, ReachSheet, reach_sheet
from liaison.inbox.queries.stories import ToldLine, told_story
from liaison.inbox.queries.templates import TemplateSheet, shown, template_sheet, templates, wording_for
from liaison.inbox.queries.timeline import timeline, timeline_years
from liaison.inbox.queries.unread import unread_ahead, unread_of
from liaison.inbox.queries.untold import loops_instead
from liaison.inbox.queries.whom import patient_and_loop

__all__ = [
    "Box",
    "CallPage",
    "CallSheet",
    "CallShown",
    "Invitation",
    "Letter",
    "MailRow",
    "MessagePage",
    "MessageRow",
    "MessageShown",
    "NoteLine",
    "NoteShown",
    "PointNow",
    "ReachSheet",
    "ReceivedMail",
    "Taught",
    "TemplateSheet",
    "ToldLine",
    "call_sheet",
    "checked_mail",
    "count_unmatched",
    "counted_with",
    "counts",
    "get_call",
    "get_message",
    "get_note",
    "letter_for",
    "loops_instead",
    "mailbox",
    "may_strike",
    "may_strike_call",
    "message_page",
    "patient_and_loop",
    "propose_next",
    "reach_sheet",
    "received_mail",
    "shown",
    "template_sheet",
    "templates",
    "timeline",
    "timeline_years",
    "told_story",
    "unmatched_bytes",
    "unmatched_mail",
    "unread_ahead",
    "unread_of",
    "usual_fields",
    "wording_for",
]
