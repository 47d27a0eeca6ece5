"""Answers of the inbox to facts."""

from liaison.core.actor import Actor
from liaison.core.facts import reacts_to
from liaison.core.jobs import defer
from liaison.inbox.events import MessageQueued
from liaison.inbox.jobs import send_message


@reacts_to(MessageQueued)
def send_it_in_time(fact: MessageQueued, *, actor: Actor) -> None:
    """Put the sending into the job queue, in the same transaction."""
    del actor
    defer(send_message, at=fact.send_at if fact.send_at > fact.at else None, message_id=fact.message_id)
