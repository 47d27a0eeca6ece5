"""A clinician's own visits as a calendar that programs subscribe to (RFC 5545, RFC 7986)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import Final

from icalendar import Calendar, Event

from liaison.scheduling.ports import Duty, DutyStatus

_PRODUCT: Final = "-//Liaison//A clinician's visits//EN"
_AGAIN: Final = timedelta(minutes=30)
"""How often a program should look again; most look less often."""


class FeedWriter:
    """Writes a calendar without a method: it is published, and nobody answers it."""

    feed_type = "text/calendar; charset=utf-8"

    def write_feed(self, duties: Sequence[Duty], *, name: str) -> bytes:
        """The file. The same visits give the same bytes; times are in UTC, as nothing here recurs."""
        calendar = Calendar()
        calendar.add("prodid", _PRODUCT)
        calendar.add("version", "2.0")
        calendar.add("calscale", "GREGORIAN")
        calendar.add("name", name)
        calendar.add("x-wr-calname", name)
        calendar.add("refresh-interval", _AGAIN, parameters={"VALUE": "DURATION"})
        calendar.add("x-published-ttl", "PT30M")
        for duty in duties:
            calendar.add_component(_event(duty))
        return bytes(calendar.to_ical())


def _event(duty: Duty) -> Event:
    event = Event()
    event.add("uid", duty.uid)
    event.add("sequence", duty.sequence)
    event.add("dtstamp", duty.changed_at.astimezone(UTC))
    event.add("last-modified", duty.changed_at.astimezone(UTC))
    event.add("dtstart", duty.start_at.astimezone(UTC))
    event.add("dtend", duty.end_at.astimezone(UTC))
    event.add("summary", duty.summary)
    event.add("location", duty.where)
    event.add("class", "PRIVATE")
    event.add("status", duty.status.value)
    event.add("transp", "TRANSPARENT" if duty.status is DutyStatus.CANCELLED else "OPAQUE")
    event.add("url", duty.url)
    return event
