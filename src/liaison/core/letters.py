"""Which characters of somebody's text are kept: every letter of every script, and no trick on who reads it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_TURNS_THE_LINE: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What shows other text backwards: embeddings, overrides and isolates (Unicode Standard Annex 9)."""
_UNSEEN: Final = frozenset("\u200b\u2060\ufeff")
"""Nothing to see and no part of a word: zero width space, word joiner, byte order mark."""
_ODD: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff\r]")
"""The same characters for a search that takes no time over the usual text; a line end is odd that is not one."""
_NEVER: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Control characters, halves of a pair, separators of lines: databases and pages don't take them."""


def is_kept(letter: str) -> bool:
    """Whether text may hold this one character.

    Joiners and non-joiners are (Sinhala, Persian and others are misspelt without them), as are marks of direction,
    and letters that are younger than this Python. Refused are control characters (tab and line ends too), surrogates,
    what turns the direction of other text, and what nobody sees.
    """
    return letter not in _TURNS_THE_LINE and letter not in _UNSEEN and unicodedata.category(letter) not in _NEVER


def is_plain(text: str) -> bool:
    """Whether `plain` leaves this text as it is."""
    return not _ODD.search(text)


def plain(text: str) -> str:
    """Text of several lines with the characters that are kept, tabs and one kind of line end."""
    even = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(letter for letter in even if letter in "\n\t" or is_kept(letter))


def one_line(text: str) -> str:
    """The text in one line: each stretch of white space one space, only the characters that are kept."""
    return " ".join("".join(letter for letter in text if is_kept(letter) or letter.isspace()).split())
