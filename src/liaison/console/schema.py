"""Bring the database to the state that this release needs, and refuse one of a newer release."""

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from liaison.console.problems import Problem, one_line
from liaison.core.postgres.prepare import prepare_database

OLDEST_VERSION = 15


def migrate() -> int:
    """Prepare the schema and the extensions and apply what is missing; returns how many migrations that were.

    Refuses: a database that doesn't answer, PostgreSQL older than 15, a role that may not create what is missing,
    a database that a newer release has migrated, a protocol whose content changed under the same version.
    """
    from liaison.pathways.actions import refuse_changed_protocols

    try:
        prepare_database(settings.DATABASES["default"])
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version_num")
            major = int(cursor.fetchone()[0]) // 10000
        if major < OLDEST_VERSION:
            raise Problem(f"Liaison needs PostgreSQL {OLDEST_VERSION} or newer, this is {major}.")
        waiting = _waiting()
        if waiting:
            call_command("migrate", verbosity=0, interactive=False)
        refuse_changed_protocols()
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported) as error:
        raise Problem(
            f"The database can't be prepared: {one_line(error)}. As its owner, run: "
            f"CREATE SCHEMA {settings.LIAISON_SCHEMA}; CREATE EXTENSION btree_gist; CREATE EXTENSION pg_trgm;"
        ) from error
    except (psycopg.OperationalError, DatabaseError) as error:
        raise Problem(f"The database does not answer or refuses: {one_line(error)}. Is DATABASE_URL right?") from error
    return waiting


def refuse_unless_migrated() -> None:
    """Refuse a database that is empty, behind or ahead of this release."""
    try:
        waiting, is_new = _waiting(), not MigrationRecorder(connection).applied_migrations()
    except DatabaseError as error:
        raise Problem(f"The database does not answer: {one_line(error)}. Is DATABASE_URL right?") from error
    if is_new:
        raise Problem(
            "The database is still empty. Run `liaison up` once: its first start sets up tables, sites and people "
            "(`liaison migrate` the tables alone). Then run this again."
        )
    if waiting:
        raise Problem(
            f"The database lacks {waiting} migrations of this release. Run `liaison up` or `liaison migrate`."
        )


def _waiting() -> int:
    executor = MigrationExecutor(connection)
    unknown = set(executor.loader.applied_migrations) - set(executor.loader.disk_migrations or {})
    replaced = {key for migration in (executor.loader.disk_migrations or {}).values() for key in migration.replaces}
    newer = sorted(f"{app}.{name}" for app, name in unknown - replaced)
    if newer:
        raise Problem(
            f"The database was migrated by a newer release of Liaison ({newer[0]} is unknown here). "
            "Install that release, or restore a backup that was made before."
        )
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def disconnect() -> None:
    """Let go of every connection of this process, pooled ones too."""
    connection.close()
    if isinstance(connection, DatabaseWrapper):
        connection.close_pool()
