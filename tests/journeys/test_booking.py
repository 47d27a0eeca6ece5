"""The earliest time for clinician and room, booked once, and the invitation that the patient gets."""

import email
import re
from datetime import UTC
from email import policy
from zoneinfo import ZoneInfo

import icalendar
import pytest
from playwright.sync_api import expect

from tests.journeys.read_off import arrive, offered_at, settled, tomorrow, who_holds

pytestmark = pytest.mark.journey

NEW_YORK = ZoneInfo("America/New_York")


def test_rosa_books_the_earliest_time_and_the_patient_gets_an_invitation(as_person, clinic):
    patient_id = clinic.value(
        "SELECT p.patient_id FROM patients_contactpoint p JOIN patients_patientsite s ON s.patient_id = p.patient_id"
        " JOIN accounts_site a ON a.id = s.site_id AND a.code = 'RIV'"
        " JOIN patients_patient q ON q.id = p.patient_id AND q.written_language LIKE 'es%%'"
        " WHERE p.kind = 'email' AND p.may_email ORDER BY (SELECT count(*) FROM scheduling_appointment v"
        " WHERE v.patient_id = p.patient_id AND v.start_at > %s), p.patient_id DESC LIMIT 1",
        clinic.now(),
    )
    had = clinic.value("SELECT max(id) FROM scheduling_appointment")
    rosa = as_person("Rosa Delgado")
    page = rosa.open(f"/book/?patient={patient_id}&not_before={tomorrow(clinic)}")
    page.locator("select[name=visit_type]").select_option(label="Office visit, 20 min")
    settled(page)
    earliest = page.locator(".c-time").first
    expect(earliest).to_contain_text("Earliest")
    expect(earliest.locator("input")).to_be_checked()
    start_at, seats = offered_at(earliest)
    assert start_at == min(offered_at(one)[0] for one in page.locator(".c-time").all())
    who, room = earliest.locator(".c-time-who").inner_text().split("+")[0].split(" · ")
    assert who_holds(clinic, seats, start_at) == []
    before = len(clinic.mails())
    page.get_by_role("button", name="Book this time").dblclick()
    arrive(page, r"/appointments/\d+/")
    visits = clinic.rows(
        "SELECT id, state, start_at FROM scheduling_appointment WHERE patient_id = %s AND id > %s", patient_id, had
    )
    assert [(state, at) for _, state, at in visits] == [("booked", start_at)]
    reserved = clinic.rows(
        "SELECT r.kind, r.id, r.name FROM scheduling_reservation v JOIN scheduling_resource r ON r.id = v.resource_id"
        " WHERE v.appointment_id = %s AND v.active AND NOT v.overridden AND v.during @> %s ORDER BY r.kind",
        visits[0][0],
        start_at,
    )
    assert [kind for kind, _, _ in reserved] == ["person", "room"]
    assert {resource_id for _, resource_id, _ in reserved} == set(seats)
    assert [name for _, _, name in reserved] == [who.strip(), room.strip()]
    assert {held for (held,) in who_holds(clinic, seats, start_at)} == {visits[0][0]}
    local = start_at.astimezone(NEW_YORK)
    expect(page.get_by_text(f"Booked for {local:%a, %b %-d, %H:%M}.")).to_be_visible()
    expect(page.locator("main")).to_contain_text(who.strip())
    expect(page.locator("main")).to_contain_text(room.strip())
    uid = clinic.value("SELECT ical_uid FROM scheduling_appointment WHERE id = %s", visits[0][0])
    mail = clinic.until(lambda: next((text for text in clinic.mails()[before:] if _event(text, uid)), None))
    assert mail, "no invitation came"
    event = _event(mail, uid)
    assert event["DTSTART"].dt.astimezone(UTC) == start_at
    assert f"{local:%-I:%M}" in _words(mail)
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


def test_rosa_books_from_the_patient_and_the_follow_up_has_its_visit_without_a_further_word(as_person, clinic):
    patient_id, loop_id = clinic.rows(
        "SELECT l.patient_id, l.id FROM loops_loop l JOIN accounts_site a ON a.id = l.site_id AND a.code = 'RIV'"
        " WHERE l.kind = 'post-discharge' AND l.state = 'open' AND NOT 'visit' = ANY(l.evidence_kinds)"
        " AND NOT EXISTS (SELECT 1 FROM scheduling_appointment v WHERE v.patient_id = l.patient_id AND v.start_at > %s)"
        " AND NOT EXISTS (SELECT 1 FROM loops_loop o WHERE o.patient_id = l.patient_id AND o.state = 'open'"
        " AND o.id <> l.id AND o.kind IN ('post-discharge', 'missed-visit')) ORDER BY l.id DESC LIMIT 1",
        clinic.now(),
    )[0]
    rosa = as_person("Rosa Delgado")
    page = rosa.open(f"/patients/{patient_id}/")
    page.keyboard.press("b")
    arrive(page, r"/book/")
    chosen = page.get_by_label("This visit is for")
    expect(chosen).to_have_value(str(loop_id))
    expect(page.locator("#booking")).to_contain_text("The only promise that waits for such a visit.")
    page.locator("select[name=visit_type]").select_option(label="Phone visit, 15 min")
    expect(chosen).to_have_value("none")
    settled(page)
    page.locator("select[name=visit_type]").select_option(label="Office visit, 20 min")
    expect(chosen).to_have_value(str(loop_id))
    settled(page)
    page.locator("input[name=offer]").last.check()  # the first may be one of today, which begins before it is taken
    page.get_by_role("button", name="Book this time").press("Enter")
    arrive(page, r"/appointments/\d+/")
    page.goto(f"{clinic.url}/loops/{loop_id}/")
    # What follows from a booking is told to the page that is open.
    booked = re.compile(r"Visit \w+, \w+ \d+, \d+:\d+: see that it takes place")
    expect(page.locator("main")).to_contain_text(booked)
    step = clinic.value(
        "SELECT step FROM loops_clock WHERE loop_id = %s AND rule_id = 'tcm.visit' AND satisfied_at IS NULL"
        " AND voided_at IS NULL",
        loop_id,
    )
    assert booked.fullmatch(step)


def test_a_time_is_held_while_the_patient_asks_at_home_and_booked_when_they_call_back(as_person, clinic):
    patient_id = clinic.value(
        "SELECT s.patient_id FROM patients_patientsite s JOIN accounts_site a ON a.id = s.site_id AND a.code = 'RIV'"
        " WHERE NOT EXISTS"
        " (SELECT 1 FROM scheduling_appointment v WHERE v.patient_id = s.patient_id AND v.start_at > %s)"
        " AND NOT EXISTS (SELECT 1 FROM loops_loop l WHERE l.patient_id = s.patient_id AND l.state = 'open')"
        " AND NOT EXISTS (SELECT 1 FROM patients_patient p WHERE p.id = s.patient_id AND p.is_deceased)"
        " ORDER BY s.patient_id LIMIT 1",
        clinic.now(),
    )
    kind = clinic.value("SELECT id FROM scheduling_visittype WHERE code = 'phone' AND is_current")
    page = as_person("Rosa Delgado").open(
        f"/book/?patient={patient_id}&visit_type={kind}&not_before={tomorrow(clinic)}"
    )
    expect(page.locator(".c-time").first).to_contain_text("Earliest")
    start_at, seats = offered_at(page.locator(".c-time").first)
    page.locator("select[name=hold_for]").select_option(label="4 hours")
    page.get_by_role("button", name="Hold it").dblclick()
    arrive(page, r"/appointments/\d+/")
    visit_id = int(re.search(r"/appointments/(\d+)/", page.url)[1])
    expect(page.locator("main")).to_contain_text("Rosa Delgado keeps this time for")
    assert {held for (held,) in who_holds(clinic, seats, start_at)} == {visit_id}
    page.keyboard.press("b")
    expect(page.get_by_role("button", name="Book it")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("Booked")
    assert clinic.value("SELECT state FROM scheduling_appointment WHERE id = %s", visit_id) == "booked"
    assert clinic.value('SELECT "end" FROM scheduling_hold WHERE appointment_id = %s', visit_id) == "taken"


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


def test_reload_and_back_show_the_same_search_and_choose_nothing_by_themselves(as_person, clinic):
    patient_id = clinic.value(
        "SELECT p.id FROM patients_patient p JOIN patients_patientsite s ON s.patient_id = p.id"
        " JOIN accounts_site a ON a.id = s.site_id AND a.code = 'RIV' AND s.is_home"
        " WHERE NOT p.is_deceased AND p.merged_into_id IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM scheduling_hold h JOIN scheduling_appointment v ON v.id = h.appointment_id"
        " WHERE v.patient_id = p.id AND h.\"end\" = '')"
        " AND NOT EXISTS (SELECT 1 FROM loops_loop l WHERE l.patient_id = p.id AND l.state = 'open')"
        " AND EXISTS (SELECT 1 FROM scheduling_appointment v WHERE v.patient_id = p.id AND v.state = 'booked'"
        " AND v.start_at > %s) ORDER BY p.id DESC LIMIT 1",
        clinic.now(),
    )
    rosa = as_person("Rosa Delgado")
    page = rosa.open(f"/book/?patient={patient_id}")
    page.locator("select[name=visit_type]").select_option(label="Office visit, 20 min")
    settled(page)
    page.locator("#ask").press_sequentially("next week pm")
    expect(page.locator("input[name=from_at]")).to_have_value(re.compile("^12:00"))
    settled(page)
    searched = page.locator("input[name=not_before]").input_value()
    page.reload()
    expect(page.locator("input[name=not_before]")).to_have_value(searched)
    expect(page.locator("input[name=from_at]")).to_have_value(re.compile("^12:00"))
    settled(page)
    page.locator(".c-time").nth(2).click()
    page.get_by_role("button", name="Hold it").click()
    arrive(page, r"/appointments/\d+/")
    page.go_back()
    arrive(page, r"/book/\?")
    settled(page)
    expect(page.locator("input[name=not_before]")).to_have_value(searched)
    chosen = page.locator("input[name=offer]:checked")
    expect(chosen).to_have_count(1)
    assert chosen.input_value() == page.locator("input[name=offer]").first.input_value()

    page.goto(f"{clinic.url}/journeys/new/?patient={patient_id}")
    page.get_by_role("button", name="Another visit").click()
    expect(page.locator("select[name=kind]")).to_have_count(3)
    page.locator("#id_not_before").fill(searched)
    page.locator("#id_not_before").dispatch_event("change")
    settled(page)
    expect(page.locator(".c-plan").first).to_be_visible()
    page.reload()
    expect(page.locator("select[name=kind]")).to_have_count(3)
    expect(page.locator("#id_not_before")).to_have_value(searched)
    expect(page.locator(".c-plan").first).to_be_visible()
