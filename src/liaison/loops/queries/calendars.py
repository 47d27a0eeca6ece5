"""The calendars that clocks are counted on: federal rules and the organization's own closed days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from liaison.core.calendars import FEDERAL, BusinessCalendar, organization_holidays
from liaison.core.remembering import remembered
from liaison.loops.models import Holiday

ORGANIZATION = "organization"


def business_calendar(*, site_id: int | None = None, payer_id: int | None = None) -> BusinessCalendar:
    """Federal holidays, the organization's, and the site's and the payer's if given (DOMAIN 3.3).

    No clock of today belongs to a payer: what waits for a payer's decision will name them here.
    """
    wanted = [ORGANIZATION]
    if site_id is not None:
        wanted.append(f"site:{site_id}")
    if payer_id is not None:
        wanted.append(f"payer:{payer_id}")
    return remembered(("loops.calendar", *wanted), lambda: _with_closed_days(wanted))


def _with_closed_days(wanted: Sequence[str]) -> BusinessCalendar:
    rows: dict[str, list[tuple[date, str]]] = {}
    for name, on, words in Holiday.objects.filter(calendar__in=wanted).values_list("calendar", "on", "name"):
        rows.setdefault(name, []).append((on, words))
    layers = [organization_holidays(name, days=rows[name]) for name in wanted if name in rows]
    return FEDERAL.with_layers(*layers)
