"""What is done to records: taking files in, filing a document, rebuilding what is read from them.

import_files(actor=…, paths=[…], now=…, site=…, system="", progress=…) -> ImportSummary
rebuild_facts(actor=…, now=…) -> RebuildSummary; rebuild_if_readers_changed(actor=…, now=…) does it when it is due
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
from liaison.records.actions.rebuilding import RebuildSummary, rebuild_facts, rebuild_if_readers_changed
from liaison.records.actions.summary import FileOutcome, ImportSummary, Progress, Remark, TypeCounts
from liaison.records.rules.intake import Note, Reject

__all__ = [
    "AlreadyFiled",
    "DatedInTheFuture",
    "FileOutcome",
    "FormUsed",
    "ImportSummary",
    "Note",
    "Progress",
    "RebuildSummary",
    "Reject",
    "Remark",
    "SayWhatItIs",
    "SayWhyTakenOut",
    "TypeCounts",
    "file_document",
    "import_files",
    "rebuild_facts",
    "rebuild_if_readers_changed",
    "take_out_document",
]
