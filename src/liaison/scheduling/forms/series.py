"""The shape of what people type about series of visits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from liaison.core.near_dates import refuse_far_off
from liaison.core.needed import needed
from liaison.scheduling.actions import Pick, PickKind
from liaison.scheduling.forms import Choices, read_offer, reason_choices
from liaison.scheduling.models import Resource
from liaison.scheduling.ports import CancelReason
from liaison.scheduling.rules import MOST_APART_IN_SERIES, MOST_VISITS, HolidayPolicy, Pattern, Repeats

DAYS = [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")]
HOLIDAYS = [
    (HolidayPolicy.SKIP.value, _("Leave it out")),
    (HolidayPolicy.NEXT.value, _("Next working day")),
    (HolidayPolicy.KEEP.value, _("Keep it")),
]
MONTHLY = tuple(one for one in Repeats if one is not Repeats.WEEKLY)
OPEN, OUT = "open", "out"
_NTH = {
    1: _("the first %(weekday)s"),
    2: _("the second %(weekday)s"),
    3: _("the third %(weekday)s"),
    4: _("the fourth %(weekday)s"),
    -1: _("the last %(weekday)s"),
}


def _days_later(days: int) -> str:
    if days == 0:
        return str(_("Same day of the week"))
    if days > 0:
        return ngettext("%(n)s day later", "%(n)s days later", days) % {"n": days}
    return ngettext("%(n)s day earlier", "%(n)s days earlier", -days) % {"n": -days}


class SeriesForm(forms.Form):
    """A series in plain words: what, where, with whom, which days at what time, how often, and the holidays."""

    visit_type = forms.TypedChoiceField(label=_("Visit"), coerce=int)
    site = forms.TypedChoiceField(label=_("Where"), coerce=int)
    clinician = forms.TypedChoiceField(label=_("With whom"), coerce=int, required=False, empty_value=None)
    place = forms.TypedChoiceField(label=_("Room"), coerce=int, required=False, empty_value=None)
    weekdays = forms.TypedMultipleChoiceField(
        label=_("On"),
        coerce=int,
        choices=[*enumerate(DAYS)],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    at = forms.TimeField(label=_("At"))
    every = forms.IntegerField(label=_("Every"), min_value=1, max_value=MOST_APART_IN_SERIES, initial=1)
    repeats = forms.TypedChoiceField(
        label=_("Weeks or months"),
        coerce=Repeats,
        initial=Repeats.WEEKLY.value,
    )
    first_on = forms.DateField(label=_("From"), validators=[refuse_far_off])
    count = needed(
        forms.IntegerField(label=_("Visits"), required=False, min_value=2, max_value=MOST_VISITS),
        _("without a last day"),
    )
    until = needed(
        forms.DateField(label=_("Or up to"), required=False, validators=[refuse_far_off]),
        _("without that number"),
    )
    holidays = forms.ChoiceField(label=_("On a holiday"), choices=HOLIDAYS, initial=HolidayPolicy.SKIP.value)

    def __init__(self, *args: Any, choices: Choices, places: Sequence[Resource], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(
            self, "visit_type", [(kind.pk, f"{kind.name}, {kind.duration_minutes} min") for kind in choices.visit_types]
        )
        _offer(self, "site", [(site.pk, site.name) for site in choices.sites])
        _offer(self, "clinician", [("", _("Anyone, the same each time if possible")), *_named(choices.people)])
        _offer(self, "place", [("", _("Any that is free")), *_named(places)])
        _offer(self, "repeats", repeats_choices(self._first_day(), chosen=self["repeats"].value()))
        for name, kind in (("at", "time"), ("first_on", "date"), ("until", "date")):
            self.fields[name].widget.input_type = kind

    def _first_day(self) -> date | None:
        try:
            found: date | None = self.fields["first_on"].clean(self["first_on"].value())
        except forms.ValidationError:
            return None
        return found

    @property
    def is_weekly(self) -> bool:
        """Whether days of the week are to be chosen."""
        return self["repeats"].value() not in set(Repeats) - {Repeats.WEEKLY}

    def clean_holidays(self) -> HolidayPolicy:
        """The policy as a code."""
        return HolidayPolicy(self.cleaned_data["holidays"])

    def clean(self) -> dict[str, Any]:
        """Refuse a week without a day, and a series that never ends or ends twice."""
        typed = super().clean() or {}
        if typed.get("repeats") is Repeats.WEEKLY and not typed.get("weekdays") and "weekdays" not in self.errors:
            self.add_error("weekdays", _("Choose at least one day of the week."))
        if {"count", "until"} & set(self.errors):
            return typed
        if typed.get("count") is None and typed.get("until") is None:
            self.add_error("count", _("Say how many visits, or the last day."))
        elif typed.get("count") is not None and typed.get("until") is not None:
            self.add_error("until", _("How many visits, or the last day: not both."))
        return typed

    @property
    def pattern(self) -> Pattern:
        """The rule as a value; the form is valid."""
        typed = self.cleaned_data
        return Pattern(
            first_on=typed["first_on"],
            at=typed["at"].replace(second=0, microsecond=0),
            weekdays=frozenset(typed["weekdays"]) if typed["repeats"] is Repeats.WEEKLY else frozenset(),
            repeats=typed["repeats"],
            every=typed["every"],
            count=typed["count"],
            until=typed["until"],
        )


class SeriesSaveForm(forms.Form):
    """What goes with a series that is booked: the key of the form, the days that were seen, a note."""

    key = forms.CharField(max_length=80, widget=forms.HiddenInput)
    signature = forms.CharField(max_length=64, widget=forms.HiddenInput)
    note = forms.CharField(
        label=_("Note for the clinic"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("The patient does not see it."),
    )


class ShiftForm(forms.Form):
    """To which time the visits of a series move, from one on."""

    position = forms.IntegerField(min_value=1, max_value=10_000, widget=forms.HiddenInput)
    at = forms.TimeField(label=_("New time"))
    days = forms.TypedChoiceField(label=_("Day"), coerce=int, choices=[])
    clinician = forms.TypedChoiceField(label=_("With whom"), coerce=int, required=False, empty_value=None)

    def __init__(self, *args: Any, people: Sequence[Resource], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "days", [(days, _days_later(days)) for days in (0, 1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6)])
        _offer(self, "clinician", [("", _("Anyone, the same each time if possible")), *_named(people)])
        self.fields["at"].widget.input_type = "time"


class SeriesMoveForm(forms.Form):
    """What goes with a move that is saved."""

    key = forms.CharField(max_length=80, widget=forms.HiddenInput)
    signature = forms.CharField(max_length=64, widget=forms.HiddenInput)
    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.ChoiceField(label=_("Why it moves"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "reason", reason_choices())

    def clean_reason(self) -> CancelReason:
        """The reason as a code."""
        return CancelReason(self.cleaned_data["reason"])


class SeriesCancelForm(forms.Form):
    """From which visit on a series is off, and why."""

    position = forms.IntegerField(min_value=1, max_value=10_000, widget=forms.HiddenInput)
    reason = forms.ChoiceField(label=_("Why"))
    key = forms.CharField(max_length=80, widget=forms.HiddenInput)
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "reason", reason_choices())

    def clean_reason(self) -> CancelReason:
        """The reason as a code."""
        return CancelReason(self.cleaned_data["reason"])


class LeaveOutForm(forms.Form):
    """Why a visit of a series is not wanted any more."""

    reason = forms.CharField(label=_("Why it is not wanted any more"), max_length=300)


def read_picks(posted: Mapping[str, str]) -> dict[int, Pick]:
    """The decisions by position; what can't be read is as if nothing had been chosen."""
    found: dict[int, Pick] = {}
    for name, value in posted.items():
        number = name.removeprefix("pick-")
        if not name.startswith("pick-") or not number.isdecimal() or len(number) > 4:
            continue
        pick = _read_pick(value)
        if pick is not None:
            found[int(number)] = pick
    return found


def _read_pick(value: str) -> Pick | None:
    if value in {OPEN, OUT}:
        return Pick(kind=PickKind(value))
    try:
        chosen = read_offer(value)
    except ValueError:
        return None
    return Pick(kind=PickKind.BOOK, start_at=chosen.start_at, seats=chosen.seats)


def repeats_choices(first_on: date | None, *, chosen: object = None) -> list[tuple[str, str | Promise]]:
    """Weeks, or months in the words of the first day: "Months, on the second Tuesday".

    From a fifth weekday on, that weekday and the last one are the same: only the last is offered, unless the other is
    `chosen` already.
    """
    weeks = (Repeats.WEEKLY.value, _("Weeks"))
    if first_on is None:
        months: tuple[str | Promise, ...] = (
            _("Months, same day of the month"),
            _("Months, same weekday"),
            _("Months, last such weekday"),
        )
    else:
        asked = [Pattern(first_on=first_on, at=time(), repeats=one) for one in MONTHLY]
        months = tuple(_("Months, on %(day)s") % {"day": day_of_the_month(one)} for one in asked)
    called = dict(zip(MONTHLY, months, strict=True))
    if called[Repeats.WEEKDAY_OF_MONTH] == called[Repeats.LAST_WEEKDAY]:
        is_chosen = chosen == Repeats.WEEKDAY_OF_MONTH
        called.pop(Repeats.LAST_WEEKDAY if is_chosen else Repeats.WEEKDAY_OF_MONTH)
    return [weeks, *((one.value, words) for one, words in called.items())]


def day_of_the_month(pattern: Pattern) -> str:
    """On which day of each month a monthly series has its visit, as one would say it."""
    if pattern.repeats is Repeats.DAY_OF_MONTH:
        return str(_("day %(n)s") % {"n": pattern.first_on.day})
    return str(_NTH[pattern.in_month] % {"weekday": f"{pattern.first_on:%A}"})


def _named(resources: Sequence[Resource]) -> list[tuple[int, str]]:
    return [(one.pk, one.name) for one in resources]


def _offer(form: forms.Form, name: str, choices: Sequence[tuple[Any, Any]]) -> None:
    form.fields[name].choices = choices  # type: ignore[attr-defined]  # the form declares such a field
