"""What can be booked: visit types, resources with their hours, closures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, time
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from liaison.accounts.models import Site
from liaison.core.near_dates import refuse_far_off
from liaison.directory.models import Practitioner
from liaison.scheduling.actions import NeedDraft, VisitTypeDraft
from liaison.scheduling.forms.fields import WEEKDAYS, DateInput, TimeInput
from liaison.scheduling.models import Modality, ResourceKind
from liaison.scheduling.rules import ability_code

STEPS = [(minutes, str(minutes)) for minutes in (5, 10, 15, 20, 30, 60)]


class VisitTypeForm(forms.Form):
    """A visit type. `needs` is one role a line: role, ability and, if more than one, how many.

    `abilities` are those that are known, code and words; what is typed may be either.
    """

    name = forms.CharField(label=_("Name"), max_length=120)
    code = forms.SlugField(
        label=_("Code"),
        max_length=40,
        help_text=_("Stays the same over all versions, for example follow_up."),
    )
    modality = forms.ChoiceField(label=_("How"), choices=Modality.choices)
    duration_minutes = forms.IntegerField(label=_("Minutes"), min_value=1, max_value=1440)
    before_minutes = forms.IntegerField(label=_("Minutes before"), min_value=0, max_value=480, initial=0)
    after_minutes = forms.IntegerField(label=_("Minutes after"), min_value=0, max_value=480, initial=0)
    step_minutes = forms.TypedChoiceField(label=_("Starts every"), coerce=int, choices=STEPS, initial=15)
    least_lead_minutes = forms.IntegerField(
        label=_("Booked at least … minutes ahead"), min_value=0, max_value=525600, initial=0
    )
    most_lead_days = forms.IntegerField(
        label=_("Booked at most … days ahead"), min_value=1, max_value=3650, required=False
    )
    cancellation_hours = forms.IntegerField(
        label=_("A cancellation is late … hours before"), min_value=0, max_value=720, initial=24
    )
    late_after_minutes = forms.IntegerField(
        label=_("A patient is late … minutes after the start"), min_value=1, max_value=240, initial=15
    )
    no_show_after_minutes = forms.IntegerField(
        label=_("Missed … minutes after the end"),
        min_value=0,
        max_value=720,
        initial=0,
        required=False,
        help_text=_("Liaison then notes that nobody came. Empty: only a person notes it."),
    )
    referral_needed = forms.BooleanField(label=_("Only with a referral"), required=False)
    needs = forms.CharField(
        label=_("Needs"),
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_(
            "One line for each role: its name, the ability that takes it, how many. Example: nurse, registered nurse, 2"
        ),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, abilities: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._abilities = abilities
        self.fields["code"].disabled = "code" in self.initial  # of one that stands; another code is another visit type

    def draft(self) -> VisitTypeDraft:
        """What was typed."""
        typed = {name: value for name, value in self.cleaned_data.items() if name not in {"version", "needs"}}
        needs = (
            NeedDraft(role=role, ability=ability, quantity=how_many)
            for role, ability, how_many in self.cleaned_data["needs"]
        )
        return VisitTypeDraft(**typed, needs=tuple(needs))

    def clean_needs(self) -> list[tuple[str, str, int]]:
        """Role, ability and quantity of each line."""
        needs = []
        for line in self.cleaned_data["needs"].splitlines():
            parts = [part.strip() for part in line.split(",")]
            if parts == [""]:
                continue
            if len(parts) not in {2, 3} or not all(parts) or not _is_quantity((parts[2:] or ["1"])[0]):
                raise forms.ValidationError(_("“%(line)s” is not: role, ability, how many."), params={"line": line})
            ability = ability_code(parts[1], known=self._abilities)
            needs.append((parts[0], ability, int((parts[2:] or ["1"])[0])))
        return needs


class ResourceForm(forms.Form):
    """A person, room or device, at one of `sites` (None: any); `abilities` are those that are known, code and words."""

    name = forms.CharField(label=_("Name"), max_length=120)
    kind = forms.ChoiceField(label=_("Kind"), choices=ResourceKind.choices)
    site = forms.ModelChoiceField(label=_("Home site"), queryset=Site.objects.all())
    practitioner = forms.ModelChoiceField(
        label=_("In the directory"),
        queryset=Practitioner.objects.filter(retired_at__isnull=True, organization__isnull=True),
        required=False,
    )
    abilities = forms.CharField(
        label=_("Abilities"), required=False, help_text=_("Separated by commas. Visit types ask for these.")
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, sites: Collection[int] | None, abilities: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._abilities = abilities
        if sites is not None:
            self.fields["site"].queryset = Site.objects.filter(pk__in=sites)  # type: ignore[attr-defined]  # the form declares such a field

    def clean_abilities(self) -> tuple[str, ...]:
        """The abilities, each once."""
        parts = [part for part in self.cleaned_data["abilities"].split(",") if part.strip()]
        return tuple(sorted({ability_code(part, known=self._abilities) for part in parts}))


class HoursForm(forms.Form):
    """One line of working hours at one of `sites` (None: any)."""

    weekday = forms.TypedChoiceField(label=_("Day"), coerce=int, choices=[("", "—"), *enumerate(WEEKDAYS)])
    site = forms.ModelChoiceField(label=_("Site"), queryset=Site.objects.none())
    opens = forms.TimeField(label=_("From"), widget=TimeInput)
    closes = forms.TimeField(label=_("To"), widget=TimeInput)
    valid_from = forms.DateField(label=_("First day"), required=False, widget=DateInput, validators=[refuse_far_off])
    valid_to = forms.DateField(label=_("Up to"), required=False, widget=DateInput, validators=[refuse_far_off])

    def __init__(self, *args: Any, sites: Collection[int] | None = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        every = Site.objects.all()
        self.fields["site"].queryset = every if sites is None else every.filter(pk__in=sites)  # type: ignore[attr-defined]  # the form declares such a field


HoursFormSet = forms.formset_factory(HoursForm, extra=2, can_delete=True, max_num=50, absolute_max=60)


class ClosureForm(forms.Form):
    """Leave, downtime, a closed site."""

    from_on = forms.DateField(label=_("From"), widget=DateInput, validators=[refuse_far_off])
    from_at = forms.TimeField(label=_("at"), widget=TimeInput, initial=time(0))
    to_on = forms.DateField(label=_("To"), widget=DateInput, validators=[refuse_far_off])
    to_at = forms.TimeField(label=_("at"), widget=TimeInput, initial=time(0))
    reason = forms.CharField(label=_("Why"), max_length=200)

    def clean(self) -> dict[str, Any]:
        """Refuse an end that is not after the start."""
        typed = super().clean() or {}
        ends: list[tuple[date | None, time | None]] = [
            (typed.get(f"{side}_on"), typed.get(f"{side}_at")) for side in ("from", "to")
        ]
        if all(on is not None and at is not None for on, at in ends) and ends[1] <= ends[0]:
            self.add_error("to_on", _("The end comes after the start."))
        return typed


def _is_quantity(text: str) -> bool:
    """Whether it says how many of something a visit needs: up to 99."""
    return text.isdecimal() and len(text) <= 2
