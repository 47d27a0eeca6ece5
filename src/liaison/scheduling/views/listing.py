"""The day as tables: its visits in an order that one chooses, and what is free of everybody's time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from liaison.scheduling.queries import Day, DayVisit
from liaison.scheduling.rules import Span, State, subtract

_IN_ORDER = (
    State.ARRIVED, State.CHECKED_IN, State.PENDING, State.BOOKED, State.FULFILLED, State.NO_SHOW, State.PROPOSED,
    State.WAITLIST, State.CANCELLED, State.ENTERED_IN_ERROR,
)  # fmt: skip
"""Who waits comes first, what is over last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeRow:
    """What one resource works, and what of that nobody has, as pairs of times on the wall clock of the site."""

    name: str
    kind: str
    works: tuple[tuple[datetime, datetime], ...]
    closed: tuple[tuple[datetime, datetime], ...]
    free: tuple[tuple[datetime, datetime], ...]
    visits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """One visit of the list: its addresses, and its state as the chip that every page shows."""

    visit: DayVisit
    url: str
    place_url: str
    state: SafeString


def list_rows(visits: Sequence[DayVisit]) -> Sequence[ListRow]:
    """The visits in their order. Addresses and chips are worked out once: a big site has a thousand visits a day."""
    own, place = (reverse(f"scheduling:{name}", args=[0]).split("0", 1) for name in ("appointment", "place"))
    chips = {state: render_to_string("scheduling/_state.html", {"visit": {"state": state}}) for state in State}
    return [
        ListRow(
            visit=visit,
            url=f"{own[0]}{visit.appointment_id}{own[1]}",
            place_url=f"{place[0]}{visit.appointment_id}{place[1]}",
            state=chips[visit.state],
        )
        for visit in visits
    ]


def sorted_visits(day: Day, *, by: str) -> Sequence[DayVisit]:
    """The visits by "time" (also for anything else), "resource" or "state"; alike ones by time."""
    if by == "resource":
        return sorted(day.visits, key=lambda visit: (visit.resources, visit.start_at))
    if by == "state":
        return sorted(day.visits, key=lambda visit: (_IN_ORDER.index(visit.state), visit.start_at))
    return day.visits


def free_rows(day: Day) -> Sequence[FreeRow]:
    """Everybody's time, in the order of the rows."""
    zone = day.site.zone

    def there(spans: Sequence[Span]) -> tuple[tuple[datetime, datetime], ...]:
        return tuple((span.start.astimezone(zone), span.end.astimezone(zone)) for span in spans)

    return [
        FreeRow(
            name=row.name,
            kind=row.kind,
            works=there(row.working),
            closed=there(row.closed),
            free=there(
                subtract(row.working, taken=[*row.closed, *(Span(one.start_at, one.end_at) for one in row.visits)])
            ),
            visits=len(row.visits),
        )
        for row in day.rows
    ]
