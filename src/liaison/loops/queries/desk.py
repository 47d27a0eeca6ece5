"""The desk: every open loop's next step, the most urgent first.

Each tab is a few *lanes* (one owner, one team, one person waited on, one site), and each lane is a walk along one
partial index that is ordered by `urgent_at`, from where the last page ended: the time of a page does not depend on
how many loops there are. Counts stop at `MOST_COUNTED` for the same reason.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import islice
from typing import Final

from django.db import connection
from django.db.models import Q

from liaison.core.actor import Actor
from liaison.core.calendars import end_of_day
from liaison.core.cursors import read_cursor, written_cursor
from liaison.core.refusals import Forbidden
from liaison.loops import access, rules
from liaison.loops.models import Loop, LoopQuerySet
from liaison.loops.ports import Owner
from liaison.loops.queries.rows import LoopRow, RowPatient, loop_rows
from liaison.patients.models import Patient

MOST_COUNTED: Final = 100
"""Counts of what is one's own end here and are shown as "99+": more is not read at a glance."""

MOST_COUNTED_OF_ALL: Final = 10_000
"""Where the count of every loop at one's sites ends: the figure of the whole is asked for, and an index has it."""

PAGE: Final = 30
"""Rows of one page: more than a tall screen shows, few enough to draw at once; the list goes on as one scrolls."""

Key = tuple[datetime, int]
"""Where a loop stands in the order of the desk: its `urgent_at`, and its id among equals."""


class Tab(StrEnum):
    """The tabs of the desk. Ours, overdue, today and waiting look at what is mine or my teams'; all at my sites.

    Ours, mine, overdue and today hold the loops of others too that wait on a step of mine.
    """

    OURS = "ours"
    MINE = "mine"
    TEAMS = "teams"
    OVERDUE = "overdue"
    TODAY = "today"
    WAITING = "waiting"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskFilters:
    """What to narrow a tab to; empty values narrow nothing."""

    kinds: tuple[str, ...] = ()
    site_id: int | None = None
    owner: Owner | None = None
    priority: str = ""
    patient_id: int | None = None
    hand_over_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TabCount:
    """How many loops a tab holds, up to where its count ends; `words` is what to show."""

    tab: Tab
    count: int

    @property
    def words(self) -> str:
        """The figure, or "99+"."""
        most = _most_counted(self.tab)
        return f"{most - 1:,}+" if self.count >= most else f"{self.count:,}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientGroup:
    """All loops of one patient in a tab, so that one call settles them together."""

    patient: RowPatient
    rows: tuple[LoopRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPage:
    """One page of a tab. `next_after` continues the list, "" on the last page. `groups` only when grouped."""

    tab: Tab
    rows: tuple[LoopRow, ...]
    groups: tuple[PatientGroup, ...] = ()
    next_after: str = ""
    counts: tuple[TabCount, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """Whose desk, when, narrowed how."""

    actor: Actor
    now: datetime
    zone: tzinfo
    filters: DeskFilters = field(default_factory=DeskFilters)


def desk_page(
    actor: Actor,
    *,
    now: datetime,
    zone: tzinfo,
    tab: Tab = Tab.OURS,
    after: str = "",
    limit: int = PAGE,
    filters: DeskFilters | None = None,
    group: bool = False,
    with_counts: bool = True,
) -> DeskPage:
    """One page of the desk of `actor`: at most `limit` rows, or with `group` at most `limit` patients.

    `after` is the last page's `next_after`. `zone` decides what "today" is in the tab of that name; each row's
    words follow its own site. Only loops of patients the actor may see. Refuses Forbidden, BadCursor.
    """
    if not actor.may(access.SEE):
        raise Forbidden
    view = _View(actor=actor, now=now, zone=zone, filters=filters or DeskFilters())
    heads = _heads(view, tab=tab, after=read_cursor(after) if after else None, only_first_of_patient=group)
    page, further = _take(view, heads=heads, limit=limit)
    next_after = written_cursor(*page[-1][0]) if further and page else ""
    counts = tab_counts(actor, now=now, zone=zone) if with_counts else ()
    if not group:
        rows = loop_rows(actor, loop_ids=[key[1] for key, _ in page], now=now)
        return DeskPage(tab=tab, rows=rows, next_after=next_after, counts=counts)
    groups = _groups(view, tab=tab, patient_ids=[patient_id for _, patient_id in page])
    rows = tuple(row for each in groups for row in each.rows)
    return DeskPage(tab=tab, rows=rows, groups=groups, next_after=next_after, counts=counts)


def tab_counts(actor: Actor, *, now: datetime, zone: tzinfo) -> tuple[TabCount, ...]:
    """How many loops each tab holds, up to where its count ends. Figures only, of nobody in particular."""
    view = _View(actor=actor, now=now, zone=zone)
    lanes: list[tuple[Tab, LoopQuerySet]] = []
    for tab in Tab:
        lanes += [(tab, lane) for lane in ([] if tab is Tab.OURS else _lanes(view, tab=tab))]
    lanes += [(Tab.OURS, lane) for lane in _teams_and_on_me(view)]
    totals = dict.fromkeys(Tab, 0)
    for (tab, _), count in zip(lanes, _counts(lanes), strict=True):
        totals[tab] += count
    totals[Tab.OURS] = totals[Tab.MINE] + totals[Tab.TEAMS] - totals[Tab.OURS]
    return tuple(TabCount(tab=tab, count=min(total, _most_counted(tab))) for tab, total in totals.items())


def _most_counted(tab: Tab) -> int:
    return MOST_COUNTED_OF_ALL if tab is Tab.ALL else MOST_COUNTED


def _counts(lanes: Sequence[tuple[Tab, LoopQuerySet]]) -> Sequence[int]:
    """The rows of each lane up to where its tab's count ends, all in one question: a walk along each lane's index."""
    if not lanes:
        return ()
    walks = [
        lane.order_by("urgent_at", "id").values("pk")[: _most_counted(tab)].query.sql_with_params()
        for tab, lane in lanes
    ]
    columns = ", ".join(f"(SELECT count(*) FROM ({sql}) AS lane)" for sql, _ in walks)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns}", [value for _, values in walks for value in values])
        row: Sequence[int] = cursor.fetchone()
    return row


# --- lanes ----------------------------------------------------------------------------------------------------


def _lanes(view: _View, *, tab: Tab) -> list[LoopQuerySet]:
    """The disjoint index walks of a tab."""
    open_loops = _narrowed(Loop.objects.open(), filters=view.filters)
    if tab is not Tab.ALL:
        return _own_lanes(view, tab=tab, open_loops=open_loops)
    sites = view.actor.sites_for(access.SEE)
    return [open_loops] if sites is None else [open_loops.filter(site_id=site_id) for site_id in sorted(sites)]


def _own_lanes(view: _View, *, tab: Tab, open_loops: LoopQuerySet) -> list[LoopQuerySet]:
    """The lanes of what is the actor's or their teams', or waits on the actor."""
    actor = view.actor
    mine = [open_loops.filter(owner_user_id=actor.user_id)] if actor.user_id is not None else []
    teams = [open_loops.filter(owner_team_id=team_id) for team_id in sorted(actor.team_ids)]
    on_me = [open_loops.waiting_on(actor.user_id)] if actor.user_id is not None else []
    if tab is Tab.MINE:  # that its owner put it aside takes nothing off the desk of whom it waits on
        return [*(lane.awake(now=view.now) for lane in mine), *on_me]
    not_teams = ~Q(owner_team_id__in=actor.team_ids) | Q(owner_team=None)
    if tab is Tab.OURS:  # what a team of mine put aside is off its lane, and still on me
        apart = not_teams | Q(snoozed_until__gt=view.now)
        return [*(lane.awake(now=view.now) for lane in mine + teams), *(lane.filter(apart) for lane in on_me)]
    if tab is Tab.TEAMS:
        return [lane.awake(now=view.now) for lane in teams]
    if tab is Tab.WAITING:
        return [lane.resting(now=view.now) for lane in mine + teams]
    due = mine + teams + [lane.filter(not_teams) for lane in on_me]
    if tab is Tab.TODAY:
        return [lane.filter(_today(view)) for lane in due]
    # urgent_at never lies after due_at, so the bound on it lets the index walk stop.
    return [lane.filter(due_at__lt=view.now, urgent_at__lt=view.now) for lane in due]


def _teams_and_on_me(view: _View) -> list[LoopQuerySet]:
    """What stands both among mine, as it waits on me, and among my teams'."""
    actor = view.actor
    if actor.user_id is None:
        return []
    on_me = Loop.objects.open().waiting_on(actor.user_id).awake(now=view.now)
    return [on_me.filter(owner_team_id__in=actor.team_ids)] if actor.team_ids else []


def _today(view: _View) -> Q:
    """Due from now to the end of the local day, as a stretch of `urgent_at` for each priority within one of all."""
    today = view.now.astimezone(view.zone).date()
    ends = end_of_day(today, zone=view.zone) + timedelta(seconds=1)
    parts = Q()
    for priority, earlier in rules.RISES_EARLIER_BY.items():
        parts |= Q(priority=priority, urgent_at__gte=view.now - earlier, urgent_at__lt=ends - earlier)
    shifts = rules.RISES_EARLIER_BY.values()
    return parts & Q(urgent_at__gte=view.now - max(shifts), urgent_at__lt=ends - min(shifts))


def _narrowed(loops: LoopQuerySet, *, filters: DeskFilters) -> LoopQuerySet:
    if filters.kinds:
        loops = loops.filter(kind__in=filters.kinds)
    if filters.site_id is not None:
        loops = loops.filter(site_id=filters.site_id)
    if filters.owner is not None:
        loops = loops.owned_by(filters.owner)
    if filters.priority:
        loops = loops.filter(priority=filters.priority)
    if filters.patient_id is not None:
        loops = loops.filter(patient_id=filters.patient_id)
    if filters.hand_over_id is not None:
        loops = loops.filter(hand_over_id=filters.hand_over_id)
    return loops


# --- walking --------------------------------------------------------------------------------------------------

CHUNK: Final = 64
"""Rows of a lane that are fetched at a time."""


def _heads(view: _View, *, tab: Tab, after: Key | None, only_first_of_patient: bool) -> Iterator[tuple[Key, int]]:
    """(key, patient id) of a tab's loops in order of urgency, from after a key, over all its lanes."""
    lanes = _lanes(view, tab=tab)
    walks = [_walk(lane, after=after) for lane in lanes]
    merged = heapq.merge(*walks)
    if not only_first_of_patient:
        return merged
    return _first_of_each_patient(merged, lanes=lanes, after=after)


def _walk(lane: LoopQuerySet, *, after: Key | None) -> Iterator[tuple[Key, int]]:
    while True:
        chunk = _past(lane, after=after).order_by("urgent_at", "id")
        rows = list(chunk.values_list("urgent_at", "id", "patient_id")[:CHUNK])
        for urgent_at, loop_id, patient_id in rows:
            yield (urgent_at, loop_id), patient_id
        if len(rows) < CHUNK:
            return
        after = (rows[-1][0], rows[-1][1])


def _past(lane: LoopQuerySet, *, after: Key | None) -> LoopQuerySet:
    if after is None:
        return lane
    at, loop_id = after
    return lane.filter(Q(urgent_at__gt=at) | Q(urgent_at=at, id__gt=loop_id), urgent_at__gte=at)


def _first_of_each_patient(
    heads: Iterator[tuple[Key, int]], *, lanes: Sequence[LoopQuerySet], after: Key | None
) -> Iterator[tuple[Key, int]]:
    """Only the first loop of each patient; patients whose first loop stood on an earlier page were shown there."""
    shown: set[int] = set()
    for key, patient_id in heads:
        if patient_id in shown:
            continue
        shown.add(patient_id)
        if after is not None and _stood_before(lanes, patient_id=patient_id, key=after):
            continue
        yield key, patient_id


def _stood_before(lanes: Sequence[LoopQuerySet], *, patient_id: int, key: Key) -> bool:
    at, loop_id = key
    before = Q(urgent_at__lt=at) | Q(urgent_at=at, id__lte=loop_id)
    return any(lane.filter(before, patient_id=patient_id).exists() for lane in lanes)


def _take(view: _View, *, heads: Iterator[tuple[Key, int]], limit: int) -> tuple[list[tuple[Key, int]], bool]:
    """Up to `limit` heads of patients that the actor may see, and whether more follow."""
    page: list[tuple[Key, int]] = []
    visible = Patient.objects.visible_to(view.actor, access.SEE, now=view.now).order_by()
    while len(page) <= limit:
        batch = list(islice(heads, max(CHUNK, limit + 1)))
        if not batch:
            return page, False
        shown = set(visible.filter(pk__in={patient_id for _, patient_id in batch}).values_list("pk", flat=True))
        page.extend(head for head in batch if head[1] in shown)
    return page[:limit], True


def _groups(view: _View, *, tab: Tab, patient_ids: Sequence[int]) -> tuple[PatientGroup, ...]:
    keys: list[tuple[Key, int]] = []
    for lane in _lanes(view, tab=tab):
        rows = lane.filter(patient_id__in=patient_ids).values_list("urgent_at", "id", "patient_id")
        keys.extend(((urgent_at, loop_id), patient_id) for urgent_at, loop_id, patient_id in rows)
    keys.sort()
    rows_of = loop_rows(view.actor, loop_ids=[key[1] for key, _ in keys], now=view.now)
    by_patient: dict[int, list[LoopRow]] = {patient_id: [] for patient_id in patient_ids}
    for row in rows_of:
        by_patient[row.patient.id].append(row)
    return tuple(PatientGroup(patient=rows[0].patient, rows=tuple(rows)) for rows in by_patient.values() if rows)
