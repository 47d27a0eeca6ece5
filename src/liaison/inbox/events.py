"""What happened in the conversations with a patient, for the packages above."""

from dataclasses import dataclass
from datetime import datetime

from liaison.core.facts import Fact
from liaison.inbox.rules.contact import Attempt as CallAttempt
from liaison.inbox.rules.contact import (
    Contact,
    ContactSoFar,
    Outcome,
    With,
    contact_so_far,
    counts_as_attempt,
    makes_contact,
)
from liaison.inbox.rules.invitation_answers import CalendarAnswer, Said

__all__ = [
    "CalendarAnswer",
    "CallAttempt",
    "CallLogged",
    "CallStruck",
    "Contact",
    "ContactSoFar",
    "InvitationAnswered",
    "MessageFailed",
    "MessageQueued",
    "MessageReceived",
    "MessageSent",
    "MessageSuppressed",
    "Outcome",
    "PreferenceNoted",
    "Said",
    "With",
    "contact_so_far",
    "counts_as_attempt",
    "makes_contact",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLogged(Fact):
    """A call was logged. `outcome` is reached, left_message, no_answer, wrong_number or busy.

    `clinical` says that clinical status and needs were addressed, `with_whom` patient, proxy or other; `at` is when
    the call was made, `logged_at` when it was written down.
    """

    call_id: int
    patient_id: int
    loop_id: int | None
    outcome: str
    with_whom: str
    clinical: bool
    logged_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStruck(Fact):
    """A logged call was struck out: it was entered by mistake and counts for nothing.

    `why` is wrong_patient, wrong_person, twice or other. What it proved on loops is taken back already.
    """

    call_id: int
    patient_id: int
    loop_id: int | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _AboutMessage(Fact):
    message_id: int
    patient_id: int
    loop_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageQueued(_AboutMessage):
    """A message waits to be sent, not before `send_at`."""

    send_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSent(_AboutMessage):
    """The receiving server took responsibility for a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived(_AboutMessage):
    """A patient wrote to us; `loop_id` is that of the message they answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationAnswered(_AboutMessage):
    """Whom we invited answered from their calendar. The mail is the message; each answer is about the same event.

    `wants_answer`: they can't come and wrote more, and nobody was asked to answer yet: who hears of it sees to that.
    """

    answers: tuple[CalendarAnswer, ...]
    wants_answer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFailed(_AboutMessage):
    """A message will not arrive, or nobody can know; `kind` is permanent, temporary (gave up) or unknown."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSuppressed(_AboutMessage):
    """A message may not be sent; `reason` is one of `rules.channels.Why`, or cancelled, or too_late."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceNoted(Fact):
    """A patient allowed or stopped a channel for a category."""

    patient_id: int
    channel: str
    category: str
    standing: str
