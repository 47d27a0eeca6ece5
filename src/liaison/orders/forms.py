"""The shape of what a person types about a referral."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from liaison.core.near_dates import refuse_far_off
from liaison.loops.ports import ROUTINE, URGENT
from liaison.orders.models import CoverageStatus, Via
from liaison.orders.ports import ReferralOrder, Target
from liaison.orders.queries import target_from_value, value_of

LOCAL_TIME = "%Y-%m-%dT%H:%M"


def _local_time(label: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL_TIME)
    formats = [LOCAL_TIME, "%Y-%m-%dT%H:%M:%S"]
    return forms.DateTimeField(label=label, widget=widget, input_formats=formats, validators=[refuse_far_off])


_WORDS: Final = ("specialty", "urgency", "question", "history", "coverage_status", "coverage_note")

SEND_IT_YOURSELF = _("Liaison does not fax or call yet: send it yourself, then record it here.")


class ReferForm(forms.Form):
    """What a clinician asks, of whom, how fast, and who follows it."""

    specialty = forms.ChoiceField(label=_("Specialty"))
    target = forms.ChoiceField(label=_("Refer to"))
    urgency = forms.ChoiceField(
        label=_("How fast"),
        choices=[(ROUTINE, _("Routine")), (URGENT, _("Urgent"))],
        widget=forms.RadioSelect,
        initial=ROUTINE,
    )
    question = forms.CharField(
        label=_("What should they answer?"), widget=forms.Textarea(attrs={"rows": 3}), max_length=4000
    )
    history = forms.CharField(
        label=_("What they need to know"),
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
        max_length=8000,
    )
    coverage_status = forms.ChoiceField(
        label=_("Must the payer agree first?"),
        choices=CoverageStatus.choices,
        help_text=_("Needed before it is recorded as sent. A draft may say “Not checked yet”."),
    )
    coverage_note = forms.CharField(label=_("Authorization number or note"), required=False, max_length=300)
    attachments = forms.CharField(
        label=_("What goes along, one per line"),
        widget=forms.Textarea(attrs={"rows": 2}),
        required=False,
        max_length=2000,
    )
    referrer = forms.TypedChoiceField(label=_("Referrer"), coerce=int)
    owner = forms.ChoiceField(label=_("Who follows it"))
    via = forms.ChoiceField(label=_("Sent by"), choices=Via.choices, help_text=SEND_IT_YOURSELF)
    duplicate_reason = forms.CharField(
        label=_("Why a second referral to this specialty?"), required=False, max_length=300
    )

    idempotency_key = forms.CharField(widget=forms.HiddenInput, max_length=100)

    def __init__(self, *args: Any, choices: Mapping[str, Sequence[tuple[Any, str]]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, values in choices.items():
            self.fields[name].choices = values  # type: ignore[attr-defined]  # the form declares such a field

    @property
    def order(self) -> ReferralOrder:
        """What was asked (the form is valid)."""
        typed = self.cleaned_data
        return ReferralOrder(
            referrer_id=typed["referrer"],
            specialty=typed["specialty"],
            target=chosen_target(typed["target"]),
            urgency=typed["urgency"],
            question=typed["question"],
            history=typed["history"],
            coverage_status=typed["coverage_status"],
            coverage_note=typed["coverage_note"],
            attachments=tuple(line.strip() for line in typed["attachments"].splitlines() if line.strip()),
        )


class DraftForm(ReferForm):
    """What a draft asks. Who follows it is said on its loop, and how it left when it leaves."""

    owner = None  # type: ignore[assignment]  # Django's way to leave a field out
    via = None  # type: ignore[assignment]  # likewise
    idempotency_key = None  # type: ignore[assignment]  # likewise: its version keeps it from being saved twice

    def __init__(self, *args: Any, kept: ReferralOrder, **kwargs: Any) -> None:
        words = {name: getattr(kept, name) for name in _WORDS}
        chosen = {"target": value_of(kept.target), "referrer": kept.referrer_id}
        initial = {**words, **chosen, "attachments": "\n".join(kept.attachments)}
        super().__init__(*args, initial=initial, **kwargs)


class MoveForm(forms.Form):
    """Every move carries the version it was decided against."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    asks = ""
    """The question of this form that is asked only where it arises."""

    def ask(self) -> None:
        """Show that question."""
        field = self.fields[self.asks]
        chosen = forms.RadioSelect(choices=field.choices)  # type: ignore[attr-defined]  # a field of choices
        field.widget = chosen


class NoteForm(MoveForm):
    """A word about it, if there is one."""

    note = forms.CharField(label=_("Note"), required=False, max_length=500)


class SendForm(MoveForm):
    """How it left."""

    via = forms.ChoiceField(label=_("Sent by"), choices=Via.choices, help_text=SEND_IT_YOURSELF)


class ReasonForm(MoveForm):
    """Why."""

    reason = forms.CharField(label=_("Why"), max_length=500)


class MaybeReasonForm(MoveForm):
    """Why, if it is known."""

    reason = forms.CharField(label=_("Why"), required=False, max_length=500)


class RerouteForm(MoveForm):
    """Whom to ask instead."""

    target = forms.ChoiceField(label=_("Refer to"))
    via = forms.ChoiceField(label=_("Sent by"), choices=Via.choices, help_text=SEND_IT_YOURSELF)
    reason = forms.CharField(label=_("Why"), required=False, max_length=500)

    def __init__(self, *args: Any, targets: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["target"].choices = targets  # type: ignore[attr-defined]  # the form declares such a field
        if not targets:
            self.fields["target"].help_text = _(
                "Nobody else of this specialty is in the directory. Add them there first."
            )


class VisitForm(MoveForm):
    """When the visit is, on the clock of the site."""

    visit_at = _local_time(_("Visit at"))


class SeenForm(MoveForm):
    """When the visit was, on the clock of the site."""

    seen_at = _local_time(_("Seen at"))
    seen_earlier = forms.BooleanField(
        label=_("Yes, they were seen before the visit that is arranged"), required=False, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.data.get("seen_earlier"):
            self.ask_earlier()

    def ask_earlier(self) -> None:
        """Show the question that only matters while the visit lies ahead."""
        self.fields["seen_earlier"].widget = forms.CheckboxInput()

    def say_it_is_cancelled(self) -> None:
        """Say what a yes does to a visit that is booked here."""
        self["seen_earlier"].help_text = _("The visit booked here is cancelled then, and the patient is told.")


def _yes_or_no(label: Any, *, yes: Any, no: Any) -> forms.TypedChoiceField:
    """A question that is asked where it arises, with no answer chosen beforehand; whether one is owed, the action says,
    once it knows that the form is not an old one. None for no answer."""
    return forms.TypedChoiceField(
        label=label,
        choices=[("yes", yes), ("no", no)],
        coerce=lambda answer: answer == "yes",
        empty_value=None,
        required=False,
        widget=forms.HiddenInput,
    )


class ReportForm(MoveForm):
    """What the specialist says, and whether a visit that lies ahead is still needed then."""

    report = forms.CharField(label=_("What the note says"), widget=forms.Textarea(attrs={"rows": 3}), max_length=8000)
    still_needed = _yes_or_no(
        _("Is the visit still needed?"),
        yes=_("Yes, keep it"),
        no=_("No: cancel it and tell the patient"),
    )
    asks = "still_needed"

    def say_it_is_theirs(self) -> None:
        """The visit is not booked here: only a person can call it off."""
        field = self.fields["still_needed"]
        off = _("No: it is called off with them, and the patient knows")
        field.choices = [("yes", _("Yes, it stays")), ("no", off)]  # type: ignore[attr-defined]  # a field of choices


class ReviewForm(MoveForm):
    """What follows from it, and whether a patient who was told before knows it."""

    review = forms.CharField(label=_("What follows"), widget=forms.Textarea(attrs={"rows": 2}), max_length=4000)
    knows = _yes_or_no(
        _("Does the patient know this already?"),
        yes=_("Yes: nothing more is to be told, and the referral closes"),
        no=_("No: they are to be told what follows"),
    )
    asks = "knows"


class TellForm(MoveForm):
    """How the patient was told."""

    how = forms.CharField(
        label=_("Who was told what, and what they said back"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=500,
    )


def chosen_target(value: str) -> Target:
    """The target of a valid form."""
    target = target_from_value(value)
    if target is None:
        raise ValueError(value)
    return target
