"""Listens to the facts that the actions of scheduling publish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from liaison.core.actor import Actor
from liaison.core.facts import Fact, reacts_to
from liaison.scheduling.events import (
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentMoved,
    AppointmentSeen,
)

F = TypeVar("F", bound=Fact)


@dataclass(slots=True)
class Heard:
    """The facts so far, in order."""

    facts: list[Fact] = field(default_factory=list)

    def of(self, kind: type[F]) -> Sequence[F]:
        """Those of one kind."""
        return [fact for fact in self.facts if isinstance(fact, kind)]


_ears: list[Heard] = []


@contextmanager
def listening() -> Iterator[Heard]:
    """Hear everything that is told meanwhile."""
    heard = Heard()
    _ears.append(heard)
    try:
        yield heard
    finally:
        _ears.remove(heard)


@reacts_to(AppointmentSeen)
@reacts_to(AppointmentMissed)
@reacts_to(AppointmentMoved)
@reacts_to(AppointmentCancelled)
@reacts_to(AppointmentBooked)
@reacts_to(AppointmentArrived)
def hear(fact: Fact, *, actor: Actor) -> None:
    """Remember it for whoever listens."""
    del actor
    for heard in _ears:
        heard.facts.append(fact)
