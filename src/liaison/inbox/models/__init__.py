"""Rows of the inbox: templates as they were used, messages and their attempts, calls, notes, preferences."""

from liaison.inbox.models.calls import Call, TeachBack
from liaison.inbox.models.messages import Attachment, DeliveryAttempt, Message, Template
from liaison.inbox.models.notes import Note
from liaison.inbox.models.preferences import Preference
from liaison.inbox.models.unmatched import UnmatchedMail

__all__ = [
    "Attachment",
    "Call",
    "DeliveryAttempt",
    "Message",
    "Note",
    "Preference",
    "TeachBack",
    "Template",
    "UnmatchedMail",
]
