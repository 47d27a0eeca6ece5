"""A visit of a series that has no time: a promise on the desk until it has one or is not wanted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from liaison.accounts.queries import actor_of
from liaison.core.actor import Actor
from liaison.core.calendars import Allowance, Unit, due_after
from liaison.core.written_time import long_day
from liaison.loops.actions import add_evidence, drop_waiting, give_up_loop, open_or_wait
from liaison.loops.models import Loop, WaitingPromise
from liaison.loops.ports import About, ClockToStart, Owner, PromiseToKeep
from liaison.loops.queries import owner_for
from liaison.loops.queries.calendars import business_calendar
from liaison.scheduling.access import BOOK_SERIES
from liaison.scheduling.kinds import SERIES_VISIT
from liaison.scheduling.models import Appointment, JourneyStep, Series, SeriesState, SeriesVisit

RULE: Final = "series-visit"
_KEY: Final = "series-visit:"
_ABOUT: Final = "scheduling.seriesvisit"
_WITHIN_DAYS: Final = 2
_HOUR: Final = timedelta(hours=1)


def open_visit(actor: Actor, row: SeriesVisit, *, why: str, now: datetime) -> None:
    """Inside an act: this visit needs a time. Saves the row with the loop that promises it.

    While nobody at the site could own the loop the promise waits, and the visit stays ahead: it may still be booked.
    """
    series = row.series
    row.state, row.why, row.appointment = SeriesState.AHEAD, why[:300], None
    row.save()
    loop = open_or_wait(
        actor.as_liaison(),
        promise=_promise(row, now=now),
        patient=series.patient,
        site=series.site,
        owner=_owner(actor, series, now=now),
        now=now,
    )
    if loop is not None:
        stop_waiting(actor, row, why="Somebody owns it now", now=now)
        row.loop, row.state = loop, SeriesState.OPEN
        row.save()


def link_series_visit(*, once_key: str, loop_id: int) -> None:
    """Inside an act: the loop of this key, which had waited for an owner, finds the visit of a series its time."""
    if once_key.startswith(_KEY):
        pk = once_key.removeprefix(_KEY).partition(":")[0]
        ahead = SeriesVisit.objects.filter(pk=pk, state=SeriesState.AHEAD)
        ahead.update(loop_id=loop_id, state=SeriesState.OPEN)


def stop_waiting(actor: Actor, row: SeriesVisit, *, why: str, now: datetime) -> None:
    """Inside an act: where the promise to find this visit a time waited for an owner, it does so no more."""
    drop_waiting(actor.as_liaison(), waiting=_waiting(row), reason=why, now=now)


def _waiting(row: SeriesVisit) -> QuerySet[WaitingPromise]:
    return WaitingPromise.objects.waiting().filter(about_type=_ABOUT, about_id=row.pk)


def _key(row: SeriesVisit) -> str:
    """One promise at a time: only a visit without one is left open, and where an earlier one ended it is a new one."""
    return f"{_KEY}{row.pk}" if row.loop_id is None else f"{_KEY}{row.pk}:{row.loop_id}"


def _promise(row: SeriesVisit, *, now: datetime) -> PromiseToKeep:
    series = row.series
    when = row.wanted_at.astimezone(series.site.zone)
    name = series.patient.goes_by
    return PromiseToKeep(
        kind=SERIES_VISIT.code,
        title=f"Find {name} a time instead of {long_day(when)}",
        about=About(type=_ABOUT, id=row.pk),
        once_key=_key(row),
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
    )


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
    stop_waiting(actor, row, why=why, now=now)
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
    """A visit of a series, or of a journey, has another time: it is followed."""
    JourneyStep.objects.filter(appointment=previous).update(appointment=appointment)
    row = SeriesVisit.objects.filter(appointment=previous).first()
    if row is not None:
        row.appointment, row.wanted_at, row.told_key = appointment, appointment.start_at, ""
        row.save()


def _end(actor: Actor, row: SeriesVisit, *, note: str, appointment: Appointment, now: datetime) -> None:
    loop = row.loop
    if loop is not None and Loop.objects.open().filter(pk=loop.pk).exists():
        about = About(type="scheduling.appointment", id=appointment.pk)
        add_evidence(actor.as_liaison(), loop_id=loop.pk, kind="settled", note=note, about=about, now=now)


def _owner(actor: Actor, series: Series, *, now: datetime) -> Owner | None:
    """Who books it; for the nightly job the series' own."""
    return owner_of_series(series, now=now) if actor.user_id is None else Owner(user_id=actor.user_id)


def owner_of_series(series: Series, *, now: datetime) -> Owner | None:
    """Who booked the series while they may book there, else who follows the patient up there, if anybody does."""
    booker = series.booked_by
    if booker is not None and actor_of(booker, now=now).may_at(BOOK_SERIES, site_id=series.site_id):
        return Owner(user_id=booker.pk)
    return owner_for(series.patient, site=series.site, now=now)


def _due(row: SeriesVisit, *, now: datetime) -> datetime:
    site = row.series.site
    due = due_after(
        now,
        allowance=Allowance(amount=_WITHIN_DAYS, unit=Unit.BUSINESS_DAYS),
        zone=site.zone,
        calendar=business_calendar(site_id=site.pk),
    )
    return max(min(due, row.wanted_at), now + _HOUR)
