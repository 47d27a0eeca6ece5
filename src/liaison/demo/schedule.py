"""A month of visits: two weeks that were, with who came and who did not, two busy weeks to come and thinner ones after.

The visits that somebody may look into are booked as people book them: those that patients are told and reminded of, and
those that were missed lately. The rest stands in the books at once, as if it had come from an earlier calendar.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from liaison.core.actor import Actor, system_actor
from liaison.core.calendars import FEDERAL
from liaison.demo.books import Planned, put_into_the_books
from liaison.demo.office import Office
from liaison.demo.staff import Staffed
from liaison.inbox.ports import Channel, unconnected
from liaison.patients.actions import add_site
from liaison.patients.models import Patient
from liaison.scheduling import actions as scheduling
from liaison.scheduling.models import Appointment, Resource
from liaison.scheduling.ports import BookingOrder, CancelReason, Seat, Span

DAYS_BACK: Final = 14
DAYS_AHEAD: Final = 28
_BUSY_TIME: Final = timedelta(days=14)
_BUSY: Final = (8, 12)
_THIN: Final = (1, 4)
_STARTS: Final = tuple(time(hour, minute) for hour in range(8, 17) for minute in (0, 30))[:-1]
_NEAR_BOOKED, _FAR_BOOKED = 90, 30
_NEAR: Final = timedelta(days=5)
_HOLIDAYS_AHEAD: Final = 60


@dataclass(slots=True)
class _Deck:
    """The patients of a site in a drawn order, each again only after all the others."""

    patients: list[Patient]
    place: int = 0

    def draw(self, seen: set[tuple[int, date]], *, day: date) -> Patient | None:
        """The next one who has no visit on this day."""
        for _ in range(min(len(self.patients), 12)):
            patient = self.patients[self.place % len(self.patients)]
            self.place += 1
            if (patient.pk, day) not in seen:
                seen.add((patient.pk, day))
                return patient
        return None


@dataclass(slots=True, kw_only=True)
class _Draw:
    """What the visits are drawn with, which half hours of rooms are given away, and who has a visit on which day."""

    dice: random.Random
    office: Office
    share: float
    rooms: set[tuple[int, datetime]] = field(default_factory=set)
    patients: set[tuple[int, date]] = field(default_factory=set)


def fill_month(
    staffed: Staffed, *, patients: dict[str, list[Patient]], dice: random.Random, office: Office, share: float
) -> None:
    """Fill the calendar of every site; `share` is how busy it is, 1 for a clinic of full size."""
    _close_on_holidays(staffed, office=office)
    decks = _decks(staffed, patients, dice=dice, office=office)
    draw = _Draw(dice=dice, office=office, share=share)
    planned = [
        one
        for code in staffed.sites
        for day in office.business_days(back=DAYS_BACK, ahead=DAYS_AHEAD)
        for one in _plan_day(draw, staffed, code=code, day=day, deck=decks[code])
    ]
    _come_or_not(planned, now=office.now)
    by_hand = _by_hand(planned, dice=dice, now=office.now)
    put_into_the_books([one for one in planned if id(one) not in by_hand], staffed=staffed, now=office.now)
    told = [
        _book(one, staffed=staffed, cancels=place % 20 == 7, office=office)
        for place, one in enumerate(one for one in planned if id(one) in by_hand)
    ]
    scheduling.keep_free_time(system_actor("demonstration"), now=office.now)
    _remind([visit for visit in told if visit.state == "booked"], office=office)


def _close_on_holidays(staffed: Staffed, *, office: Office) -> None:
    today = office.now.astimezone(office.zone).date()
    for day in (today + timedelta(days=ahead) for ahead in range(_HOLIDAYS_AHEAD)):
        name = FEDERAL.holiday_name(day) if day.weekday() < 5 else ""
        for site in staffed.sites.values() if name else ():
            begins = datetime.combine(day, time(0), tzinfo=site.zone)
            during = Span(begins.astimezone(UTC), (begins + timedelta(days=1)).astimezone(UTC))
            scheduling.close_time(
                actor=system_actor("demonstration"), of=site, during=during, reason=name, now=office.at_work
            )


def _decks(
    staffed: Staffed, patients: dict[str, list[Patient]], *, dice: random.Random, office: Office
) -> dict[str, _Deck]:
    """Whom each site sees; the specialists see many from the other sites, who are patients there too then.

    Walter, the first of all, has only the visits that somebody books for him.
    """
    walter = ("Ng", "Walter")
    ours = {code: [one for one in found if (one.family, one.given) != walter] for code, found in patients.items()}
    referred = [one for code in ("RIV", "NOR") for one in ours[code]][::3]
    for patient in referred:
        add_site(
            actor=staffed.who("Marta Kowalska"),
            patient=patient,
            site_id=staffed.sites["HAR"].pk,
            now=office.ago(timedelta(days=13)),
        )
    ours["HAR"] = ours["HAR"] + referred
    return {code: _Deck(dice.sample(found, k=len(found))) for code, found in ours.items()}


def _plan_day(draw: _Draw, staffed: Staffed, *, code: str, day: date, deck: _Deck) -> Iterator[Planned]:
    """The visits of one site on one day: of each clinician some of the half hours."""
    site, dice = staffed.sites[code], draw.dice
    rooms = [one for one in staffed.resources[code] if "exam_room" in one.abilities]
    busy = day <= (draw.office.now + _BUSY_TIME).astimezone(site.zone).date()
    for person in [one for one in staffed.resources[code] if one.practitioner_id]:
        rooms = [*rooms[1:], rooms[0]]  # each likes to work in another room
        wished = int(dice.randint(*(_BUSY if busy else _THIN)) * draw.share + dice.random())
        for start in sorted(dice.sample(_STARTS, k=wished)):
            at = datetime.combine(day, start, tzinfo=site.zone).astimezone(UTC)
            by_phone = dice.random() < 0.12
            room = None if by_phone else next((one for one in rooms if (one.pk, at) not in draw.rooms), None)
            patient = deck.draw(draw.patients, day=day) if by_phone or room else None
            booked_at = min(at - timedelta(days=dice.randrange(2, 12), hours=1), draw.office.now)
            if patient is None:
                continue
            if room is not None:
                draw.rooms.add((room.pk, at))
            yield Planned(
                patient=patient,
                site=site,
                front_desk=staffed.working_at(code, "front_desk")[0],
                start_at=at,
                visit_type=staffed.visit_types[_kind(person, by_phone=by_phone)],
                person=person,
                room=room,
                booked_at=draw.office.past(booked_at),
            )


def _kind(person: Resource, *, by_phone: bool) -> str:
    if by_phone:
        return "phone"
    if "cardiology" in person.abilities:
        return "cardiology-consult"
    at_home = {"family_medicine", "internal_medicine"}
    return "office" if at_home & set(person.abilities) else "specialist-consult"


def _come_or_not(planned: Sequence[Planned], *, now: datetime) -> None:
    """Of the visits that are over one in fourteen was missed."""
    over = [one for one in planned if one.end_at <= now]
    for place, one in enumerate(sorted(over, key=lambda one: (one.start_at, one.patient.pk))):
        one.missed = place % 14 == 3


def _by_hand(planned: Sequence[Planned], *, dice: random.Random, now: datetime) -> set[int]:
    """The ids of what is booked as people do it: visits missed lately, a good part of the next days, a few later."""
    gone = sorted((one for one in planned if one.missed), key=lambda one: one.start_at)
    lately = sum(one.start_at > now - _NEAR for one in gone)
    missed = gone[-max(lately, 3) :]
    coming = [one for one in planned if one.start_at > now]
    near = [one for one in coming if one.start_at < now + _NEAR]
    far = [one for one in coming if one.start_at >= now + _NEAR]
    chosen = dice.sample(near, k=min(_NEAR_BOOKED, len(near))) + dice.sample(far, k=min(_FAR_BOOKED, len(far)))
    return {id(one) for one in (*missed, *chosen)}


def _book(one: Planned, *, staffed: Staffed, cancels: bool, office: Office) -> Appointment:
    actor: Actor = staffed.who(one.front_desk)
    seats = [Seat(role="clinician", resource_id=one.person.pk)]
    if one.room is not None:
        seats.append(Seat(role="room", resource_id=one.room.pk))
    order = BookingOrder(
        key=one.key, visit_type_id=one.visit_type.pk, site_id=one.site.pk, start_at=one.start_at, seats=tuple(seats)
    )
    # Whoever had a visit in the past was told of it then; a message that waits now would only come too late.
    with unconnected(Channel.EMAIL) if one.start_at <= office.now else nullcontext():
        visit = scheduling.book_appointment(actor=actor, patient=one.patient, order=order, now=one.booked_at)
    if one.missed:
        return scheduling.record_missed(actor=actor, appointment=visit, now=visit.end_at)
    if cancels and one.booked_at < office.at_work:
        return scheduling.cancel_appointment(
            actor=actor,
            appointment=visit,
            reason=CancelReason.PATIENT,
            now=office.ago(timedelta(hours=1)),
        )
    return visit


def _remind(visits: Sequence[Appointment], *, office: Office) -> None:
    """Let the reminders of the last two business days be due as they were; the worker sends them when it starts."""
    days = list(office.business_days(back=10, ahead=0))
    since = datetime.combine(days[-2], time(0), tzinfo=office.zone)
    for visit in visits:
        for reminder in scheduling.reminders_ahead(visit, now=visit.booked_at):
            if since <= reminder.at <= office.now:
                scheduling.remind_patient(
                    actor=system_actor("reminders"), appointment_id=visit.pk, kind=reminder.kind, now=reminder.at
                )
