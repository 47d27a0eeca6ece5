"""The shape of a call: how it went, what was explained, and why it was a mistake."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from liaison.core.needed import needed
from liaison.inbox.forms.at_site import AtSite
from liaison.inbox.models.calls import OutcomeChoice, StruckWhy
from liaison.inbox.ports import (
    CallDetails,
    TeachBackItem,
    Understood,
    With,
)
from liaison.inbox.queries import CallSheet
from liaison.inbox.rules.contact import HEARS_CLINICAL
from liaison.patients.ports import Channel
from liaison.patients.queries.band import ContactShown

MOST_MINUTES = 600
ROWS = 3


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
    settled = forms.ChoiceField(
        label=_("Does this settle it?"),
        required=False,
        choices=[("yes", _("Yes, it is settled")), ("no", _("Not yet: keep it open"))],
        widget=forms.RadioSelect,
    )
    script_done = forms.MultipleChoiceField(
        label=_("Gone through"), required=False, widget=forms.CheckboxSelectMultiple
    )
    direction = forms.ChoiceField(
        label=_("Who called"), choices=[("out", _("We called")), ("in", _("They called"))], initial="out"
    )
    started_at = AtSite(label=_("When"))
    minutes = forms.IntegerField(label=_("Minutes"), required=False, min_value=0, max_value=MOST_MINUTES)
    next_attempt_at = AtSite(label=_("Try again at"), required=False)
    idempotency_key = forms.CharField(widget=forms.HiddenInput, max_length=100)

    def __init__(self, *given: Any, sheet: CallSheet, **more: Any) -> None:
        super().__init__(*given, **more)
        self.sheet = sheet
        if not sheet.settles:
            del self.fields["settled"]
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
        left_one = typed.get("outcome") == OutcomeChoice.LEFT_MESSAGE and typed.get("number") in self.quiet_numbers
        if left_one and not str(typed.get("said", "")).strip():
            self.add_error("said", _("No messages may be left on this number. If it happened, say what was left."))
        return typed

    @property
    def says_settled(self) -> bool | None:
        """Whether the talk settled what is promised; None where that was not asked or not answered."""
        return {"yes": True, "no": False}.get(self.cleaned_data.get("settled", ""))

    @property
    def try_again_at(self) -> datetime | None:
        """When to try again: after a talk only where it settled nothing."""
        over = self.cleaned_data["outcome"] == OutcomeChoice.REACHED and self.says_settled is not False
        return None if over else self.cleaned_data["next_attempt_at"]

    @property
    def quiet_numbers(self) -> frozenset[str]:
        """The choices of number on which no message may be left."""
        return frozenset(point_choice(one) for one in without_messages(self.sheet))

    @property
    def must_say(self) -> bool:
        """Whether what was said must be written down, as the form stands: after a talk, and after a message that was
        left where none may be left."""
        outcome, number = self["outcome"].value(), self["number"].value()
        return outcome == OutcomeChoice.REACHED or (
            outcome == OutcomeChoice.LEFT_MESSAGE and number in self.quiet_numbers
        )

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
            settled=self.says_settled if typed["outcome"] == OutcomeChoice.REACHED else None,
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


class StrikeCallForm(forms.Form):
    """Why a call was entered by mistake."""

    why = forms.ChoiceField(label=_("What was wrong"), choices=StruckWhy.choices, widget=forms.RadioSelect)
    words = forms.CharField(
        label=_("In a few words"),
        max_length=300,
        required=False,
        help_text=_("Needed for something else. Whoever acted on this call must understand."),
    )


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
