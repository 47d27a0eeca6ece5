"""Several people at once: presence, taking, the supervisor's board, the privacy officer's search."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import JOURNEY, liaison

pytestmark = [*JOURNEY]


def test_two_coordinators_see_each_other_without_reloading(as_person, clinic):
    rosa, theo = as_person("Rosa Delgado"), as_person("Theo Lindqvist")
    loop_id, patient_id = clinic.rows(
        "SELECT l.id, l.patient_id FROM loops_loop l JOIN accounts_team t ON t.id = l.owner_team_id"
        " WHERE l.state = 'open' AND t.name = 'Care coordination' ORDER BY l.id DESC LIMIT 1"
    )[0]
    rosas = rosa.open(f"/patients/{patient_id}/")
    theo.open(f"/patients/{patient_id}/")
    expect(rosas.locator(f"[data-presence*='patient:{patient_id}']").first).to_contain_text(
        "Theo Lindqvist", timeout=15_000
    )
    rosas = rosa.open(f"/loops/{loop_id}/")
    theos = theo.open(f"/loops/{loop_id}/")
    theos.get_by_role("button", name=re.compile("^Take")).first.click()
    expect(rosas.locator(".l-loop-owner").first).to_contain_text("Theo Lindqvist", timeout=15_000)
    owner = clinic.value(
        "SELECT u.name FROM loops_loop l JOIN accounts_user u ON u.id = l.owner_user_id WHERE l.id = %s", loop_id
    )
    assert owner == "Theo Lindqvist"


def test_marta_sees_the_load_and_covers_a_colleague_who_is_away(as_person, clinic, axe):
    marta = as_person("Marta Kowalska", width=1600)
    held = clinic.value(
        "SELECT count(*) FROM loops_loop l JOIN accounts_user u ON u.id = l.owner_user_id"
        " WHERE l.state = 'open' AND u.name = 'Aisha Bello'"
    )
    assert held > 0
    page = marta.open("/board/")
    expect(page.locator("body")).to_contain_text("Aisha Bello")
    assert axe(page) == []
    page.get_by_role("link", name="Hand over a desk").click()
    away = page.get_by_label("Who is away").locator("option", has_text="Aisha Bello").get_attribute("value")
    page.get_by_label("Who is away").select_option(value=away)
    page.get_by_label(re.compile("Theo Lindqvist")).check()
    page.get_by_label("Why").fill("Ill")
    page.get_by_role("button", name="Hand over").click()
    page.wait_for_load_state()
    left = clinic.until(
        lambda: clinic.value(
            "SELECT count(*) = 0 FROM loops_loop l JOIN accounts_user u ON u.id = l.owner_user_id"
            " WHERE l.state = 'open' AND u.name = 'Aisha Bello'"
        )
    )
    assert left
    told = clinic.value("SELECT count(*) FROM loops_loopevent WHERE what = 'handed_over' AND reason LIKE '%%Ill%%'")
    assert told >= held


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


@pytest.mark.parametrize("width", [390, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_the_screen_and_axe_finds_nothing(as_person, clinic, axe, width, scheme):
    rosa = as_person("Rosa Delgado", width=width, scheme=scheme)
    walter = clinic.value("SELECT patient_id FROM patients_identifier WHERE value = 'RH000001'")
    loop = clinic.value("SELECT id FROM loops_loop WHERE state = 'open' ORDER BY id LIMIT 1")
    for path in (
        "/",
        f"/patients/{walter}/",
        f"/loops/{loop}/",
        "/patients/?q=ng",
        "/referrals/",
        "/calendar/",
        f"/book/?patient={walter}",
        f"/calls/new/?patient={walter}",
        "/messages/",
    ):
        page = rosa.open(path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} is {wide} px too wide at {width}"
        assert axe(page) == [], path
