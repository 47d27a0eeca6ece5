"""The day on which the demonstration is opened: some patients have left, some are being seen, some wait, some are late.

Around the hour at which it is opened, whatever the hours of the clinic are, so that the board of the flow has life.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.core.calendars import FEDERAL
from liaison.demo.office import Office
from liaison.demo.staff import Staffed
from liaison.inbox.ports import Channel, unconnected
from liaison.loops.models import Loop
from liaison.patients.models import Patient
from liaison.scheduling.actions import (
    arrive,
    book_appointment,
    check_in,
    leave,
    meet_clinician,
    record_missed,
    take_to_room,
)
from liaison.scheduling.models import Appointment, Reservation, Resource, VisitType
from liaison.scheduling.ports import BookingOrder, Override, Seat

_QUARTER: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """One visit: which clinician of the site, the start in minutes from now, and the stamps in minutes from now."""

    with_nth: int
    start: int
    arrived: int | None = None
    checked_in: int | None = None
    roomed: int | None = None
    seen: int | None = None
    left: int | None = None
    missed: int | None = None


_PLAN: Final = (
    _Planned(with_nth=0, start=-75, arrived=-80, checked_in=-78, roomed=-74, seen=-66, left=-41),
    _Planned(with_nth=0, start=-45, arrived=-47, checked_in=-40, roomed=-36, seen=-12),
    _Planned(with_nth=0, start=-15, arrived=-18, checked_in=-15, roomed=-9),
    _Planned(with_nth=0, start=15),
    _Planned(with_nth=0, start=45),
    _Planned(with_nth=1, start=-60, missed=-10),
    _Planned(with_nth=1, start=-30, arrived=-4),
    _Planned(with_nth=1, start=0, arrived=-11, checked_in=-6),
    _Planned(with_nth=1, start=30),
    _Planned(with_nth=2, start=-15),
    _Planned(with_nth=2, start=15, arrived=-2),
)


def fill_today(
    staffed: Staffed, *, patients: dict[str, list[Patient]], visit_type: VisitType, now: datetime
) -> list[Appointment]:
    """Book and stamp the visits of the plan at every site, for patients who have no visit today."""
    base = now - (now - datetime.min.replace(tzinfo=now.tzinfo)) % _QUARTER
    made = []
    for code, site in staffed.sites.items():
        desk = _Desk(staffed, code=code, site=site, visit_type=visit_type, base=base, now=now)
        busy = set(_busy_today(now=now))
        half = patients[code][len(patients[code]) // 2 :]  # the first ones have stories of their own
        free = iter([patient for patient in half if patient.pk not in busy])
        for planned in _PLAN:
            patient = next(free, None)
            if patient is not None:
                made += desk.book(planned, patient)
    return made


def miss_after_stays(staffed: Staffed, *, visit_type: VisitType, office: Office) -> None:
    """Three of those who came home from hospital, the longest ago, did not come to their visit on the last working
    day: their clinician decides. What happens to the newest is for those who try the demonstration. Who came home only
    then has not missed one; who did on the day before was booked once home.
    """
    site = staffed.sites["RIV"]
    marta = staffed.who("Marta Kowalska")
    person = next(one for one in staffed.resources["RIV"] if one.practitioner_id)
    room = next(one for one in staffed.resources["RIV"] if "exam_room" in one.abilities)
    home = Loop.objects.open().filter(kind="post-discharge", site=site).exclude(evidence_kinds__contains=["visit"])
    missed_on = office.ago(timedelta(days=1)).astimezone(site.zone).date()
    home = home.filter(enrolment__anchor_on__lt=missed_on)
    home = home.select_related("patient", "enrolment").order_by("opened_at")
    for loop, hour in zip(home[:3], (15, 14, 13), strict=False):
        start = datetime.combine(missed_on, time(hour), tzinfo=site.zone)
        order = BookingOrder(
            key=f"demo-missed-{loop.pk}",
            visit_type_id=visit_type.pk,
            site_id=site.pk,
            start_at=start,
            seats=(Seat(role="clinician", resource_id=person.pk), Seat(role="room", resource_id=room.pk)),
            loop_id=loop.pk,
        )
        override = Override(reason="Only this time suited")
        booked_at = max(start - timedelta(days=1), loop.enrolment.anchor_at + timedelta(hours=1))
        with unconnected(Channel.EMAIL):  # they were told long ago
            visit = book_appointment(actor=marta, patient=loop.patient, order=order, override=override, now=booked_at)
        record_missed(actor=marta, appointment=visit, now=visit.end_at)


def _busy_today(*, now: datetime) -> list[int]:
    near = Appointment.objects.filter(start_at__gt=now - timedelta(days=1), start_at__lt=now + timedelta(days=1))
    return list(near.values_list("patient_id", flat=True))


class _Desk:
    """The front desk of one site, its supervisor, and the time that they give."""

    def __init__(
        self, staffed: Staffed, *, code: str, site: Site, visit_type: VisitType, base: datetime, now: datetime
    ) -> None:
        self.front: Actor = staffed.who(staffed.working_at(code, "front_desk")[0])
        self.care: Actor = staffed.who(staffed.working_at(code, "supervisor")[0])
        self.people = [one for one in staffed.resources[code] if one.practitioner_id]
        self.rooms = [one for one in staffed.resources[code] if "exam_room" in one.abilities]
        self.site, self.visit_type, self.base, self.now = site, visit_type, base, now

    def book(self, planned: _Planned, patient: Patient) -> list[Appointment]:
        """The visit with its stamps, or nothing where somebody else has the time."""
        if planned.with_nth >= min(len(self.people), len(self.rooms)):
            return []
        person, room = self.people[planned.with_nth], self.rooms[planned.with_nth]
        start = self.base + timedelta(minutes=planned.start)
        order = BookingOrder(
            key=f"demo-today-{person.pk}-{start.isoformat()}",
            visit_type_id=self.visit_type.pk,
            site_id=self.site.pk,
            start_at=start,
            seats=(Seat(role="clinician", resource_id=person.pk), Seat(role="room", resource_id=room.pk)),
        )
        if self._is_taken(start, seats=order.seats):
            return []
        with unconnected(Channel.EMAIL):  # they were told long ago
            visit = self._book(order, patient)
        return [self._stamp(planned, visit, room)]

    def _is_taken(self, start: datetime, *, seats: tuple[Seat, ...]) -> bool:
        """Whether somebody has the time already; asked first, for a refusal would stand in the trail."""
        claim, ids = self.visit_type.claim(start), [seat.resource_id for seat in seats]
        taken = Reservation.objects.filter(resource_id__in=ids, active=True)
        return taken.filter(during__overlap=(claim.start, claim.end)).exists()

    def _book(self, order: BookingOrder, patient: Patient) -> Appointment:
        booked_at = order.start_at - timedelta(days=3)
        if self._works_at(order.start_at):
            return book_appointment(actor=self.front, patient=patient, order=order, now=booked_at)
        override = Override(reason="The clinic is open longer today")
        return book_appointment(actor=self.care, patient=patient, order=order, override=override, now=booked_at)

    def _works_at(self, start: datetime) -> bool:
        claim = self.visit_type.claim(start)
        begins, ends = claim.start.astimezone(self.site.zone), claim.end.astimezone(self.site.zone)
        inside = time(8) <= begins.time() and begins.date() == ends.date() and ends.time() <= time(17)
        return inside and FEDERAL.is_business_day(begins.date())

    def _stamp(self, planned: _Planned, visit: Appointment, room: Resource) -> Appointment:
        def to_room(**given: object) -> Appointment:
            return take_to_room(room=room, **given)  # type: ignore[arg-type]  # the names are those of the other steps

        steps: tuple[tuple[int | None, Callable[..., Appointment]], ...] = (
            (planned.arrived, arrive),
            (planned.checked_in, check_in),
            (planned.roomed, to_room),
            (planned.seen, meet_clinician),
            (planned.left, leave),
            (planned.missed, record_missed),
        )
        for minutes, step in steps:
            at = self.now + timedelta(minutes=minutes or 0)
            if minutes is not None and at.astimezone(self.site.zone).date() == visit.visit_on:
                visit = step(actor=self.care, appointment=visit, now=at)
        return visit
