"""The shape of what a person types about a loop."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from liaison.core.answers import put_beside
from liaison.core.near_dates import refuse_far_off
from liaison.core.refusals import Refusal
from liaison.loops.ports import CLINICAL, ROUTINE, URGENT, Owner
from liaison.loops.queries import LoopStory, OwnerChoice, owner_from_value


class VersionedForm(forms.Form):
    """Every form carries the version it was filled in against."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    next = forms.CharField(required=False, widget=forms.HiddenInput)


class AssignForm(VersionedForm):
    """Give it to a person or a team."""

    owner = forms.ChoiceField(
        label=_("Give to"),
        error_messages={"invalid_choice": _("They don't work where this is kept, or may not take it. Choose another.")},
    )
    reason = forms.CharField(label=_("Why"), required=False, max_length=300)

    def __init__(self, *args: Any, choices: Sequence[OwnerChoice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].choices = [  # type: ignore[attr-defined]  # the form declares such a field
            (choice.value, f"{choice.name} ({choice.open_loops})") for choice in choices
        ]

    @property
    def to(self) -> Owner:
        """The chosen owner (the field only lets known values through)."""
        owner = owner_from_value(self.cleaned_data["owner"])
        if owner is None:
            raise ValueError(self.cleaned_data["owner"])
        return owner


class SnoozeForm(VersionedForm):
    """Put aside until a local time at the loop's site."""

    until = forms.DateTimeField(
        label=_("Until"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        validators=[refuse_far_off],
    )
    reason = forms.CharField(label=_("Why"), max_length=300)


class EvidenceForm(VersionedForm):
    """Record one piece of proof; what is proven already is offered only where nothing else can be recorded.

    What was chosen on an older page stays a choice, and the action says what became of it.
    """

    kind = forms.ChoiceField(label=_("What proves it"))
    note = forms.CharField(label=_("How do you know?"), widget=forms.Textarea(attrs={"rows": 2}), max_length=2000)

    def __init__(self, *args: Any, story: LoopStory, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        missing = {each.code for each in story.row.evidence if not each.is_in}
        proven = {each.code for each in story.row.evidence if each.is_in}
        wanted = [pair for pair in story.accepted if pair[0] not in proven] or story.accepted
        accepted = sorted(wanted, key=lambda pair: pair[0] not in missing)
        if self.is_bound and str(self["version"].value()) != str(story.row.version):
            accepted.append((self["kind"].value() or "", ""))
        self.fields["kind"].choices = accepted  # type: ignore[attr-defined]  # the form declares such a field


class StepForm(VersionedForm):
    """Say what is next, by when, and who must move first."""

    step = forms.CharField(label=_("Next step"), max_length=300)
    is_call = forms.BooleanField(label=_("It is a call"), required=False)
    due_at = forms.DateTimeField(
        label=_("Due"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        validators=[refuse_far_off],
    )
    waiting_on = forms.CharField(label=_("Waiting on"), required=False, max_length=200)


class ReasonForm(VersionedForm):
    """Say why."""

    reason = forms.CharField(label=_("Why"), widget=forms.Textarea(attrs={"rows": 2}), max_length=500)


class PriorityForm(ReasonForm):
    """Say how pressing it is, and why."""

    priority = forms.ChoiceField(
        label=_("How pressing"),
        choices=[(ROUTINE, _("Routine")), (URGENT, _("Urgent")), (CLINICAL, _("Clinical"))],
    )
    field_order = ("priority", "reason")


class HandOverForm(forms.Form):
    """Hand a colleague's desk over."""

    idempotency_key = forms.CharField(widget=forms.HiddenInput, max_length=100)
    from_user = forms.TypedChoiceField(label=_("Who is away"), coerce=int)
    to = forms.MultipleChoiceField(label=_("Who covers"), widget=forms.CheckboxSelectMultiple)
    reason = forms.CharField(label=_("Why"), max_length=300)
    until_on = forms.DateField(
        label=_("First day back (leave empty if not known)"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        validators=[refuse_far_off],
    )

    def __init__(
        self,
        *args: Any,
        people: Sequence[tuple[int | str, str]],
        covers: Sequence[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["from_user"].choices = people  # type: ignore[attr-defined]  # the form declares such a field
        self.fields["to"].choices = covers  # type: ignore[attr-defined]  # the form declares such a field

    @property
    def owners(self) -> list[Owner]:
        """The covers that were ticked."""
        found = (owner_from_value(value) for value in self.cleaned_data["to"])
        return [owner for owner in found if owner is not None]


class HolidayForm(forms.Form):
    """Close a day."""

    calendar = forms.ChoiceField(label=_("Whose"))
    on = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}), validators=[refuse_far_off])
    name = forms.CharField(label=_("What it is"), max_length=120, help_text=_("As in “Staff training”."))

    def __init__(self, *args: Any, calendars: Sequence[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["calendar"].choices = calendars  # type: ignore[attr-defined]  # the form declares such a field


class RemoveHolidayForm(forms.Form):
    """Open a day again."""

    reason = forms.CharField(label=_("Why"), max_length=300)


_OTHER_NAMES = {"to": "to", "until": "until_on", "owner": "to"}


def beside_fields(form: forms.Form, refusal: Refusal) -> bool:
    """Put a refusal's sentences beside the fields that caused it; False when none of them is in this form."""
    known = {_OTHER_NAMES.get(name, name) for name in refusal.fields} | set(refusal.fields)
    return bool(known & set(form.fields)) and put_beside(form, refusal, names=_OTHER_NAMES)


def at_site(local: datetime, *, zone: tzinfo) -> datetime:
    """A typed local time as an instant: the first of two in autumn, shifted forward in the spring gap."""
    return local.replace(tzinfo=None).replace(tzinfo=zone)


def tomorrow_morning(now: datetime, *, zone: tzinfo, due_at: datetime) -> datetime:
    """What a snooze offers first: tomorrow at nine, or the due time if that comes sooner."""
    local = now.astimezone(zone) + timedelta(days=1)
    return min(local.replace(hour=9, minute=0, second=0, microsecond=0), due_at.astimezone(zone))
