"""References: every form of them, and which one names the patient."""

from __future__ import annotations

import json

import pytest

from liaison.records.rules.references import (
    Pointer,
    identifiers_of,
    patient_references,
    point,
    references_in,
    where_is,
)

UUID = "urn:uuid:5d1e7f0c-3b2a-4c6d-9e8f-a1b2c3d4e5f6"


@pytest.mark.parametrize(
    ("reference", "pointer"),
    [
        ("Patient/1", Pointer("id", "1", "Patient")),
        ("Patient/1/_history/2", Pointer("id", "1", "Patient")),
        ("http://here/fhir/Patient/1", Pointer("id", "1", "Patient")),
        ("http://elsewhere/fhir/Patient/1", Pointer("url", "http://elsewhere/fhir/Patient/1")),
        ("http://elsewhere/thing", Pointer("url", "http://elsewhere/thing")),
        (UUID, Pointer("url", UUID)),
        (f"urn:uuid:{UUID[9:].upper()}", Pointer("url", UUID)),
        ("urn:uuid:5d1e", Pointer("unknown")),
        ("urn:oid:1.3.6.1.4.1.343.7", Pointer("url", "urn:oid:1.3.6.1.4.1.343.7")),
        ("urn:oid:1.2.3.4.5.6.7", Pointer("unknown")),
        ("#inside", Pointer("contained", "inside")),
        (
            "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999",
            Pointer("identifier", "9999", "Practitioner", "http://hl7.org/fhir/sid/us-npi"),
        ),
        ("Organization?identifier=a%7Cb", Pointer("identifier", "b", "Organization", "a")),
        ("Location?identifier=solo", Pointer("identifier", "solo", "Location")),
        ("Location?identifier=a|", Pointer("unknown")),
        ("Location?name=x", Pointer("unknown")),
        ("Location?identifier=a|b&name=x", Pointer("unknown")),
        ("Claim?identifier=a|b", Pointer("unknown")),
        ("Nothing/1", Pointer("unknown")),
        ("walter", Pointer("unknown")),
    ],
)
def test_every_form_of_reference_is_read(reference, pointer):
    assert point(reference, own_url="http://here/fhir/Observation/9") == pointer


def test_all_references_of_a_resource_are_found_and_located():
    resource = {
        "subject": {"reference": "Patient/1"},
        "item": [{"encounter": [{"reference": "Encounter/2"}]}, {"note": 'say "reference": "no"'}],
        "slash": {"reference": "Group\\/3"},
    }
    found = references_in(json.dumps(resource).replace("\\\\/", "\\/").encode())
    assert found == {"Patient/1", "Encounter/2", "Group/3"}
    assert where_is(resource, "Encounter/2") == "item[0].encounter[0]"
    assert where_is(resource, "Patient/9") == ""


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"resourceType": "Observation", "subject": {"reference": "Patient/1"}}, ["Patient/1"]),
        ({"resourceType": "Immunization", "patient": {"reference": "urn:uuid:1"}}, ["urn:uuid:1"]),
        ({"resourceType": "Observation", "subject": {"reference": "Group/1"}}, []),
        ({"resourceType": "Observation", "subject": {"reference": "urn:uuid:1", "type": "Group"}}, []),
        ({"resourceType": "Observation", "subject": {"reference": "x", "type": "Patient"}}, []),
        (
            {"resourceType": "Observation", "subject": {"identifier": {"system": "urn:mrn", "value": "W1"}}},
            ["Patient?identifier=urn:mrn|W1"],
        ),
        ({"resourceType": "Observation", "subject": "Patient/1"}, []),
        ({"resourceType": "Observation", "subject": {}}, []),
        ({"resourceType": "Coverage", "beneficiary": {"reference": "Patient/1"}}, ["Patient/1"]),
        ({"resourceType": "Task", "for": {"reference": "http://x/Patient/1"}}, ["http://x/Patient/1"]),
        (
            {
                "resourceType": "Appointment",
                "participant": [{"actor": {"reference": "Practitioner/1"}}, {"actor": {"reference": "Patient/2"}}],
            },
            ["Patient/2"],
        ),
        ({"resourceType": "Group", "subject": {"reference": "Patient/1"}}, []),
        ({"resourceType": "Organization"}, []),
    ],
)
def test_the_patient_is_found_where_each_type_names_them(resource, expected):
    assert patient_references(resource) == expected


def test_only_what_others_point_at_is_found_by_identifier():
    identifier = [{"system": "s", "value": "v"}, {"system": "s", "value": "v"}, {"value": ""}, "odd"]
    assert identifiers_of({"resourceType": "Practitioner", "identifier": identifier}) == [("s", "v")]
    assert identifiers_of({"resourceType": "Claim", "identifier": identifier}) == []
