"""A visit as a block, and the cells between blocks. Drawn here and not by a template, because a day has thousands.

Each visit is drawn once and stands in the rows of all whose time it takes. Every word that somebody typed goes
through `escape`; numbers and the names of states are ours. Few elements, because a browser pays for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from html import escape
from types import MappingProxyType
from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from liaison.core.templatetags.liaison import icon
from liaison.core.written_time import clock_time
from liaison.scheduling.queries import DayVisit
from liaison.scheduling.rules import State

_MINUTE: Final = timedelta(minutes=1)
_NOTHING: Final = SafeString("")
_SIGNS: Mapping[State, tuple[str, str | Promise]] = MappingProxyType(
    {
        State.PENDING: ("hourglass", gettext_lazy("Held")),
        State.ARRIVED: ("user-check", gettext_lazy("Here")),
        State.CHECKED_IN: ("user-check", gettext_lazy("Here")),
        State.FULFILLED: ("checks", gettext_lazy("Seen")),
        State.NO_SHOW: ("user-off", gettext_lazy("Did not come")),
    }
)
"""Each state but the usual one has a shape and a word, so that colour is never alone."""


class Blocks:
    """Draws the visits of one page: `starts` is the first instant of the axis, `may_move` whether one may drag them."""

    def __init__(self, *, starts: datetime, may_move: bool) -> None:
        self._starts, self._may_move = starts, may_move
        self._drawn: dict[int, str] = {}
        self._blank: dict[tuple[str, int], str] = {}
        self._before, self._after = reverse("scheduling:appointment", args=[0]).split("0", 1)

    def cell(self, visit: DayVisit, *, columns: int) -> str:
        """A cell with the block of a visit; "Busy" without a link where this person may not see whose it is."""
        drawn = self._drawn.get(visit.appointment_id)
        if drawn is None:
            drawn = self._drawn[visit.appointment_id] = self._draw(visit)
        return f'<td colspan="{columns}">{drawn}</td>'

    def blank(self, kind: str, *, columns: int) -> str:
        """A cell without a visit: free, closed or off."""
        drawn = self._blank.get((kind, columns))
        if drawn is None:
            words = f'<span class="l-sr">{escape(_("closed"))}</span>' if kind == "closed" else ""
            drawn = self._blank[kind, columns] = f'<td colspan="{columns}" class="c-{escape(kind)}">{words}</td>'
        return drawn

    def _draw(self, visit: DayVisit) -> str:
        times = f"{clock_time(visit.start_at)}–{clock_time(visit.end_at)}"
        if visit.patient_id is None:
            return f'<span class="c-block c-block--other"><span class="l-sr">{times} </span>{escape(_("Busy"))}</span>'
        title = escape(f"{times} {visit.patient_name}, {visit.what}, {visit.resources}")
        return (
            f'<a class="c-block c-block--{visit.state.value}{_short(visit)}" data-panel'
            f' href="{self._before}{visit.appointment_id}{self._after}" data-visit="{visit.appointment_id}"'
            f' data-from="{(visit.start_at - self._starts) // _MINUTE}"'
            f' data-for="{(visit.end_at - visit.start_at) // _MINUTE}"'
            f"{_CAN_MOVE if self._may_move and visit.is_movable else ''}"
            f' title="{title}">{sign(visit)}<b data-private>{escape(visit.patient_short)}</b>'
            f"<i>{escape(visit.what)}</i></a>"
        )


def _short(visit: DayVisit) -> str:
    """A short visit shows its patient's name on both lines: what it is stands in its title and its panel."""
    return " is-short" if visit.end_at - visit.start_at < _LONG_ENOUGH else ""


_LONG_ENOUGH: Final = 30 * _MINUTE
_CAN_MOVE: Final = ' data-movable aria-keyshortcuts="m"'


def sign(visit: DayVisit) -> SafeString:
    """The shape of a state that is not the usual one, else of an override, else of a series."""
    shape = _SIGNS.get(visit.state)
    if shape is None and visit.overrides:
        return icon("alert-triangle", label=_("Overridden"))
    if shape is None:
        return icon("calendar-repeat", label=_("Of a series")) if visit.in_series else _NOTHING
    name, words = shape
    return icon(name, label=str(words))
