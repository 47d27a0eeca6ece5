"""What a coordinator does in a day: the desk, a patient, calls, bookings, and a referral to its end."""

import email
import re
from datetime import UTC, datetime, timedelta
from email import policy

import icalendar
from playwright.sync_api import expect

from tests.journeys.conftest import JOURNEY

pytestmark = [*JOURNEY]


def test_rosa_reads_her_desk_and_moves_through_it_by_keyboard(as_person, clinic, axe):
    rosa = as_person("Rosa Delgado")
    page = rosa.open("/")
    mine = clinic.value(
        "SELECT count(*) FROM loops_loop WHERE state = 'open' AND owner_user_id ="
        " (SELECT id FROM accounts_user WHERE name = 'Rosa Delgado')"
    )
    assert mine > 0
    expect(page.locator("#desk-tabs a[aria-current=page]")).to_contain_text(str(mine))
    expect(page.locator("[data-row]")).to_have_count(min(mine, 50))
    urgent = clinic.value(
        "SELECT next_step FROM loops_loop WHERE state = 'open' AND owner_user_id ="
        " (SELECT id FROM accounts_user WHERE name = 'Rosa Delgado') ORDER BY urgent_at, id LIMIT 1"
    )
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
    row = page.locator("[data-row]").first
    name, step = row.locator(".l-name").inner_text(), row.locator(".l-row-link").inner_text()
    row.locator(".l-row-link").click()
    panel = page.locator("#panel .l-loop")
    expect(panel.locator(".l-step")).to_have_text(step)
    panel.get_by_role("link", name=name, exact=True).click()
    page.wait_for_url(re.compile(r"/patients/\d+/"))
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
    happened.get_by_label("Look for").fill("hospital")
    expect(titles).to_have_count(1)
    expect(titles).to_contain_text("Home from hospital")
    happened.get_by_label("Look for").fill("zebra")
    expect(happened).to_contain_text("Nothing here says “zebra”")
    seen = clinic.until(
        lambda: clinic.value(
            "SELECT count(*) FROM core_auditentry WHERE outcome = 'seen' AND actor_name = 'Rosa Delgado'"
            " AND patient_ids @> ARRAY[(SELECT patient_id FROM patients_identifier WHERE value = 'RH000001')]"
        )
    )
    assert seen > 0


def test_two_documented_attempts_count_and_the_promise_stays_open(as_person, clinic):
    loop_id, patient_id = clinic.rows(
        "SELECT l.id, l.patient_id FROM loops_loop l JOIN accounts_site s ON s.id = l.site_id AND s.code = 'RIV'"
        " WHERE l.kind = 'post-discharge' AND l.state = 'open' AND NOT 'contact' = ANY(l.evidence_kinds)"
        " ORDER BY l.opened_at DESC, l.due_at DESC, l.id LIMIT 1"
    )[0]
    calls = "SELECT count(*) FROM inbox_call WHERE loop_id = %s"
    before = clinic.value(calls, loop_id)
    rosa = as_person("Rosa Delgado")
    for attempt in (1, 2):
        page = rosa.open(f"/calls/new/?patient={patient_id}&loop={loop_id}")
        page.locator("#call-form").get_by_text("No answer").click()
        page.get_by_role("button", name=re.compile("Log the call")).click()
        page.wait_for_url(lambda url: "/calls/new" not in url, wait_until="commit")
        assert clinic.value(calls, loop_id) == before + attempt
    kinds = clinic.value("SELECT evidence_kinds FROM loops_loop WHERE id = %s", loop_id)
    assert "attempt" in kinds
    assert clinic.value("SELECT state FROM loops_loop WHERE id = %s", loop_id) == "open"


def test_rosa_reaches_a_patient_who_says_it_back_and_the_contact_is_made(as_person, clinic):
    loop_id, patient_id = clinic.rows(
        "SELECT l.id, l.patient_id FROM loops_loop l JOIN accounts_site s ON s.id = l.site_id AND s.code = 'RIV'"
        " WHERE l.kind = 'post-discharge' AND l.state = 'open' AND NOT 'contact' = ANY(l.evidence_kinds)"
        " ORDER BY l.opened_at, l.due_at, l.id LIMIT 1"
    )[0]
    rosa = as_person("Rosa Delgado")
    page = rosa.open(f"/calls/new/?patient={patient_id}&loop={loop_id}")
    form = page.locator("#call-form")
    form.get_by_role("radio", name=re.compile("^reached", re.IGNORECASE)).first.check()
    form.locator("[name=said]").fill("Feels well, has her medicines.")
    form.locator("[name=clinical]").check()
    teach = form.get_by_role("group", name="Teach-back 1")
    teach.get_by_label("Topic").fill("When to take the water pill")
    teach.get_by_label(re.compile("words")).fill("In the morning, with water")
    teach.get_by_label(re.compile("Understood")).select_option(value="yes")
    page.get_by_role("button", name=re.compile("Log the call")).click()
    page.wait_for_url(lambda url: "/calls/new" not in url)
    outcome, topic, understood = clinic.rows(
        "SELECT c.outcome, t.topic, t.understood FROM inbox_call c JOIN inbox_teachback t ON t.call_id = c.id"
        " WHERE c.loop_id = %s ORDER BY c.id DESC LIMIT 1",
        loop_id,
    )[0]
    assert (outcome, topic, understood) == ("reached", "When to take the water pill", "yes")
    assert "contact" in clinic.value("SELECT evidence_kinds FROM loops_loop WHERE id = %s", loop_id)
    page = rosa.open(f"/loops/{loop_id}/")
    expect(page.locator(".l-evidence .is-in")).to_contain_text("Contact made")
    expect(page.locator(".l-loop-next")).not_to_contain_text("first call")


def test_rosa_books_the_earliest_time_and_the_patient_gets_an_invitation(as_person, clinic):
    patient_id = clinic.value(
        "SELECT p.patient_id FROM patients_contactpoint p JOIN patients_patientsite s ON s.patient_id = p.patient_id"
        " JOIN accounts_site a ON a.id = s.site_id AND a.code = 'RIV'"
        " JOIN patients_patient q ON q.id = p.patient_id AND q.written_language LIKE 'es%%'"
        " WHERE p.kind = 'email' AND p.may_email AND NOT EXISTS"
        " (SELECT 1 FROM scheduling_appointment v WHERE v.patient_id = p.patient_id AND v.start_at > now())"
        " ORDER BY p.patient_id DESC LIMIT 1"
    )
    rosa = as_person("Rosa Delgado")
    page = rosa.open(f"/book/?patient={patient_id}")
    page.locator("select[name=visit_type]").select_option(label="Office visit, 20 min")
    expect(page.locator("input[name=offer]").first).to_be_visible()
    before = len(clinic.mails())
    page.get_by_role("button", name="Book this time").dblclick()
    page.wait_for_url(lambda url: "/book/" not in url)
    visits = clinic.rows(
        "SELECT id, state FROM scheduling_appointment WHERE patient_id = %s AND start_at > now()", patient_id
    )
    assert [state for _, state in visits] == ["booked"]
    kinds = clinic.rows(
        "SELECT r.kind FROM scheduling_reservation v JOIN scheduling_resource r ON r.id = v.resource_id"
        " WHERE v.appointment_id = %s AND v.active",
        visits[0][0],
    )
    assert sorted(kind for (kind,) in kinds) == ["person", "room"]
    uid = clinic.value("SELECT ical_uid FROM scheduling_appointment WHERE id = %s", visits[0][0])
    mail = clinic.until(lambda: next((text for text in clinic.mails()[before:] if _event(text, uid)), None))
    assert mail, "no invitation came"
    event = _event(mail, uid)
    assert str(event["SUMMARY"]).startswith("Cita con ")
    said = _words(mail)
    assert "Su cita" in said
    for clinical in ("office visit", "visita", "dr ", *_staff_of(clinic, visits[0][0])):
        assert clinical.lower() not in f"{said} {event['SUMMARY']} {event.get('DESCRIPTION', '')}".lower(), clinical
    state = clinic.until(
        lambda: clinic.value(
            "SELECT state FROM inbox_message WHERE patient_id = %s AND state IN ('sent', 'delivered')", patient_id
        )
    )
    assert state in {"sent", "delivered"}


def _words(text):
    """Subject and text of a raw mail."""
    mail = email.message_from_string(text, policy=policy.default)
    body = mail.get_body(preferencelist=("plain",))
    return f"{mail['Subject']}\n{body.get_content()}"


def _staff_of(clinic, appointment_id):
    """Whom and what the visit takes: a mail may not name them, for a specialist's name is clinical too."""
    rows = clinic.rows(
        "SELECT r.name FROM scheduling_reservation v JOIN scheduling_resource r ON r.id = v.resource_id"
        " WHERE v.appointment_id = %s",
        appointment_id,
    )
    return [name for (name,) in rows]


def _event(text, uid):
    """The calendar event with this UID in a raw mail, or None."""
    for part in email.message_from_string(text, policy=policy.default).walk():
        if part.get_content_type() == "text/calendar":
            calendar = icalendar.Calendar.from_ical(part.get_content())
            return next((event for event in calendar.walk("VEVENT") if event["UID"] == uid), None)
    return None


def test_a_referral_goes_from_dr_imani_to_the_patient_being_told(as_person, clinic):
    patient_id = clinic.value(
        "SELECT s.patient_id FROM patients_patientsite s JOIN accounts_site a ON a.id = s.site_id AND a.code = 'RIV'"
        " WHERE NOT EXISTS (SELECT 1 FROM orders_referral r WHERE r.patient_id = s.patient_id)"
        " ORDER BY s.patient_id DESC LIMIT 1"
    )
    imani = as_person("Dr Imani Achebe")
    page = imani.open(f"/patients/{patient_id}/refer/")
    page.locator("select[name=specialty]").select_option(label="Cardiology")
    page.locator("[name=target]").locator("option", has_text="Tanaka").wait_for(state="attached")
    target = page.locator("[name=target]").locator("option", has_text="Tanaka").first.get_attribute("value")
    page.locator("[name=target]").select_option(value=target)
    page.locator("textarea[name=question]").fill("New murmur; <b>please</b> evaluate; it's urgent?")
    page.locator("select[name=coverage_status]").select_option(index=1)
    owner = page.locator("select[name=owner]").locator("option", has_text="Rosa Delgado").first
    page.locator("select[name=owner]").select_option(value=owner.get_attribute("value"))
    page.get_by_role("button", name="Record as sent", exact=True).click()
    page.wait_for_url(re.compile(r"/referrals/\d+/"))
    referral_id = int(re.search(r"/referrals/(\d+)/", page.url)[1])
    assert _state(clinic, referral_id) == ("sent", "open")

    rosa = as_person("Rosa Delgado")
    _move(rosa, referral_id, "They declined", {"reason": ""}, stays=True)
    assert _state(clinic, referral_id) == ("sent", "open")
    _move(rosa, referral_id, "They declined", {"reason": "No new patients until spring"})
    assert _state(clinic, referral_id) == ("declined", "open")
    _reroute(rosa, referral_id)
    assert _state(clinic, referral_id) == ("sent", "open")
    visit_at = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    for word, typed, state in (
        ("They have it", {}, "received"),
        ("They accepted", {}, "accepted"),
        ("A visit is arranged", {"visit_at": visit_at}, "scheduled"),
    ):
        _move(rosa, referral_id, word, typed)
        assert _state(clinic, referral_id) == (state, "open")
    _move(rosa, referral_id, "The patient was seen", {})
    assert _state(clinic, referral_id)[1] == "open"
    _move(rosa, referral_id, "The note came", {"report": "Mild stenosis. Echo in a year."})
    _move(imani, referral_id, "Reviewed", {"review": "Agree."})
    _move(rosa, referral_id, "The patient was told", {"how": "By phone; she will come in a year."})
    assert _state(clinic, referral_id) == ("closed", "closed")
    kinds = clinic.value(
        "SELECT evidence_kinds FROM loops_loop WHERE id = (SELECT loop_id FROM orders_referral WHERE id = %s)",
        referral_id,
    )
    assert len(kinds) >= 3
    page = rosa.open(f"/referrals/{referral_id}/")
    expect(page.locator("body")).to_contain_text("New murmur; <b>please</b> evaluate")


def _state(clinic, referral_id):
    return clinic.rows(
        "SELECT r.state, l.state FROM orders_referral r JOIN loops_loop l ON l.id = r.loop_id WHERE r.id = %s",
        referral_id,
    )[0]


def _move(person, referral_id, word, typed, *, stays=False):
    """Press the button for a move, fill in what it asks, and wait for the page to show what came of it."""
    page = person.open(f"/referrals/{referral_id}/")
    page.locator(".l-referral-moves a", has_text=word).first.click()
    form = page.locator("#referral-do form")
    form.wait_for()
    for name, value in typed.items():
        form.locator(f"[name={name}]").fill(value)
    if stays:
        form.locator(".l-form-actions button").first.click()
        expect(form.locator(":invalid, [aria-invalid=true]").first).to_be_visible()
        return
    with page.expect_response(lambda response: response.request.method == "POST"):
        form.locator(".l-form-actions button").first.click()


def _reroute(person, referral_id):
    page = person.open(f"/referrals/{referral_id}/")
    page.locator(".l-referral-moves a", has_text="Re-route it").first.click()
    form = page.locator("#referral-do form")
    form.wait_for()
    other = form.locator("[name=target] option", has_text="Hudson Valley Heart").first.get_attribute("value")
    form.locator("[name=target]").select_option(value=other)
    with page.expect_response(lambda response: response.request.method == "POST"):
        form.locator(".l-form-actions button").first.click()
