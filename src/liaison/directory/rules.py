"""Decisions about directory entries that need no database."""

from __future__ import annotations

from typing import Final

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
