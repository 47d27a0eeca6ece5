"""Eight at once want overlapping series: each visit is given once, no one waits for another forever."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liaison.core.refusals import Refusal
from liaison.scheduling import actions
from liaison.scheduling.models import Appointment, Series
from liaison.scheduling.ports import Seat
from liaison.scheduling.queries.series_planning import plan_series
from liaison.scheduling.tests.clinic import NOW, Clinic, open_clinic
from liaison.scheduling.tests.series import order_of, picks_of, wanted
from liaison.scheduling.tests.test_race import AT_ONCE, at_once, crowd, overlaps


@pytest.fixture
def committed(transactional_db: None) -> Clinic:
    """The clinic as other connections see it."""
    return open_clinic()


def test_of_eight_series_at_one_time_two_are_booked_whole_and_six_not_at_all(committed: Clinic) -> None:
    clinic = committed
    people = crowd(clinic, AT_ONCE)

    def book(number: int) -> str:
        """Half of them ask for Dr Imani in the first room, half for Dr Okafor in the other."""
        who = clinic.imani if number % 2 else clinic.okafor
        asked = wanted(clinic, patient_id=people[number].pk, clinician_id=who.pk)
        found = plan_series(clinic.rosa, wanted=asked, now=NOW)
        room = clinic.room if number % 2 else clinic.other_room
        seats = (Seat(role="clinician", resource_id=who.pk), Seat(role="room", resource_id=room.pk))
        picks = {at: replace(pick, seats=seats) for at, pick in picks_of(found).items()}
        order = actions.SeriesOrder(key=f"series {number}", wanted=asked, signature=found.signature, picks=picks)
        try:
            actions.book_series(actor=clinic.rosa, patient=people[number], order=order, now=NOW)
        except Refusal as refusal:
            return refusal.code
        return "booked"

    said = at_once(book)
    assert sorted(str(one) for one in said if one == "booked") == ["booked"] * 2
    assert (Series.objects.count(), Appointment.objects.count(), overlaps()) == (2, 12, 0)


def test_one_form_sent_eight_times_at_once_books_one_series(committed: Clinic) -> None:
    clinic = committed
    order = order_of(clinic)

    def book(number: int) -> int:
        del number
        return actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=order, now=NOW).pk

    assert len(set(at_once(book))) == 1
    assert (Series.objects.count(), Appointment.objects.count(), overlaps()) == (1, 6, 0)
