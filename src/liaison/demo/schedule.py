"""A month of visits: two weeks that were, with who came and who did not, and two weeks to come."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.demo.staff import Staffed
from liaison.inbox.ports import Channel, unconnected
from liaison.patients.models import Patient
from liaison.scheduling.actions import arrive, book_appointment, cancel_appointment, record_missed, record_seen
from liaison.scheduling.models import Appointment, Resource, VisitType
from liaison.scheduling.ports import BookingOrder, CancelReason, Seat

DAYS_BACK: Final = 14
DAYS_AHEAD: Final = 14
_STARTS: Final = tuple(time(hour, minute) for hour in range(8, 16) for minute in (0, 30))


@dataclass(slots=True)
class Taken:
    """Which half hours are given away already, by resource and by patient."""

    times: set[tuple[int, datetime]] = field(default_factory=set)
    patients: set[tuple[int, date]] = field(default_factory=set)

    def free(self, pool: list[Resource], *, at: datetime) -> Resource | None:
        """The first of these resources that is free at `at`."""
        return next((one for one in pool if (one.pk, at) not in self.times), None)


def fill_month(
    staffed: Staffed,
    *,
    patients: dict[str, list[Patient]],
    visit_type: VisitType,
    dice: random.Random,
    now: datetime,
    share: float,
) -> list[Appointment]:
    """Book visits of one type at every site; `share` of the half hours of each clinician is filled."""
    taken, made = Taken(), []
    for code, site in staffed.sites.items():
        people = [one for one in staffed.resources[code] if one.practitioner_id]
        rooms = [one for one in staffed.resources[code] if "exam_room" in one.abilities]
        front = staffed.who(staffed.working_at(code, "front_desk")[0])
        for day in _workdays(now):
            for person in people:
                for at in _some_starts(day, site=site, dice=dice, share=share):
                    patient = dice.choice(patients[code])
                    room = taken.free(rooms, at=at)
                    if room is None or not _is_open(taken, person=person, patient=patient, at=at, day=day, now=now):
                        continue
                    taken.times |= {(person.pk, at), (room.pk, at)}
                    taken.patients.add((patient.pk, day))
                    order = BookingOrder(
                        key=f"demo-{person.pk}-{at.isoformat()}",
                        visit_type_id=visit_type.pk,
                        site_id=site.pk,
                        start_at=at,
                        seats=(Seat(role="clinician", resource_id=person.pk), Seat(role="room", resource_id=room.pk)),
                    )
                    made.append(_book_and_attend(front, patient=patient, order=order, dice=dice, now=now))
    return made


def _is_open(taken: Taken, *, person: Resource, patient: Patient, at: datetime, day: date, now: datetime) -> bool:
    if abs(at - now) < timedelta(hours=2):
        return False
    return (person.pk, at) not in taken.times and (patient.pk, day) not in taken.patients


def _workdays(now: datetime) -> Iterator[date]:
    for offset in range(-DAYS_BACK, DAYS_AHEAD + 1):
        day = (now + timedelta(days=offset)).date()
        if day.weekday() < 5:
            yield day


def _some_starts(day: date, *, site: Site, dice: random.Random, share: float) -> list[datetime]:
    chosen = [start for start in _STARTS if dice.random() < share]
    return [datetime.combine(day, start, tzinfo=site.zone).astimezone(UTC) for start in chosen]


def _book_and_attend(
    actor: Actor, *, patient: Patient, order: BookingOrder, dice: random.Random, now: datetime
) -> Appointment:
    booked_at = min(order.start_at - timedelta(days=dice.randrange(2, 12), hours=1), now)
    # Whoever had a visit in the past was told of it then; a message that waits now would only come too late.
    with unconnected(Channel.EMAIL) if order.start_at <= now else nullcontext():
        visit = book_appointment(actor=actor, patient=patient, order=order, now=booked_at)
    start, end = visit.start_at, visit.end_at
    luck = dice.random()
    if luck < 0.05 and start > now:
        return cancel_appointment(actor=actor, appointment=visit, reason=CancelReason.PATIENT, now=now)
    if end > now:
        return visit
    if luck < 0.08:
        return record_missed(actor=actor, appointment=visit, now=end)
    visit = arrive(actor=actor, appointment=visit, now=start - timedelta(minutes=dice.randrange(1, 15)))
    return record_seen(actor=actor, appointment=visit, now=end)
