"""Django's PostgreSQL wrapper with the write guard on every connection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.backends.postgresql import base, creation, operations, schema
from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool

from liaison.core.postgres.guard import guard_writes, writes_open
from liaison.core.postgres.prepare import prepare_database

MOST_DEAD: Final = 3
"""Connections out of the pool that may turn out to be dead, one after the other, before the database counts as away."""


class SchemaEditor(schema.DatabaseSchemaEditor):
    """Migrations may write: the guard steps aside while a schema editor is at work."""

    def __enter__(self) -> Any:
        self._writes = writes_open()
        self._writes.__enter__()
        return super().__enter__()

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        try:
            super().__exit__(exc_type, exc_value, traceback)
        finally:
            self._writes.__exit__(exc_type, exc_value, traceback)


class DatabaseCreation(creation.DatabaseCreation):
    """Test databases get the organization's schema and the extensions before they are migrated."""

    def _create_test_db(self, verbosity: int, autoclobber: bool, keepdb: bool = False) -> str:  # noqa: FBT001, FBT002 - Django's signature
        name: str = super()._create_test_db(verbosity, autoclobber, keepdb)  # type: ignore[misc]  # the stubs don't know it
        prepare_database({**self.connection.settings_dict, "NAME": name})
        return name


class EmptyingRefused(RuntimeError):
    """Somebody asked to empty the whole database outside a test."""


class DatabaseOperations(operations.DatabaseOperations):
    """Emptying all tables is for tests that need real commits, and for nothing else."""

    def execute_sql_flush(self, sql_list: Iterable[str]) -> None:
        """Empty the tables with the append-only triggers asleep. Refused outside tests."""
        if settings.LIAISON_MODE != "test":
            raise EmptyingRefused("Liaison's tables are never emptied. Restore a backup instead.")
        with writes_open(), transaction.atomic(), self.connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for statement in sql_list:
                cursor.execute(statement)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection on which a write outside `act()` raises, and which is alive when it is given out.

    psycopg's pool finds dead connections (the server was restarted, or ended them) one at a time and pauses longer
    after each, so that the first request would wait until it gives up. Here the first dead one has all idle ones
    looked at, at once, and the request goes on with the next.
    """

    SchemaEditorClass = SchemaEditor
    creation_class = DatabaseCreation
    ops_class = DatabaseOperations

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(guard_writes)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection[Any]:
        """A connection that has just answered. Raises psycopg's OperationalError, or PoolTimeout."""
        given: Connection[Any] = super().get_new_connection(conn_params)
        if self.pool is None:
            return given
        for _dead in range(MOST_DEAD):
            try:
                ConnectionPool.check_connection(given)
            except OperationalError:
                self.pool.putconn(given)
                self.pool.check()
                given = super().get_new_connection(conn_params)
            else:
                break
        return given
