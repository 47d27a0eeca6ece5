"""A visit of a series that has no time: a promise on the desk until it has one or is not wanted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from liaison.core.actor import Actor
from liaison.core.calendars import Allowance, Unit, due_after
from liaison.loops.actions import add_evidence, give_up_loop, open_loop
from liaison.loops.models import Loop
from liaison.loops.ports import About, ClockToStart, Owner
from liaison.loops.queries import NobodyToOwn, owner_for
from liaison.loops.queries.calendars import business_calendar
from liaison.scheduling.kinds import SERIES_VISIT
from liaison.scheduling.models import Appointment, Series, SeriesState, SeriesVisit

RULE: Final = "series-visit"
_WITHIN_DAYS: Final = 2
_HOUR: Final = timedelta(hours=1)


def open_visit(actor: Actor, row: SeriesVisit, *, why: str, now: datetime) -> None:
    """Inside an act: this visit needs a time. Saves the row with the loop that promises it. Refuses: NobodyToOwn."""
    series = row.series
    row.state, row.why, row.appointment = SeriesState.AHEAD, why, None
    row.save()
    when = row.wanted_at.astimezone(series.site.zone)
    name = series.patient.goes_by
    row.loop = open_loop(
        actor.as_liaison(),
        kind=SERIES_VISIT.code,
        patient=series.patient,
        title=f"Find {name} a time instead of {when:%B} {when.day}",
        owner=_owner(actor, series, now=now),
        site=series.site,
        about=About(type="scheduling.seriesvisit", id=row.pk),
        once_key=f"series-visit:{row.pk}",
        clocks=(
            ClockToStart(
                rule_id=RULE,
                rule_version="1",
                source="A visit of a series without a time is seen to within two business days, before its day",
                step=f"Find {name} a time for visit {row.position} of the series",
                anchor_event=f"series:{series.pk}",
                anchor_at=now,
                due_at=_due(row, now=now),
                evidence="settled",
            ),
        ),
        now=now,
    )
    row.state = SeriesState.OPEN
    row.save()


def settle_visit(actor: Actor, row: SeriesVisit, *, appointment: Appointment, now: datetime) -> None:
    """Inside an act: it has a time now, as an event of its own, and the promise is kept."""
    row.state, row.appointment, row.is_in_event = SeriesState.BOOKED, appointment, False
    row.why, row.wanted_at = "", appointment.start_at
    row.save()
    _end(actor, row, note=f"It has a time: {appointment.local_start:%B %-d, %H:%M}.", appointment=appointment, now=now)


def leave_out(actor: Actor, row: SeriesVisit, *, why: str, now: datetime) -> None:
    """Inside an act: this visit is not wanted any more; where a time was promised for it, the promise ends."""
    row.state, row.why = SeriesState.OUT, why
    row.save()
    loop = row.loop
    if loop is not None and Loop.objects.open().filter(pk=loop.pk).exists():
        give_up_loop(actor.as_liaison(), loop_id=loop.pk, reason=why, now=now)


def settle_series_visit(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """A visit was booked for the promise to find a time: it is the one of the series."""
    if appointment.loop_id is None:
        return
    row = SeriesVisit.objects.select_related("series__site", "loop").filter(loop_id=appointment.loop_id).first()
    if row is not None and row.state == SeriesState.OPEN:
        settle_visit(actor, row, appointment=appointment, now=now)


def follow_moved_visit(*, appointment: Appointment, previous: Appointment) -> None:
    """A visit of a series has another time: the series follows it."""
    row = SeriesVisit.objects.filter(appointment=previous).first()
    if row is not None:
        row.appointment, row.wanted_at, row.told_key = appointment, appointment.start_at, ""
        row.save()


def _end(actor: Actor, row: SeriesVisit, *, note: str, appointment: Appointment, now: datetime) -> None:
    loop = row.loop
    if loop is not None and Loop.objects.open().filter(pk=loop.pk).exists():
        about = About(type="scheduling.appointment", id=appointment.pk)
        add_evidence(actor.as_liaison(), loop_id=loop.pk, kind="settled", note=note, about=about, now=now)


def _owner(actor: Actor, series: Series, *, now: datetime) -> Owner:
    """Who books it; for the nightly job who booked the series, else who follows the patient up there."""
    if actor.user_id is not None:
        return Owner(user_id=actor.user_id)
    booker = series.booked_by
    if booker is not None and booker.is_active:
        return Owner(user_id=booker.pk)
    owner = owner_for(series.patient, site=series.site, now=now)
    if owner is None:
        raise NobodyToOwn
    return owner


def _due(row: SeriesVisit, *, now: datetime) -> datetime:
    site = row.series.site
    due = due_after(
        now,
        allowance=Allowance(amount=_WITHIN_DAYS, unit=Unit.BUSINESS_DAYS),
        zone=site.zone,
        calendar=business_calendar(site_id=site.pk),
    )
    return max(min(due, row.wanted_at), now + _HOUR)
