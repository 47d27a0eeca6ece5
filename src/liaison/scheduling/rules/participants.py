"""How the answers of those who take part make an appointment's state (DOMAIN 1.2, aggregate rule)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from liaison.scheduling.rules.states import State


class Presence(StrEnum):
    """FHIR R4 `participant.required`."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    INFORMED = "information-only"


class Answer(StrEnum):
    """FHIR R4 `participant.status`."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    TENTATIVE = "tentative"
    NEEDS_ACTION = "needs-action"


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """One who takes part. `key` names them; the patient is the one with `is_patient`."""

    key: str
    presence: Presence
    answer: Answer
    is_patient: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The state that follows, and the keys of those for whom a replacement must be found."""

    state: State
    to_replace: tuple[str, ...] = ()


def aggregate(participants: Sequence[Participant]) -> Outcome:
    """The appointment's state from its participants' answers. Only required ones count.

    The patient declines: cancelled. Somebody else declines: pending, and they must be replaced. Somebody
    has not decided: pending. Everybody accepts: booked.
    """
    required = [one for one in participants if one.presence is Presence.REQUIRED]
    declined = [one for one in required if one.answer is Answer.DECLINED]
    if any(one.is_patient for one in declined):
        return Outcome(state=State.CANCELLED)
    if declined:
        return Outcome(state=State.PENDING, to_replace=tuple(one.key for one in declined))
    if all(one.answer is Answer.ACCEPTED for one in required):
        return Outcome(state=State.BOOKED)
    return Outcome(state=State.PENDING)


def asked_again(participants: Sequence[Participant], *, changed_by: str) -> tuple[Participant, ...]:
    """After a change of start, end, place or modality everybody but the one who made it is asked again."""
    return tuple(one if one.key == changed_by else replace(one, answer=Answer.NEEDS_ACTION) for one in participants)
