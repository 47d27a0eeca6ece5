"""Whose number it is that somebody tries out: it stands in the trail, and it comes to an end."""

from __future__ import annotations

from datetime import date

import pytest
from django.conf import settings
from django.test import Client

from liaison.accounts.models import User
from liaison.core.actor import Actor
from liaison.core.audit import record
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.patients import actions
from liaison.patients.actions import IdentifierDetails, PatientDetails
from liaison.patients.actions.probing import MISSED, MOST_MISSED, MOST_TAKEN
from liaison.patients.models import Identifier, Patient
from liaison.patients.tests.cast import LIAISON, Clinic, Registry

WALTERS = IdentifierDetails(system="urn:riverside", value="RIV-0001")


@pytest.fixture
def olga(clinic: Clinic, register: Registry) -> Patient:
    """Olga, at Hillside, whom Pat sees and Rosa does not."""
    return register("Olga", "Petrova", site=clinic.hillside)


def refused(code: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(outcome="refused", refusal_code=code).order_by("id"))


def tried(by: Actor, *, code: str, times: int) -> None:
    for _ in range(times):
        record(by, "trial.try", outcome="refused", refusal_code=code)


def add(by: Actor, to: Patient, number: IdentifierDetails, clinic: Clinic) -> Identifier:
    return actions.add_identifier(actor=by, patient=to, identifier=number, now=clinic.now)


def test_adding_a_number_of_another_sites_patient_names_that_patient_in_the_trail(
    clinic: Clinic, walter: Patient, olga: Patient
) -> None:
    with pytest.raises(actions.IdentifierTaken):
        add(clinic.pat, olga, WALTERS, clinic)
    (entry,) = refused("patients.identifier_taken")
    assert (entry.actor_user_id, set(entry.patient_ids)) == (clinic.pat.user_id, {olga.pk, walter.pk})
    assert "RIV-0001" not in str(entry.details)


def test_registering_somebody_under_a_number_that_is_taken_names_whose_it_is_and_registers_nobody(
    clinic: Clinic, walter: Patient
) -> None:
    with pytest.raises(actions.IdentifierTaken):
        actions.register_patient(
            actor=clinic.pat, details=PatientDetails(family="Doe"), site_ids=[clinic.hillside.pk],
            identifiers=[IdentifierDetails(system="urn:x", value="1"), WALTERS], now=clinic.now,
        )  # fmt: skip
    assert [entry.patient_ids for entry in refused("patients.identifier_taken")] == [[walter.pk]]
    assert list(Patient.objects.all()) == [walter]


def test_what_is_said_is_the_same_for_patients_one_sees_and_others(
    clinic: Clinic, walter: Patient, olga: Patient
) -> None:
    with pytest.raises(actions.IdentifierTaken) as of_a_stranger:
        add(clinic.pat, olga, WALTERS, clinic)
    with pytest.raises(actions.IdentifierTaken) as of_ones_own:
        add(clinic.rosa, walter, WALTERS, clinic)
    assert of_a_stranger.value.sentence == of_ones_own.value.sentence


def test_after_ten_taken_numbers_in_an_hour_nothing_is_told_any_more(
    clinic: Clinic, walter: Patient, olga: Patient
) -> None:
    tried(clinic.pat, code="patients.identifier_taken", times=MOST_TAKEN)
    tried(clinic.rosa, code="patients.identifier_taken", times=MOST_TAKEN - 1)
    for number in (WALTERS, IdentifierDetails(system="urn:free", value="1")):
        with pytest.raises(actions.TooManyTries):
            add(clinic.pat, olga, number, clinic)
    assert [entry.patient_ids for entry in refused("patients.too_many_tries")] == [[olga.pk], [olga.pk]]
    with pytest.raises(actions.IdentifierTaken):
        add(clinic.rosa, walter, WALTERS, clinic)


def test_liaison_itself_is_held_up_by_the_database_alone(clinic: Clinic, walter: Patient, olga: Patient) -> None:
    tried(LIAISON, code="patients.identifier_taken", times=MOST_TAKEN)
    with pytest.raises(actions.IdentifierTaken):
        add(LIAISON, olga, WALTERS, clinic)
    assert add(LIAISON, olga, IdentifierDetails(system="urn:free", value="1"), clinic).pk


def test_looking_for_hidden_patients_in_vain_is_kept_and_comes_to_an_end(clinic: Clinic, walter: Patient) -> None:
    browser = Client()
    with writes_open():
        browser.force_login(User.objects.get(pk=clinic.pat.user_id), backend=settings.AUTHENTICATION_BACKENDS[-1])
    missed = browser.post("/patients/break-glass/", {"identifier": "RIV-9999"})
    assert missed.status_code == 422
    (entry,) = refused(MISSED)
    assert (entry.actor_user_id, entry.verb, entry.details) == (clinic.pat.user_id, "patients.break_glass", {})
    found = {"name": "Walter Ng", "birth_on": date(1948, 2, 3)}
    assert browser.post("/patients/break-glass/", found).status_code == 200
    tried(clinic.pat, code=MISSED, times=MOST_MISSED - 1)
    ended = browser.post("/patients/break-glass/", found)
    assert (ended.status_code, "too many numbers or names" in ended.content.decode()) == (429, True)
