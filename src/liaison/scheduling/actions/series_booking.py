"""Book a series of visits: every visit or none, each day decided by a person, one message for all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from liaison.accounts.models import Site
from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.keys import hold_key
from liaison.core.refusals import NotFound, Stale
from liaison.core.verbs import Verb
from liaison.loops.models import Loop
from liaison.loops.queries.calendars import business_calendar
from liaison.orders.models import Referral
from liaison.patients.models import Patient
from liaison.scheduling.access import BOOK, BOOK_SERIES
from liaison.scheduling.actions.attending import ids_of
from liaison.scheduling.actions.booking import hold_patient, new_uid, place_visit
from liaison.scheduling.actions.keeping import lock_resources
from liaison.scheduling.actions.refusals import (
    DuplicateVisit,
    KeyReused,
    NotFree,
    NoTimeToTravel,
    NotYourSite,
    OutsideHours,
    PatientBusy,
    ReferralNeeded,
    TooFar,
    TooLate,
    WrongSeats,
)
from liaison.scheduling.actions.series_open import open_visit
from liaison.scheduling.actions.series_refusals import SeriesChanged, SeriesPicksMissing, SeriesTaken, SeriesWrong
from liaison.scheduling.events import AppointmentBooked, SeriesTold
from liaison.scheduling.models import Appointment, Series, SeriesState, SeriesVisit, VisitType
from liaison.scheduling.ports import BookingOrder, Seat
from liaison.scheduling.queries.looking import HORIZON
from liaison.scheduling.queries.series_plan import SeriesWanted, signature_of
from liaison.scheduling.rules import MOST_VISITS, Occurrence, Repeats, expand, wrong_with

OF_THE_TIME: Final = (
    NotFree, OutsideHours, TooLate, TooFar, PatientBusy, NoTimeToTravel, DuplicateVisit, WrongSeats,
)  # fmt: skip
"""What another time would mend."""
_DAY: Final = timedelta(days=1)
_LEFT_OUT: Final = "Left out when the series was booked"
_MOST_APART: Final = 7 * _DAY
_FAR: Final = "This time is too far from the day that it stands for. Choose one of those that are offered."


class PickKind(StrEnum):
    """What a person decided about one day of a series."""

    BOOK = "book"
    OPEN = "open"
    OUT = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """The decision about one day: a time with its seats to book, to be left open, or left out."""

    kind: PickKind
    start_at: datetime | None = None
    seats: tuple[Seat, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesOrder:
    """A series as a person confirmed it. `key` makes it safe to send twice.

    `signature` is that of the days they saw (`SeriesPlan.signature`), `picks` their decisions by position. Days beyond
    what may be booked yet need none. `loop_id` and `referral_id` name what the series serves.
    """

    key: str
    wanted: SeriesWanted
    signature: str
    picks: Mapping[int, Pick]
    loop_id: int | None = None
    referral_id: int | None = None
    note: str = ""


def book_series(*, actor: Actor, patient: Patient, order: SeriesOrder, now: datetime) -> Series:
    """Book every visit that was picked, all or none. The same key again answers with the first series.

    Times are checked again with everything locked: SeriesTaken names those that can't be had, and nothing is booked.
    Nothing is overridden here: what stands against a visit wants another time. Refuses: SeriesWrong,
    SeriesPicksMissing, SeriesChanged, NotYourSite, ReferralNeeded, KeyReused, NotFound, Stale (the visit type was
    edited), NobodyToOwn.
    """
    with act(actor, BOOK_SERIES, patient=patient, now=now) as entry:
        series = _booked_before(order, patient=patient)
        entry.note(repeated=series is not None)
        if series is None:
            series = _book(actor, patient, order, now=now)
            booked = tuple(Appointment.objects.filter(series_visit__series=series).order_by("start_at"))
            entry.publish(
                SeriesTold(
                    series_id=series.pk,
                    patient_id=patient.pk,
                    what="booked",
                    appointment_ids=tuple(one.pk for one in booked),
                    at=now,
                )
            )
            entry.note(appointments=[one.pk for one in booked])
        entry.about(series)
    return series


def key_of_visit(key: str, *, position: int) -> str:
    """The idempotency key of one visit of a form."""
    return f"series:{hashlib.sha256(key.encode()).hexdigest()[:40]}:{position}"


def place_each(
    orders: Mapping[int, BookingOrder],
    *,
    actor: Actor,
    patient: Patient,
    verb: Verb,
    follows: Mapping[int, Appointment],
    now: datetime,
) -> Mapping[int, Appointment]:
    """Give each position its time, all resources locked at once in the order of their ids. Refuses: SeriesTaken."""
    lock_resources(
        {seat.resource_id for order in orders.values() for seat in order.seats}
        | {row.resource_id for old in follows.values() for row in old.reservations.all()}
    )
    placed: dict[int, Appointment] = {}
    taken: dict[str, str] = {}
    for position, order in sorted(orders.items(), key=lambda item: item[1].start_at):
        try:
            placed[position] = place_visit(
                order,
                patient=patient,
                follows=follows.get(position),
                actor=actor,
                verb=verb,
                override=None,
                now=now,
            )
        except OF_THE_TIME as refusal:
            taken[f"pick-{position}"] = refusal.sentence
    if taken:
        raise SeriesTaken(fields=taken)
    return placed


def tell_of_each(appointments: Sequence[Appointment], *, actor: Actor, series: Series, now: datetime) -> None:
    """An audit entry and a fact for each visit that was booked; the series tells the patient."""
    for one in appointments:
        with act(actor, BOOK, patient=series.patient, now=now) as entry:
            entry.about(one)
            entry.note(series_id=series.pk)
            entry.publish(AppointmentBooked(series_id=series.pk, at=now, **ids_of(one)))


def _booked_before(order: SeriesOrder, *, patient: Patient) -> Series | None:
    hold_key(order.key)
    first = Series.objects.filter(idempotency_key=order.key).first()
    if first is None:
        return None
    same = first.patient_id == patient.pk and _said_of(first) == _said_in(order, first=first)
    if not same or not _picked_before(first, order):
        raise KeyReused
    return first


def _said_of(series: Series) -> tuple[object, ...]:
    """What a form says about a series as a whole."""
    return (
        series.pattern,
        series.visit_type_code,
        series.site_id,
        series.holidays,
        series.loop_id,
        series.referral_id,
        series.note,
        series.clinician_id,
        series.place_id,
    )


def _said_in(order: SeriesOrder, *, first: Series) -> tuple[object, ...]:
    """The same of this form. With whom and where a series that changed since was booked is not known any more."""
    wanted = order.wanted
    code = VisitType.objects.filter(pk=wanted.visit_type_id).values_list("code", flat=True).first()
    each_time = (wanted.clinician_id, wanted.place_id)
    return (
        wanted.pattern,
        code,
        wanted.site_id,
        wanted.holidays.value,
        order.loop_id,
        order.referral_id,
        order.note.strip(),
        *(each_time if first.version == 1 else (first.clinician_id, first.place_id)),
    )


def _picked_before(series: Series, order: SeriesOrder) -> bool:
    """Whether each day was decided as in this form: what was booked kept its key when it moved or was cancelled."""
    rows = {row.position: row for row in series.visits.all()}
    picks = {position: pick for position, pick in order.picks.items() if position in rows}
    keys = {key_of_visit(order.key, position=position): position for position in rows}
    booked = Appointment.objects.filter(idempotency_key__in=keys).prefetch_related("reservations")
    times = {
        keys[one.idempotency_key]: (
            one.start_at,
            frozenset((row.role, row.resource_id) for row in one.reservations.all()),
        )
        for one in booked
    }
    wanted = {
        position: (pick.start_at, frozenset((seat.role, seat.resource_id) for seat in pick.seats))
        for position, pick in picks.items()
        if pick.kind is PickKind.BOOK
    }
    opened = {position for position, pick in picks.items() if pick.kind is PickKind.OPEN}
    out = {position for position, pick in picks.items() if pick.kind is PickKind.OUT}
    return (
        times == wanted
        and all(rows[position].loop_id is not None for position in opened)
        and out == {position for position, row in rows.items() if row.why == _LEFT_OUT}
    )


def _book(actor: Actor, patient: Patient, order: SeriesOrder, *, now: datetime) -> Series:
    visit_type, site = _kind_and_place(order.wanted)
    days = days_of(order.wanted)
    if signature_of(days) != order.signature:
        raise SeriesChanged
    if not actor.may_at(BOOK_SERIES, site_id=site.pk):
        raise NotYourSite
    if visit_type.referral_needed and order.referral_id is None:
        raise ReferralNeeded
    furthest = now + (visit_type.most_lead or HORIZON)
    _refuse_undecided(days, order, furthest=furthest)
    refuse_far_picks(order.picks, wanted_at={day.position: day.at for day in days}, furthest=furthest)
    hold_patient(patient.pk)
    placed = place_each(
        _orders(days, order, visit_type=visit_type),
        actor=actor,
        patient=patient,
        verb=BOOK_SERIES,
        follows={},
        now=now,
    )
    series = _series(actor, patient, order, visit_type=visit_type, site=site, now=now)
    for day in days:
        _keep_day(actor, series, day, order=order, appointment=placed.get(day.position), now=now)
    tell_of_each(sorted(placed.values(), key=lambda one: one.start_at), actor=actor, series=series, now=now)
    return series


def days_of(wanted: SeriesWanted) -> tuple[Occurrence, ...]:
    """Every day of the rule. Refuses: NotFound, SeriesWrong (it can't be expanded, has no visit, or more than 100)."""
    site = Site.objects.filter(pk=wanted.site_id).first()
    if site is None:
        raise NotFound
    for field, sentence in wrong_with(wanted.pattern):
        raise SeriesWrong(sentence, fields={field: sentence})
    calendar = business_calendar(site_id=site.pk)
    days = expand(wanted.pattern, zone=site.zone, holidays=wanted.holidays, calendar=calendar)
    visits = sum(day.at is not None for day in days)
    if visits > MOST_VISITS:
        sentence = f"That is more than {MOST_VISITS} visits. Choose an earlier last day."
        raise SeriesWrong(sentence, fields={"until": sentence})
    if wanted.pattern.count is not None and visits < wanted.pattern.count:
        fewer = "Choose fewer, or more days a week." if wanted.pattern.repeats is Repeats.WEEKLY else "Choose fewer."
        sentence = f"Within two years only {visits} visits fall on these days. {fewer}"
        raise SeriesWrong(sentence, fields={"count": sentence})
    if visits == 0:
        sentence = "No visit falls on these days up to the last day. Choose a later one, or other days."
        raise SeriesWrong(sentence, fields={"until": sentence})
    return days


def _kind_and_place(wanted: SeriesWanted) -> tuple[VisitType, Site]:
    visit_type = VisitType.objects.filter(pk=wanted.visit_type_id).first()
    site = Site.objects.filter(pk=wanted.site_id).first()
    if visit_type is None or site is None:
        raise NotFound
    if not visit_type.is_current:
        raise Stale
    return visit_type, site


def _refuse_undecided(days: Sequence[Occurrence], order: SeriesOrder, *, furthest: datetime) -> None:
    """Each day that may be booked now wants a decision; one just beyond, seen before midnight, waits for the job."""
    fields = {
        f"pick-{day.position}": "Choose a time, leave it open or leave it out."
        for day in days
        if day.at is not None and day.at <= furthest - _DAY and day.position not in order.picks
    }
    if fields:
        raise SeriesPicksMissing(fields=fields)


def refuse_far_picks(
    picks: Mapping[int, Pick], *, wanted_at: Mapping[int, datetime | None], furthest: datetime
) -> None:
    """A time lies within a week of the day it stands for, and not beyond what may be booked. Refuses: SeriesTaken."""
    fields = {
        f"pick-{position}": _FAR
        for position, pick in picks.items()
        if pick.start_at is not None
        and (at := wanted_at.get(position)) is not None
        and (pick.start_at > furthest or abs(pick.start_at - at) > _MOST_APART)
    }
    if fields:
        raise SeriesTaken(fields=fields)


def _orders(days: Sequence[Occurrence], order: SeriesOrder, *, visit_type: VisitType) -> Mapping[int, BookingOrder]:
    """What is booked now. Only the first visit serves the loop: the promise to book is kept by it."""
    found: dict[int, BookingOrder] = {}
    known = {day.position for day in days if day.at is not None}
    for position, pick in sorted(order.picks.items()):
        if pick.kind is PickKind.BOOK and pick.start_at is not None and position in known:
            found[position] = BookingOrder(
                key=key_of_visit(order.key, position=position),
                visit_type_id=visit_type.pk,
                site_id=order.wanted.site_id,
                start_at=pick.start_at,
                seats=pick.seats,
                loop_id=None if found else order.loop_id,
                referral_id=order.referral_id,
                note=order.note,
                is_one_of_several=True,
            )
    if not found:
        sentence = "No visit would be booked. Choose a time for at least one."
        raise SeriesWrong(sentence)
    return found


def _series(
    actor: Actor, patient: Patient, order: SeriesOrder, *, visit_type: VisitType, site: Site, now: datetime
) -> Series:
    wanted, pattern = order.wanted, order.wanted.pattern
    return Series.objects.create(
        patient=patient,
        site=site,
        visit_type_code=visit_type.code,
        clinician_id=wanted.clinician_id,
        place_id=wanted.place_id,
        loop=Loop.objects.filter(pk=order.loop_id or 0, patient=patient).first(),
        referral=Referral.objects.filter(pk=order.referral_id or 0, patient=patient).first(),
        first_on=pattern.first_on,
        at=pattern.at,
        time_zone=site.time_zone,
        repeats=pattern.repeats.value,
        weekdays=sorted(pattern.weekdays),
        every=pattern.every,
        count=pattern.count,
        until=pattern.until,
        holidays=wanted.holidays.value,
        note=order.note.strip(),
        idempotency_key=order.key,
        ical_uid=new_uid(),
        booked_at=now,
        booked_by_id=actor.user_id,
        booked_by_name=actor.name,
    )


def _keep_day(
    actor: Actor,
    series: Series,
    day: Occurrence,
    *,
    order: SeriesOrder,
    appointment: Appointment | None,
    now: datetime,
) -> None:
    """The row of one day of the rule; a promise to find a time where it was left open."""
    pick = order.picks.get(day.position)
    row = SeriesVisit(series=series, position=day.position, rule_at=day.rule_at, wanted_at=day.at or day.rule_at)
    if day.at is None:
        row.state, row.why = SeriesState.OUT, day.holiday
    elif appointment is not None:
        row.state, row.appointment, row.is_in_event = SeriesState.BOOKED, appointment, True
        row.wanted_at = appointment.start_at
    elif pick is None:
        row.state = SeriesState.AHEAD
    elif pick.kind is PickKind.OUT:
        row.state, row.why = SeriesState.OUT, _LEFT_OUT
    else:
        open_visit(actor, row, why="Left open when the series was booked", now=now)
        return
    row.save()
