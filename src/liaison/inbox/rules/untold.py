"""Who would come on the wrong day: confirmations that could not be sent, and what somebody says by phone instead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from liaison.core.written_time import day_and_time
from liaison.inbox.rules.channels import Why

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

OWN_WISH: Final = frozenset({Why.DO_NOT_CONTACT, Why.OPTED_OUT})


def must_be_called(*, template: str, reason: str, ends_at: datetime | None, talked: bool, now: datetime) -> bool:
    """Whether somebody must tell the patient by phone what could not be written.

    `ends_at` is when the message is of no use any more, the start of the visit; `talked` says that a call which
    reached the patient or a proxy is documented since the day on which it was written. Those who asked for no e-mail
    were told in such a call; of the others nobody knows that they are reached by phone at all.
    """
    if template not in NEWS or reason not in WORDS or (ends_at is not None and ends_at <= now):
        return False
    return not (talked and reason in OWN_WISH)


def news(template: str, *, starts_at: datetime | None) -> str:
    """What is to be said of the visit at the local time `starts_at`: "their visit is on Mon, Mar 9, 09:30"."""
    when = day_and_time(starts_at) if starts_at else "a day still ahead"
    return NEWS[template].format(when=when)
