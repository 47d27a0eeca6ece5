"""The shape of what people fill in: a call, its teach-backs, a message, a note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from liaison.core.near_dates import refuse_far_off
from liaison.core.needed import needed
from liaison.inbox.models.calls import OutcomeChoice, StruckWhy
from liaison.inbox.ports import (
    CallDetails,
    TeachBackItem,
    Understood,
    With,
)
from liaison.inbox.queries import CallSheet, TemplateSheet
from liaison.inbox.rules.contact import HEARS_CLINICAL
from liaison.inbox.rules.editing import LONGEST_SUBJECT, Text
from liaison.inbox.wording import Wording, catalogue
from liaison.loops.models import Loop
from liaison.patients.ports import Channel
from liaison.patients.queries.band import ContactShown

MOST_MINUTES = 600
ROWS = 3
LONGEST_NOTE = 4_000


class LocalTime(forms.DateTimeInput):
    """The browser's own field for date and time."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class _AtSite(forms.DateTimeField):
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


class CallForm(forms.Form):
    """A call as it went."""

    outcome = forms.ChoiceField(label=_("How did it end?"), choices=OutcomeChoice.choices, widget=forms.RadioSelect)
    whom = forms.ChoiceField(label=_("With whom?"), widget=forms.RadioSelect)
    with_name = needed(
        forms.CharField(
            label=_("Who was it?"),
            required=False,
            max_length=200,
            help_text=_("A name, or what they are to the patient. It counts as an attempt, never as contact."),
        ),
        _("for someone else"),
    )
    number = forms.ChoiceField(
        label=_("Number"),
        required=False,
        error_messages={
            "invalid_choice": _(
                "This number was changed while you were calling. Choose the one that you dialled, or “Another number”."
            )
        },
    )
    said = forms.CharField(
        label=_("What was said"), required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 4})
    )
    clinical = forms.BooleanField(
        label=_("We talked about how they are and what they need, not only about times"), required=False
    )
    script_done = forms.MultipleChoiceField(
        label=_("Gone through"), required=False, widget=forms.CheckboxSelectMultiple
    )
    direction = forms.ChoiceField(
        label=_("Who called"), choices=[("out", _("We called")), ("in", _("They called"))], initial="out"
    )
    started_at = _AtSite(label=_("When"))
    minutes = forms.IntegerField(label=_("Minutes"), required=False, min_value=0, max_value=MOST_MINUTES)
    next_attempt_at = _AtSite(label=_("Try again at"), required=False)
    idempotency_key = forms.CharField(widget=forms.HiddenInput, max_length=100)

    def __init__(self, *given: Any, sheet: CallSheet, **more: Any) -> None:
        super().__init__(*given, **more)
        self.sheet = sheet
        if not sheet.may_be_clinical:
            del self.fields["clinical"]
        elif sheet.wants_contact:
            self.fields["clinical"].help_text = _("Without this tick the call does not count as the contact.")
        self.fields["whom"].choices = whom_choices(sheet)  # type: ignore[attr-defined]  # the form declares such a field
        self.fields["number"].choices = number_choices(sheet)  # type: ignore[attr-defined]  # the form declares such a field
        self.fields["script_done"].choices = [(step.code, step.title) for step in sheet.script]  # type: ignore[attr-defined]  # the form declares such a field
        for name in ("started_at", "next_attempt_at"):
            self.fields[name].zone = sheet.zone  # type: ignore[attr-defined]  # the form declares such a field

    def clean(self) -> dict[str, Any]:
        """A message left where none may be left is told in a sentence."""
        typed = super().clean() or {}
        quiet = {point_choice(one) for one in without_messages(self.sheet)}
        left_one = typed.get("outcome") == OutcomeChoice.LEFT_MESSAGE and typed.get("number") in quiet
        if left_one and not str(typed.get("said", "")).strip():
            self.add_error("said", _("No messages may be left on this number. If it happened, say what was left."))
        return typed

    @property
    def with_whom(self) -> str:
        """The patient, a proxy, or someone else."""
        return str(self.cleaned_data["whom"]).partition(":")[0]

    @property
    def _with_name(self) -> str:
        if self.with_whom == With.OTHER:
            return str(self.cleaned_data["with_name"])
        return proxy_names(self.sheet).get(self.cleaned_data["whom"], "")

    @property
    def details(self) -> CallDetails:
        """When, how long and with whom exactly."""
        typed = self.cleaned_data
        kind, number, _dialled = (*str(typed["number"]).split(":", 2), "", "")[:3]
        kind_of_whom, _dot, whom = str(typed["whom"]).partition(":")
        return CallDetails(
            started_at=typed["started_at"],
            minutes=typed["minutes"] or 0,
            direction=typed["direction"],
            with_name=self._with_name,
            proxy_id=int(whom) if kind_of_whom == With.PROXY else None,
            number=_label(number_choices(self.sheet), typed["number"]) if number else "",
            point_id=int(number) if kind == "point" else None,
            script_done=tuple(typed["script_done"]),
        )


class TeachBackForm(forms.Form):
    """One thing that was explained."""

    topic = forms.CharField(label=_("Topic"), required=False, max_length=120)
    patient_words = forms.CharField(label=_("In their words"), required=False, max_length=2000)
    understood = forms.ChoiceField(
        label=_("Understood"),
        required=False,
        choices=[("", "—"), ("yes", _("yes")), ("partly", _("partly")), ("no", _("no"))],
    )
    retaught = forms.BooleanField(label=_("Explained again"), required=False)

    def clean(self) -> dict[str, Any]:
        """A row is empty, or has a topic and a verdict."""
        typed = super().clean() or {}
        if typed.get("patient_words") or typed.get("understood"):
            if not typed.get("topic"):
                self.add_error("topic", _("Name what was explained."))
            if not typed.get("understood"):
                self.add_error("understood", _("Say whether they understood."))
        elif typed.get("topic"):
            self.add_error("understood", _("Say whether they understood."))
        return typed

    @property
    def item(self) -> TeachBackItem | None:
        """What was filled in, or None for an empty row."""
        typed = self.cleaned_data
        if not typed.get("topic"):
            return None
        return TeachBackItem(
            topic=typed["topic"],
            patient_words=typed["patient_words"],
            understood=Understood(typed["understood"]),
            retaught=typed["retaught"],
        )


TeachBacks = forms.formset_factory(TeachBackForm, extra=ROWS, max_num=ROWS, absolute_max=ROWS)


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
    happened_at = _AtSite(label=_("When it was"))
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


class StrikeCallForm(forms.Form):
    """Why a call was entered by mistake."""

    why = forms.ChoiceField(label=_("What was wrong"), choices=StruckWhy.choices, widget=forms.RadioSelect)
    words = forms.CharField(
        label=_("In a few words"),
        max_length=300,
        required=False,
        help_text=_("Needed for something else. Whoever acted on this call must understand."),
    )


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


def proxy_names(sheet: CallSheet) -> dict[str, str]:
    """Those who may speak for the patient, by their choice in the form: "June Ng (daughter)"."""
    return {f"proxy:{one.id}": f"{one.name} ({one.relationship})" for one in sheet.band.proxies if one.scope}


def whom_choices(sheet: CallSheet) -> list[tuple[str, str]]:
    """The patient, those who may speak for them, someone else; it is said who may not hear how the patient is."""
    deaf = {f"proxy:{one.id}" for one in sheet.band.proxies if HEARS_CLINICAL not in one.scope}
    proxies = [
        (key, _("%(name)s, not about health") % {"name": name} if key in deaf else name)
        for key, name in proxy_names(sheet).items()
    ]
    return [("patient", sheet.band.goes_by), *proxies, ("other", str(_("Someone else")))]


def number_choices(sheet: CallSheet) -> list[tuple[str, str]]:
    """The numbers that may be dialled, the best first."""
    points = [(point_choice(one), f"{one.shown} {one.use}".strip()) for one in phones(sheet)]
    proxies = [(f"proxy:{one.id}", f"{one.phone} {one.name}") for one in sheet.band.proxies if one.scope and one.phone]
    return [*points, *proxies, ("", str(_("Another number")))]


def point_choice(point: ContactShown) -> str:
    """One of the patient's numbers in the form, with what was dialled: a number corrected meanwhile is another one."""
    return f"point:{point.id}:{point.dial}"


def phones(sheet: CallSheet) -> Sequence[Any]:
    """The patient's numbers that may be called, the preferred first."""
    may_be_called = {way.line_id for way in sheet.band.ways if way.channel is Channel.CALL and not way.blocked}
    return sorted((one for one in sheet.band.contacts if one.id in may_be_called), key=lambda one: not one.preferred)


def without_messages(sheet: CallSheet) -> Sequence[Any]:
    """The numbers that may be dialled, but on which no message may be left."""
    return [one for one in phones(sheet) if not one.may_leave_message]


def _label(choices: Sequence[tuple[str, str]], value: str) -> str:
    return dict(choices).get(value, "")


def _free_text_first(wording: Wording) -> tuple[bool, str]:
    return (not wording.free_text, wording.label)
