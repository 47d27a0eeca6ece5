"""The visit of a referral is booked where whom it asks works, and nowhere else."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment
from liaison.core.postgres.guard import writes_open
from liaison.directory.models import Organization, Practitioner
from liaison.orders.models import Referral
from liaison.scheduling import actions, queries
from liaison.scheduling.models import Appointment, Resource, WaitlistEntry
from liaison.scheduling.ports import CancelReason
from liaison.scheduling.tests.clinic import NOW, Clinic
from liaison.scheduling.tests.test_screens import browser, clock, page
from liaison.scheduling.tests.waiting import join

START = "2026-03-05 10:00"


@pytest.fixture(autouse=True)
def _monday(settings: Any) -> None:
    clock(settings, NOW)


def in_the_west(clinic: Clinic) -> None:
    """Dr Okafor, whom the referral asks, moves to the other site."""
    with writes_open():
        Practitioner.objects.filter(name="Dr Okafor").update(site=clinic.other_site)
        Resource.objects.filter(pk=clinic.okafor.pk).update(site=clinic.other_site)
    hours = [actions.HoursDraft(site=clinic.other_site, weekday=3, opens=time(9), closes=time(17))]
    actions.set_hours(actor=clinic.adam.as_liaison(), resource=clinic.okafor, hours=hours, now=NOW)


def asks_outside(referral: Referral) -> None:
    """The referral asks a place that is none of ours."""
    with writes_open():
        heart = Organization.objects.create(name="Harbor Heart Center", kind="clinic")
        Referral.objects.filter(pk=referral.pk).update(target_practitioner=None, target_organization=heart)


def state(referral: Referral) -> str:
    return Referral.objects.get(pk=referral.pk).state


def test_a_visit_at_another_place_with_somebody_else_is_refused_and_the_referral_stays(
    clinic: Clinic, referral: Referral
) -> None:
    in_the_west(clinic)
    before = state(referral)
    with pytest.raises(actions.AskedElsewhere):
        clinic.book(START, referral_id=referral.pk)
    assert (state(referral), Appointment.objects.count()) == (before, 0)
    asks_outside(referral)
    with pytest.raises(actions.AskedElsewhere):
        clinic.book(START, referral_id=referral.pk)


def test_at_their_own_place_a_colleague_may_see_the_patient(clinic: Clinic, referral: Referral) -> None:
    clinic.book(START, referral_id=referral.pk, seats=clinic.seats(who=clinic.imani))
    assert state(referral) == "scheduled"


def test_where_they_have_hours_is_their_place_too(clinic: Clinic, referral: Referral) -> None:
    with writes_open():
        Practitioner.objects.filter(name="Dr Okafor").update(site=clinic.other_site)
    asked = queries.asked_by(clinic.walter, referral_id=referral.pk)
    assert asked is not None
    assert [site.name for site in asked.sites] == ["Riverside North", "Riverside West"]
    clinic.book(START, referral_id=referral.pk, seats=clinic.seats(who=clinic.okafor))
    assert state(referral) == "scheduled"
    assert queries.asked_by(clinic.ruth, referral_id=referral.pk) is None


def test_a_visit_that_stands_is_moved_within_its_place_whomever_the_referral_asks_now(
    clinic: Clinic, referral: Referral
) -> None:
    visit = clinic.book(START, referral_id=referral.pk, seats=clinic.seats(who=clinic.okafor))
    in_the_west(clinic)
    moved = actions.move_appointment(
        actor=clinic.rosa,
        appointment=visit,
        order=clinic.order("2026-03-05 14:00", referral_id=referral.pk, key="moved"),
        reason=CancelReason.PATIENT,
        now=NOW,
    )
    assert moved.site == clinic.site


def test_nobody_waits_for_the_visit_where_it_can_not_be(clinic: Clinic, referral: Referral) -> None:
    asks_outside(referral)
    with pytest.raises(actions.AskedElsewhere):
        join(clinic, referral_id=referral.pk)
    assert not WaitlistEntry.objects.exists()


# --- the page ---------------------------------------------------------------------------------------------------


def test_rosa_is_told_where_it_is_booked_and_is_offered_no_times_of_her_own_site(
    clinic: Clinic, referral: Referral
) -> None:
    in_the_west(clinic)
    with writes_open():
        type(clinic.other_site).objects.filter(pk=clinic.other_site.pk).update(phone="602-555-0100")
    address = f"/book/?patient={clinic.walter.pk}&referral={referral.pk}"
    shown = page(browser(clinic.rosa).get(address))
    assert "Dr Okafor sees patients where you don’t book visits" in shown
    assert "Riverside West" in shown
    assert "(602) 555-0100" in shown
    assert f"/referrals/{referral.pk}/" in shown
    assert 'name="offer"' not in shown
    asks_outside(referral)
    assert "The visits of Harbor Heart Center are not booked here" in page(browser(clinic.rosa).get(address))
    by_loop = f"/book/?patient={clinic.walter.pk}&loop={referral.loop_id}"
    assert "are not booked here" in page(browser(clinic.rosa).get(by_loop))


def test_who_books_at_both_is_offered_their_place_alone(clinic: Clinic, referral: Referral) -> None:
    in_the_west(clinic)
    with writes_open():
        Assignment.objects.create(
            user_id=clinic.rosa.user_id, role=Role.COORDINATOR, site=clinic.other_site, starts_at=NOW
        )
    shown = page(browser(clinic.rosa).get(f"/book/?patient={clinic.walter.pk}&referral={referral.pk}"))
    assert ">Riverside West</option>" in shown
    assert ">Riverside North</option>" not in shown
