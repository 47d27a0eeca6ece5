"""Where the follow-up of a hospital stay stands, in the states of DOMAIN 2.1."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

from liaison.core.written_time import day_and_time
from liaison.pathways.rules.protocol import Complexity

SERVICE_DAYS = 29
"""The service period is the day of discharge and the next 29 days."""

DAYS_HIGH, DAYS_MODERATE = 7, 14

NEEDED_ATTEMPTS = 2
"""So many separate attempts inside the two business days count as the contact (DOMAIN 2.1)."""


FACE_TO_FACE = frozenset({"in_person", "video"})


class Stage(StrEnum):
    """Where the whole follow-up stands."""

    CONTACT_DUE = "contact_due"
    CONTACTED = "contacted"
    ATTEMPTS_DOCUMENTED = "attempts_documented"
    CONTACT_MISSED = "contact_missed"
    VISIT_SCHEDULED = "visit_scheduled"
    VISIT_DONE = "visit_done"
    COMPLETE = "complete"
    NOT_MET = "not_met"
    VOIDED = "voided"


class NotTheVisit(StrEnum):
    """Why a visit can't be the face-to-face visit after the stay."""

    BY_PHONE = "by_phone"
    TOO_EARLY = "too_early"


class VisitStanding(StrEnum):
    """How soon after the discharge the visit took place."""

    IN_7 = "in_7"
    IN_14 = "in_14"
    LATE = "late"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """What is known of one follow-up. `attempts` are separate failed tries inside the contact window."""

    discharged_on: date
    contact_due_at: datetime
    contacted_at: datetime | None = None
    attempts: int = 0
    visit_booked_at: datetime | None = None
    visit_seen_at: datetime | None = None
    reconciled: bool = False
    closed: bool = False
    given_up: bool = False
    voided: bool = False


def stage_of(known: FollowUp, *, now: datetime) -> Stage:
    """The state, the furthest one reached."""
    if known.voided:
        return Stage.VOIDED
    if known.closed:
        return Stage.COMPLETE
    if known.given_up:
        return Stage.NOT_MET
    if known.visit_seen_at is not None:
        return Stage.VISIT_DONE
    if known.visit_booked_at is not None:
        return Stage.VISIT_SCHEDULED
    return _contact_stage(known, now=now)


def _contact_stage(known: FollowUp, *, now: datetime) -> Stage:
    if known.contacted_at is not None and known.contacted_at <= known.contact_due_at:
        return Stage.CONTACTED
    if known.attempts >= NEEDED_ATTEMPTS:
        return Stage.ATTEMPTS_DOCUMENTED
    return Stage.CONTACT_DUE if now <= known.contact_due_at and known.contacted_at is None else Stage.CONTACT_MISSED


def tried_words(known: FollowUp, *, next_at: datetime | None, now: datetime, zone: tzinfo) -> str:
    """What attempts that reached nobody count for so far and when the next is, in a sentence; "" where none is needed.

    `next_at` is when the next try is due, None where nobody set a time for it.
    """
    if known.contacted_at is not None or known.closed or known.given_up or known.voided:
        return ""
    by = _day(known.contact_due_at.astimezone(zone))
    made = f"{min(known.attempts, NEEDED_ATTEMPTS)} of {NEEDED_ATTEMPTS} attempts made"
    if known.attempts >= NEEDED_ATTEMPTS:
        said = f"{made} by {by}, which counts as contact; keep trying"
    elif now > known.contact_due_at:
        said = f"{made} by {by}, too few to count as contact; keep trying"
    else:
        said = f"{made}; another, an hour later or more, counts as contact until {by}"
    return f"{said}{_next_words(next_at, now=now, zone=zone)}."


def _next_words(next_at: datetime | None, *, now: datetime, zone: tzinfo) -> str:
    if next_at is None:
        return ""
    when = next_at.astimezone(zone)
    said = _day(when) if (when.hour, when.minute) == (23, 59) else day_and_time(when)
    return f". Next try {said}" if now <= next_at else f". The next try was due {said}"


def _day(local: datetime) -> str:
    return f"{local:%a}, {local:%b} {local.day}"


def visit_standing(seen_at: datetime, *, discharged_on: date, zone: tzinfo) -> VisitStanding | None:
    """How soon the visit was; None for one on the day of discharge, which does not count (DOMAIN 2.1)."""
    days = (seen_at.astimezone(zone).date() - discharged_on).days
    if days <= 0:
        return None
    if days <= DAYS_HIGH:
        return VisitStanding.IN_7
    return VisitStanding.IN_14 if days <= DAYS_MODERATE else VisitStanding.LATE


def is_face_to_face(modality: str) -> bool:
    """Whether patient and clinician see each other: in person or by video. A call is contact (DOMAIN 2.1)."""
    return modality in FACE_TO_FACE


def why_not_the_visit(*, modality: str, start_at: datetime, discharged_on: date, zone: tzinfo) -> NotTheVisit | None:
    """Why a visit of this modality ("in_person", "video", "phone") at that time can't be the visit after the stay; None
    when it can (DOMAIN 2.1: face to face, and not on the day of the discharge)."""
    if not is_face_to_face(modality):
        return NotTheVisit.BY_PHONE
    if visit_standing(start_at, discharged_on=discharged_on, zone=zone) is None:
        return NotTheVisit.TOO_EARLY
    return None


def why_no_such_visit(modality: str) -> str:
    """Said before a visit of this modality is booked for the follow-up: why it would not count; "" when it would."""
    if is_face_to_face(modality):
        return ""
    return (
        "A visit by phone does not count as the visit after the hospital stay: that one is in person or by video. "
        "It can be booked all the same; the visit stays to be booked."
    )


class NotThatDay(StrEnum):
    """Why the medicines can't have been reconciled after the stay on some day."""

    AHEAD = "ahead"
    TOO_EARLY = "too_early"


def why_not_reconciled_on(done_on: date, *, discharged_on: date, today: date) -> NotThatDay | None:
    """Why the medicines can't have been reconciled on that day; None when they can: from the day of the discharge, when
    what was prescribed is known, until today. All are days where the patient is at home."""
    if done_on > today:
        return NotThatDay.AHEAD
    return NotThatDay.TOO_EARLY if done_on < discharged_on else None


def by_the_visit(reconciled_at: datetime | None, *, seen_at: datetime | None, zone: tzinfo) -> bool:
    """Whether the medicines were reconciled on the day of the visit or before (DOMAIN 2.1)."""
    if reconciled_at is None or seen_at is None:
        return False
    return reconciled_at.astimezone(zone).date() <= seen_at.astimezone(zone).date()


def billable_code(
    *, complexity: Complexity, standing: VisitStanding | None, contact_kept: bool, reconciled: bool
) -> str:
    """The code that the record supports so far, for a person to review; empty for none (DOMAIN 2.1).

    `reconciled` means by the day of the visit.
    High complexity with a visit on days 8–14 supports 99495 only. `contact_kept` is contact in time, or two
    separate documented attempts.
    """
    if not contact_kept or not reconciled or standing is None or standing is VisitStanding.LATE:
        return ""
    return "99496" if complexity is Complexity.HIGH and standing is VisitStanding.IN_7 else "99495"


def period_ends_on(discharged_on: date) -> date:
    """The last day of the service period."""
    return discharged_on + timedelta(days=SERVICE_DAYS)
