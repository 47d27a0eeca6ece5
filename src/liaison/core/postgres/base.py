"""Django's PostgreSQL wrapper with the write guard on every connection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.backends.postgresql import base, creation, operations, schema

from liaison.core.postgres.guard import guard_writes, writes_open
from liaison.core.postgres.prepare import prepare_database


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

    def _create_test_db(self, verbosity: int, autoclobber: bool, keepdb: bool = False) -> str:  # noqa: FBT001, FBT002
        name: str = super()._create_test_db(verbosity, autoclobber, keepdb)  # type: ignore[misc]
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
    """A connection on which a write outside `act()` raises."""

    SchemaEditorClass = SchemaEditor
    creation_class = DatabaseCreation
    ops_class = DatabaseOperations

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(guard_writes)
