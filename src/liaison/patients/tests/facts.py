"""Listening to what is told, as another package would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from liaison.core import facts as core_facts
from liaison.core.actor import Actor
from liaison.core.facts import Fact


@contextmanager
def told(kind: type[Fact]) -> Iterator[list[Any]]:
    """Collect the facts of one kind that are told meanwhile."""
    heard: list[Any] = []

    def listen(fact: Any, /, *, actor: Actor) -> None:
        assert actor.is_system
        heard.append(fact)

    core_facts.reacts_to(kind)(listen)
    try:
        yield heard
    finally:
        core_facts._reactions[kind].remove(listen)
