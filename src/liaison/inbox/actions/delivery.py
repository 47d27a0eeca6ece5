"""Delivering a message: claim it, mark the point of no return, write down how it ended.

`docs/decisions/0009-a-message-is-never-sent-twice.md` says what this promises and why it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import models

from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.refusals import Conflict
from liaison.inbox import access
from liaison.inbox.actions.failures import answer_came_late, bad_point
from liaison.inbox.actions.messages import TOO_LATE, about, announce_message, suppress
from liaison.inbox.actions.untold import call_about_failure, say_what_became_of_it
from liaison.inbox.events import MessageFailed, MessageQueued, MessageSent
from liaison.inbox.kinds import ANSWER, ANSWERED_MAIL
from liaison.inbox.models import DeliveryAttempt, Message
from liaison.inbox.models.messages import FailureKind, MessageState
from liaison.inbox.ports import (
    AttachmentContent,
    Envelope,
    PermanentFailure,
    Result,
    Sent,
    TemporaryFailure,
    Unknown,
)
from liaison.inbox.queries.letters import address_for
from liaison.inbox.queries.reach import zones_of
from liaison.inbox.rules.channels import Category, Channel, Why
from liaison.inbox.rules.rendering import as_html
from liaison.inbox.rules.timing import allowed_at, next_attempt_at, over_cap
from liaison.loops.actions import add_evidence
from liaison.loops.ports import About
from liaison.patients.actions import mark_contact_bad

UNANSWERED: Final = "The worker ended after handing the message over; the answer is not known."
NOT_HANDED_OVER: Final = "The worker ended before handing the message over."


class ClaimLost(Conflict):
    """Another attempt, or a person, has moved this message on: this worker must not touch it any more."""

    code = "inbox.claim_lost"
    sentence = "This delivery was given up and taken over meanwhile."


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One attempt of one message; the attempt's number is what keeps a late worker out."""

    message_id: int
    attempt: int
    channel: Channel
    envelope: Envelope


def claim_message(actor: Actor, *, message_id: int, now: datetime) -> Claim | None:
    """Take a due message for one attempt, or None: not due, taken by another worker, or not to be sent any more.

    Whether it may be sent, and where to, is decided anew here: people die, move and say stop while it waits.
    """
    seen = Message.objects.due(now=now).select_related("patient").filter(pk=message_id).first()
    if seen is None:
        return None
    with act(actor, access.DELIVER, patient=seen.patient, subject=seen, now=now) as entry:
        message = (
            Message.objects.due(now=now)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("patient")
            .filter(pk=message_id)
            .first()
        )
        if message is None or not _may_go_now(entry, message, now=now):
            return None
        message.claim(now=now)
        message.save()
        DeliveryAttempt.objects.create(message=message, number=message.attempts, started_at=now)
        entry.about(message)
        entry.note(step="claimed", attempt=message.attempts)
    return Claim(
        message_id=message.pk,
        attempt=message.attempts,
        channel=Channel(message.channel),
        envelope=_envelope(message),
    )


def mark_handed_over(actor: Actor, claim: Claim, *, now: datetime) -> None:
    """Commit that the other side may take the message from now on. Refuses ClaimLost: then it must not be sent."""
    with act(actor, access.DELIVER, now=now) as entry:
        mine = Message.objects.filter(
            pk=claim.message_id, state=MessageState.SENDING, attempts=claim.attempt, handed_over_at=None
        )
        if not mine.update(handed_over_at=now):
            raise ClaimLost
        _attempt(claim).update(handed_over_at=now)
        message = Message.objects.get(pk=claim.message_id)
        entry.about(message)
        entry.concerns(message.patient_id)
        entry.note(step="handed over", attempt=claim.attempt)


def settle(actor: Actor, claim: Claim, *, result: Result, now: datetime) -> Message:
    """Write down how an attempt ended, and what follows. Refuses ClaimLost when the message has moved on.

    An answer that comes after the message was counted as unknown still counts, unless a person has decided.
    """
    with act(actor, access.DELIVER, now=now) as entry:
        message = (
            Message.objects.select_for_update(of=("self",))
            .select_related("patient", "loop", "queued_by")
            .filter(pk=claim.message_id, attempts=claim.attempt)
            .filter(state__in=(MessageState.SENDING, MessageState.UNKNOWN))
            .first()
        )
        if message is None:
            raise ClaimLost
        entry.about(message)
        entry.concerns(message.patient_id)
        entry.note(step=type(result).__name__, attempt=claim.attempt)
        _attempt(claim).update(
            ended_at=now,
            result=type(result).__name__,
            reply=result.reply[:500],
            bad_address=isinstance(result, PermanentFailure) and result.bad_address,
        )
        _apply(entry, message, actor=actor, result=result, now=now)
    return message


def recover_abandoned(actor: Actor, *, now: datetime) -> Sequence[int]:
    """Messages whose worker died: back into the queue if not handed over, else unknown and a person asks.

    Returns the ids that went back into the queue.
    """
    again = []
    for seen in Message.objects.abandoned(now=now).select_related("patient"):
        with act(actor, access.DELIVER, patient=seen.patient, subject=seen, now=now) as entry:
            message = (
                Message.objects.abandoned(now=now)
                .select_for_update(skip_locked=True, of=("self",))
                .select_related("patient", "loop", "queued_by")
                .filter(pk=seen.pk)
                .first()
            )
            if message is None:
                continue
            entry.about(message)
            entry.note(step="recovered", attempt=message.attempts)
            handed_over = message.handed_over_at is not None
            result = Unknown(reply=UNANSWERED) if handed_over else TemporaryFailure(reply=NOT_HANDED_OVER)
            _apply(entry, message, actor=actor, result=result, now=now)
            if message.state == MessageState.QUEUED:
                again.append(message.pk)
    return again


def report_bounce(actor: Actor, *, message_id: int, reply: str, bad_address: bool, now: datetime) -> Message:
    """A notice says that a sent message came back (RFC 3464). Refuses ClaimLost unless it was sent or unknown."""
    seen = Message.objects.select_related("patient").get(pk=message_id)
    with act(actor, access.DELIVER, patient=seen.patient, subject=seen, now=now) as entry:
        message = (
            Message.objects.select_for_update(of=("self",))
            .select_related("patient", "loop", "queued_by")
            .filter(pk=message_id, state__in=(MessageState.SENT, MessageState.UNKNOWN))
            .first()
        )
        if message is None:
            raise ClaimLost
        entry.about(message)
        DeliveryAttempt.objects.filter(message=message, number=message.attempts).update(bad_address=bad_address)
        _apply(entry, message, actor=actor, result=PermanentFailure(reply=reply, bad_address=bad_address), now=now)
    return message


def _may_go_now(entry: Entry, message: Message, *, now: datetime) -> bool:
    if message.expires_at is not None and message.expires_at <= now:
        suppress(entry, message, reason=TOO_LATE, now=now)
        return False
    address = address_for(
        message.patient, channel=Channel(message.channel), category=Category(message.category), now=now
    )
    if isinstance(address, Why):
        suppress(entry, message, reason=address, now=now)
        return False
    message.address(to=address.value, point_id=address.point_id, proxy=address.proxy)
    if message.channel == Channel.TEXT:
        later = _text_may_go_at(message, now=now)
        if later > now:
            message.next_attempt_at = later
            message.save()
            return False
    return True


def _text_may_go_at(message: Message, *, now: datetime) -> datetime:
    """Now, or after quiet hours, or tomorrow when the caps of DOMAIN 8.1 are reached."""
    earlier = Message.objects.filter(
        patient_id=message.patient_id, channel=Channel.TEXT, sent_at__gt=now - timedelta(days=7)
    ).values_list("sent_at", flat=True)
    at = now + timedelta(days=1) if over_cap([one for one in earlier if one], now=now) else now
    return allowed_at(at, zones=zones_of(message.patient))


def _envelope(message: Message) -> Envelope:
    return Envelope(
        message_id=message.message_id,
        to=message.to_address,
        subject=message.subject,
        text=message.body,
        html=as_html(message.body, language=message.language),
        language=message.language,
        attachments=tuple(
            AttachmentContent(name=one.name, media_type=one.media_type, content=bytes(one.content))
            for one in message.attachments.order_by("pk")
        ),
    )


def _attempt(claim: Claim) -> models.QuerySet[DeliveryAttempt]:
    return DeliveryAttempt.objects.filter(message_id=claim.message_id, number=claim.attempt)


def _apply(entry: Entry, message: Message, *, actor: Actor, result: Result, now: datetime) -> None:
    was_unknown = message.state == MessageState.UNKNOWN
    if isinstance(result, Sent):
        message.succeed(now=now, reply=result.reply)
        message.save()
        _answered(actor, message, now=now)
        entry.publish(MessageSent(at=now, **about(message)))
    elif isinstance(result, TemporaryFailure):
        _try_later(entry, message, actor=actor, reply=result.reply, now=now)
    elif isinstance(result, PermanentFailure):
        _fail(entry, message, actor=actor, kind=FailureKind.PERMANENT, reply=result.reply, now=now)
    else:
        message.lose_track(reply=result.reply)
        message.save()
        entry.publish(MessageFailed(at=now, kind="unknown", **about(message)))
        call_about_failure(actor, message=message, kind="unknown", now=now)
    if was_unknown and message.state in (MessageState.SENT, MessageState.QUEUED):
        answer_came_late(actor, message=message, now=now)
        say_what_became_of_it(actor, message=message, now=now)
    announce_message(message)


def _answered(actor: Actor, message: Message, *, now: datetime) -> None:
    """What was written for the promise of an answer keeps it; should it come back, that opens a loop of its own."""
    loop = message.loop
    if loop is None or loop.state != "open":
        return
    owed = "answered" if loop.kind == ANSWER.code else ANSWERED_MAIL
    if owed in loop.missing_evidence:
        about_it = About(type="inbox.message", id=message.pk)
        add_evidence(actor, loop_id=loop.pk, kind=owed, note="Answered by e-mail.", about=about_it, now=now)


def _try_later(entry: Entry, message: Message, *, actor: Actor, reply: str, now: datetime) -> None:
    at = next_attempt_at(attempts=message.attempts, now=now, expires_at=message.expires_at)
    if at is None:
        _fail(entry, message, actor=actor, kind=FailureKind.TEMPORARY, reply=reply, now=now)
        return
    message.requeue(at=at, reply=reply)
    message.save()
    entry.publish(MessageQueued(at=now, send_at=at, **about(message)))


def _fail(entry: Entry, message: Message, *, actor: Actor, kind: FailureKind, reply: str, now: datetime) -> None:
    message.fail(kind=kind, now=now, reply=reply)
    message.save()
    entry.publish(MessageFailed(at=now, kind=kind, **about(message)))
    call_about_failure(actor, message=message, kind=kind, now=now)
    point = bad_point(message)
    if point is not None:
        mark_contact_bad(
            actor=actor.as_liaison(),
            patient=message.patient,
            contact_point_id=point.pk,
            reason="Two messages came back",
            now=now,
        )
