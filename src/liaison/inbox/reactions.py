"""Answers of the inbox to facts."""

from liaison.core.actor import Actor
from liaison.core.facts import reacts_to
from liaison.core.jobs import defer
from liaison.inbox.actions import call_who_was_not_told, follow_merge, follow_unmerge
from liaison.inbox.events import MessageQueued, MessageSuppressed
from liaison.inbox.jobs import send_message
from liaison.patients.events import PatientsMerged, PatientsUnmerged


@reacts_to(MessageQueued)
def send_it_in_time(fact: MessageQueued, /, *, actor: Actor) -> None:
    """Put the sending into the job queue, in the same transaction."""
    del actor
    defer(send_message, at=fact.send_at if fact.send_at > fact.at else None, message_id=fact.message_id)


@reacts_to(MessageSuppressed)
def tell_them_by_phone(fact: MessageSuppressed, /, *, actor: Actor) -> None:
    """Who does not know the time of a visit comes on the wrong day: somebody calls."""
    call_who_was_not_told(actor, message_id=fact.message_id, reason=fact.reason, now=fact.at)


@reacts_to(PatientsMerged)
def move_conversations(fact: PatientsMerged, /, *, actor: Actor) -> None:
    """The survivor's conversations are now both records'."""
    follow_merge(actor, fact=fact)


@reacts_to(PatientsUnmerged)
def move_conversations_back(fact: PatientsUnmerged, /, *, actor: Actor) -> None:
    """The merge was a mistake."""
    follow_unmerge(actor, fact=fact)
