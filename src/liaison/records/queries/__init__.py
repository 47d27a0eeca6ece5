"""Reading the chart as received: one resource, a patient's timeline, the file of a document."""

from liaison.records.queries.chart import SOURCE, ResourceView, Version, get_resource, timeline
from liaison.records.queries.documents import DocumentFile, HeldFile, document_file, may_take_out

__all__ = [
    "SOURCE",
    "DocumentFile",
    "HeldFile",
    "ResourceView",
    "Version",
    "document_file",
    "get_resource",
    "may_take_out",
    "timeline",
]
