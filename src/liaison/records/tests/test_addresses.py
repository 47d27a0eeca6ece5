"""Addresses: which count beyond their bundle, and what labels make of resources that have nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from liaison.patients.models import Patient
from liaison.records.models import EarlierVersion, Resource
from liaison.records.rules.addresses import identity_in
from liaison.records.rules.intake import Received, Reject
from liaison.records.rules.reading import read
from liaison.records.rules.references import address_beyond
from liaison.records.tests.cast import write

UUID = "urn:uuid:5d1e7f0c-3b2a-4c6d-9e8f-a1b2c3d4e5f6"


def person(number, **more):
    """A Patient without an id."""
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:mrn", "value": f"M-{number}"}],
        "name": [{"family": f"Family{number}"}],
        "birthDate": f"19{number}-01-01",
        **more,
    }


def result(**more):
    """A normal result of whoever is called `urn:uuid:pt`."""
    return {"resourceType": "Observation", "code": {"text": "normal"}, "subject": {"reference": "urn:uuid:pt"}, **more}


def by_hand(*entries, kind="transaction"):
    """A bundle of (fullUrl, resource)."""
    return {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [({"fullUrl": url} if url else {}) | {"resource": resource} for url, resource in entries],
    }


def written(number):
    """A bundle as people write it: a patient and a result that is the same in each."""
    return by_hand(("urn:uuid:pt", person(number)), ("urn:uuid:obs", result()))


def received(tmp_path, content):
    """What is read from a file, by its place."""
    return {one.path: one for one in read(write(tmp_path / "one.json", content)) if isinstance(one, Received)}


def results_by_family():
    """Whose the kept results are."""
    rows = Resource.objects.filter(resource_type="Observation").select_related("patient")
    return sorted(one.patient.family if one.patient else "" for one in rows)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "urn:uuid:pt",
        "urn:uuid:",
        "urn:uuid:00000000-0000-0000-0000-000000000000",
        "urn:uuid:00000000-0000-4000-8000-000000000001",
        "urn:uuid:FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        "urn:uuid:aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "urn:uuid:12345678-1234-1234-1234-123456789abc",
        "urn:uuid:123e4567-e89b-12d3-a456-426614174000",
        "urn:oid:1.2.3.4.5.6.7",
        "urn:oid:1.2",
        "urn:oid:pt",
        "urn:isbn:0451450523",
        "Patient/77",
        "pt",
    ],
)
def test_a_label_a_uuid_that_was_typed_in_and_a_relative_url_count_in_their_bundle_only(address):
    assert (address_beyond(address), identity_in(address)) == ("", "")


def test_servers_uuids_in_any_case_and_oids_count_everywhere():
    assert address_beyond("https://here.example/fhir/Patient/7") == "https://here.example/fhir/Patient/7"
    assert identity_in("https://here.example/fhir/Patient/7") == ""
    assert address_beyond(UUID) == address_beyond(f"urn:uuid:{UUID[9:].upper()}") == UUID
    assert identity_in(f"urn:uuid:{UUID[9:].upper()}") == UUID[9:]
    assert identity_in("urn:oid:2.16.840.1.113883.3.9.1") == "2.16.840.1.113883.3.9.1"
    assert identity_in(f"urn:oid:2.25.1.1.1.{'9' * 70}") == ""


def test_two_bundles_with_the_same_labels_are_two_people_and_each_has_their_own_result(cast, tmp_path):
    first, second = (write(tmp_path / f"{number}.json", written(number)) for number in (31, 51))
    summary = cast.take_in(first, second)
    assert sorted(Patient.objects.values_list("family", flat=True)) == ["Family31", "Family51"]
    assert results_by_family() == ["Family31", "Family51"]
    assert (summary.total.new, summary.rejects, summary.unresolved, EarlierVersion.objects.count()) == (4, (), (), 0)


def test_two_bundles_with_the_same_labels_on_the_lines_of_one_file_do_not_meet(cast, tmp_path):
    lines = "\n".join(json.dumps(written(number)) for number in (31, 51))
    summary = cast.take_in(write(tmp_path / "all.ndjson", lines))
    assert results_by_family() == ["Family31", "Family51"]
    assert (summary.rejects, summary.unresolved) == ((), ())


def test_two_bundles_with_the_same_labels_inside_another_do_not_meet(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", by_hand(("", written(31)), ("urn:uuid:b", written(51)), kind="batch")))
    assert results_by_family() == ["Family31", "Family51"]


def test_the_same_bundle_again_changes_nothing_nor_does_one_whose_patient_has_a_new_telephone(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", written(31)))
    again = cast.take_in(write(tmp_path / "b.json", json.dumps(written(31), indent=2)))
    assert (again.changed_nothing, again.total.unchanged) == (True, 2)
    phone = person(31, telecom=[{"system": "phone", "value": "518-555-0142"}])
    moved = by_hand(("urn:uuid:pt", phone), ("urn:uuid:obs", result()))
    assert cast.take_in(write(tmp_path / "c.json", moved)).by_type["Observation"].unchanged == 1
    assert (Patient.objects.count(), results_by_family()) == (1, ["Family31"])


def test_who_is_named_by_a_label_in_another_bundle_has_not_come(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", by_hand(("urn:uuid:pt", person(31) | {"id": "p31"}))))
    summary = cast.take_in(write(tmp_path / "b.json", by_hand(("urn:uuid:obs", result()))))
    assert [note.text for note in summary.unresolved] == ["points at urn:uuid:pt, which has not come"]
    assert results_by_family() == [""]


def test_a_label_is_found_in_the_bundle_around_the_own_one(cast, tmp_path):
    inner = by_hand(("urn:uuid:obs", result()), kind="collection")
    cast.take_in(write(tmp_path / "a.json", by_hand(("urn:uuid:pt", person(31)), ("", inner))))
    assert results_by_family() == ["Family31"]


def test_a_label_that_two_people_bear_names_nobody(cast, tmp_path):
    twice = by_hand(
        ("urn:uuid:pt", person(31)), ("urn:uuid:pt", person(51)), ("", result()), ("urn:uuid:o", person(60))
    )
    summary = cast.take_in(write(tmp_path / "a.json", twice))
    assert results_by_family() == [""]
    assert [note.text for note in summary.unresolved] == ["points at urn:uuid:pt, which has not come"]


def test_who_has_an_id_or_a_real_address_keeps_it_whatever_stands_around(tmp_path):
    visit = {"resourceType": "Encounter", "subject": {"reference": "urn:uuid:pt"}}
    found = received(
        tmp_path,
        by_hand(("urn:uuid:pt", person(31) | {"id": "p31"}), (UUID, visit), ("urn:uuid:o", result(id="o1"))),
    )
    assert [one.fhir_id for one in found.values()] == ["p31", UUID[9:], "o1"]
    assert [one.full_url for one in found.values()] == ["", UUID, ""]
    assert found["entry[1].resource"].inside == {"urn:uuid:pt": "Patient/p31"}


def test_the_same_words_about_two_visits_that_differ_are_two_resources(tmp_path):
    def prescribed(day):
        visit = {"resourceType": "Encounter", "subject": {"reference": "urn:uuid:pt"}, "period": {"start": day}}
        order = {
            "resourceType": "MedicationRequest",
            "encounter": {"reference": "urn:uuid:enc"},
            "reasonReference": [{"reference": "urn:uuid:why"}],
        }
        why = {"resourceType": "Condition", "encounter": {"reference": "urn:uuid:enc"}}
        return by_hand(
            ("urn:uuid:pt", person(31)), ("urn:uuid:enc", visit), ("urn:uuid:why", why), ("urn:uuid:rx", order)
        )

    first = received(tmp_path, prescribed("2026-01-01"))
    second = received(tmp_path, prescribed("2026-02-01"))
    differ = {path for path in first if first[path].fhir_id != second[path].fhir_id}
    assert differ == {"entry[1].resource", "entry[2].resource", "entry[3].resource"}


def test_an_entry_without_an_id_is_found_by_the_address_of_its_server_and_relative_to_it(cast, tmp_path):
    here = "https://here.example/fhir"
    relative = result(subject={"reference": "Patient/pt"}, code={"text": "relative"})
    absolute = result(subject={"reference": f"{here}/Patient/pt"}, code={"text": "absolute"})
    for number in (31, 51):
        content = by_hand(
            (f"{here}/Patient/pt", person(number)),
            (f"{here}/Observation/1", relative),
            (f"{here}/Observation/2", absolute),
            ("Observation/3", result(subject={"reference": "Patient/other"})),
        )
        cast.take_in(write(tmp_path / f"{number}.json", content))
    assert results_by_family() == ["", "Family31", "Family31", "Family51", "Family51"]


def test_what_can_not_be_read_in_a_bundle_of_labels_is_refused_alone(tmp_path):
    good = by_hand(("urn:uuid:pt", person(31)), ("urn:uuid:obs", result()))
    bad = ['"nonsense"', '{"resource": {"resourceType": "Wizard"}}']
    bad.append('{"fullUrl": "urn:uuid:x", "resource": {"resourceType": "Basic", "x": 1e99999999}}')
    text = json.dumps(good)[:-2] + ", " + ", ".join(bad) + "]}"
    path = Path(write(tmp_path / "a.json", text))
    found = list(read(path))
    assert sum(isinstance(one, Reject) for one in found) == len(bad)
    assert [one.path for one in found if isinstance(one, Received)] == ["entry[0].resource", "entry[1].resource"]
