"""Screens of the inbox."""

from liaison.inbox.views.calls import call, call_shown, call_strike, next_try
from liaison.inbox.views.demo import demo_mail, demo_mailbox
from liaison.inbox.views.messages import again, arrived, cancel, compose, message, messages, not_arrived, preview
from liaison.inbox.views.notes import note, note_add, note_shown, note_strike
from liaison.inbox.views.reaching import reach
from liaison.inbox.views.templates import template, template_restore, templates
from liaison.inbox.views.unmatched import match, put_away, unmatched

__all__ = [
    "again",
    "arrived",
    "call",
    "call_shown",
    "call_strike",
    "cancel",
    "compose",
    "demo_mail",
    "demo_mailbox",
    "match",
    "message",
    "messages",
    "next_try",
    "not_arrived",
    "note",
    "note_add",
    "note_shown",
    "note_strike",
    "preview",
    "put_away",
    "reach",
    "template",
    "template_restore",
    "templates",
    "unmatched",
]
