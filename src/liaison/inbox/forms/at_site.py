"""A wall-clock time at the patient's site, as people type it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from liaison.core.near_dates import refuse_far_off


class LocalTime(forms.DateTimeInput):
    """The browser's own field for date and time."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class AtSite(forms.DateTimeField):
    """A wall-clock time at the patient's site."""

    widget = LocalTime

    def __init__(self, **more: Any) -> None:
        super().__init__(validators=[refuse_far_off], **more)
        self.zone = ZoneInfo("UTC")

    def prepare_value(self, value: Any) -> Any:
        """An instant as the wall clock of the site shows it."""
        return value.astimezone(self.zone).replace(tzinfo=None) if isinstance(value, datetime) else value

    def to_python(self, value: Any) -> datetime | None:
        """The instant of a wall-clock time; of two (clocks go back) the first."""
        if value in self.empty_values:
            return None
        for pattern in ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"):
            try:
                return datetime.strptime(str(value), pattern).replace(tzinfo=self.zone)
            except ValueError:
                continue
        raise forms.ValidationError(_("Give a date and a time, like 2026-03-02 09:30."))
