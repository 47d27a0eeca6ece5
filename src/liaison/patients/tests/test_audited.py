"""The audit trail is searched by patients' names and record numbers, by those who look after privacy."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.conf import settings
from django.test import Client

from liaison.accounts.access import Role
from liaison.accounts.models import User
from liaison.accounts.queries import AuditFilter, Meant, search_audit, whom_is_meant
from liaison.accounts.queries.audited import names_of
from liaison.core.actor import Actor
from liaison.core.audit import collecting_seen, record
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden
from liaison.patients import actions
from liaison.patients.models import Patient
from liaison.patients.tests.cast import LIAISON, Clinic, Registry, person


@pytest.fixture
def north(clinic: Clinic) -> Actor:
    """Who looks after privacy at Hillside alone."""
    with writes_open():
        return person("Noor", (Role.PRIVACY_OFFICER, clinic.hillside))


def meant(clinic: Clinic, text: str, *, by: Actor | None = None, chosen: int | None = None) -> Meant:
    return whom_is_meant(by or clinic.privacy, text=text, chosen=chosen, now=clinic.now)


@pytest.mark.parametrize("text", ["Walter Ng", "ng", "RIV-0001", "1948-02-03 walter"])
def test_a_patient_is_found_by_name_or_record_number(clinic: Clinic, walter: Patient, text: str) -> None:
    found = meant(clinic, text)
    assert (found.patient_id, found.name) == (walter.pk, "Walter Ng")


def test_a_patient_is_found_by_the_number_in_liaison(clinic: Clinic, walter: Patient) -> None:
    assert meant(clinic, str(walter.pk)).name == "Walter Ng"
    assert meant(clinic, "9" * 18) == Meant(patient_id=int("9" * 18))
    assert meant(clinic, "9" * 19).is_nobody


def test_several_are_offered_and_one_is_chosen(clinic: Clinic, walter: Patient, register: Registry) -> None:
    wendy = register("Wendy", "Ng", birth_on=date(1980, 1, 1), mrn="RIV-0002")
    offered = meant(clinic, "Ng")
    assert offered.patient_id is None
    assert {(each.name, each.record_number) for each in offered.choices} == {
        ("Walter Ng", "RIV-0001"),
        ("Wendy Ng", "RIV-0002"),
    }
    assert meant(clinic, "Ng", chosen=wendy.pk).patient_id == wendy.pk
    assert meant(clinic, "Ng", chosen=999_999).choices == offered.choices


def test_a_number_that_is_also_somebodys_record_number_is_asked_about(
    clinic: Clinic, walter: Patient, register: Registry
) -> None:
    other = register("Olga", "Petrova", mrn=str(walter.pk))
    both = meant(clinic, str(walter.pk))
    assert {each.patient_id for each in both.choices} == {walter.pk, other.pk}
    assert meant(clinic, str(walter.pk), chosen=walter.pk).name == "Walter Ng"


def test_who_looks_after_privacy_at_one_site_finds_nobody_and_is_told_no_name(
    clinic: Clinic, walter: Patient, north: Actor, register: Registry
) -> None:
    olga = register("Olga", "Petrova", site=clinic.hillside)
    for text in ("Walter Ng", str(walter.pk)):
        with pytest.raises(Forbidden):
            meant(clinic, text, by=north)
    with pytest.raises(Forbidden):
        search_audit(north, wanted=AuditFilter(), now=clinic.now)
    assert names_of(north, patient_ids=[walter.pk, olga.pk], now=clinic.now) == {olga.pk: "Olga Petrova"}


def test_a_number_of_a_chosen_patient_is_looked_for_as_it_stands(
    clinic: Clinic, walter: Patient, register: Registry
) -> None:
    register("Olga", "Petrova", mrn="777777")
    assert meant(clinic, "777777", chosen=777_777) == Meant(patient_id=777_777)


def test_who_may_not_search_the_trail_finds_nobody(clinic: Clinic, walter: Patient) -> None:
    with pytest.raises(Forbidden):
        meant(clinic, "Walter Ng", by=clinic.rosa)


def test_what_was_done_before_a_merge_is_found_under_the_patient_that_is_left(
    clinic: Clinic, walter: Patient, register: Registry
) -> None:
    double = register("Walter", "Ngo", mrn="RIV-0009")
    record(LIAISON, "trial.look", patient_ids=[double.pk])
    actions.merge_patients(
        actor=LIAISON, survivor=walter, merged=double, reason="The same", conflict_checked=True, now=clinic.now
    )
    found = meant(clinic, "RIV-0001")
    assert found.earlier_ids == (double.pk,)
    wanted = AuditFilter(patient_id=found.patient_id, earlier_ids=found.earlier_ids, verb="trial.look")
    assert len(search_audit(clinic.privacy, wanted=wanted, now=clinic.now).rows) == 1
    assert not search_audit(clinic.privacy, wanted=replace(wanted, earlier_ids=()), now=clinic.now).rows


def test_naming_somebody_in_the_trail_counts_as_seeing_them(clinic: Clinic, walter: Patient) -> None:
    record(LIAISON, "trial.look", patient_ids=[walter.pk])
    with collecting_seen() as seen:
        (row,) = search_audit(clinic.privacy, wanted=AuditFilter(verb="trial.look"), now=clinic.now).rows
    assert [each.name for each in row.concerned] == ["Walter Ng"]
    assert seen.patient_ids == {walter.pk}
    with collecting_seen() as seen:
        meant(clinic, "Walter")
    assert seen.patient_ids == {walter.pk}


def test_the_page_asks_which_of_two_and_shows_whom_entries_are_about(
    clinic: Clinic, walter: Patient, register: Registry
) -> None:
    register("Wendy", "Ng", birth_on=date(1980, 1, 1))
    record(LIAISON, "trial.look", patient_ids=[walter.pk, 999_999])
    browser = Client()
    with writes_open():
        browser.force_login(User.objects.get(pk=clinic.privacy.user_id), backend=settings.AUTHENTICATION_BACKENDS[-1])
    asked = browser.get("/audit/?patient=Ng&kind=changes").content.decode()
    assert "Which patient?" in asked
    assert f'href="?patient=Ng&amp;kind=changes&amp;chosen={walter.pk}"' in asked
    assert "<tbody" not in asked
    page = browser.get(f"/audit/?patient=Ng&chosen={walter.pk}&verb=core.see").content.decode()
    assert "<b data-private>Walter Ng</b>" in page
    shown = browser.get(f"/audit/?patient={walter.pk}&kind=changes").content.decode()
    assert f'<a href="?patient={walter.pk}&amp;chosen={walter.pk}"><bdi>Walter Ng</bdi></a>' in shown
    assert "number 999999" not in shown
    assert ">number 999999</a>" in browser.get("/audit/?kind=changes").content.decode()
    reads = AuditEntry.objects.filter(verb="core.see", outcome="seen", actor_user_id=clinic.privacy.user_id)
    assert reads.filter(patient_ids__contains=[walter.pk], details__view="accounts:audit").exists()
