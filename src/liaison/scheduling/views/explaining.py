"""Why there is no time, in a coordinator's words, with a link for each change that would give one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from liaison.core.written_time import clock_time, long_day
from liaison.scheduling.queries import Change, Explanation, Left, Relaxed, TimesWanted

FEW = 3
"""With fewer times than this the page says what would give more."""
_LEFT_OUT = {"csrfmiddlewaretoken", "offer", "note", "override_reason", "met", "key", "ask"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownChange:
    """What would give, the time that there is then, and the address that searches so."""

    words: str
    start_at: datetime
    who: tuple[str, ...]
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownExplanation:
    """What stands in the way, line by line, and what would help."""

    lines: tuple[str, ...]
    changes: tuple[ShownChange, ...]


def shown_explanation(explained: Explanation, *, wanted: TimesWanted, typed: Mapping[str, Any]) -> ShownExplanation:
    """The explanation for this search; `typed` is what the form holds."""
    return ShownExplanation(
        lines=tuple(_lines(explained)),
        changes=tuple(
            ShownChange(words=_words(one, wanted), start_at=one.start_at, who=one.who, query=_query(one, typed))
            for one in explained.relaxed
        ),
    )


def _lines(explained: Explanation) -> Sequence[str]:
    """Where the free times end: who is never free, never at once, not when it suits, not while the patient is here."""
    if not explained.counted:
        return ()
    never = [_never(left) for left in explained.counted if not left.starts]
    if never:
        return never
    if not explained.together:
        roles = ", ".join(_role(left) for left in explained.counted)
        return (_("Each is free at times, but never at the same time: %(roles)s.") % {"roles": roles},)
    lines = [_fitting(explained)]
    visits = explained.suiting - explained.possible
    if visits and not explained.possible:
        lines.append(_("The patient has another visit then."))
    elif visits:
        said = ngettext(
            "The patient has another visit at %(count)s of them.",
            "The patient has other visits at %(count)s of them.",
            visits,
        )
        lines.append(said % {"count": f"{visits:,}"})
    scarce = min(explained.counted, key=lambda left: left.starts)
    if scarce.starts < max(left.starts for left in explained.counted):
        lines.append(_("Hardest to find: %(role)s.") % {"role": _role(scarce)})
    return lines


def _fitting(explained: Explanation) -> str:
    """How many of the times at which everybody is free are on the days and hours asked for."""
    said = {"count": f"{explained.together:,}", "fit": f"{explained.suiting:,}"}
    if not explained.suiting:
        counted = ngettext(
            "%(count)s time is free, but not on the days and hours asked for.",
            "%(count)s times are free, but none on the days and hours asked for.",
            explained.together,
        )
        return counted % said
    counted = ngettext(
        "%(fit)s free time is on the days and hours asked for.",
        "%(fit)s free times are on the days and hours asked for.",
        explained.suiting,
    )
    return counted % said


def _never(left: Left) -> str:
    said = {"role": _role(left), "count": left.pool}
    if left.pool == 1:
        return _("Nothing is free for the %(role)s on any day that can be booked.") % said
    return _("None of the %(count)s who could be the %(role)s is free on any day that can be booked.") % said


def _role(left: Left) -> str:
    return left.role.replace("_", " ")


def _words(one: Relaxed, wanted: TimesWanted) -> str:
    after = one.wanted
    return {
        Change.LATER_IN_DAY: _("Done by %(new)s instead of %(old)s"),
        Change.EARLIER_IN_DAY: _("From %(new)s instead of %(old)s"),
        Change.OTHER_DAYS: _("On any weekday"),
        Change.LATER_DATE: _("Up to %(last)s"),
        Change.ANYBODY: _("With a colleague who can do the same"),
        Change.EARLIER_DATE: _("Before the first day asked for"),
        Change.OTHER_SITE: _("At %(site)s"),
        Change.ALL_WISHES: _("Any day, any hour, with anyone"),
    }[one.change] % {
        "new": clock_time(after.to_at if one.change is Change.LATER_IN_DAY else after.from_at),
        "old": clock_time(wanted.to_at if one.change is Change.LATER_IN_DAY else wanted.from_at),
        "last": long_day(after.not_after) if after.not_after else "",
        "site": one.site_name,
    }


def searched(typed: Mapping[str, Any]) -> QueryDict:
    """The query of the page that searches as the form does now, to be changed."""
    query = QueryDict(mutable=True)
    for name, value in typed.items():
        if name not in _LEFT_OUT:
            query.setlist(name, value if isinstance(value, list) else [value])
    return query


def _query(one: Relaxed, typed: Mapping[str, Any]) -> str:
    """The query of the page with that change."""
    after = one.wanted
    query = searched(typed)
    query["site"], query["with_id"] = str(after.site_id), str(after.with_id or "")
    query.setlist("weekdays", [str(day) for day in sorted(after.weekdays)])
    for name, day in (("not_before", after.not_before), ("not_after", after.not_after)):
        query[name] = day.isoformat() if day else ""
    for name, at in (("from_at", after.from_at), ("to_at", after.to_at)):
        query[name] = clock_time(at)
    return query.urlencode()
