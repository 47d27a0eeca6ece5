"""Readiness: what every package's checks say of coming visits. Computed when it is asked for, never ticked by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import QuerySet

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import Forbidden, NotFound
from liaison.patients.models import Patient
from liaison.scheduling.access import SEE_CALENDAR
from liaison.scheduling.models import Appointment, Blocker
from liaison.scheduling.ports import readiness_checks
from liaison.scheduling.rules import Checked, Finding, Standing, State, day_span, in_order, overall

EXPECTED = (State.PENDING.value, State.BOOKED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What the checks say of one visit, the worst first. `loops` are the promises that mend it, by check."""

    findings: tuple[Finding, ...]
    loops: Mapping[str, int]

    @property
    def standing(self) -> Standing:
        """The worst of the findings."""
        return overall(self.findings)

    @property
    def troubles(self) -> tuple[Finding, ...]:
        """What is not simply ready."""
        return tuple(finding for finding in self.findings if finding.standing is not Standing.READY)

    @property
    def with_loops(self) -> tuple[tuple[Finding, int | None], ...]:
        """Each finding with the loop that sees to it."""
        return tuple((finding, finding.kept_by or self.loops.get(finding.code)) for finding in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardVisit:
    """One coming visit on the board."""

    appointment: Appointment
    readiness: Readiness


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardDay:
    """The visits of one local day, those in trouble first."""

    on: date
    visits: tuple[BoardVisit, ...]

    @property
    def blocked(self) -> int:
        """How many can't take place as they stand."""
        return sum(visit.readiness.standing is Standing.BLOCKED for visit in self.visits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The coming visits of one site: today or tomorrow alone, or the next days."""

    site: Site
    days: tuple[BoardDay, ...]
    hidden: int


def readiness_of(appointments: Iterable[Appointment], *, now: datetime) -> Mapping[int, Readiness]:
    """What the checks say of visits that are still expected, by id. They were fetched for somebody, or for a job."""
    rows = [row for row in appointments if row.state in EXPECTED and row.end_at > now]
    checked = [_checked(row) for row in rows]
    found: dict[int, list[Finding]] = defaultdict(list)
    for check in readiness_checks() if checked else ():
        for appointment_id, findings in check(checked, now=now).items():
            found[appointment_id] += findings
    loops: dict[int, dict[str, int]] = defaultdict(dict)
    for blocker in Blocker.objects.filter(appointment__in=rows, cleared_at=None, loop__isnull=False):
        loops[blocker.appointment_id][blocker.code] = blocker.loop_id or 0
    return {row.pk: Readiness(findings=in_order(found[row.pk]), loops=dict(loops[row.pk])) for row in rows}


def readiness_board(actor: Actor, *, site_id: int, first: date, days: int, now: datetime) -> Board:
    """The coming visits of a site with what the checks say, by local day. Refuses: Forbidden, NotFound (other site).

    Visits of patients whom this actor can't see are only counted.
    """
    if not actor.may(SEE_CALENDAR):
        raise Forbidden
    site = Site.objects.filter(pk=site_id).first()
    if site is None or not actor.may_at(SEE_CALENDAR, site_id=site_id):
        raise NotFound
    start = max(day_span(on=first, zone=site.zone).start, now)
    end = day_span(on=first + timedelta(days=days - 1), zone=site.zone).end
    there = expected(start_at=start, end_at=end).filter(site=site)
    visible = list(there.filter(patient__in=Patient.objects.visible_to(actor, now=now)))
    seen({row.patient_id for row in visible})
    said = readiness_of(visible, now=now)
    by_day: dict[date, list[BoardVisit]] = defaultdict(list)
    for row in visible:
        by_day[row.visit_on].append(BoardVisit(appointment=row, readiness=said[row.pk]))
    return Board(
        site=site,
        days=tuple(BoardDay(on=on, visits=_worst_first(visits)) for on, visits in sorted(by_day.items())),
        hidden=there.count() - len(visible),
    )


def expected(*, start_at: datetime, end_at: datetime) -> QuerySet[Appointment]:
    """The visits that start in this time and are still expected, in order of time. For boards and jobs."""
    rows = Appointment.objects.filter(state__in=EXPECTED, start_at__gte=start_at, start_at__lt=end_at)
    return (
        rows.not_only_held()
        .select_related("patient", "site", "visit_type", "loop", "booked_by")
        .prefetch_related("reservations__resource")
        .order_by("start_at", "pk")
    )


def coming_ids(*, patient_id: int, now: datetime) -> Sequence[int]:
    """The ids of a patient's visits that are still expected. For reactions."""
    rows = Appointment.objects.filter(patient_id=patient_id, state__in=EXPECTED, start_at__gt=now)
    return tuple(rows.order_by("pk").values_list("pk", flat=True))


def _worst_first(visits: Sequence[BoardVisit]) -> tuple[BoardVisit, ...]:
    order = list(Standing)
    return tuple(sorted(visits, key=lambda visit: order.index(visit.readiness.standing)))


def _checked(row: Appointment) -> Checked:
    return Checked(
        appointment_id=row.pk,
        patient_id=row.patient_id,
        site_id=row.site_id,
        visit_type_id=row.visit_type_id,
        referral_id=row.referral_id,
        start_at=row.start_at,
        end_at=row.end_at,
        zone=row.zone,
        state=row.state,
    )
