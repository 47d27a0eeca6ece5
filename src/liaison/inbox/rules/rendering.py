"""Filling a template's merge fields, and never sending one with a hole in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from html import escape

from liaison.core.languages import main_language
from liaison.core.letters import plain

FIELD = re.compile(r"\{([a-z][a-z0-9_]*)\}")
FIELDS = frozenset(
    {"called_as", "org", "site", "address", "phone", "date", "time", "old_date", "old_time", "visits", "text", "link"}
)
"""The only merge fields there are: none can carry a diagnosis, a specialty or a result (DOMAIN 8.1)."""

_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")
_WEEKDAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
}
_MONTHS = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "es": [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
}
_HALVES = {"en": ("AM", "PM"), "es": ("a. m.", "p. m.")}
_NOON = 12

Value = str | date | datetime | time | tuple[datetime, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message as the patient will read it."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """The fields that are blank or unknown, in the order of the text."""

    fields: tuple[str, ...]


def render(
    *, subject: str, body: str, required: frozenset[str], context: Mapping[str, Value], language: str
) -> Rendered | Missing:
    """Fill `{field}` places; Missing when a required field is blank or the text names one that does not exist.

    A field that is not required may be blank; a line whose fields are all blank disappears. Dates and times may be
    given as such and are written out in the language. What turns the direction of other text, or is not seen, goes;
    letters of every script stay.
    """
    subject, body = plain(subject), plain(body)
    words = {key: plain(written(value, language=language)).strip() for key, value in context.items()}
    named = dict.fromkeys(FIELD.findall(f"{subject}\n{body}"))
    missing = tuple(name for name in named if name not in FIELDS or (name in required and not words.get(name)))
    if missing:
        return Missing(fields=missing)
    lines = [_fill(line, words=words) for line in body.strip().split("\n") if not _all_blank(line, words=words)]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return Rendered(subject=" ".join(_fill(subject, words=words).split()), body=text + "\n")


USUAL_NUMBER = {"en": "our usual number", "es": "número de siempre"}
"""What stands after "call us at" and "llame al" when a message must go and no site of the organization has a number."""

_ABOUT = {"en": "This message is about {name}.", "es": "Este mensaje es sobre {name}."}


def about_patient(body: str, *, name: str, language: str) -> str:
    """The same text for a proxy: after the greeting it says about whom it is."""
    greeting, _, rest = body.partition("\n\n")
    return f"{greeting}\n\n{_ABOUT[language].format(name=name)}\n\n{rest}"


def _fill(line: str, *, words: Mapping[str, str]) -> str:
    return FIELD.sub(lambda match: words.get(match.group(1), ""), line)


def _all_blank(line: str, *, words: Mapping[str, str]) -> bool:
    names = FIELD.findall(line)
    return bool(names) and not any(words.get(name) for name in names)


def language_of(tag: str, *, offered: frozenset[str] = frozenset({"en", "es"})) -> str:
    """The language we write in for a BCP-47 tag: its primary part if we have texts in it, else English."""
    primary = main_language(tag)
    return primary if primary in offered else "en"


def written(value: Value, *, language: str) -> str:
    """A merge value in words: 'Monday, March 2, 2026', 'lunes, 2 de marzo de 2026', '2:30 PM', '2:30 p. m.';
    several moments are a list, one a line."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return "\n".join(f"- {written(one, language=language)}" for one in value)
    if isinstance(value, datetime):
        return f"{_written_date(value.date(), language=language)}, {_written_time(value.time(), language=language)}"
    if isinstance(value, date):
        return _written_date(value, language=language)
    if isinstance(value, time):
        return _written_time(value, language=language)
    return value


def _written_date(day: date, *, language: str) -> str:
    weekday, month = _WEEKDAYS[language][day.weekday()], _MONTHS[language][day.month - 1]
    if language == "es":
        return f"{weekday}, {day.day} de {month} de {day.year}"
    return f"{weekday}, {month} {day.day}, {day.year}"


def _written_time(at: time, *, language: str) -> str:
    half = _HALVES[language][at.hour >= _NOON]
    return f"{(at.hour - 1) % _NOON + 1}:{at.minute:02d} {half}"


def as_html(body: str, *, language: str) -> str:
    """The same text as a small HTML page: paragraphs, line breaks and links, nothing loaded from anywhere."""
    paragraphs = [part for part in re.split(r"\n{2,}", body.strip()) if part.strip()]
    inner = "\n".join(f"<p>{_html_line(part)}</p>" for part in paragraphs)
    return (
        f'<!doctype html>\n<html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"></head>'
        '<body style="font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:1.5em auto;padding:0 1em">\n'
        f"{inner}\n</body></html>\n"
    )


def _html_line(part: str) -> str:
    pieces: list[str] = []
    end = 0
    for match in _LINK.finditer(part):
        pieces.append(escape(part[end : match.start()]))
        pieces.append(f'<a href="{escape(match.group())}">{escape(match.group())}</a>')
        end = match.end()
    pieces.append(escape(part[end:]))
    return "".join(pieces).replace("\n", "<br>\n")
