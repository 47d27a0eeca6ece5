"""The shape of input to a follow-up's page."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from liaison.core.near_dates import refuse_far_off
from liaison.pathways.rules.protocol import Complexity


class ComplexityForm(forms.Form):
    """How complex the visit is expected to be."""

    complexity = forms.ChoiceField(
        label=_("How complex is it? (medical decision making)"),
        choices=[
            (Complexity.MODERATE.value, _("Moderate: visit within 14 days")),
            (Complexity.HIGH.value, _("High: visit within 7 days")),
        ],
        widget=forms.RadioSelect,
    )
    seen = forms.ChoiceField(
        choices=[(one.value, one.value) for one in Complexity], required=False, widget=forms.HiddenInput
    )
    """What it said on the page where this was chosen."""


class VisitElsewhereForm(forms.Form):
    """When, how and where the visit after a stay took place; times are on the clock where the patient is at home."""

    seen_at = forms.DateTimeField(
        label=_("When was it?"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        validators=[refuse_far_off],
    )
    modality = forms.ChoiceField(
        label=_("How did they meet?"),
        choices=[("in_person", _("In person")), ("video", _("By video")), ("phone", _("By phone"))],
        widget=forms.RadioSelect,
    )
    where = forms.CharField(
        label=_("Where, and how do you know?"),
        max_length=200,
        help_text=_("For example: Dr Tanaka, Albany; her note came by fax."),
    )


class ReconciliationForm(forms.Form):
    """On which day the medicines were gone through, where the patient is at home."""

    done_on = forms.DateField(
        label=_("On which day was it done?"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        validators=[refuse_far_off],
    )
    note = forms.CharField(
        label=_("How do you know?"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        help_text=_("For example: all eight on the phone, against the discharge list; the water pill stopped."),
    )


class StrikeProofForm(forms.Form):
    """What was wrong with what was recorded; `evidence` is the id of which."""

    evidence = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("What was wrong"),
        max_length=300,
        help_text=_("For example: it was another patient's note. Whoever acted on it must understand."),
    )


class OffForm(forms.Form):
    """Why a protocol is turned off."""

    reason = forms.CharField(label=_("Why"), max_length=300)
