"""Why there is no time, in a coordinator's words, with a link for each change that would give one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django.http import QueryDict
from django.utils.dateformat import format as formatted
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from liaison.scheduling.queries import Change, Explanation, Left, Relaxed, TimesWanted

FEW = 3
"""With fewer times than this the page says what would give more."""
_LEFT_OUT = {"csrfmiddlewaretoken", "offer", "note", "override_reason", "key", "ask"}


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
    """From the widest to the narrowest: where the numbers fall is what stands in the way."""
    if not explained.counted:
        return ()
    lines = [_line(left) for left in explained.counted]
    if len(explained.counted) > 1:
        lines.append(_("All at the same time: %(starts)s") % {"starts": _starts(explained.together)})
    lines.append(_("On the days and hours asked for: %(starts)s") % {"starts": _starts(explained.suiting)})
    if explained.possible < explained.suiting:
        lines.append(_("Without the patient’s other visits: %(starts)s") % {"starts": _starts(explained.possible)})
    return lines


def _line(left: Left) -> str:
    said = {"role": left.role.replace("_", " ").capitalize(), "starts": _starts(left.starts), "pool": left.pool}
    return (_("%(role)s: %(starts)s") if left.pool == 1 else _("%(role)s, any of %(pool)s: %(starts)s")) % said


def _starts(count: int) -> str:
    if not count:
        return _("no free start")
    return ngettext("%(count)s free start", "%(count)s free starts", count) % {"count": f"{count:,}"}


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
        "new": _clock(after.to_at if one.change is Change.LATER_IN_DAY else after.from_at),
        "old": _clock(wanted.to_at if one.change is Change.LATER_IN_DAY else wanted.from_at),
        "last": formatted(after.not_after, "F j") if after.not_after else "",
        "site": one.site_name,
    }


def _clock(at: time | None) -> str:
    return f"{at:%H:%M}" if at is not None else ""


def _query(one: Relaxed, typed: Mapping[str, Any]) -> str:
    """The query of the page with that change."""
    after = one.wanted
    query = QueryDict(mutable=True)
    for name, value in typed.items():
        if name not in _LEFT_OUT:
            query.setlist(name, value if isinstance(value, list) else [value])
    query["site"], query["with_id"] = str(after.site_id), str(after.with_id or "")
    query.setlist("weekdays", [str(day) for day in sorted(after.weekdays)])
    for name, day in (("not_before", after.not_before), ("not_after", after.not_after)):
        query[name] = day.isoformat() if day else ""
    for name, at in (("from_at", after.from_at), ("to_at", after.to_at)):
        query[name] = _clock(at)
    return query.urlencode()
