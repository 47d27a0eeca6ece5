"""The shape of what people type about times, visits and what can be booked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from liaison.accounts.models import Site
from liaison.core.near_dates import is_near, refuse_far_off
from liaison.directory.models import Practitioner
from liaison.scheduling.models import URGENCY_WORDS, Modality, Resource, ResourceKind, VisitType
from liaison.scheduling.ports import REASONS_IN_ORDER, Barrier, CancelReason, Seat
from liaison.scheduling.rules import BARRIERS, ability_code

WEEKDAYS = [_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday")]
ANYWHERE = 0
"""Stands for every site in the choice of a place."""

_BIGGEST_ID = 2**63
STEPS = [(minutes, str(minutes)) for minutes in (5, 10, 15, 20, 30, 60)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What there is to choose from."""

    visit_types: Sequence[VisitType]
    sites: Sequence[Site]
    people: Sequence[Resource]
    seen_last_id: int | None = None


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
    if not all(0 < number < _BIGGEST_ID for number in (int(site_id), *(seat.resource_id for seat in chosen))):
        raise ValueError("No row has such a number.")
    return ChosenTime(start_at=start_at, site_id=int(site_id), seats=chosen)


def _is_quantity(text: str) -> bool:
    """Whether it says how many of something a visit needs: up to 99."""
    return text.isdecimal() and len(text) <= 2


class DateInput(forms.DateInput):
    """The browser's own date field."""

    input_type = "date"


class TimeInput(forms.TimeInput):
    """The browser's own time field."""

    input_type = "time"


class BarrierForm(forms.Form):
    """What came in the way of a missed visit."""

    barrier = forms.ChoiceField(
        label=_("What came in the way?"), choices=[(code.value, words) for code, words in BARRIERS.items()]
    )
    note = forms.CharField(label=_("In their words"), max_length=200, required=False)

    def clean_barrier(self) -> Barrier:
        """The barrier as a code."""
        return Barrier(self.cleaned_data["barrier"])


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
    reason = forms.ChoiceField(label=_("Why it moves"), required=False)

    def __init__(self, *args: Any, is_move: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
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


class CancelForm(forms.Form):
    """Why a visit is off."""

    reason = forms.ChoiceField(label=_("Why"))
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].choices = reason_choices()  # type: ignore[attr-defined]  # the form declares such a field

    def clean_reason(self) -> CancelReason:
        """The reason as a code."""
        return CancelReason(self.cleaned_data["reason"])


def reason_choices() -> list[tuple[str, str]]:
    """The reasons that a person picks from."""
    return [(reason.value, words) for reason, words in REASONS_IN_ORDER]


class CalendarForm(forms.Form):
    """Which days of which site, and what of them. What can't be read is left out."""

    site = forms.IntegerField(required=False)
    on = forms.DateField(required=False, validators=[refuse_far_off])
    kind = forms.ChoiceField(required=False, choices=[("", ""), *ResourceKind.choices])
    name = forms.CharField(required=False, max_length=60)
    who = forms.IntegerField(required=False, min_value=1, max_value=_BIGGEST_ID - 1)
    sort = forms.ChoiceField(required=False, choices=[(sort, sort) for sort in ("", "time", "resource", "state")])


class PlaceForm(forms.Form):
    """Where on the calendar a visit should go: the instant, how long, and one seat after the other for whom."""

    start = forms.CharField(required=False, max_length=40)
    on = forms.DateField(label=_("Day"), required=False, validators=[refuse_far_off])
    at = forms.TimeField(label=_("From"), required=False)
    minutes = forms.IntegerField(label=_("Minutes"), required=False, min_value=1, max_value=1440)
    reason = forms.ChoiceField(label=_("Why it moves"), required=False)
    override_reason = forms.CharField(
        label=_("Why all the same"), required=False, max_length=300, help_text=_("It shows on the booking.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].choices = reason_choices()  # type: ignore[attr-defined]  # the form declares such a field
        for name, kind in (("on", "date"), ("at", "time")):
            self.fields[name].widget.input_type = kind

    def clean_start(self) -> datetime | None:
        """The instant that a drop on the grid means; None without one."""
        typed = self.cleaned_data["start"]
        if not typed:
            return None
        try:
            start_at = datetime.fromisoformat(typed)
        except ValueError as error:
            raise forms.ValidationError(_("That is no time.")) from error
        if start_at.tzinfo is None or not is_near(start_at):
            raise forms.ValidationError(_("That is no time."))
        return start_at


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
    """One line of working hours."""

    weekday = forms.TypedChoiceField(label=_("Day"), coerce=int, choices=[("", "—"), *enumerate(WEEKDAYS)])
    site = forms.ModelChoiceField(label=_("Site"), queryset=Site.objects.all())
    opens = forms.TimeField(label=_("From"), widget=TimeInput)
    closes = forms.TimeField(label=_("To"), widget=TimeInput)
    valid_from = forms.DateField(label=_("First day"), required=False, widget=DateInput, validators=[refuse_far_off])
    valid_to = forms.DateField(label=_("Up to"), required=False, widget=DateInput, validators=[refuse_far_off])


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


class WaitForm(forms.Form):
    """What a patient waits for and what suits them."""

    key = forms.CharField(max_length=80, widget=forms.HiddenInput)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    visit_type = forms.ChoiceField(label=_("Visit"))
    sites = forms.TypedMultipleChoiceField(label=_("Where"), coerce=int, widget=forms.CheckboxSelectMultiple)
    with_id = forms.TypedChoiceField(label=_("With whom"), coerce=int, required=False, empty_value=None)
    moves = forms.TypedChoiceField(
        label=_("Moves forward"),
        coerce=int,
        required=False,
        empty_value=None,
        help_text=_("The old visit stays until then."),
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Days that suit"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=list(enumerate(WEEKDAYS)),
        help_text=_("None ticked: any day."),
    )
    from_time = forms.TimeField(label=_("Starts from"), required=False, widget=TimeInput)
    to_time = forms.TimeField(label=_("Starts before"), required=False, widget=TimeInput)
    not_before = forms.DateField(label=_("Not before"), required=False, widget=DateInput, validators=[refuse_far_off])
    until = forms.DateField(label=_("Last day"), required=False, widget=DateInput, validators=[refuse_far_off])
    notice_hours = forms.IntegerField(label=_("Hours of notice they need"), min_value=0, max_value=720, initial=24)
    urgency = forms.ChoiceField(label=_("Clinical priority"), choices=URGENCY_WORDS, initial="routine")
    urgency_reason = forms.CharField(
        label=_("Why before others"), required=False, max_length=300, help_text=_("Needed for soon and urgent.")
    )

    def __init__(self, *args: Any, choices: Choices, visits: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["visit_type"].choices = [(kind.code, kind.name) for kind in choices.visit_types]  # type: ignore[attr-defined]  # the form declares such a field
        self.fields["sites"].choices = [(site.pk, site.name) for site in choices.sites]  # type: ignore[attr-defined]  # the form declares such a field
        people = [(person.pk, person.name) for person in choices.people]
        self.fields["with_id"].choices = [("", _("Anyone")), *people]  # type: ignore[attr-defined]  # the form declares such a field
        self.fields["moves"].choices = [("", _("No visit is booked yet")), *visits]  # type: ignore[attr-defined]  # the form declares such a field


class LeaveForm(forms.Form):
    """Why somebody leaves the waitlist."""

    reason = forms.CharField(label=_("Why they don’t wait any more"), max_length=300)
    version = forms.IntegerField(widget=forms.HiddenInput)


class OpenTimeForm(forms.Form):
    """A stretch of one day at a site that those who wait may have."""

    site = forms.TypedChoiceField(label=_("Where"), coerce=int)
    on = forms.DateField(label=_("Day"), widget=DateInput, validators=[refuse_far_off])
    from_at = forms.TimeField(label=_("From"), widget=TimeInput)
    to_at = forms.TimeField(label=_("To"), widget=TimeInput)

    def __init__(self, *args: Any, sites: Sequence[Site], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].choices = [(site.pk, site.name) for site in sites]  # type: ignore[attr-defined]  # the form declares such a field

    def clean(self) -> dict[str, Any]:
        """Refuse an end that is not after the start."""
        typed = super().clean() or {}
        if typed.get("from_at") and typed.get("to_at") and typed["to_at"] <= typed["from_at"]:
            self.add_error("to_at", _("The end comes after the start."))
        return typed
