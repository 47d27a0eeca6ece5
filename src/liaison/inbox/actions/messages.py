"""Writing to a patient: into the queue, out of it again, and what a person says about where it ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from email.utils import parseaddr
from typing import Any, Final, TypedDict
from uuid import uuid4

from django.conf import settings
from django.db.models import Q

from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.asking import FORM_KEY
from liaison.core.keys import hold_key
from liaison.core.live import announce, announce_at_sites
from liaison.core.refusals import Conflict, NotFound, Refusal
from liaison.inbox import access
from liaison.inbox.actions.failures import arrived_after_all
from liaison.inbox.actions.keys import KeyReused
from liaison.inbox.actions.untold import say_what_became_of_it
from liaison.inbox.events import MessageFailed, MessageQueued, MessageSent, MessageSuppressed
from liaison.inbox.models import Attachment, Message, Template
from liaison.inbox.models.messages import FailureKind, MessageState
from liaison.inbox.ports import MessageToSend, is_connected
from liaison.inbox.queries.letters import address_for, letter_for
from liaison.inbox.queries.reach import zones_of
from liaison.inbox.rules.channels import Address, Category, Channel, Why
from liaison.inbox.rules.rendering import Missing
from liaison.inbox.rules.timing import allowed_at
from liaison.inbox.wording import Wording
from liaison.loops.models import Loop
from liaison.patients.models import Patient
from liaison.patients.queries import sites_of

CANCELLED: Final = "cancelled"
TOO_LATE: Final = "too_late"


class NoSuchTemplate(Refusal):
    """There is no text under this code."""

    code = "inbox.no_such_template"
    sentence = "There is no such template. Choose one of the list."


class FieldsMissing(Refusal):
    """A field that the text needs is blank."""

    code = "inbox.fields_missing"

    def __init__(self, names: Sequence[str]) -> None:
        words = ", ".join(name.replace("_", " ") for name in names)
        super().__init__(
            f"The message lacks: {words}. Fill it in, then send it.",
            fields={name: f"This message needs: {name.replace('_', ' ')}." for name in names},
        )


class ChannelNotConnected(Refusal):
    """Nothing carries messages of this channel."""

    code = "inbox.channel_not_connected"
    sentence = "No gateway is connected for this channel. Use e-mail or call."


class WrittenAnew(Conflict):
    """The form was sent before, with other words."""

    code = "inbox.written_anew"
    sentence = (
        "This form was sent already, with other words, and that message is on its way. Look at it among the patient's "
        "messages: stop it there, or open a new form and write what has changed."
    )
    field = "text"


class NotWaiting(Conflict):
    """It is no longer in the state that this is for."""

    code = "inbox.not_waiting"
    sentence = "This message has moved on meanwhile. Look at where it stands now."


def queue_message(
    actor: Actor,
    *,
    patient: Patient,
    message: MessageToSend,
    idempotency_key: str,
    now: datetime,
    loop: Loop | None = None,
) -> Message:
    """Put a message into the queue; the same key again returns the same message and changes nothing.

    Of a person's form the words must be the same too: what was typed over them since is no repetition.

    A message that may not be sent is kept as suppressed, with the reason. Refuses Forbidden, NotFound, NoSuchTemplate,
    FieldsMissing, ChannelNotConnected, KeyReused, WrittenAnew.
    """
    channel = Channel(message.channel)
    with act(actor, access.SEND, patient=patient, now=now) as entry:
        hold_key(idempotency_key)
        known = Message.objects.filter(idempotency_key=idempotency_key).first()
        if known is not None and not idempotency_key.startswith(FORM_KEY):
            return _known(entry, known, patient=patient)
        if known is None and not is_connected(channel):
            raise ChannelNotConnected
        letter = letter_for(
            patient,
            template=message.template,
            context=message.context,
            channel=channel,
            language=message.language,
            now=now,
        )
        if letter is None:
            raise NoSuchTemplate
        if isinstance(letter.text, Missing):
            raise FieldsMissing(letter.text.fields)
        if known is not None:
            if (known.channel, known.subject, known.body) != (channel, letter.text.subject[:300], letter.text.body):
                raise WrittenAnew
            return _known(entry, known, patient=patient)
        queued = Message(
            patient=patient,
            loop=loop,
            channel=channel,
            category=letter.category,
            template=_used(letter.wording, channel=channel, now=now),
            language=letter.wording.language,
            subject=letter.text.subject[:300],
            body=letter.text.body,
            expires_at=message.expires_at,
            matter=message.matter[:300],
            send_at=max(message.send_at or now, now),
            **_stamps(actor, key=idempotency_key, now=now),
        )
        _start(queued, address=letter.address, now=now)
        Attachment.objects.bulk_create(
            Attachment(message=queued, name=one.name, media_type=one.media_type, content=one.content)
            for one in message.attachments
        )
        _tell_queued(entry, queued, now=now)
    return queued


def send_again(actor: Actor, *, message_id: int, idempotency_key: str, now: datetime) -> Message:
    """Write the same words again, to wherever the patient is reached now; a new message with a key of its own.

    Refuses NotWaiting unless the first one failed or was not sent, and the refusals of `queue_message`.
    """
    old = _message_of(actor, message_id=message_id, now=now)
    with act(actor, access.SEND, patient=old.patient, now=now) as entry:
        hold_key(idempotency_key)
        known = Message.objects.filter(idempotency_key=idempotency_key).first()
        if known is not None:
            return _known(entry, known, patient=old.patient)
        if old.state not in (MessageState.FAILED, MessageState.SUPPRESSED):
            raise NotWaiting
        message = Message(
            **{name: getattr(old, name) for name in _COPIED},
            **_stamps(actor, key=idempotency_key, now=now),
            send_at=now,
        )
        address = address_for(old.patient, channel=Channel(old.channel), category=Category(old.category), now=now)
        _start(message, address=address, now=now)
        for one in old.attachments.all():
            Attachment.objects.create(message=message, name=one.name, media_type=one.media_type, content=one.content)
        entry.note(again=old.pk)
        _tell_queued(entry, message, now=now)
    return message


def cancel_queued(actor: Actor, *, now: datetime, prefix: str = "", ids: Iterable[int] = (), reason: str = "") -> int:
    """Keep waiting messages from being sent: those whose key starts with `prefix`, and those of `ids`.

    Returns how many; what is being sent already is not stopped. An empty prefix names none, and no prefix names what
    a person wrote in a form.
    """
    ours = Q(idempotency_key__startswith=prefix) & ~Q(idempotency_key__startswith=FORM_KEY)
    named = Q(pk__in=list(ids)) | (ours if prefix else Q(pk__in=()))
    waiting = Message.objects.filter(named, state=MessageState.QUEUED).select_related("patient").order_by("pk")
    stopped = 0
    for seen in waiting:
        with act(actor, access.CANCEL, patient=seen.patient, subject=seen, reason=reason, now=now) as entry:
            message = Message.objects.select_for_update().filter(pk=seen.pk, state=MessageState.QUEUED).first()
            if message is not None:
                entry.about(message)
                suppress(entry, message, reason=CANCELLED, now=now)
                stopped += 1
    return stopped


def confirm_arrived(actor: Actor, *, message_id: int, now: datetime) -> Message:
    """A person found out that a sent or unknown message arrived. Refuses NotWaiting, NotFound, Forbidden."""
    seen = _message_of(actor, message_id=message_id, now=now)
    with act(actor, access.SETTLE, patient=seen.patient, subject=seen, now=now) as entry:
        message = _locked(seen.pk, states=(MessageState.UNKNOWN, MessageState.SENT), entry=entry)
        message.deliver(now=now)
        message.save()
        arrived_after_all(actor, message=message, now=now)
        say_what_became_of_it(actor, message=message, now=now)
        entry.publish(MessageSent(at=now, **about(message)))
        announce_message(message)
    return message


def confirm_not_arrived(actor: Actor, *, message_id: int, now: datetime) -> Message:
    """A person found out that a sent or unknown message never arrived. Refuses NotWaiting, NotFound, Forbidden."""
    seen = _message_of(actor, message_id=message_id, now=now)
    with act(actor, access.SETTLE, patient=seen.patient, subject=seen, now=now) as entry:
        message = _locked(seen.pk, states=(MessageState.UNKNOWN, MessageState.SENT), entry=entry)
        message.fail(kind=FailureKind.LOST, now=now, reply=message.last_reply)
        message.save()
        say_what_became_of_it(actor, message=message, now=now)
        entry.publish(MessageFailed(at=now, kind=FailureKind.LOST, **about(message)))
        announce_message(message)
    return message


def suppress(entry: Entry, message: Message, *, reason: str, now: datetime) -> None:
    """Inside an act: the message will not be sent, for this reason."""
    message.suppress(reason=reason, now=now)
    message.save()
    entry.publish(MessageSuppressed(at=now, reason=reason, **about(message)))
    announce_message(message)


class About(TypedDict):
    """What every fact about a message carries."""

    message_id: int
    patient_id: int
    loop_id: int | None


def about(message: Message) -> About:
    """What every fact about this message carries."""
    return {"message_id": message.pk, "patient_id": message.patient_id, "loop_id": message.loop_id}


_COPIED: Final = (
    "patient", "loop", "channel", "category", "template", "language", "subject", "body", "expires_at",
    "matter",
)  # fmt: skip


def _known(entry: Entry, message: Message, *, patient: Patient) -> Message:
    if message.patient_id != patient.pk:
        raise KeyReused
    entry.about(message)
    entry.note(repeated=True)
    return message


def _stamps(actor: Actor, *, key: str, now: datetime) -> dict[str, Any]:
    domain = parseaddr(settings.LIAISON_MAIL_FROM)[1].rpartition("@")[2] or "localhost"
    return {
        "idempotency_key": key,
        "message_id": f"<{uuid4()}@{domain}>",
        "queued_at": now,
        "queued_by_id": actor.user_id,
        "queued_by_name": actor.name,
    }


def _start(message: Message, *, address: Address | Why, now: datetime) -> None:
    """Queue it, or suppress it from the start; saves the row."""
    if isinstance(address, Why):
        message.suppress(reason=address, now=now)
    else:
        message.address(to=address.value, point_id=address.point_id, proxy=address.proxy)
        message.next_attempt_at = message.send_at
        if message.channel == Channel.TEXT:
            message.next_attempt_at = allowed_at(message.send_at, zones=zones_of(message.patient))
    message.save()


def _used(wording: Wording, *, channel: str, now: datetime) -> Template:
    template, _ = Template.objects.get_or_create(
        code=wording.code,
        version=wording.version,
        channel=channel,
        language=wording.language,
        defaults={
            "category": wording.category,
            "subject": wording.subject,
            "body": wording.body,
            "required_fields": sorted(wording.required),
            "approved_at": now,
        },
    )
    return template


def _tell_queued(entry: Entry, message: Message, *, now: datetime) -> None:
    entry.about(message)
    entry.note(channel=message.channel, category=message.category, state=message.state)
    if message.state == MessageState.SUPPRESSED:
        entry.publish(MessageSuppressed(at=now, reason=message.suppressed_reason, **about(message)))
    else:
        entry.publish(MessageQueued(at=now, send_at=message.next_attempt_at or now, **about(message)))
    announce_message(message)


def _message_of(actor: Actor, *, message_id: int, now: datetime) -> Message:
    message = Message.objects.select_related("patient").filter(pk=message_id).first()
    if message is None or not message.patient.reachable_by(actor, now=now):
        raise NotFound
    return message


def _locked(message_id: int, *, states: Sequence[str], entry: Entry) -> Message:
    message = Message.objects.select_for_update().filter(pk=message_id, state__in=states).first()
    if message is None:
        raise NotWaiting
    entry.about(message)
    return message


def announce_message(message: Message) -> None:
    """Tell open pages of this patient, and the list of messages."""
    announce(topic=f"patient:{message.patient_id}", what="message")
    announce_at_sites(topic="messages", site_ids=sites_of(message.patient_id), what="message")
