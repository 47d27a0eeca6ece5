"""How to reach a patient now: which line, on which channel, and why not the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Channel(StrEnum):
    """A way for words to reach someone."""

    CALL = "call"
    TEXT = "text"
    EMAIL = "email"
    LETTER = "letter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A contact point as far as reaching someone is concerned. `kind` is phone, email, address or fax."""

    id: int
    kind: str
    value: str
    preferred: bool = False
    confidential: bool = False
    may_call: bool = True
    may_leave_message: bool = False
    may_text: bool = False
    may_email: bool = False
    usable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One line on one channel. `blocked` is empty when it may be used, else a code that says why not.

    Codes: "confidential" (they asked to be reached elsewhere only), "no_call", "no_text", "no_email", "bad" (wrong,
    bouncing or retired). The first that holds is said: it is the one that hurts most to get wrong.
    """

    channel: Channel
    line_id: int
    value: str
    preferred: bool
    confidential: bool
    may_leave_message: bool
    blocked: str = ""


_CHANNELS: Final = {
    "phone": (Channel.CALL, Channel.TEXT),
    "email": (Channel.EMAIL,),
    "address": (Channel.LETTER,),
}


def keeps_to_confidential(lines: Iterable[Line]) -> bool:
    """Whether they asked to be reached confidentially: then nothing goes to any line that is not confidential.

    The request covers all that is sent, on whatever channel (45 CFR 164.522(b)): an e-mail does not go to the family's
    mailbox of someone who asked for calls to one number only. It stands when that number fails: what was asked for in
    confidence must not fall back to anybody else's; a person finds out where they are reached now.
    """
    return any(line.confidential for line in lines)


def ways_to_reach(lines: Iterable[Line]) -> Sequence[Way]:
    """Every way, the best first: open before blocked, preferred first, then as given."""
    known = list(lines)
    only_confidential = keeps_to_confidential(known)
    ways = [
        Way(
            channel=channel,
            line_id=line.id,
            value=line.value,
            preferred=line.preferred,
            confidential=line.confidential,
            may_leave_message=line.may_leave_message and channel is Channel.CALL,
            blocked=_blocked(line, channel=channel, only_confidential=only_confidential),
        )
        for line in known
        for channel in _CHANNELS.get(line.kind, ())
    ]
    return sorted(ways, key=lambda way: (bool(way.blocked), not way.preferred))


def _blocked(line: Line, *, channel: Channel, only_confidential: bool) -> str:
    if only_confidential and not line.confidential:
        return "confidential"
    allowed = {
        Channel.CALL: line.may_call,
        Channel.TEXT: line.may_text,
        Channel.EMAIL: line.may_email,
        Channel.LETTER: True,
    }[channel]
    if not allowed:
        return f"no_{channel}"
    return "" if line.usable else "bad"
