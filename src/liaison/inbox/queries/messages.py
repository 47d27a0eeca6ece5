"""The list of messages and one message, for those who may see its patient."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Exists, OuterRef, Q, QuerySet

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.cursors import BadCursor, read_cursor, written_cursor
from liaison.core.refusals import Forbidden, NotFound
from liaison.inbox import access
from liaison.inbox.models import Message
from liaison.inbox.models.messages import Direction, MessageState
from liaison.loops.models import Loop
from liaison.patients.models import Patient

PAGE = 50
MOST_ON_TOP = 20


class Box(StrEnum):
    """What a list of messages is narrowed to."""

    ALL = "all"
    LOOK = "look"
    WAITING = "waiting"
    SENT = "sent"
    NOT_SENT = "not_sent"
    IN = "in"


_STATES = {
    Box.LOOK: Q(state__in=[MessageState.FAILED, MessageState.UNKNOWN]),
    Box.WAITING: Q(state__in=[MessageState.QUEUED, MessageState.SENDING]),
    Box.SENT: Q(state__in=[MessageState.SENT, MessageState.DELIVERED]),
    Box.NOT_SENT: Q(state=MessageState.SUPPRESSED),
    Box.IN: Q(direction=Direction.IN),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """One line of the list."""

    id: int
    patient_id: int
    patient: str
    subject: str
    channel: str
    direction: str
    state: str
    state_label: str
    tone: str
    why: str
    at: datetime
    goes_at: datetime | None
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """What somebody must look at first, then a page of the rest; `older` is the place to go on from, or ""."""

    first: Sequence[MessageRow]
    rows: Sequence[MessageRow]
    older: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptShown:
    """One attempt to deliver."""

    number: int
    at: datetime
    result: str
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageShown:
    """One message, whole."""

    row: MessageRow
    body: str
    to_address: str
    to_proxy: str
    language: str
    template: str
    zone: str
    queued_at: datetime
    sent_at: datetime | None
    next_attempt_at: datetime | None
    loop_id: int | None
    attempts: Sequence[AttemptShown]
    files: Sequence[tuple[str, str]]

    @property
    def may_cancel(self) -> bool:
        """Whether it still waits."""
        return self.row.state == MessageState.QUEUED

    @property
    def came(self) -> bool:
        """Whether the patient wrote it."""
        return self.row.direction == Direction.IN

    @property
    def may_settle(self) -> bool:
        """Whether a person may say how it ended."""
        return self.row.state == MessageState.UNKNOWN

    @property
    def may_write_again(self) -> bool:
        """Whether the same words may be sent anew."""
        return self.row.state in (MessageState.FAILED, MessageState.SUPPRESSED)


_WHY = {
    "deceased": "the patient died",
    "opted_out": "they asked us to stop",
    "not_asked": "they have not agreed to this",
    "bad_address": "the address does not work",
    "do_not_contact": "this address may not be used",
    "no_address": "there is no address",
    "cancelled": "cancelled",
    "too_late": "it would have come too late",
    "permanent": "refused for good",
    "temporary": "gave up after many tries",
    "lost": "never arrived",
    "unknown": "ask whether it arrived",
}
_RESULTS = {
    "": "the worker ended before it could say",
    "Sent": "taken by the mail server",
    "TemporaryFailure": "not taken, tried again later",
    "PermanentFailure": "refused",
    "Unknown": "handed over, no answer",
}
CHANNEL_WORDS = {"email": "e-mail", "text": "text", "letter": "letter", "phone": "phone"}
_TONES = {
    MessageState.FAILED: "late",
    MessageState.UNKNOWN: "late",
    MessageState.QUEUED: "today",
    MessageState.SENDING: "today",
    MessageState.SENT: "done",
    MessageState.DELIVERED: "done",
}


def message_page(
    actor: Actor,
    *,
    box: Box = Box.ALL,
    after: str = "",
    patient_id: int | None = None,
    limit: int = PAGE,
    now: datetime,
) -> MessagePage:
    """Messages of patients that the actor sees, the newest first; those with an open failure stand before all.

    `after` is the `older` of the page before (keyset paging). Refuses Forbidden.
    """
    if not actor.may(access.READ):
        raise Forbidden
    mine = Message.objects.filter(patient__in=Patient.objects.visible_to(actor, now=now)).select_related("patient")
    if patient_id is not None:
        mine = mine.filter(patient_id=patient_id)
    failed = Loop.objects.open().filter(about_type="inbox.message", about_id=OuterRef("pk"))
    look_first = mine.filter(_STATES[Box.LOOK]).filter(Exists(failed)).order_by("-queued_at", "-pk")
    first = [_row(one) for one in look_first[:MOST_ON_TOP]] if box is Box.ALL and not after else []
    found = list(_after(mine.filter(_STATES.get(box, Q())), after)[: limit + 1])
    on_top = {one.id for one in first}
    rows = [_row(one) for one in found[:limit] if one.pk not in on_top]
    seen({one.patient_id for one in (*first, *rows)})
    older = _place(found[limit - 1]) if len(found) > limit else ""
    return MessagePage(first=first, rows=rows, older=older)


def counts(actor: Actor, *, now: datetime) -> dict[str, int]:
    """How many messages need a look and how many wait, bounded at 1000."""
    mine = Message.objects.filter(patient__in=Patient.objects.visible_to(actor, now=now))
    failed = Loop.objects.open().filter(about_type="inbox.message", about_id=OuterRef("pk"))
    look = mine.filter(_STATES[Box.LOOK]).filter(Exists(failed))
    return {
        Box.LOOK: look.order_by()[:1000].count(),
        Box.WAITING: mine.filter(_STATES[Box.WAITING]).order_by()[:1000].count(),
    }


def get_message(actor: Actor, *, message_id: int, now: datetime) -> MessageShown:
    """One message with its attempts. Refuses Forbidden, NotFound."""
    if not actor.may(access.READ):
        raise Forbidden
    message = Message.objects.select_related("patient", "template").filter(pk=message_id).first()
    if message is None or not message.patient.reachable_by(actor, now=now):
        raise NotFound
    seen(message.patient_id)
    site = message.patient.home_site()
    return MessageShown(
        row=_row(message),
        body=message.body,
        to_address=message.to_address,
        to_proxy=message.to_proxy,
        language=message.language,
        template=str(message.template.code) if message.template else "",
        zone=site.time_zone if site else "",
        queued_at=message.queued_at,
        sent_at=message.sent_at,
        next_attempt_at=message.next_attempt_at,
        loop_id=_loop_of(message),
        attempts=tuple(
            AttemptShown(number=one.number, at=one.started_at, result=_RESULTS[one.result], reply=one.reply)
            for one in message.delivery_attempts.order_by("number")
        ),
        files=tuple((one.name, one.media_type.split(";")[0]) for one in message.attachments.order_by("pk")),
    )


def _loop_of(message: Message) -> int | None:
    """The loop it serves; of a message that came, first the one that promises an answer."""
    about = _loop_about(message)
    return about or message.loop_id if message.direction == Direction.IN else message.loop_id or about


def _loop_about(message: Message) -> int | None:
    loop = Loop.objects.filter(about_type="inbox.message", about_id=message.pk).order_by("-pk").first()
    return loop.pk if loop else None


def _row(message: Message) -> MessageRow:
    return MessageRow(
        id=message.pk,
        patient_id=message.patient_id,
        patient=message.patient.display_name,
        subject=message.subject,
        channel=CHANNEL_WORDS[message.channel],
        direction=message.direction,
        state=message.state,
        state_label=message.get_state_display(),
        tone=_TONES.get(MessageState(message.state), ""),
        why=_WHY.get(message.suppressed_reason or message.failure_kind or message.state, ""),
        at=message.sent_at or message.queued_at,
        goes_at=message.next_attempt_at,
        by=message.queued_by_name,
    )


def _place(message: Message) -> str:
    return written_cursor(message.queued_at, message.pk)


def _after(messages: QuerySet[Message], place: str) -> QuerySet[Message]:
    """The messages after a place; a place that cannot be read is the beginning."""
    with suppress(BadCursor):
        at, pk = read_cursor(place)
        messages = messages.filter(Q(queued_at__lt=at) | Q(queued_at=at, pk__lt=pk))
    return messages.order_by("-queued_at", "-pk")
