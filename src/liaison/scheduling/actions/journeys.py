"""Book several visits of one patient that belong together: all of them or none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from liaison.accounts.models import Site
from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.keys import hold_key
from liaison.core.refusals import Conflict, NotFound, Refusal, Stale
from liaison.core.written_time import day_and_time
from liaison.loops.models import Loop
from liaison.patients.models import Patient
from liaison.scheduling.access import BOOK, BOOK_JOURNEY
from liaison.scheduling.actions.attending import ids_of
from liaison.scheduling.actions.booking import hold_patient, place_visit
from liaison.scheduling.actions.keeping import lock_resources
from liaison.scheduling.actions.refusals import KeyReused
from liaison.scheduling.actions.series_booking import OF_THE_TIME
from liaison.scheduling.events import AppointmentBooked
from liaison.scheduling.models import Appointment, Journey, JourneyStep, VisitType
from liaison.scheduling.ports import BookingOrder, Seat, Span
from liaison.scheduling.rules.journeys import (
    FEWEST_STEPS,
    MOST_STEPS,
    Gap,
    PlacedVisit,
    gap_fault,
    gap_in_words,
)

_LONGEST_NAME = 80


class JourneyWrong(Refusal):
    """Visits that can't be booked together like that."""

    code = "scheduling.journey_wrong"
    sentence = "These visits can't be booked together like that. Choose one of the plans."


class JourneyTaken(Conflict):
    """One of the times was given away, so none was booked."""

    code = "scheduling.journey_taken"
    sentence = "One of these times can't be had any more. Nothing was booked: choose another plan."


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyVisit:
    """One visit of a plan that was chosen. `gap` is what is asked of the time since the one before; the first's is
    not looked at."""

    visit_type_id: int
    site_id: int
    start_at: datetime
    seats: tuple[Seat, ...]
    gap: Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyOrder:
    """Visits as a person chose them, in order of time. `key` makes it safe to send twice.

    `name` says what they are for; without one the kinds of visit do. `loop_id` and `referral_id` are what the first
    visit of the kind `serves_kind_id` is for; the visits of kinds that need a referral have it too.
    """

    key: str
    visits: tuple[JourneyVisit, ...]
    name: str = ""
    loop_id: int | None = None
    referral_id: int | None = None
    serves_kind_id: int | None = None
    note: str = ""

    @property
    def serving(self) -> int | None:
        """Which of the visits (from 0) is the one that was promised; None where none is."""
        kinds = [visit.visit_type_id for visit in self.visits]
        return kinds.index(self.serves_kind_id) if self.serves_kind_id in kinds else None


def book_journey(*, actor: Actor, patient: Patient, order: JourneyOrder, now: datetime) -> Journey:
    """Book every visit, all or none. The same key again answers with the first journey.

    Everything is checked again with all locked; nothing is overridden here: what stands against a visit wants another
    plan. Refuses: JourneyTaken (it says which visit), JourneyWrong (too few or too many, a gap is not kept, or it is
    not said which visit is the one that was promised),
    NotYourSite, AskedElsewhere, ReferralNeeded, KeyReused, NotFound, Stale (a visit type was edited meanwhile),
    DeadPatient.
    """
    with act(actor, BOOK_JOURNEY, patient=patient, now=now) as entry:
        journey = _booked_before(order, patient=patient)
        entry.note(repeated=journey is not None)
        if journey is None:
            kinds = _kinds(order)
            _refuse_wrong(order, kinds)
            hold_patient(patient.pk)
            placed = _place_each(order, kinds, patient=patient, actor=actor, now=now)
            journey = _write(order, placed, patient=patient, actor=actor, now=now)
            _tell_of_each(placed, actor=actor, journey=journey, now=now)
            entry.note(appointments=[one.pk for one in placed])
        entry.about(journey)
    return journey


def _booked_before(order: JourneyOrder, *, patient: Patient) -> Journey | None:
    """What this key booked already. Waits for another request with the same key, so both get one answer."""
    hold_key(order.key)
    first = Journey.objects.filter(idempotency_key=order.key).first()
    if first is None:
        return None
    keys = [_key_of_visit(order.key, position=position) for position in range(1, MOST_STEPS + 1)]
    booked = Appointment.objects.filter(idempotency_key__in=keys).prefetch_related("reservations")
    at = {one.idempotency_key: one for one in booked}
    times = [_said_of(at[key]) for key in keys if key in at]
    asked = [_said_in(visit, order, serves=place == order.serving) for place, visit in enumerate(order.visits)]
    same = first.patient_id == patient.pk and first.loop_id == order.loop_id
    if not same or times != asked or _renamed(first, order):
        raise KeyReused
    return first


def _renamed(first: Journey, order: JourneyOrder) -> bool:
    return bool(order.name.strip()) and order.name.strip() != first.name


def _said_of(booked: Appointment) -> tuple[object, ...]:
    seats = frozenset((row.role, row.resource_id) for row in booked.reservations.all())
    return booked.visit_type_id, booked.site_id, booked.start_at, seats, booked.note, booked.loop_id


def _said_in(visit: JourneyVisit, order: JourneyOrder, *, serves: bool) -> tuple[object, ...]:
    seats = frozenset((seat.role, seat.resource_id) for seat in visit.seats)
    loop_id = order.loop_id if serves else None
    return visit.visit_type_id, visit.site_id, visit.start_at, seats, order.note.strip(), loop_id


def _key_of_visit(key: str, *, position: int) -> str:
    """The idempotency key of one visit of a form."""
    return f"journey:{hashlib.sha256(key.encode()).hexdigest()[:40]}:{position}"


def _kinds(order: JourneyOrder) -> Mapping[int, VisitType]:
    """The kinds of visit that are asked for. Refuses: NotFound, Stale."""
    kinds = VisitType.objects.in_bulk([visit.visit_type_id for visit in order.visits])
    if any(visit.visit_type_id not in kinds for visit in order.visits):
        raise NotFound
    if not all(kind.is_current for kind in kinds.values()):
        raise Stale
    return kinds


def _refuse_wrong(order: JourneyOrder, kinds: Mapping[int, VisitType]) -> None:
    """Let pass as many visits as may be, in order, each as far after the one before as is asked."""
    if not FEWEST_STEPS <= len(order.visits) <= MOST_STEPS:
        raise JourneyWrong(f"Visits that belong together are {FEWEST_STEPS} at least and {MOST_STEPS} at most.")
    if order.loop_id is not None and order.serving is None:
        raise JourneyWrong("Say which of these visits is the one that was promised.")
    sites = Site.objects.in_bulk([visit.site_id for visit in order.visits])
    if any(visit.site_id not in sites for visit in order.visits):
        raise NotFound
    placed = [
        PlacedVisit(
            span=Span(visit.start_at, visit.start_at + kinds[visit.visit_type_id].duration),
            zone=sites[visit.site_id].zone,
        )
        for visit in order.visits
    ]
    for at in range(1, len(placed)):
        gap = order.visits[at].gap
        if gap_fault(gap, earlier=placed[at - 1], later=placed[at]) is not None:
            first, then = (kinds[order.visits[place].visit_type_id].name for place in (at - 1, at))
            raise JourneyWrong(f"{then} should be {gap_in_words(gap)} {first}. Choose one of the plans.")


def _place_each(
    order: JourneyOrder, kinds: Mapping[int, VisitType], *, patient: Patient, actor: Actor, now: datetime
) -> Sequence[Appointment]:
    """Give each its time, all resources locked at once in the order of their ids. Refuses: JourneyTaken."""
    lock_resources({seat.resource_id for visit in order.visits for seat in visit.seats})
    needing = {at for at, visit in enumerate(order.visits) if kinds[visit.visit_type_id].referral_needed}
    placed = []
    for at, visit in enumerate(order.visits):
        serves = at == order.serving
        booking = BookingOrder(
            key=_key_of_visit(order.key, position=at + 1),
            visit_type_id=visit.visit_type_id,
            site_id=visit.site_id,
            start_at=visit.start_at,
            seats=visit.seats,
            loop_id=order.loop_id if serves else None,
            referral_id=order.referral_id if serves or at in needing else None,
            note=order.note,
            is_one_of_several=True,
        )
        try:
            placed.append(
                place_visit(
                    booking, patient=patient, follows=None, actor=actor, verb=BOOK_JOURNEY, override=None, now=now
                )
            )
        except OF_THE_TIME as refusal:
            raise _taken(visit, kinds, refusal) from refusal
    return placed


def _taken(visit: JourneyVisit, kinds: Mapping[int, VisitType], refusal: Refusal) -> JourneyTaken:
    zone = Site.objects.get(pk=visit.site_id).zone
    what = f"{kinds[visit.visit_type_id].name}, {day_and_time(visit.start_at.astimezone(zone))}"
    return JourneyTaken(f"{what}, can't be had any more: {refusal.sentence} Nothing was booked; the plans are fresh.")


def _write(
    order: JourneyOrder, placed: Sequence[Appointment], *, patient: Patient, actor: Actor, now: datetime
) -> Journey:
    kinds = ", ".join(dict.fromkeys(one.visit_type.name for one in placed))
    journey = Journey.objects.create(
        patient=patient,
        loop=Loop.objects.filter(pk=order.loop_id or 0, patient=patient).first(),
        name=(order.name.strip() or kinds)[:_LONGEST_NAME],
        idempotency_key=order.key,
        booked_at=now,
        booked_by_id=actor.user_id,
        booked_by_name=actor.name,
    )
    for at, (one, visit) in enumerate(zip(placed, order.visits, strict=True)):
        gap = visit.gap if at else Gap()
        JourneyStep.objects.create(
            journey=journey,
            position=at + 1,
            appointment=one,
            least_days=gap.least_days,
            most_days=gap.most_days,
            least_minutes=gap.least_minutes,
            most_minutes=gap.most_minutes,
        )
    return journey


def _tell_of_each(placed: Sequence[Appointment], *, actor: Actor, journey: Journey, now: datetime) -> None:
    """An audit entry and a fact for each visit: each is confirmed as any other."""
    for one in placed:
        with act(actor, BOOK, patient=journey.patient, now=now) as entry:
            entry.about(one)
            entry.note(journey_id=journey.pk)
            entry.publish(AppointmentBooked(at=now, **ids_of(one)))
