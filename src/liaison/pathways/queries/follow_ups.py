"""Where a patient's follow-ups stand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.calendars import end_of_day
from liaison.core.refusals import NotFound
from liaison.inbox.events import contact_so_far
from liaison.inbox.models import Call
from liaison.loops.models import Clock, Evidence
from liaison.loops.models import State as LoopState
from liaison.pathways.kinds import CONTACT, RECONCILIATION, VISIT
from liaison.pathways.models import Enrolment
from liaison.pathways.queries.proofs import (
    RecordedProof,
    StruckProof,
    reads_clinical,
    recorded_proofs,
    struck_proofs,
)
from liaison.pathways.rules.protocol import Complexity, due_at, read_protocol
from liaison.pathways.rules.transition import (
    NEEDED_ATTEMPTS,
    FollowUp,
    Stage,
    VisitStanding,
    billable_code,
    by_the_visit,
    period_ends_on,
    stage_of,
    tried_words,
    visit_standing,
    why_not_the_visit,
)
from liaison.patients.models import Patient
from liaison.scheduling.models import Appointment
from liaison.scheduling.ports import State
from liaison.scheduling.queries import ComingVisit, may_serve, why_unread

EXPECTED: Final = (State.PENDING, State.BOOKED, State.ARRIVED, State.CHECKED_IN)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpView:
    """One follow-up of a hospital stay. `code` is the CPT code that the record supports so far, "" for none.

    `visit_booked_at` is of the visit that is expected, the next one that comes first; `visit_missed_at` of the last
    one to which they did not come. `contact_passed` and `visit_passed`: the time is over and it was not done (nor,
    for a visit, is one booked). `tried` says in a sentence what the attempts so far count for and what comes next,
    "" before the first and once somebody was reached. `recorded` is what a person typed in and may strike out as a
    mistake; `struck` what was, the latest first. `stay_is_theirs`: the stay was not corrected to be another patient's.
    """

    enrolment: Enrolment
    stage: Stage
    discharged_on: date
    contact_due_at: datetime
    contact_passed: bool
    contacted_at: datetime | None
    attempts: int
    tried: str
    visit_due_at: datetime
    visit_passed: bool
    visit_booked_at: datetime | None
    visit_missed_at: datetime | None
    visit_seen_at: datetime | None
    visit_standing: VisitStanding | None
    reconciled: bool
    reconciled_at: datetime | None
    reconciled_late: bool
    recorded: tuple[RecordedProof, ...]
    struck: tuple[StruckProof, ...]
    period_ends_on: date
    code: str
    stay_is_theirs: bool


def follow_up_of_loops(actor: Actor, *, loop_ids: Collection[int], now: datetime) -> dict[int, int]:
    """The id of the follow-up behind each of these loops that has one, of patients whom the actor sees."""
    if not loop_ids:
        return {}
    rows = Enrolment.objects.filter(loop_id__in=loop_ids, patient__in=Patient.objects.visible_to(actor, now=now))
    return dict(rows.values_list("loop_id", "pk"))


def get_follow_up(actor: Actor, *, enrolment_id: int, now: datetime) -> FollowUpView:
    """One follow-up. Refuses: NotFound."""
    rows = Enrolment.objects.select_related("loop", "protocol", "patient", "anchor__patient")
    row = rows.filter(pk=enrolment_id, patient__in=Patient.objects.visible_to(actor, now=now)).first()
    if row is None:
        raise NotFound
    seen(row.patient_id)
    return _view(actor, row, now=now)


def why_visit_unread(view: FollowUpView, *, now: datetime) -> str:
    """A sentence that says in which language the patient will be told of the visit that is still to be booked, when
    they read another; "" when they can read it, or nothing is to be booked. The view was fetched for somebody."""
    to_book = view.enrolment.loop.state == LoopState.OPEN and not (view.visit_booked_at or view.visit_seen_at)
    return why_unread(view.enrolment.patient, now=now) if to_book else ""


def may_be_the_visit(actor: Actor, *, view: FollowUpView, now: datetime) -> Sequence[ComingVisit]:
    """The patient's visits inside the period, in person or by video, that name no promise, while the follow-up runs
    and its visit is missing; one that is booked ahead only while no other is."""
    row = view.enrolment
    if row.voided_at is not None or row.loop.state != LoopState.OPEN or view.visit_seen_at is not None:
        return ()
    visits = may_serve(
        actor,
        patient=row.patient,
        after_on=row.anchor_on,
        until=end_of_day(view.period_ends_on, zone=ZoneInfo(row.time_zone)),
        booked_too=view.visit_booked_at is None,
        now=now,
    )
    return [one for one in visits if _can_be(one, row)]


def _view(actor: Actor, row: Enrolment, *, now: datetime) -> FollowUpView:
    zone, complexity = ZoneInfo(row.time_zone), Complexity(row.complexity)
    reads = reads_clinical(actor, row, now=now)
    protocol = read_protocol(row.protocol.definition)
    contact_due, visit_due = (
        due_at(protocol.clock(rule), anchor_on=row.anchor_on, complexity=complexity, zone=zone)
        for rule in ("tcm.contact", "tcm.visit")
    )
    logged = Call.objects.counted().filter(patient=row.patient, started_at__gte=row.anchor_at)
    calls = [call.as_attempt for call in logged]
    inside = contact_so_far(calls, starts_at=row.anchor_at, ends_at=contact_due + timedelta(seconds=1), now=now)
    ever = contact_so_far(calls, starts_at=row.anchor_at, ends_at=now + timedelta(seconds=1), now=now)
    booked_at, missed_at = visit_expected_at(row, now=now), _missed_at(row)
    seen_at = visit_seen_at(row)
    standing = visit_standing(seen_at, discharged_on=row.anchor_on, zone=zone) if seen_at else None
    reconciled_at = _reconciled_at(row)
    reconciled = reconciled_at is not None
    in_visit_time = by_the_visit(reconciled_at, seen_at=seen_at, zone=zone)
    known = FollowUp(
        discharged_on=row.anchor_on,
        contact_due_at=contact_due,
        contacted_at=ever.contacted_at or _at_of(row, CONTACT),
        attempts=inside.attempts,
        visit_booked_at=booked_at,
        visit_seen_at=seen_at,
        reconciled=reconciled,
        closed=row.loop.state == LoopState.CLOSED,
        given_up=row.loop.state == LoopState.GIVEN_UP,
        voided=row.voided_at is not None,
    )
    in_time = inside.contacted_at is not None or inside.attempts >= NEEDED_ATTEMPTS
    return FollowUpView(
        enrolment=row,
        stage=stage_of(known, now=now),
        discharged_on=row.anchor_on,
        contact_due_at=contact_due,
        contact_passed=known.contacted_at is None and inside.attempts < NEEDED_ATTEMPTS and now > contact_due,
        contacted_at=known.contacted_at,
        attempts=inside.attempts,
        tried=tried_words(known, next_at=_next_try_at(row), now=now, zone=zone) if ever.attempts else "",
        visit_due_at=visit_due,
        visit_passed=seen_at is None and booked_at is None and now > visit_due,
        visit_booked_at=booked_at,
        visit_missed_at=missed_at,
        visit_seen_at=seen_at,
        visit_standing=standing,
        reconciled=reconciled,
        reconciled_at=reconciled_at,
        reconciled_late=reconciled and seen_at is not None and not in_visit_time,
        recorded=recorded_proofs(row, reads=reads),
        struck=struck_proofs(row, reads=reads),
        period_ends_on=period_ends_on(row.anchor_on),
        code=billable_code(complexity=complexity, standing=standing, contact_kept=in_time, reconciled=in_visit_time),
        stay_is_theirs=row.anchor.patient is None or row.anchor.patient.survivor == row.patient.survivor,
    )


def _next_try_at(row: Enrolment) -> datetime | None:
    """When the next try is due: as somebody set it after a call, or as keeping trying wants it."""
    running = Clock.objects.filter(loop_id=row.loop_id, satisfied_at=None, voided_at=None)
    at: datetime | None = (
        running.filter(anchor_event__startswith="call:").order_by("due_at").values_list("due_at", flat=True).first()
    )
    return at


def visit_expected_at(row: Enrolment, *, now: datetime) -> datetime | None:
    """When the visit is that is expected: the next that comes, else the last whose end nobody wrote down."""
    found = [one for one in _visits(row) if one.state in EXPECTED]
    coming = next((one for one in found if one.end_at > now), found[-1] if found else None)
    return coming.start_at if coming else None


def _missed_at(row: Enrolment) -> datetime | None:
    """The start of the last visit to which they did not come."""
    found = [one.start_at for one in _visits(row) if one.state == State.NO_SHOW]
    return found[-1] if found else None


def _visits(row: Enrolment) -> list[Appointment]:
    """The appointments of the follow-up that can be its visit, in order of time."""
    booked = Appointment.objects.filter(loop_id=row.loop_id).order_by("start_at", "pk")
    return [one for one in booked if _can_be(one, row)]


def _can_be(visit: Appointment | ComingVisit, row: Enrolment) -> bool:
    why_not = why_not_the_visit(
        modality=visit.modality,
        start_at=visit.start_at,
        discharged_on=row.anchor_on,
        zone=ZoneInfo(row.time_zone),
    )
    return why_not is None


def visit_seen_at(row: Enrolment) -> datetime | None:
    """When the visit took place: as was said with its proof, the appointment's start, or else when it was recorded."""
    found = Evidence.objects.filter(loop_id=row.loop_id, kind=VISIT, withdrawn_at=None).order_by("pk").first()
    if found is None or found.happened_at is not None:
        return found.happened_at if found is not None else None
    if found.about_type == "scheduling.appointment":
        start: datetime | None = (
            Appointment.objects.filter(pk=found.about_id or 0).values_list("start_at", flat=True).first()
        )
        return start or found.at
    return found.at


def _reconciled_at(row: Enrolment) -> datetime | None:
    """When the medicines were gone through first: as was said, else when it was recorded."""
    found = Evidence.objects.filter(loop_id=row.loop_id, kind=RECONCILIATION, withdrawn_at=None).order_by("pk").first()
    return (found.happened_at or found.at) if found is not None else None


def _at_of(row: Enrolment, kind: str) -> datetime | None:
    """When someone recorded this evidence by hand (evidence from a call is told by the call)."""
    found = Evidence.objects.filter(loop_id=row.loop_id, kind=kind, withdrawn_at=None, about_type="")
    at: datetime | None = found.order_by("pk").values_list("at", flat=True).first()
    return at
