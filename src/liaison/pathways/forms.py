"""The shape of input to a follow-up's page."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

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


class OffForm(forms.Form):
    """Why a protocol is turned off."""

    reason = forms.CharField(label=_("Why"), max_length=300)
