"""What happens to a booked visit, and which of them the calendar shows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from liaison.core.near_dates import is_near, refuse_far_off
from liaison.scheduling.forms.fields import BIGGEST_ID, reason_choices
from liaison.scheduling.models import ResourceKind
from liaison.scheduling.ports import Barrier, CancelReason
from liaison.scheduling.rules import BARRIERS


class CancelForm(forms.Form):
    """Why a visit is off."""

    reason = forms.ChoiceField(label=_("Why"))
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].choices = reason_choices()  # type: ignore[attr-defined]  # the form declares such a field

    def clean_reason(self) -> CancelReason:
        """The reason as a code."""
        return CancelReason(self.cleaned_data["reason"])


class BarrierForm(forms.Form):
    """What came in the way of a missed visit."""

    barrier = forms.ChoiceField(
        label=_("What came in the way?"), choices=[(code.value, words) for code, words in BARRIERS.items()]
    )
    note = forms.CharField(label=_("In their words"), max_length=200, required=False)

    def clean_barrier(self) -> Barrier:
        """The barrier as a code."""
        return Barrier(self.cleaned_data["barrier"])


class PlaceForm(forms.Form):
    """Where on the calendar a visit should go: the instant, how long, and one seat after the other for whom."""

    start = forms.CharField(required=False, max_length=40)
    on = forms.DateField(label=_("Day"), required=False, validators=[refuse_far_off])
    at = forms.TimeField(label=_("From"), required=False)
    minutes = forms.IntegerField(label=_("Minutes"), required=False, min_value=1, max_value=1440)
    reason = forms.ChoiceField(label=_("Why it moves"), required=False)
    override_reason = forms.CharField(
        label=_("Why all the same"), required=False, max_length=300, help_text=_("It shows on the booking.")
    )
    met = forms.CharField(required=False, max_length=1000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].choices = reason_choices()  # type: ignore[attr-defined]  # the form declares such a field
        for name, kind in (("on", "date"), ("at", "time")):
            self.fields[name].widget.input_type = kind

    def clean_start(self) -> datetime | None:
        """The instant that a drop on the grid means; None without one."""
        typed = self.cleaned_data["start"]
        if not typed:
            return None
        try:
            start_at = datetime.fromisoformat(typed)
        except ValueError as error:
            raise forms.ValidationError(_("That is no time.")) from error
        if start_at.tzinfo is None or not is_near(start_at):
            raise forms.ValidationError(_("That is no time."))
        return start_at


class CalendarForm(forms.Form):
    """Which days of which site, and what of them. What can't be read is left out."""

    site = forms.IntegerField(required=False)
    on = forms.DateField(required=False, validators=[refuse_far_off])
    kind = forms.ChoiceField(required=False, choices=[("", ""), *ResourceKind.choices])
    name = forms.CharField(required=False, max_length=60)
    who = forms.IntegerField(required=False, min_value=1, max_value=BIGGEST_ID - 1)
    sort = forms.ChoiceField(required=False, choices=[(sort, sort) for sort in ("", "time", "resource", "state")])
