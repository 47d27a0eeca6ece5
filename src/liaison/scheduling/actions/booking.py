"""Give time to a patient: book, and move in one step."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from liaison.accounts.models import Site
from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.keys import hold_key
from liaison.core.live import announce
from liaison.core.refusals import NotFound, Stale
from liaison.core.verbs import Verb
from liaison.core.written_time import day_and_time
from liaison.loops.models import Loop
from liaison.orders.models import Referral
from liaison.patients.models import Patient
from liaison.scheduling.access import BOOK, MOVE, OVERRIDE
from liaison.scheduling.actions.checking import (
    NEEDS_PERMISSION,
    Against,
    Breach,
    Placing,
    breaches,
    check_seats,
)
from liaison.scheduling.actions.keeping import lock_resources, refresh_free_time, take_free_time
from liaison.scheduling.actions.refusals import (
    AskedElsewhere,
    CancelledSince,
    CannotChange,
    DeadPatient,
    Impossible,
    KeyReused,
    MovedMeanwhile,
    NotYourSite,
    OnlyHeld,
    ReferralNeeded,
)
from liaison.scheduling.events import AppointmentBooked, AppointmentMoved
from liaison.scheduling.models import Appointment, Hold, Reservation, Resource, VisitType
from liaison.scheduling.ports import BookingOrder, CancelReason, Override
from liaison.scheduling.queries.asked import sites_asked
from liaison.scheduling.queries.visits import successor_of
from liaison.scheduling.rules import State

_MINUTE: Final = timedelta(minutes=1)
_MOST_MINUTES: Final = 1440
_MOVABLE: Final = frozenset({State.PENDING, State.BOOKED, State.ARRIVED, State.CHECKED_IN})
"""Who came too late, and is here, can be given another time too; not who is with the clinician."""


def book_appointment(
    *, actor: Actor, patient: Patient, order: BookingOrder, override: Override | None = None, now: datetime
) -> Appointment:
    """Give these resources' time to this patient. The same key again answers with the first booking.

    Refuses NotFree, OutsideHours, TooLate and TooFar unless overridden with permission and a reason,
    PatientBusy, DuplicateVisit, NoTimeToTravel and SecondVisit unless overridden with a reason, given for what was
    said to stand against it (`Override.met`); NotYourSite, AskedElsewhere, WrongSeats,
    ReferralNeeded, KeyReused, Impossible, DeadPatient, NotFound, Stale (the visit type was
    edited meanwhile).
    """
    with act(actor, BOOK, patient=patient, reason=_reason(override), now=now) as entry:
        appointment = _booked_before(order, patient=patient, follows=None)
        entry.note(repeated=appointment is not None)
        if appointment is None:
            appointment = place_visit(
                order, patient=patient, follows=None, actor=actor, verb=BOOK, override=override, now=now
            )
            entry.publish(
                AppointmentBooked(
                    appointment_id=appointment.pk,
                    patient_id=patient.pk,
                    loop_id=appointment.loop_id,
                    referral_id=appointment.referral_id,
                    at=now,
                )
            )
        entry.about(appointment)
        entry.note(overrides=appointment.overrides)
    return appointment


def move_appointment(
    *,
    actor: Actor,
    appointment: Appointment,
    order: BookingOrder,
    reason: CancelReason,
    override: Override | None = None,
    expected_version: int | None = None,
    now: datetime,
) -> Appointment:
    """Give the patient another time in one step: the old one is cancelled and the new one booked, or neither.

    The invitation's UID stays and its SEQUENCE rises (DOMAIN 1.8). Refuses what booking refuses, CannotChange when
    the old one is over or under way, MovedMeanwhile when somebody moved it first, and Stale when it is not of
    `expected_version` any more.
    """
    patient = appointment.patient
    with act(actor, MOVE, patient=patient, subject=appointment, reason=_reason(override), now=now) as entry:
        moved = _booked_before(order, patient=patient, follows=appointment)
        if moved is None:
            old = Appointment.objects.select_for_update(no_key=True).get(pk=appointment.pk)
            refuse_unless_movable(old, expected_version=expected_version)
            old.cancel(reason=reason, by_name=actor.name, now=now)
            old.save()
            old.reservations.update(active=False)
            moved = place_visit(order, patient=patient, follows=old, actor=actor, verb=MOVE, override=override, now=now)
            announce(topic=f"calendar:{old.site_id}:{old.visit_on}", what="moved")
            entry.publish(
                AppointmentMoved(
                    appointment_id=moved.pk,
                    previous_id=old.pk,
                    patient_id=patient.pk,
                    loop_id=moved.loop_id,
                    referral_id=moved.referral_id,
                    at=now,
                )
            )
        entry.about(moved)
        entry.note(previous_id=appointment.pk, reason=reason.value, overrides=moved.overrides)
    return moved


def refuse_unless_movable(old: Appointment, *, expected_version: int | None) -> None:
    """Let pass what stands and lies ahead. Refuses MovedMeanwhile, CannotChange, Stale (of another version)."""
    if Hold.objects.filter(appointment=old, end="").exists():
        raise OnlyHeld
    successor = successor_of(old)
    if successor is not None:
        when = day_and_time(successor.local_start)
        raise MovedMeanwhile(f"{successor.booked_by_name} moved this visit to {when} meanwhile. Yours was not done.")
    if old.state_now not in _MOVABLE or old.seen_at is not None:
        raise CannotChange
    if expected_version is not None and old.version != expected_version:
        raise Stale


def _reason(override: Override | None) -> str:
    return override.reason.strip() if override else ""


def _booked_before(order: BookingOrder, *, patient: Patient, follows: Appointment | None) -> Appointment | None:
    """What this key booked already. Waits for another request with the same key, so both get one answer."""
    hold_key(order.key)
    first = Appointment.objects.filter(idempotency_key=order.key).first()
    if first is not None and not same_order(first, order, patient=patient, follows=follows):
        raise KeyReused
    if first is not None and first.state_now is State.CANCELLED and successor_of(first) is None:
        raise CancelledSince
    return first


def same_order(first: Appointment, order: BookingOrder, *, patient: Patient, follows: Appointment | None) -> bool:
    """Whether this is what the order asks for: a key stands for one wish."""
    return (
        first.patient_id == patient.pk
        and (first.start_at, first.site_id) == (order.start_at, order.site_id)
        and (first.visit_type_id, first.note) == (order.visit_type_id, order.note.strip())
        and _seats_of(first) == {(seat.role, seat.resource_id) for seat in order.seats}
        and order.minutes in {None, (first.end_at - first.start_at) // _MINUTE}
        and first.predecessor_id == (follows.pk if follows else None)
    )


def _seats_of(appointment: Appointment) -> set[tuple[str, int]]:
    return set(appointment.reservations.values_list("role", "resource_id"))


def hold_patient(patient_id: int) -> None:
    """Wait until nobody else gives this patient a time."""
    hold_key(f"times of patient:{patient_id}")


def place_visit(
    order: BookingOrder,
    *,
    patient: Patient,
    follows: Appointment | None,
    actor: Actor,
    verb: Verb,
    override: Override | None,
    now: datetime,
) -> Appointment:
    """Check everything and write the visit, in place of the one it `follows`. Refuses what `book_appointment` does."""
    if patient.is_deceased:
        raise DeadPatient
    loop, referral = _served(order, patient)
    placing = _placing(order, patient, follows=follows)
    if not actor.may_at(verb, site_id=placing.site.pk):
        raise NotYourSite
    if placing.visit_type.referral_needed and referral is None:
        raise ReferralNeeded
    if referral is not None and (follows is None or follows.site_id != placing.site.pk):
        refuse_elsewhere(referral, site_ids=[placing.site.pk], seen_by=_practitioners(placing))
    check_seats(placing)
    overridden = tuple(breaches(placing, now=now))
    _allow(overridden, placing=placing, actor=actor, override=override, now=now)
    codes = sorted({breach.against.value for breach in overridden})
    appointment = Appointment.objects.create(
        patient=patient,
        visit_type=placing.visit_type,
        site=placing.site,
        loop=loop,
        referral=referral,
        predecessor=follows,
        start_at=placing.visit.start,
        end_at=placing.visit.end,
        time_zone=placing.site.time_zone,
        modality=placing.visit_type.modality,
        state=State.BOOKED.value,
        note=order.note.strip(),
        interpreter_language=patient.spoken_language if patient.interpreter_needed else "",
        overrides=codes,
        override_reason=_reason(override) if codes else "",
        idempotency_key=order.key,
        ical_uid=follows.ical_uid if follows else new_uid(),
        ical_sequence=follows.ical_sequence + 1 if follows else 0,
        booked_at=now,
        booked_by_id=actor.user_id,
        booked_by_name=actor.name,
    )
    _reserve(appointment, placing, overridden)
    take_free_time(tuple(placing.resources), claim=placing.claim)
    if follows is not None:
        refresh_free_time(_resource_ids(follows), during=follows.claim)
    announce(topic=f"calendar:{placing.site.pk}:{appointment.visit_on}", what="booked")
    return appointment


def refuse_elsewhere(referral: Referral, *, site_ids: Iterable[int], seen_by: Collection[int] = ()) -> None:
    """Let pass the places of whom the referral asks, or a visit with them. Refuses: AskedElsewhere."""
    with_them = referral.target_practitioner_id in seen_by
    if not with_them and not sites_asked(referral).issuperset(site_ids):
        raise AskedElsewhere


def _practitioners(placing: Placing) -> frozenset[int]:
    held = (resource.practitioner_id for resource in placing.resources.values())
    return frozenset(pk for pk in held if pk is not None)


def new_uid() -> str:
    """A UID for an event that is new in the world."""
    return f"{uuid.uuid4()}@{urlsplit(settings.LIAISON_PUBLIC_URL).hostname}"


def _served(order: BookingOrder, patient: Patient) -> tuple[Loop | None, Referral | None]:
    """The promise and the referral that the visit serves; both must be this patient's."""
    loop = referral = None
    if order.loop_id is not None:
        loop = Loop.objects.filter(pk=order.loop_id, patient=patient).first()
    if order.referral_id is not None:
        referral = Referral.objects.filter(pk=order.referral_id, patient=patient).first()
    if (loop is None) != (order.loop_id is None) or (referral is None) != (order.referral_id is None):
        raise NotFound
    return loop, referral


def _placing(order: BookingOrder, patient: Patient, *, follows: Appointment | None) -> Placing:
    visit_type, site = kind_and_place(order)
    hold_patient(patient.pk)
    wanted = {seat.resource_id for seat in order.seats}
    locked = lock_resources(wanted | set(_resource_ids(follows)))
    return placing_of(order, patient=patient, visit_type=visit_type, site=site, resources=locked, follows=follows)


def kind_and_place(order: BookingOrder) -> tuple[VisitType, Site]:
    """What is asked for and where. Refuses Impossible (times that can't be), NotFound, Stale (it was edited)."""
    if order.start_at.tzinfo is None or order.start_at.second or order.start_at.microsecond:
        raise Impossible("A visit starts on a whole minute of a known time zone.")
    if order.minutes is not None and not 1 <= order.minutes <= _MOST_MINUTES:
        raise Impossible("A visit lasts a minute at least and a day at most.")
    visit_type = VisitType.objects.filter(pk=order.visit_type_id).first()
    site = Site.objects.filter(pk=order.site_id).first()
    if visit_type is None or site is None:
        raise NotFound
    if not visit_type.is_current:
        raise Stale
    return visit_type, site


def placing_of(
    order: BookingOrder,
    *,
    patient: Patient,
    visit_type: VisitType,
    site: Site,
    resources: Mapping[int, Resource],
    follows: Appointment | None,
) -> Placing:
    """The booking as the checks ask about it; of `resources` only those that it wants."""
    wanted = {seat.resource_id for seat in order.seats}
    return Placing(
        patient=patient,
        visit_type=visit_type,
        site=site,
        start_at=order.start_at.astimezone(UTC),
        seats=order.seats,
        resources={pk: resource for pk, resource in resources.items() if pk in wanted},
        lasting=visit_type.duration if order.minutes is None else order.minutes * _MINUTE,
        leaving_id=follows.pk if follows else None,
        loop_id=None if order.is_one_of_several else order.loop_id,
        referral_id=None if order.is_one_of_several else order.referral_id,
    )


def _resource_ids(follows: Appointment | None) -> tuple[int, ...]:
    """Whose time the visit had that now moves."""
    return tuple(follows.reservations.values_list("resource_id", flat=True)) if follows else ()


def _allow(
    against: tuple[Breach, ...], *, placing: Placing, actor: Actor, override: Override | None, now: datetime
) -> None:
    """Let it pass, or refuse with what is worst. Overriding what needs permission is audited by itself.

    The permission is asked for where the visit takes place, and for the time of who never works there, at home.
    """
    if not against:
        return
    unmet = [breach for breach in against if not _is_answered(breach, placing, override)]
    if unmet:
        refusal = unmet[0].refusal
        refusal.met = tuple(breach.met(placing) for breach in against)
        refusal.others = tuple(breach.refusal.sentence for breach in unmet[1:])
        raise refusal
    if any(breach.against in NEEDS_PERMISSION for breach in against):
        at = placing.site.pk
        with act(actor, OVERRIDE, patient=placing.patient, site_id=at, reason=_reason(override), now=now) as entry:
            for resource in _from_elsewhere(against, placing):
                if not actor.may_at(OVERRIDE, site_id=resource.site_id):
                    raise NotYourSite
            entry.note(overrides=sorted({breach.against.value for breach in against}))


def _is_answered(breach: Breach, placing: Placing, override: Override | None) -> bool:
    """Whether the reason was given for this: it was said before, or the person decides on all of it."""
    if override is None or not _reason(override):
        return False
    return override.met is None or breach.met(placing) in override.met


def _from_elsewhere(against: tuple[Breach, ...], placing: Placing) -> Sequence[Resource]:
    """Those whose time is overridden, of another site, with no working hours at this one."""
    named = {breach.resource_id for breach in against if breach.resource_id is not None}
    away = [placing.resources[pk] for pk in sorted(named) if placing.resources[pk].site_id != placing.site.pk]
    return [resource for resource in away if not resource.hours.filter(site=placing.site).exists()]


def _reserve(appointment: Appointment, placing: Placing, overridden: tuple[Breach, ...]) -> None:
    claim = placing.claim
    on_top = {breach.resource_id for breach in overridden if breach.against is Against.NOT_FREE}
    Reservation.objects.bulk_create(
        Reservation(
            appointment=appointment,
            resource_id=seat.resource_id,
            role=seat.role,
            during=(claim.start, claim.end),
            overridden=seat.resource_id in on_top,
        )
        for seat in placing.seats
    )
