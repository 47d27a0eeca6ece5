"""Numbers that people send: ids in an address, a form, a topic, a place to read on from; and telephone numbers."""

from __future__ import annotations

from typing import Final

import phonenumbers

HOME: Final = "US"
"""Where a telephone number without a country is."""

LONGEST: Final = 18
"""Digits of the longest id; every number that short fits a bigint."""


def id_in(text: str | None) -> int | None:
    """The id that `text` is: ASCII digits, at most eighteen. None for nothing and for anything else."""
    if text and text.isascii() and text.isdecimal() and len(text) <= LONGEST:
        return int(text)
    return None


def phone_number(text: str) -> phonenumbers.PhoneNumber | None:
    """The telephone number that `text` is, None for what can be none."""
    try:
        parsed = phonenumbers.parse(text, HOME)
    except phonenumbers.NumberParseException:
        return None
    return parsed if phonenumbers.is_possible_number(parsed) else None
