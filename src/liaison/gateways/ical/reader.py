"""Answers to invitations (RFC 5546, 3.2.3), read by the library `icalendar`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from icalendar import Calendar, Event

from liaison.core.letters import plain
from liaison.inbox.ports import CalendarAnswer, Said

MOST_EVENTS: Final = 120
"""Events of one answer that are read: a series has at most 100 visits."""

LONGEST_UID: Final = 120
LONGEST_COMMENT: Final = 500
MOST_SEQUENCE: Final = 2**31 - 1
_SAID: Final = {"ACCEPTED": Said.ACCEPTED, "DECLINED": Said.DECLINED, "TENTATIVE": Said.TENTATIVE}


def read_answers(content: bytes) -> Sequence[CalendarAnswer]:
    """What one calendar answers; () when it is no reply, or nobody can read it. Never raises.

    An event that leaves a doubt is left out: several attendees, a delegation, a visit of a series whose time says no
    zone, or an answer for "this and the following".
    """
    try:
        calendar = Calendar.from_ical(content.decode("utf-8", errors="replace"))
        if str(calendar.get("METHOD", "")).upper() != "REPLY":
            return ()
        events = [part for part in calendar.subcomponents if isinstance(part, Event)]
        return tuple(_answers(events[:MOST_EVENTS]))
    except Exception:  # noqa: BLE001 - whoever writes to us writes what they like: the mail itself stays
        return ()


def _answers(events: Sequence[Event]) -> Iterator[CalendarAnswer]:
    for event in events:
        attendee, said = _attendee(event)
        uid, sequence = str(event.get("UID", "")), int(event.get("SEQUENCE", 0))
        if said is None or not 0 < len(uid) <= LONGEST_UID or not 0 <= sequence <= MOST_SEQUENCE:
            continue
        if "RECURRENCE-ID" in event and _recurs_at(event) is None:
            continue
        yield CalendarAnswer(
            uid=uid,
            sequence=sequence,
            said=said,
            attendee=attendee,
            stamped_at=_instant(event.get("DTSTAMP")),
            recurs_at=_recurs_at(event) if "RECURRENCE-ID" in event else None,
            comment=_comment(event),
        )


def _attendee(event: Event) -> tuple[str, Said | None]:
    """Who answers what: a reply names exactly one attendee."""
    found: Any = event.get("ATTENDEE")
    if found is None or isinstance(found, list):
        return "", None
    address = str(found).strip()
    scheme, _, mailbox = address.partition(":")
    said = _SAID.get(str(found.params.get("PARTSTAT", "")).upper())
    return (mailbox.strip().lower(), said) if scheme.lower() == "mailto" else ("", None)


def _recurs_at(event: Event) -> datetime | None:
    recurrence: Any = event.get("RECURRENCE-ID")
    return None if "RANGE" in getattr(recurrence, "params", {}) else _instant(recurrence)


def _instant(given: Any) -> datetime | None:
    """An instant in UTC; None for a date, or for a time without a zone that anybody knows."""
    moment = getattr(given, "dt", None)
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        return None
    return moment.astimezone(UTC)


def _comment(event: Event) -> str:
    given: Any = event.get("COMMENT", "")
    lines = given if isinstance(given, list) else [given]
    return plain("\n".join(str(line) for line in lines)).strip()[:LONGEST_COMMENT]
