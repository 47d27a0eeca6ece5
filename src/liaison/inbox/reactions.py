"""Answers of the inbox to facts."""

from liaison.accounts.events import RoleChanged, TeamAdded
from liaison.core.actor import Actor
from liaison.core.facts import reacts_to
from liaison.core.jobs import defer
from liaison.inbox.actions import call_who_cannot_read_it, call_who_was_not_told, follow_merge, follow_unmerge
from liaison.inbox.events import MessageQueued, MessageSuppressed
from liaison.inbox.jobs import find_owners_soon, send_message
from liaison.inbox.models import Message
from liaison.patients.events import PatientsMerged, PatientsUnmerged


@reacts_to(MessageQueued)
def send_it_in_time(fact: MessageQueued, /, *, actor: Actor) -> None:
    """Put the sending into the job queue, in the same transaction."""
    del actor
    defer(send_message, at=fact.send_at if fact.send_at > fact.at else None, message_id=fact.message_id)


@reacts_to(MessageQueued)
def tell_them_with_an_interpreter(fact: MessageQueued, /, *, actor: Actor) -> None:
    """Who can't read when their visit is comes on the wrong day as well: somebody calls."""
    call_who_cannot_read_it(actor, message_id=fact.message_id, now=fact.at)


@reacts_to(MessageSuppressed)
def tell_them_by_phone(fact: MessageSuppressed, /, *, actor: Actor) -> None:
    """Who does not know the time of a visit comes on the wrong day: somebody calls."""
    call_who_was_not_told(actor, message_id=fact.message_id, reason=fact.reason, now=fact.at)


@reacts_to(TeamAdded)
def find_owners_in_a_new_team(fact: TeamAdded, /, *, actor: Actor) -> None:
    """A new team can own what nobody could own when a message failed: the worker opens it."""
    del fact, actor
    _find_owners()


@reacts_to(RoleChanged)
def find_owners_in_a_new_role(fact: RoleChanged, /, *, actor: Actor) -> None:
    """A new coordinator or supervisor can own what nobody could own when a message failed: the worker opens it."""
    del fact, actor
    _find_owners()


def _find_owners() -> None:
    if Message.objects.exists():  # before the first message there is nothing to look at
        defer(find_owners_soon)


@reacts_to(PatientsMerged)
def move_conversations(fact: PatientsMerged, /, *, actor: Actor) -> None:
    """The survivor's conversations are now both records'."""
    follow_merge(actor, fact=fact)


@reacts_to(PatientsUnmerged)
def move_conversations_back(fact: PatientsUnmerged, /, *, actor: Actor) -> None:
    """The merge was a mistake."""
    follow_unmerge(actor, fact=fact)
