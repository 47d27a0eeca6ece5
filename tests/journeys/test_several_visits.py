"""Several visits that belong together in a browser: said row by row, seen as plans, booked at once, warned of later."""

import pytest
from playwright.sync_api import expect

from tests.journeys.read_off import arrive, settled
from tests.journeys.test_series import SOMEBODY

pytestmark = pytest.mark.journey

VISITS = """
SELECT t.code, s.least_days FROM scheduling_journeystep s JOIN scheduling_appointment a ON a.id = s.appointment_id
JOIN scheduling_visittype t ON t.id = a.visit_type_id JOIN scheduling_journey j ON j.id = s.journey_id
WHERE j.patient_id = %s ORDER BY s.position
"""


@pytest.fixture
def somebody(clinic):
    """A patient of the main site without a visit ahead."""
    found = clinic.value(SOMEBODY, clinic.now())
    assert found, "The demonstration has nobody without a visit ahead."
    return found


def test_three_visits_are_said_planned_and_booked_by_keyboard(as_person, clinic, somebody, axe):
    rosa = as_person("Rosa Delgado", width=1280)
    page = rosa.open(f"/book/?patient={somebody}")
    page.get_by_role("link", name="Several visits that belong together").click()
    expect(page.get_by_text("Say which visits, and what lies between them")).to_be_visible()
    assert axe(page) == []

    page.get_by_role("button", name="Another visit").press("Enter")
    expect(page.get_by_label("Visit 3", exact=True)).to_be_focused()
    settled(page)
    for number, kind in ((1, "Office visit"), (2, "Office visit"), (3, "Phone visit")):
        select = page.get_by_label(f"Visit {number}", exact=True)
        select.select_option(label=select.locator("option", has_text=kind).inner_text())
        settled(page)
    page.get_by_label("When visit 2 comes").select_option("least")
    expect(page.locator("#n-2")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Visit 3 earlier").press("Enter")
    expect(page.get_by_label("Visit 2", exact=True)).to_be_focused()
    expect(page.get_by_label("Visit 2", exact=True).locator("option:checked")).to_contain_text("Phone visit")
    settled(page)
    expect(page.get_by_role("radio").first).to_be_checked()
    assert axe(page) == []

    page.get_by_label("What it is for").fill("Blood pressure")
    page.get_by_role("button", name="Book all of them").press("Enter")
    arrive(page, r"/journeys/\d+/")
    expect(page.get_by_role("heading", name="Blood pressure")).to_be_visible()
    assert axe(page) == []
    assert clinic.rows(VISITS, somebody) == [("office", 0), ("phone", 7), ("office", 0)]

    page.locator(".l-row-link").nth(1).click()
    expect(page.get_by_text("2 of 3 of")).to_be_visible()
    page.get_by_role("link", name="Cancel").first.click()
    expect(page.get_by_text("It belongs to other visits, which stay booked.")).to_be_visible()


def test_on_a_phone_the_plans_stand_under_what_was_asked(as_person, somebody, axe):
    rosa = as_person("Rosa Delgado", width=390)
    page = rosa.open(f"/journeys/new/?patient={somebody}")
    page.get_by_role("button", name="Show plans").click()
    settled(page)
    expect(page.locator("#journey-ask")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert axe(page) == []
