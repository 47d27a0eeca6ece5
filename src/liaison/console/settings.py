"""What the command line itself needs of the environment, before Django is loaded."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

from liaison.console.claim import Claim
from liaison.console.problems import Problem, one_line

SETTINGS_MODULE = "liaison.config.settings"


def data_folder() -> Path:
    """Where Liaison keeps its files on this machine (LIAISON_DATA, default `.data` here)."""
    return Path(os.environ.get("LIAISON_DATA") or ".data").resolve()


def embedded_folder() -> Path:
    """The folder of the embedded PostgreSQL."""
    return data_folder() / "postgres"


def plain_settings() -> ModuleType:
    """The settings alone, without loading Django. Refuses (Problem) wrong ones, with the setting's own sentence."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS_MODULE)
    from django.core.exceptions import ImproperlyConfigured
    from environs import EnvError

    try:
        return import_module(os.environ["DJANGO_SETTINGS_MODULE"])
    except (ImproperlyConfigured, EnvError, ValueError) as error:
        raise Problem(f"The settings are not right: {error}") from error


def load_settings() -> None:
    """Load Django with its settings. Refuses (Problem) wrong ones."""
    plain_settings()
    import django

    django.setup()


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The database to work on: its address, with the password, and whether it is the embedded one."""

    url: str
    embedded: bool


def _probe(url: str) -> None:
    """Refuse a database that doesn't answer, before a pool would try for long."""
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.Error as error:
        raise Problem(f"The database does not answer: {one_line(error)}. Is DATABASE_URL right?") from error


@contextmanager
def database() -> Iterator[Database]:
    """The database to work on, in DATABASE_URL too; starts the embedded server for as long as needed.

    Refuses a server of one's own that doesn't answer.
    """
    url = os.environ.get("DATABASE_URL")
    if url:
        _probe(url)
        yield Database(url=url, embedded=False)
        return
    from liaison.console.postgres import Cluster

    with Cluster(embedded_folder()).lease() as cluster:
        os.environ["DATABASE_URL"] = cluster.url
        try:
            yield Database(url=cluster.url, embedded=True)
        finally:
            os.environ.pop("DATABASE_URL", None)


@contextmanager
def loaded() -> Iterator[None]:
    """Django with its settings and a database that has Liaison's tables.

    Refuses one that is not migrated and, in production, one that holds the demonstration: every command that uses
    this writes.

    While `liaison up` runs on this data folder, its training clock holds here too.
    """
    if offset := Claim(data_folder()).clock_of_holder():
        os.environ["LIAISON_CLOCK_OFFSET"] = str(offset)
    with database():
        load_settings()
        from liaison.console.production import refuse_demonstration
        from liaison.console.schema import disconnect, refuse_unless_migrated

        refuse_unless_migrated()
        try:
            refuse_demonstration()
            yield
        finally:
            disconnect()
