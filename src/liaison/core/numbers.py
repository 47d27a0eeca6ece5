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


def phone_number(text: str, *, region: str = HOME) -> phonenumbers.PhoneNumber | None:
    """The telephone number that `text` is in this region, None for what can be none.

    Possible is enough: new prefixes and the 555 numbers of training data are in no list of valid ones.
    """
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return parsed if phonenumbers.is_possible_number(parsed) else None


def reaches_from_anywhere(text: str) -> bool:
    """Whether `text` is a telephone number with its area code: without it nobody elsewhere can dial it."""
    parsed = phone_number(text)
    if parsed is None:
        return False
    return bool(phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE)


def written_number(text: str, *, region: str = HOME) -> str:
    """A number as people of `region` write it: "(207) 555-0123"; from elsewhere with its country; none as it is."""
    parsed = phone_number(text, region=region)
    if parsed is None:
        return text.strip()
    home = parsed.country_code == phonenumbers.country_code_for_region(region)
    shape = phonenumbers.PhoneNumberFormat.NATIONAL if home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, shape)
