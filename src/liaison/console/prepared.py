"""Remember that everything was prepared, so that starting again is quick.

The preparation (migrations, static files, demonstration clinic) loads all of Django. When neither the code nor the
database's migrations changed since it last succeeded, there is nothing to prepare.
"""

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

SOURCE = Path(__file__).resolve().parents[1]
VARIABLES = ("LIAISON_MODE", "LIAISON_SCHEMA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the last preparation left: the state it saw, and the lines that say who can sign in."""

    state: str
    sign_ins: tuple[str, ...]


def remembered(stamp: Path, *, url: str) -> Prepared | None:
    """The last preparation if nothing changed since then, else None."""
    try:
        kept = json.loads(stamp.read_text(encoding="utf-8"))
        prepared = Prepared(state=str(kept["state"]), sign_ins=tuple(kept["sign_ins"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return prepared if prepared.state == _state(url) else None


def remember(stamp: Path, *, url: str, sign_ins: list[str]) -> None:
    """Note that everything is prepared now."""
    part = stamp.with_suffix(".part")
    part.write_text(json.dumps({"state": _state(url), "sign_ins": sign_ins}), encoding="utf-8")
    part.replace(stamp)


def _state(url: str) -> str:
    digest = hashlib.sha256(f"{sys.version} {[os.environ.get(name) for name in VARIABLES]}".encode())
    for path in sorted(SOURCE.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            status = path.stat()
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    digest.update(_migrations(url).encode())
    return digest.hexdigest()


def _migrations(url: str) -> str:
    """How many migrations the database has seen and which was the last; differs for every other state of it."""
    table = sql.Identifier(os.environ.get("LIAISON_SCHEMA") or "liaison", "django_migrations")
    query = sql.SQL("SELECT count(*), max(id), max(applied) FROM {}").format(table)
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            return str(connection.execute(query).fetchone())
    except psycopg.Error:
        return os.urandom(16).hex()
