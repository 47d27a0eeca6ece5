"""A clinician is sick, in a browser: the day is planned anew, one visit by hand, applied at once, and told by phone."""

from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.journeys.read_off import arrive, settled

pytestmark = pytest.mark.journey

BUSY = """
SELECT r.name, (a.start_at AT TIME ZONE 'America/New_York')::date, count(*)
FROM scheduling_reservation v JOIN scheduling_appointment a ON a.id = v.appointment_id
JOIN scheduling_resource r ON r.id = v.resource_id JOIN accounts_site s ON s.id = a.site_id
WHERE a.state = 'booked' AND r.kind = 'person' AND s.code = 'RIV' AND r.site_id = a.site_id
AND a.start_at > %s::timestamptz + interval '3 days'
GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 3 DESC, 2, 1 LIMIT 1
"""
PROMISED = """
SELECT l.kind FROM scheduling_displacement d JOIN loops_loop l ON l.id = d.loop_id WHERE d.replan_id = %s
ORDER BY l.kind
"""


@pytest.fixture
def busy(clinic):
    """Somebody with several visits on one day ahead: name, day, how many."""
    rows = clinic.rows(BUSY, clinic.now())
    assert rows, "Nobody in the demonstration has two visits on one day."
    return rows[0]


def test_a_sick_clinicians_day_is_planned_anew_and_everybody_is_to_be_told(as_person, clinic, busy, axe):
    name, on, visits = busy
    rosa = as_person("Rosa Delgado", width=1280)
    page = rosa.open(f"/calendar/?on={on.isoformat()}")
    page.get_by_role("link", name="Replan").click()
    expect(page.get_by_label("From")).to_have_value(on.isoformat())
    page.get_by_label("Who or what can’t be there").select_option(label=name)
    page.get_by_label("Why").fill("Sick")
    page.get_by_label("Why").press("Enter")
    expect(page.get_by_role("heading", name=f"{visits} visits can’t be then")).to_be_visible()
    assert axe(page) == []

    last = page.locator(".c-replan-new select").last
    last.select_option("call")
    settled(page)
    expect(page.get_by_text("chosen by you")).to_be_visible()
    assert axe(page) == []
    page.get_by_role("button", name="Apply all of it").press("Enter")
    arrive(page, r"/calendar/replans/\d+/")
    expect(page.get_by_role("heading", name=f"{name}: Sick")).to_be_visible()
    assert axe(page) == []
    kinds = [kind for (kind,) in clinic.rows(PROMISED, int(page.url.rstrip("/").rpartition("/")[2]))]
    assert len(kinds) == visits
    assert set(kinds) == {"displaced", "new-time"}

    page.get_by_role("link", name="to tell").first.click()
    expect(page.get_by_text("Tell ").first).to_be_visible()


def test_on_a_phone_each_visit_stands_above_its_new_time(as_person, clinic, axe):
    rosa = as_person("Rosa Delgado", width=390)
    on = clinic.now().astimezone(ZoneInfo("America/New_York")).date().isoformat()
    page = rosa.open(f"/calendar/replan/?on={on}")
    page.get_by_label("Who or what can’t be there").select_option(label="Riverside Main")
    page.get_by_label("Why").fill("Snow")
    page.get_by_role("button", name="Show what moves").click()
    settled(page)
    expect(page.locator("#replan-save")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert axe(page) == []
