"""The day of the visit: a patient's way over the board, live for two people; a late one; one who did not come."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.read_off import arrive, settled

pytestmark = pytest.mark.journey

STAMPS = (
    "SELECT state, arrived_at, checked_in_at, roomed_at, seen_at, left_at FROM scheduling_appointment WHERE id = %s"
)


def site_of(clinic):
    return clinic.value("SELECT id FROM accounts_site WHERE code = 'RIV'")


def board(person, clinic):
    return person.open(f"/flow/?site={site_of(clinic)}")


def column(page, words):
    return page.locator(".f-column").filter(has=page.get_by_role("heading", name=re.compile(f"^{words}")))


def todays(clinic, *, state, late=False):
    """A visit of today at Riverside that stands so and was made for the board."""
    sign = "<" if late else ">"
    return clinic.value(
        "SELECT id FROM scheduling_appointment WHERE state = %s AND site_id = %s AND late_answer = ''"
        f" AND start_at {sign} %s - make_interval(mins => %s) AND idempotency_key LIKE 'demo-today-%%'"
        " ORDER BY start_at, id LIMIT 1",
        state, site_of(clinic), clinic.now(), 5 if late else -10,
    )  # fmt: skip


def test_a_double_click_on_arrived_is_one_arrival(as_person, clinic):
    visit = todays(clinic, state="booked")
    page = as_person("Rosa Delgado").open(f"/appointments/{visit}/")
    settled(page)
    page.get_by_role("button", name="Arrived", exact=True).dblclick()
    expect(page.get_by_role("button", name="Not arrived")).to_be_visible()
    expect(page.locator("[data-refusal]")).to_have_count(0)
    page.get_by_role("button", name="Not arrived").dblclick()
    expect(page.get_by_role("button", name="Arrived", exact=True)).to_be_visible()
    expect(page.locator("[data-refusal]")).to_have_count(0)
    assert clinic.rows(STAMPS, visit)[0] == ("booked", None, None, None, None, None)


def test_a_patient_goes_over_the_board_by_keyboard_while_the_front_desk_looks_on(as_person, clinic, axe):
    visit = todays(clinic, state="booked")
    rosa, kofi = as_person("Rosa Delgado"), as_person("Kofi Mensah")
    page, kofis = board(rosa, clinic), board(kofi, clinic)
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.keyboard.press("e")  # nobody is chosen yet, so nobody moves
    assert axe(page) == []
    card, kofis_card = f"#flow-card-{visit}", f"#flow-card-{visit}"
    name = page.locator(f"{card} .l-row-link").inner_text()
    for words, stage in (
        ("Arrived", "Arrived"),
        ("Checked in", "Checked in"),
        ("To the room", "In a room"),
        ("With the clinician", "Being seen"),
        ("Left", "Left"),
    ):
        if words == "To the room" and page.locator(card).get_by_role("link", name="Choose a room").count():
            page.locator(card).get_by_role("link", name="Choose a room").click()
            page.locator("#panel select[name=room]").select_option(index=2)
            page.locator("#panel").get_by_role("button", name="To the room").click()
            expect(column(page, stage).locator(card)).to_contain_text(name)
            page.keyboard.press("Escape")
        else:
            page.locator(f"{card} .l-row-link").focus()
            page.keyboard.press("e")
        expect(column(page, stage).locator(card)).to_contain_text(name)
        if words == "Left":
            page.locator("#undo").hover()  # what is pointed at stays, however long the others take
        expect(column(kofis, stage).locator(kofis_card)).to_contain_text(name)
    assert [url for url in sent if "/appointments/" in url and f"/appointments/{visit}/" not in url] == []
    state, *stamps = clinic.rows(STAMPS, visit)[0]
    assert state == "checked-in"
    assert stamps == sorted(stamps)
    assert None not in stamps
    page.locator("#undo [data-undo]").click()
    expect(column(page, "Being seen").locator(card)).to_contain_text(name)
    assert clinic.rows(STAMPS, visit)[0][-1] is None
    verbs = clinic.rows(
        "SELECT verb, actor_name FROM core_auditentry WHERE subject_type = 'scheduling.appointment'"
        " AND subject_id = %s AND outcome = 'done' AND verb LIKE 'scheduling.%%' ORDER BY id",
        str(visit),
    )
    assert [verb for verb, who in verbs if who == "Rosa Delgado"][-6:] == [
        "scheduling.attend", "scheduling.attend", "scheduling.room", "scheduling.see", "scheduling.room",
        "scheduling.room",
    ]  # fmt: skip


def test_a_late_patient_is_fitted_in_later_and_the_answer_stays(as_person, clinic):
    visit = todays(clinic, state="arrived", late=True)
    rosa = as_person("Rosa Delgado")
    page = board(rosa, clinic)
    card = page.locator(f"#flow-card-{visit}")
    expect(card).to_contain_text("min late")
    card.get_by_role("button", name="Fit in later").click()
    expect(card.get_by_role("button", name="Fit in later")).to_have_count(0)
    expect(card).to_contain_text("Fit in later")
    assert clinic.rows(
        "SELECT late_answer, late_answered_by_name FROM scheduling_appointment WHERE id = %s", visit
    ) == [("fit_in", "Rosa Delgado")]
    page.locator("#undo [data-undo]").click()
    expect(card.get_by_role("button", name="Reschedule")).to_be_visible()
    card.get_by_role("button", name="Reschedule").click()
    arrive(page, f"/appointments/{visit}/move/")
    assert clinic.value("SELECT late_answer FROM scheduling_appointment WHERE id = %s", visit) == "reschedule"


def test_who_did_not_come_is_asked_why_and_gets_another_time(as_person, clinic, axe):
    visit = todays(clinic, state="booked", late=True)
    rosa = as_person("Rosa Delgado")
    page = board(rosa, clinic)
    page.locator(f"#flow-card-{visit} .l-row-link").click()
    page.locator("#panel").get_by_role("button", name="Did not come").click()
    expect(page.locator(f"#flow-missed-{visit}")).to_contain_text("Call today")
    loop = clinic.value("SELECT id FROM loops_loop WHERE kind = 'missed-visit' AND about_id = %s", visit)
    panel = page.locator("#panel")
    panel.get_by_role("link", name="What came in the way").click()
    panel.get_by_label("What came in the way?").select_option("transport")
    panel.get_by_label("In their words").fill("The bus did not come")
    assert axe(page) == []
    panel.get_by_role("button", name="Keep and find another time").click()
    arrive(page, "/book/")
    page.locator("input[name=offer]").last.check()  # the first may be one of today, which begins before it is taken
    page.get_by_role("button", name=re.compile("^Book")).first.click()
    arrive(page, r"/appointments/\d+/")
    kept = clinic.rows("SELECT barrier, barrier_note, barrier_by_name FROM scheduling_appointment WHERE id = %s", visit)
    assert kept == [("transport", "The bus did not come", "Rosa Delgado")]
    assert clinic.value("SELECT state FROM loops_loop WHERE id = %s", loop) == "closed"
    note = clinic.value("SELECT note FROM loops_evidence WHERE loop_id = %s AND kind = 'answered'", loop)
    assert note.startswith("Another time: ")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_the_board_is_one_list(as_person, clinic, axe, scheme):
    rosa = as_person("Rosa Delgado", width=390, scheme=scheme)
    page = board(rosa, clinic)
    lefts = page.locator(".f-column:visible").evaluate_all("all => all.map(one => one.getBoundingClientRect().left)")
    assert len(set(lefts)) == 1
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    assert axe(page) == []
