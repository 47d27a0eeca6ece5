"""The command palette: any patient, any action, and an action for a patient ("call walter")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from liaison.core.actor import Actor
from liaison.core.places import places_for
from liaison.core.spoken_time import age_in_words
from liaison.core.verbs import Verb
from liaison.core.written_time import full_day
from liaison.inbox import access as inbox_access
from liaison.orders.access import REFER
from liaison.patients import access as patient_access
from liaison.patients import queries as patients
from liaison.patients.access import SEE
from liaison.patients.models import Patient
from liaison.records.access import FILE_DOCUMENT
from liaison.scheduling.access import BOOK, BOOK_JOURNEY

_SMALL_WORDS: Final = frozenset({"a", "an", "the", "for"})
MOST_PATIENTS: Final = 8
MOST_PLACES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """Something to do for a patient: where the word that one types leads, and the verbs of which one opens it."""

    label: str | Promise
    name: str
    icon: str
    verbs: tuple[Verb, ...]
    in_path: bool = False
    also: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDoing:
    """Something that can be done for a patient: for the one whose page is open at `url`, else `typed` goes on, and
    the patient is asked."""

    label: str | Promise
    icon: str
    typed: str
    name: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPatient:
    """One patient, with what to do for them if that was typed."""

    name: str
    url: str
    icon: str
    born: str
    number: str
    doing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPlace:
    """One place to go."""

    label: str
    url: str
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the palette shows; `search_url` is empty for who may see no patient."""

    text: str
    patients: Sequence[FoundPatient]
    doings: Sequence[FoundDoing]
    places: Sequence[FoundPlace]
    search_url: str


_EDITS: Final = (
    patient_access.CHANGE,
    patient_access.CHANGE_CONTACTS,
    patient_access.CHANGE_PROXIES,
    patient_access.CHANGE_CARE_TEAM,
    patient_access.CHANGE_ALERTS,
    patient_access.MARK_DECEASED,
)
DOINGS: Final = {
    "call": Doing(label=_("Call"), name="inbox:call", icon="phone", verbs=(inbox_access.LOG_CALL,), also="log phone"),
    "book": Doing(
        label=_("Book"),
        name="scheduling:book",
        icon="calendar-plus",
        verbs=(BOOK,),
        also="visit appointment schedule",
    ),
    "several": Doing(
        label=_("Several visits"),
        name="scheduling:plan_journey",
        icon="route",
        verbs=(BOOK_JOURNEY,),
        also="journey together",
    ),
    "message": Doing(
        label=_("Message"),
        name="inbox:compose",
        icon="message",
        verbs=(inbox_access.SEND,),
        also="send write text mail",
    ),
    "note": Doing(label=_("Note"), name="inbox:note", icon="note", verbs=(inbox_access.WRITE_NOTE,), also="write"),
    "refer": Doing(label=_("Refer"), name="orders:refer", icon="send", verbs=(REFER,), in_path=True),
    "file": Doing(
        label=_("File a document"),
        name="records:file_document",
        icon="file-plus",
        verbs=(FILE_DOCUMENT,),
        in_path=True,
    ),
    "reach": Doing(
        label=_("How to reach them"),
        name="inbox:reach",
        icon="message-cog",
        verbs=(inbox_access.NOTE_PREFERENCE,),
        in_path=True,
    ),
    "edit": Doing(label=_("Edit"), name="patients:edit", icon="pencil", verbs=_EDITS, in_path=True),
}


def doings_of(actor: Actor) -> frozenset[str]:
    """The words of what the actor may do for patients somewhere; for which ones is asked when it is done."""
    return frozenset(word for word, doing in DOINGS.items() if any(actor.may(verb) for verb in doing.verbs))


def doings_under_glass(actor: Actor) -> frozenset[str]:
    """Those of them that emergency access opens."""
    opened = {word for word, doing in DOINGS.items() if any(verb.by_glass for verb in doing.verbs)}
    return doings_of(actor) & opened


def palette(actor: Actor, *, text: str, now: datetime, patient_id: int | None = None) -> Found:
    """What `text` may mean: patients by name, birth date, number or phone, what can be done for a patient (the one
    whose page is open, if `patient_id` says so), and places by their words."""
    words = text.strip().split()
    doing, rest = _split_doing(words)
    found = _patients(actor, text=" ".join(rest), doing=doing, now=now) if rest else ()
    search_url = _address("patients:search", query=urlencode({"q": text.strip()})) if actor.may(SEE) else ""
    return Found(
        text=text.strip(),
        patients=found,
        doings=tuple(_doings(actor, words=words, patient_id=patient_id, now=now)),
        places=tuple(_places(actor, words=words)),
        search_url=search_url,
    )


def _doings(actor: Actor, *, words: Sequence[str], patient_id: int | None, now: datetime) -> Iterator[FoundDoing]:
    """What every word that was typed begins a word of; nothing where nothing was typed."""
    may = doings_of(actor)
    said = [word.casefold() for word in words if word.casefold() not in _SMALL_WORDS]
    for code, doing in DOINGS.items():
        heard = f"{code} {doing.label} {doing.also}".casefold().split()
        if not said or code not in may or not all(_begins(word, heard=heard) for word in said):
            continue
        here = (
            Patient.objects.filter(pk__in=_may(actor, doing, patient_ids=[patient_id], now=now)) if patient_id else ()
        )
        name = next((one.display_name for one in here), "")
        url = _doing_address(doing, patient_id=patient_id) if name and patient_id else ""
        yield FoundDoing(label=doing.label, icon=doing.icon, typed=f"{code} ", name=name, url=url)


def _begins(word: str, *, heard: Sequence[str]) -> bool:
    return any(one.startswith(word) for one in heard)


def _split_doing(words: Sequence[str]) -> tuple[Doing | None, Sequence[str]]:
    """An action at the beginning or the end of what was typed, and the rest."""
    if len(words) > 1 and words[0].lower() in DOINGS:
        return DOINGS[words[0].lower()], words[1:]
    if len(words) > 1 and words[-1].lower() in DOINGS:
        return DOINGS[words[-1].lower()], words[:-1]
    return None, words


def _patients(actor: Actor, *, text: str, doing: Doing | None, now: datetime) -> tuple[FoundPatient, ...]:
    if not actor.may(SEE):
        return ()
    found, today = [], now.astimezone(actor.zone).date()
    hits = patients.search(actor, text=text, limit=MOST_PATIENTS, now=now)
    may = _may(actor, doing, patient_ids=[hit.patient_id for hit in hits], now=now) if doing else frozenset()
    for hit in hits:
        url = _doing_address(doing, patient_id=hit.patient_id) if doing and hit.patient_id in may else ""
        born = f"{full_day(hit.birth_on)} · {age_in_words(hit.birth_on, on=today)}" if hit.birth_on else ""
        found.append(
            FoundPatient(
                name=hit.listed_name,
                url=url or reverse("desk:patient", args=[hit.patient_id]),
                icon=doing.icon if doing and url else "user",
                born=born,
                number=hit.mrn,
                doing=str(doing.label) if doing and url else "",
            )
        )
    return tuple(found)


def _may(actor: Actor, doing: Doing, *, patient_ids: Sequence[int], now: datetime) -> frozenset[int]:
    """For which of these patients the actor may do it; the others are found as patients alone."""
    rows = Patient.objects.filter(pk__in=patient_ids)
    return frozenset(
        pk for verb in doing.verbs for pk in rows.visible_to(actor, verb, now=now).values_list("pk", flat=True)
    )


def _places(actor: Actor, *, words: Sequence[str]) -> Iterator[FoundPlace]:
    given = [word.casefold() for word in words]
    said = ((place, f"{place.label} {place.words}".casefold()) for place in places_for(actor))
    found = (place for place, heard in said if all(word in heard for word in given))
    for place in islice(found, MOST_PLACES):
        yield FoundPlace(label=str(place.label), url=place.url, icon=place.icon)


def _doing_address(doing: Doing, *, patient_id: int) -> str:
    if doing.in_path:
        return _address(doing.name, patient_id)
    return _address(doing.name, query=f"patient={patient_id}")


def _address(name: str, *args: int, query: str = "") -> str:
    try:
        url = reverse(name, args=args)
    except NoReverseMatch:
        return ""
    return f"{url}?{query}" if query else url
