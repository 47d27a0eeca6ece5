"""What is said of an anchor that a protocol does not fit, and what happens to a follow-up that runs already."""

from __future__ import annotations

from typing import Final

TOO_OLD: Final = "too_old"
GONE: Final = "gone"

WORDS: Final = {
    TOO_OLD: "ended more than 30 days ago: nothing is opened for the long past",
    "deceased": "the patient has died",
    "readmitted": "the patient is or was in hospital again since",
    "went_elsewhere": "the patient went to another hospital or facility, not home",
    "hospice_or_expired": "the patient died or went to hospice",
    GONE: "the stay was cancelled, corrected or entered in error",
}

VOIDS: Final = frozenset(WORDS) - {TOO_OLD}
"""Reasons that take a running follow-up back. Time running out does not: a person says how it ended."""


def in_words(code: str) -> str:
    """The reason in words; the code itself, spaced, when a protocol of one's own names another."""
    return WORDS.get(code, code.replace("_", " "))
