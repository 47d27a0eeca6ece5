"""Lengths of time in words."""

from __future__ import annotations

from datetime import timedelta

from django import template
from django.utils.translation import ngettext

register = template.Library()

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


@register.filter
def long(length: timedelta) -> str:
    """A length by its largest unit, rounded down: "3 days", "5 hours", "20 minutes"."""
    if length >= _DAY:
        return ngettext("%(n)s day", "%(n)s days", length.days) % {"n": length.days}
    if length >= _HOUR:
        hours = length // _HOUR
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    minutes = length // timedelta(minutes=1)
    return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
