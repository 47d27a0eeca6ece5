"""When a message did not arrive: somebody reaches the patient another way."""

from __future__ import annotations

import logging
from datetime import datetime, time, timedelta
from typing import Final

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.core.calendars import add_business_days
from liaison.inbox.kinds import FAILED_MESSAGE
from liaison.inbox.models import DeliveryAttempt, Message
from liaison.inbox.queries.unread import unread_of
from liaison.loops.actions import add_evidence, give_up_loop, open_loop
from liaison.loops.models import Loop, Priority
from liaison.loops.ports import About, ClockToStart, Owner, Promise
from liaison.loops.queries import owner_for
from liaison.loops.queries.calendars import business_calendar
from liaison.patients.models import ContactPoint

log = logging.getLogger(__name__)

DUE_HOUR: Final = time(17)
SOON: Final = timedelta(days=2)
BAD_AFTER: Final = 2
"""Two permanent failures mark a contact point bad (DOMAIN 8.3)."""

_WORDS: Final = {
    "permanent": ("Reach {who} another way: {what} bounced", "Call {who}: our {what} came back"),
    "temporary": (
        "Reach {who} another way: {what} could not be delivered",
        "Call {who}: our {what} did not get through",
    ),
    "unknown": ("Ask {who} whether our {what} arrived", "Ask {who} whether our {what} arrived"),
}
_TO_CALL: Final = frozenset({"permanent", "temporary"})
_CHANNELS: Final = {"email": "e-mail", "text": "text", "letter": "letter", "phone": "call"}


def open_failed_loop(actor: Actor, *, message: Message, kind: str, now: datetime) -> Loop | None:
    """Open the loop that reaches the patient another way, once a message.

    None when nobody could own it or the patient belongs to no site: `open_what_waits` opens it later.
    """
    patient = message.patient
    site = patient.home_site()
    owner = owner_of(message, site=site, now=now)
    if owner is None or site is None:
        log.warning("inbox.failed_message_without_owner", extra={"message_id": message.pk})
        return None
    title, step = _WORDS[kind]
    words = {"who": patient.goes_by, "what": _CHANNELS[message.channel]}
    missed = unread_of(message)
    unread = f". It is in {missed.sent}; {missed.known}: tell them with an interpreter" if missed else ""
    pressing = message.expires_at is not None and message.expires_at - now < SOON
    return open_loop(
        actor,
        patient=patient,
        promise=Promise(
            kind=FAILED_MESSAGE.code,
            title=title.format(**words),
            clocks=(
                ClockToStart(
                    rule_id="failed-message",
                    rule_version="1",
                    source="A message that failed is told another way by the next business day",
                    step=step.format(**words) + unread,
                    anchor_event=f"message:{message.pk}",
                    anchor_at=now,
                    due_at=next_business_day(site, now=now),
                    calendar=business_calendar(site_id=site.pk).name,
                    evidence="reached_another_way",
                    is_call=kind in _TO_CALL,
                ),
            ),
            priority=Priority.URGENT if pressing else Priority.ROUTINE,
            about=About(type="inbox.message", id=message.pk),
            once_key=once_key(message),
        ),
        owner=owner,
        now=now,
    )


def once_key(message: Message) -> str:
    """The key under which a message's loop is opened once."""
    return f"failed-message:{message.pk}"


def answer_came_late(actor: Actor, *, message: Message, now: datetime) -> None:
    """The server's answer came after all: nobody needs to ask the patient any more."""
    loop = Loop.objects.open().filter(once_key=once_key(message)).first()
    if loop is not None:
        give_up_loop(actor, loop_id=loop.pk, reason="The answer came late: the message was taken.", now=now)


def arrived_after_all(actor: Actor, *, message: Message, now: datetime) -> None:
    """A person found out that it arrived: that is the evidence, which closes the loop that asked."""
    loop = Loop.objects.open().filter(once_key=once_key(message)).first()
    if loop is None:
        return
    note = "The message arrived after all."
    about = About(type="inbox.message", id=message.pk)
    add_evidence(actor, loop_id=loop.pk, kind="reached_another_way", note=note, about=about, now=now)


def failed_for_good(message: Message) -> int:
    """How many messages to this contact point were refused for good because of the address."""
    refused = DeliveryAttempt.objects.filter(
        message__contact_point_id=message.contact_point_id, message__to_address=message.to_address, bad_address=True
    )
    return refused.values("message_id").distinct().count()


def bad_point(message: Message) -> ContactPoint | None:
    """The contact point that now counts as bad, or None."""
    if message.contact_point_id is None or failed_for_good(message) < BAD_AFTER:
        return None
    return ContactPoint.objects.filter(pk=message.contact_point_id, bad_since=None).first()


def owner_of(message: Message, *, site: Site | None, now: datetime) -> Owner | None:
    """The owner of the loop that the message serves, else its writer, else whoever follows the patient up."""
    if message.loop is not None and message.loop.state == "open":
        return message.loop.owner
    writer = message.queued_by
    if writer is not None and writer.is_active:
        return Owner(user_id=writer.pk)
    return owner_for(message.patient, site=site, now=now) if site else None


def next_business_day(site: Site, *, now: datetime) -> datetime:
    """17:00 at the site on its next business day."""
    today = now.astimezone(site.zone).date()
    on = add_business_days(today, days=1, calendar=business_calendar(site_id=site.pk))
    return datetime.combine(on, DUE_HOUR, tzinfo=site.zone)
