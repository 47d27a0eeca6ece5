"""A form that is sent twice refers once; what was typed over it since is no repetition."""

from __future__ import annotations

from typing import Any

import pytest

from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.loops.models import Loop
from liaison.loops.ports import Owner
from liaison.orders import actions
from liaison.orders.models import Referral
from liaison.orders.tests.clinic import NOW, Clinic
from liaison.orders.tests.test_screens import asked, at_desk
from liaison.patients.models import Patient, PatientSite

pytestmark = pytest.mark.django_db


def send(clinic: Clinic, *, key: str = "form:1:a", patient: Patient | None = None, **changes: Any) -> Referral:
    return actions.refer_patient(
        clinic.imani,
        patient=patient or clinic.walter,
        order=clinic.order(**changes),
        owner=Owner(user_id=clinic.rosa.user_id),
        via="fax",
        now=NOW,
        duplicate_reason="Second opinion",
        idempotency_key=key,
    )


def test_a_second_referral_that_is_explained_goes_out_once_though_its_form_was_sent_twice(clinic: Clinic) -> None:
    clinic.sent()
    client, typed = at_desk(clinic.imani), asked(clinic, duplicate_reason="Second opinion")
    first = client.post(f"/patients/{clinic.walter.pk}/refer/", typed)
    again = client.post(f"/patients/{clinic.walter.pk}/refer/", typed)
    assert (first.status_code, again.status_code) == (302, 302)
    assert again["Location"] == first["Location"]
    assert Referral.objects.count() == Loop.objects.count() == 2
    assert Referral.objects.latest("pk").times_sent == 1
    assert AuditEntry.objects.filter(verb="orders.refer", details__repeated=True).count() == 1


def test_other_words_in_a_form_that_was_sent_are_refused_and_stay_to_be_read(clinic: Clinic) -> None:
    client, address = at_desk(clinic.imani), f"/patients/{clinic.walter.pk}/refer/"
    client.post(address, asked(clinic))
    refused = client.post(address, asked(clinic, question="Is it the valve?"))
    assert refused.status_code == 422
    page = refused.content.decode()
    assert "sent already, with other words" in page
    assert "Is it the valve?" in page
    assert Referral.objects.get().question == "New murmur?"


def test_a_draft_that_is_saved_twice_is_one_and_sending_it_by_the_old_form_is_other_words(clinic: Clinic) -> None:
    client, address = at_desk(clinic.imani), f"/patients/{clinic.walter.pk}/refer/"
    client.post(address, asked(clinic, draft="1"))
    client.post(address, asked(clinic, draft="1"))
    assert Referral.objects.get().state == "draft"
    assert client.post(address, asked(clinic)).status_code == 422
    assert Referral.objects.get().state == "draft"


def test_a_form_brings_its_key_and_one_without_a_key_is_not_taken(clinic: Clinic) -> None:
    client, address = at_desk(clinic.imani), f"/patients/{clinic.walter.pk}/refer/"
    assert 'name="idempotency_key" value="referral:' in client.get(address).content.decode()
    assert client.post(address, asked(clinic, idempotency_key="")).status_code == 422
    assert not Referral.objects.exists()


def test_the_same_key_for_another_patient_or_by_a_colleague_takes_nobodys_referral(clinic: Clinic) -> None:
    send(clinic)
    with writes_open():
        june = Patient.objects.create(
            given="June", family="Ng", birth_on=clinic.walter.birth_on, registered_at=NOW, changed_at=NOW
        )
        PatientSite.objects.create(patient=june, site=clinic.riverside, is_home=True)
    with pytest.raises(actions.ReferralWrittenAnew):
        send(clinic, patient=june)
    at_desk(clinic.imani).post(f"/patients/{june.pk}/refer/", asked(clinic))
    at_desk(clinic.rosa).post(f"/patients/{june.pk}/refer/", asked(clinic, duplicate_reason="Rosa asks as well"))
    assert Referral.objects.filter(patient=june).count() == 2


def test_a_referral_that_moved_on_is_still_the_answer_to_its_form(clinic: Clinic) -> None:
    sent = send(clinic)
    actions.decline_referral(clinic.rosa, referral_id=sent.pk, reason="Full", now=NOW)
    assert send(clinic).pk == sent.pk


def test_what_came_from_no_form_is_never_taken_for_a_repetition(clinic: Clinic) -> None:
    send(clinic, key="")
    send(clinic, key="")
    assert Referral.objects.filter(idempotency_key="", form_digest="").count() == 2
