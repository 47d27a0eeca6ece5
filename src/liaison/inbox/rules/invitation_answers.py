"""What a calendar program answers to an invitation (RFC 5546, 3.2.3), and whether the sender said more than that."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Said(StrEnum):
    """What somebody who was invited answers (PARTSTAT)."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    TENTATIVE = "tentative"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarAnswer:
    """One answer about one event. `attendee` is an address in lower case, `stamped_at` None where nothing says when.

    `sequence` is that of the invitation which is answered. `recurs_at` is the start that the rule of a series gives
    the one visit that is meant; None means the whole event.
    """

    uid: str
    sequence: int
    said: Said
    attendee: str
    stamped_at: datetime | None = None
    recurs_at: datetime | None = None
    comment: str = ""


_WORDS: Final[Mapping[Said, str]] = MappingProxyType(
    {
        Said.ACCEPTED: "They accepted the invitation.",
        Said.DECLINED: "They declined the invitation: they say that they can't come.",
        Said.TENTATIVE: "They answered the invitation with “maybe”.",
    }
)
_STOCK: Final = re.compile(
    r"^.{0,200}?\b((has|have) )?((tentatively )?accepted|declined|replied|ha (aceptado|rechazado|respondido)"
    r"|ha aceptado provisionalmente)\b.{0,40}\b(invitation|invitación|event|evento)\b",
    re.IGNORECASE | re.DOTALL,
)
"""What calendar programs write above an answer; what the patient adds comes in the answer's COMMENT as well."""


def in_words(answers: Sequence[CalendarAnswer], *, beside: str = "") -> tuple[str, ...]:
    """What a reader of the mail must know of the answers in it, and each note that its own words don't say."""
    said = dict.fromkeys(_WORDS[one.said] for one in answers)
    notes = dict.fromkeys(f"Their note: {one.comment}" for one in answers if one.comment and one.comment not in beside)
    return (*said, *notes)


def says_more(words: str, *, answers: Sequence[CalendarAnswer]) -> bool:
    """Whether somebody must read this mail and answer: a note came along, or words that no program writes by itself."""
    return any(one.comment for one in answers) or (bool(words.strip()) and _STOCK.match(words.strip()) is None)


def from_whom(answers: Sequence[CalendarAnswer], *, sender: str) -> tuple[CalendarAnswer, ...]:
    """The answers that the sender gives for themselves about one event: nobody answers for somebody else."""
    own = [one for one in answers if sender and one.attendee == sender]
    return tuple(one for one in own if one.uid == own[0].uid)
