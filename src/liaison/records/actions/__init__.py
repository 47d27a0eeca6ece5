"""What is done to records: taking files in, rebuilding what is read from them.

import_files(actor=…, paths=[…], now=…, site=…, system="", progress=…) -> ImportSummary
rebuild_facts(actor=…, now=…) -> RebuildSummary
"""

from liaison.records.actions.importing import import_files
from liaison.records.actions.rebuilding import rebuild_facts
from liaison.records.actions.summary import FileOutcome, ImportSummary, Progress, TypeCounts
from liaison.records.rules.intake import Note, Reject

__all__ = [
    "FileOutcome",
    "ImportSummary",
    "Note",
    "Progress",
    "Reject",
    "TypeCounts",
    "import_files",
    "rebuild_facts",
]
