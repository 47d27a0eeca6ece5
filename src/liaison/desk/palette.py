"""The command palette: any patient, any action, and an action for a patient ("call walter")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from liaison.accounts.access import DESK_ROLES, Role
from liaison.core.actor import Actor
from liaison.core.spoken_time import age_in_words
from liaison.pathways.access import READ as PROTOCOLS
from liaison.patients import queries as patients

MOST_PATIENTS: Final = 8
MOST_PLACES: Final = 8
EVERYBODY: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somewhere to go; found by its label and by further words."""

    label: str | Promise
    name: str
    icon: str
    query: str = ""
    words: str = ""
    roles: frozenset[str] = EVERYBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """Something to do for a patient: the word that one types, and where it leads."""

    label: str | Promise
    name: str
    icon: str
    in_path: bool = False


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
    """What the palette shows."""

    text: str
    patients: Sequence[FoundPatient]
    places: Sequence[FoundPlace]
    search_url: str


_DESK: Final = frozenset(str(role) for role in DESK_ROLES)
_SUPERVISOR: Final = frozenset({str(Role.SUPERVISOR)})

PLACES: Final = (
    Place(label=_("Desk: mine"), name="desk:home", icon="inbox", query="tab=mine", words="home", roles=_DESK),
    Place(label=_("Desk: my teams"), name="desk:home", icon="users-group", query="tab=teams", roles=_DESK),
    Place(
        label=_("Desk: overdue"),
        name="desk:home",
        icon="alert-triangle",
        query="tab=overdue",
        words="late",
        roles=_DESK,
    ),
    Place(label=_("Desk: today"), name="desk:home", icon="clock", query="tab=today", words="due", roles=_DESK),
    Place(label=_("Desk: waiting on others"), name="desk:home", icon="hourglass", query="tab=waiting", roles=_DESK),
    Place(label=_("Find a patient"), name="patients:search", icon="user-search", words="search", roles=_DESK),
    Place(label=_("Register a new patient"), name="patients:new", icon="user-plus", words="add create", roles=_DESK),
    Place(label=_("Calendar"), name="scheduling:day", icon="calendar", words="day schedule rooms"),
    Place(label=_("Clinic flow"), name="scheduling:flow", icon="route", words="board arrived waiting late seen"),
    Place(label=_("Protocols"), name="pathways:protocols", icon="clipboard-list", roles=frozenset(PROTOCOLS.roles)),
    Place(label=_("Referrals"), name="orders:referrals", icon="send", roles=_DESK),
    Place(label=_("Messages"), name="inbox:messages", icon="mail", words="inbox mail", roles=_DESK),
    Place(
        label=_("Directory"), name="directory:home", icon="address-book", words="clinicians places phone", roles=_DESK
    ),
    Place(label=_("Possible duplicates"), name="patients:duplicates", icon="users", words="merge"),
    Place(
        label=_("Board: who has how much"), name="desk:board", icon="layout-board", words="team load", roles=_SUPERVISOR
    ),
    Place(
        label=_("Hand over a desk"),
        name="loops:hand_over",
        icon="arrows-exchange",
        words="absent away cover",
        roles=_SUPERVISOR,
    ),
    Place(
        label=_("Audit trail"),
        name="accounts:audit",
        icon="shield",
        words="who saw",
        roles=frozenset({str(Role.PRIVACY_OFFICER)}),
    ),
    Place(
        label=_("People and roles"),
        name="accounts:people",
        icon="user-cog",
        words="staff team",
        roles=frozenset({str(Role.ADMINISTRATOR)}),
    ),
    Place(label=_("What patients received"), name="inbox:demo_mailbox", icon="mail", words="demo mailbox"),
    Place(label=_("My account"), name="accounts:mine", icon="user", words="password passkey sessions"),
    Place(label=_("Sign out"), name="account_logout", icon="logout", words="leave quit"),
)

DOINGS: Final = {
    "call": Doing(label=_("Call"), name="inbox:call", icon="phone"),
    "book": Doing(label=_("Book"), name="scheduling:book", icon="calendar-plus"),
    "message": Doing(label=_("Message"), name="inbox:compose", icon="message"),
    "note": Doing(label=_("Note"), name="inbox:note", icon="note"),
    "refer": Doing(label=_("Refer"), name="orders:refer", icon="send", in_path=True),
    "file": Doing(label=_("File a document"), name="records:file_document", icon="file-plus", in_path=True),
    "reach": Doing(label=_("How to reach them"), name="inbox:reach", icon="message-cog", in_path=True),
    "edit": Doing(label=_("Edit"), name="patients:edit", icon="pencil", in_path=True),
}


def palette(actor: Actor, *, text: str, now: datetime) -> Found:
    """What `text` may mean: patients by name, birth date, number or phone, and places by their words."""
    words = text.strip().split()
    doing, rest = _split_doing(words)
    found = _patients(actor, text=" ".join(rest), doing=doing, now=now) if rest else ()
    search_url = _address("patients:search", query=urlencode({"q": text.strip()})) or "/"
    return Found(text=text.strip(), patients=found, places=tuple(_places(actor, words=words)), search_url=search_url)


def _split_doing(words: Sequence[str]) -> tuple[Doing | None, Sequence[str]]:
    """An action at the beginning or the end of what was typed, and the rest."""
    if len(words) > 1 and words[0].lower() in DOINGS:
        return DOINGS[words[0].lower()], words[1:]
    if len(words) > 1 and words[-1].lower() in DOINGS:
        return DOINGS[words[-1].lower()], words[:-1]
    return None, words


def _patients(actor: Actor, *, text: str, doing: Doing | None, now: datetime) -> tuple[FoundPatient, ...]:
    if not actor.roles & _DESK and not actor.is_system:
        return ()
    found, today = [], now.astimezone(actor.zone).date()
    for hit in patients.search(actor, text=text, limit=MOST_PATIENTS, now=now):
        url = _doing_address(doing, patient_id=hit.patient_id) if doing else ""
        born = f"{hit.birth_on:%Y-%m-%d} · {age_in_words(hit.birth_on, on=today)}" if hit.birth_on else ""
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


def _places(actor: Actor, *, words: Sequence[str]) -> Iterator[FoundPlace]:
    given = [word.casefold() for word in words]
    shown = 0
    for place in PLACES:
        said = f"{place.label} {place.words}".casefold()
        if (place.roles and not place.roles & actor.roles) or not all(word in said for word in given):
            continue
        url = _address(place.name, query=place.query)
        if url and shown < MOST_PLACES:
            shown += 1
            yield FoundPlace(label=str(place.label), url=url, icon=place.icon)


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
