"""What packages above tell this one: which open work a person still holds.

A package that gives work to people registers a counter in its `AppConfig.ready()`, so that an account is
never closed while something waits for its owner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldWork:
    """Open work of one kind that a person holds. `label` completes "still holds 12 …"."""

    label: str
    count: int
    hand_over_url: str = ""


OpenWorkCounter = Callable[[int], HeldWork]
"""Counts the open work of the person with this user id."""

_counters: dict[str, OpenWorkCounter] = {}


def register_open_work(code: str, counter: OpenWorkCounter) -> None:
    """Register a counter under a code such as "loops.open"; registering the same code again replaces it."""
    _counters[code] = counter


def open_work_of(user_id: int) -> tuple[HeldWork, ...]:
    """Everything open that this person holds; empty when nothing waits for them."""
    held = (counter(user_id) for _, counter in sorted(_counters.items()))
    return tuple(work for work in held if work.count)
