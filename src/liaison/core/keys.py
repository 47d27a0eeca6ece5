"""One door per idempotency key: two at once wait for each other, the second finds what the first made."""

from django.db import connection


def hold_key(key: str) -> None:
    """Let nobody else act under this key until the transaction ends (a lock of PostgreSQL, no row)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
