"""Facts: what happened, told upwards to packages that may want to react.

A fact carries ids and an instant, never a patient's data. Reactions run inside the transaction of the act
that published the fact, after its body, in the order of publishing; they act as Liaison for that actor.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from liaison.core.actor import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that happened `at` an instant. Subclasses live in each package's `events.py`."""

    at: datetime


F_contra = TypeVar("F_contra", bound=Fact, contravariant=True)
F = TypeVar("F", bound=Fact)


class Reaction(Protocol[F_contra]):
    """An answer to a fact: a function of the fact and of Liaison acting for whoever caused it."""

    def __call__(self, fact: F_contra, /, *, actor: Actor) -> None:
        """React to `fact`; `actor` is Liaison, acting for whoever caused it."""
        ...


_reactions: dict[type[Fact], list[Callable[..., None]]] = defaultdict(list)


def reacts_to(kind: type[F]) -> Callable[[Reaction[F]], Reaction[F]]:
    """Register a reaction to one kind of fact (in a package's `reactions.py`)."""

    def register(reaction: Reaction[F]) -> Reaction[F]:
        if reaction not in _reactions[kind]:
            _reactions[kind].append(reaction)
        return reaction

    return register


def reactions_to(kind: type[Fact]) -> Sequence[Callable[..., None]]:
    """The reactions to a kind of fact, in the order of registration."""
    return tuple(_reactions.get(kind, ()))


def all_reactions() -> Mapping[type[Fact], Sequence[Callable[..., Any]]]:
    """Every reaction by kind of fact, for the generated page."""
    return {kind: tuple(found) for kind, found in _reactions.items()}
