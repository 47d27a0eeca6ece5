"""Small words for the desk's rows and the timeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from django import template
from django.template import Context
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from liaison.core.asking import actor_of
from liaison.core.timeline import TimelineEntry
from liaison.core.written_time import clock_time
from liaison.desk.palette import doings_of, doings_under_glass

register = template.Library()

TIMELINE_ICONS = {
    "visit": "stethoscope",
    "result": "flask",
    "condition": "heartbeat",
    "medication": "pill",
    "immunization": "vaccine",
    "procedure": "medical-cross",
    "document": "file-text",
    "plan": "clipboard-list",
    "message": "message",
    "call": "phone",
    "booking": "calendar-event",
    "referral": "send",
    "loop": "circle-dot",
    "note": "note",
}


@register.simple_tag(takes_context=True)
def doings(context: Context) -> frozenset[str]:
    """What whoever looks may do for a patient, in the palette's words ("call", "book", "refer" …).

    On a page with the band of a patient whom they see by emergency access, only what that opens.
    """
    actor, band = actor_of(context["request"]), context.get("band")
    return doings_under_glass(actor) if band and band.glass_until else doings_of(actor)


@register.filter
def evidence_in(evidence: Sequence[Any]) -> int:
    """How many pieces of required evidence are in."""
    return sum(1 for each in evidence if each.is_in)


@register.filter
def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them: "Theo, Aisha and Tom"."""
    return get_text_list(list(names), _("and"))


@register.filter
def timeline_icon(kind: str) -> str:
    """The icon of a kind of timeline entry."""
    return TIMELINE_ICONS.get(kind, "point")


@register.filter
def share(part: int, whole: int) -> int:
    """A part in per cent of a whole, rounded; 0 of nothing."""
    return round(100 * part / whole) if whole else 0


@register.filter
def kind_label(word: str) -> str:
    """A filter of the timeline, in words."""
    labels = {
        "visits": _("Visits"),
        "results": _("Results"),
        "conditions": _("Conditions"),
        "medications": _("Medications"),
        "procedures": _("Procedures"),
        "documents": _("Documents"),
        "talk": _("Messages and calls"),
        "loops": _("Loops"),
    }
    return labels.get(word, word)


@register.filter
def day_told(entry: TimelineEntry, zone: tzinfo) -> date:
    """The day under which an entry stands: the local one, or the one that was written where no time is known."""
    return entry.at.astimezone(UTC if entry.date_only else zone).date()


@register.filter
def clock_of(at: datetime, zone: tzinfo) -> str:
    """The local time of an instant; nothing for midnight, which mostly means that only the day is known."""
    local = at.astimezone(zone)
    return clock_time(local) if local.hour or local.minute or at.second else ""
