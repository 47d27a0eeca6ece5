"""A day as the cells of a table: one row for each resource, five minutes a column.

A table because the content security policy allows no positions in the page, and because rows and columns are
what screen readers, printers and narrow windows understand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from liaison.scheduling.ports import Span
from liaison.scheduling.queries import Day, DayRow, DayVisit
from liaison.scheduling.rules import subtract

COLUMN = timedelta(minutes=5)
_HOUR = timedelta(hours=1)
_PER_HOUR = _HOUR // COLUMN


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Some columns of a row: a visit, or free, closed or off (nobody works)."""

    columns: int
    kind: str
    visit: DayVisit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    """One resource; a second lane only where visits lie on top of each other."""

    name: str
    kind: str
    lanes: tuple[tuple[Cell, ...], ...]
    first_of_kind: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GridHour:
    """One heading of the time axis."""

    at: datetime
    columns: int
    is_now: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The whole table. `columns` counts those of the time axis."""

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


def grid_of(day: Day, *, now: datetime) -> Grid:
    """The table of a day, from the full hour before its first thing to the one after its last."""
    zone = day.site.zone
    start = _whole_hour(day.shown.start, zone=zone)
    count = -(-(day.shown.end - start) // _HOUR)
    columns = count * _PER_HOUR
    kinds = [row.kind for row in day.rows]
    return Grid(
        columns=columns,
        hours=tuple(_hour(start + hour * _HOUR, zone=zone, now=now) for hour in range(count)),
        rows=tuple(
            GridRow(
                name=row.name,
                kind=row.kind,
                lanes=_lanes(row, start=start, columns=columns),
                first_of_kind=at == 0 or kinds[at - 1] != row.kind,
            )
            for at, row in enumerate(day.rows)
        ),
    )


def _whole_hour(at: datetime, *, zone: ZoneInfo) -> datetime:
    local = at.astimezone(zone)
    return at - timedelta(minutes=local.minute, seconds=local.second)


def _hour(at: datetime, *, zone: ZoneInfo, now: datetime) -> GridHour:
    return GridHour(at=at.astimezone(zone), columns=_PER_HOUR, is_now=at <= now < at + _HOUR)


def _lanes(row: DayRow, *, start: datetime, columns: int) -> tuple[tuple[Cell, ...], ...]:
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
    return tuple(
        tuple(_filled(lane, background if at == 0 else (_Piece(first=0, last=columns, kind="off"),)))
        for at, lane in enumerate(lanes)
    )


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


def _filled(visits: Sequence[_Piece], background: Sequence[_Piece]) -> Iterator[Cell]:
    at = 0
    for visit in visits:
        yield from _between(background, at, visit.first)
        yield Cell(columns=visit.last - visit.first, kind="visit", visit=visit.visit)
        at = visit.last
    yield from _between(background, at, background[-1].last)


def _between(background: Sequence[_Piece], first: int, last: int) -> Iterator[Cell]:
    for piece in background:
        start, end = max(piece.first, first), min(piece.last, last)
        if start < end:
            yield Cell(columns=end - start, kind=piece.kind)
