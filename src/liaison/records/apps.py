"""The Django app of the chart as received."""

from __future__ import annotations

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    """Records: resources as received, facts, references that wait for their target."""

    name = "liaison.records"
    label = "records"
