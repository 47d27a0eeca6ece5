"""Calls after a hospital stay: attempts that count, attempts that don't, and the contact that is made."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.journeys.bundles import home_from_hospital
from tests.journeys.conftest import liaison
from tests.journeys.read_off import arrive, evidence_of, settled

pytestmark = pytest.mark.journey

NEW_YORK = ZoneInfo("America/New_York")


def test_two_documented_attempts_count_and_the_promise_stays_open(as_person, clinic, tmp_path):
    """Two hours apart they are two attempts: the contact counts, and a clock to keep trying starts."""
    loop_id, patient_id = _home_from_hospital(clinic, tmp_path, number="JOURNEY-1")
    rosa = as_person("Rosa Delgado")
    first_at, second_at = _two_hours_apart(clinic)
    story = _log_try(rosa, patient_id, loop_id, outcome="No answer", at=first_at)
    expect(story.get_by_text("Call with", exact=False).first).to_contain_text("No answer", ignore_case=True)
    expect(_proof(story, "Contact made")).to_have_class("is-missing")
    assert _tries(clinic, loop_id) == [("no_answer", first_at)]
    assert evidence_of(clinic, loop_id) == ["attempt"]
    assert _clock(clinic, loop_id, "tcm.keep_trying") == []

    story = _log_try(rosa, patient_id, loop_id, outcome="Left a message", at=second_at)
    expect(_proof(story, "Contact made")).to_have_class("is-in")
    expect(_proof(story, "Contact made")).to_contain_text(
        "2 separate attempts documented inside the two business days. Keep trying."
    )
    expect(story.locator(".l-rules")).to_contain_text("Keep trying to reach")
    expect(story.locator(".l-loop-next")).to_be_visible()
    assert _tries(clinic, loop_id) == [("no_answer", first_at), ("left_message", second_at)]
    assert evidence_of(clinic, loop_id) == ["attempt", "attempt", "contact"]
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
    assert evidence_of(clinic, loop_id) == ["attempt", "attempt"]
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
    settled(page)
    form.get_by_label("When").fill(f"{at.astimezone(NEW_YORK):%Y-%m-%dT%H:%M}")
    form.locator("[name=said]").fill("Asked them to call back.")
    page.get_by_role("button", name=re.compile("Log the call")).click()
    arrive(page, rf"/loops/{loop_id}/$")
    return page.locator("main .l-loop")


def _proof(story, label):
    return story.locator(".l-evidence li", has_text=label).first


def _tries(clinic, loop_id):
    return clinic.rows("SELECT outcome, started_at FROM inbox_call WHERE loop_id = %s ORDER BY started_at", loop_id)


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
    said = form.get_by_label("What was said")
    for outcome, needed in (("^reached", True), ("^left a message", False), ("^reached", True)):
        form.get_by_role("radio", name=re.compile(outcome, re.IGNORECASE)).first.check()
        expect(said).to_have_js_property("required", needed)
        expect(form.locator("[data-words-optional]")).to_be_visible(visible=not needed)
        settled(page)
    form.locator("[name=said]").fill("Feels well, has her medicines.")
    form.locator("[name=clinical]").check()
    teach = form.get_by_role("group", name="Teach-back 1")
    teach.get_by_label("Topic").fill("When to take the water pill")
    teach.get_by_label(re.compile("words")).fill("In the morning, with water")
    teach.get_by_label(re.compile("Understood")).select_option(value="yes")
    page.get_by_role("button", name=re.compile("Log the call")).click()
    arrive(page, r"^((?!/calls/new).)*$")
    outcome, topic, understood = clinic.rows(
        "SELECT c.outcome, t.topic, t.understood FROM inbox_call c JOIN inbox_teachback t ON t.call_id = c.id"
        " WHERE c.loop_id = %s ORDER BY c.id DESC LIMIT 1",
        loop_id,
    )[0]
    assert (outcome, topic, understood) == ("reached", "When to take the water pill", "yes")
    assert "contact" in clinic.value("SELECT evidence_kinds FROM loops_loop WHERE id = %s", loop_id)
    page = rosa.open(f"/loops/{loop_id}/")
    expect(page.locator(".l-evidence .is-in", has_text="Contact made")).to_be_visible()
    expect(page.locator(".l-loop-next")).not_to_contain_text("first call")
