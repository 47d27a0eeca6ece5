"""Giving work to somebody else on the board, and opening a chart of another site in an emergency."""

from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.journeys.read_off import arrive, settled

pytestmark = pytest.mark.journey

NEW_YORK = ZoneInfo("America/New_York")
OWNER = "SELECT u.name FROM loops_loop l JOIN accounts_user u ON u.id = l.owner_user_id WHERE l.id = %s"
HERS_AT_RIVERSIDE = (
    "SELECT array_agg(l.id) FROM loops_loop l JOIN accounts_site a ON a.id = l.site_id AND a.code = 'RIV'"
    " JOIN accounts_user u ON u.id = l.owner_user_id AND u.name = 'Grace Okafor' WHERE l.state = 'open'"
)
MOVES = "SELECT by_name, undone_at IS NOT NULL FROM loops_loopevent WHERE loop_id = %s ORDER BY id DESC LIMIT 2"


def test_marta_gives_a_loop_to_samir_who_sees_it_come_and_go_without_reloading(as_person, clinic):
    # All columns beside each other: what is grabbed stays where it is while the pointer goes on.
    samir, marta = as_person("Samir Haddad"), as_person("Marta Kowalska", width=9000)
    desk = samir.open("/?tab=all")
    (at_riverside,) = clinic.rows(HERS_AT_RIVERSIDE)[0]
    shown = desk.locator("[data-loop]").filter(has=desk.locator(".l-owner-name", has_text="Grace Okafor"))
    loop_id = next(pk for pk in (int(row.get_attribute("data-loop")) for row in shown.all()) if pk in at_riverside)
    row, mine = (
        desk.locator(f"#loop-{loop_id}"),
        desk.locator("#desk-tabs a", has_text="Mine alone").locator(".l-count"),
    )
    held = int(mine.inner_text())
    assert clinic.value(OWNER, loop_id) == "Grace Okafor"

    board = marta.open("/board/")
    graces, samirs = _column(board, "Grace Okafor"), _column(board, "Samir Haddad")
    card = board.locator(f"#card-{loop_id}")
    expect(graces.locator(f"#card-{loop_id}")).to_be_visible()
    samirs.locator(".l-person-head").hover()
    for one in (graces, samirs):
        expect(one.locator(".l-skeleton")).to_have_count(0)
    settled(board)
    pats = _column(board, "Pat Morrow")
    card.drag_to(pats.locator(".l-person-head"), source_position={"x": 6, "y": 6})
    expect(card.get_by_role("alert")).to_contain_text("They don't work where this is kept")
    expect(graces.locator(f"#card-{loop_id}")).to_be_visible()
    card.drag_to(samirs.locator(".l-person-head"), source_position={"x": 6, "y": 6})  # beside what it holds
    expect(samirs.locator(f"#card-{loop_id}")).to_be_visible()
    expect(graces.locator(f"#card-{loop_id}")).to_have_count(0)
    expect(board.locator("#undo [data-undo-said]")).to_have_text("Given to Samir Haddad.")
    board.locator("#undo").hover()  # what is pointed at stays, however long the others take
    assert clinic.value(OWNER, loop_id) == "Samir Haddad"
    expect(row.locator(".l-owner-name")).to_have_text("Samir Haddad")
    expect(mine).to_have_text(str(held + 1))

    board.locator("#undo").get_by_role("button", name="Undo").click()
    expect(graces.locator(f"#card-{loop_id}")).to_be_visible()
    expect(row.locator(".l-owner-name")).to_have_text("Grace Okafor")
    expect(mine).to_have_text(str(held))
    assert clinic.value(OWNER, loop_id) == "Grace Okafor"
    assert clinic.rows(MOVES, loop_id) == [("Marta Kowalska", False), ("Marta Kowalska", True)]


@pytest.mark.parametrize("width", [768, 1280])
def test_only_what_scrolls_by_itself_can_be_scrolled_sideways(as_person, width):
    marta = as_person("Marta Kowalska", width=width)
    for path in ("/board/", "/", "/referrals/"):
        page = marta.open(path)
        columns = page.locator("section.l-person")
        for number in range(columns.count()):
            columns.nth(number).evaluate("one => one.scrollIntoView()")
            expect(columns.nth(number).locator(".l-skeleton")).to_have_count(0)
        page.evaluate("void scrollTo({ left: 1500, behavior: 'instant' })")
        assert page.evaluate("[document.documentElement.scrollWidth, scrollX]") == [width, 0], path


def _column(board, name):
    return board.locator("section.l-person").filter(has=board.get_by_role("heading", name=name, exact=True))


def test_pat_breaks_the_glass_with_a_reason_and_the_privacy_officer_reviews_it(as_person, clinic, axe):
    patient_id, number, name = clinic.rows(
        "SELECT p.id, i.value, p.given || ' ' || p.family FROM patients_patient p JOIN patients_identifier i"
        " ON i.patient_id = p.id AND i.value LIKE 'RH0%%' WHERE i.value <> 'RH000001' AND 'RIV' = ALL"
        " (SELECT a.code FROM patients_patientsite s JOIN accounts_site a ON a.id = s.site_id"
        " WHERE s.patient_id = p.id)"
        " AND NOT EXISTS (SELECT 1 FROM loops_loop l WHERE l.patient_id = p.id AND l.state = 'open')"
        " AND p.merged_into_id IS NULL ORDER BY p.id LIMIT 1"
    )[0]
    pat = as_person("Pat Morrow")
    page = pat.open(f"/patients/{patient_id}/")
    expect(page.locator("body")).not_to_contain_text(name.split()[-1])
    assert pat.page.request.get(f"{clinic.url}/patients/{patient_id}/").status == 404

    page = pat.open("/patients/?q=nobody+at+all")
    page.get_by_role("link", name="Ask for emergency access").click()
    page.get_by_label("Identifier").fill(number)
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.locator("main")).to_contain_text("One patient of another site fits.")
    expect(page.locator("main")).not_to_contain_text(name.split()[-1])
    assert axe(page) == []
    page.get_by_role("button", name="Open the chart").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    assert clinic.value("SELECT count(*) FROM patients_breakglassgrant WHERE patient_id = %s", patient_id) == 0
    page.get_by_label("What happened").fill("He fainted in our waiting room.")
    page.get_by_role("button", name="Open the chart").click()
    arrive(page, rf"/patients/{patient_id}/$")
    expect(page.get_by_role("heading", level=1)).to_contain_text(name.split()[-1])
    expect(page.locator("#band .l-note--danger")).to_contain_text("You broke the glass to see this chart. It closes")
    closes_at = clinic.value("SELECT expires_at FROM patients_breakglassgrant WHERE patient_id = %s", patient_id)
    expect(page.locator("#band .l-note--danger")).to_contain_text(f"{closes_at.astimezone(NEW_YORK):%H:%M}")
    assert axe(page) == []
    grant = clinic.rows(
        "SELECT g.id, u.name, g.reason_code, g.reason, extract(epoch FROM g.expires_at - g.starts_at)::int"
        " FROM patients_breakglassgrant g JOIN accounts_user u ON u.id = g.user_id WHERE g.patient_id = %s",
        patient_id,
    )
    assert [row[1:] for row in grant] == [("Pat Morrow", "ETREAT", "He fainted in our waiting room.", 4 * 3600)]

    page = as_person("Priya Nair").open("/patients/grants/")
    waiting = page.locator("[data-row]", has_text=name)
    expect(waiting).to_contain_text("Pat Morrow")
    expect(waiting).to_contain_text("He fainted in our waiting room.")
    expect(waiting).to_contain_text("open now")
    assert axe(page) == []
    waiting.get_by_role("link", name="Pat Morrow").click()
    page.get_by_label("Finding").select_option(label="Justified")
    assert axe(page) == []
    page.get_by_role("button", name="Save the review").click()
    arrive(page, r"/patients/grants/$")
    expect(page.locator("[data-row]", has_text=name)).to_have_count(0)
    page.get_by_role("link", name="Reviewed").click()
    expect(page.locator("[data-row]", has_text=name)).to_contain_text("Justified")
    reviewed = clinic.rows(
        "SELECT g.outcome, u.name FROM patients_breakglassgrant g JOIN accounts_user u ON u.id = g.reviewed_by_id"
        " WHERE g.id = %s",
        grant[0][0],
    )
    assert reviewed == [("justified", "Priya Nair")]
    seen = (
        "SELECT count(*) > 0 FROM core_auditentry WHERE outcome = 'seen' AND actor_name = 'Pat Morrow'"
        " AND patient_ids @> ARRAY[%s::bigint]"
    )
    assert clinic.until(lambda: clinic.value(seen, patient_id))
