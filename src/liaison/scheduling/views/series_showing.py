"""A series in words, and every visit of it as the pages show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from liaison.core.answers import wants_fragment
from liaison.core.refusals import Refusal
from liaison.scheduling import actions
from liaison.scheduling.forms import read_offer, written_offer
from liaison.scheduling.forms.series import OPEN, OUT, day_of_the_month
from liaison.scheduling.models import Series, SeriesState, SeriesVisit
from liaison.scheduling.queries import SeriesLine, TimeOffer
from liaison.scheduling.queries.series_plan import AlternativeKind, LineState, PlannedVisit, SeriesPlan
from liaison.scheduling.rules import Repeats, State

_DAYS = (
    gettext_lazy("Monday"), gettext_lazy("Tuesday"), gettext_lazy("Wednesday"), gettext_lazy("Thursday"),
    gettext_lazy("Friday"), gettext_lazy("Saturday"), gettext_lazy("Sunday"),
)  # fmt: skip
KIND_WORDS: Final[Mapping[AlternativeKind, str | Promise]] = MappingProxyType(
    {
        AlternativeKind.SAME_DAY: gettext_lazy("Same day"),
        AlternativeKind.NEXT_DAY: gettext_lazy("Another day"),
        AlternativeKind.COLLEAGUE: gettext_lazy("Colleague"),
    }
)
_STATES: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        SeriesState.AHEAD: gettext_lazy("Booked later"),
        SeriesState.OPEN: gettext_lazy("Needs a time"),
        SeriesState.OUT: gettext_lazy("Left out"),
    }
)
_BOOKED: Final[Mapping[State, str | Promise]] = MappingProxyType(
    {
        State.CANCELLED: gettext_lazy("Cancelled"),
        State.FULFILLED: gettext_lazy("Seen"),
        State.NO_SHOW: gettext_lazy("Did not come"),
        State.ARRIVED: gettext_lazy("Arrived"),
        State.CHECKED_IN: gettext_lazy("Checked in"),
    }
)


MENDED: Final = (
    actions.SeriesTaken,
    actions.SeriesPicksMissing,
    actions.SeriesChanged,
    actions.SeriesWrong,
    actions.ReferralNeeded,
    actions.AskedElsewhere,
    actions.NotYourSite,
)
"""What a person mends in the form of a series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing that can be decided about a visit: its value in the form, and its words."""

    value: str
    offer: TimeOffer | None
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownVisit:
    """One visit of a plan: what it is, what can be decided, what was, and what is wrong with that."""

    planned: PlannedVisit
    number: int | None
    options: tuple[Option, ...]
    chosen: str
    error: str

    @property
    def name(self) -> str:
        """Its field in the form."""
        return f"pick-{self.planned.position}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLine:
    """One visit of a series that is booked."""

    line: SeriesLine
    words: str
    is_off: bool
    url: str

    @property
    def can_change(self) -> bool:
        """Whether it can still move or be cancelled."""
        return self.line.can_change

    def goes_with(self, position: int) -> bool:
        """Whether it goes when the series is cancelled from there on."""
        waits = self.line.row.state in {SeriesState.AHEAD, SeriesState.OPEN}
        return self.line.row.position >= position and (self.can_change or waits)


def rule_in_words(series: Series) -> str:
    """The rule as one would say it: "Every week on Monday and Thursday at 09:00, 12 visits"."""
    if series.pattern.repeats is Repeats.WEEKLY:
        often = ngettext("Every week on", "Every %(n)s weeks on", series.every) % {"n": series.every}
        listed = _one_after_the_other([str(_DAYS[day]) for day in sorted(series.weekdays)])
    else:
        often = ngettext("Every month on", "Every %(n)s months on", series.every) % {"n": series.every}
        listed = day_of_the_month(series.pattern)
    if series.count is not None:
        ends = ngettext("%(n)s visit", "%(n)s visits", series.count) % {"n": series.count}
    else:
        ends = _("up to %(day)s") % {"day": f"{series.until:%B} {series.until:%-d, %Y}" if series.until else ""}
    return f"{often} {listed} {_('at')} {series.at:%H:%M}, {ends}"


def _one_after_the_other(days: Sequence[str]) -> str:
    if len(days) == 1:
        return days[0]
    return _("%(days)s and %(last)s") % {"days": ", ".join(days[:-1]), "last": days[-1]}


def shown_visits(plan: SeriesPlan, *, chosen: Mapping[str, str], errors: Mapping[str, str]) -> tuple[ShownVisit, ...]:
    """Every day of a plan with its options; what was chosen before stays where it can still be had."""
    found: list[ShownVisit] = []
    number = 0
    for planned in plan.visits:
        number += planned.state is not LineState.OUT
        options = _options(planned)
        name = f"pick-{planned.position}"
        found.append(
            ShownVisit(
                planned=planned,
                number=number if planned.state is not LineState.OUT else None,
                options=options,
                chosen=_chosen(planned, options, before=chosen.get(name, "")),
                error=errors.get(name, ""),
            )
        )
    return tuple(found)


def shown_lines(lines: Sequence[SeriesLine]) -> list[ShownLine]:
    """The visits of a series with their states in words and where each leads."""
    return [
        ShownLine(line=line, words=state_words(line.row), is_off=_is_off(line.row), url=_url(line.row))
        for line in lines
    ]


def state_words(row: SeriesVisit) -> str:
    """Where one visit of a series stands, as a person would say it."""
    if row.appointment is None:
        return str(_STATES[row.state])
    return str(_BOOKED.get(row.appointment.state_now, _("Booked")))


def _is_off(row: SeriesVisit) -> bool:
    return row.state == SeriesState.OUT or (row.appointment is not None and row.appointment.cancelled_at is not None)


def _url(row: SeriesVisit) -> str:
    if row.appointment_id is not None:
        return reverse("scheduling:appointment", args=[row.appointment_id])
    return reverse("scheduling:series_visit", args=[row.pk]) if row.state == SeriesState.OPEN else ""


def _options(planned: PlannedVisit) -> tuple[Option, ...]:
    if planned.state in {LineState.OUT, LineState.AHEAD}:
        return ()
    offers = [(planned.offer, _("Book"))] if planned.offer else []
    offers += [(other.offer, str(KIND_WORDS[other.kind])) for other in planned.alternatives]
    options = [Option(value=_written(offer), offer=offer, words=words) for offer, words in offers]
    options.append(Option(value=OPEN, offer=None, words=_("Leave open: a loop finds a time")))
    options.append(Option(value=OUT, offer=None, words=_("Leave out")))
    return tuple(options)


def _written(offer: TimeOffer) -> str:
    seats = [(seat.role, seat.resource_id) for seat in offer.seats]
    return written_offer(offer.start_at, site_id=offer.site_id, seats=seats)


def _chosen(planned: PlannedVisit, options: tuple[Option, ...], *, before: str) -> str:
    """What is chosen: the same as before if it is still there, the wanted time where it is free, else nothing."""
    values = [option.value for option in options]
    if before in values:
        return before
    start = _start_of(before)
    same = next((one.value for one in options if one.offer and start and one.offer.start_at == start), "")
    return same or (values[0] if planned.offer is not None else "")


def _start_of(value: str) -> datetime | None:
    try:
        return read_offer(value).start_at
    except ValueError:
        return None


def shown_plan(plan: SeriesPlan | None, request: HttpRequest, refusal: Refusal | None) -> dict[str, Any]:
    """Every visit of a plan with what was chosen for it and what is wrong with that."""
    errors = refusal.fields if refusal else {}
    return {
        "plan": plan,
        "visits": shown_visits(plan, chosen=request.POST.dict(), errors=errors) if plan else (),
        "refusal": refusal,
    }


def status_of(request: HttpRequest, refusal: Refusal | None, status: int) -> int:
    """Htmx puts a 422 in place of the form; without it the refusal's own status is the honest answer."""
    if refusal is None:
        return status
    return 422 if wants_fragment(request) else refusal.status
