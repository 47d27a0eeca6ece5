"""Eight at once want the same times: exactly the free ones are given, none overlap, one form books once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import pytest
from django.db import connection

from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Refusal
from liaison.patients.models import Patient, PatientSite
from liaison.scheduling import actions
from liaison.scheduling.models import Appointment, Reservation
from liaison.scheduling.ports import CancelReason
from liaison.scheduling.tests.clinic import NOW, Clinic, open_clinic

AT_ONCE = 8
STARTS = [f"2026-03-03 {minutes // 60:02d}:{minutes % 60:02d}" for minutes in range(9 * 60, 13 * 60, 40)]


@pytest.fixture
def committed(transactional_db: None) -> Clinic:
    """The clinic as other connections see it."""
    return open_clinic()


def at_once(work: Callable[[int], object]) -> list[object]:
    """Run `work` in eight threads, each with a connection of its own."""

    def alone(number: int) -> object:
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(alone, range(AT_ONCE)))


def crowd(clinic: Clinic, count: int) -> list[Patient]:
    with writes_open():
        people = Patient.objects.bulk_create(
            Patient(given=f"N{number}", family="Crowd", registered_at=NOW, changed_at=NOW) for number in range(count)
        )
        PatientSite.objects.bulk_create(PatientSite(patient=one, site=clinic.site) for one in people)
    return people


def iter_of(patients: list[Patient]) -> Callable[[], Patient]:
    """Hands out each of them once, to whichever thread asks."""
    waiting: SimpleQueue[Patient] = SimpleQueue()
    for patient in patients:
        waiting.put(patient)
    return waiting.get


def overlaps() -> int:
    """Pairs of active reservations of one resource that share an instant and were not overridden."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FROM scheduling_reservation a JOIN scheduling_reservation b
            ON a.resource_id = b.resource_id AND a.id < b.id AND a.during && b.during
            WHERE a.active AND b.active AND NOT a.overridden AND NOT b.overridden
            """
        )
        return int(cursor.fetchone()[0])


def test_eight_at_once_get_each_free_time_exactly_once(committed: Clinic) -> None:
    clinic = committed
    wanted = [(start, who) for start in STARTS for who in (clinic.imani, clinic.okafor)]
    patients = iter_of(crowd(clinic, AT_ONCE * len(wanted)))

    def grab(number: int) -> Counter[str]:
        ended: Counter[str] = Counter()
        mine = [patients() for _ in wanted]
        for patient, (start, who) in zip(mine, random.Random(number).sample(wanted, len(wanted)), strict=True):
            room = clinic.room if who == clinic.imani else clinic.other_room
            try:
                key, seats = f"{number} {start} {who.pk}", clinic.seats(who=who, room=room)
                clinic.book(start, patient=patient, key=key, seats=seats)
                ended["booked"] += 1
            except Refusal as refusal:
                ended[refusal.code] += 1
        return ended

    ended = sum((one for one in at_once(grab) if isinstance(one, Counter)), Counter[str]())
    assert ended == {"booked": len(wanted), "scheduling.not_free": (AT_ONCE - 1) * len(wanted)}
    assert Appointment.objects.count() == len(wanted)
    assert Reservation.objects.filter(active=True).count() == 2 * len(wanted)
    assert overlaps() == 0


def test_eight_at_once_who_cross_over_rooms_never_wait_for_each_other_in_a_circle(committed: Clinic) -> None:
    """Each takes one of two clinicians with one of two rooms, in any order: no deadlock, no overlap."""
    clinic = committed
    patients = iter_of(crowd(clinic, AT_ONCE * len(STARTS)))
    refused: list[str] = []

    def grab(number: int) -> int:
        dice, booked = random.Random(number), 0
        for start in STARTS:
            seats = clinic.seats(
                who=dice.choice([clinic.imani, clinic.okafor]), room=dice.choice([clinic.room, clinic.other_room])
            )
            try:
                clinic.book(start, patient=patients(), key=f"{number} {start}", seats=seats)
                booked += 1
            except Refusal as refusal:
                refused.append(refusal.code)
        return booked

    booked = sum(int(str(one)) for one in at_once(grab))
    assert set(refused) == {"scheduling.not_free"}
    assert len(STARTS) <= booked == Appointment.objects.count() <= 2 * len(STARTS)
    assert overlaps() == 0


def test_one_form_sent_eight_times_at_once_books_once(committed: Clinic) -> None:
    booked = at_once(lambda number: committed.book("2026-03-03 10:00", key="one form").pk)
    assert len(set(booked)) == 1
    assert Appointment.objects.count() == 1


def test_a_move_and_a_cancellation_at_once_leave_one_answer(committed: Clinic) -> None:
    appointment = committed.book("2026-03-03 10:00")

    def change(number: int) -> str:
        try:
            if number % 2:
                actions.cancel_appointment(
                    actor=committed.rosa, appointment=appointment, reason=CancelReason.PATIENT, now=NOW
                )
                return "cancelled"
            actions.move_appointment(
                actor=committed.rosa,
                appointment=appointment,
                order=committed.order("2026-03-03 11:00", key=f"move {number}"),
                reason=CancelReason.PATIENT,
                now=NOW,
            )
        except Refusal as refusal:
            return refusal.code
        return "moved"

    ended = Counter(at_once(change))
    refused = ended["scheduling.cannot_change"] + ended["scheduling.moved_meanwhile"]
    # One move, or one cancellation: the same one sent again is answered as the first.
    assert (ended["moved"], ended["cancelled"], refused) in {(1, 0, AT_ONCE - 1), (0, AT_ONCE // 2, AT_ONCE // 2)}
    appointment.refresh_from_db()
    assert appointment.state == "cancelled"
    assert Appointment.objects.exclude(state="cancelled").count() == ended["moved"]
