"""The Django app of the chart as received."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import import_string

from liaison.records.ports import Scanner, connect_scanner


class RecordsConfig(AppConfig):
    """Records: resources as received, facts, references that wait for their target."""

    name = "liaison.records"
    label = "records"

    def ready(self) -> None:
        """Files are scanned by what LIAISON_DOCUMENT_SCANNER names, if it names anything."""
        connect_scanner(_scanner)


def _scanner() -> Scanner | None:
    dotted = settings.LIAISON_DOCUMENT_SCANNER
    return import_string(dotted)() if dotted else None
