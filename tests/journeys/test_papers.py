"""What Rosa writes down and files: a note, a document, and how Walter wants to be reached."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.read_off import arrive

pytestmark = pytest.mark.journey

WALTER = "SELECT patient_id FROM patients_identifier WHERE value = 'RH000001'"


def test_rosa_notes_files_and_changes_how_walter_is_reached(as_person, clinic, axe, tmp_path):
    rosa, walter = as_person("Rosa Delgado"), clinic.value(WALTER)
    page = rosa.open(f"/patients/{walter}/")
    page.keyboard.press("n")
    page.get_by_label("What colleagues should know").fill("June drives him on Fridays.")
    assert axe(page) == []
    page.get_by_role("button", name=re.compile("Save the note")).click()
    arrive(page, rf"/patients/{walter}/")
    expect(page.locator(".l-happened")).to_contain_text("June drives him on Fridays.")

    letter = tmp_path / "letter.txt"
    letter.write_text("From the heart clinic: all is well.")
    page.keyboard.press("f")
    page.get_by_label("File", exact=True).set_input_files(letter)
    page.get_by_label("Title").fill("Letter of the heart clinic")
    assert axe(page) == []
    page.get_by_role("button", name=re.compile("File it")).click()
    page.locator(".l-happened").get_by_role("link", name="Letter of the heart clinic").click()
    with page.expect_popup() as opened:
        page.get_by_role("link", name=re.compile("Open the file")).click()
    expect(opened.value.locator("body")).to_contain_text("all is well")

    page = rosa.open(f"/patients/{walter}/")
    page.get_by_role("link", name="How to reach them").first.click()
    page.get_by_label("Best time to reach them").fill("After 17:00")
    assert axe(page) == []
    page.get_by_role("button", name=re.compile("^Save")).click()
    expect(page.locator("#band")).to_contain_text("After 17:00")


def test_marta_changes_a_text_and_sorts_the_mail(as_person, axe):
    marta = as_person("Marta Kowalska")
    page = marta.open("/messages/unmatched/")
    expect(page.locator("body")).to_contain_text("Every mail found its thread")
    assert axe(page) == []
    page = marta.open("/messages/templates/please-call/")
    page.get_by_label("Subject").first.fill("{org}: please call us")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("body")).to_contain_text("(demonstration): please call us")
    assert axe(page) == []
    page.get_by_role("button", name=re.compile("Put in force")).click()
    expect(page.locator("body")).to_contain_text("Marta Kowalska")
    assert axe(page) == []
