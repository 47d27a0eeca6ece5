"""Times on the wall clock of the place they belong to."""

from __future__ import annotations

from datetime import date, datetime

from django import template
from django.utils.dateformat import format as formatted
from django.utils.dates import WEEKDAYS

register = template.Library()


@register.filter(expects_localtime=False)
def there(at: date | datetime | None, pattern: str) -> str:
    """A date or time as its own zone shows it, by Django's `date` patterns.

    Django's `date` would first move it to the zone of the server.
    """
    return formatted(at, pattern) if at is not None else ""


@register.filter(expects_localtime=False)
def zone_name(at: datetime) -> str:
    """The abbreviation of its own zone ("EST"), also in the hour that comes twice, where Django's "T" is empty."""
    return at.tzname() or ""


@register.filter
def weekday(number: int) -> str:
    """The name of a day of the week; Monday is 0."""
    return str(WEEKDAYS[number])
