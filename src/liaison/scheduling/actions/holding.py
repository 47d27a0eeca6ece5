"""Keep a time for a patient who makes up their mind: hold, take, give up, let lapse (DOMAIN 1.2).

A time that is held keeps everybody else out like a booking, and is none: nobody is told, nothing is proven by it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.calendars import Allowance, Unit, due_after
from liaison.core.keys import hold_key
from liaison.core.written_time import day_and_time
from liaison.loops.actions import add_evidence, drop_waiting, open_or_wait
from liaison.loops.models import Loop, WaitingPromise
from liaison.loops.ports import ClockToStart, PromiseToKeep
from liaison.loops.queries.calendars import business_calendar
from liaison.patients.models import Patient
from liaison.scheduling.access import BOOK, GIVE_UP_HOLD, HOLD, LAPSE
from liaison.scheduling.actions.attending import change_state, ids_of
from liaison.scheduling.actions.booking import book_appointment, hold_patient, place_visit, same_order
from liaison.scheduling.actions.checking import Against, Placing, outside_hours
from liaison.scheduling.actions.keeping import lock_resources
from liaison.scheduling.actions.refusals import (
    DeadPatient,
    HeldClosed,
    HoldOver,
    Impossible,
    KeyReused,
    TooManyHolds,
)
from liaison.scheduling.actions.serving import about_visit, owner_of_visit
from liaison.scheduling.events import AppointmentBooked, TimeHeld
from liaison.scheduling.kinds import HOLD_LAPSED
from liaison.scheduling.models import Appointment, Hold
from liaison.scheduling.ports import BookingOrder, CancelReason, Override, Seat
from liaison.scheduling.rules import HOLD_FOR, MOST_HOLDS, HoldEnd, State, held_until

_RULE: Final = "hold-lapsed"


def hold_time(
    *,
    actor: Actor,
    patient: Patient,
    order: BookingOrder,
    lasting: timedelta,
    override: Override | None = None,
    now: datetime,
) -> Hold:
    """Keep this time for this patient, for one of the lengths of `HOLD_FOR`. The same key again answers with the first.

    Refuses what booking refuses; TooManyHolds; Impossible (a length that nobody may choose, a start that has come).
    """
    reason = override.reason.strip() if override else ""
    with act(actor, HOLD, patient=patient, reason=reason, now=now) as entry:
        hold_key(order.key)
        first = Hold.objects.select_related("appointment").filter(appointment__idempotency_key=_key(order)).first()
        entry.note(repeated=first is not None)
        if first is not None and first.end in {HoldEnd.GIVEN_UP, HoldEnd.LAPSED}:
            raise HoldOver("This time was held by this form before, and is not any more. Look for a time anew.")
        if first is None:
            first = _hold(order, patient=patient, lasting=lasting, actor=actor, override=override, now=now)
            visit = first.appointment
            entry.publish(TimeHeld(appointment_id=visit.pk, patient_id=patient.pk, until_at=first.until_at, at=now))
        elif not same_order(first.appointment, order, patient=patient, follows=None):
            raise KeyReused
        entry.about(first.appointment)
        entry.note(until=first.until_at.isoformat(), overrides=first.appointment.overrides)
    return first


def book_or_take(
    *, actor: Actor, patient: Patient, order: BookingOrder, override: Override | None = None, now: datetime
) -> Appointment:
    """Book this time; where the same form held it before, that one is taken, once. Refuses what booking refuses."""
    held = Hold.objects.select_related("appointment__patient").filter(
        appointment__idempotency_key=_key(order), appointment__patient=patient, end__in=["", HoldEnd.TAKEN.value]
    ).first()  # fmt: skip
    if held is not None and same_order(held.appointment, order, patient=patient, follows=None):
        return take_hold(actor=actor, appointment=held.appointment, now=now)
    return book_appointment(actor=actor, patient=patient, order=order, override=override, now=now)


def take_hold(
    *, actor: Actor, appointment: Appointment, expected_version: int | None = None, now: datetime
) -> Appointment:
    """The patient wants it: the time that was held is booked, and they are told. Taken twice is once.

    A hold whose time is over is still theirs until somebody let it lapse. Refuses: HoldOver, DeadPatient, Stale,
    HeldClosed (in the words of booking: that time was closed since, or somebody does not work then any more).
    """
    patient = appointment.patient
    with act(actor, BOOK, patient=patient, subject=appointment, now=now) as entry:
        hold = _locked(appointment)
        if hold.end == HoldEnd.TAKEN:
            entry.note(repeated=True)
            return hold.appointment
        _refuse_if_over(hold)
        if patient.is_deceased:
            raise DeadPatient

        def book(visit: Appointment) -> None:
            _refuse_if_closed(visit)
            visit.take_held(by_id=actor.user_id, by_name=actor.name, now=now)

        taken = change_state(hold.appointment, State.BOOKED, book, expected_version=expected_version, now=now)
        _finish(hold, HoldEnd.TAKEN, actor=actor, now=now)
        entry.about(taken)
        entry.publish(AppointmentBooked(at=now, **ids_of(taken)))
    return taken


def give_up_hold(
    *, actor: Actor, appointment: Appointment, expected_version: int | None = None, now: datetime
) -> Appointment:
    """The patient does not want it: the time is free again. Given up twice is once. Refuses: HoldOver, Stale."""
    with act(actor, GIVE_UP_HOLD, patient=appointment.patient, subject=appointment, now=now) as entry:
        hold = _locked(appointment)
        if hold.end == HoldEnd.GIVEN_UP:
            entry.note(repeated=True)
            return hold.appointment
        _refuse_if_over(hold)
        return _free(hold, HoldEnd.GIVEN_UP, actor=actor, expected_version=expected_version, now=now)


def lapse_hold(*, actor: Actor, appointment_id: int, now: datetime) -> bool:
    """Nobody took it in time: it is free again, and where no promise stands behind it somebody asks the patient.

    Returns whether it lapsed; safe twice.
    """
    visit = _with_patient(appointment_id)
    if visit is None:
        return False
    with act(actor, LAPSE, patient=visit.patient, subject=visit, now=now) as entry:
        hold = _locked(visit)
        lapsed = hold.stands and now >= hold.until_at
        entry.note(lapsed=lapsed)
        if lapsed:
            _free(hold, HoldEnd.LAPSED, actor=actor, expected_version=None, now=now)
            if visit.loop_id is None and visit.referral_id is None and not visit.patient.is_deceased:
                _ask_whether_they_want_it(visit, actor=actor, now=now)
    return lapsed


def give_up_alternatives(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """The patient has a visit: what else was held for the same is free again. Safe twice."""
    others = Hold.objects.filter(
        end="",
        appointment__patient_id=appointment.patient_id,
        appointment__visit_type__code=appointment.visit_type.code,
        appointment__loop=appointment.loop,
        appointment__referral=appointment.referral,
    ).exclude(appointment=appointment)
    _give_back(others, actor=actor, now=now)


def give_up_holds_of_the_dead(*, actor: Actor, patient_id: int, now: datetime) -> None:
    """The patient has died: what was held for them is free again, and nobody asks. Safe twice."""
    _give_back(Hold.objects.filter(end="", appointment__patient=patient_id), actor=actor, now=now)


def lapse_overdue(*, actor: Actor, now: datetime) -> int:
    """End every hold whose time is over and whose own job did not: how many. Each in a transaction of its own."""
    overdue = Hold.objects.filter(end="", until_at__lte=now).order_by("pk").values_list("appointment_id", flat=True)
    return sum(lapse_hold(actor=actor, appointment_id=appointment_id, now=now) for appointment_id in list(overdue))


def settle_lapsed(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """A time that lapsed was asked for again and booked: nobody needs to ask. Safe twice."""
    lapsed = Appointment.objects.filter(
        patient_id=appointment.patient_id, visit_type__code=appointment.visit_type.code, hold__end=HoldEnd.LAPSED.value
    )
    keys = [_once(visit_id) for visit_id in lapsed.order_by("pk").values_list("pk", flat=True)]
    note, about = f"Booked for {day_and_time(appointment.local_start)}.", about_visit(appointment)
    for loop in Loop.objects.open().filter(once_key__in=keys):
        add_evidence(actor.as_liaison(), loop_id=loop.pk, kind="settled", note=note, about=about, now=now)
    waiting = WaitingPromise.objects.waiting().filter(once_key__in=keys)
    drop_waiting(actor.as_liaison(), waiting=waiting, reason=note, now=now)


def _hold(
    order: BookingOrder,
    *,
    patient: Patient,
    lasting: timedelta,
    actor: Actor,
    override: Override | None,
    now: datetime,
) -> Hold:
    until = held_until(now=now, lasting=lasting, start=order.start_at) if lasting in HOLD_FOR else None
    if until is None:
        raise Impossible("A time is held for 15 minutes, 1, 4 or 24 hours, and not once its start has come.")
    hold_patient(patient.pk)
    if Hold.objects.filter(end="", appointment__patient=patient).count() >= MOST_HOLDS:
        raise TooManyHolds
    visit = place_visit(
        order.held_as(_key(order)), patient=patient, follows=None, actor=actor, verb=HOLD, override=override, now=now
    )
    visit.state = State.PENDING.value
    visit.save(update_fields=["state"])
    return Hold.objects.create(
        appointment=visit, until_at=until, held_at=now, held_by_id=actor.user_id, held_by_name=actor.name
    )


def _give_back(standing: QuerySet[Hold], *, actor: Actor, now: datetime) -> None:
    """Liaison gives up times of one patient that nobody needs any more; what was ended meanwhile is none of these."""
    first = standing.select_related("appointment__patient").first()
    if first is None:
        return
    liaison = actor.as_liaison()
    with act(liaison, GIVE_UP_HOLD, patient=first.appointment.patient, now=now) as entry:
        rows = standing.select_related("appointment__patient", "appointment__visit_type").order_by("pk")
        freed = [
            _free(hold, HoldEnd.GIVEN_UP, actor=liaison, expected_version=None, now=now)
            for hold in rows.select_for_update(of=("self",))
        ]
        entry.note(appointments=[visit.pk for visit in freed])


def _free(hold: Hold, end: HoldEnd, *, actor: Actor, expected_version: int | None, now: datetime) -> Appointment:
    """The time is free again; it was never a booking, so nobody is told of a cancellation."""

    def cancel(visit: Appointment) -> None:
        visit.cancel(reason=CancelReason.OTHER, by_name=actor.name, now=now)

    freed = change_state(hold.appointment, State.CANCELLED, cancel, expected_version=expected_version, now=now)
    _finish(hold, end, actor=actor, now=now)
    return freed


def _finish(hold: Hold, end: HoldEnd, *, actor: Actor, now: datetime) -> None:
    hold.finish(end, by_name=actor.name, now=now)
    hold.save()


def _locked(appointment: Appointment) -> Hold:
    """The hold behind this visit, locked: of two who end it at once one is first. Refuses: HoldOver (there is none)."""
    hold = (
        Hold.objects.select_for_update(of=("self",))
        .select_related("appointment__patient", "appointment__visit_type")
        .filter(appointment_id=appointment.pk)
        .first()
    )
    if hold is None:
        raise HoldOver("This time is not held: it is a booking, or was one. Look at what it says now.")
    return hold


def _refuse_if_over(hold: Hold) -> None:
    if hold.end == HoldEnd.TAKEN:
        raise HoldOver(f"{hold.ended_by_name} booked this time for the patient meanwhile. Look at the visit again.")
    if not hold.stands:
        when = day_and_time(hold.local_until)
        raise HoldOver(f"This time was held until {when} and is free again, or somebody else’s. Look for a time anew.")


def _refuse_if_closed(visit: Appointment) -> None:
    """Let pass who still works then, and what somebody held outside of working hours with a reason."""
    if Against.OUTSIDE_HOURS in visit.overrides:
        return
    seats = tuple(Seat(role=row.role, resource_id=row.resource_id) for row in visit.reservations.all())
    placing = Placing(
        patient=visit.patient,
        visit_type=visit.visit_type,
        site=visit.site,
        start_at=visit.start_at,
        seats=seats,
        resources=lock_resources({seat.resource_id for seat in seats}),
        lasting=visit.end_at - visit.start_at,
        leaving_id=visit.pk,
    )
    for breach in outside_hours(placing):
        raise HeldClosed(f"{breach.refusal.sentence} This time is only held: give it up.")


def _with_patient(pk: int) -> Appointment | None:
    rows = Appointment.objects.select_related("patient", "site", "visit_type", "booked_by")
    return rows.filter(pk=pk, hold__isnull=False).first()


def _key(order: BookingOrder) -> str:
    return f"held:{order.key}"


def _once(visit_id: int) -> str:
    return f"{_RULE}:{visit_id}"


def _ask_whether_they_want_it(visit: Appointment, *, actor: Actor, now: datetime) -> None:
    """Nothing else would remind anybody of a visit that was nearly booked. By the next business day."""
    name, when = visit.patient.goes_by, day_and_time(visit.local_start)
    due = due_after(
        now,
        allowance=Allowance(amount=1, unit=Unit.BUSINESS_DAYS),
        zone=visit.zone,
        calendar=business_calendar(site_id=visit.site_id),
    )
    promise = PromiseToKeep(
        kind=HOLD_LAPSED.code,
        title=f"The time held for {name} lapsed ({when})",
        about=about_visit(visit),
        once_key=_once(visit.pk),
        clocks=(
            ClockToStart(
                rule_id=_RULE,
                rule_version="1",
                source="Whoever did not take a time that was held for them is asked by the next business day",
                step=f"Ask {name} whether the visit is still wanted, and book another time",
                anchor_event=f"appointment:{visit.pk}",
                anchor_at=now,
                due_at=due,
                evidence="settled",
            ),
        ),
    )
    owner = owner_of_visit(visit, now=now)
    open_or_wait(actor.as_liaison(), promise=promise, patient=visit.patient, site=visit.site, owner=owner, now=now)
