"""What someone typed into the patient search, read as names, birth dates, phone numbers and identifiers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from liaison.patients.rules.keys import email_key, identifier_key, phone_key
from liaison.patients.rules.names import name_words

MOST: Final = 200
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_ISO: Final = re.compile(r"\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b")
_NUMERIC: Final = re.compile(r"\b(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})\b")
_DAY_MONTH: Final = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?[\s-]+{_MONTH}[\s,-]+(\d{{4}})\b", re.IGNORECASE)
_MONTH_DAY: Final = re.compile(rf"\b{_MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?[\s,]+(\d{{4}})\b", re.IGNORECASE)
_EIGHT: Final = re.compile(r"\b(\d{8})\b")
_PHONE: Final = re.compile(r"\+?\(?\d[\d\s().\-]{5,}\d")
_MAIL: Final = re.compile(r"\S+@\S+\.\S+")
_TOKEN: Final = re.compile(r"\S*\d\S*")
_NO_NAME: Final = re.compile(r"(?<!\S)(?![^\W\d_]+\d+(?!\S))\S*\d\S*")
"""A token with digits that is no name; letters followed by digits ("Abbott123") may be one, in training data."""


_SPACED: Final = re.compile(r"(?<!\S)([A-Za-z]{1,5})\s+(\d{3,})(?!\S)")
"""An identifier written with a space: "RIV 0001"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was typed. Everything given must fit, except that one token may be read as phone or identifier."""

    words: tuple[str, ...] = ()
    birth_dates: tuple[date, ...] = ()
    birth_year: int | None = None
    phones: tuple[str, ...] = ()
    phone_end: str = ""
    email: str = ""
    identifiers: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Nothing to look for."""
        return self == Asked()


def read_query(text: str, *, today: date) -> Asked:
    """Read a search of at most 200 characters. Two-digit years are of the last hundred years up to `today`.

    02/03/1980 may be 3 February or 2 March: both are looked for, the American reading first.
    """
    rest = text.replace("\x00", " ")[:MOST]
    mail = _MAIL.search(rest)
    email = (email_key(mail.group()) or "") if mail else ""
    if mail:
        rest = rest.replace(mail.group(), " ")
    dates, rest = _take_dates(rest, today=today)
    found, digits, rest = _take_phone(rest)
    year, rest = _take_year(rest, today=today) if not dates else (None, rest)
    eight = _EIGHT.search(text[:MOST]) if dates else None
    tokens = [*([digits] if digits else []), *([eight.group()] if eight else []), *_TOKEN.findall(rest)]
    tokens += ["".join(parts) for parts in _SPACED.findall(rest)]
    return Asked(
        words=name_words(_NO_NAME.sub(" ", rest)),
        birth_dates=dates,
        birth_year=year,
        phones=found,
        phone_end=digits if len(digits) == 7 else "",
        email=email,
        identifiers=tuple(dict.fromkeys(key for key in map(identifier_key, tokens) if key)),
    )


def _take_dates(text: str, *, today: date) -> tuple[tuple[date, ...], str]:
    for pattern, read in (
        (_ISO, _read_iso),
        (_NUMERIC, _read_numeric),
        (_DAY_MONTH, _read_day_month),
        (_MONTH_DAY, _read_month_day),
        (_EIGHT, _read_eight),
    ):
        match = pattern.search(text)
        dates = _real(read(match.groups(), today), today=today) if match else ()
        if match and dates:
            return dates, text[: match.start()] + " " + text[match.end() :]
    return (), text


_Parts = tuple[int, int, int]


def _read_iso(parts: Sequence[str], today: date) -> Sequence[_Parts]:
    del today
    return [(int(parts[0]), int(parts[1]), int(parts[2]))]


def _read_numeric(parts: Sequence[str], today: date) -> Sequence[_Parts]:
    first, second, year = int(parts[0]), int(parts[1]), _whole_year(parts[2], today=today)
    return [(year, first, second), (year, second, first)]


def _read_day_month(parts: Sequence[str], today: date) -> Sequence[_Parts]:
    del today
    return [(int(parts[2]), _MONTHS.index(parts[1].lower()) + 1, int(parts[0]))]


def _read_month_day(parts: Sequence[str], today: date) -> Sequence[_Parts]:
    del today
    return [(int(parts[2]), _MONTHS.index(parts[0].lower()) + 1, int(parts[1]))]


def _read_eight(parts: Sequence[str], today: date) -> Sequence[_Parts]:
    del today
    digits = parts[0]
    year_first = (int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    year_last = (int(digits[4:]), int(digits[:2]), int(digits[2:4]))
    return [year_first, year_last]


def _whole_year(digits: str, *, today: date) -> int:
    if len(digits) == 4:
        return int(digits)
    year = today.year - today.year % 100 + int(digits)
    return year if year <= today.year else year - 100


def _real(candidates: Sequence[_Parts], *, today: date) -> tuple[date, ...]:
    """Those that exist and that a living person can have been born on (1880 to today)."""
    dates: dict[date, None] = {}
    for year, month, day in candidates:
        try:
            made = date(year, month, day)
        except ValueError:
            continue
        if made.year >= 1880 and made <= today:
            dates[made] = None
    return tuple(dates)


def _take_phone(text: str) -> tuple[tuple[str, ...], str, str]:
    """The number in E.164, its bare digits, and the text without it. Digits may also be an identifier."""
    match = _PHONE.search(text)
    if match is None:
        return (), "", text
    key = phone_key(match.group())
    digits = "".join(sign for sign in match.group() if sign.isascii() and sign.isdigit())
    return ((key,) if key else ()), digits, text[: match.start()] + " " + text[match.end() :]


def _take_year(text: str, *, today: date) -> tuple[int | None, str]:
    """A year beside a name narrows it: "walter 1948"."""
    match = re.search(r"(?<!\S)((?:18|19|20)\d\d)(?!\S)", text)
    if match is None or not 1880 <= int(match.group(1)) <= today.year:
        return None, text
    rest = text[: match.start()] + " " + text[match.end() :]
    return (int(match.group(1)), rest) if name_words(_NO_NAME.sub(" ", rest)) else (None, text)
