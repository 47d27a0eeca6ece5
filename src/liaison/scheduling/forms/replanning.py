"""A day is planned anew: who or what is away, when and why, and which time each visit gets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from liaison.accounts.models import Site
from liaison.core.near_dates import refuse_far_off
from liaison.core.numbers import id_in
from liaison.scheduling.forms.fields import DateInput, TimeInput
from liaison.scheduling.forms.times import ChosenTime, read_offer
from liaison.scheduling.models import Resource
from liaison.scheduling.rules import settle

CALL: Final = "call"
"""Instead of a time: the visit is not moved, somebody calls."""

_LAST_MINUTE: Final = time(23, 59)
_KINDS: Final = (("person", _("People")), ("room", _("Rooms")), ("device", _("Devices")))


class ReplanForm(forms.Form):
    """Who or what can't be there, when, and why. A time until 23:59 ends with the day."""

    what = forms.ChoiceField(label=_("Who or what can’t be there"))
    from_on = forms.DateField(label=_("From"), widget=DateInput, validators=[refuse_far_off])
    from_at = forms.TimeField(label=_("at"), widget=TimeInput)
    to_on = forms.DateField(label=_("Until"), widget=DateInput, validators=[refuse_far_off])
    to_at = forms.TimeField(label=_("at"), widget=TimeInput)
    reason = forms.CharField(
        label=_("Why"), max_length=200, help_text=_("Colleagues read it on the calendar, patients don’t.")
    )

    def __init__(self, *args: Any, sites: Sequence[Site], resources: Sequence[Resource], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sites = {site.pk: site for site in sites}
        self._resources = {one.pk: one for one in resources}
        of_kind = [
            (words, [(f"r{one.pk}", _called(one, several=len(sites) > 1)) for one in resources if one.kind == kind])
            for kind, words in _KINDS
        ]
        whole = (_("Whole sites"), [(f"s{site.pk}", site.name) for site in sites])
        self.fields["what"].choices = [("", _("Choose")), *(group for group in (*of_kind, whole) if group[1])]  # type: ignore[attr-defined]  # the form declares such a field

    @property
    def resource(self) -> Resource | None:
        """Who or what is away; None for a whole site."""
        what = self.cleaned_data["what"]
        return self._resources[int(what[1:])] if what.startswith("r") else None

    @property
    def site(self) -> Site:
        """The site that is closed, or the home of who is away."""
        resource = self.resource
        return self._sites[int(self.cleaned_data["what"][1:])] if resource is None else resource.site

    @property
    def starts_at(self) -> datetime:
        """The first instant."""
        return self._instant("from")

    @property
    def ends_at(self) -> datetime:
        """The instant after the last."""
        return self._instant("to")

    def _instant(self, side: str) -> datetime:
        on: date = self.cleaned_data[f"{side}_on"]
        at: time = self.cleaned_data[f"{side}_at"]
        if side == "to" and at == _LAST_MINUTE:
            on, at = on + timedelta(days=1), time(0)
        return settle(on=on, at=at, zone=self.site.zone).at

    def clean(self) -> dict[str, Any]:
        """Refuse an end that is not after the start."""
        typed = super().clean() or {}
        if not self.errors and self.ends_at <= self.starts_at:
            self.add_error("to_on", _("The end comes after the start."))
        return typed


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPick:
    """What a form says of one visit: the time for it (None: call), and whether a person chose that."""

    appointment_id: int
    version: int
    time: ChosenTime | None
    is_chosen: bool


def read_picks(given: QueryDict) -> list[ReadPick]:
    """What a form says of each visit. What can't be read is left out: then the plan says that the visits changed."""
    return list(_picks(given))


def _picks(given: QueryDict) -> Iterator[ReadPick]:
    for text in given.getlist("visit"):
        number, _colon, version = text.partition(":")
        appointment_id, known = id_in(number), id_in(version)
        pick = given.get(f"pick-{number}", "")
        if appointment_id is None or known is None or not pick:
            continue
        is_chosen = pick != given.get(f"was-{number}") or f"mine-{number}" in given
        try:
            chosen = None if pick == CALL else read_offer(pick)
        except ValueError:
            continue
        yield ReadPick(appointment_id=appointment_id, version=known, time=chosen, is_chosen=is_chosen)


def _called(one: Resource, *, several: bool) -> str:
    return f"{one.name}, {one.site.name}" if several else one.name
