"""Reading the chart as received: one resource, a patient's timeline, the file of a document, who pays."""

from liaison.records.queries.chart import (
    SOURCE,
    DatedLater,
    ResourceView,
    Version,
    dated_later,
    get_resource,
    timeline,
    timeline_years,
)
from liaison.records.queries.coverage import coverage_word
from liaison.records.queries.documents import DocumentFile, HeldFile, document_file, may_take_out
from liaison.records.rules.coverage import CoverageWord

__all__ = [
    "SOURCE",
    "CoverageWord",
    "DatedLater",
    "DocumentFile",
    "HeldFile",
    "ResourceView",
    "Version",
    "coverage_word",
    "dated_later",
    "document_file",
    "get_resource",
    "may_take_out",
    "timeline",
    "timeline_years",
]
