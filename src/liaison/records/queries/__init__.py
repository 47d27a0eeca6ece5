"""Reading the chart as received: one resource, a patient's timeline, the file of a document, who pays."""

from liaison.records.queries.chart import SOURCE, ResourceView, Version, get_resource, timeline
from liaison.records.queries.coverage import coverage_word
from liaison.records.queries.documents import DocumentFile, HeldFile, document_file, may_take_out
from liaison.records.rules.coverage import CoverageWord

__all__ = [
    "SOURCE",
    "CoverageWord",
    "DocumentFile",
    "HeldFile",
    "ResourceView",
    "Version",
    "coverage_word",
    "document_file",
    "get_resource",
    "may_take_out",
    "timeline",
]
