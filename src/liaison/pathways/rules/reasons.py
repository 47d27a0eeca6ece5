"""What is said of an anchor that no loop follows, and what happens to a follow-up that runs already."""

from __future__ import annotations

from typing import Final

from liaison.records.ports import NoEnd

TOO_OLD: Final = "too_old"
GONE: Final = "gone"
LATER_STAY: Final = "later_stay"
TURNED_OFF: Final = "turned_off"
NO_OWNER: Final = "no_owner"
NOT_YET: Final = "not_yet"
ANOTHERS: Final = "anothers"
LONG_PAST: Final = "long_past"

WORDS: Final = {
    TOO_OLD: "ended more than 30 days ago: nothing is opened for the long past",
    "deceased": "the patient has died",
    "readmitted": "the patient is or was in hospital again since",
    "went_elsewhere": "the patient went to another hospital or facility, not home",
    "hospice_or_expired": "the patient died or went to hospice",
    GONE: "the stay was cancelled, corrected or entered in error",
}

CORRECTED_AWAY: Final = {
    ANOTHERS: "the stay is another patient's",
    LONG_PAST: "by its corrected end the stay was over for more than 30 days when this was opened",
}
"""What a correction of the stay says of a follow-up that was opened before it."""

PASSED_OVER: Final = {LATER_STAY: "a later stay of the same patient is followed instead"}
"""What fits but needs no follow-up of its own."""

WITHOUT_END: Final = {str(why): why.words for why in NoEnd}
"""What finished, nobody knows when: from nothing follows by when to call. A person looks, and has it corrected."""

WAITING: Final = {
    TURNED_OFF: "the protocol is turned off; what still fits is opened when somebody turns it on again",
    NO_OWNER: (
        "nobody at the patient's site could own it. Give somebody there the role of coordinator or supervisor, or add "
        "a team (People, Sites and teams): then it is opened by itself"
    ),
    NOT_YET: "its owner came only now; it is opened within the hour",
}
"""What fits and is still to be opened, with the way out."""

VOIDS: Final = (frozenset(WORDS) - {TOO_OLD}) | frozenset(CORRECTED_AWAY)
"""Reasons that take a running follow-up back. Time running out does not: a person says how it ended."""


def in_words(code: str) -> str:
    """The reason in words; the code itself, spaced, when a protocol of one's own names another."""
    return (WORDS | CORRECTED_AWAY | PASSED_OVER | WITHOUT_END | WAITING).get(code, code.replace("_", " "))
