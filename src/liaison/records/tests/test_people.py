"""What received patients, practitioners and organizations say."""

from __future__ import annotations

from datetime import date

import pytest

from liaison.records.rules.people import (
    NAMELESS,
    read_organization,
    read_patient,
    read_practitioner,
)


def test_the_official_name_is_the_current_one_and_others_are_kept():
    said = read_patient(
        {
            "name": [
                {"use": "maiden", "family": "Lee", "given": ["June"]},
                {"use": "nickname", "given": ["Junie"]},
                {"family": "Other"},
                {"use": "official", "family": "Ng", "given": ["June", "A."]},
                {"use": "old", "family": "Smith"},
                {"use": "usual"},
            ]
        }
    )
    assert (said.family, said.given, said.called_as) == ("Ng", "June A.", "Junie")
    assert [(one.kind, one.family) for one in said.names] == [("maiden", "Lee"), ("former", "Smith")]


def test_a_name_may_be_text_only_or_missing():
    assert (read_patient({"name": [{"text": "Walter J Ng"}]}).given, read_patient({}).family) == ("Walter J", NAMELESS)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-03-01T23:30:00-05:00", date(2026, 3, 1)),
        ("2026", None),
        (None, None),
        (5, None),
        ("0001-01-01", None),
        ("2026-02-31", None),
    ],
)
def test_the_day_of_death_is_the_day_as_written(value, day):
    assert read_patient({"deceasedDateTime": value}).deceased_on == day


def test_languages_interpreter_and_identifiers_are_read():
    said = read_patient(
        {
            "communication": [
                {"language": {"coding": [{"code": "en"}]}},
                {"language": {"coding": [{"code": "es"}]}, "preferred": True},
            ],
            "extension": [
                {"url": "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired", "valueBoolean": True}
            ],
            "identifier": [
                {"system": "a", "value": "1", "type": {"coding": [{"code": "MR"}]}},
                {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "2"},
                {"system": "a", "value": "1"},
                {"system": "a", "value": "old", "use": "old"},
                {"value": "no system"},
            ],
        }
    )
    assert (said.spoken_language, said.interpreter_needed) == ("es", True)
    assert [(one.value, one.kind) for one in said.identifiers] == [("1", "mrn"), ("2", "ssn")]


def test_a_language_of_three_letters_is_kept_by_its_short_tag():
    said = read_patient({"communication": [{"language": {"coding": [{"code": "spa"}]}}]})
    assert (said.spoken_language, said.written_language) == ("es", "es")


def test_ways_to_reach_them_come_by_rank_and_old_ones_do_not():
    said = read_patient(
        {
            "telecom": [
                {"system": "phone", "value": "2", "rank": 2, "use": "work"},
                {"system": "sms", "value": "1", "rank": 1, "use": "mobile"},
                {"system": "phone", "value": "3", "use": "old"},
                {"system": "url", "value": "x"},
                {"system": "email", "value": "w@example.org", "rank": "odd"},
            ],
            "address": [
                {"use": "old", "line": ["gone"]},
                {"text": "1 Elm St", "country": "USA"},
                {"city": "Bath", "use": "temp"},
                {"state": "ME"},
            ],
        }
    )
    assert [(one.kind, one.use, one.value) for one in said.contacts] == [
        ("phone", "mobile", "1"),
        ("phone", "work", "2"),
        ("email", "home", "w@example.org"),
        ("address", "home", "1 Elm St"),
        ("address", "temporary", "Bath"),
    ]
    assert said.contacts[3].country == ""


def test_practitioners_and_organizations_are_read_for_the_directory():
    imani = read_practitioner(
        {
            "name": [{"prefix": ["Dr."], "given": ["Imani"], "family": "Okoye"}],
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}],
            "telecom": [{"system": "phone", "value": "555"}],
        }
    )
    assert (imani.name, imani.npi, imani.phone) == ("Dr Imani Okoye", "1234567893", "555")
    nobody = read_practitioner(
        {"name": [{}, {"text": "Sam"}], "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "10"}]}
    )
    assert (nobody.name, nobody.npi) == ("Sam", "")
    assert read_practitioner({}).name == NAMELESS


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        ({"name": "MERCY MEDICAL CENTER"}, "hospital"),
        ({"name": "PCP1"}, "clinic"),
        ({"type": [{"coding": [{"code": "ins"}]}]}, "payer"),
        ({"type": [{"coding": [{"code": "cg"}]}]}, "community"),
        ({"type": [{"text": "Hospital"}]}, "hospital"),
    ],
)
def test_what_kind_of_place_an_organization_is(resource, kind):
    assert read_organization(resource).kind == kind


def test_an_organizations_address_is_one_line():
    said = read_organization({"address": [{"line": ["1 Elm"], "city": "Bath", "state": "ME", "postalCode": "04530"}]})
    assert said.address == "1 Elm, Bath, ME, 04530"
    assert read_organization({}).address == ""
