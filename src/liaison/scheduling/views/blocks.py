"""A visit as a block, and the cells between blocks. Drawn here and not by a template, because a day has thousands.

Each visit is drawn once and stands in the rows of all whose time it takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from liaison.core.templatetags.liaison import icon
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
        self._drawn: dict[int, SafeString] = {}
        self._before, self._after = reverse("scheduling:appointment", args=[0]).split("0", 1)

    def of(self, visit: DayVisit) -> SafeString:
        """The block of a visit; "Busy" without a link where this person may not see whose it is."""
        drawn = self._drawn.get(visit.appointment_id)
        if drawn is None:
            drawn = self._drawn[visit.appointment_id] = self._draw(visit)
        return drawn

    def _draw(self, visit: DayVisit) -> SafeString:
        times = f"{visit.start_at:%H:%M}–{visit.end_at:%H:%M}"
        if visit.patient_id is None:
            return format_html(
                '<span class="c-block c-block--other"><span class="l-sr">{} </span>{}</span>', times, _("Busy")
            )
        can_move = self._may_move and visit.is_movable
        return format_html(
            '<a class="c-block c-block--{}" href="{}{}{}" data-panel data-visit="{}" data-from="{}" data-for="{}"{}'
            ' title="{} {}, {}, {}">{}<span class="c-block-in"><span class="l-sr">{} </span>'
            '<span data-private>{}</span><span class="l-quiet">{}</span></span></a>',
            visit.state.value,
            self._before,
            visit.appointment_id,
            self._after,
            visit.appointment_id,
            (visit.start_at - self._starts) // _MINUTE,
            (visit.end_at - visit.start_at) // _MINUTE,
            _CAN_MOVE if can_move else _NOTHING,
            times,
            visit.patient_name,
            visit.what,
            visit.resources,
            sign(visit),
            times,
            visit.patient_short,
            visit.what,
        )


_CAN_MOVE: Final = SafeString(' data-movable aria-keyshortcuts="m" aria-describedby="grid-help"')


def sign(visit: DayVisit) -> SafeString:
    """The shape of a state that is not the usual one, or of an override."""
    shape = _SIGNS.get(visit.state)
    if shape is None:
        return icon("alert-triangle", label=_("Overridden")) if visit.overrides else _NOTHING
    name, words = shape
    return icon(name, label=str(words))


def blank(kind: str, columns: int) -> SafeString:
    """A cell without a visit: free, closed or off."""
    words = format_html('<span class="l-sr">{}</span>', _("closed")) if kind == "closed" else _NOTHING
    return format_html('<td colspan="{}" class="c-{}">{}</td>', columns, kind, words)


def filled(block: SafeString, columns: int) -> SafeString:
    """A cell with a visit."""
    return format_html('<td colspan="{}" class="c-visit-cell">{}</td>', columns, block)
