"""Everything that happened to a patient, on one scale: what each package tells, merged newest first.

A page never splits an instant: a laboratory sends forty results with one time, and the next page asks for what lies
*before* the last instant shown. So a page ends where every source is known to have told all it has.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from itertools import groupby
from typing import Any, Final

from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden
from liaison.core.timeline import TimelineEntry, nothing_after
from liaison.inbox import queries as inbox
from liaison.loops import queries as loops
from liaison.orders import queries as orders
from liaison.patients.models import Patient
from liaison.records import queries as records
from liaison.scheduling import queries as scheduling

PAGE: Final = 50
MOST_AT_ONCE: Final = 20_000
SEARCH_CHUNK: Final = 1_000

KINDS: Final = (
    ("visits", ("visit", "booking")),
    ("results", ("result",)),
    ("conditions", ("condition",)),
    ("medications", ("medication", "immunization")),
    ("procedures", ("procedure",)),
    ("documents", ("document", "plan", "note")),
    ("talk", ("message", "call")),
    ("loops", ("loop", "referral")),
)
"""The filters of the timeline: a word, and the kinds of entries that it shows."""

Source = Callable[..., Sequence[TimelineEntry]]
SOURCES: Final[Sequence[Source]] = (
    records.timeline,
    loops.timeline,
    inbox.timeline,
    orders.timeline,
    scheduling.timeline,
)
"""What each package that has something to show tells with."""

Years = Callable[..., frozenset[int]]
YEARS: Final[Sequence[Years]] = (
    records.timeline_years,
    loops.timeline_years,
    inbox.timeline_years,
    orders.timeline_years,
    scheduling.timeline_years,
)
"""In which years each of them has something to tell."""

NARROWED: Final = frozenset({records.timeline})
"""Those that look for the words themselves, in the database: a chart has thousands of entries, the rest tens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineWish:
    """What to show: kinds (none: all), words to look for, and only what lies before an instant.

    What has not come yet by `now`, on the days of `zone`, is never shown as if it had happened.
    """

    now: datetime
    zone: tzinfo
    kinds: tuple[str, ...] = ()
    text: str = ""
    before: datetime | None = None

    @property
    def ends_at(self) -> datetime:
        """The instant before which all that is shown lies."""
        latest = nothing_after(self.now, zone=self.zone)
        return min(self.before, latest) if self.before else latest


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelinePage:
    """Entries, the newest first, and the instant before which it goes on (None on the last page)."""

    entries: tuple[TimelineEntry, ...]
    before: datetime | None


def timeline_page(
    actor: Actor, *, patient: Patient, wish: TimelineWish, limit: int = PAGE, sources: Sequence[Source] = SOURCES
) -> TimelinePage:
    """About `limit` entries (whole instants), the newest first. Packages refuse NotFound for an unseen patient."""
    if wish.text:
        return _search(actor, patient=patient, wish=wish, limit=limit, sources=sources)
    entries, whole = _complete(actor, patient=patient, wish=wish, limit=limit, sources=sources)
    return _cut(entries, limit=limit, whole=whole)


def _complete(
    actor: Actor, *, patient: Patient, wish: TimelineWish, limit: int, sources: Sequence[Source]
) -> tuple[list[TimelineEntry], bool]:
    """Entries down to the instant at which some source was cut off, and whether they are all there are."""
    while True:
        told = [_told(source, actor=actor, patient=patient, wish=wish, limit=limit + 1) for source in sources]
        cut_off = [entries[-1].at for entries in told if len(entries) > limit]
        horizon = max(cut_off, default=None)
        merged = heapq.merge(*told, key=_order)
        reached = (entry for entry in merged if horizon is None or entry.at > horizon)
        entries = [entry for entry in reached if entry.has_come(now=wish.now, zone=wish.zone)]
        if entries or horizon is None or limit >= MOST_AT_ONCE:
            return entries, horizon is None
        limit *= 8


def _told(source: Source, *, actor: Actor, patient: Patient, wish: TimelineWish, limit: int) -> Sequence[TimelineEntry]:
    """What one package tells; nothing where this person's role has no part in it."""
    asked: dict[str, Any] = {"kinds": wish.kinds, "before": wish.ends_at, "limit": limit, "now": wish.now}
    if wish.text and source in NARROWED:
        asked["text"] = wish.text
    try:
        return source(actor, patient=patient, **asked)
    except Forbidden:
        return ()


def _cut(entries: Sequence[TimelineEntry], *, limit: int, whole: bool) -> TimelinePage:
    """The first `limit` entries, rounded up to whole instants."""
    page: list[TimelineEntry] = []
    for _, group in groupby(entries, key=lambda entry: entry.at):
        if len(page) >= limit:
            break
        page.extend(group)
    ended = whole and len(page) == len(entries)
    return TimelinePage(entries=tuple(page), before=None if ended or not page else page[-1].at)


def _search(
    actor: Actor, *, patient: Patient, wish: TimelineWish, limit: int, sources: Sequence[Source]
) -> TimelinePage:
    words = wish.text.casefold().split()
    found: list[TimelineEntry] = []
    before, ended = wish.before, False
    while len(found) < limit and not ended:
        chunk = replace(wish, before=before)
        entries, ended = _complete(actor, patient=patient, wish=chunk, limit=SEARCH_CHUNK, sources=sources)
        found.extend(entry for entry in entries if _has(entry, words=words))
        if not entries:
            break
        before = entries[-1].at
    return _cut(found, limit=limit, whole=ended)


def _has(entry: TimelineEntry, *, words: Collection[str]) -> bool:
    said = f"{entry.title} {entry.detail}".casefold()
    return all(word in said for word in words)


def _order(entry: TimelineEntry) -> tuple[float, str, str]:
    return (-entry.at.timestamp(), entry.source, entry.key)


def kinds_of(word: str) -> tuple[str, ...]:
    """The kinds behind a filter's word; none (everything) for a word nobody knows."""
    return dict(KINDS).get(word, ())


def years(
    actor: Actor, *, patient: Patient, now: datetime, zone: tzinfo, sources: Sequence[Years] = YEARS
) -> tuple[tuple[int, datetime], ...]:
    """Each year in which something happened, the latest first, with the instant before which the timeline shows it."""
    before = nothing_after(now, zone=zone)
    found: set[int] = set()
    for source in sources:
        with suppress(Forbidden):  # what this person's role has no part in
            found |= source(actor, patient=patient, before=before, now=now)
    return tuple((year, datetime(year + 1, 1, 1, tzinfo=UTC)) for year in sorted(found, reverse=True))
