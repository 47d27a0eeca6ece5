"""What is pressed twice at once: the same person asks for the same again, and is answered as the first time.

    @once
    def take_loop(actor, *, loop_id, now, expected_version=None): ...

A form carries the version that it was opened with, so its second press finds a later one: the first made it. `@once`
has the audit trail remember what was asked, as a digest, and at which version it left its row. Before an action refuses
what is asked as changed meanwhile, it calls `entry.only_once(row)`: where the same was asked and done a moment ago, and
nobody changed the row since, nothing more is done and the action returns the row as it stands. Another person, other
words and a row that went on are refused as ever.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar, cast

from django.db import models
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from liaison.core.actor import Actor
from liaison.core.models import AuditEntry

P = ParamSpec("P")
R = TypeVar("R")

A_MOMENT: Final = timedelta(minutes=1)
"""How long a second press may take: a finger, or a browser that sends a form again over a bad line."""
_OF_NO_ACCOUNT: Final = frozenset({"actor", "now"})


@dataclass(slots=True)
class _Press:
    """What is being asked, as a digest; `begun` once something of it stands in the trail."""

    digest: str
    begun: bool = False


_press: ContextVar[_Press | None] = ContextVar("liaison_press", default=None)


class SaidBefore(Exception):
    """Ends an act that has nothing left to do; `once` answers with the row. No refusal: it was done as asked."""

    def __init__(self, row: models.Model) -> None:
        super().__init__("This was asked before.")
        self.row = row


def once(action: Callable[P, R]) -> Callable[P, R]:
    """Answer the second press of this action as the first. It takes an `actor` and returns the row that it changes.

    Inside another such action it is a part of that one. What Liaison does by itself is never a press.
    """
    shape = inspect.signature(action)

    @wraps(action)
    def answered(*args: P.args, **kwargs: P.kwargs) -> R:
        given = shape.bind(*args, **kwargs).arguments
        actor: Actor = given["actor"]
        if _press.get() is not None or actor.is_system:
            return action(*args, **kwargs)
        name = f"{action.__module__}.{action.__qualname__}"
        token = _press.set(_Press(digest=_digest(name, actor=actor, given=given)))
        try:
            return action(*args, **kwargs)
        except SaidBefore as before:
            return cast("R", before.row)
        finally:
            _press.reset(token)

    return answered


def as_asked(row: models.Model | None) -> dict[str, Any]:
    """What the trail keeps of an act on this row: what was asked, and the version at which it leaves the row."""
    press = _press.get()
    if row is None or press is None:
        return {}
    press.begun = True
    return {"asked": press.digest, "left": getattr(row, "version", None)}


def was_asked_before(row: models.Model) -> bool:
    """Whether the same was asked and done on this row a moment ago, and it stands as that left it.

    Only the first act of a press asks: what follows finds in the trail what the first has just written.
    """
    press = _press.get()
    if press is None or press.begun:
        return False
    done = AuditEntry.objects.filter(
        recorded_at__gte=Now() - A_MOMENT,
        outcome=AuditEntry.Outcome.DONE,
        subject_type=row._meta.label_lower,
        subject_id=row.pk,
        details__asked=press.digest,
    )
    left = done.order_by("-id").values_list("details", flat=True).first()
    return left is not None and left["left"] == getattr(row, "version", None)


def _digest(name: str, *, actor: Actor, given: Mapping[str, Any]) -> str:
    words = {key: _plain(value) for key, value in given.items() if key not in _OF_NO_ACCOUNT}
    said = json.dumps([name, actor.user_id, words], sort_keys=True)
    return salted_hmac("liaison.core.twice", said, algorithm="sha256").hexdigest()[:32]


def _plain(value: Any) -> Any:
    """The same for the same value, whichever process asks."""
    if isinstance(value, models.Model):
        return [value._meta.label_lower, value.pk]
    if is_dataclass(value):
        return [_plain(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, Mapping):
        return sorted([str(key), _plain(each)] for key, each in value.items())
    if isinstance(value, set | frozenset):
        return sorted(str(_plain(each)) for each in value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value)
