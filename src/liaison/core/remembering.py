"""Answers that one page asks for many times: remembered while it is made, never longer.

Only requests that change nothing remember (`RememberingMiddleware`), and every `act()` forgets: an answer about who
may see whom must not outlive what it was read from.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Answer = TypeVar("Answer")

_known: ContextVar[dict[Hashable, object] | None] = ContextVar("liaison_remembered", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Remember answers inside; what was known outside is not seen, and comes back after."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def remembered(key: Hashable, ask: Callable[[], Answer]) -> Answer:
    """The answer under `key`, asked for once inside `remembering()`; outside it is asked for every time."""
    known = _known.get()
    if known is None:
        return ask()
    if key not in known:
        known[key] = ask()
    return known[key]  # type: ignore[return-value]  # the key stands for one kind of answer


def forget() -> None:
    """Something changes: whatever was remembered is asked for again."""
    known = _known.get()
    if known is not None:
        known.clear()
