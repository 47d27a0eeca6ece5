"""The kinds of loop that conversations open."""

from typing import Final

from liaison.loops.ports import LoopKind

FAILED_MESSAGE: Final = LoopKind(
    code="failed-message",
    label="Failed message",
    required_evidence=("reached_another_way",),
    other_evidence=("attempt",),
    evidence_labels={
        "reached_another_way": "Reached the patient another way",
        "attempt": "Attempt",
    },
    icon="mail-off",
    closes_itself=True,
)
TEACH_BACK: Final = LoopKind(
    code="teach-back",
    label="Teach-back",
    required_evidence=("understood",),
    other_evidence=("attempt",),
    evidence_labels={
        "understood": "The patient said it back in their own words",
        "attempt": "Attempt",
    },
    clinical_evidence=frozenset({"understood"}),
    clinical_words=True,
    icon="message-2-question",
    closes_itself=True,
)
ANSWERED_MAIL: Final = "answered_mail"
"""The evidence that a patient's mail was answered, of a promise of another kind that owes that besides."""
_SETTLED_BY_TALKING: Final = frozenset(
    {"spoke_with_patient", "reached_another_way", "told_patient", "answered", ANSWERED_MAIL}
)


def settled_by_talking(kind: LoopKind) -> str:
    """The evidence of this kind of promise that a talk with the patient or a proxy can be; "" when it knows none.

    Whether a talk was about the promise only who talked can say.
    """
    return next((code for code in kind.accepted_evidence if code in _SETTLED_BY_TALKING), "")


ANSWER: Final = LoopKind(
    code="answer",
    label="Answer",
    required_evidence=("answered",),
    other_evidence=("attempt",),
    evidence_labels={"answered": "The patient has an answer", "attempt": "Attempt"},
    event_words={"message": "their message came"},
    icon="message-reply",
    closes_itself=True,
)
