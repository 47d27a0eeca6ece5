"""What a visit means for a follow-up that runs: booked, lost, seen, counted later, and taken back."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.refusals import Refusal
from liaison.core.written_time import day_and_time
from liaison.loops.actions import add_evidence
from liaison.loops.models import Evidence
from liaison.loops.ports import About, Proof
from liaison.pathways.access import RECORD_VISIT
from liaison.pathways.actions.following import (
    RECONCILIATION_RULE,
    VISIT_RULE,
    NotRunning,
    ask_to_book,
    ask_to_book_as_before,
    due_of,
    restart,
    running_clock,
    running_on,
    stop_asking_to_book,
    visible_enrolment,
)
from liaison.pathways.kinds import CONTACT, RECONCILIATION, VISIT
from liaison.pathways.models import Enrolment
from liaison.pathways.queries import EXPECTED, visit_seen_at
from liaison.pathways.rules.protocol import Protocol, read_protocol, reconcile_by
from liaison.pathways.rules.transition import NotTheVisit, VisitStanding, visit_standing, why_not_the_visit
from liaison.scheduling.models import Appointment, AppointmentQuerySet
from liaison.scheduling.ports import State

_ABOUT: Final = "scheduling.appointment"
ELSEWHERE: Final = "visit"
"""By what the step to book one ends when the visit took place elsewhere."""

_MET: Final = {"in_person": "In person", "video": "By video"}


class TooEarlyToCount(Refusal):
    """The visit was before the patient was home."""

    code: ClassVar[str] = "pathways.too_early_to_count"
    sentence = (
        "A visit on the day of the discharge, or before it, is not the visit after the stay. Choose a later one, or "
        "book one."
    )


class NotFaceToFace(Refusal):
    """A call is contact, not the visit."""

    code: ClassVar[str] = "pathways.not_face_to_face"
    sentence = "A visit by phone is not the visit after the stay: that is in person or by video. Choose or book one."


class VisitTooEarly(Refusal):
    """The visit that was typed in was before the patient was home."""

    code: ClassVar[str] = "pathways.visit_too_early"
    sentence = (
        "A visit on the day of the discharge, or before it, is not the visit after the stay. Give the day of a later "
        "one, or book one."
    )
    field = "seen_at"


class VisitByPhone(Refusal):
    """The visit that was typed in was a call."""

    code: ClassVar[str] = "pathways.visit_by_phone"
    sentence = "A call is contact, not the visit: that is in person or by video. Log it as a call."
    field = "modality"


class VisitInTheFuture(Refusal):
    """The visit that was typed in has not taken place yet."""

    code: ClassVar[str] = "pathways.visit_in_the_future"
    sentence = "This visit lies ahead. Come back when it took place, or set the next step to ask about it then."
    field = "seen_at"


class VisitRecorded(Refusal):
    """The visit after this stay is proven already."""

    code: ClassVar[str] = "pathways.visit_recorded"
    sentence = (
        "The visit after this stay is recorded already. Open the follow-up to see when it was; strike it out there "
        "if that was a mistake."
    )
    status = 409


def record_visit_elsewhere(
    actor: Actor, *, enrolment_id: int, seen_at: datetime, modality: str, where: str, now: datetime
) -> Enrolment:
    """Say that the visit took place where no appointment of ours says so; it counts by its own day.

    `where` says at whose place. The same again changes nothing. Refuses Forbidden, NotFound, NotRunning, VisitRecorded,
    VisitInTheFuture, and by DOMAIN 2.1 VisitByPhone and VisitTooEarly (the day of the discharge).
    """
    enrolment = visible_enrolment(actor, enrolment_id, now=now)
    with act(actor, RECORD_VISIT, patient=enrolment.patient, subject=enrolment, now=now) as entry:
        enrolment = Enrolment.objects.select_for_update().select_related("loop", "patient").get(pk=enrolment_id)
        standing = _typed_standing(enrolment, seen_at=seen_at, modality=modality, now=now)
        when = day_and_time(seen_at.astimezone(ZoneInfo(enrolment.time_zone)))
        words = f"{_MET[modality]}, {where.strip()}, {when}. {standing}"
        known = Evidence.objects.filter(loop_id=enrolment.loop_id, kind=VISIT, withdrawn_at=None).last()
        entry.note(repeated=known is not None)
        if known is not None and (known.happened_at, known.note) == (seen_at, words):
            return enrolment
        if known is not None:
            raise VisitRecorded
        if enrolment.voided_at is not None or enrolment.loop.state != "open":
            raise NotRunning
        stop_asking_to_book(actor, enrolment, by=ELSEWHERE, now=now)
        _reconcile_by(actor, enrolment, seen_at, now=now)
        add_evidence(actor, loop_id=enrolment.loop_id, kind=VISIT, note=words, happened_at=seen_at, now=now)
    return enrolment


def _typed_standing(enrolment: Enrolment, *, seen_at: datetime, modality: str, now: datetime) -> str:
    """How soon it was, in words."""
    if seen_at > now:
        raise VisitInTheFuture
    zone = ZoneInfo(enrolment.time_zone)
    match why_not_the_visit(modality=modality, start_at=seen_at, discharged_on=enrolment.anchor_on, zone=zone):
        case NotTheVisit.BY_PHONE:
            raise VisitByPhone
        case NotTheVisit.TOO_EARLY:
            raise VisitTooEarly
    return _soon_words(seen_at, enrolment)


def visit_booked(actor: Actor, *, loop_id: int, appointment_id: int, now: datetime) -> None:
    """A visit was booked or moved for a follow-up: it must take place, and the medicines be reconciled by its day.

    The limit of 7 or 14 days stays the limit of the visit's clock. One that can't be the visit (DOMAIN 2.1: by phone,
    or on the day of the discharge) changes nothing: the visit is still to be booked. Nor does one after the visit
    took place.
    """
    enrolment = _waiting_for_visit(loop_id)
    if enrolment is None:
        return
    visit = Appointment.objects.get(pk=appointment_id)
    if why_not(visit, enrolment) is None:
        _expect_the_first(actor, enrolment, visit, now=now)


def visit_lost(actor: Actor, *, loop_id: int, appointment_id: int, why: str, now: datetime) -> None:
    """The booked visit was cancelled or missed: book another, unless another still stands; then that one counts.

    `why` in words. One that can't be the visit is none, and one after the visit took place was not needed.
    """
    enrolment = _waiting_for_visit(loop_id)
    if enrolment is None or why_not(Appointment.objects.get(pk=appointment_id), enrolment) is not None:
        return
    other = first_expected(enrolment, but_id=appointment_id, now=now)
    if other is not None:
        _expect(actor, enrolment, other, now=now)
        return
    protocol = read_protocol(enrolment.protocol.definition)
    _restart_visit(actor, enrolment, protocol, step="See that the visit after the hospital stay takes place", now=now)
    _restart_reconciliation(actor, enrolment, protocol, visit_on=None, reason=why, now=now)
    ask_to_book(actor, enrolment, because_of=f"appointment:{appointment_id}", again=True, now=now)


def visit_seen(actor: Actor, *, loop_id: int, appointment_id: int, now: datetime) -> None:
    """The visit took place. One that can't be the visit (DOMAIN 2.1: by phone, or on the day of the discharge) does
    not count."""
    enrolment = _waiting_for_visit(loop_id)
    if enrolment is None:
        return
    visit = Appointment.objects.get(pk=appointment_id)
    if why_not(visit, enrolment) is None:
        count_visit(actor, enrolment, visit, now=now)


def visit_served(actor: Actor, *, loop_id: int, appointment_id: int, took_place: bool, now: datetime) -> None:
    """A visit was booked without the follow-up, and somebody says that it is its visit; it may have taken place.

    It counts by its own time, whenever that is said. Refuses (DOMAIN 2.1): NotFaceToFace (a visit by phone),
    TooEarlyToCount (a visit on the day of the discharge is none of the follow-up).
    """
    enrolment = running_on(loop_id)
    if enrolment is None:
        return
    visit = Appointment.objects.get(pk=appointment_id)
    match why_not(visit, enrolment):
        case NotTheVisit.BY_PHONE:
            raise NotFaceToFace
        case NotTheVisit.TOO_EARLY:
            raise TooEarlyToCount
        case _ if took_place:
            visit_seen(actor, loop_id=loop_id, appointment_id=appointment_id, now=now)
        case _:
            visit_booked(actor, loop_id=loop_id, appointment_id=appointment_id, now=now)


def visit_serves_no_more(actor: Actor, *, loop_id: int, now: datetime) -> None:
    """A visit that was said to be the follow-up's is not, and what it proved is void: book one, as before."""
    visit_unproven(actor, loop_id=loop_id, why="Taken back: the visit is for something else.", now=now)


def visit_unproven(actor: Actor, *, loop_id: int, why: str, now: datetime) -> None:
    """What proved the visit was taken back: one of ours that took place counts, or the next that is expected, or it is
    to be booked as it was before, by the same time. `why` in words."""
    enrolment = _waiting_for_visit(loop_id)
    if enrolment is None:
        return
    seen = first_that_can(enrolment, Appointment.objects.filter(state=State.FULFILLED))
    if seen is not None:
        count_visit(actor, enrolment, seen, now=now)
        return
    other = first_expected(enrolment, but_id=0, now=now)
    if other is not None:
        _expect(actor, enrolment, other, now=now)
        return
    protocol = read_protocol(enrolment.protocol.definition)
    first = protocol.clock(VISIT_RULE).step.format(name=enrolment.patient.display_name)
    _restart_visit(actor, enrolment, protocol, step=first, now=now)
    _restart_reconciliation(actor, enrolment, protocol, visit_on=None, reason=why, now=now)
    if not ask_to_book_as_before(actor, enrolment, ended_by=ELSEWHERE, now=now) and (
        CONTACT in enrolment.loop.evidence_kinds
    ):
        ask_to_book(actor, enrolment, because_of=f"loop:{loop_id}", now=now)


def medicines_unproven(actor: Actor, *, loop_id: int, why: str, now: datetime) -> None:
    """What proved the medicines reconciled was taken back: they are to be by the day of the visit as it is known now.
    `why` in words."""
    enrolment = running_on(loop_id)
    if enrolment is None:
        return
    expected = first_expected(enrolment, but_id=0, now=now)
    visit_at = visit_seen_at(enrolment) or (expected.start_at if expected is not None else None)
    visit_on = visit_at.astimezone(ZoneInfo(enrolment.time_zone)).date() if visit_at is not None else None
    protocol = read_protocol(enrolment.protocol.definition)
    _restart_reconciliation(actor, enrolment, protocol, visit_on=visit_on, reason=why, now=now)


def proof_of_ours(enrolment: Enrolment) -> tuple[Proof, ...]:
    """The appointment of ours that took place and can be the follow-up's visit; empty when there is none."""
    seen = first_that_can(enrolment, Appointment.objects.filter(state=State.FULFILLED))
    if seen is None:
        return ()
    words = _soon_words(seen.start_at, enrolment)
    return (Proof(loop_id=enrolment.loop_id, kind=VISIT, note=words, about=About(type=_ABOUT, id=seen.pk)),)


def why_not(visit: Appointment, enrolment: Enrolment) -> NotTheVisit | None:
    """Why an appointment can't be the follow-up's visit; None when it can."""
    return why_not_the_visit(
        modality=visit.modality,
        start_at=visit.start_at,
        discharged_on=enrolment.anchor_on,
        zone=ZoneInfo(enrolment.time_zone),
    )


def _waiting_for_visit(loop_id: int) -> Enrolment | None:
    """The follow-up that keeps this promise, while it runs and its visit has not taken place."""
    enrolment = running_on(loop_id)
    return enrolment if enrolment is not None and VISIT not in enrolment.loop.evidence_kinds else None


def _expect_the_first(actor: Actor, enrolment: Enrolment, visit: Appointment, *, now: datetime) -> None:
    """Expect the earliest that stands ahead; this one where none does."""
    _expect(actor, enrolment, first_expected(enrolment, but_id=0, now=now) or visit, now=now)


def first_expected(enrolment: Enrolment, *, but_id: int, now: datetime) -> Appointment | None:
    """The earliest visit ahead that can be the follow-up's, other than this one."""
    return first_that_can(enrolment, Appointment.objects.filter(state__in=EXPECTED, end_at__gt=now).exclude(pk=but_id))


def first_that_can(enrolment: Enrolment, visits: AppointmentQuerySet) -> Appointment | None:
    """The earliest of these that serves the follow-up and can be its visit."""
    theirs = visits.not_only_held().filter(loop_id=enrolment.loop_id).order_by("start_at", "pk")
    return next((visit for visit in theirs if why_not(visit, enrolment) is None), None)


def _expect(actor: Actor, enrolment: Enrolment, visit: Appointment, *, now: datetime) -> None:
    protocol = read_protocol(enrolment.protocol.definition)
    local = visit.start_at.astimezone(ZoneInfo(enrolment.time_zone))
    when = day_and_time(local)
    stop_asking_to_book(actor, enrolment, by=f"appointment:{visit.pk}", now=now)
    _restart_visit(actor, enrolment, protocol, step=step_of(visit, enrolment), now=now)
    _restart_reconciliation(actor, enrolment, protocol, visit_on=local.date(), reason=f"Visit {when}.", now=now)


def step_of(visit: Appointment, enrolment: Enrolment) -> str:
    """What is next while this visit is expected."""
    when = day_and_time(visit.start_at.astimezone(ZoneInfo(enrolment.time_zone)))
    return f"Visit {when}: see that it takes place"


def count_visit(actor: Actor, enrolment: Enrolment, visit: Appointment, *, now: datetime) -> None:
    """This visit of ours took place, and is the follow-up's."""
    stop_asking_to_book(actor, enrolment, by=f"appointment:{visit.pk}", now=now)
    about, words = About(type=_ABOUT, id=visit.pk), _soon_words(visit.start_at, enrolment)
    _reconcile_by(actor, enrolment, visit.start_at, now=now)
    add_evidence(
        actor, loop_id=enrolment.loop_id, kind=VISIT, note=words, about=about, happened_at=visit.start_at, now=now
    )


def _reconcile_by(actor: Actor, enrolment: Enrolment, seen_at: datetime, *, now: datetime) -> None:
    """The visit took place: its day is the last for the medicines, whenever the visit is told (DOMAIN 2.1)."""
    local = seen_at.astimezone(ZoneInfo(enrolment.time_zone))
    running = running_clock(enrolment, RECONCILIATION_RULE)
    if running is not None and running.anchor_event != f"visit:{local.date()}":
        protocol, why = read_protocol(enrolment.protocol.definition), f"The visit was {day_and_time(local)}."
        _restart_reconciliation(actor, enrolment, protocol, visit_on=local.date(), reason=why, now=now)


def _soon_words(seen_at: datetime, enrolment: Enrolment) -> str:
    return words_of(visit_standing(seen_at, discharged_on=enrolment.anchor_on, zone=ZoneInfo(enrolment.time_zone)))


def words_of(standing: VisitStanding | None) -> str:
    """How soon the visit was, as its evidence says."""
    return {VisitStanding.IN_7: "Within 7 days.", VisitStanding.IN_14: "Within 14 days."}.get(
        standing or VisitStanding.LATE, "After 14 days."
    )


def _restart_visit(actor: Actor, enrolment: Enrolment, protocol: Protocol, *, step: str, now: datetime) -> None:
    plan = protocol.clock(VISIT_RULE)
    restart(actor, enrolment, protocol, plan, step=step, due=due_of(enrolment, plan), reason=step, now=now)


def _restart_reconciliation(
    actor: Actor, enrolment: Enrolment, protocol: Protocol, *, visit_on: date | None, reason: str, now: datetime
) -> None:
    plan = protocol.clock(RECONCILIATION_RULE)
    if RECONCILIATION in enrolment.loop.evidence_kinds:
        return
    due = reconcile_by(
        anchor_on=enrolment.anchor_on,
        visit_on=visit_on,
        otherwise=due_of(enrolment, plan),
        zone=ZoneInfo(enrolment.time_zone),
    )
    step = plan.step.format(name=enrolment.patient.display_name)
    event = f"visit:{visit_on}" if visit_on else ""
    restart(actor, enrolment, protocol, plan, step=step, due=due, reason=reason, event=event, now=now)
