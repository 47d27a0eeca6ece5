"""What no form of ours sends: numbers with thousands of digits, numbers of no row, days at the end of the calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.test import Client

from liaison.accounts.access import Role
from liaison.accounts.models import User
from liaison.core.actor import Actor
from liaison.core.following import followable
from liaison.core.postgres.guard import writes_open
from liaison.loops.queries import owner_from_value
from liaison.orders.queries import target_from_value
from liaison.scheduling.forms import read_offer
from liaison.scheduling.models import Appointment
from liaison.scheduling.tests.clinic import NOW, Clinic, person

LONG = "1" * 5_000


def browser(actor: Actor) -> Client:
    client = Client()
    user = User.objects.get(pk=actor.user_id)
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    return client


@pytest.mark.parametrize("version", [LONG, "x", "-1", "²"])
def test_a_version_that_never_was_is_stale(clinic: Clinic, version: str) -> None:
    booked = clinic.book("2026-03-03 10:00")
    answer = browser(clinic.rosa).post(f"/appointments/{booked.pk}/arrived/", {"version": version})
    assert answer.status_code == 409
    assert Appointment.objects.get().arrived_at is None


def test_a_topic_with_a_number_of_no_site_is_followed_by_nobody(clinic: Clinic) -> None:
    topics = [f"calendar:{LONG}:2026-11-22", f"calendar:{clinic.site.pk}:2026-11-22"]
    assert followable(clinic.rosa, topics, now=NOW) == (topics[1],)


@pytest.mark.parametrize("number", ["0", "-3", str(2**63), "9" * 500])
def test_a_seat_of_a_number_that_no_row_has_is_no_offer(number: str) -> None:
    with pytest.raises(ValueError, match="number"):
        read_offer(f"2026-03-03T10:00:00+00:00 1 room:{number}")
    with pytest.raises(ValueError, match="number"):
        read_offer(f"2026-03-03T10:00:00+00:00 {number} room:1")


def test_numbers_in_what_forms_carry_are_bounded() -> None:
    assert owner_from_value(f"user:{LONG}") is None
    assert target_from_value(f"practitioner:{LONG}") is None


@pytest.mark.parametrize("how_many", [LONG, "²", "100"])
def test_a_visit_needs_a_number_of_people_that_one_can_count(clinic: Clinic, how_many: str) -> None:
    typed = {"code": "task", "name": "Check", "modality": "in_person", "duration_minutes": 45}
    answer = browser(clinic.adam).post(
        "/calendar/arrange/visit-types/new/", {**typed, "needs": f"nurse, registered_nurse, {how_many}"}
    )
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        "until=9999-12-31",
        "since=0001-01-01",
        f"patient=1&chosen={2**63}",
        f"patient=1&chosen={LONG}",
        f"person={LONG}",
    ],
)
@pytest.mark.parametrize("page", ["/audit/", "/audit/export/"])
def test_the_trail_asks_for_days_and_numbers_that_it_can_reckon_with(clinic: Clinic, page: str, query: str) -> None:
    with writes_open():
        vera = person("Vera", Role.PRIVACY_OFFICER, None)
    assert browser(vera).get(f"{page}?{query}").status_code == 422


@pytest.mark.parametrize(
    "place",
    [
        "2026-01-01~1",
        "9999-12-31T23:59:59-12:00~1",
        f"{datetime(2026, 1, 1, tzinfo=UTC).isoformat()}~{LONG}",
        f"{datetime(2026, 1, 1, tzinfo=UTC).isoformat()}~{2**63}",
        f"{datetime(2026, 1, 1, tzinfo=UTC).isoformat()}~-1",
    ],
)
def test_a_further_page_of_the_trail_begins_at_an_instant_and_a_row(clinic: Clinic, place: str) -> None:
    with writes_open():
        vera = person("Vera", Role.PRIVACY_OFFICER, None)
    assert browser(vera).get("/audit/", {"after": place}).status_code == 404
