"""The real population on a training day: imported twice, its discharges on the desk by themselves."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import ROOT, Clinic, liaison, run_clinic

BUNDLES = ROOT.parent / "shared" / "data" / "synthea-r4" / "bundles"
DAY = "2021-02-20"

pytestmark = pytest.mark.skipif(not BUNDLES.exists(), reason="the shared real population is not beside this clone")


@pytest.fixture(scope="module")
def training(django_db_setup) -> Iterator[Clinic]:
    """Liaison on the training clock with two demonstration patients, before the import."""
    yield from run_clinic("training", "--as-of", DAY, patients=12)


def test_the_population_comes_in_whole_and_twice_is_once(training):
    first = liaison(training, "import", str(BUNDLES), "--as-of", DAY)
    assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
    received = training.value("SELECT count(*) FROM records_resource")
    people = training.value("SELECT count(*) FROM patients_patient")
    loops = training.value("SELECT count(*) FROM loops_loop")
    assert people >= 154
    assert re.search(r"too (long ago|old)|past", first.stdout), first.stdout[-2000:]
    again = liaison(training, "import", str(BUNDLES), "--as-of", DAY)
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    assert training.value("SELECT count(*) FROM records_resource") == received
    assert training.value("SELECT count(*) FROM patients_patient") == people
    assert training.value("SELECT count(*) FROM loops_loop") == loops


def test_discharges_that_still_matter_are_on_the_desk(training, as_person):
    opened = training.rows(
        "SELECT l.id, l.next_step FROM loops_loop l JOIN records_resource r ON r.patient_id = l.patient_id"
        " AND r.resource_type = 'Patient' JOIN records_source s ON s.id = r.source_id"
        " WHERE l.kind = 'post-discharge' AND l.state = 'open' AND s.name LIKE '%%.json.gz' ORDER BY l.id"
    )
    assert opened, "no discharge of the imported population opened a loop"
    page = as_person("Marta Kowalska", at=training).open("/?tab=all")
    expect(page.locator(".l-banner--clock")).to_contain_text("2021-02-20")
    for _, step in opened[:3]:
        expect(page.locator("[data-row]", has_text=step).first).to_be_visible()
