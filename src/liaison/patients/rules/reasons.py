"""Whether a reason says something that somebody else can judge later."""

from __future__ import annotations

from typing import Final

FEWEST_WORDS: Final = 2
FEWEST_LETTERS: Final = 10
FEWEST_DIFFERENT: Final = 4


def says_why(text: str) -> bool:
    """Whether `text` holds two words or ten letters, of any script, and not one key pressed many times.

    A word has at least two letters; what has no spaces between its words is counted by letters. Dots and digits
    explain nothing, and neither does "aaaaaaaaaa".
    """
    letters = [sign for sign in text.casefold() if sign.isalpha()]
    words = [word for word in text.split() if sum(sign.isalpha() for sign in word) >= 2]
    if len(set(letters)) < FEWEST_DIFFERENT:
        return False
    return len(words) >= FEWEST_WORDS or len(letters) >= FEWEST_LETTERS
