"""What packages above tell this one: which open work a person still holds, and whom the audit trail is about.

A package that gives work to people registers a counter in its `AppConfig.ready()`, so that an account is
never closed while something waits for its owner. The package of the patients registers how they are found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from liaison.core.actor import Actor
from liaison.core.verbs import Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldWork:
    """Open work of one kind that a person holds. `label` completes "still holds 12 …"."""

    label: str
    count: int
    hand_over_url: str = ""


OpenWorkCounter = Callable[[int], HeldWork]
"""Counts the open work of the person with this user id."""

_counters: dict[str, OpenWorkCounter] = {}


def in_words(held: Iterable[HeldWork]) -> str:
    """How much of what, as a sentence names it: "12 open loops"."""
    return ", ".join(f"{work.count} {work.label}" for work in held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What a person is about to lose: roles (ids of their assignments) and teams (ids), of which they keep the rest."""

    user_id: int
    assignment_ids: frozenset[int] = frozenset()
    team_ids: frozenset[int] = frozenset()


LostWorkCounter = Callable[[Leaving, datetime], HeldWork]
"""Counts the open work that would be left behind if the person lost this at that instant."""

_lost_counters: dict[str, LostWorkCounter] = {}


def register_lost_work(code: str, counter: LostWorkCounter) -> None:
    """Register a counter under a code such as "loops.mine"; registering the same code again replaces it."""
    _lost_counters[code] = counter


def lost_work(leaving: Leaving, *, now: datetime) -> tuple[HeldWork, ...]:
    """The open work that would be left behind with who can't see it; empty when there is none."""
    lost = (counter(leaving, now) for _, counter in sorted(_lost_counters.items()))
    return tuple(work for work in lost if work.count)


def register_open_work(code: str, counter: OpenWorkCounter) -> None:
    """Register a counter under a code such as "loops.open"; registering the same code again replaces it."""
    _counters[code] = counter


def open_work_of(user_id: int) -> tuple[HeldWork, ...]:
    """Everything open that this person holds; empty when nothing waits for them."""
    held = (counter(user_id) for _, counter in sorted(_counters.items()))
    return tuple(work for work in held if work.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedPatient:
    """A patient as the search of the audit trail names them."""

    patient_id: int
    name: str
    birth_on: date | None
    record_number: str


class PatientFinder(Protocol):
    """Finds the patients whom somebody who searches the audit trail may know."""

    def find(self, actor: Actor, *, text: str, now: datetime) -> Sequence[AuditedPatient]:
        """A few whom `text` may mean: a name, a record number, the number in Liaison."""
        ...

    def names(self, actor: Actor, *, patient_ids: Iterable[int], now: datetime) -> Mapping[int, str]:
        """The names of those of these patients whom this reader may know."""
        ...

    def merged_into(self, patient_id: int) -> Sequence[int]:
        """The numbers that this patient had before merges."""
        ...


_finders: list[PatientFinder] = []


def register_patient_finder(finder: PatientFinder) -> None:
    """Let the package of the patients say how they are found (called in `AppConfig.ready`); the last one counts."""
    _finders[:] = [finder]


def patient_finder() -> PatientFinder | None:
    """How patients are found, or None where nobody says."""
    return _finders[0] if _finders else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPage:
    """A page of another package about oneself; it stands on the account page of who holds `verb` anywhere."""

    label: object
    name: str
    icon: str
    verb: Verb


_own_pages: dict[str, OwnPage] = {}


def register_own_page(page: OwnPage) -> None:
    """Offer a page about oneself (called in `AppConfig.ready`); registering the same address again replaces it."""
    _own_pages[page.name] = page


def own_pages(actor: Actor) -> tuple[OwnPage, ...]:
    """The pages that this person may open, by address."""
    return tuple(page for _, page in sorted(_own_pages.items()) if actor.may(page.verb))
