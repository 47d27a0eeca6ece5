"""Rosa keeps a time while Walter asks at home, through the pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from liaison.scheduling import actions, queries
from liaison.scheduling.models import Appointment, Hold
from liaison.scheduling.tests.clinic import NOW, Clinic
from liaison.scheduling.tests.test_screens import HTMX, browser, clock, offer_at, page, sent

TUESDAY = "2026-03-03 10:00"


@pytest.fixture(autouse=True)
def _monday(settings: Any) -> None:
    clock(settings, NOW)


@pytest.fixture
def rosa(clinic: Clinic) -> Client:
    return browser(clinic.rosa)


def held(rosa: Client, clinic: Clinic, **typed: object) -> Appointment:
    told = sent(clinic, offer_at(clinic, TUESDAY), hold="yes", hold_for="60", **typed)
    response = rosa.post("/book/", told)
    visit = Appointment.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/appointments/{visit.pk}/")
    return visit


def test_she_holds_it_and_its_page_says_until_when(rosa: Client, clinic: Clinic) -> None:
    visit = held(rosa, clinic)
    shown = page(rosa.get(f"/appointments/{visit.pk}/"))
    assert "Rosa keeps this time for Walter until Monday, March 2, 08:00." in shown
    for button in ("Book it", "Give it up"):
        assert button in shown
    for button in ("Find an earlier time", f"/appointments/{visit.pk}/cancel/", f"/appointments/{visit.pk}/move/"):
        assert button not in shown


def test_a_second_press_of_the_button_holds_it_once(rosa: Client, clinic: Clinic) -> None:
    held(rosa, clinic)
    held(rosa, clinic)
    assert Hold.objects.count() == 1


def test_without_a_length_it_is_the_shortest_and_another_one_is_refused(rosa: Client, clinic: Clinic) -> None:
    refused = rosa.post("/book/", sent(clinic, offer_at(clinic, TUESDAY), hold="yes", hold_for="9000"), **HTMX)
    assert refused.status_code == 422
    assert not Hold.objects.exists()
    rosa.post("/book/", sent(clinic, offer_at(clinic, TUESDAY), hold="yes", hold_for=""))
    assert (Hold.objects.get().until_at - NOW).total_seconds() // 60 == 15


def test_one_press_books_it_and_one_more_changes_nothing(rosa: Client, clinic: Clinic) -> None:
    visit = held(rosa, clinic)
    for _ in range(2):
        answer = rosa.post(f"/appointments/{visit.pk}/hold/take/", {"version": visit.version})
        assert answer.status_code == 302
    visit.refresh_from_db()
    assert visit.state == "booked"
    shown = page(rosa.get(f"/appointments/{visit.pk}/"))
    assert "Held until Mon, Mar 2, 08:00" in shown
    assert "Book it" not in shown


def test_the_form_sent_again_after_it_was_taken_says_that_it_is_booked(rosa: Client, clinic: Clinic) -> None:
    visit = held(rosa, clinic)
    rosa.post(f"/appointments/{visit.pk}/hold/take/", {"version": visit.version})
    page(rosa.get(f"/appointments/{visit.pk}/"))
    held(rosa, clinic)
    shown = page(rosa.get(f"/appointments/{visit.pk}/"))
    assert "Booked for Tue, Mar 3, 10:00." in shown
    assert shown.count("Held until") == 1, "only its story says so"


def test_booking_by_the_form_that_held_it_books_the_held_time_once(rosa: Client, clinic: Clinic) -> None:
    visit = held(rosa, clinic)
    for _ in range(2):
        answer = rosa.post("/book/", sent(clinic, offer_at(clinic, TUESDAY)))
        assert (answer.status_code, answer["Location"]) == (302, f"/appointments/{visit.pk}/")
    assert Appointment.objects.get().state == "booked"


def test_given_up_its_page_says_so_and_leads_to_another_time(rosa: Client, clinic: Clinic) -> None:
    visit = held(rosa, clinic)
    rosa.post(f"/appointments/{visit.pk}/hold/give-up/", {"version": visit.version})
    shown = page(rosa.get(f"/appointments/{visit.pk}/"))
    assert "Held, and given up" in shown
    assert "Late cancellation" not in shown
    assert "Find another time" in shown
    late = rosa.post(f"/appointments/{visit.pk}/hold/take/", {"version": visit.version}, **HTMX)
    assert late.status_code == 409
    assert "was held until Mon, Mar 2, 08:00 and is free again" in page(late)


def test_a_form_without_its_version_and_a_word_that_is_none_change_nothing(rosa: Client, clinic: Clinic) -> None:
    visit = held(rosa, clinic)
    assert rosa.post(f"/appointments/{visit.pk}/hold/take/").status_code == 409
    assert rosa.post(f"/appointments/{visit.pk}/hold/keep/", {"version": visit.version}).status_code == 404
    visit.refresh_from_db()
    assert visit.state == "pending"


def test_pat_neither_sees_nor_takes_it(rosa: Client, clinic: Clinic) -> None:
    visit = held(rosa, clinic)
    pat = browser(clinic.pat)
    assert pat.post(f"/appointments/{visit.pk}/hold/take/", {"version": visit.version}).status_code == 404
    visit.refresh_from_db()
    assert visit.state == "pending"


def test_a_time_that_is_held_for_her_is_said_where_another_is_booked(rosa: Client, clinic: Clinic) -> None:
    visit = held(rosa, clinic)
    shown = page(rosa.get("/book/", {"patient": clinic.walter.pk}))
    assert f"/appointments/{visit.pk}/" in shown
    assert "Held" in shown


def test_one_that_lapsed_is_not_called_cancelled(rosa: Client, clinic: Clinic) -> None:
    visit = held(rosa, clinic)
    hold = Hold.objects.get(appointment=visit)
    actions.lapse_hold(actor=clinic.rosa.as_liaison(), appointment_id=visit.pk, now=hold.until_at)
    shown = page(rosa.get(f"/appointments/{visit.pk}/"))
    assert "Held, and nobody took it in time" in shown
    assert "Not booked" in shown
    assert "Cancelled" not in shown


def test_on_the_page_of_the_patient_it_stands_as_held_and_is_not_looked_at_for_readiness(
    rosa: Client, clinic: Clinic
) -> None:
    visit = held(rosa, clinic)
    (coming,) = queries.coming_with_readiness(clinic.rosa, patient=clinic.walter, now=NOW)
    assert (coming.appointment_id, coming.readiness) == (visit.pk, None)
    shown = page(rosa.get(f"/patients/{clinic.walter.pk}/"))
    assert "Held" in shown
    assert "pending" not in shown
