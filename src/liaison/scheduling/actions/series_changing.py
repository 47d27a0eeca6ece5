"""Change a series from one visit on: another time, or off. One transaction, and the patient is told once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final

from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.keys import hold_key
from liaison.core.refusals import Stale
from liaison.scheduling.access import CHANGE_SERIES, MOVE
from liaison.scheduling.actions.attending import cancel_appointment, ids_of
from liaison.scheduling.actions.booking import hold_patient, refuse_unless_movable
from liaison.scheduling.actions.series_booking import Pick, PickKind, key_of_visit, place_each, refuse_far_picks
from liaison.scheduling.actions.series_held_up import drop_held_up
from liaison.scheduling.actions.series_open import leave_out, open_visit
from liaison.scheduling.actions.series_refusals import SeriesChanged, SeriesOver, SeriesPicksMissing, SeriesWrong
from liaison.scheduling.events import AppointmentMoved, SeriesTold
from liaison.scheduling.models import Appointment, Series, SeriesState, SeriesVisit, VisitType
from liaison.scheduling.ports import BookingOrder, CancelReason
from liaison.scheduling.queries.looking import HORIZON
from liaison.scheduling.queries.series import changeable_visits, kind_called, series_place_gone, shifted_targets
from liaison.scheduling.queries.series_plan import Target, signature_of

MOST_DAYS_APART: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What changes: from the visit `from_position` on each starts at the wall time `at`, `days` later (or earlier).

    `clinician_id` names who it is with from then on; None is anyone.
    """

    from_position: int
    at: time
    days: int = 0
    clinician_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesChange:
    """A change as a person confirmed it, with the decisions about each visit; as `SeriesOrder`."""

    key: str
    shift: Shift
    signature: str
    picks: Mapping[int, Pick]
    reason: CancelReason
    expected_version: int


def move_series(*, actor: Actor, series: Series, change: SeriesChange, now: datetime) -> Series:
    """Give the visits of a series from one on other times, all or none; what is over or under way stays.

    Visits that were picked to be left open or out are cancelled. A room that serves there no more is asked for no
    more. The same key again changes nothing. Refuses:
    SeriesTaken, SeriesPicksMissing, SeriesChanged, SeriesOver, SeriesWrong, Stale, CannotChange, MovedMeanwhile.
    """
    with _changing(actor, series, change, now=now) as (entry, current):
        if current is None:
            return series
        moving = _moving(current, change, now=now)
        hold_patient(current.patient_id)
        moved = _move(actor, current, change, moving=moving, now=now)
        dropped = _drop(actor, change, moving=moving, now=now)
        _follow_later(current, change)
        current.clinician_id = change.shift.clinician_id
        if series_place_gone(current, visit_type=kind_called(current.visit_type_code)):
            current.place = None
        _keep(current, key=change.key)
        entry.note(appointments=[*moved, *dropped])
        what, ids = ("moved", moved) if moved else ("cancelled", dropped)
        _publish(entry, current, what=what, ids=ids, now=now)
    return current


def cancel_series(
    *,
    actor: Actor,
    series: Series,
    from_position: int,
    reason: CancelReason,
    key: str,
    expected_version: int,
    now: datetime,
) -> Series:
    """Take the visits of a series from one on off; what has begun stays. The same key again changes nothing.

    Refuses: SeriesOver, Stale.
    """
    asked = _Cancelling(key=key, reason=reason, expected_version=expected_version)
    with _changing(actor, series, asked, now=now) as (entry, current):
        if current is None:
            return series
        rows = changeable_visits(current, from_position=from_position, now=now)
        waiting = current.visits.select_related("series__site", "series__patient", "loop").filter(
            position__gte=from_position, state__in=[SeriesState.AHEAD, SeriesState.OPEN]
        )
        if not rows and not waiting:
            raise SeriesOver
        for row in waiting:
            leave_out(actor, row, why="The series was cancelled", now=now)
        drop_held_up(actor, series_id=current.pk, reason="The series was cancelled", now=now)
        ids = [_cancel(actor, row, reason=reason, now=now) for row in rows if row.appointment is not None]
        _keep(current, key=key)
        entry.note(appointments=ids, reason=reason.value)
        _publish(entry, current, what="cancelled", ids=ids, now=now)
    return current


def leave_series_visit_out(*, actor: Actor, row: SeriesVisit, reason: str, now: datetime) -> SeriesVisit:
    """A visit without a time, open or ahead, is not wanted any more; said again it changes nothing.

    Refuses: SeriesWrong (no reason; it has a time).
    """
    if not reason.strip():
        sentence = "Say why: colleagues will see it."
        raise SeriesWrong(sentence, fields={"reason": sentence})
    series = row.series
    with act(actor, CHANGE_SERIES, patient=series.patient, subject=series, reason=reason.strip(), now=now) as entry:
        Series.objects.select_for_update(of=("self",)).get(pk=series.pk)
        current = SeriesVisit.objects.select_for_update(of=("self",)).select_related("series", "loop").get(pk=row.pk)
        entry.about(series)
        if current.state == SeriesState.BOOKED:
            sentence = "This visit has a time. Cancel it on its own page when it is not wanted any more."
            raise SeriesWrong(sentence, fields={"reason": sentence})
        if current.state != SeriesState.OUT:
            leave_out(actor, current, why=reason.strip(), now=now)
            drop_held_up(actor, series_id=series.pk, reason=reason.strip(), now=now)
    return current


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cancelling:
    key: str
    reason: CancelReason
    expected_version: int


@contextmanager
def _changing(
    actor: Actor, series: Series, asked: SeriesChange | _Cancelling, *, now: datetime
) -> Iterator[tuple[Entry, Series | None]]:
    """The series, locked; None when this form was carried out before. Refuses: Stale."""
    patient, reason = series.patient, asked.reason.value
    with act(actor, CHANGE_SERIES, patient=patient, subject=series, reason=reason, now=now) as entry:
        hold_key(asked.key)
        rows = Series.objects.select_for_update(of=("self",)).select_related("patient", "site", "loop", "booked_by")
        current = rows.get(pk=series.pk)
        repeated = current.changed_key == asked.key
        entry.note(repeated=repeated)
        if not repeated and current.version != asked.expected_version:
            raise Stale
        yield entry, None if repeated else current
        entry.about(current)


def _moving(series: Series, change: SeriesChange, *, now: datetime) -> Mapping[int, SeriesVisit]:
    """The visits with a time that the change is about, by position, with their appointments as they are locked."""
    shift = change.shift
    if abs(shift.days) > MOST_DAYS_APART:
        sentence = f"A visit moves by {MOST_DAYS_APART} days at most."
        raise SeriesWrong(sentence, fields={"days": sentence})
    rows = changeable_visits(series, from_position=shift.from_position, now=now)
    targets = shifted_targets(rows, series=series, at=shift.at, days=shift.days)
    if not rows:
        raise SeriesOver
    if signature_of(targets) != change.signature:
        raise SeriesChanged
    _refuse_undecided(targets, change)
    ids = [row.appointment_id or 0 for row in rows]
    locked = {
        one.pk: one
        for one in Appointment.objects.select_for_update(of=("self",))
        .filter(pk__in=ids)
        .select_related("patient", "visit_type", "site")
        .prefetch_related("reservations")
        .order_by("pk")
    }
    for row in rows:
        row.appointment = locked[row.appointment_id or 0]
        refuse_unless_movable(row.appointment, expected_version=None)
    return {row.position: row for row in rows}


def _refuse_undecided(targets: Sequence[Target], change: SeriesChange) -> None:
    fields = {
        f"pick-{target.position}": "Choose a time, leave it open or leave it out."
        for target in targets
        if target.position not in change.picks
    }
    if fields:
        raise SeriesPicksMissing(fields=fields)


def _move(
    actor: Actor, series: Series, change: SeriesChange, *, moving: Mapping[int, SeriesVisit], now: datetime
) -> list[int]:
    """Cancel all old times first, so that visits may take each other's, then give the new ones."""
    visit_type = VisitType.objects.filter(code=series.visit_type_code, is_current=True).first()
    if visit_type is None:
        raise Stale
    targets = shifted_targets(list(moving.values()), series=series, at=change.shift.at, days=change.shift.days)
    furthest = now + (visit_type.most_lead or HORIZON)
    refuse_far_picks(change.picks, wanted_at={target.position: target.at for target in targets}, furthest=furthest)
    orders, follows = {}, {}
    for position, row in moving.items():
        pick, old = change.picks[position], row.appointment
        if pick.kind is not PickKind.BOOK or pick.start_at is None or old is None:
            continue
        follows[position] = old
        orders[position] = BookingOrder(
            key=key_of_visit(change.key, position=position),
            visit_type_id=visit_type.pk,
            site_id=old.site_id,
            start_at=pick.start_at,
            seats=pick.seats,
            loop_id=old.loop_id,
            referral_id=old.referral_id,
            note=old.note,
        )
    for old in follows.values():
        old.cancel(reason=change.reason, by_name=actor.name, now=now)
        old.save()
        old.reservations.update(active=False)
    placed = place_each(orders, actor=actor, patient=series.patient, verb=CHANGE_SERIES, follows=follows, now=now)
    for position, new in sorted(placed.items()):
        _say_moved(actor, moving[position], new=new, old=follows[position], now=now)
    return [new.pk for new in placed.values()]


def _say_moved(actor: Actor, row: SeriesVisit, *, new: Appointment, old: Appointment, now: datetime) -> None:
    """An audit entry and a fact for one visit; one with an event of its own is told by itself."""
    series_id = row.series_id if row.is_in_event else None
    with act(actor, MOVE, patient=old.patient, subject=old, now=now) as entry:
        entry.about(new)
        entry.note(previous_id=old.pk, series_id=row.series_id)
        entry.publish(AppointmentMoved(previous_id=old.pk, series_id=series_id, at=now, **ids_of(new)))


def _drop(actor: Actor, change: SeriesChange, *, moving: Mapping[int, SeriesVisit], now: datetime) -> list[int]:
    """Cancel what was picked to be left open or out."""
    dropped = []
    for position, row in sorted(moving.items()):
        pick = change.picks[position]
        if pick.kind is PickKind.BOOK or row.appointment is None:
            continue
        dropped.append(_cancel(actor, row, reason=change.reason, now=now))
        if pick.kind is PickKind.OPEN:
            row.is_in_event = False
            open_visit(actor, row, why="Left open when the series moved", now=now)
    return dropped


def _cancel(actor: Actor, row: SeriesVisit, *, reason: CancelReason, now: datetime) -> int:
    appointment = row.appointment
    if appointment is None:
        raise AssertionError("A booked visit of a series has an appointment: the database sees to it.")
    series_id = row.series_id if row.is_in_event else None
    cancel_appointment(actor=actor, appointment=appointment, reason=reason, series_id=series_id, now=now)
    return appointment.pk


def _follow_later(series: Series, change: SeriesChange) -> None:
    """Visits that are not booked yet will be wanted at the new time."""
    shift = change.shift
    rows = list(series.visits.filter(position__gte=shift.from_position, state=SeriesState.AHEAD))
    targets = shifted_targets(rows, series=series, at=shift.at, days=shift.days)
    for row, target in zip(rows, targets, strict=True):
        row.wanted_at = target.at or row.wanted_at
    SeriesVisit.objects.bulk_update(rows, ["wanted_at"])


def _keep(series: Series, *, key: str) -> None:
    series.changed_key = key
    series.version += 1
    series.ical_sequence += 1
    series.save()


def _publish(entry: Entry, series: Series, *, what: str, ids: Sequence[int], now: datetime) -> None:
    entry.publish(
        SeriesTold(series_id=series.pk, patient_id=series.patient_id, what=what, appointment_ids=tuple(ids), at=now)
    )
