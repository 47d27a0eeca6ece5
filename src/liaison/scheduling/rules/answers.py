"""What an answer to an invitation counts for (RFC 5546): receivers go by SEQUENCE, then by when it was given."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from liaison.inbox.events import Said

__all__ = ["SAID_WORDS", "Heard", "Said", "weigh"]


class Heard(StrEnum):
    """What became of an answer: it stands, or why it changes nothing."""

    APPLIED = "applied"
    OTHER_TIME = "other_time"
    OVERTAKEN = "overtaken"
    OVER = "over"


SAID_WORDS: Final[Mapping[Said, str]] = MappingProxyType(
    {
        Said.ACCEPTED: "The patient confirmed",
        Said.DECLINED: "The patient says that they can't come",
        Said.TENTATIVE: "The patient answered “maybe”",
    }
)


def weigh(*, sequence: int, current: int, is_over: bool, stamped_at: datetime, standing_at: datetime | None) -> Heard:
    """What an answer counts for. `sequence` is that of the invitation which was answered, `current` the visit's now;
    `standing_at` is when the answer that stands was given (None: there is none).

    Nothing is changed for a visit that is over or off, by an answer to another version of the invitation (the visit
    has moved since), nor by one that was given before the one that stands.
    """
    if is_over:
        return Heard.OVER
    if sequence != current:
        return Heard.OTHER_TIME
    if standing_at is not None and stamped_at < standing_at:
        return Heard.OVERTAKEN
    return Heard.APPLIED
