"""One key, one at a time; other keys do not wait."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from django.db import connection, transaction

from liaison.core.keys import hold_key


def _held(key: str) -> str:
    """Hold it on a connection of its own for as long as it takes to say so."""
    try:
        with transaction.atomic():
            hold_key(key)
        return key
    finally:
        connection.close()


def _waits(running: Future[str]) -> bool:
    """True once it waits for a lock, False once it has it."""
    with connection.cursor() as cursor:
        while not running.done():
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees its first look again
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
            )
            if cursor.fetchone() == (1,):
                return True
    return False


def test_the_same_key_waits_until_the_first_is_done_and_another_does_not(transactional_db: None) -> None:
    with ThreadPoolExecutor(2) as threads:
        with transaction.atomic():
            hold_key("form:1:a")
            hold_key("form:1:a")
            assert not _waits(threads.submit(_held, "form:1:b"))
            second = threads.submit(_held, "form:1:a")
            assert _waits(second)
        assert second.result() == "form:1:a"
