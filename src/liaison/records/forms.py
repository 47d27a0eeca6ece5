"""The shape of a document that is filed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from liaison.core.near_dates import refuse_far_off
from liaison.records.ports import DocumentKind, Filing, NotSound, Sound, sound_file

KIND_LABELS = {
    DocumentKind.REPORT: _("Specialist's report"),
    DocumentKind.REFERRAL: _("Referral"),
    DocumentKind.DISCHARGE: _("Discharge summary"),
    DocumentKind.LABORATORY: _("Laboratory report"),
    DocumentKind.IMAGING: _("Imaging report"),
    DocumentKind.INSURANCE: _("Insurance card or letter"),
    DocumentKind.CONSENT: _("Consent or authorization"),
    DocumentKind.DIRECTIVE: _("Advance directive"),
    DocumentKind.LETTER: _("Letter"),
    DocumentKind.OTHER: _("Something else"),
}


class DocumentForm(forms.Form):
    """A file, and what it is."""

    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,  # an empty one gets our own sentence
        max_length=500,
        widget=forms.FileInput(attrs={"accept": ".pdf,.png,.jpg,.jpeg,.tif,.tiff,.txt"}),
    )
    kind = forms.ChoiceField(label=_("What it is"), choices=list(KIND_LABELS.items()))
    title = forms.CharField(label=_("Title"), max_length=200)
    dated_on = forms.DateField(
        label=_("Date on it"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        validators=[refuse_far_off],
    )
    source = forms.CharField(label=_("From"), max_length=200, required=False, help_text=_("Who wrote or sent it."))
    idempotency_key = forms.CharField(widget=forms.HiddenInput, max_length=100)

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["file"].help_text = _("PDF, PNG, JPEG, TIFF or plain text, at most %(most)s MB.") % {
            "most": settings.LIAISON_DOCUMENT_MB
        }

    def clean_file(self) -> Sound:
        """The file, checked by its bytes and scanned."""
        given = self.cleaned_data["file"]
        most = settings.LIAISON_DOCUMENT_MB << 20
        content = given.read(most + 1)
        try:
            return sound_file(content, name=given.name, most_bytes=most)
        except NotSound as problem:
            raise forms.ValidationError(str(problem)) from None

    @property
    def filing(self) -> Filing:
        """What was said of it."""
        typed = self.cleaned_data
        return Filing(
            kind=DocumentKind(typed["kind"]), title=typed["title"], dated_on=typed["dated_on"], source=typed["source"]
        )


class TakeOutForm(forms.Form):
    """Why a document does not belong here."""

    reason = forms.CharField(label=_("Why it does not belong here"), max_length=300)
