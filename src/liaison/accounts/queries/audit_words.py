"""What an entry of the audit trail says in words: its details, its subject, the screen it came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.apps import apps

from liaison.accounts.models import Site, Team, User
from liaison.core.models import AuditEntry

_WORDS: Final = {
    "view": "screen",
    "of": "with",
    "from_user_id": "from",
    "user_id": "person",
    "was": "before",
    "site_id": "site",
    "site": "site",
    "team_ids": "teams",
    "sha256": "fingerprint",
    "digest": "fingerprint",
    "shown": "entries shown",
    "entry_id": "entry",
}
_SUBJECTS: Final = {
    "accounts.assignment": "role",
    "loops.handover": "hand-over",
    "loops.loopevent": "line of a loop’s story",
    "patients.breakglassgrant": "emergency access",
    "patients.contactpoint": "way to reach a patient",
    "core.auditentry": "entry of the audit trail",
    "scheduling.calendarfeed": "secret calendar address",
}
_AREAS: Final = {
    "accounts": "People and sign-in",
    "desk": "Desk",
    "directory": "Directory",
    "inbox": "Messages and calls",
    "loops": "Loops",
    "orders": "Referrals",
    "pathways": "Protocols",
    "patients": "Patients",
    "records": "Records",
    "scheduling": "Calendar",
}
_SCREENS: Final = {
    "desk:home": "the desk",
    "desk:column": "the board, one person’s column",
    "desk:board": "the board",
    "desk:loop": "a loop",
    "desk:patient": "the patient’s page",
    "desk:timeline": "the patient’s timeline",
    "desk:palette": "find anything",
    "inbox:call": "logging a call",
    "inbox:call_shown": "a call",
    "inbox:compose": "writing a message",
    "inbox:note": "writing a note",
    "inbox:demo_mailbox": "the demonstration’s mailbox",
    "patients:search": "the search for patients",
    "patients:edit": "the patient’s details",
    "scheduling:day": "a day of the calendar",
    "scheduling:book": "booking a visit",
    "accounts:audit": "the audit trail",
}
_PEOPLE: Final = frozenset({"user_id", "from_user_id", "was"})
_LONGEST_FINGERPRINT: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the ids in some entries are called: people, sites, teams."""

    people: Mapping[int, str]
    sites: Mapping[int, str]
    teams: Mapping[int, str]


NOBODY: Final = Names(people={}, sites={}, teams={})


def names_in(entries: Iterable[AuditEntry]) -> Names:
    """The names behind the ids of these entries, in three queries."""
    wanted = set[int]()
    for entry in entries:
        ids = [entry.details.get(key) for key in _PEOPLE]
        wanted |= {one for one in ids if isinstance(one, int)}
        if entry.subject_type == "accounts.user" and entry.subject_id:
            wanted.add(entry.subject_id)
    return Names(
        people=dict(User.objects.filter(pk__in=wanted).values_list("pk", "name")),
        sites=dict(Site.objects.values_list("pk", "name")),
        teams=dict(Team.objects.values_list("pk", "name")),
    )


def subject_words(entry: AuditEntry, *, names: Names) -> str:
    """What an entry is about: "hand-over no. 1", a person by name; "" when it is about no one thing."""
    if not entry.subject_id:
        return ""
    if entry.subject_type == "accounts.user":
        return names.people.get(entry.subject_id, f"person no. {entry.subject_id}")
    try:
        usual = str(apps.get_model(entry.subject_type)._meta.verbose_name)
    except (LookupError, ValueError):
        usual = entry.subject_type.rpartition(".")[2]
    return f"{_SUBJECTS.get(entry.subject_type, usual)} no. {entry.subject_id}"


def tells(key: str, value: object) -> bool:
    """Whether a detail says what the row does not say already."""
    if key == "patient_id" or (isinstance(value, dict) and set(value) <= {"patient_id"}):
        return False
    return value not in ([], "", None) and (key, value) not in (("status", 200), ("repeated", False))


def fact_words(key: str, value: object, *, names: Names) -> str:
    """One detail in words: "from: Rosa Delgado", "screen: the board"."""
    if key == "repeated":
        return "sent twice, done once"
    head = _WORDS.get(key, key.removesuffix("_id").replace("_", " "))
    if isinstance(value, dict):
        parts = {
            part.removesuffix("_id").replace("_", " "): what for part, what in value.items() if part != "patient_id"
        }
        return f"{head} " + ", ".join(f"{part} {what}" for part, what in parts.items())
    return f"{head}: {_value(key, value, names=names)}"


def _value(key: str, value: object, *, names: Names) -> str:
    if isinstance(value, list):
        return ", ".join(_value(key, one, names=names) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return _named(key, value, names=names)
    if key == "view":
        return _screen(str(value))
    return str(value)[:_LONGEST_FINGERPRINT] if key in {"sha256", "digest"} else str(value)


def _named(key: str, value: int, *, names: Names) -> str:
    """The name behind an id, a number of something without one, or a count."""
    if key in _PEOPLE:
        return names.people.get(value, f"no. {value}")
    if key in {"site_id", "site"}:
        return names.sites.get(value, f"no. {value}")
    if key == "team_ids":
        return names.teams.get(value, f"no. {value}")
    return f"no. {value}" if key.endswith("_id") else str(value)


def _screen(view: str) -> str:
    area, _colon, name = view.partition(":")
    return _SCREENS.get(view) or f"{_AREAS.get(area, area)}, {name.replace('_', ' ')}".rstrip(", ")
