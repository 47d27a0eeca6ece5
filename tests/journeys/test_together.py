"""Several people at once: presence, taking, the supervisor's board, the privacy officer's search."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import liaison
from tests.journeys.read_off import holding, settled

pytestmark = pytest.mark.journey


def test_two_coordinators_see_each_other_without_reloading(as_person, clinic):
    rosa, theo = as_person("Rosa Delgado"), as_person("Theo Lindqvist")
    loop_id, patient_id = clinic.rows(
        "SELECT l.id, l.patient_id FROM loops_loop l JOIN accounts_team t ON t.id = l.owner_team_id"
        " WHERE l.state = 'open' AND t.name = 'Care coordination' ORDER BY l.id DESC LIMIT 1"
    )[0]
    rosas = rosa.open(f"/patients/{patient_id}/")
    theo.open(f"/patients/{patient_id}/")
    here = rosas.locator(f"[data-presence*='patient:{patient_id}']").first  # others may have been there a moment ago
    expect(here.get_by_role("img", name="Theo Lindqvist")).to_be_visible()
    rosas = rosa.open(f"/loops/{loop_id}/")
    theos = theo.open(f"/loops/{loop_id}/")
    theos.get_by_role("button", name=re.compile("^Take")).first.click()
    expect(rosas.locator(".l-loop-owner").first).to_contain_text("Theo Lindqvist")
    owner = clinic.value(
        "SELECT u.name FROM loops_loop l JOIN accounts_user u ON u.id = l.owner_user_id WHERE l.id = %s", loop_id
    )
    assert owner == "Theo Lindqvist"


def test_a_double_click_on_take_takes_it_once_and_a_lost_answer_is_given_again(as_person, clinic):
    theo = as_person("Theo Lindqvist")
    loop_id, version = clinic.rows(
        "SELECT l.id, l.version FROM loops_loop l JOIN accounts_team t ON t.id = l.owner_team_id"
        " WHERE l.state = 'open' AND t.name = 'Care coordination' ORDER BY l.id DESC OFFSET 2 LIMIT 1"
    )[0]
    page = theo.open(f"/loops/{loop_id}/")
    settled(page)
    page.get_by_role("button", name=re.compile("^Take")).first.dblclick()
    expect(page.locator(".l-loop-owner").first).to_contain_text("Yours")
    again = page.evaluate(TAKES, [f"/loops/{loop_id}/take/", version])
    assert (again["status"], "It is yours now." in again["said"]) == (204, True)
    expect(page.locator("[data-refusal]")).to_have_count(0)
    assert clinic.value("SELECT version FROM loops_loop WHERE id = %s", loop_id) == version + 1
    rosas = as_person("Rosa Delgado").open(f"/loops/{loop_id}/")
    late = rosas.evaluate(TAKES, [f"/loops/{loop_id}/take/", version])
    assert (late["status"], "Theo Lindqvist was here first" in late["page"]) == (409, True)


def test_what_changes_while_a_page_is_on_its_way_is_shown_once_it_listens(as_person, clinic):
    rosa, theo = as_person("Rosa Delgado"), as_person("Theo Lindqvist")
    loop_id = clinic.value(
        "SELECT l.id FROM loops_loop l JOIN accounts_team t ON t.id = l.owner_team_id"
        " WHERE l.state = 'open' AND t.name = 'Care coordination' ORDER BY l.id LIMIT 1"
    )
    asked = holding(rosa.page, "/events[?]")
    rosas, theos = rosa.open(f"/loops/{loop_id}/"), theo.open(f"/loops/{loop_id}/")
    theos.get_by_role("button", name=re.compile("^Take")).first.click()
    expect(theos.locator(".l-loop-owner").first).to_contain_text("Yours")
    expect(rosas.locator(".l-loop-owner").first).not_to_contain_text("Theo Lindqvist")
    for each in asked:
        each.continue_()
    rosas.unroute_all()
    expect(rosas.locator(".l-loop-owner").first).to_contain_text("Theo Lindqvist")


def test_a_colleague_with_a_slow_line_does_not_keep_the_owner_of_a_take_that_was_undone(as_person, clinic):
    """The row and the panel are still fetching how it stood after the take when they hear of the undo."""
    aisha, theo = as_person("Aisha Bello"), as_person("Theo Lindqvist")
    theos = theo.open("/")
    row = theos.locator("[data-row]", has=theos.locator(".l-owner-name", has_text="Care coordination")).first
    loop_id = int(row.get_attribute("data-loop"))
    theos.locator(f"#loop-{loop_id} .l-row-link").click()
    owners = theos.locator(f"#loop-{loop_id} .l-owner-name, #panel #loop-story-{loop_id} .l-loop-owner")
    expect(owners).to_have_count(2)
    expect(owners.filter(has_text="Care coordination")).to_have_count(2)
    aishas = aisha.open(f"/loops/{loop_id}/")
    settled(theos)
    theos.evaluate(HEARS, f"live:loop:{loop_id}")
    slowly = holding(theos, f"/loops/{loop_id}/")
    aishas.get_by_role("button", name=re.compile("^Take")).first.click()
    undo = aishas.locator("#undo").get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    expect(theos.locator(".htmx-request[data-live*='loop:']")).to_have_count(2)
    older = [(route, route.fetch()) for route in slowly]
    before = theos.locator("body").get_attribute("data-heard")
    undo.click()
    expect(theos.locator("body")).not_to_have_attribute("data-heard", before)
    for route, answer in older:
        assert "Aisha Bello" in answer.text()
        route.fulfill(response=answer)
    theos.unroute_all()
    expect(owners.filter(has_text="Care coordination")).to_have_count(2)
    settled(theos)
    expect(owners.filter(has_text="Aisha Bello")).to_have_count(0)


TAKES = """async ([address, version]) => {
  const headers = { ...JSON.parse(document.body.getAttribute("hx-headers")), "HX-Request": "true" };
  const answer = await fetch(address, { method: "POST", headers, body: new URLSearchParams({ version }) });
  return { status: answer.status, said: answer.headers.get("HX-Trigger"), page: await answer.text() };
}"""


HEARS = """topic => document.body.addEventListener(topic, (event) => {
  if (event.detail.what !== "presence") document.body.dataset.heard = Number(document.body.dataset.heard || 0) + 1;
})"""


HELD = (
    "SELECT l.id FROM loops_loop l JOIN accounts_user u ON u.id = l.owner_user_id"
    " WHERE l.state = 'open' AND u.name = %s ORDER BY l.id"
)


def test_marta_sees_the_load_and_covers_a_colleague_who_is_away(as_person, clinic, axe):
    """Every loop goes to Theo, whose open desk shows them at once; each says why; and back early, they return."""
    aishas, theos = _held(clinic, "Aisha Bello"), _held(clinic, "Theo Lindqvist")
    assert aishas
    assert not aishas & theos
    theo, marta = as_person("Theo Lindqvist"), as_person("Marta Kowalska", width=1600)
    desk = theo.open("/")
    mine = desk.locator("#desk-tabs a", has_text="Mine alone").locator(".l-count")
    expect(mine).to_have_text(str(len(theos)))

    page = marta.open("/board/")
    load = page.locator("section.l-person").filter(has=page.get_by_role("heading", name="Aisha Bello", exact=True))
    expect(load.locator(".l-load-words")).to_contain_text(f"{len(aishas)} open")
    assert axe(page) == []
    page.get_by_role("link", name="Hand over a desk").click()
    away = page.get_by_label("Who is away").locator("option", has_text="Aisha Bello").get_attribute("value")
    page.get_by_label("Who is away").select_option(value=away)
    settled(page)
    expect(page.locator("#covers").get_by_label(re.compile("Aisha Bello"))).to_have_count(0)
    page.get_by_label(re.compile("Theo Lindqvist")).check()
    page.get_by_label("Why").fill("Ill with the flu")
    page.get_by_role("button", name="Hand over").click()
    assert clinic.until(lambda: not _held(clinic, "Aisha Bello"))
    assert _held(clinic, "Theo Lindqvist") == theos | aishas
    expect(mine).to_have_text(str(len(theos | aishas)))
    for loop_id in sorted(aishas)[:3]:
        _tells_of_the_hand_over(theo, desk, loop_id)

    page = marta.open("/hand-over/")
    expect(page.locator("main")).to_contain_text("Aisha Bello is away")
    expect(page.locator("main")).to_contain_text("Covered by Theo Lindqvist.")
    theo.open("/")
    page.get_by_role("button", name="Back early: return the desk").click()
    assert clinic.until(lambda: _held(clinic, "Aisha Bello") == aishas)
    assert _held(clinic, "Theo Lindqvist") == theos
    expect(mine).to_have_text(str(len(theos)))
    story = clinic.rows(
        "SELECT what, sentence, reason FROM loops_loopevent WHERE loop_id = %s AND what IN ('handed_over', 'returned')"
        " ORDER BY id",
        min(aishas),
    )
    assert story == [
        ("handed_over", "Handed over from Aisha Bello to Theo Lindqvist.", "Ill with the flu"),
        ("returned", "Back with Aisha Bello: the hand-over has ended.", story[1][2]),
    ]
    kept = clinic.rows(
        "SELECT by_name, reason, returned_at IS NOT NULL FROM loops_handover WHERE from_user_id ="
        " (SELECT id FROM accounts_user WHERE name = 'Aisha Bello')"
    )
    assert kept == [("Marta Kowalska", "Ill with the flu", True)]


def _held(clinic, name):
    return {loop_id for (loop_id,) in clinic.rows(HELD, name)}


def _tells_of_the_hand_over(theo, desk, loop_id):
    """On the desk that was open all along, or on the loop's page when it lies further down."""
    row = desk.locator(f"#loop-{loop_id}")
    if row.count():
        row.locator(".l-row-link").click()
        loop = desk.locator("#panel .l-loop")
    else:
        loop = theo.context.new_page().locator("main .l-loop")
        loop.page.goto(f"{theo.clinic.url}/loops/{loop_id}/")
    expect(loop).to_have_attribute("id", f"loop-story-{loop_id}")
    expect(loop.locator(".l-loop-owner")).to_contain_text("Yours")
    told = loop.locator(".l-timeline--story li", has_text="Handed over from Aisha Bello to Theo Lindqvist.")
    expect(told).to_contain_text("Ill with the flu")
    expect(told).to_contain_text("Marta Kowalska")


def test_pat_at_another_site_sees_nothing_of_walter(as_person, clinic):
    pat = as_person("Pat Morrow")
    walter = clinic.value("SELECT patient_id FROM patients_identifier WHERE value = 'RH000001'")
    answer = pat.page.request.get(f"{clinic.url}/patients/{walter}/")
    assert answer.status == 404
    assert "Walter" not in answer.text()


def test_the_privacy_officer_finds_who_saw_walter_and_the_chain_is_unbroken(as_person, clinic, axe):
    walter = clinic.value("SELECT patient_id FROM patients_identifier WHERE value = 'RH000001'")
    as_person("Rosa Delgado").open(f"/patients/{walter}/")
    priya = as_person("Priya Nair", width=1600)
    page = priya.open(f"/audit/?patient={walter}")
    expect(page.locator("main")).to_contain_text("Rosa Delgado")
    assert axe(page) == []
    assert clinic.until(lambda: clinic.value("SELECT count(*) > 0 FROM core_auditseal"))
    done = liaison(clinic, "audit", "verify")
    assert done.returncode == 0, done.stdout + done.stderr
