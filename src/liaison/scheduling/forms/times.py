"""A time is looked for and chosen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from liaison.core.near_dates import is_near, refuse_far_off
from liaison.scheduling.forms.fields import BIGGEST_ID, WEEKDAYS, Choices, DateInput, TimeInput, reason_choices
from liaison.scheduling.models import Resource
from liaison.scheduling.ports import HOLD_FOR, Seat

ANYWHERE = 0
"""Stands for every site in the choice of a place."""


NOTHING = "none"
"""The visit is for nothing in particular."""

UNSAID = ""
"""Nobody said yet what the visit is for."""

HOLD_FOR_WORDS: Final = {
    timedelta(minutes=15): _("15 minutes"),
    timedelta(hours=1): _("1 hour"),
    timedelta(hours=4): _("4 hours"),
    timedelta(hours=24): _("24 hours"),
}
"""How long a time may be held, in words."""

_PROMISE: Final = re.compile(r"(\d{1,18})?(?:-(\d{1,18}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenTime:
    """A time that was offered, as it comes back from the form."""

    start_at: datetime
    site_id: int
    seats: tuple[Seat, ...]


def written_offer(start_at: datetime, *, site_id: int, seats: Sequence[tuple[str, int]]) -> str:
    """A time as the form carries it: the instant, the site, then role and resource of each seat."""
    return " ".join([start_at.isoformat(), str(site_id), *(f"{role}:{resource_id}" for role, resource_id in seats)])


def read_offer(text: str) -> ChosenTime:
    """The opposite of `written_offer`. Raises ValueError for anything else."""
    start, site_id, *seats = text.split()
    start_at = datetime.fromisoformat(start)
    if start_at.tzinfo is None or not is_near(start_at):
        raise ValueError("A time needs its zone, and a year near ours.")
    parts = [seat.rsplit(":", 1) for seat in seats]
    chosen = tuple(Seat(role=role, resource_id=int(resource_id)) for role, resource_id in parts)
    if not all(0 < number < BIGGEST_ID for number in (int(site_id), *(seat.resource_id for seat in chosen))):
        raise ValueError("No row has such a number.")
    return ChosenTime(start_at=start_at, site_id=int(site_id), seats=chosen)


def written_promise(loop_id: int | None, referral_id: int | None) -> str:
    """A loop, a referral, or both as the form carries them."""
    loop, referral = str(loop_id or ""), f"-{referral_id}" if referral_id else ""
    return f"{loop}{referral}" or NOTHING


def read_promise(text: str) -> tuple[int | None, int | None] | None:
    """The opposite of `written_promise`; None for anything else, and for nothing."""
    found = _PROMISE.fullmatch(text)
    if found is None or not text:
        return None
    loop, referral = found.groups()
    return (int(loop) if loop else None), (int(referral) if referral else None)


class TimesForm(forms.Form):
    """What a time is looked for: kind of visit, place, person, and the days and hours that suit the patient."""

    visit_type = forms.TypedChoiceField(label=_("Visit"), coerce=int)
    site = forms.TypedChoiceField(label=_("Where"), coerce=int)
    with_id = forms.TypedChoiceField(label=_("With whom"), coerce=int, required=False, empty_value=None)
    not_before = forms.DateField(label=_("Not before"), required=False, widget=DateInput, validators=[refuse_far_off])
    not_after = forms.DateField(label=_("Last day"), required=False, widget=DateInput, validators=[refuse_far_off])
    from_at = forms.TimeField(label=_("Start from"), required=False, widget=TimeInput)
    to_at = forms.TimeField(label=_("Done by"), required=False, widget=TimeInput)
    weekdays = forms.TypedMultipleChoiceField(
        label=_("On"), coerce=int, choices=[*enumerate(WEEKDAYS)], required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, choices: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [(kind.pk, f"{kind.name}, {kind.duration_minutes} min") for kind in choices.visit_types]
        people = [(person.pk, self._called(person, choices)) for person in choices.people]
        sites = [(site.pk, site.name) for site in choices.sites]
        anywhere = [(ANYWHERE, _("Any site"))] if len(sites) > 1 else []
        self.fields["visit_type"].choices = kinds  # type: ignore[attr-defined]  # the form declares such a field
        self.fields["site"].choices = [*sites, *anywhere]  # type: ignore[attr-defined]  # the form declares such a field
        self.fields["with_id"].choices = [("", _("Anyone")), *people]  # type: ignore[attr-defined]  # the form declares such a field

    @staticmethod
    def _called(person: Resource, choices: Choices) -> str:
        if person.pk != choices.seen_last_id:
            return person.name
        return _("%(name)s, who saw them last") % {"name": person.name}

    def clean(self) -> dict[str, Any]:
        """Refuse hours and days that end before they begin."""
        typed = super().clean() or {}
        for first, last in (("from_at", "to_at"), ("not_before", "not_after")):
            begins, ends = typed.get(first), typed.get(last)
            if begins is not None and ends is not None and ends < begins:
                self.add_error(last, _("This is before the beginning."))
        return typed


class BookForm(TimesForm):
    """A time that was chosen, and what goes with it."""

    key = forms.CharField(max_length=80, widget=forms.HiddenInput)
    offer = forms.CharField(
        max_length=600,
        widget=forms.HiddenInput,
        error_messages={"required": _("Choose one of the times.")},
    )
    note = forms.CharField(
        label=_("Note for the clinic"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("The patient does not see it."),
    )
    override_reason = forms.CharField(
        label=_("Why book all the same"),
        required=False,
        max_length=300,
        help_text=_("It shows on the booking."),
    )
    hold_for = forms.TypedChoiceField(
        label=_("Hold for"), coerce=int, required=False, empty_value=None,
        choices=[(lasting // timedelta(minutes=1), HOLD_FOR_WORDS[lasting]) for lasting in HOLD_FOR],
    )  # fmt: skip
    met = forms.CharField(required=False, max_length=1000, widget=forms.HiddenInput)
    serves = forms.ChoiceField(
        label=_("This visit is for"),
        error_messages={"required": _("Say what this visit is for, or that it is for nothing in particular.")},
    )
    reason = forms.ChoiceField(label=_("Why it moves"), required=False)

    def __init__(self, *args: Any, choices: Choices, is_move: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, choices=choices, **kwargs)
        self.told = choices.promises_told
        if choices.promises:
            self.fields["serves"].choices = choices.promises  # type: ignore[attr-defined]  # the form declares such a field
            self.fields["serves"].help_text = choices.promises_told
        else:
            del self.fields["serves"]
        if is_move:
            self.fields["reason"].required = True
            self.fields["reason"].choices = reason_choices()  # type: ignore[attr-defined]  # the form declares such a field
        else:
            del self.fields["reason"]

    def clean_offer(self) -> ChosenTime:
        """The chosen time as a value."""
        try:
            return read_offer(self.cleaned_data["offer"])
        except ValueError as error:
            raise forms.ValidationError(_("Choose one of the times.")) from error
