"""Structured logs: one JSON object a line, never a patient's data.

Log events by name with ids and counts: `log.info("import.finished", extra={"resources": 1200})`.
"""

from __future__ import annotations

import logging
import re
import traceback
from types import TracebackType
from typing import Any

import psycopg
from django.db import Error as DatabaseError
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


LONGEST_REFUSAL = 200
"""Characters of a wrong host that are kept."""

_secret_after: set[str] = set()


def keep_out_of_logs(beginning: str) -> None:
    """Say how addresses begin that carry a secret ("/feed/"): no line of the log says what follows."""
    _secret_after.add(beginning)


def without_secrets(text: str) -> str:
    """A line of the log in which no such address is whole."""
    if not _secret_after:
        return text
    beginnings = "|".join(sorted(map(re.escape, _secret_after)))
    return re.sub(rf"({beginnings})[^\s\"'?#\\]+", r"\1***", text)


class Formatter(JsonFormatter):  # type: ignore[misc,unused-ignore]  # the library has no types
    """JSON lines. PostgreSQL puts the refused row into its complaint, so what database errors say is left out."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without the secrets of addresses."""
        return without_secrets(str(super().format(record)))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - the name that logging gives it
        """The frames and the types; the words only of errors that are not the database's."""
        error = ei[1]
        if error is None or not _is_of_database(error):
            return str(super().formatException(ei))
        frames = "".join(traceback.format_tb(ei[2]))
        diagnosis = getattr(error.__cause__ or error, "diag", None)
        constraint = getattr(diagnosis, "constraint_name", None) or "-"
        return f"{frames}{type(error).__name__} (constraint {constraint}; its words may hold a patient's data)"


class Refused(logging.Filter):
    """What anybody can send (a wrong host, too many fields) is a warning of one line, and fills no log.

    Only of a wrong host the words are kept, shortened, since they show a name that was forgotten in the settings;
    otherwise the name of the logger says what it was.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let it pass as a warning without a traceback."""
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = record.stack_info = None
        is_host = record.name.endswith(".DisallowedHost")
        record.msg, record.args = record.getMessage()[:LONGEST_REFUSAL] if is_host else "refused", ()
        return True


def _is_of_database(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, DatabaseError | psycopg.Error):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def logging_config(*, mode: str, level: str) -> dict[str, Any]:
    """The logging set-up for Django; tests stay quiet below warnings."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": "liaison.core.logs.Formatter",
                "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
                "reserved_attrs": [*RESERVED_ATTRS, "request"],
                "rename_fields": {"asctime": "at", "levelname": "level", "name": "logger", "message": "event"},
            }
        },
        "filters": {"refused": {"()": "liaison.core.logs.Refused"}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "json"},
            "refused": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["refused"]},
        },
        "root": {"handlers": ["stderr"], "level": "WARNING" if mode == "test" else level},
        "loggers": {
            "django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "django.request": {"level": "ERROR"},
            "django.security": {"handlers": ["refused"], "level": "WARNING", "propagate": False},
            "axes": {"level": "ERROR"},
            # Each head of the audit chain belongs in a clinic's log, and not on the terminal of a demonstration.
            "liaison.core.audit": {"level": "INFO" if mode == "production" else "WARNING"},
            "procrastinate": {"level": "WARNING"},
        },
    }
