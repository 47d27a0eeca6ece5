"""What a transport is: the outside thing that carries a message, and the four ways that can end."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from liaison.inbox.rules.channels import Address, Category, Channel, Standing, Why
from liaison.inbox.rules.contact import Outcome, Understood, With
from liaison.inbox.rules.incoming import Incoming
from liaison.inbox.rules.invitation_answers import CalendarAnswer, Said
from liaison.inbox.rules.rendering import Value
from liaison.inbox.rules.timing import QUIET_FROM, allowed_at
from liaison.inbox.rules.unread import Unread
from liaison.loops.ports import Proof
from liaison.records.ports import Sound

__all__ = [
    "QUIET_FROM",
    "Address",
    "AttachmentContent",
    "CalendarAnswer",
    "CalendarReader",
    "CallDetails",
    "Category",
    "Channel",
    "Delivered",
    "Envelope",
    "HowItWent",
    "InvitationFinder",
    "MessageToSend",
    "Outcome",
    "PermanentFailure",
    "ProofFinder",
    "Result",
    "Said",
    "Sent",
    "Standing",
    "TeachBackItem",
    "TemporaryFailure",
    "Transport",
    "Understood",
    "Unknown",
    "Unread",
    "Why",
    "With",
    "allowed_at",
    "answers_in",
    "connect",
    "disconnect",
    "invitation_to",
    "is_connected",
    "is_told_anyway",
    "proofs_without",
    "register_calendar_reader",
    "register_invitation_finder",
    "register_proofs",
    "register_told_anyway",
    "transport_for",
    "unconnected",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentContent:
    """A file that goes with a message.

    `media_type` may carry parameters: an invitation is `text/calendar; method=REQUEST; charset=utf-8`.
    """

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageToSend:
    """What is to be written to a patient, how, and when.

    `template` is the code of a text, `language` the reader's unless given. `context` fills its fields; called_as,
    org, site, address and phone come from the patient and their home site unless given; dates and times may be given
    as such (local ones). `send_at` is when it goes at the earliest, `expires_at` when it would be of no use any more;
    both are aware. `matter` names what it is news of, such as a visit whatever its time: later news of the same takes
    its place; "" is news of its own.
    """

    template: str
    context: Mapping[str, Value]
    channel: str = Channel.EMAIL
    language: str = ""
    attachments: Sequence[AttachmentContent] = ()
    send_at: datetime | None = None
    expires_at: datetime | None = None
    matter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeachBackItem:
    """One thing explained, in the patient's own words, and whether they understood (DOMAIN 8.2)."""

    topic: str
    patient_words: str
    understood: Understood
    retaught: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDetails:
    """When, how long (whole minutes) and with whom exactly. `direction` is "out" when we called, "in" when they did.

    `with_name` says who it was when it was not the patient; `proxy_id` is the patient's proxy, if it was one.
    `point_id` is the patient's contact point that was dialled, `number` what was dialled, `script_done` the codes of
    the script's steps that were gone through. `settled` says whether the talk settled what is promised; None where
    nothing was asked.
    """

    started_at: datetime | None = None
    minutes: int = 0
    direction: str = "out"
    with_name: str = ""
    proxy_id: int | None = None
    number: str = ""
    point_id: int | None = None
    script_done: Sequence[str] = ()
    settled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HowItWent:
    """What came of a call: an outcome (`Outcome`), with whom it was (`With`), and what was said, which is its proof.

    `clinical` says that clinical status and needs were addressed (DOMAIN 2.1); it counts only when someone was reached.
    """

    outcome: str
    said: str = ""
    clinical: bool = False
    with_whom: str = With.PATIENT
    teach_backs: Sequence[TeachBackItem] = ()
    details: CallDetails = field(default_factory=CallDetails)

    @property
    def is_reached(self) -> bool:
        """Whether somebody was spoken with."""
        return self.outcome == Outcome.REACHED


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One message ready to go. `message_id` is the same for every attempt, so a receiver can recognise it."""

    message_id: str
    to: str
    subject: str
    text: str
    html: str
    language: str
    attachments: Sequence[AttachmentContent] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The other side took responsibility; `reply` is what it answered."""

    reply: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryFailure:
    """It was certainly not taken; trying again later may help."""

    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PermanentFailure:
    """It was certainly not taken and never will be; `bad_address` when the address itself was refused."""

    reply: str
    bad_address: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """It was handed over and no answer came: it may have been taken or not. Never send it again by machine."""

    reply: str


Result = Sent | TemporaryFailure | PermanentFailure | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """One mail with its bytes, and its files checked: those that may be kept, and for the others why not.

    `answers` are what its calendar answers to an invitation, whoever wrote it.
    """

    mail: Incoming
    raw: bytes
    sound: Sequence[Sound] = ()
    refused: Sequence[str] = ()
    too_large: bool = False
    answers: Sequence[CalendarAnswer] = ()

    @property
    def digest(self) -> str:
        """What tells the same mail again."""
        return hashlib.sha256(self.raw).hexdigest()


class Transport(Protocol):
    """Carries messages of one channel."""

    def send(self, envelope: Envelope, *, point_of_no_return: Callable[[], None]) -> Result:
        """Send once.

        `point_of_no_return` must be called just before the step after which the other side may have taken the
        message, and everything before it must be free of effect. When it raises, the transport gives up without
        taking that step and lets the exception pass. Expected faults come back as a result, never as an exception.
        """


_transports: dict[Channel, Callable[[], Transport | None]] = {}


def connect(channel: Channel, factory: Callable[[], Transport | None]) -> None:
    """Name what carries a channel; `factory` is asked anew for each message and gives None while it is not set up."""
    _transports[channel] = factory


def disconnect(channel: Channel) -> None:
    """Forget what carries a channel."""
    _transports.pop(channel, None)


@contextmanager
def unconnected(channel: Channel) -> Iterator[None]:
    """Nothing carries a channel meanwhile: for writing down what happened long ago, of which nobody is told now."""
    factory = _transports.pop(channel, None)
    try:
        yield
    finally:
        if factory is not None:
            _transports[channel] = factory


def is_connected(channel: Channel) -> bool:
    """Whether messages of this channel can be sent at all."""
    return channel in _transports


def transport_for(channel: Channel) -> Transport | None:
    """What carries a channel, or None when nothing does."""
    factory = _transports.get(channel)
    return factory() if factory else None


ProofFinder = Callable[..., Sequence[Proof]]
"""What the calls that are left prove on loops that ended by a struck one: ``finder(call_id=…, now=…)``."""

_proof_finders: dict[str, ProofFinder] = {}


def register_proofs(code: str, finder: ProofFinder) -> None:
    """Say what else proves what a struck call did, by a code such as "pathways.contact" (in `AppConfig.ready`)."""
    _proof_finders[code] = finder


def proofs_without(*, call_id: int, now: datetime) -> tuple[Proof, ...]:
    """What every package knows to prove a promise that a call, struck out by now, had proved."""
    return tuple(proof for _, find in sorted(_proof_finders.items()) for proof in find(call_id=call_id, now=now))


CalendarReader = Callable[[bytes], Sequence[CalendarAnswer]]
"""Reads the answers (METHOD:REPLY) of one calendar; () for anything else. Never raises, whatever the bytes are."""

InvitationFinder = Callable[..., int | None]
"""The id of our latest message that invited this address to this event: ``finder(uid=…, address=…)``, or None."""

_readers: list[CalendarReader] = []
_invitations: list[InvitationFinder] = []


def register_calendar_reader(reader: CalendarReader) -> None:
    """Say what reads answers to invitations (in `AppConfig.ready`)."""
    if reader not in _readers:
        _readers.append(reader)


def register_invitation_finder(finder: InvitationFinder) -> None:
    """Let a package that sends invitations find the message that carried one (in `AppConfig.ready`)."""
    if finder not in _invitations:
        _invitations.append(finder)


def answers_in(calendar: bytes) -> tuple[CalendarAnswer, ...]:
    """What a calendar answers; () when nothing reads it."""
    return tuple(answer for read in _readers for answer in read(calendar))


def invitation_to(address: str, *, uid: str) -> int | None:
    """The id of our latest message that invited this address (in lower case) to this event; None when none did."""
    found = (find(uid=uid, address=address) for find in _invitations)
    return next((message_id for message_id in found if message_id is not None), None)


ToldAnyway = Callable[[str], bool]
"""Whether somebody is to tell the patient by phone anyway what a message, by its idempotency key, says."""

_told_anyway: list[ToldAnyway] = []


def register_told_anyway(asked: ToldAnyway) -> None:
    """Let a package that promises to call about what it writes say so: nobody calls twice (in `AppConfig.ready`)."""
    if asked not in _told_anyway:
        _told_anyway.append(asked)


def is_told_anyway(message_key: str) -> bool:
    """Whether a promise of another package is to tell the patient by phone what this message says."""
    return any(asked(message_key) for asked in _told_anyway)
