"""Every "no" that is expected is one of these.

A subclass stands in the module of its action. Its code never changes; its sentence tells people what
happened and which way out there is. One translator (`core.translate`) turns it into a page or a fragment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import ClassVar, Final

_made: ContextVar[list[Refusal] | None] = ContextVar("liaison_refusals", default=None)


@contextmanager
def collecting_refusals() -> Iterator[list[Refusal]]:
    """Collect every refusal that is made meanwhile, also one that is caught and told in a form (middleware only)."""
    made: list[Refusal] = []
    token = _made.set(made)
    try:
        yield made
    finally:
        _made.reset(token)


class Refusal(Exception):
    """An expected "no".

    `title` is the heading of its page, where the status alone would give a wrong one.
    `field` names the field of a form beside which the sentence stands, where it is about one; `fields` puts other
    sentences beside others.
    """

    code: ClassVar[str] = "core.refused"
    title: ClassVar[str] = ""
    sentence: str = "This can't be done."
    field: ClassVar[str] = ""
    status: ClassVar[int] = 422
    audited: bool = False

    def __init__(self, sentence: str | None = None, *, fields: Mapping[str, str] | None = None) -> None:
        self.sentence = sentence or self.sentence
        beside = {self.field: self.sentence} if self.field else {}
        self.fields: Mapping[str, str] = MappingProxyType(dict(fields or beside))
        super().__init__(self.sentence)
        made = _made.get()
        if made is not None:
            made.append(self)


class NotFound(Refusal):
    """What does not exist, and what this actor can't see: the two look the same from outside."""

    code = "core.not_found"
    sentence = "There is nothing here that you can see."
    status = 404


class Forbidden(Refusal):
    """Visible, but this verb is not for this actor here."""

    code = "core.forbidden"
    sentence = "Your role does not include this. Ask a supervisor if it should."
    status = 403


class StepUpNeeded(Refusal):
    """A sensitive verb that needs a fresh proof of who is at the keyboard."""

    code = "core.step_up"
    sentence = "Confirm that it is you, then do this again."
    status = 403


NO_VERSION: Final = 0
"""What a view expects when a form came without the version that it was filled in against: of that version is nothing,
so that it is refused as stale and never written over what stands. Versions count from 1."""


class Stale(Refusal):
    """Someone changed it after this form was opened."""

    code = "core.stale"
    sentence = "Someone changed this meanwhile. Look at what it says now, then do it again."
    status = 409


class Conflict(Refusal):
    """Two asked for one thing and the other was first."""

    code = "core.conflict"
    sentence = "Someone else was first. Look again and choose another."
    status = 409


_by_constraint: dict[str, Callable[[], Refusal]] = {}


def constraint_refusal(name: str, make: Callable[[], Refusal]) -> None:
    """Say once which refusal a database constraint stands for; `act()` does the rest."""
    if name in _by_constraint:
        raise ValueError(f"The constraint {name} is mapped twice.")
    _by_constraint[name] = make


def refusal_for_constraint(name: str | None) -> Refusal | None:
    """The refusal that a violated constraint stands for, or None: then it is a bug."""
    make = _by_constraint.get(name or "")
    return make() if make else None
