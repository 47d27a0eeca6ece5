"""How hard a text is to read, to warn whoever writes one (DOMAIN 8.2).

English: Flesch-Kincaid grade, 0.39·(words/sentences) + 11.8·(syllables/words) − 15.59; aim ≤ 6, too hard > 8.
Spanish: Fernández-Huerta, 206.84 − 60·(syllables/words) − 1.02·(words/sentences); aim ≥ 70, too hard < 60.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

FEW_WORDS = 5
AIM_GRADE, TOO_HARD_GRADE = 6.0, 8.0
AIM_SCORE, TOO_HARD_SCORE = 70.0, 60.0

MOST_LETTERS = 20_000
"""Graded of a text; what comes after would not change the verdict."""

# A run is tried once, from its first character: a long line of dots must not hold everybody up.
_SENTENCE = re.compile(r"(?<![.!?…])[.!?…]++(?=\s|$)|\n{2,}")
_DOTTED = re.compile(r"\b(?:Dr|Dra|Mr|Mrs|Ms|Sr|Sra|Srta|St|a\. ?m|p\. ?m|e\.g|i\.e)\.", re.IGNORECASE)
_UNREAD = re.compile(r"https?://\S+|(?<!\S)[^\s@]++@\S++|[+(]?\d[\d\s().:/-]*")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_EN_GROUP = re.compile(r"[aeiouy]+")
_EN_SILENT = re.compile(r"(?:[^laeiouy]es|[^aeiouytd]ed|[^l]e)$")
_EN_BREAK = re.compile(r"[aiou][aiou]ing|i[aou](?!us)|[aeiouy]ing")
_ES_STRONG = re.compile(r"[aeoáéóíú]")
_ES_VOWELS = re.compile(r"[aeiouáéíóúüy]+")


class Ease(StrEnum):
    """The verdict that a writer sees."""

    UNKNOWN = "unknown"
    PLAIN = "plain"
    HARD = "hard"
    TOO_HARD = "too_hard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """`value` is a US school grade in English and a 0 to 100 ease score in Spanish (higher is easier)."""

    ease: Ease
    value: float
    words: int
    sentences: int


def grade(text: str, *, language: str, leave_out: frozenset[str] = frozenset()) -> Grade:
    """The reading grade of a text. Names, addresses, numbers and links do not count; name them in `leave_out`.

    Of a text longer than MOST_LETTERS the beginning counts.
    """
    plain = _UNREAD.sub(" ", _DOTTED.sub(" ", unicodedata.normalize("NFC", text[:MOST_LETTERS])))
    skipped = {word.casefold() for one in leave_out for word in _WORD.findall(one)}
    words = [word for word in _WORD.findall(plain) if word.casefold() not in skipped]
    sentences = max(1, sum(1 for part in _SENTENCE.split(plain) if _WORD.search(part)))
    if len(words) < FEW_WORDS:
        return Grade(ease=Ease.UNKNOWN, value=0.0, words=len(words), sentences=sentences)
    syllables = sum(syllables_in(word, language=language) for word in words)
    value = _score(words=len(words), sentences=sentences, syllables=syllables, language=language)
    return Grade(ease=_ease(value, language=language), value=round(value, 1), words=len(words), sentences=sentences)


def _score(*, words: int, sentences: int, syllables: int, language: str) -> float:
    if language == "es":
        return 206.84 - 60 * (syllables / words) - 1.02 * (words / sentences)
    return 0.39 * (words / sentences) + 11.8 * (syllables / words) - 15.59


def _ease(value: float, *, language: str) -> Ease:
    good, bad = (
        (value >= AIM_SCORE, value < TOO_HARD_SCORE)
        if language == "es"
        else (value <= AIM_GRADE, value > TOO_HARD_GRADE)
    )
    if good:
        return Ease.PLAIN
    return Ease.TOO_HARD if bad else Ease.HARD


def syllables_in(word: str, *, language: str) -> int:
    """How many syllables one word has: by rule in Spanish, by the usual estimate in English; at least one."""
    lowered = word.casefold()
    return max(1, _spanish(lowered) if language == "es" else _english(lowered))


def _english(word: str) -> int:
    base = word.replace("’", "'").removesuffix("'s").replace("-", "")
    count = len(_EN_GROUP.findall(base))
    if count > 1 and _EN_SILENT.search(base):
        count -= 1
    return count + len(_EN_BREAK.findall(base))


def _spanish(word: str) -> int:
    """Vowel groups, split where two strong vowels meet; the u of que, qui, gue and gui is silent."""
    audible = re.sub(r"(?<=[qg])u(?=[eiéí])", "", word)
    audible = re.sub(r"y(?=[aeiouáéíóú])", "Y", audible)
    return sum(max(1, len(_ES_STRONG.findall(group))) for group in _ES_VOWELS.findall(audible))
