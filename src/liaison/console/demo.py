"""The demonstration clinic, as the command line sees it."""

import os
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from liaison.console.settings import data_folder


def fill_if_empty(*, say: Callable[[str], None]) -> bool:
    """Build the demonstration clinic in a database that nobody has an account in; says whether it did."""
    from liaison.accounts.models import User

    if User.objects.exists() or not _has_generator():
        return False
    build(say=say)
    return True


def build(*, say: Callable[[str], None]) -> None:
    """Build the demonstration clinic as of Liaison's clock."""
    from liaison.core.clock import current_time

    say("building the demonstration clinic (about 400 invented patients) …")
    mark = _unfinished()
    mark.touch()
    import_module("liaison.demo.clinic").build(now=current_time())
    mark.unlink()


def remove_half_built(url: str, *, say: Callable[[str], None]) -> None:
    """Empty a database in which the building of the demonstration clinic was cut off; nobody has worked there yet."""
    if not _unfinished().exists():
        return
    say("the demonstration clinic was only half built; it is built anew")
    schema = sql.Identifier(os.environ.get("LIAISON_SCHEMA") or "liaison")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
    _unfinished().unlink()


def _unfinished() -> Path:
    return data_folder() / "demo-clinic-unfinished"


def sign_ins() -> list[str]:
    """Lines that say who can sign in to the demonstration, or none."""
    if not _has_generator():
        return []
    lines = getattr(import_module("liaison.demo.clinic"), "sign_in_lines", None)
    return list(lines()) if lines else []


def _has_generator() -> bool:
    return find_spec("liaison.demo") is not None and find_spec("liaison.demo.clinic") is not None
