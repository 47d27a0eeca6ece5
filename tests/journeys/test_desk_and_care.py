"""What a coordinator does in a day: the desk, a patient, calls, bookings, and a referral to its end."""

import email
import re
from datetime import UTC, datetime, timedelta
from email import policy
from zoneinfo import ZoneInfo

import icalendar
import pytest
from playwright.sync_api import expect

from tests.journeys.bundles import home_from_hospital
from tests.journeys.conftest import liaison

pytestmark = pytest.mark.journey

NEW_YORK = ZoneInfo("America/New_York")


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
    expect(titles.filter(has_text="Home from hospital").first).to_be_visible()
    expect(titles.filter(has_text="Referral")).to_have_count(0)
    happened.get_by_label("Look for").fill("zebra")
    expect(happened).to_contain_text("Nothing here says “zebra”")
    seen = clinic.until(
        lambda: clinic.value(
            "SELECT count(*) FROM core_auditentry WHERE outcome = 'seen' AND actor_name = 'Rosa Delgado'"
            " AND patient_ids @> ARRAY[(SELECT patient_id FROM patients_identifier WHERE value = 'RH000001')]"
        )
    )
    assert seen > 0


def test_rosa_reads_who_a_patient_is_how_to_reach_them_and_what_happened_by_kind(as_person, clinic):
    """Alerts, care team, promises and the timeline, as the database holds them."""
    patient_id, family, given, birth_on, number = clinic.rows(
        "SELECT p.id, p.family, p.given, p.birth_on, i.value FROM patients_patient p"
        " JOIN patients_alert a ON a.patient_id = p.id AND a.ended_at IS NULL"
        " JOIN patients_careteammember m ON m.patient_id = p.id AND m.ends_on IS NULL"
        " JOIN patients_identifier i ON i.patient_id = p.id AND i.kind = 'mrn' AND i.retired_at IS NULL"
        " JOIN loops_loop l ON l.patient_id = p.id AND l.state = 'open'"
        " JOIN accounts_site s ON s.id = l.site_id AND s.code = 'RIV' ORDER BY p.id LIMIT 1"
    )[0]
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
    happened.get_by_label("Look for").fill(word)
    expect(titles.filter(has_not_text=re.compile(re.escape(word), re.IGNORECASE))).to_have_count(0)
    expect(titles.first).to_contain_text(re.compile(re.escape(word), re.IGNORECASE))


def test_two_documented_attempts_count_and_the_promise_stays_open(as_person, clinic, tmp_path):
    """Two hours apart they are two attempts: the contact counts, and a clock to keep trying starts."""
    loop_id, patient_id = _home_from_hospital(clinic, tmp_path, number="JOURNEY-1")
    rosa = as_person("Rosa Delgado")
    first_at, second_at = _two_hours_apart(clinic)
    story = _log_try(rosa, patient_id, loop_id, outcome="No answer", at=first_at)
    expect(story.get_by_text("Call with", exact=False).first).to_contain_text("No answer", ignore_case=True)
    expect(_proof(story, "Contact made")).to_have_class("is-missing")
    assert _tries(clinic, loop_id) == [("no_answer", first_at)]
    assert _evidence(clinic, loop_id) == ["attempt"]
    assert _clock(clinic, loop_id, "tcm.keep_trying") == []

    story = _log_try(rosa, patient_id, loop_id, outcome="Left a message", at=second_at)
    expect(_proof(story, "Contact made")).to_have_class("is-in")
    expect(_proof(story, "Contact made")).to_contain_text(
        "2 separate attempts documented inside the two business days. Keep trying."
    )
    expect(story.locator(".l-rules")).to_contain_text("Keep trying to reach")
    expect(story.locator(".l-loop-next")).to_be_visible()
    assert _tries(clinic, loop_id) == [("no_answer", first_at), ("left_message", second_at)]
    assert _evidence(clinic, loop_id) == ["attempt", "attempt", "contact"]
    assert [running for _, running in _clock(clinic, loop_id, "tcm.keep_trying")] == [True]
    assert [running for _, running in _clock(clinic, loop_id, "tcm.contact")] == [False]
    state, codes, missing = clinic.rows(
        "SELECT state, evidence_kinds, ARRAY(SELECT unnest(required_evidence) EXCEPT SELECT unnest(evidence_kinds))"
        " FROM loops_loop WHERE id = %s",
        loop_id,
    )[0]
    assert state == "open"
    assert set(codes) == {"attempt", "contact"}
    assert sorted(missing) == ["reconciliation", "visit"]


def test_two_tries_within_the_hour_are_one_attempt(as_person, clinic, tmp_path):
    loop_id, patient_id = _home_from_hospital(clinic, tmp_path, number="JOURNEY-2")
    rosa = as_person("Rosa Delgado")
    _, at = _two_hours_apart(clinic)
    earlier = at - timedelta(minutes=40)
    _log_try(rosa, patient_id, loop_id, outcome="No answer", at=earlier)
    story = _log_try(rosa, patient_id, loop_id, outcome="Left a message", at=at)
    expect(story).to_contain_text(
        f"Counts as the same attempt as {earlier.astimezone(NEW_YORK):%H:%M}: try again later."
    )
    expect(_proof(story, "Contact made")).to_have_class("is-missing")
    assert _tries(clinic, loop_id) == [("no_answer", earlier), ("left_message", at)]
    assert _evidence(clinic, loop_id) == ["attempt", "attempt"]
    assert _clock(clinic, loop_id, "tcm.keep_trying") == []
    assert [running for _, running in _clock(clinic, loop_id, "tcm.contact")] == [True]
    assert clinic.value("SELECT state FROM loops_loop WHERE id = %s", loop_id) == "open"


def _home_from_hospital(clinic, folder, *, number):
    """Someone came home five hours ago, as an imported bundle says: the loop that this opened, and the patient."""
    home_from_hospital(folder, number=number, discharged_at=clinic.now() - timedelta(hours=5))
    done = liaison(clinic, "import", str(folder), "--site", "RIV")
    assert done.returncode == 0, done.stdout + done.stderr
    found = clinic.until(
        lambda: clinic.rows(
            "SELECT l.id, l.patient_id FROM loops_loop l JOIN patients_identifier i ON i.patient_id = l.patient_id"
            " WHERE i.value = %s AND l.kind = 'post-discharge' AND l.state = 'open'",
            number,
        ),
        seconds=60,
    )
    assert len(found) == 1, done.stdout
    assert [running for _, running in _clock(clinic, found[0][0], "tcm.contact")] == [True]
    return found[0]


def _two_hours_apart(clinic):
    """Two whole minutes, the later one just past."""
    later = clinic.now().replace(second=0, microsecond=0) - timedelta(minutes=2)
    return later - timedelta(hours=2), later


def _log_try(rosa, patient_id, loop_id, *, outcome, at):
    """Log a call that did not reach them, begun at `at`; the loop's page, which it leads back to."""
    page = rosa.open(f"/calls/new/?patient={patient_id}&loop={loop_id}")
    form = page.locator("#call-form")
    form.locator(".l-call-choice", has_text=outcome).click()
    form.get_by_label("When").fill(f"{at.astimezone(NEW_YORK):%Y-%m-%dT%H:%M}")
    form.locator("[name=said]").fill("Asked them to call back.")
    page.get_by_role("button", name=re.compile("Log the call")).click()
    page.wait_for_url(f"**/loops/{loop_id}/")
    return page.locator("main .l-loop")


def _proof(story, label):
    return story.locator(".l-evidence li", has_text=label).first


def _tries(clinic, loop_id):
    return clinic.rows("SELECT outcome, started_at FROM inbox_call WHERE loop_id = %s ORDER BY started_at", loop_id)


def _evidence(clinic, loop_id):
    rows = clinic.rows(
        "SELECT kind FROM loops_evidence WHERE loop_id = %s AND withdrawn_at IS NULL ORDER BY kind", loop_id
    )
    return [kind for (kind,) in rows]


def _clock(clinic, loop_id, rule):
    """The clocks of a rule: by when, and whether it runs."""
    return clinic.rows(
        "SELECT due_at, satisfied_at IS NULL AND voided_at IS NULL FROM loops_clock"
        " WHERE loop_id = %s AND rule_id = %s ORDER BY id",
        loop_id,
        rule,
    )


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
        " (SELECT 1 FROM scheduling_appointment v WHERE v.patient_id = p.patient_id AND v.start_at > %s)"
        " ORDER BY p.patient_id DESC LIMIT 1",
        clinic.now(),
    )
    rosa = as_person("Rosa Delgado")
    page = rosa.open(f"/book/?patient={patient_id}")
    page.locator("select[name=visit_type]").select_option(label="Office visit, 20 min")
    expect(page.locator("input[name=offer]").first).to_be_visible()
    earliest = page.locator(".c-time").first
    expect(earliest).to_contain_text("Earliest")
    expect(earliest.locator("input")).to_be_checked()
    start_at, seats = _offered(earliest)
    assert start_at == min(_offered(one)[0] for one in page.locator(".c-time").all())
    who, room = earliest.locator(".c-time-who").inner_text().split("+")[0].split(" · ")
    assert _taken(clinic, seats, start_at) == []
    before = len(clinic.mails())
    page.get_by_role("button", name="Book this time").dblclick()
    page.wait_for_url(lambda url: "/book/" not in url)
    visits = clinic.rows(
        "SELECT id, state, start_at FROM scheduling_appointment WHERE patient_id = %s AND start_at > %s",
        patient_id,
        clinic.now(),
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
    assert {taken for (taken,) in _taken(clinic, seats, start_at)} == {visits[0][0]}
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


def _offered(choice):
    """When an offered time begins, and the ids of who and what it takes."""
    start_at, _site, *seats = choice.locator("input").get_attribute("value").split()
    return datetime.fromisoformat(start_at), [int(seat.rpartition(":")[2]) for seat in seats]


def _taken(clinic, seats, at):
    """The visits that hold one of these at that instant."""
    return clinic.rows(
        "SELECT appointment_id FROM scheduling_reservation WHERE active AND resource_id = ANY (%s) AND during @> %s",
        seats,
        at,
    )


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
    """Declined with a reason, re-routed outside, and on to its end; at every state the clock of that state runs."""
    imani, rosa = as_person("Dr Imani Achebe"), as_person("Rosa Delgado")
    referral_id = _refer(imani, clinic, to="Tanaka")
    _stands(imani.page, clinic, referral_id, "sent", rule="referral.acknowledge", step="Confirm that Dr Mei Tanaka has")

    _press(rosa, referral_id, "They declined", {"reason": ""})
    form = rosa.page.locator("#referral-do form")
    form.locator(".l-form-actions button").first.click()
    expect(form.locator(":invalid, [aria-invalid=true]").first).to_be_visible()
    assert clinic.value("SELECT state FROM orders_referral WHERE id = %s", referral_id) == "sent"
    _move(rosa, referral_id, "They declined", {"reason": "No new patients until spring"})
    _stands(rosa.page, clinic, referral_id, "declined", rule="referral.reroute", step="Re-route")
    expect(rosa.page.locator(".l-loop-when")).to_contain_text("Declined: No new patients until spring")

    _reroute(rosa, referral_id, to="Hudson Valley Heart")
    heart = clinic.value(
        "SELECT o.name FROM orders_referral r JOIN directory_organization o ON o.id = r.target_organization_id"
        " WHERE r.id = %s",
        referral_id,
    )
    assert heart.startswith("Hudson Valley Heart")
    assert clinic.value("SELECT times_sent FROM orders_referral WHERE id = %s", referral_id) == 2
    expect(rosa.open(f"/referrals/{referral_id}/").get_by_role("heading", level=1)).to_contain_text(heart)
    visit_at = clinic.now().astimezone(NEW_YORK) - timedelta(hours=1)
    told = {"how": "By phone; she will come in a year."}
    for person, word, typed, state, rule, step, evidence in (
        (None, "", {}, "sent", "referral.acknowledge", f"Confirm that {heart} has", []),
        (rosa, "They have it", {}, "received", "referral.decide", f"Ask {heart} whether they accept", []),
        (rosa, "They accepted", {}, "accepted", "referral.schedule", f"a visit with {heart}", []),
        (rosa, "Note their visit", {"visit_at": f"{visit_at:%Y-%m-%dT%H:%M}"}, "scheduled", "referral.visit",
         "Confirm that", []),
        (rosa, "The patient was seen", {}, "seen", "referral.note", f"Get {heart}'s note on", []),
        (rosa, "The note came", {"report": "Mild stenosis. Echo in a year."}, "note_received", "referral.review",
         f"Dr Imani Achebe reviews {heart}'s note on", ["report_received"]),
        (imani, "Reviewed", {"review": "Agree."}, "reviewed", "referral.tell", f"what {heart} found",
         ["referrer_reviewed", "report_received"]),
    ):  # fmt: skip
        if person is not None:
            _move(person, referral_id, word, typed)
        _stands((person or rosa).page, clinic, referral_id, state, rule=rule, step=step, evidence=evidence)
    _move(rosa, referral_id, "The patient was told", told)
    expect(rosa.page.locator(".l-referral .l-note--done")).to_contain_text("Closed")
    expect(rosa.page.locator(".l-evidence li.is-in")).to_have_count(3)
    expect(rosa.page.locator(".l-evidence li.is-missing")).to_have_count(0)
    state, loop_id, loop_state, codes = _where(clinic, referral_id)
    assert (state, loop_state) == ("closed", "closed")
    assert sorted(codes) == ["patient_informed", "referrer_reviewed", "report_received"]
    assert _evidence(clinic, loop_id) == ["patient_informed", "referrer_reviewed", "report_received"]
    assert _running(clinic, loop_id) == []
    page = rosa.open(f"/referrals/{referral_id}/")
    expect(page.locator("body")).to_contain_text("New murmur; <b>please</b> evaluate")
    story = [line.lower() for line in page.locator(".l-timeline--story .l-timeline-what").all_inner_texts()]
    assert sum("no new patients until spring" in line for line in story) == 1


def test_the_cardiology_visit_of_a_referral_is_booked_here(as_person, clinic):
    """By somebody who may give the specialist's time away: Marta, who works at every site."""
    imani, rosa = as_person("Dr Imani Achebe"), as_person("Rosa Delgado")
    referral_id = _refer(imani, clinic, to="Farouk")
    for word, state, rule, step in (
        ("They have it", "received", "referral.decide", "Ask Dr Omar Farouk whether they accept"),
        ("They accepted", "accepted", "referral.schedule", "a visit with Dr Omar Farouk"),
    ):
        _move(rosa, referral_id, word, {})
        _stands(rosa.page, clinic, referral_id, state, rule=rule, step=step)
    page = as_person("Marta Kowalska").open(f"/referrals/{referral_id}/")
    page.get_by_role("link", name="Book it here").click()
    page.wait_for_url("**/book/**")
    earliest = page.locator(".c-time").first
    expect(earliest).to_contain_text("Dr Omar Farouk")
    start_at, seats = _offered(earliest)
    page.get_by_role("button", name="Book this time").click()
    page.wait_for_url("**/appointments/**")
    visit_id, at, state = clinic.rows(
        "SELECT id, start_at, state FROM scheduling_appointment WHERE referral_id = %s", referral_id
    )[0]
    assert (at, state) == (start_at, "booked")
    assert {taken for (taken,) in _taken(clinic, seats, start_at)} == {visit_id}
    expect(page.locator("main")).to_contain_text("Dr Omar Farouk")
    assert clinic.until(lambda: _where(clinic, referral_id)[0] == "scheduled")
    kept = clinic.rows("SELECT appointment_id, visit_at FROM orders_referral WHERE id = %s", referral_id)
    assert kept == [(visit_id, start_at)]
    page = rosa.open(f"/referrals/{referral_id}/")
    _stands(page, clinic, referral_id, "scheduled", rule="referral.visit", step="Confirm that")
    ((_, _, due_at),) = _running(clinic, _where(clinic, referral_id)[1])
    assert due_at.astimezone(NEW_YORK).date() == start_at.astimezone(NEW_YORK).date()


def _refer(imani, clinic, *, to):
    """Refer a patient of Riverside who has no referral to a cardiologist of ours; Rosa follows it. Its id."""
    patient_id = clinic.value(
        "SELECT s.patient_id FROM patients_patientsite s JOIN accounts_site a ON a.id = s.site_id AND a.code = 'RIV'"
        " JOIN patients_patient p ON p.id = s.patient_id AND NOT p.is_deceased AND p.merged_into_id IS NULL"
        " WHERE NOT EXISTS (SELECT 1 FROM orders_referral r WHERE r.patient_id = s.patient_id)"
        " ORDER BY s.patient_id DESC LIMIT 1"
    )
    page = imani.open(f"/patients/{patient_id}/refer/")
    page.locator("select[name=specialty]").select_option(label="Cardiology")
    page.locator("[name=target]").locator("option", has_text=to).wait_for(state="attached")
    target = page.locator("[name=target]").locator("option", has_text=to).first.get_attribute("value")
    page.locator("[name=target]").select_option(value=target)
    page.locator("textarea[name=question]").fill("New murmur; <b>please</b> evaluate; it's urgent?")
    page.locator("select[name=coverage_status]").select_option(index=1)
    owner = page.locator("select[name=owner]").locator("option", has_text="Rosa Delgado").first
    page.locator("select[name=owner]").select_option(value=owner.get_attribute("value"))
    page.get_by_role("button", name="Record as sent", exact=True).click()
    page.wait_for_url(re.compile(r"/referrals/\d+/"))
    return int(re.search(r"/referrals/(\d+)/", page.url)[1])


WORDS = {
    "sent": "Sent", "received": "Received", "accepted": "Accepted", "scheduled": "Scheduled",
    "seen": "Seen, note pending", "note_received": "Note received", "reviewed": "Reviewed",
}  # fmt: skip


def _stands(page, clinic, referral_id, state, *, rule, step, evidence=()):
    """The referral is in this open state, on the page and in the database, and only the clock of the state runs."""
    if state in WORDS:
        expect(page.locator(".l-track [aria-current=step]")).to_contain_text(WORDS[state])
    now_in, loop_id, loop_state, codes = _where(clinic, referral_id)
    assert (now_in, loop_state) == (state, "open")
    assert sorted(codes) == list(evidence)
    assert _evidence(clinic, loop_id) == list(evidence)
    ((runs, words, due_at),) = _running(clinic, loop_id)
    assert runs == rule
    assert step in words
    assert clinic.rows("SELECT next_step, due_at FROM loops_loop WHERE id = %s", loop_id) == [(words, due_at)]
    expect(page.locator(".l-loop-next .l-step")).to_have_text(words)
    expect(page.locator(".l-loop-when time").first).to_have_attribute("datetime", re.compile(r"^\d{4}-\d\d-\d\dT"))
    expect(page.locator(".l-evidence li.is-in")).to_have_count(len(evidence))
    expect(page.locator(".l-evidence li.is-missing")).to_have_count(3 - len(evidence))


def _where(clinic, referral_id):
    """State of the referral; id, state and evidence of its loop."""
    return clinic.rows(
        "SELECT r.state, l.id, l.state, l.evidence_kinds FROM orders_referral r JOIN loops_loop l ON l.id = r.loop_id"
        " WHERE r.id = %s",
        referral_id,
    )[0]


def _running(clinic, loop_id):
    """The clocks that run for a loop: rule, step, due."""
    return clinic.rows(
        "SELECT rule_id, step, due_at FROM loops_clock"
        " WHERE loop_id = %s AND satisfied_at IS NULL AND voided_at IS NULL ORDER BY id",
        loop_id,
    )


def _press(person, referral_id, word, typed):
    """Open the form of a move and fill in what it asks."""
    page = person.open(f"/referrals/{referral_id}/")
    page.locator(".l-referral-moves a", has_text=word).first.click()
    form = page.locator("#referral-do form")
    form.wait_for()
    for name, value in typed.items():
        form.locator(f"[name={name}]").fill(value)
    return form


def _move(person, referral_id, word, typed):
    """Make a move, and wait until it was answered well and the page no longer shows its form."""
    _send(person, _press(person, referral_id, word, typed))


def _send(person, form):
    with person.page.expect_response(lambda response: response.request.method == "POST") as answered:
        form.locator(".l-form-actions button").first.click()
    assert answered.value.ok or answered.value.status in {302, 303}, answered.value.status
    expect(form).to_have_count(0)


def _reroute(person, referral_id, *, to):
    form = _press(person, referral_id, "Re-route it", {})
    other = form.locator("[name=target] option", has_text=to).first.get_attribute("value")
    form.locator("[name=target]").select_option(value=other)
    _send(person, form)
