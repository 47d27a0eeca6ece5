"""Finding a patient by whatever someone remembers."""

from datetime import date

import pytest

from liaison.core.audit import collecting_seen
from liaison.patients import actions, queries
from liaison.patients.actions import ContactDetails
from liaison.patients.models import Patient
from liaison.patients.rules import Registration
from liaison.patients.tests.cast import LIAISON, Clinic, Registry


@pytest.fixture
def people(register: Registry, walter: Patient) -> list[Patient]:
    """Walter among others whose names are near."""
    return [
        walter,
        register("Wallace", "Nguyen", birth_on=date(1980, 3, 2)),
        register("José", "Núñez", birth_on=date(1980, 2, 3)),
        register("John", "O’Brien", birth_on=date(2001, 12, 31), phone="207-555-0144"),
        register("Нина", "Петрова", birth_on=date(1990, 1, 1)),
    ]


def names(clinic: Clinic, text: str) -> list[str]:
    return [hit.name for hit in queries.search(clinic.rosa, text=text, now=clinic.now)]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("walter ng", "Walter Ng"),
        ("Ng, Walter", "Walter Ng"),
        ("ng", "Walter Ng"),
        ("wlater", "Walter Ng"),
        ("wal ng", "Walter Ng"),
        ("nunez jose", "José Núñez"),
        ("NUÑEZ", "José Núñez"),
        ("jhon obrien", "John O’Brien"),
        ("o'brian", "John O’Brien"),
        ("петрова", "Нина Петрова"),
        ("petrova nina", "Нина Петрова"),
        ("1948-02-03", "Walter Ng"),
        ("2/3/1980", "José Núñez"),
        ("wallace 3/2/80", "Wallace Nguyen"),
        ("john 2001", "John O’Brien"),
        ("RIV 0001", "Walter Ng"),
        ("riv-0001", "Walter Ng"),
        ("(207) 555-0144", "John O’Brien"),
        ("555 0144", "John O’Brien"),
    ],
)
def test_whatever_is_typed_finds_them_first(clinic: Clinic, people: list[Patient], typed: str, first: str) -> None:
    assert names(clinic, typed)[:1] == [first]


@pytest.mark.parametrize("typed", ["", "   ", "zzz", "walter 1999-09-09", "%", "'; DROP TABLE", "walter smith"])
def test_what_nobody_is_called_finds_nobody(clinic: Clinic, people: list[Patient], typed: str) -> None:
    assert names(clinic, typed) == []


def test_an_ambiguous_date_finds_both_readings_the_american_first(clinic: Clinic, people: list[Patient]) -> None:
    assert names(clinic, "02/03/1980") == ["José Núñez", "Wallace Nguyen"]


def test_mail_finds_too_and_confidential_numbers_are_not_shown(clinic: Clinic, walter: Patient) -> None:
    mail = ContactDetails(kind="email", value="w@example.org")
    actions.add_contact_point(actor=clinic.rosa, patient=walter, contact=mail, now=clinic.now)
    (hit,) = queries.search(clinic.rosa, text="W@example.org", now=clinic.now)
    assert (hit.matched, hit.phone, hit.mrn, hit.language) == ("email", "(207) 555-0123", "RIV-0001", "")
    secret = ContactDetails(kind="phone", value="(207) 555-0123", confidential=True)
    point = walter.contact_points.get(kind="phone")
    actions.change_contact_point(
        actor=clinic.rosa, patient=walter, contact_point_id=point.pk, contact=secret, now=clinic.now
    )
    assert queries.search(clinic.rosa, text="walter", now=clinic.now)[0].phone == ""


def test_pat_finds_nobody_of_another_site_by_any_way(clinic: Clinic, people: list[Patient]) -> None:
    with collecting_seen() as seen:
        for typed in ("walter ng", "wlater", "1948-02-03", "RIV-0001", "207-555-0123"):
            assert queries.search(clinic.pat, text=typed, now=clinic.now) == []
    assert not seen.patient_ids


def test_what_is_found_is_noted_for_the_read_audit(clinic: Clinic, walter: Patient) -> None:
    with collecting_seen() as seen:
        queries.search(clinic.rosa, text="walter", now=clinic.now)
    assert seen.patient_ids == {walter.pk}


def test_no_more_than_asked_for(clinic: Clinic, register: Registry) -> None:
    for number in range(12):
        register("Ann", f"Lee{'abcdefghijkl'[number]}")
    assert len(queries.search(clinic.rosa, text="ann", limit=5, now=clinic.now)) == 5


def test_look_alikes_are_shown_before_someone_is_registered_twice(
    clinic: Clinic, people: list[Patient], register: Registry
) -> None:
    hidden = register("Walter", "Ng", birth_on=date(1948, 2, 3), site=clinic.hillside)
    typed = Registration(names=(("Walther", "Ng"),), birth_on=date(1948, 2, 3), phones=frozenset({"+12075550123"}))
    (alike,) = queries.look_alikes(clinic.rosa, registration=typed, now=clinic.now)
    assert (alike.name, alike.mrn) == ("Walter Ng", "RIV-0001")
    assert alike.patient_id != hidden.pk
    nobody = Registration(names=(("", ""),))
    assert queries.look_alikes(clinic.rosa, registration=nobody, now=clinic.now) == []


def test_a_shared_number_alone_is_compared(clinic: Clinic, walter: Patient) -> None:
    typed = Registration(names=(("Walter", "Ng"),), identifiers=frozenset({("urn:riverside", "RIV0001")}))
    assert [row.name for row in queries.look_alikes(LIAISON, registration=typed, now=clinic.now)] == ["Walter Ng"]
