"""The entry point of the events process for an ASGI server."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liaison.config.settings")
django.setup()

from liaison.core.events_process import application as events  # noqa: E402 - needs Django set up

__all__ = ["events"]
