"""A day as the cells of a table: one row for each resource, five minutes a column.

A table because the content security policy allows no positions in the page, and because rows and columns are
what screen readers, printers and narrow windows understand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.safestring import SafeString

from liaison.scheduling.ports import Span
from liaison.scheduling.queries import Day, DayRow, DayVisit
from liaison.scheduling.rules import subtract
from liaison.scheduling.views.blocks import Blocks

COLUMN = timedelta(minutes=5)
_HOUR = timedelta(hours=1)
_PER_HOUR = _HOUR // COLUMN


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    """One resource; a second lane only where visits lie on top of each other. A lane is its cells, drawn."""

    resource_id: int
    name: str
    kind: str
    lanes: tuple[SafeString, ...]
    first_of_kind: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GridHour:
    """One heading of the time axis; `zone` is its abbreviation on a day that has more than one."""

    at: datetime
    zone: str
    columns: int
    is_now: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The whole table. `columns` counts those of the time axis, which begins at the instant `starts`."""

    starts: datetime
    columns: int
    hours: tuple[GridHour, ...]
    rows: tuple[GridRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A cell while it still knows where it lies: columns `first` up to but without `last`."""

    first: int
    last: int
    kind: str
    visit: DayVisit | None = None


def grid_of(day: Day, *, now: datetime, may_move: bool) -> Grid:
    """The table of a day, from the full hour before its first thing to the one after its last.

    The axis is of elapsed time: a day on which the clocks change has 23 or 25 hours, and an hour that comes twice
    stands there twice.
    """
    zone = day.site.zone
    start = _whole_hour(day.shown.start, zone=zone)
    count = -(-(day.shown.end - start) // _HOUR)
    columns = count * _PER_HOUR
    kinds = [row.kind for row in day.rows]
    blocks = Blocks(starts=start, may_move=may_move)
    return Grid(
        starts=start,
        columns=columns,
        hours=_hours(start, count, zone=zone, now=now),
        rows=tuple(
            GridRow(
                resource_id=row.resource_id,
                name=row.name,
                kind=row.kind,
                lanes=tuple(_lanes(row, start=start, columns=columns, blocks=blocks)),
                first_of_kind=at == 0 or kinds[at - 1] != row.kind,
            )
            for at, row in enumerate(day.rows)
        ),
    )


def _whole_hour(at: datetime, *, zone: ZoneInfo) -> datetime:
    local = at.astimezone(zone)
    return at - timedelta(minutes=local.minute, seconds=local.second)


def _hours(start: datetime, count: int, *, zone: ZoneInfo, now: datetime) -> tuple[GridHour, ...]:
    starts = [start + hour * _HOUR for hour in range(count)]
    walls = [at.astimezone(zone) for at in starts]
    changes = len({wall.utcoffset() for wall in walls}) > 1
    return tuple(
        GridHour(at=wall, zone=wall.strftime("%Z") if changes else "", columns=_PER_HOUR, is_now=at <= now < at + _HOUR)
        for at, wall in zip(starts, walls, strict=True)
    )


def _lanes(row: DayRow, *, start: datetime, columns: int, blocks: Blocks) -> Iterator[SafeString]:
    """The visits in as few lanes as keep them apart. The first lane shows working time between them."""
    lanes: list[list[_Piece]] = [[]]
    for visit in sorted(row.visits, key=lambda one: (one.start_at, one.end_at)):
        piece = _piece(visit, start=start, columns=columns)
        lane = next((one for one in lanes if not one or one[-1].last <= piece.first), None)
        if lane is None:
            lanes.append([piece])
        else:
            lane.append(piece)
    background = tuple(_background(row, start=start, columns=columns))
    plain = (_Piece(first=0, last=columns, kind="off"),)
    for at, lane in enumerate(lanes):
        yield SafeString("".join(_cells(lane, background if at == 0 else plain, blocks)))


def _piece(visit: DayVisit, *, start: datetime, columns: int) -> _Piece:
    first = min(max((visit.start_at - start) // COLUMN, 0), columns - 1)
    last = min(max(-((start - visit.end_at) // COLUMN), first + 1), columns)
    return _Piece(first=first, last=last, kind="visit", visit=visit)


def _background(row: DayRow, *, start: datetime, columns: int) -> Iterator[_Piece]:
    """Free, closed and off, from the first to the last column."""
    kinds = ["off"] * columns
    for spans, kind in ((row.working, "free"), (_closed(row), "closed")):
        for span in spans:
            for column in range(max((span.start - start) // COLUMN, 0), min(-((start - span.end) // COLUMN), columns)):
                kinds[column] = kind
    first = 0
    for column in range(1, columns + 1):
        if column == columns or kinds[column] != kinds[first]:
            yield _Piece(first=first, last=column, kind=kinds[first])
            first = column


def _closed(row: DayRow) -> Sequence[Span]:
    """The part of working time that is closed."""
    return subtract(row.working, taken=subtract(row.working, taken=row.closed))


def _cells(pieces: Sequence[_Piece], background: Sequence[_Piece], blocks: Blocks) -> Iterator[str]:
    at = 0
    for piece in pieces:
        yield from _between(background, at, piece.first, blocks)
        if piece.visit is not None:
            yield blocks.cell(piece.visit, columns=piece.last - piece.first)
        at = piece.last
    yield from _between(background, at, background[-1].last, blocks)


def _between(background: Sequence[_Piece], first: int, last: int, blocks: Blocks) -> Iterator[str]:
    for piece in background:
        start, end = max(piece.first, first), min(piece.last, last)
        if start < end:
            yield blocks.blank(piece.kind, columns=end - start)
