"""Wishes of one press: the hours that the patient is known to prefer, and every time of one day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from liaison.core.written_time import clock_time
from liaison.scheduling.ports import read_line
from liaison.scheduling.queries import TimesWanted
from liaison.scheduling.views.explaining import searched

PER_DAY: Final = 4
"""Times shown of one day while other days are shown too."""
MOST_OF_A_DAY: Final = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class BestTime:
    """What is noted of the patient ("after 3 pm"), and the query that asks for it; "" when no hours can be read in it.

    `used` when the form asks for these hours already.
    """

    words: str
    query: str
    used: bool


def best_time(words: str, *, typed: Mapping[str, Any], today: date) -> BestTime | None:
    """The patient's best time beside the form; None when none is noted."""
    if not words.strip():
        return None
    asked = read_line(words[:200], kinds=(), people=(), sites=(), today=today)
    hours = {"from_at": clock_time(asked.from_at), "to_at": clock_time(asked.to_at)}
    days = [str(day) for day in sorted(asked.weekdays)]
    if not any(hours.values()) and not days:
        return BestTime(words=words, query="", used=False)
    query = searched(typed)
    for name, value in hours.items():
        query[name] = value
    query.setlist("weekdays", days)
    now = {name: str(typed.get(name) or "")[:5] for name in hours}
    used = now == hours and sorted(typed.get("weekdays", ())) == days
    return BestTime(words=words, query=query.urlencode(), used=used)


def whole_day(typed: Mapping[str, Any], *, on: date) -> str:
    """The query that shows every time of one day."""
    query = searched(typed)
    query["not_before"] = query["not_after"] = on.isoformat()
    return query.urlencode()


def every_day(typed: Mapping[str, Any], *, wanted: TimesWanted) -> str:
    """The query that goes back from one day to all; "" when not one day is asked for."""
    if wanted.not_before is None or wanted.not_before != wanted.not_after:
        return ""
    query = searched(typed)
    query["not_before"] = query["not_after"] = ""
    return query.urlencode()


def as_many_as_help(wanted: TimesWanted) -> TimesWanted:
    """All times where one day is asked for, some of each of several days."""
    one_day = wanted.not_before is not None and wanted.not_before == wanted.not_after
    return replace(wanted, per_day=None, limit=MOST_OF_A_DAY) if one_day else replace(wanted, per_day=PER_DAY)
