"""The waitlist: who waits, who leaves it, a time that those who wait may have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from liaison.accounts.models import Site
from liaison.core.near_dates import refuse_far_off
from liaison.core.needed import needed
from liaison.scheduling.forms.fields import WEEKDAYS, Choices, DateInput, TimeInput
from liaison.scheduling.models import URGENCY_WORDS


class WaitForm(forms.Form):
    """What a patient waits for and what suits them."""

    key = forms.CharField(max_length=80, widget=forms.HiddenInput)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    visit_type = forms.ChoiceField(label=_("Visit"))
    sites = forms.TypedMultipleChoiceField(label=_("Where"), coerce=int, widget=forms.CheckboxSelectMultiple)
    with_id = forms.TypedChoiceField(label=_("With whom"), coerce=int, required=False, empty_value=None)
    moves = forms.TypedChoiceField(
        label=_("Moves forward"),
        coerce=int,
        required=False,
        empty_value=None,
        help_text=_("The old visit stays until then."),
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Days that suit"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=list(enumerate(WEEKDAYS)),
        help_text=_("None ticked: any day."),
    )
    from_time = forms.TimeField(label=_("Starts from"), required=False, widget=TimeInput)
    to_time = forms.TimeField(label=_("Starts before"), required=False, widget=TimeInput)
    not_before = forms.DateField(label=_("Not before"), required=False, widget=DateInput, validators=[refuse_far_off])
    until = forms.DateField(label=_("Last day"), required=False, widget=DateInput, validators=[refuse_far_off])
    notice_hours = forms.IntegerField(label=_("Hours of notice they need"), min_value=0, max_value=720, initial=24)
    urgency = forms.ChoiceField(label=_("Clinical priority"), choices=URGENCY_WORDS, initial="routine")
    urgency_reason = needed(
        forms.CharField(label=_("Why before others"), required=False, max_length=300), _("for soon and urgent")
    )

    def __init__(self, *args: Any, choices: Choices, visits: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["visit_type"].choices = [(kind.code, kind.name) for kind in choices.visit_types]  # type: ignore[attr-defined]  # the form declares such a field
        self.fields["sites"].choices = [(site.pk, site.name) for site in choices.sites]  # type: ignore[attr-defined]  # the form declares such a field
        people = [(person.pk, person.name) for person in choices.people]
        self.fields["with_id"].choices = [("", _("Anyone")), *people]  # type: ignore[attr-defined]  # the form declares such a field
        self.fields["moves"].choices = [("", _("No visit is booked yet")), *visits]  # type: ignore[attr-defined]  # the form declares such a field


class LeaveForm(forms.Form):
    """Why somebody leaves the waitlist."""

    reason = forms.CharField(label=_("Why they don’t wait any more"), max_length=300)
    version = forms.IntegerField(widget=forms.HiddenInput)


class OpenTimeForm(forms.Form):
    """A stretch of one day at a site that those who wait may have."""

    site = forms.TypedChoiceField(label=_("Where"), coerce=int)
    on = forms.DateField(label=_("Day"), widget=DateInput, validators=[refuse_far_off])
    from_at = forms.TimeField(label=_("From"), widget=TimeInput)
    to_at = forms.TimeField(label=_("To"), widget=TimeInput)

    def __init__(self, *args: Any, sites: Sequence[Site], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].choices = [(site.pk, site.name) for site in sites]  # type: ignore[attr-defined]  # the form declares such a field

    def clean(self) -> dict[str, Any]:
        """Refuse an end that is not after the start."""
        typed = super().clean() or {}
        if typed.get("from_at") and typed.get("to_at") and typed["to_at"] <= typed["from_at"]:
            self.add_error("to_at", _("The end comes after the start."))
        return typed
