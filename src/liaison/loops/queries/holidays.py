"""The closed days as an administrator sees them: whose they are, and the federal ones as they are computed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from liaison.accounts.models import Site
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.calendars import SATURDAY, federal_holidays
from liaison.core.refusals import Forbidden
from liaison.directory.models import Organization, OrganizationKind
from liaison.loops.access import HOLIDAYS
from liaison.loops.models import Holiday
from liaison.loops.queries.calendars import ORGANIZATION


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedDay:
    """One day on which somebody is closed."""

    id: int
    on: date
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedCalendar:
    """Whose days they are: `what` is organization, site or payer; `name` is "" for the organization."""

    code: str
    what: str
    name: str
    may_change: bool
    days: Sequence[ClosedDay]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedDays:
    """What the page shows: every calendar, in order, and the federal holidays of the coming twelve months."""

    calendars: Sequence[ClosedCalendar]
    federal: Sequence[tuple[date, str]]


def closed_days(actor: Actor, *, now: datetime) -> ClosedDays:
    """The closed days from the beginning of this year on. An administrator of one site sees all, changes theirs.

    Refuses: Forbidden.
    """
    if not actor.may(HOLIDAYS):
        raise Forbidden
    today = now.astimezone(actor.zone).date()
    rows: dict[str, list[ClosedDay]] = defaultdict(list)
    for holiday in Holiday.objects.filter(on__gte=today.replace(month=1, day=1)).order_by("on"):
        rows[holiday.calendar].append(ClosedDay(id=holiday.pk, on=holiday.on, name=holiday.name))
    payers = Organization.objects.filter(kind=OrganizationKind.PAYER)
    wanted = [
        (ORGANIZATION, "organization", "", EVERYWHERE),
        *((f"site:{site.pk}", "site", site.name, site.pk) for site in Site.objects.order_by("name")),
        *(
            (f"payer:{payer.pk}", "payer", payer.name, EVERYWHERE)
            for payer in payers
            if payer.retired_at is None or f"payer:{payer.pk}" in rows
        ),
    ]
    calendars = [
        ClosedCalendar(
            code=code,
            what=what,
            name=name,
            may_change=actor.may_at(HOLIDAYS, site_id=site_id),
            days=tuple(rows.get(code, ())),
        )
        for code, what, name, site_id in wanted
    ]
    return ClosedDays(calendars=calendars, federal=_federal(today))


def _federal(today: date) -> tuple[tuple[date, str], ...]:
    both = {**federal_holidays(today.year), **federal_holidays(today.year + 1)}
    last = today + timedelta(days=365)
    return tuple((on, name) for on, name in sorted(both.items()) if today <= on < last and on.weekday() < SATURDAY)
