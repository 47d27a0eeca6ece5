"""The shape of what people fill in: a message, a note, a template, a stray mail; a call is in `calls`, how a patient is
reached in `reaching`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from liaison.inbox.forms.at_site import AtSite
from liaison.inbox.queries import TemplateSheet
from liaison.inbox.rules.editing import LONGEST_SUBJECT, Text
from liaison.inbox.wording import Wording, catalogue
from liaison.loops.models import Loop

LONGEST_NOTE = 4_000


MOST_LETTERS: Final = 5_000
"""Of a message that somebody writes."""


class ComposeForm(forms.Form):
    """A message to write."""

    template = forms.ChoiceField(label=_("Template"))
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=[("", _("The patient's")), ("en", "English"), ("es", "Español")],
    )
    text = forms.CharField(
        label=_("Your words"),
        required=False,
        max_length=MOST_LETTERS,
        widget=forms.Textarea(attrs={"rows": 7}),
        help_text=_("No diagnosis, no specialty, no result: e-mail is open to whoever holds the phone."),
    )
    idempotency_key = forms.CharField(widget=forms.HiddenInput, max_length=100)

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["template"].choices = template_choices()  # type: ignore[attr-defined]  # the form declares such a field

    def clean(self) -> dict[str, Any]:
        """A template with words of one's own needs them."""
        typed = super().clean() or {}
        chosen = catalogue().get((typed.get("template", ""), "en"))
        if chosen is not None and chosen.free_text and not (typed.get("text") or "").strip():
            self.add_error("text", _("Write what you want to say."))
        return typed


class NoteForm(forms.Form):
    """A note to write."""

    text = forms.CharField(
        label=_("What colleagues should know"), max_length=LONGEST_NOTE, widget=forms.Textarea(attrs={"rows": 5})
    )
    happened_at = AtSite(label=_("When it was"))
    loop = forms.ChoiceField(label=_("Belongs to"), required=False)
    clinical = forms.BooleanField(
        label=_("Clinical: read by the care team and the records office only"), required=False
    )
    idempotency_key = forms.CharField(widget=forms.HiddenInput, max_length=100)

    def __init__(
        self, *given: Any, loops: Sequence[Loop], titles: Mapping[int, str], zone: ZoneInfo, **more: Any
    ) -> None:
        super().__init__(*given, **more)
        self.loops = {str(one.pk): one for one in loops}
        choices = [
            ("", str(_("No loop: about the patient"))),
            *((key, titles[one.pk]) for key, one in self.loops.items()),
        ]
        self.fields["loop"].choices = choices  # type: ignore[attr-defined]  # the form declares such a field
        self.fields["happened_at"].zone = zone  # type: ignore[attr-defined]  # the form declares such a field

    def clean_loop(self) -> Loop | None:
        """The open loop that was chosen."""
        return self.loops.get(self.cleaned_data["loop"])


class AddToNoteForm(forms.Form):
    """What a note lacks."""

    text = forms.CharField(
        label=_("Add to this note"), max_length=LONGEST_NOTE, widget=forms.Textarea(attrs={"rows": 3})
    )
    idempotency_key = forms.CharField(widget=forms.HiddenInput, max_length=100)


class StrikeForm(forms.Form):
    """What is wrong with a note."""

    reason = forms.CharField(label=_("What is wrong with it"), max_length=300)


class TemplateForm(forms.Form):
    """A text in English and in Spanish."""

    en_subject = forms.CharField(label=_("Subject"), max_length=LONGEST_SUBJECT)
    en_body = forms.CharField(label=_("Text"), widget=forms.Textarea(attrs={"rows": 18}))
    es_subject = forms.CharField(label=_("Subject"), max_length=LONGEST_SUBJECT)
    es_body = forms.CharField(label=_("Text"), widget=forms.Textarea(attrs={"rows": 18}))
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, sheet: TemplateSheet) -> None:
        initial: dict[str, Any] = {"version": sheet.version}
        for language, text in sheet.texts.items():
            initial |= {f"{language}_subject": text.subject, f"{language}_body": text.body}
        super().__init__(data, initial=initial)
        for name in ("es_subject", "es_body"):
            self.fields[name].widget.attrs["lang"] = "es"

    @property
    def texts(self) -> dict[str, Text]:
        """What was typed, by language."""
        typed = self.cleaned_data
        return {
            language: Text(subject=typed[f"{language}_subject"], body=typed[f"{language}_body"])
            for language in ("en", "es")
        }


class MatchForm(forms.Form):
    """Whose a mail is."""

    who = forms.CharField(
        label=_("Patient"), max_length=200, help_text=_("Record number, or name and birth date: exactly one must fit.")
    )


class PutAwayForm(forms.Form):
    """Why nobody answers a mail."""

    reason = forms.CharField(label=_("Why nobody needs to answer it"), max_length=300)


def template_choices() -> list[tuple[str, str]]:
    """The templates that need nothing but the patient, and words where they take some."""
    given = {"called_as", "org", "site", "address", "phone", "text"}
    fitting = [one for (_code, language), one in catalogue().items() if language == "en" and one.required <= given]
    return [(one.code, one.label) for one in sorted(fitting, key=_free_text_first)]


def _free_text_first(wording: Wording) -> tuple[bool, str]:
    return (not wording.free_text, wording.label)
