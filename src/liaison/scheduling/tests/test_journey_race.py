"""Several at once want journeys with one time in common: one is booked whole, the others not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liaison.core.refusals import Refusal
from liaison.scheduling import actions
from liaison.scheduling.models import Appointment, Journey
from liaison.scheduling.queries.journeys import plan_visits_together
from liaison.scheduling.tests.clinic import NOW, Clinic, open_clinic
from liaison.scheduling.tests.journeys import heart_of
from liaison.scheduling.tests.test_race import AT_ONCE, at_once, crowd, overlaps


@pytest.fixture
def committed(transactional_db: None) -> Clinic:
    """The clinic as other connections see it."""
    return open_clinic()


def test_of_eight_who_want_the_same_times_one_gets_all_and_seven_nothing(committed: Clinic) -> None:
    heart, people = heart_of(committed), crowd(committed, AT_ONCE)

    def book(number: int) -> str:
        wanted = heart.wanted(patient_id=people[number].pk)
        plan = plan_visits_together(committed.rosa, wanted=wanted, now=NOW).plans[0]
        order = replace(heart.order(plan), key=f"journey {number}")
        try:
            actions.book_journey(actor=committed.rosa, patient=people[number], order=order, now=NOW)
        except Refusal as refusal:
            return refusal.code
        return "booked"

    said = [str(one) for one in at_once(book)]
    booked = said.count("booked")
    assert set(said) <= {"booked", "scheduling.journey_taken"}
    assert booked >= 1
    assert (Journey.objects.count(), Appointment.objects.count(), overlaps()) == (booked, 3 * booked, 0)


def test_one_form_sent_eight_times_at_once_books_one_journey(committed: Clinic) -> None:
    heart = heart_of(committed)
    order = heart.order()
    assert len(set(at_once(lambda number: heart.book(order).pk + 0 * number))) == 1
    assert (Journey.objects.count(), Appointment.objects.count(), overlaps()) == (1, 3, 0)
