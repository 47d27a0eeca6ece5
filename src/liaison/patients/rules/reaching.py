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

    Codes: "bad" (wrong, bouncing or retired), "confidential" (they asked to be reached elsewhere only),
    "no_call", "no_text", "no_email".
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


def ways_to_reach(lines: Iterable[Line]) -> Sequence[Way]:
    """Every way, the best first: open before blocked, preferred first, then as given.

    When a usable line is confidential, only confidential ones are open: the request covers everything that
    is sent (45 CFR 164.522(b)).
    """
    known = list(lines)
    only_confidential = any(line.confidential and line.usable for line in known)
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
    if not line.usable:
        return "bad"
    if only_confidential and not line.confidential:
        return "confidential"
    allowed = {
        Channel.CALL: line.may_call,
        Channel.TEXT: line.may_text,
        Channel.EMAIL: line.may_email,
        Channel.LETTER: True,
    }[channel]
    return "" if allowed else f"no_{channel}"
