"""What a coordinator reads: the desk, by keyboard, and a patient's page with everything that happened."""

import re
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.journeys.read_off import arrive, holding

pytestmark = pytest.mark.journey

NEW_YORK = ZoneInfo("America/New_York")
AWAKE = "(snoozed_until IS NULL OR snoozed_until <= %s)"
ROSA = "(SELECT id FROM accounts_user WHERE name = 'Rosa Delgado')"
MINE = f"FROM loops_loop WHERE state = 'open' AND (owner_user_id = {ROSA} AND {AWAKE} OR waiting_on_user_id = {ROSA})"
TEAMS = f"(SELECT team_id FROM accounts_teammember WHERE user_id = {ROSA})"
OURS = f"{MINE[:-1]} OR owner_team_id IN {TEAMS} AND {AWAKE})"


def test_rosa_reads_her_desk_and_moves_through_it_by_keyboard(as_person, clinic, axe):
    rosa = as_person("Rosa Delgado")
    page = rosa.open("/")
    mine = clinic.value(f"SELECT count(*) {MINE}", clinic.now())
    ours = clinic.value(f"SELECT count(*) {OURS}", clinic.now(), clinic.now())
    assert 0 < mine < ours, "her teams' stand there too"
    expect(page.locator("#desk-tabs a[aria-current=page]")).to_have_text(re.compile(rf"Mine and my teams’ \s*{ours}$"))
    expect(page.locator("#desk-tabs a", has_text="Mine alone")).to_contain_text(str(mine))
    expect(page.locator("[data-row]").nth(min(ours, 30) - 1)).to_be_visible()
    urgent = clinic.value(f"SELECT next_step {OURS} ORDER BY urgent_at, id LIMIT 1", clinic.now(), clinic.now())
    first = page.locator("[data-row]").first
    expect(first).to_contain_text(urgent)
    assert axe(page) == []
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    panel = page.locator("#panel .l-loop")
    expect(panel).to_contain_text("What proves it kept")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    _from_a_row_over_its_panel_to_the_patient(page)
    _nothing_but_our_pages_opens_beside_the_list(page, clinic)


def _from_a_row_over_its_panel_to_the_patient(page):
    row = page.locator(f"#{page.locator('[data-row]').first.get_attribute('id')}")
    name, step = row.locator(".l-name").inner_text(), row.locator(".l-row-link").inner_text()
    row.locator(".l-row-link").click()
    panel = page.locator("#panel .l-loop")
    expect(panel.locator(".l-step")).to_have_text(step)
    panel.get_by_role("link", name=name, exact=True).click()
    arrive(page, r"/patients/\d+/")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator("#promised")).to_contain_text(step)


def _nothing_but_our_pages_opens_beside_the_list(page, clinic):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    for place in ("https://elsewhere.example/x", "//elsewhere.example/x", "/\\elsewhere.example/x", "/account/logout/"):
        page.goto(f"{clinic.url}/")
        page.evaluate("place => history.pushState({}, '', '/?open=' + encodeURIComponent(place))", place)
        page.evaluate("history.pushState({}, '', '/?tab=all')")
        page.go_back()
        expect(page).to_have_url(re.compile(r"/\?open="))
        expect(page.locator("body.has-panel")).to_have_count(0)
    assert [url for url in asked if "elsewhere.example" in url or "/account/logout" in url] == []
    page.goto(f"{clinic.url}/")
    own = page.locator(".l-row-link").first.get_attribute("href")
    page.evaluate("place => history.pushState({}, '', '/?open=' + encodeURIComponent(place))", own)
    page.evaluate("history.pushState({}, '', '/?tab=all')")
    page.go_back()
    expect(page.locator("#panel .l-loop")).to_contain_text("What proves it kept")


def test_rosa_opens_walter_and_reads_what_happened(as_person, clinic, axe):
    rosa = as_person("Rosa Delgado")
    page = rosa.open("/")
    page.keyboard.press("Control+k")
    with page.expect_response(re.compile("q=walter%20ng&")):
        page.keyboard.type("walter ng")
    page.get_by_role("option", name=re.compile("Ng, Walter")).first.click()
    expect(page.get_by_role("heading", name=re.compile("Walter Ng")).first).to_be_visible()
    expect(page.locator("body")).to_contain_text("June Ng")
    expect(page.locator("body")).to_contain_text("(518) 555-0001")
    happened = page.locator(".l-happened")
    expect(happened.locator("li").first).to_be_visible()
    assert axe(page) == []
    happened.get_by_role("link", name="Loops", exact=True).click()
    expect(happened.locator(".l-kinds [aria-current]")).to_have_text("Loops")
    titles = happened.locator(".l-timeline-what")
    expect(titles.first).to_contain_text(re.compile("^(Opened|Closed|Given up|Referral)"))
    assert all(re.match("Opened|Closed|Given up|Referral", title) for title in titles.all_inner_texts())
    _look_for(happened, "hospital")
    expect(titles.filter(has_text="Referral")).to_have_count(0)
    expect(titles.filter(has_text="Home from hospital").first).to_be_visible()
    _look_for(happened, "zebra")
    expect(happened).to_contain_text("Nothing here says “zebra”")
    _goes_on_typing_while_the_answer_comes(page, happened)
    seen = clinic.until(
        lambda: clinic.value(
            "SELECT count(*) FROM core_auditentry WHERE outcome = 'seen' AND actor_name = 'Rosa Delgado'"
            " AND patient_ids @> ARRAY[(SELECT patient_id FROM patients_identifier WHERE value = 'RH000001')]"
        )
    )
    assert seen > 0


def test_rosa_reads_who_a_patient_is_how_to_reach_them_and_what_happened_by_kind(as_person, clinic):
    """Alerts, care team, promises and the timeline, as the database holds them once the mail that is due has gone."""
    patient_id, family, given, birth_on, number = clinic.rows(
        "SELECT p.id, p.family, p.given, p.birth_on, i.value FROM patients_patient p"
        " JOIN patients_alert a ON a.patient_id = p.id AND a.ended_at IS NULL"
        " JOIN patients_careteammember m ON m.patient_id = p.id AND m.ends_on IS NULL"
        " JOIN patients_identifier i ON i.patient_id = p.id AND i.kind = 'mrn' AND i.retired_at IS NULL"
        " JOIN loops_loop l ON l.patient_id = p.id AND l.state = 'open'"
        " JOIN accounts_site s ON s.id = l.site_id AND s.code = 'RIV' ORDER BY p.id LIMIT 1"
    )[0]
    due = (
        "SELECT count(*) FROM inbox_message WHERE patient_id = %s"
        " AND (state = 'sending' OR state = 'queued' AND next_attempt_at <= %s)"
    )
    assert clinic.until(lambda: clinic.value(due, patient_id, clinic.now()) == 0, seconds=90)
    page = as_person("Rosa Delgado").open(f"/patients/{patient_id}/")
    band = page.locator("#band")
    for name in (family, given):
        expect(band.get_by_role("heading", level=1)).to_contain_text(name)
    expect(band).to_contain_text(f"{birth_on:%b} {birth_on.day}, {birth_on:%Y}")
    expect(band).to_contain_text(number)
    phones = clinic.rows(
        "SELECT value_key FROM patients_contactpoint WHERE patient_id = %s AND kind = 'phone' AND bad_since IS NULL"
        " AND retired_at IS NULL",
        patient_id,
    )
    shown = re.sub(r"\D", "", band.locator("a[href^='tel:']").first.inner_text())
    assert shown in {re.sub(r"\D", "", key)[-10:] for (key,) in phones}
    for (alert,) in clinic.rows(
        "SELECT text FROM patients_alert WHERE patient_id = %s AND ended_at IS NULL", patient_id
    ):
        expect(band.get_by_role("group", name="Alerts")).to_contain_text(alert)
    for (member,) in clinic.rows(
        "SELECT coalesce(p.name, u.name) FROM patients_careteammember m LEFT JOIN directory_practitioner p"
        " ON p.id = m.practitioner_id LEFT JOIN accounts_user u ON u.id = m.user_id"
        " WHERE m.patient_id = %s AND m.ends_on IS NULL ORDER BY m.id LIMIT 4",
        patient_id,
    ):
        expect(band).to_contain_text(member)
    steps = clinic.rows("SELECT next_step FROM loops_loop WHERE patient_id = %s AND state = 'open'", patient_id)
    for (step,) in steps:
        expect(page.locator("#promised")).to_contain_text(step)
    _every_kind_is_a_part_of_everything(page.locator(".l-happened"))


def _look_for(happened, words):
    """Letter by letter, as people do: what is put there in the very moment in which the part is new is not heard."""
    field = happened.get_by_label("Look for")
    field.fill("")
    field.press_sequentially(words, delay=15)


def _goes_on_typing_while_the_answer_comes(page, happened):
    """No letter is lost with the field that the answer replaces, and all of them are looked for."""
    asked = holding(page, r"[?&]q=hosp(&|$)")
    field = happened.get_by_label("Look for")
    field.fill("")
    with page.expect_request(re.compile(r"[?&]q=hosp(&|$)")):
        field.press_sequentially("hosp")
    field.press_sequentially("ital")
    asked[0].continue_()
    expect(happened.get_by_label("Look for")).to_have_value("hospital")
    expect(happened.get_by_label("Look for")).to_be_focused()
    expect(happened.locator(".l-timeline-what", has_text="Home from hospital").first).to_be_visible()
    expect(happened.locator(".l-kinds a").first).to_have_attribute("hx-get", re.compile("q=hospital$"))
    page.unroute_all()


def _every_kind_is_a_part_of_everything(happened):
    titles = happened.locator(".l-timeline-what")
    everything = set(titles.all_inner_texts())
    parts = {}
    for kind in happened.locator(".l-kinds a").all_inner_texts()[1:]:
        happened.get_by_role("link", name=kind, exact=True).click()
        expect(happened.locator(".l-kinds [aria-current]")).to_have_text(kind)
        parts[kind] = set(titles.all_inner_texts())
        assert parts[kind] <= everything, kind
    assert {"Visits", "Results", "Documents", "Messages and calls", "Loops"} <= set(parts)
    filled = [titles for titles in parts.values() if titles]
    assert len(filled) > 2
    assert sum(map(len, filled)) == len(set().union(*filled)), "something stands under two kinds"
    assert all(re.match("Opened|Closed|Given up|Referral", title) for title in parts["Loops"])
    happened.get_by_role("link", name="Everything", exact=True).click()
    expect(happened.locator(".l-kinds [aria-current]")).to_have_text("Everything")
    word = min(parts["Loops"]).split("\n")[0].split(":")[-1].strip()
    _look_for(happened, word)
    expect(titles.filter(has_not_text=re.compile(re.escape(word), re.IGNORECASE))).to_have_count(0)
    expect(titles.first).to_contain_text(re.compile(re.escape(word), re.IGNORECASE))
