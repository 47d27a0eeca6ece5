"""Structured logs: one JSON object a line, never a patient's data.

Log events by name with ids and counts: `log.info("import.finished", extra={"resources": 1200})`.
"""

from __future__ import annotations

from typing import Any


def logging_config(*, mode: str, level: str) -> dict[str, Any]:
    """The logging set-up for Django; tests stay quiet below warnings."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
                "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
                "rename_fields": {"asctime": "at", "levelname": "level", "name": "logger", "message": "event"},
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": "WARNING" if mode == "test" else level},
        "loggers": {
            "django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "django.request": {"level": "ERROR"},
            "axes": {"level": "ERROR"},
            "procrastinate": {"level": "WARNING"},
        },
    }
