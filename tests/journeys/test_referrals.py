"""A referral from the clinician who asks to the patient being told, at our place and elsewhere."""

import re
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.journeys.read_off import arrive, evidence_of, offered_at, settled, tomorrow, who_holds

pytestmark = pytest.mark.journey

NEW_YORK = ZoneInfo("America/New_York")


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
    visit_at = clinic.now().astimezone(NEW_YORK)  # the same minute: a visit for it can't lie before it was sent
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
    assert evidence_of(clinic, loop_id) == ["patient_informed", "referrer_reviewed", "report_received"]
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
    arrive(page, "/book/")
    page.goto(f"{page.url}&not_before={tomorrow(clinic)}")  # one of today may have begun before it is taken
    earliest = page.locator(".c-time").first
    expect(earliest).to_contain_text("Dr Omar Farouk")
    start_at, seats = offered_at(earliest)
    page.get_by_role("button", name="Book this time").click()
    arrive(page, r"/appointments/\d+/")
    visit_id, at, state = clinic.rows(
        "SELECT id, start_at, state FROM scheduling_appointment WHERE referral_id = %s", referral_id
    )[0]
    assert (at, state) == (start_at, "booked")
    assert {held for (held,) in who_holds(clinic, seats, start_at)} == {visit_id}
    expect(page.locator("main")).to_contain_text("Dr Omar Farouk")
    assert clinic.until(lambda: _where(clinic, referral_id)[0] == "scheduled")
    kept = clinic.rows("SELECT appointment_id, visit_at FROM orders_referral WHERE id = %s", referral_id)
    assert kept == [(visit_id, start_at)]
    page = rosa.open(f"/referrals/{referral_id}/")
    _stands(page, clinic, referral_id, "scheduled", rule="referral.visit", step="Confirm that")
    ((_, _, due_at),) = _running(clinic, _where(clinic, referral_id)[1])
    assert due_at.astimezone(NEW_YORK).date() == start_at.astimezone(NEW_YORK).date()


def test_who_was_told_before_the_review_is_told_anew_what_it_decides(as_person, clinic):
    """The form asks whether they know it; a review that is taken back lets the first telling stand again."""
    imani, rosa = as_person("Dr Imani Achebe"), as_person("Rosa Delgado")
    referral_id = _refer(imani, clinic, to="Tanaka")
    _move(rosa, referral_id, "The note came", {"report": "Mild stenosis."})
    _move(rosa, referral_id, "The patient was told", {"how": "By phone: all is well."})
    early = ["patient_informed", "report_received"]
    _stands(rosa.page, clinic, referral_id, "note_received", rule="referral.review", step="reviews", evidence=early)

    form = _press(imani, referral_id, "Reviewed", {"review": "Stop the tablets."})
    expect(form).to_contain_text("Told before, as Rosa Delgado noted")
    expect(form).to_contain_text("By phone: all is well.")
    expect(form.locator("[name=knows]:checked")).to_have_count(0)
    form.locator(".l-form-actions button").first.click()
    expect(form.locator("[name=knows]:invalid").first).to_be_attached()
    assert _where(clinic, referral_id)[0] == "note_received"
    form.locator("[name=knows][value=no]").check()
    _send(imani, form)
    late = ["referrer_reviewed", "report_received"]
    _stands(imani.page, clinic, referral_id, "reviewed", rule="referral.tell", step="Tell", evidence=late)
    struck = imani.page.locator(".l-timeline--story li.is-undone")
    expect(struck).to_contain_text("The patient was told.")
    expect(struck).to_contain_text("taken back by Dr Imani Achebe with the review of the note")

    imani.page.get_by_role("button", name="Take it back").click()
    expect(imani.page.locator(".l-track [aria-current=step]")).to_contain_text("Note received")
    _stands(imani.page, clinic, referral_id, "note_received", rule="referral.review", step="reviews", evidence=early)
    _move(imani, referral_id, "Reviewed", {"review": "Stop the tablets.", "knows": "no"})
    _move(rosa, referral_id, "The patient was told", {"how": "By phone: stop the tablets."})
    state, loop_id, loop_state, _ = _where(clinic, referral_id)
    assert (state, loop_state) == ("closed", "closed")
    assert evidence_of(clinic, loop_id) == ["patient_informed", "referrer_reviewed", "report_received"]


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
    settled(page)
    page.locator("[name=target]").locator("option", has_text=to).wait_for(state="attached")
    target = page.locator("[name=target]").locator("option", has_text=to).first.get_attribute("value")
    page.locator("[name=target]").select_option(value=target)
    page.locator("textarea[name=question]").fill("New murmur; <b>please</b> evaluate; it's urgent?")
    page.locator("select[name=coverage_status]").select_option(index=1)
    owner = page.locator("select[name=owner]").locator("option", has_text="Rosa Delgado").first
    page.locator("select[name=owner]").select_option(value=owner.get_attribute("value"))
    page.get_by_role("button", name="Record as sent", exact=True).click()
    arrive(page, r"/referrals/\d+/")
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
    assert evidence_of(clinic, loop_id) == list(evidence)
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
        choice = form.locator(f"[name={name}][type=radio][value='{value}']")
        if choice.count():
            choice.check()
        else:
            form.locator(f"[name={name}]").fill(value)
    return form


def _move(person, referral_id, word, typed):
    """Make a move, and wait until it was answered well and the page no longer shows its form."""
    _send(person, _press(person, referral_id, word, typed))


def _send(person, form):
    def is_the_answer(response):
        return response.request.method == "POST" and "/referrals/" in response.url

    with person.page.expect_response(is_the_answer) as answered:
        form.locator(".l-form-actions button").first.click()
    assert answered.value.ok or answered.value.status in {302, 303}, answered.value.status
    expect(form).to_have_count(0)


def _reroute(person, referral_id, *, to):
    form = _press(person, referral_id, "Re-route it", {})
    other = form.locator("[name=target] option", has_text=to).first.get_attribute("value")
    form.locator("[name=target]").select_option(value=other)
    settled(person.page)  # the way by which it goes follows whom it asks
    _send(person, form)
