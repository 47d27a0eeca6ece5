"""Dates that a person can mean: typed years far off overflow the arithmetic of time zones and calendars."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2199


def is_near(on: date) -> bool:
    """Whether a date (or a datetime) lies in the years that Liaison reckons with, 1900 to 2199."""
    return FIRST_YEAR <= on.year <= LAST_YEAR


def refuse_far_off(on: date) -> None:
    """The validator of a form's date or time. Raises ValidationError."""
    if not is_near(on):
        raise ValidationError(
            _("Choose a year from %(first)s to %(last)s."), params={"first": FIRST_YEAR, "last": LAST_YEAR}
        )
