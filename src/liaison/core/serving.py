"""Which processes serve an organization: each names its connections to the database after what it does.

A process that hangs says nothing, but its connections stand; they end with it.
"""

from __future__ import annotations

import os
from typing import Final

SERVICES: Final = ("web", "events", "worker")
SERVED: Final = (
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = ANY(%s))"
)
"""Whether one of these names (`names_of`) is connected to this database; everybody may ask for names."""
_LONGEST: Final = 63
"""Bytes that PostgreSQL keeps of a name; a schema's is of ASCII."""


def name_connections(service: str) -> None:
    """From now on this process connects as `service` of its organization. To be called before it connects."""
    os.environ["PGAPPNAME"] = _name(service, schema=os.environ.get("LIAISON_SCHEMA") or "liaison")


def names_of(schema: str) -> list[str]:
    """What the connections of those who serve the organization of this schema are called."""
    return [_name(service, schema=schema) for service in SERVICES]


def _name(service: str, *, schema: str) -> str:
    return f"liaison {service} {schema}"[:_LONGEST]
