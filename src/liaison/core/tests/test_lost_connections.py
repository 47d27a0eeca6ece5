"""A database that ended our connections and is up again: nobody waits, nobody is told that it is away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from liaison.core.postgres.base import DatabaseWrapper

IDLE = 6


@pytest.fixture
def pooled() -> Iterator[DatabaseWrapper]:
    """A wrapper with a pool of its own, in which several connections lie idle."""
    options = {**connection.settings_dict["OPTIONS"], "pool": {"min_size": IDLE, "max_size": IDLE + 2, "timeout": 10}}
    made = DatabaseWrapper({**connection.settings_dict, "OPTIONS": options}, alias="default")
    made._connection_pools = {}
    try:
        made.pool.open()
        made.pool.wait()
        yield made
    finally:
        made.close()
        made.close_pool()


def answer_of(wrapper: DatabaseWrapper) -> int:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT 7")
        found: int = cursor.fetchone()[0]
    wrapper.close()
    return found


@pytest.mark.django_db(transaction=True)
def test_the_first_request_after_the_server_ended_all_connections_is_answered(pooled: DatabaseWrapper) -> None:
    assert answer_of(pooled) == 7
    before = {idle.info.backend_pid for idle in pooled.pool._pool}
    with connection.cursor() as cursor:
        cursor.execute("SELECT bool_and(pg_terminate_backend(pid, 5000)) FROM unnest(%s::int[]) pid", [list(before)])
        assert cursor.fetchone()[0]
    assert answer_of(pooled) == 7
    assert not before & {idle.info.backend_pid for idle in pooled.pool._pool}


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_lives_is_given_as_it_is(pooled: DatabaseWrapper) -> None:
    before = {idle.info.backend_pid for idle in pooled.pool._pool}
    assert answer_of(pooled) == answer_of(pooled) == 7
    assert before == {idle.info.backend_pid for idle in pooled.pool._pool}
