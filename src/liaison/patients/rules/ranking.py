"""How well a name answers what was typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rapidfuzz.distance import JaroWinkler

GOOD_ENOUGH: Final = 0.80
"""Below this a word is another word and not a slip of this one."""


def rank_name(words: Sequence[str], *, search_text: str) -> float:
    """0 to 1 for folded words against a patient's folded names: 1 when every word stands there as typed.

    A beginning of a word counts 0.95, a slip as much as it is alike. A word that is like none of the name's
    makes it 0: someone else.
    """
    if not words:
        return 0.0
    there = set(search_text.split())
    marks = [_mark(word, there=there) for word in words]
    return 0.0 if min(marks) == 0.0 else sum(marks) / len(marks)


def _mark(word: str, *, there: set[str]) -> float:
    if word in there:
        return 1.0
    if any(name.startswith(word) for name in there):
        return 0.95
    best = max((JaroWinkler.similarity(word, name) for name in there), default=0.0)
    return best * 0.9 if best >= GOOD_ENOUGH else 0.0
