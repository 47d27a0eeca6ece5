"""The session store: Django's database store, with whose session it is beside it, so that it can be listed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import OperationalError

from liaison.accounts.models import Session

BEGAN = "liaison_began"
SEEN = "liaison_seen"
BROWSER = "liaison_browser"
ADDRESS = "liaison_address"
STASH = "liaison_stash"


class SessionStore(DatabaseStore):
    """Keeps a session in its row, with the person, the times and the browser in columns of their own."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Our rows instead of Django's."""
        return Session

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's signature
        """Keep it. A database that is away is told as that, not as a session that somebody ended (a 400)."""
        try:
            super().save(must_create)
        except UpdateError as error:
            if isinstance(error.__context__, OperationalError):
                raise error.__context__ from None
            raise

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """The row for this session's present content."""
        row = super().create_model_instance(data)
        assert isinstance(row, Session)  # noqa: S101 - says it to the type checker
        person = data.get(SESSION_KEY)
        row.user_id = int(person) if person else None
        row.began_at = _instant(data.get(BEGAN))
        row.seen_at = _instant(data.get(SEEN))
        row.browser = str(data.get(BROWSER, ""))[:300]
        row.address = data.get(ADDRESS) or None
        return row


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
