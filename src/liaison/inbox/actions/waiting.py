"""Loops that nobody could own when a message failed, was withheld or could not be read: opened once somebody can."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from liaison.accounts.models import Site
from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.inbox import access
from liaison.inbox.actions.failures import owner_of
from liaison.inbox.actions.untold import call_about_failure, call_who_was_not_told, needs_call
from liaison.inbox.models import Message
from liaison.inbox.models.messages import MessageState
from liaison.inbox.queries.untold import failed_without_loop, reason_to_call, withheld_without_loop

_FAILED: Final = frozenset({MessageState.FAILED, MessageState.UNKNOWN})

log = logging.getLogger(__name__)


def open_what_waits(actor: Actor, *, now: datetime) -> int:
    """Open the loops that failed and withheld messages still want; how many of the messages go on waiting.

    Run it as often as you like: a message whose patient was told meanwhile, or whose visit is over, waits no more.
    """
    waiting = 0
    for message in (*failed_without_loop(), *withheld_without_loop(now=now)):
        site = message.patient.home_site()
        if site is None:
            waiting += 1
        elif _wants_loop(message, site=site, now=now):
            waiting += not _open(actor, message, site=site, now=now)
    if waiting:
        log.warning("inbox.waits_for_an_owner", extra={"messages": waiting})
    return waiting


def waiting_messages(*, site_ids: Collection[int], now: datetime) -> Mapping[int, int]:
    """How many messages of patients at home at each of these sites want a loop that nobody opened yet."""
    found: Counter[int] = Counter()
    for message in (*failed_without_loop(), *withheld_without_loop(now=now)):
        site = message.patient.home_site()
        if site is not None and site.pk in site_ids and _wants_loop(message, site=site, now=now):
            found[site.pk] += 1
    return found


def _wants_loop(message: Message, *, site: Site, now: datetime) -> bool:
    if message.state in _FAILED:
        return True
    return needs_call(message, site=site, reason=reason_to_call(message), now=now)


def _open(actor: Actor, message: Message, *, site: Site, now: datetime) -> bool:
    """Whether somebody owns it now."""
    if owner_of(message, site=site, now=now) is None:
        return False
    with act(actor, access.DELIVER, patient=message.patient, subject=message, now=now) as entry:
        entry.note(step="found an owner")
        if message.state not in _FAILED:
            reason = reason_to_call(message)
            return call_who_was_not_told(actor, message_id=message.pk, reason=reason, now=now) is not None
        kind = "unknown" if message.state == MessageState.UNKNOWN else message.failure_kind
        return call_about_failure(actor, message=message, kind=kind, now=now) is not None
