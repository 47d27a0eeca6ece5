"""Identifiers, phone numbers, e-mail and postal addresses as they are compared."""

from __future__ import annotations

import re
from typing import Final

import phonenumbers

from liaison.core.numbers import HOME, phone_number, written_number
from liaison.patients.rules.names import fold

_SEPARATORS: Final = re.compile(r"[^0-9A-Z]+")
_MAIL: Final = re.compile(r"[^@\s<>\"',;]+@[^@\s<>\"',;]+\.[^@\s<>\"',;.]+")


def identifier_key(value: str) -> str:
    """An identifier without spaces, dashes and letter case: "123-45-6789" is "123456789"."""
    upper = value.strip().upper()
    return _SEPARATORS.sub("", upper) or upper


def phone_key(value: str, *, region: str = HOME) -> str | None:
    """A phone number in E.164 ("+12075550123", with ";ext=" if it has one); None if it can't be one."""
    parsed = phone_number(value, region=region)
    if parsed is None:
        return None
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return f"{number};ext={parsed.extension}" if parsed.extension else number


def shown_phone(key: str, *, region: str = HOME) -> str:
    """A number as people of `region` write it: "(207) 555-0123", or with the country code from elsewhere."""
    return written_number(key, region=region)


def email_key(value: str) -> str | None:
    """An e-mail address in lower case; None if it can't be one."""
    plain = value.strip().lower()
    return plain if _MAIL.fullmatch(plain) and len(plain) <= 254 else None


def address_key(*parts: str) -> str:
    """A postal address as compared: folded like a name."""
    return fold(" ".join(parts))
