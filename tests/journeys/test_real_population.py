"""The real population on a training day: imported twice, its discharges on the desk by themselves."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import ROOT, Clinic, liaison, run_clinic

DATA = Path(os.environ.get("LIAISON_TEST_DATA") or ROOT.parent / "shared" / "data")
BUNDLES = DATA / "synthea-r4" / "bundles"
DAY = "2021-02-20"
TABLES = ("records_resource", "records_fact", "patients_patient", "loops_loop", "directory_practitioner")

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(not BUNDLES.exists(), reason=f"there is no real population at {BUNDLES} (LIAISON_TEST_DATA)"),
]


@pytest.fixture(scope="module")
def training(django_db_setup) -> Iterator[Clinic]:
    """Liaison on the training clock, with a dozen demonstration patients."""
    yield from run_clinic("training", "--as-of", DAY, patients=12)


@pytest.fixture(scope="module")
def first_import(training):
    """The real population, imported once; what the command said."""
    return liaison(training, "import", str(BUNDLES), "--as-of", DAY)


def test_the_population_comes_in_whole_and_twice_is_once(training, first_import):
    assert first_import.returncode == 0, first_import.stdout[-3000:] + first_import.stderr[-3000:]
    assert "nothing is opened for the long past" in first_import.stdout
    before = {table: training.value(f"SELECT count(*) FROM {table}") for table in TABLES}
    assert before["patients_patient"] >= 154
    again = liaison(training, "import", str(BUNDLES), "--as-of", DAY)
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    assert "Nothing changed" in again.stdout
    assert {table: training.value(f"SELECT count(*) FROM {table}") for table in TABLES} == before


def test_discharges_that_still_matter_are_on_the_desk(training, first_import, as_person):
    assert first_import.returncode == 0
    opened = training.rows(
        "SELECT DISTINCT l.id, l.next_step FROM loops_loop l JOIN records_resource r ON r.patient_id = l.patient_id"
        " AND r.resource_type = 'Patient' JOIN records_source s ON s.id = r.source_id"
        " WHERE l.kind = 'post-discharge' AND l.state = 'open' AND s.name LIKE '%%.json.gz' ORDER BY l.id"
    )
    assert opened, training.rows("SELECT name FROM records_source LIMIT 3")
    page = as_person("Marta Kowalska", at=training).open("/?tab=all")
    expect(page.locator(".l-banner--clock")).to_contain_text("February 20, 2021")
    for _, step in opened[:3]:
        expect(page.locator("[data-row]", has_text=step).first).to_be_visible()
