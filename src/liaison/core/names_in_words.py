"""A name inside a sentence: one that reads from right to left must not turn the dates and numbers round beside it.

Pages isolate a name that stands for itself with `<bdi>`; a title or a step is made of words and kept as they are, so
the name carries its own isolation there (Unicode Standard Annex 9: FIRST STRONG ISOLATE, POP DIRECTIONAL ISOLATE).
"""

from __future__ import annotations

import unicodedata
from typing import Final

_ISOLATE: Final = "\u2068"
_END: Final = "\u2069"
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI"})


def among_words(name: str) -> str:
    """The name as it may stand in a sentence: with marks around it that nobody sees where it reads right to left."""
    turns = any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in name)
    return f"{_ISOLATE}{name}{_END}" if turns else name
