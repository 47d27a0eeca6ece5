"""Decisions about directory entries that need no database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from anyascii import anyascii

_NPI_PREFIX: Final = "80840"


def npi_is_valid(npi: str) -> bool:
    """Whether this is a National Provider Identifier: ten digits whose last is the check digit.

    The check is Luhn's, over the number with the prefix 80840 (45 CFR 162.406).
    """
    if len(npi) != 10 or not npi.isascii() or not npi.isdigit():
        return False
    digits = [int(digit) for digit in reversed(_NPI_PREFIX + npi)]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


_TITLES: Final = frozenset({"dr", "doctor", "md", "do", "np", "pa", "rn", "phd", "prof", "mr", "mrs", "ms"})
_NOT_A_WORD: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """What is compared of two entries: a name, a National Provider Identifier, codes of specialties, a number.

    What is not known is empty.
    """

    name: str
    npi: str = ""
    specialties: frozenset[str] = frozenset()
    phone: str = ""


def name_words(name: str) -> frozenset[str]:
    """The words of a name as compared: "José Núñez, MD" and "Dr Nunez Jose" are the same."""
    plain = anyascii(re.sub("[.'’]", "", name)).lower()
    words = frozenset(_NOT_A_WORD.sub(" ", plain).split())
    return words - _TITLES or words


def looks_like(one: Sketch, other: Sketch) -> bool:
    """Whether the two may be one: one identifier, or one name where neither specialty nor number say otherwise."""
    if one.npi and other.npi:
        return one.npi == other.npi
    if name_words(one.name) != name_words(other.name):
        return False
    if one.phone and other.phone and one.phone != other.phone:
        return False
    return not (one.specialties and other.specialties) or bool(one.specialties & other.specialties)
