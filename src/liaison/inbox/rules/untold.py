"""Who would come on the wrong day: confirmations that could not be sent, or not in a language that the patient reads,
and what somebody says by phone instead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from liaison.core.written_time import day_and_time
from liaison.inbox.rules.channels import Why
from liaison.inbox.rules.unread import Unread

NEWS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "appointment-confirmation": "their visit is on {when}",
        "appointment-moved": "their visit has a new time, {when}",
        "appointment-cancelled": "their visit on {when} is cancelled",
        "series-confirmation": "their visits are booked, the first on {when}",
        "series-moved": "visits of theirs have new times, the first on {when}",
        "series-cancelled": "visits of theirs are cancelled, the first on {when}",
    }
)
"""The texts that a patient must know of, and what they say. A reminder only repeats what they know."""

OTHER_LANGUAGE: Final = "other_language"
"""Why somebody is called whom we wrote to: what we wrote is in a language that they do not read."""

WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        Why.NO_ADDRESS: "no e-mail address",
        Why.BAD_ADDRESS: "their e-mail address bounces",
        Why.NOT_ASKED: "they have not agreed to e-mail",
        Why.DO_NOT_CONTACT: "they want no e-mail",
        Why.OPTED_OUT: "they want no e-mail",
    }
)
"""Why a message that was not sent is told by phone; one that was cancelled, was too late or is for the dead is not."""

CAME_BACK: Final[Mapping[str, str]] = MappingProxyType(
    {
        "permanent": "mail to them bounced",
        "temporary": "mail to them could not be delivered",
        "lost": "mail to them never arrived",
        "unknown": "nobody knows whether it arrived",
    }
)
"""What became of a message that failed, by the kind of the failure."""

NEEDS_A_CALL: Final = frozenset({*WORDS, OTHER_LANGUAGE})

OWN_WISH: Final = frozenset({Why.DO_NOT_CONTACT, Why.OPTED_OUT})


def must_be_called(*, template: str, reason: str, ends_at: datetime | None, talked: bool, now: datetime) -> bool:
    """Whether somebody must tell the patient by phone what could not be written, or not so that they can read it.

    `ends_at` is when the message is of no use any more, the start of the visit; `talked` says that a call which
    reached the patient or a proxy is documented since the day on which it was written. Those who asked for no e-mail
    were told in such a call; of the others nobody knows that they are reached by phone at all, nor that somebody
    interpreted.
    """
    if template not in NEWS or reason not in NEEDS_A_CALL or (ends_at is not None and ends_at <= now):
        return False
    return not (talked and reason in OWN_WISH)


def step_of(who: str, *, reason: str, unread: Unread | None, said: str, came_back: str = "") -> str:
    """The next step: whom to tell, why by phone, and what. `came_back` is a key of CAME_BACK, "" for no failure."""
    if unread is None:
        return f"Tell {who} by phone ({WORDS[reason]}): {said}"
    why_else = CAME_BACK[came_back] if came_back else WORDS.get(reason, "")
    why = "; ".join(filter(None, [f"our mail is in {unread.sent}, {unread.known}", why_else]))
    return f"Tell {who} by phone with an interpreter ({why}): {said}"


def title_of(who: str, *, unread: Unread | None) -> str:
    """What the promise is called."""
    if unread is None:
        return f"Call {who}: what we have to say about a visit could not be sent"
    return f"Call {who} with an interpreter: our mail about a visit is in {unread.sent}, {unread.known}"


def news(template: str, *, starts_at: datetime | None) -> str:
    """What is to be said of the visit at the local time `starts_at`: "their visit is on Mon, Mar 9, 09:30"."""
    when = day_and_time(starts_at) if starts_at else "a day still ahead"
    return NEWS[template].format(when=when)
