"""The shape of what people type about several visits that belong together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from liaison.accounts.models import Site
from liaison.core.near_dates import refuse_far_off
from liaison.core.numbers import id_in
from liaison.scheduling.forms.fields import WEEKDAYS, DateInput, TimeInput
from liaison.scheduling.forms.times import ANYWHERE, ChosenTime, read_offer, written_offer
from liaison.scheduling.queries import Plan
from liaison.scheduling.rules.journeys import FEWEST_STEPS, MOST_APART, MOST_STEPS, Gap

_MOST_MINUTES: Final = 600
_BETWEEN: Final = "|"


@dataclass(frozen=True, slots=True, kw_only=True)
class GapChoice:
    """One way to say how far a visit lies after the one before; `unit` where it takes a number, at first `number`."""

    words: str | Promise
    gap: Callable[[int], Gap]
    unit: str | Promise = ""
    number: int = 0
    most: int = MOST_APART


GAPS: Final[Mapping[str, GapChoice]] = MappingProxyType(
    {
        "any": GapChoice(words=_("any time after"), gap=lambda _number: Gap()),
        "same": GapChoice(words=_("on the same day"), gap=lambda _number: Gap(most_days=0)),
        "within": GapChoice(
            words=_("on the same day, within …"),
            gap=lambda number: Gap(most_days=0, most_minutes=number),
            unit=_("minutes"),
            number=60,
            most=_MOST_MINUTES,
        ),
        "next": GapChoice(words=_("the next day or later"), gap=lambda _number: Gap(least_days=1)),
        "least": GapChoice(
            words=_("at least …"), gap=lambda number: Gap(least_days=number), unit=_("days after"), number=7
        ),
        "most": GapChoice(
            words=_("at most …"), gap=lambda number: Gap(most_days=number), unit=_("days after"), number=14
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One visit that is asked for, and how far it lies after the one above (nothing for the first)."""

    kind_id: int
    code: str = "any"
    number: int = 0

    @property
    def gap(self) -> Gap:
        """The rule as a value."""
        return GAPS[self.code].gap(self.number)

    @property
    def unit(self) -> str | Promise:
        """The unit of the number, "" where none is asked."""
        return GAPS[self.code].unit


def code_of(gap: Gap) -> tuple[str, int]:
    """How the form says this gap, with its number. Both bounds at once it can't say: then the most counts."""
    if gap.most_days == 0:
        return ("same", 0) if gap.most_minutes is None else ("within", gap.most_minutes)
    if gap.most_days is not None:
        return "most", gap.most_days
    if gap.least_days == 1:
        return "next", 1
    return ("least", gap.least_days) if gap.least_days else ("any", 0)


def read_rows(given: QueryDict, *, kinds: Sequence[int]) -> list[Row]:
    """The rows that were typed, two at least and five at most; what can't be read has a first answer."""
    typed, codes, numbers = given.getlist("kind"), given.getlist("gap"), given.getlist("n")
    rows = []
    for at in range(min(max(len(typed), FEWEST_STEPS), MOST_STEPS)):
        kind_id = id_in(typed[at]) if at < len(typed) else None
        code = codes[at - 1] if 0 < at <= len(codes) and codes[at - 1] in GAPS else "any"
        number = id_in(numbers[at - 1]) if 0 < at <= len(numbers) else None
        first = kinds[min(at, len(kinds) - 1)] if kinds else 0
        rows.append(
            Row(
                kind_id=kind_id if kind_id is not None and kind_id in kinds else first,
                code=code,
                number=min(number or GAPS[code].number, GAPS[code].most),
            )
        )
    return rows


def changed_rows(rows: Sequence[Row], *, do: str) -> tuple[list[Row], int | None]:
    """The rows after "add", "remove-2", "up-2" or "down-2", and which then has the focus (from 0); what can't be done
    changes nothing. The visits change places, the gaps stay where they stand."""
    what, _dash, where = do.partition("-")
    at = (id_in(where) or 0) - 1
    kinds = [row.kind_id for row in rows]
    if what == "add" and len(rows) < MOST_STEPS:
        return [*rows, Row(kind_id=kinds[-1])], len(rows)
    if what == "remove" and 0 <= at < len(rows) > FEWEST_STEPS:
        left = [*rows[:at], *rows[at + 1 :]]
        return left, min(at, len(left) - 1)
    to = {"up": at - 1, "down": at + 1}.get(what, -1)
    if 0 <= at < len(rows) and 0 <= to < len(rows):
        kinds[at], kinds[to] = kinds[to], kinds[at]
        return [Row(kind_id=kind, code=row.code, number=row.number) for kind, row in zip(kinds, rows, strict=True)], to
    return list(rows), None


class JourneyForm(forms.Form):
    """Where, from when, and the days and hours that suit; the visits themselves are read as rows."""

    any_order = forms.BooleanField(label=_("The order does not matter"), required=False)
    site = forms.TypedChoiceField(label=_("Where"), coerce=int)
    not_before = forms.DateField(label=_("Not before"), required=False, widget=DateInput, validators=[refuse_far_off])
    not_after = forms.DateField(label=_("Last day"), required=False, widget=DateInput, validators=[refuse_far_off])
    from_at = forms.TimeField(label=_("Start from"), required=False, widget=TimeInput)
    to_at = forms.TimeField(label=_("Done by"), required=False, widget=TimeInput)
    weekdays = forms.TypedMultipleChoiceField(
        label=_("On"), coerce=int, choices=[*enumerate(WEEKDAYS)], required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, sites: Sequence[Site], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        anywhere = [(ANYWHERE, _("Any site"))] if len(sites) > 1 else []
        self.fields["site"].choices = [*((site.pk, site.name) for site in sites), *anywhere]  # type: ignore[attr-defined]  # the form declares such a field

    def clean(self) -> dict[str, Any]:
        """Refuse hours and days that end before they begin."""
        typed = super().clean() or {}
        for first, last in (("from_at", "to_at"), ("not_before", "not_after")):
            begins, ends = typed.get(first), typed.get(last)
            if begins is not None and ends is not None and ends < begins:
                self.add_error(last, _("This is before the beginning."))
        return typed


class JourneySaveForm(forms.Form):
    """The plan that was chosen, and what goes with it."""

    key = forms.CharField(max_length=80, widget=forms.HiddenInput)
    serves = forms.ChoiceField(
        label=_("The visit that was promised"), error_messages={"required": _("Say which of them it is, or none.")}
    )
    plan = forms.CharField(max_length=3000, error_messages={"required": _("Choose one of the plans.")})
    name = forms.CharField(
        label=_("What it is for"),
        required=False,
        max_length=80,
        help_text=_("In a few words, for colleagues: it stands on each of the visits."),
    )
    note = forms.CharField(
        label=_("Note for the clinic"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("The patient does not see it."),
    )

    def __init__(self, *args: Any, kinds: Sequence[tuple[str, str]], told: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if told:
            self.fields["serves"].choices = kinds  # type: ignore[attr-defined]  # the form declares such a field
            self.fields["serves"].help_text = told
        else:
            del self.fields["serves"]

    def clean_plan(self) -> list[tuple[int, ChosenTime]]:
        """The visits of the plan: kind and time of each."""
        try:
            return read_plan(self.cleaned_data["plan"])
        except ValueError as error:
            raise forms.ValidationError(_("Choose one of the plans.")) from error


def written_plan(plan: Plan) -> str:
    """A plan as the form carries it: kind of visit and time of each, in order."""
    return _BETWEEN.join(
        f"{one.visit_type.pk} "
        + written_offer(
            one.offer.start_at,
            site_id=one.offer.site_id,
            seats=[(seat.role, seat.resource_id) for seat in one.offer.seats],
        )
        for one in plan.visits
    )


def read_plan(text: str) -> list[tuple[int, ChosenTime]]:
    """The opposite of `written_plan`. Raises ValueError for anything else."""
    visits = []
    for part in text.split(_BETWEEN)[: MOST_STEPS + 1]:
        kind, _space, offer = part.partition(" ")
        kind_id = id_in(kind)
        if kind_id is None:
            raise ValueError("A visit has a kind.")
        visits.append((kind_id, read_offer(offer)))
    return visits
