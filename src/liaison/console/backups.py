"""Back up and restore one organization with PostgreSQL's own tools.

A backup is pg_dump's custom format of the organization's schema, with a checksum at its end. It appears under its name
only when it is complete.
A restore happens in one transaction that also removes what was there, so it ends in the new state or in the old one;
it is committed only after the whole backup was read without an error.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from liaison.console.binaries import programs
from liaison.console.checksums import Damaged, add_checksum, is_proved
from liaison.console.problems import Problem, one_line
from liaison.console.settings import Database
from liaison.core.postgres.prepare import EXTENSIONS
from liaison.core.serving import SERVED, names_of

MAGIC = b"PGDMP"
LOCK_SECONDS = 15.0


def make_backup(place: Database, *, file: Path) -> int:
    """Write a backup of the organization to `file`; returns its size in bytes. Refuses an empty database."""
    if not _tables(place):
        raise Problem("There is nothing to back up: the database holds no Liaison yet.")
    if not file.parent.is_dir():
        raise Problem(f"The folder {file.parent} does not exist.")
    part = file.with_name(f".{file.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        options = ["--format=custom", f"--schema={_schema()}", "--no-owner", "--no-privileges", f"--file={part}"]
        done = subprocess.run(
            [_program(place, "pg_dump"), *options],
            env=_environment(place.url),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Problem(f"The backup failed: {_reason(done.stderr)}")
        add_checksum(part)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return file.stat().st_size


def restore_backup(place: Database, *, file: Path, replace: bool, lock_seconds: float = LOCK_SECONDS) -> None:
    """Put `file` into the database: all of it or nothing.

    Warns on standard error of a file without a checksum.

    Refuses: a file that is no backup, is damaged or holds another schema; a database that already holds something,
    unless `replace`; one that Liaison runs on, on whatever machine; one that others still use after `lock_seconds`.
    """
    _refuse_wrong_file(place, file=file)
    if _tables(place) and not replace:
        raise Problem("The database already holds Liaison's data. Add --replace to remove it, after a backup of it.")
    _refuse_served(place)
    _replay(place, file=file, lock_seconds=lock_seconds)


def run_psql(place: Database, arguments: tuple[str, ...]) -> int:
    """Run psql on the database with the organization's search path; returns its exit status."""
    environment = {**_environment(place.url), "PGOPTIONS": f"-c search_path={_schema()},public"}
    return subprocess.run([_program(place, "psql"), *arguments], env=environment, check=False).returncode


def _refuse_wrong_file(place: Database, *, file: Path) -> None:
    if not file.exists():
        raise Problem(f"{file} does not exist.")
    with file.open("rb") as content:
        if content.read(len(MAGIC)) != MAGIC:
            raise Problem(f"{file} is not a backup that `liaison backup` made. Nothing was changed.")
    _refuse_damaged(file)
    listed = subprocess.run(
        [_program(place, "pg_restore"), "--list", str(file)], capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        raise Problem(f"{file} can't be read: {_reason(listed.stderr)}. Nothing was changed.")
    schemas = re.findall(r"^\d+; \d+ \d+ SCHEMA - (\S+)", listed.stdout, flags=re.MULTILINE)
    if "django_migrations" not in listed.stdout or len(schemas) != 1:
        raise Problem(f"{file} is a PostgreSQL backup, but not one of Liaison. Nothing was changed.")
    if schemas[0] != _schema():
        raise Problem(
            f"{file} holds the schema {schemas[0]}, LIAISON_SCHEMA is {_schema()}. "
            f"Restore it with LIAISON_SCHEMA={schemas[0]}. Nothing was changed."
        )


def _refuse_served(place: Database) -> None:
    with psycopg.connect(place.url, connect_timeout=10) as connection:
        if connection.execute(SERVED, [names_of(_schema())]).fetchone() == (True,):
            raise Problem(
                "Liaison runs on this database. Stop it first: who works there would go on with what is taken away. "
                "Nothing was changed."
            )


def _refuse_damaged(file: Path) -> None:
    try:
        proved = is_proved(file)
    except Damaged as error:
        raise Problem(
            f"{file} is damaged: it is not what its checksum says. Nothing was changed. Take another copy of it, or an "
            "earlier backup."
        ) from error
    if not proved:
        click.echo(
            f"Warning: {file} has no checksum at its end. It was made by an earlier release or by pg_dump itself, "
            "or its end is missing: damage in it may go unnoticed.",
            err=True,
        )


def _replay(place: Database, *, file: Path, lock_seconds: float) -> None:
    """Stream the backup as SQL into one transaction; COMMIT is sent only after the last byte was read well."""
    schema = sql.Identifier(_schema()).as_string()
    before = (
        f"BEGIN; SET LOCAL client_min_messages = error; SET LOCAL lock_timeout = {int(lock_seconds * 1000)};\n"
        f"DROP SCHEMA IF EXISTS {schema} CASCADE;\n"
    ) + "".join(f"CREATE EXTENSION IF NOT EXISTS {name} SCHEMA public;\n" for name in EXTENSIONS)
    psql = subprocess.Popen(
        [_program(place, "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null"],
        env=_environment(place.url),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    reader = subprocess.Popen(
        [_program(place, "pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    if psql.stdin is None or reader.stdout is None:
        raise Problem("The restore could not be started.")
    try:
        psql.stdin.write(before.encode())
        shutil.copyfileobj(reader.stdout, psql.stdin, 1 << 20)
        reader.stdout.close()
        read_badly = reader.wait() != 0
        if not read_badly:
            psql.stdin.write(b"\nCOMMIT;\n")
    except BrokenPipeError:  # psql stopped at an error, which it tells below
        read_badly = False
        reader.kill()
    _, complaint = psql.communicate()
    _, reading_complaint = reader.communicate()
    if read_badly:
        raise Problem(f"{file} is damaged: {_reason(reading_complaint.decode())}. Nothing was changed.")
    if psql.returncode != 0:
        raise Problem(f"The restore failed and nothing was changed: {_advice(complaint.decode())}")


def _advice(complaint: str) -> str:
    if "lock timeout" in complaint:
        return "the database is in use. Stop Liaison first."
    return _reason(complaint)


def _tables(place: Database) -> int:
    """How many tables the organization's schema has."""
    try:
        with psycopg.connect(place.url, connect_timeout=10) as connection:
            found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = %s", [_schema()]).fetchone()
    except psycopg.OperationalError as error:
        raise Problem(f"The database does not answer: {one_line(error)}. Is DATABASE_URL right?") from error
    return int(found[0]) if found else 0


def _schema() -> str:
    return os.environ.get("LIAISON_SCHEMA") or "liaison"


def _program(place: Database, name: str) -> str:
    """The machine's own tool for a server of one's own, unless that is too old for it; else the wheel's.

    The wheel's tools know no TLS, so they come second for servers elsewhere.
    """
    own = None if place.embedded else shutil.which(name)
    if own and _major(own) >= _server_major(place):
        return own
    return str(programs(account=None) / name)


def _major(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\b(\d+)\.", said)
    return int(found.group(1)) if found else 0


def _server_major(place: Database) -> int:
    with psycopg.connect(place.url, connect_timeout=10) as connection:
        return connection.info.server_version // 10000


# How libpq calls in the environment what may stand in an address.
_VARIABLES: Final = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
    "channel_binding": "PGCHANNELBINDING",
    "gssencmode": "PGGSSENCMODE",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}


def _environment(url: str) -> Mapping[str, str]:
    """The variables of libpq for this address: the password never stands on a command line."""
    given = conninfo_to_dict(url)
    others = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return others | {_VARIABLES[name]: str(value) for name, value in given.items() if name in _VARIABLES and value}


def _reason(complaint: str) -> str:
    lines = [line for line in complaint.splitlines() if "error" in line.lower()] or complaint.splitlines()
    return (
        re.sub(r"^\S*(pg_dump|pg_restore|psql)\S*:\s*(error:\s*)?", "", lines[0]).rstrip(".")
        if lines
        else "no reason given"
    )
