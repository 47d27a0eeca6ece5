"""Names in any script, folded so that they can be compared and found."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from anyascii import anyascii

_NOT_A_LETTER: Final = re.compile(r"[^a-z0-9]+")
_JOINERS: Final = re.compile(r"[\u0027\u2019\u2018\u02bc\u02bb\u0060\u00b4]")
MOST: Final = 2_000
"""Characters of folded names that are kept: more than any person's, and a bound for hostile input."""


def fold(text: str) -> str:
    """A name as compared: ASCII, lower case, single spaces. "O’Brien-Łuć" is "obrien luc", "李 明" is "li ming"."""
    plain = unicodedata.normalize("NFKC", text[:MOST])
    ascii_only = anyascii(_JOINERS.sub("", plain)).lower()
    return _NOT_A_LETTER.sub(" ", ascii_only).strip()


def name_words(text: str) -> tuple[str, ...]:
    """The words of a name as compared, in order."""
    return tuple(fold(text).split())


def search_text(names: Iterable[tuple[str, str]]) -> str:
    """What the search looks at, for (given, family) pairs: each in both orders, a space before and after.

    The spaces let a pattern ask for the beginning of a word with an index; a name that stands twice stands once.
    """
    kept: dict[str, None] = {}
    for given, family in names:
        first, last = fold(given), fold(family)
        for line in (f"{first} {last}".strip(), f"{last} {first}".strip()):
            if line:
                kept[line] = None
    return f" {' '.join(kept)} "[:MOST] if kept else ""


def slip_keys(word: str) -> frozenset[str]:
    """A folded word and, from four letters on, what is left when one letter is left out.

    Two words that are one slip apart (a letter more, less, other, or two swapped) share a key, so that an index
    finds them: "jhon" and "john" share "jon". Shorter words are only themselves; too much is like them.
    """
    if len(word) < 4:
        return frozenset({word})
    return frozenset({word, *(word[:at] + word[at + 1 :] for at in range(len(word)))})
