"""What becomes of a session when its row or the whole database is gone."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.db import OperationalError, connection

from liaison.accounts.models import Session
from liaison.accounts.sessions import SessionStore


@pytest.fixture
def store(transactional_db: None) -> SessionStore:
    """A session that was kept."""
    store = SessionStore()
    store.create()
    return store


def test_a_session_that_somebody_ended_is_not_kept_again(store: SessionStore) -> None:
    store.save()
    Session.objects.all().delete()
    with pytest.raises(UpdateError):
        store.save()


def test_a_database_that_is_lost_is_not_taken_for_an_ended_session(store: SessionStore) -> None:
    with suppress(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    try:
        with pytest.raises(OperationalError):
            store.save()
    finally:
        connection.close()
