"""Sending what is due, at once and by a sweep that takes over from workers that died, and finding late owners."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from liaison.core.actor import Actor, system_actor
from liaison.core.clock import current_time
from liaison.core.jobs import Backoff, job
from liaison.inbox.actions import (
    ClaimLost,
    claim_message,
    mark_handed_over,
    open_what_waits,
    recover_abandoned,
    settle,
)
from liaison.inbox.models import Message
from liaison.inbox.ports import Result, Transport, Unknown, transport_for
from liaison.inbox.rules.channels import Channel

log = logging.getLogger(__name__)

POST: Final[Actor] = system_actor("post office")
AT_A_TIME: Final = 200


@job(retry=Backoff(attempts=3), lock="inbox.send_message")
def send_message(*, message_id: int) -> None:
    """Send one message if it is due; harmless when it is not, or when someone else has it."""
    deliver(message_id, clock=current_time)


@job(cron="* * * * *", retry=Backoff(attempts=1), lock="inbox.send_due")
def send_due() -> None:
    """Take over what dead workers left, then send what is due; the rest waits for the next minute once the other side
    has gone silent in the middle of a message."""
    recover_abandoned(POST, now=current_time())
    due = list(Message.objects.due(now=current_time()).values_list("pk", flat=True)[:AT_A_TIME])
    for message_id in due:
        if isinstance(deliver(message_id, clock=current_time), Unknown):
            return


@job(cron="40 * * * *", queueing_lock="inbox.find_owners")
def find_owners() -> None:
    """Open the loops that failed and withheld messages want, where nobody could own them before."""
    open_what_waits(POST, now=current_time())


@job()
def find_owners_soon() -> None:
    """The same at once: somebody new can own them."""
    open_what_waits(POST, now=current_time())


def deliver(
    message_id: int,
    *,
    clock: Callable[[], datetime],
    transport: Callable[[Channel], Transport | None] = transport_for,
) -> Result | None:
    """Claim, send, settle: three transactions, and the network between them. None when it was not ours to send."""
    channel = Message.objects.filter(pk=message_id).values_list("channel", flat=True).first()
    carrier = transport(Channel(channel)) if channel else None
    if carrier is None:
        # It stays in the queue: whoever sets the gateway up finds everything still waiting.
        log.error("inbox.no_transport", extra={"channel": channel})
        return None
    claim = claim_message(POST, message_id=message_id, now=clock())
    if claim is None:
        return None
    try:
        result = carrier.send(claim.envelope, point_of_no_return=lambda: mark_handed_over(POST, claim, now=clock()))
        settle(POST, claim, result=result, now=clock())
    except ClaimLost:
        log.warning("inbox.claim_lost", extra={"message_id": message_id, "attempt": claim.attempt})
        return None
    return result
