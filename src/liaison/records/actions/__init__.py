"""What is done to records: taking files in, filing a document, rebuilding what is read from them.

import_files(actor=…, paths=[…], now=…, site=…, system="", progress=…) -> ImportSummary
rebuild_facts(actor=…, now=…) -> RebuildSummary
"""

from liaison.records.actions.documents import (
    AlreadyFiled,
    DatedInTheFuture,
    FormUsed,
    SayWhatItIs,
    SayWhyTakenOut,
    file_document,
    take_out_document,
)
from liaison.records.actions.importing import import_files
from liaison.records.actions.rebuilding import rebuild_facts
from liaison.records.actions.summary import FileOutcome, ImportSummary, Progress, TypeCounts
from liaison.records.rules.intake import Note, Reject

__all__ = [
    "AlreadyFiled",
    "DatedInTheFuture",
    "FileOutcome",
    "FormUsed",
    "ImportSummary",
    "Note",
    "Progress",
    "Reject",
    "SayWhatItIs",
    "SayWhyTakenOut",
    "TypeCounts",
    "file_document",
    "import_files",
    "rebuild_facts",
    "take_out_document",
]
