"""The calendar by hand: a visit is dragged and pushed by keys, and nothing moves before somebody saw what follows."""

import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.journeys.read_off import arrive, settled

pytestmark = pytest.mark.journey

NEW_YORK = ZoneInfo("America/New_York")

AHEAD = """
SELECT a.id, a.site_id, (a.start_at AT TIME ZONE a.time_zone)::date
FROM scheduling_appointment a JOIN accounts_site s ON s.id = a.site_id
JOIN scheduling_reservation r ON r.appointment_id = a.id
JOIN scheduling_resource w ON w.id = r.resource_id
WHERE w.name = 'Dr Walter Stone' AND a.state = 'booked' AND s.name = 'Riverside Main'
  AND a.start_at > %s + interval '1 day'
  AND (a.start_at AT TIME ZONE a.time_zone)::time BETWEEN '09:00' AND '14:00'
  AND NOT EXISTS (
      SELECT 1 FROM scheduling_reservation o JOIN scheduling_resource t ON t.id = o.resource_id
      WHERE o.active AND o.appointment_id <> a.id
      AND o.during && tstzrange(a.start_at - interval '1 hour', a.end_at + interval '2 hours')
      AND (t.name IN ('Dr Walter Stone', 'Dr Noor Rahman') OR o.resource_id IN (
          SELECT resource_id FROM scheduling_reservation m WHERE m.appointment_id = a.id)))
ORDER BY a.start_at LIMIT 1
"""
UNDER_ITSELF = """row => {
    const box = row.getBoundingClientRect();
    return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2).closest("tr") === row;
}"""
SUCCESSOR = "SELECT id FROM scheduling_appointment WHERE predecessor_id = %s"


@pytest.fixture
def lonely(clinic):
    """The first visit ahead with free time around it, for the clinician, a colleague and the room: id, site and day."""
    found = clinic.rows(AHEAD, clinic.now())
    assert found, "The demonstration has no visit ahead with free time around it."
    return found[0]


def start_of(clinic, visit):
    return clinic.value("SELECT start_at FROM scheduling_appointment WHERE id = %s", visit)


def block(page, visit):
    return page.locator(f"[data-visit='{visit}']").first


def drag(page, visit, *, by=0, minutes=0, edge=False, to=None):
    """Press on a visit's block, carry it `minutes` along the axis and `by` pixels down (or `to` a place), let go."""
    here = block(page, visit)
    settled(page)
    here.scroll_into_view_if_needed()
    box = here.bounding_box()
    wide = box["width"] / float(here.get_attribute("data-for"))
    x, y = (box["x"] + box["width"] - 3 if edge else box["x"] + 12), box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 5, y + 1, steps=2)
    goal = to or (x + minutes * wide, y + by)
    page.mouse.move(*goal, steps=6)
    page.mouse.up()


def test_a_visit_is_dragged_after_its_consequences_were_seen_and_one_can_still_leave_it(as_person, clinic, lonely, axe):
    visit, site, on = lonely
    rosa, theo = as_person("Rosa Delgado", width=1920), as_person("Theo Lindqvist", width=1920)
    page = rosa.open(f"/calendar/?site={site}&on={on}")
    theos = theo.open(f"/calendar/?site={site}&on={on}")
    before = start_of(clinic, visit)

    drag(page, visit, minutes=30)
    asked = page.locator("dialog#place")
    expect(asked).to_contain_text("What follows")
    expect(asked).to_contain_text("Now")
    assert axe(page) == []
    assert clinic.value(SUCCESSOR, visit) is None
    asked.get_by_role("link", name="Leave it").click()
    expect(asked).to_be_hidden()
    expect(page.locator("#grid-said")).to_have_text("Nothing was moved.")
    assert clinic.value(SUCCESSOR, visit) is None

    drag(page, visit, minutes=30)
    asked.get_by_role("button", name="Move it").click()
    expect(asked).to_be_hidden()
    moved = clinic.until(lambda: clinic.value(SUCCESSOR, visit))
    assert start_of(clinic, moved) == before + timedelta(minutes=30)
    assert clinic.value("SELECT state FROM scheduling_appointment WHERE id = %s", visit) == "cancelled"
    expect(block(page, moved)).to_be_focused()
    expect(block(theos, moved)).to_be_visible()
    expect(theos.locator(f"[data-visit='{visit}']")).to_have_count(0)


def test_the_right_edge_makes_a_visit_longer(as_person, clinic, lonely):
    visit, site, on = lonely
    page = as_person("Rosa Delgado", width=1920).open(f"/calendar/?site={site}&on={on}")
    drag(page, visit, minutes=15, edge=True)
    asked = page.locator("dialog#place")
    expect(asked).to_contain_text(re.compile(r"\d\d minutes"))
    asked.get_by_role("button", name="Move it").click()
    moved = clinic.until(lambda: clinic.value(SUCCESSOR, visit))
    longer = clinic.rows(
        "SELECT a.start_at = b.start_at, (a.end_at - a.start_at) - (b.end_at - b.start_at)"
        " FROM scheduling_appointment a JOIN scheduling_appointment b ON b.id = a.predecessor_id WHERE a.id = %s",
        moved,
    )
    assert longer == [(True, timedelta(minutes=15))]


def test_a_drop_on_the_heading_or_on_another_kind_of_row_does_nothing_and_says_so(as_person, clinic, lonely):
    visit, site, on = lonely
    page = as_person("Rosa Delgado", width=1920).open(f"/calendar/?site={site}&on={on}")
    head = page.locator(".c-grid thead th").nth(3).bounding_box()
    drag(page, visit, to=(head["x"] + 20, head["y"] + 10))
    expect(page.locator("#grid-said")).to_contain_text("Nothing was moved")
    room = page.locator("tr[data-kind=room]").last.bounding_box()
    here = block(page, visit).bounding_box()
    drag(page, visit, by=room["y"] + 20 - here["y"])
    expect(page.locator("#grid-said")).to_contain_text("not of a room")
    expect(page.locator("dialog#place")).to_be_hidden()
    assert clinic.value(SUCCESSOR, visit) is None


def test_a_visit_is_moved_by_keys_alone_and_each_step_is_said(as_person, clinic, lonely):
    visit, site, on = lonely
    page = as_person("Rosa Delgado", width=1920).open(f"/calendar/?site={site}&on={on}")
    before = start_of(clinic, visit)
    said = page.locator("#grid-said")
    assert said.get_attribute("aria-live")
    block(page, visit).focus()
    page.keyboard.press("m")
    expect(said).to_contain_text("Moving:")
    page.keyboard.press("Escape")
    expect(said).to_contain_text("Given up")
    expect(block(page, visit)).to_be_focused()

    page.keyboard.press("m")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(said).to_contain_text(re.compile(r"^\d\d:\d\d–\d\d:\d\d, Dr Walter Stone"))
    page.keyboard.press("ArrowUp")
    expect(said).to_contain_text(re.compile(r"^\d\d:\d\d–\d\d:\d\d, Dr Noor Rahman"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(said).to_contain_text("no further row")
    page.keyboard.press("+")
    page.keyboard.press("Enter")
    asked = page.locator("dialog#place")
    expect(asked).to_contain_text("What follows")
    expect(asked.get_by_role("button", name="Move it")).to_be_focused()
    page.keyboard.press("Enter")
    moved = clinic.until(lambda: clinic.value(SUCCESSOR, visit))
    assert start_of(clinic, moved) == before + timedelta(minutes=20)
    expect(block(page, moved)).to_be_focused()


def test_who_is_second_is_told_who_was_first(as_person, clinic, lonely):
    visit, site, on = lonely
    rosas = as_person("Rosa Delgado", width=1920).open(f"/calendar/?site={site}&on={on}")
    theos = as_person("Theo Lindqvist", width=1920).open(f"/calendar/?site={site}&on={on}")
    for page, minutes in ((rosas, 30), (theos, 45)):
        drag(page, visit, minutes=minutes)
        expect(page.locator("dialog#place")).to_contain_text("What follows")
    rosas.get_by_role("button", name="Move it").click()
    moved = clinic.until(lambda: clinic.value(SUCCESSOR, visit))
    theos.get_by_role("button", name="Move it").click()
    expect(theos.locator("dialog#place [data-refusal]")).to_contain_text("Rosa Delgado moved this visit to")
    assert clinic.value(SUCCESSOR, moved) is None


def test_the_list_moves_a_visit_with_a_form_and_the_views_are_a_key_away(as_person, clinic, lonely, axe):
    visit, site, on = lonely
    later = f"{(start_of(clinic, visit) + timedelta(minutes=30)).astimezone(NEW_YORK):%H:%M}"
    page = as_person("Rosa Delgado").open(f"/calendar/?site={site}&on={on}")
    for key, shown in (("w", ".c-week"), ("m", ".c-month"), ("l", ".c-list"), ("d", ".c-grid")):
        page.keyboard.press(key)
        expect(page.locator(shown)).to_be_visible()
        settled(page)  # a key that is pressed before the page is whole is not heard
        assert axe(page) == [], shown
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, shown
    page.keyboard.press("ArrowRight")
    arrive(page, f"on={date.fromisoformat(str(on)) + timedelta(days=1)}")
    page.keyboard.press("ArrowLeft")
    arrive(page, f"on={on}")
    page.keyboard.press("l")
    expect(page.locator(".c-list")).to_be_visible()
    settled(page)
    expect(page.locator("tr[data-row]").last).to_be_visible()
    assert page.locator("tr[data-row]").first.evaluate(UNDER_ITSELF), "The link of another row lies over the first one."
    page.locator(f"#row-visit-{visit}").get_by_role("link", name=re.compile("^Move")).click()
    asked = page.locator("dialog#place")
    asked.get_by_label("From").fill(later)
    asked.get_by_role("button", name="Show what follows").click()
    expect(asked).to_contain_text("What follows")
    asked.get_by_role("button", name="Move it").click()
    moved = clinic.until(lambda: clinic.value(SUCCESSOR, visit))
    row = page.locator(f"#row-visit-{moved}")
    expect(row).to_contain_text(later)


@pytest.mark.parametrize("width", [390, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_view_fits_the_screen_and_axe_finds_nothing(as_person, clinic, lonely, axe, width, scheme):
    visit, site, on = lonely
    rosa = as_person("Rosa Delgado", width=width, scheme=scheme)
    for path in (
        "/calendar/",
        "/calendar/week/",
        "/calendar/month/",
        "/calendar/sheets/",
        f"/appointments/{visit}/place/",
    ):
        page = rosa.open(f"{path}?site={site}&on={on}")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} is {wide} px too wide at {width}"
        assert axe(page) == [], path
