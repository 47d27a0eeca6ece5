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
    expect(page.locator("#panel .l-loop")).to_contain_text("What proves it kept")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


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


def test_rosa_books_the_earliest_time_and_the_patient_gets_an_invitation(as_person, clinic):
    patient_id = clinic.value(
        "SELECT p.patient_id FROM patients_contactpoint p JOIN patients_patientsite s ON s.patient_id = p.patient_id"
        " JOIN accounts_site a ON a.id = s.site_id AND a.code = 'RIV'"
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
    assert "office" not in str(event["SUMMARY"]).lower()
    state = clinic.until(
        lambda: clinic.value(
            "SELECT state FROM inbox_message WHERE patient_id = %s AND state IN ('sent', 'delivered')", patient_id
        )
    )
    assert state in {"sent", "delivered"}


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
    page.get_by_role("button", name="Send", exact=True).click()
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
