"""A series of visits in a browser: every visit is seen before it is booked, and the rest moves in one step."""

import pytest
from playwright.sync_api import expect

from tests.journeys.read_off import arrive, settled

pytestmark = pytest.mark.journey

SOMEBODY = """
SELECT p.id FROM patients_patient p JOIN patients_patientsite s ON s.patient_id = p.id AND s.is_home
JOIN accounts_site a ON a.id = s.site_id
WHERE a.name = 'Riverside Main' AND NOT p.is_deceased AND p.merged_into_id IS NULL
  AND NOT EXISTS (SELECT 1 FROM scheduling_appointment v WHERE v.patient_id = p.id AND v.start_at > %s)
ORDER BY p.id DESC LIMIT 1
"""
VISITS = """
SELECT v.state, (a.start_at AT TIME ZONE a.time_zone)::time::text FROM scheduling_seriesvisit v
LEFT JOIN scheduling_appointment a ON a.id = v.appointment_id
JOIN scheduling_series s ON s.id = v.series_id WHERE s.patient_id = %s AND v.state <> 'out' ORDER BY v.position
"""
MESSAGES = "SELECT count(*) FROM inbox_message WHERE patient_id = %s AND idempotency_key LIKE 'series:%%'"


@pytest.fixture
def somebody(clinic):
    """A patient of the main site without a visit ahead."""
    found = clinic.value(SOMEBODY, clinic.now())
    assert found, "The demonstration has nobody without a visit ahead."
    return found


def decide(page):
    """Leave open what can't be had, so that the journey holds on any day."""
    for conflict in page.locator("fieldset.c-series-conflict").all():
        conflict.get_by_label("Leave open").check()


def test_a_series_is_seen_booked_and_moved_from_one_visit_on(as_person, clinic, somebody, axe):
    rosa = as_person("Rosa Delgado", width=1280)
    page = rosa.open(f"/book/?patient={somebody}")
    page.get_by_role("link", name="Repeat: book a series").click()
    expect(page.get_by_text("Say how often, and see every visit")).to_be_visible()
    assert axe(page) == []

    chosen = page.locator("[name=weekdays]:checked").evaluate_all("all => all.map(one => one.value)")
    for day in chosen:
        page.locator(f"[name=weekdays][value='{day}']").uncheck()
        settled(page)
    page.get_by_label("Tue").check()
    settled(page)
    for field, typed in (
        (page.get_by_label("At", exact=True), "11:00"),
        (page.get_by_label("Visits"), "4"),
    ):
        field.fill(typed)
        field.blur()
        settled(page)
    expect(page.locator(".c-series-row:not(.is-out)")).to_have_count(4)
    assert axe(page) == []
    assert clinic.rows(VISITS, somebody) == []

    decide(page)
    page.get_by_role("button", name="Book the series").click()
    arrive(page, r"/series/\d+/")
    expect(page.get_by_text("Every week on Tuesday at 11:00, 4 visits")).to_be_visible()
    assert axe(page) == []
    booked = clinic.rows(VISITS, somebody)
    assert len(booked) == 4
    assert {at for state, at in booked if state == "booked"} == {"11:00:00"}

    page.get_by_role("link", name="Move all").click()
    page.get_by_label("New time").fill("14:00")
    page.get_by_role("button", name="Show what follows").click()
    expect(page.get_by_text("Now Tue,").first).to_be_visible()
    assert axe(page) == []
    decide(page)
    page.get_by_role("button", name="Move them").click()
    expect(page.get_by_text("by the rule").first).to_be_visible()
    assert "14:00:00" in {at for _, at in clinic.rows(VISITS, somebody)}
    assert clinic.value(MESSAGES, somebody) <= 2

    page.get_by_role("link", name="Cancel all").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("link", name="Cancel all")).to_have_count(0)
