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


class OffForm(forms.Form):
    """Why a protocol is turned off."""

    reason = forms.CharField(label=_("Why"), max_length=300)
