"""The write guard: outside `act()` nothing writes but sessions, sign-in tables, jobs and migrations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_WRITE = re.compile(
    r"""\b(?:INSERT\s+INTO|UPDATE(?:\s+ONLY)?|DELETE\s+FROM(?:\s+ONLY)?|MERGE\s+INTO|TRUNCATE(?:\s+TABLE)?)
        \s+(?:"?\w+"?\.)?"?(\w+)"?""",
    re.IGNORECASE | re.VERBOSE,
)
_STARTS_A_WRITE = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|MERGE|TRUNCATE|WITH)\b", re.IGNORECASE)
_EXEMPT = (
    "django_session",
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "procrastinate_",
    "axes_",
    "account_",
    "mfa_",
    "core_presence",
)

_open: ContextVar[bool] = ContextVar("liaison_writes_open", default=False)


class UnguardedWrite(RuntimeError):
    """A write outside `act()`: a bug. Move it into an action."""


@contextmanager
def writes_open() -> Iterator[None]:
    """Let writes through; only `act()`, migrations and a test's own set-up use this."""
    token = _open.set(True)
    try:
        yield
    finally:
        _open.reset(token)


def guard_writes(execute: Callable[..., Any], sql: Any, params: Any, many: Any, context: Any) -> Any:
    """Refuse a write outside `act()` (a Django execute wrapper)."""
    if not _open.get():
        table = written_table(str(sql))
        if table is not None:
            raise UnguardedWrite(f"A write to {table} outside act(). Put it into an action.")
    return execute(sql, params, many, context)


def written_table(sql: str) -> str | None:
    """The first guarded table that `sql` writes to, or None when it only reads or writes exempt tables."""
    if not _STARTS_A_WRITE.match(sql):
        return None
    for found in _WRITE.finditer(sql):
        table = found.group(1).lower()
        if table != "set" and not table.startswith(_EXEMPT):
            return table
    return None
