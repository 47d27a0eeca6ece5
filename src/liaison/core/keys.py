"""One door per key: two at once wait for each other, the second finds what the first made.

A key is that of a form, or names what only one may do at a time: "mail:" and its digest, "registering a patient".
"""

from django.db import connection


def hold_key(key: str) -> None:
    """Let nobody else act under this key until the transaction ends (a lock of PostgreSQL, no row).

    Whoever holds it may ask for it again. Keys that differ do not wait for each other.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
