"""What stands against a booking. Called with the resources locked, so that the answer still holds at the end;
only a preview asks without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from liaison.accounts.models import Site
from liaison.core.written_time import day_and_time
from liaison.patients.models import Patient
from liaison.scheduling.actions.refusals import (
    DuplicateVisit,
    JourneyGap,
    NotFree,
    NoTimeToTravel,
    OutsideHours,
    PatientBusy,
    SecondVisit,
    TooFar,
    TooLate,
    Warned,
    WrongSeats,
)
from liaison.scheduling.models import Appointment, AppointmentQuerySet, JourneyStep, Modality, Resource, VisitType
from liaison.scheduling.ports import Seat
from liaison.scheduling.queries.asked import booked_for_the_same
from liaison.scheduling.queries.free import closed_time, reserved_time, working_time
from liaison.scheduling.rules import (
    TRAVEL,
    Lead,
    Span,
    day_span,
    is_too_near,
    lead_of,
    minutes_between,
    sits_inside,
    with_the_way,
)
from liaison.scheduling.rules.journeys import PlacedVisit, distance_in_words, gap_fault, gap_in_words

_DAY = timedelta(days=1)


class Against(StrEnum):
    """What a person may override; kept on the booking."""

    NOT_FREE = "not_free"
    OUTSIDE_HOURS = "outside_hours"
    LEAD_TIME = "lead_time"
    PATIENT_BUSY = "patient_busy"
    DUPLICATE = "duplicate"
    SECOND_VISIT = "second_visit"
    NO_TIME_TO_TRAVEL = "no_time_to_travel"
    JOURNEY_GAP = "journey_gap"


NEEDS_PERMISSION = frozenset({Against.NOT_FREE, Against.OUTSIDE_HOURS, Against.LEAD_TIME})
"""The others are warnings: whoever books may override them with a reason (DOMAIN 1.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """A booking about to be made: what for whom, where, when and how long, and with the time of what.

    `leaving_id` is the appointment that it takes the place of: its time counts as free. `loop_id` and `referral_id` are
    what no other visit ahead should serve; None where others are meant too.
    """

    patient: Patient
    visit_type: VisitType
    site: Site
    start_at: datetime
    seats: tuple[Seat, ...]
    resources: Mapping[int, Resource]
    lasting: timedelta
    leaving_id: int | None = None
    loop_id: int | None = None
    referral_id: int | None = None

    @property
    def claim(self) -> Span:
        """The time of each resource, buffers included."""
        return self.visit_type.claim(self.start_at, lasting=self.lasting)

    @property
    def visit(self) -> Span:
        """The time of the patient."""
        return Span(self.start_at, self.start_at + self.lasting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One thing that stands against the booking, and the refusal that says so."""

    against: Against
    refusal: Warned
    resource_id: int | None = None
    visit_ids: tuple[int, ...] = ()

    def met(self, placing: Placing) -> str:
        """What was met, where and with what, in one word: another time or another visit is not the same."""
        about = "-".join(str(pk) for pk in (self.resource_id, *self.visit_ids) if pk is not None)
        return f"{self.against.value}:{placing.visit.start:%Y%m%dT%H%M}:{about}"


def check_seats(placing: Placing) -> None:
    """Refuse unless the seats are exactly what the visit type needs, with resources in service. WrongSeats."""
    wanted = sorted((need.role, need.ability) for need in placing.visit_type.needs.all() for _ in range(need.quantity))
    abilities = dict(wanted)
    if sorted(seat.role for seat in placing.seats) != [role for role, _ in wanted]:
        raise WrongSeats
    if len(placing.resources) != len(placing.seats):
        raise WrongSeats
    for seat in placing.seats:
        resource = placing.resources[seat.resource_id]
        if abilities[seat.role] not in resource.abilities or resource.retired_at is not None:
            raise WrongSeats(f"{resource} can't be the {seat.role} of this visit. Search again.")


def breaches(placing: Placing, *, now: datetime) -> Iterator[Breach]:
    """Everything that stands against it, what is worst first."""
    yield from _taken(placing)
    yield from outside_hours(placing)
    yield from _lead(placing, now=now)
    yield from _of_the_patient(placing)
    yield from _second_visit(placing, now=now)
    yield from _journey(placing)


def _taken(placing: Placing) -> Iterator[Breach]:
    claim = placing.claim
    leaving = [] if placing.leaving_id is None else [placing.leaving_id]
    taken = reserved_time(tuple(placing.resources), within=claim, leaving=leaving)
    for resource_id in sorted({resource_id for resource_id, _ in taken}):
        name = placing.resources[resource_id].name
        sentence = f"{name} was just given to someone else at that time. Choose another; nothing typed is lost."
        yield Breach(against=Against.NOT_FREE, refusal=NotFree(sentence), resource_id=resource_id)


def outside_hours(placing: Placing) -> Iterator[Breach]:
    """Those who do not work there then, or whose time is closed."""
    claim = placing.claim
    around = Span(claim.start - _DAY, claim.end + _DAY)
    working = working_time(tuple(placing.resources), site=placing.site, within=around)
    closures = closed_time(tuple(placing.resources), site_id=placing.site.pk, within=claim)
    for resource_id, resource in sorted(placing.resources.items()):
        if not sits_inside(claim, working=working.get(resource_id, ()), closed=closures[resource_id]):
            sentence = f"{resource} does not work at {placing.site} then. Choose another time or another person."
            yield Breach(against=Against.OUTSIDE_HOURS, refusal=OutsideHours(sentence), resource_id=resource_id)


def _lead(placing: Placing, *, now: datetime) -> Iterator[Breach]:
    kind = placing.visit_type
    lead = lead_of(start=placing.start_at, now=now, least=kind.least_lead, most=kind.most_lead)
    if lead in {Lead.PAST, Lead.TOO_SOON}:
        yield Breach(against=Against.LEAD_TIME, refusal=TooLate())
    elif lead is Lead.TOO_FAR:
        yield Breach(against=Against.LEAD_TIME, refusal=TooFar())


def _of_the_patient(placing: Placing) -> Iterator[Breach]:
    theirs = Appointment.objects.filter(patient=placing.patient).holding_time().exclude(pk__in=[placing.leaving_id])
    # Another time that is held for the same visit is an alternative to this one: it ends when one of them is taken.
    theirs = theirs.exclude(hold__end="", visit_type__code=placing.visit_type.code)
    busy = _ids(theirs.overlapping(placing.visit))
    if busy:
        elsewhere = PatientBusy(fields={"override_reason": "Say why."})
        yield Breach(against=Against.PATIENT_BUSY, refusal=elsewhere, visit_ids=busy)
    yield from _travel(placing, theirs)
    on = placing.start_at.astimezone(placing.site.zone).date()
    same_kind = theirs.overlapping(day_span(on=on, zone=placing.site.zone)).filter(
        visit_type__code=placing.visit_type.code,
        reservations__resource__in=placing.resources,
        reservations__resource__practitioner__isnull=False,
    )
    same = _ids(same_kind.distinct())
    if same:
        twice = DuplicateVisit(fields={"override_reason": "Say why."})
        yield Breach(against=Against.DUPLICATE, refusal=twice, visit_ids=same)


def _ids(visits: AppointmentQuerySet) -> tuple[int, ...]:
    return tuple(visits.order_by("pk").values_list("pk", flat=True))


def _travel(placing: Placing, theirs: AppointmentQuerySet) -> Iterator[Breach]:
    """Visits at other sites that the patient comes to so shortly before or after that they can hardly get there."""
    if placing.visit_type.modality != Modality.IN_PERSON:
        return
    elsewhere = theirs.exclude(site=placing.site).filter(modality=Modality.IN_PERSON).select_related("site")
    for other in elsewhere.overlapping(with_the_way(placing.visit)).order_by("start_at", "pk"):
        span = Span(other.start_at, other.end_at)
        if is_too_near(placing.visit, span):
            yield Breach(
                against=Against.NO_TIME_TO_TRAVEL,
                refusal=NoTimeToTravel(_in_a_hurry(placing, other, minutes=minutes_between(placing.visit, span))),
                visit_ids=(other.pk,),
            )


def _in_a_hurry(placing: Placing, other: Appointment, *, minutes: int) -> str:
    is_before = other.end_at <= placing.visit.start
    when = f"until {other.local_end:%H:%M}" if is_before else f"from {other.local_start:%H:%M} on"
    return (
        f"{placing.patient.goes_by} is at {other.site.name} {when}. That leaves {minutes} minutes to travel, and from "
        f"one site to another {TRAVEL // timedelta(minutes=1)} are reckoned with. Choose another time, or say why both "
        "should stand."
    )


def _second_visit(placing: Placing, *, now: datetime) -> Iterator[Breach]:
    """Visits ahead for the same promise. A move books none besides."""
    if placing.leaving_id is not None:
        return
    same = booked_for_the_same(
        patient_id=placing.patient.pk, loop_id=placing.loop_id, referral_id=placing.referral_id, now=now
    )
    if same:
        first = same[0]
        said = ", ".join((day_and_time(first.local_start), *first.people))
        sentence = (
            f"{placing.patient.goes_by} already has a visit for this: {said}. Book a second one? Say why, or leave "
            "it at that one."
        )
        yield Breach(
            against=Against.SECOND_VISIT, refusal=SecondVisit(sentence), visit_ids=tuple(one.pk for one in same)
        )


def _journey(placing: Placing) -> Iterator[Breach]:
    """The visits before and after in its journey to which a visit that moves would not lie any more as was asked."""
    mine = JourneyStep.objects.filter(appointment=placing.leaving_id or 0).first()
    if mine is None:
        return
    near = JourneyStep.objects.filter(journey=mine.journey_id, position__in=[mine.position - 1, mine.position + 1])
    moved = PlacedVisit(span=placing.visit, zone=placing.site.zone)
    stand = near.filter(appointment__cancelled_at=None, appointment__missed_at=None)
    for step in stand.select_related("appointment__visit_type").order_by("position"):
        other = step.appointment
        there = PlacedVisit(span=Span(other.start_at, other.end_at), zone=other.zone)
        this, that = (placing.visit_type.name, moved), (other.visit_type.name, there)
        (first, earlier), (then, later) = (that, this) if step.position < mine.position else (this, that)
        gap = mine.gap if step.position < mine.position else step.gap
        if gap_fault(gap, earlier=earlier, later=later) is not None:
            sentence = (
                f"{then} would be {distance_in_words(earlier, later)} {first}; it should be {gap_in_words(gap)} it. "
                "Choose another time, or say why it may be so."
            )
            yield Breach(against=Against.JOURNEY_GAP, refusal=JourneyGap(sentence), visit_ids=(other.pk,))
