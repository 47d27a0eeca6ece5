"""The demonstration clinic, as the command line sees it."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec


def fill_if_empty(*, say: Callable[[str], None]) -> bool:
    """Build the demonstration clinic in a database that nobody has an account in; says whether it did."""
    from liaison.accounts.models import User

    if User.objects.exists() or not _has_generator():
        return False
    build(say=say)
    return True


def build(*, say: Callable[[str], None]) -> None:
    """Build the demonstration clinic as of Liaison's clock: all of it, or nothing if it is cut off."""
    from liaison.core.clock import current_time

    say("building the demonstration clinic of invented patients …")
    import_module("liaison.demo.clinic").build(now=current_time())


def sign_ins() -> list[str]:
    """Lines that say who can sign in to the demonstration, or none."""
    if not _has_generator():
        return []
    lines = getattr(import_module("liaison.demo.clinic"), "sign_in_lines", None)
    return list(lines()) if lines else []


def _has_generator() -> bool:
    return find_spec("liaison.demo") is not None and find_spec("liaison.demo.clinic") is not None
