"""One entry of a patient's timeline, as every package tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """Something that happened to or for a patient.

    `kind` is one of visit, result, condition, medication, immunization, procedure, document, plan, message,
    call, booking, referral, loop, note, other. `key` is unique inside `source` and orders equal instants.
    `struck_at` is set for what was entered by mistake or taken back: it stays, struck through.
    `date_only` says that only the day is known: `at` is then noon UTC of that day and no clock is shown.
    """

    at: datetime
    kind: str
    title: str
    detail: str = ""
    url: str = ""
    source: str
    key: str
    date_only: bool = False
    struck_at: datetime | None = None
