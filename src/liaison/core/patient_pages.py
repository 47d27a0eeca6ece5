"""Pages that patients open without signing in: their own frame, wholly in English or wholly in Spanish.

The words of people who work here go through gettext, and there is no catalogue yet: a page for patients that asked
gettext would speak half a language. What a patient reads is written here and in each page's templates, by language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.dateformat import format as formatted

from liaison.core.clock import current_time, training_offset
from liaison.core.refusals import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A title and what to do."""

    title: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameWords:
    """What the frame says in one language. `day` is a pattern of Django's `date`."""

    name: str
    skip: str
    notices: str
    demo: str
    clock: str
    day: str
    not_here: Told
    too_large: Told
    unproven: Told
    unreadable: Told
    fault: Told


WORDS: Final[Mapping[str, FrameWords]] = MappingProxyType(
    {
        "en": FrameWords(
            name="English",
            skip="Skip to the content",
            notices="Notices",
            demo="This is a demonstration: every person here is invented.",
            clock="Training clock: here it is {day}.",
            day="l, F j, Y",
            not_here=Told(
                title="This link does not work",
                sentence="Part of it may be missing. Open it again from our message, or call the number in it.",
            ),
            too_large=Told(title="This is too large", sentence="Nothing was sent. Please call us."),
            unproven=Told(
                title="Please open the page again",
                sentence="Nothing was changed. The page was open too long, or your browser keeps no cookies. Open the "
                "link in our message once more, or call the number in it.",
            ),
            unreadable=Told(
                title="This could not be read",
                sentence="Nothing was changed. Open the link in our message once more, or call the number in it.",
            ),
            fault=Told(
                title="Something went wrong",
                sentence="This is our mistake, and nothing was changed. Try again in a few minutes, or call the number "
                "in our message.",
            ),
        ),
        "es": FrameWords(
            name="Español",
            skip="Ir al contenido",
            notices="Avisos",
            demo="Esto es una demostración: todas las personas son inventadas.",
            clock="Reloj de práctica: aquí es {day}.",
            day=r"l, j \d\e F \d\e Y",
            not_here=Told(
                title="Este enlace no funciona",
                sentence="Puede que falte una parte. Ábralo otra vez desde nuestro mensaje o llame al número que está "
                "en él.",
            ),
            too_large=Told(title="Es demasiado grande", sentence="No se envió nada. Llámenos, por favor."),
            unproven=Told(
                title="Abra la página otra vez",
                sentence="Nada cambió. La página estuvo abierta demasiado tiempo o su navegador no guarda cookies. "
                "Abra otra vez el enlace de nuestro mensaje o llame al número que está en él.",
            ),
            unreadable=Told(
                title="No se pudo leer",
                sentence="Nada cambió. Abra otra vez el enlace de nuestro mensaje o llame al número que está en él.",
            ),
            fault=Told(
                title="Algo salió mal",
                sentence="Es un error nuestro y nada cambió. Pruebe otra vez en unos minutos o llame al número que "
                "está en nuestro mensaje.",
            ),
        ),
    }
)
_TOLD_BY_STATUS: Final[Mapping[int, str]] = MappingProxyType(
    {400: "unreadable", 403: "unproven", 404: "not_here", 405: "unreadable", 413: "too_large"}
)
_HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}

_beginnings: set[str] = set()


def register_patient_pages(beginning: str) -> None:
    """Say how the addresses of a patient's pages begin ("/offer/"), so that a "no" there speaks to a patient."""
    _beginnings.add(beginning)


def is_for_patients(request: HttpRequest) -> bool:
    """Whether a patient opens this address."""
    return request.path.startswith(tuple(_beginnings))


def language_for(request: HttpRequest, *, otherwise: str = "") -> str:
    """The language of a page, en or es: what the address asks for, else `otherwise`, else what the browser prefers."""
    asked = request.GET.get("lang", "")
    if asked in WORDS:
        return asked
    preferred = otherwise or (translation.get_language() or "").partition("-")[0]
    return preferred if preferred in WORDS else "en"


def patient_page(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, language: str, status: int = 200
) -> HttpResponse:
    """Render a page in a language; `template` extends "liaison/base_patient.html". Nothing is asked of the database."""
    with translation.override(language):
        page = render_to_string(template, {**context, "frame": _frame(language), "here": request.get_full_path()})
    return HttpResponse(page, status=status, headers=_HEADERS)


def refused_patient(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """A "no" as a patient understands it: what staff would read stays out."""
    language = language_for(request)
    words = WORDS[language]
    told: Told = getattr(words, _TOLD_BY_STATUS.get(refusal.status, "fault"))
    return patient_page(
        request, "liaison/patient_refusal.html", {"told": told}, language=language, status=refusal.status
    )


def _frame(language: str) -> dict[str, Any]:
    words = WORDS[language]
    return {
        "language": language,
        "words": words,
        "organization": settings.LIAISON_ORGANIZATION,
        "banners": _banners(words, now=current_time()),
        "others": [(code, other.name) for code, other in WORDS.items() if code != language],
    }


def _banners(words: FrameWords, *, now: datetime) -> list[tuple[str, str]]:
    found = [("demo", words.demo)] if settings.LIAISON_MODE == "demo" else []
    if training_offset():
        found.append(("clock", words.clock.format(day=formatted(now, words.day))))
    return found
