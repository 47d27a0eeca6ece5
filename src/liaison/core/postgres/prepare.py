"""What a database needs before it is migrated: the organization's schema and two extensions.

The name of the schema is configuration; decision 0014 lists who reads it. Queries never name it: they reach it
through `search_path`.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg
from django.conf import settings
from psycopg import sql

EXTENSIONS: Final = ("btree_gist", "pg_trgm")
_DJANGOS_OWN: Final = frozenset({"assume_role", "isolation_level", "pool", "server_side_binding"})
"""Options that Django keeps to itself; the rest are libpq's connection parameters."""


def prepare_database(database: dict[str, Any]) -> None:
    """Create the schema and the extensions in `database` (a Django DATABASES entry) where they are missing.

    The extensions live in `public`, which is on the search path behind the organization's schema, so that
    several organizations share them. Needs the right to create both; both stay as they are if present.
    The connection is made as Django makes its own: `sslmode` and its like hold here too.
    """
    own = {name: value for name, value in database.get("OPTIONS", {}).items() if name not in _DJANGOS_OWN}
    with psycopg.connect(
        host=database["HOST"] or None,
        port=database["PORT"] or None,
        user=database["USER"] or None,
        password=database["PASSWORD"] or None,
        dbname=database["NAME"],
        autocommit=True,
        **own,
    ) as connection:
        schema = sql.Identifier(settings.LIAISON_SCHEMA)
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
        for name in EXTENSIONS:
            statement = sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA public")
            connection.execute(statement.format(sql.Identifier(name)))
