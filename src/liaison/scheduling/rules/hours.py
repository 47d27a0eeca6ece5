"""From working hours on the wall clock to the spans in which a resource works and is free."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from liaison.scheduling.rules.spans import Span, intersect, merge, subtract
from liaison.scheduling.rules.wall import first_instant

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Weekly hours on the wall clock of a site. Monday is 0.

    `closes` at or before `opens` means on the next day, so 18:00 to 00:00 ends at midnight and 22:00 to
    06:00 is a night. Valid on days from `valid_from` up to but without `valid_to`; None is unbounded.
    """

    weekday: int
    opens: time
    closes: time
    valid_from: date | None = None
    valid_to: date | None = None

    def hold_on(self, on: date) -> bool:
        """Whether these hours start on that local day."""
        return (
            on.weekday() == self.weekday
            and (self.valid_from is None or self.valid_from <= on)
            and (self.valid_to is None or on < self.valid_to)
        )


def working_spans(hours: Iterable[Hours], *, zone: ZoneInfo, window: Span) -> tuple[Span, ...]:
    """The spans inside `window` in which these hours say that a resource works, merged.

    A boundary that the clocks skip is the moment of the change, one that comes twice its first occurrence.
    """
    weekly = tuple(hours)
    spans: list[Span] = []
    on = window.start.astimezone(zone).date() - _DAY
    last = window.end.astimezone(zone).date()
    while on <= last:
        spans.extend(span for entry in weekly if entry.hold_on(on) for span in _on_day(entry, on, zone))
        on += _DAY
    return intersect(spans, (window,))


def _on_day(entry: Hours, on: date, zone: ZoneInfo) -> tuple[Span, ...]:
    ends_on = on if entry.closes > entry.opens else on + _DAY
    start = first_instant(on=on, at=entry.opens, zone=zone)
    end = first_instant(on=ends_on, at=entry.closes, zone=zone)
    # Hours that lie wholly inside a spring gap start and end at the same moment: nobody works them.
    return (Span(start, end),) if start < end else ()


def free_spans(*, working: Iterable[Span], closed: Iterable[Span], reserved: Iterable[Span]) -> tuple[Span, ...]:
    """Working time without closures, leave and what is already reserved."""
    return subtract(working, taken=merge((*closed, *reserved)))
