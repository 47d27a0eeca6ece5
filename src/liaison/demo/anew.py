"""A clinician goes to a conference, and the day was planned anew: most have another time, a few are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final

from liaison.core.actor import Actor
from liaison.demo.staff import Staffed
from liaison.patients.models import Patient
from liaison.scheduling import actions as scheduling
from liaison.scheduling.models import Appointment, Resource
from liaison.scheduling.ports import BookingOrder, CancelReason, Seat, Span
from liaison.scheduling.queries import Closing, DisplacedLine, TimesWanted, earliest_times, plan_day

CALLED: Final = 3
"""Who is called: one has another time by now, one's room can't be used besides, for one a time is still looked for."""
_MOVED: Final = 3
_EACH: Final = CALLED + _MOVED
_DOCTOR: Final = "Dr Imani Achebe"
_AWAY_IN, _FULL_IN = timedelta(days=10), timedelta(days=6)
_EFFORT: Final = 0.1


def plan_a_day_anew(actor: Actor, patients: Sequence[Patient], staffed: Staffed, *, now: datetime) -> None:
    """One day of a clinician is full and was planned anew; another is full, for who tries what happens then."""
    doctor = Resource.objects.get(name=_DOCTOR, site=staffed.sites["RIV"])
    ahead = Appointment.objects.filter(start_at__gt=now)
    coming = set(ahead.values_list("patient_id", flat=True))
    theirs = set(ahead.filter(reservations__resource=doctor).values_list("patient_id", flat=True))
    others = [patient for patient in patients if patient.pk in coming - theirs]
    free = [patient for patient in patients if patient.pk not in coming]
    _fill(actor, others[:_EACH], staffed, doctor, not_before=now + _FULL_IN, now=now)
    visits = _fill(actor, free[:_EACH], staffed, doctor, not_before=now + _AWAY_IN, now=now)
    for on in sorted({visit.visit_on for visit in visits})[:1]:
        closing = Closing(site=staffed.sites["RIV"], resource=doctor, during=_whole(on, staffed=staffed))
        lines = plan_day(actor, closing=closing, effort=_EFFORT, now=now).lines
        if len(lines) >= _EACH:
            _apply(actor, closing, lines[:-CALLED], called=lines[-CALLED:], reason="Conference", now=now)
            found, away, _open = (line.visit for line in lines[-CALLED:])
            _find_another_time(actor, found, now=now)
            _lose_the_room(actor, away, staffed=staffed, now=now)


def _fill(
    actor: Actor,
    patients: Sequence[Patient],
    staffed: Staffed,
    doctor: Resource,
    *,
    not_before: datetime,
    now: datetime,
) -> Sequence[Appointment]:
    """Each of these patients comes to this clinician on the first day on which there is time."""
    site, kind = staffed.sites["RIV"], staffed.visit_types["office"]
    first, booked = not_before.astimezone(site.zone).date(), list[Appointment]()
    for patient in patients:
        wanted = TimesWanted(
            visit_type_id=kind.pk, site_id=site.pk, patient_id=patient.pk, with_id=doctor.pk, not_before=first, limit=1
        )
        for offer in earliest_times(actor, wanted=wanted, now=now).offers:
            order = BookingOrder(
                key=f"demo-full-{patient.pk}", visit_type_id=kind.pk, site_id=site.pk, start_at=offer.start_at,
                seats=tuple(Seat(role=seat.role, resource_id=seat.resource_id) for seat in offer.seats),
            )  # fmt: skip
            booked.append(scheduling.book_appointment(actor=actor, patient=patient, order=order, now=now))
    return booked


def _whole(on: date, *, staffed: Staffed) -> Span:
    zone = staffed.sites["RIV"].zone
    return Span(
        datetime.combine(on, time(0), tzinfo=zone), datetime.combine(on + timedelta(days=1), time(0), tzinfo=zone)
    )


def _apply(
    actor: Actor,
    closing: Closing,
    moving: Sequence[DisplacedLine],
    *,
    called: Sequence[DisplacedLine],
    reason: str,
    now: datetime,
) -> None:
    moves = [_move(line) for line in moving]
    moves += [replace(_move(line), start_at=None, seats=()) for line in called]
    order = scheduling.ReplanOrder(
        key=f"demo-{reason}",
        site_id=closing.site.pk,
        resource_id=closing.resource.pk if closing.resource else None,
        during=closing.during,
        reason=reason,
        moves=tuple(moves),
    )
    scheduling.replan_day(actor=actor, order=order, now=now)


def _move(line: DisplacedLine) -> scheduling.ReplanMove:
    new = line.proposed
    return scheduling.ReplanMove(
        appointment_id=line.visit.pk,
        version=line.visit.version,
        start_at=new.start_at if new else None,
        seats=tuple(Seat(role=seat.role, resource_id=seat.resource_id) for seat in new.seats) if new else (),
    )


def _find_another_time(actor: Actor, visit: Appointment, *, now: datetime) -> None:
    """The patient was called and has a time that suits them."""
    wanted = TimesWanted(
        visit_type_id=visit.visit_type_id, site_id=visit.site_id, patient_id=visit.patient_id, moving_id=visit.pk,
        not_before=visit.visit_on + timedelta(days=1),
    )  # fmt: skip
    for offer in earliest_times(actor, wanted=wanted, now=now).offers[:1]:
        order = BookingOrder(
            key=f"demo-another-{visit.pk}", visit_type_id=visit.visit_type_id, site_id=visit.site_id,
            start_at=offer.start_at, loop_id=visit.loop_id, referral_id=visit.referral_id,
            seats=tuple(Seat(role=seat.role, resource_id=seat.resource_id) for seat in offer.seats),
        )  # fmt: skip
        scheduling.move_appointment(actor=actor, appointment=visit, order=order, reason=CancelReason.OTHER, now=now)


def _lose_the_room(actor: Actor, visit: Appointment, *, staffed: Staffed, now: datetime) -> None:
    """The room of the visit can't be used that day either: the first promise gives way to another."""
    room = Resource.objects.filter(reservations__appointment=visit, kind="room").first()
    if room is not None:
        closing = Closing(site=staffed.sites["RIV"], resource=room, during=_whole(visit.visit_on, staffed=staffed))
        lines = plan_day(actor, closing=closing, effort=_EFFORT, now=now).lines
        _apply(actor, closing, (), called=lines, reason="Painting", now=now)
