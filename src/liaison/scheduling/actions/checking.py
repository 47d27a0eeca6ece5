"""What stands against a booking. Called with the resources locked, so that the answer still holds at the end;
only a preview asks without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from liaison.accounts.models import Site
from liaison.core.refusals import Refusal
from liaison.patients.models import Patient
from liaison.scheduling.actions.refusals import (
    DuplicateVisit,
    NotFree,
    OutsideHours,
    PatientBusy,
    TooFar,
    TooLate,
    WrongSeats,
)
from liaison.scheduling.models import Appointment, Resource, VisitType
from liaison.scheduling.ports import Seat
from liaison.scheduling.queries.free import closed_time, reserved_time, working_time
from liaison.scheduling.rules import Lead, Span, day_span, lead_of, sits_inside

_DAY = timedelta(days=1)


class Against(StrEnum):
    """What a person may override; kept on the booking."""

    NOT_FREE = "not_free"
    OUTSIDE_HOURS = "outside_hours"
    LEAD_TIME = "lead_time"
    PATIENT_BUSY = "patient_busy"
    DUPLICATE = "duplicate"


NEEDS_PERMISSION = frozenset({Against.NOT_FREE, Against.OUTSIDE_HOURS, Against.LEAD_TIME})
"""The others are warnings: whoever books may override them with a reason (DOMAIN 1.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """A booking about to be made: what for whom, where, when and how long, and with the time of what.

    `leaving_id` is the appointment that it takes the place of: its time counts as free.
    """

    patient: Patient
    visit_type: VisitType
    site: Site
    start_at: datetime
    seats: tuple[Seat, ...]
    resources: Mapping[int, Resource]
    lasting: timedelta
    leaving_id: int | None = None

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
    refusal: Refusal
    resource_id: int | None = None


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
    yield from _outside_hours(placing)
    yield from _lead(placing, now=now)
    yield from _of_the_patient(placing)


def _taken(placing: Placing) -> Iterator[Breach]:
    claim = placing.claim
    taken = reserved_time(tuple(placing.resources), within=claim, but_appointment_id=placing.leaving_id)
    for resource_id in sorted({resource_id for resource_id, _ in taken}):
        name = placing.resources[resource_id].name
        sentence = f"{name} was just given to someone else at that time. Choose another; nothing typed is lost."
        yield Breach(against=Against.NOT_FREE, refusal=NotFree(sentence), resource_id=resource_id)


def _outside_hours(placing: Placing) -> Iterator[Breach]:
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
    if theirs.overlapping(placing.visit).exists():
        yield Breach(against=Against.PATIENT_BUSY, refusal=PatientBusy(fields={"override_reason": "Say why."}))
    on = placing.start_at.astimezone(placing.site.zone).date()
    same_kind = theirs.overlapping(day_span(on=on, zone=placing.site.zone)).filter(
        visit_type__code=placing.visit_type.code,
        reservations__resource__in=placing.resources,
        reservations__resource__practitioner__isnull=False,
    )
    if same_kind.exists():
        yield Breach(against=Against.DUPLICATE, refusal=DuplicateVisit(fields={"override_reason": "Say why."}))
