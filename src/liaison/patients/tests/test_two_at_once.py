"""Two coordinators at the same patient in the same moment: one has it, the other is told, nothing is half done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import date

from django.db import connection, transaction

from liaison.core.actor import Actor
from liaison.core.models import AuditEntry
from liaison.core.refusals import Stale
from liaison.patients import actions
from liaison.patients.actions import ContactDetails, PatientDetails
from liaison.patients.models import ContactPoint, Patient
from liaison.patients.tests.cast import LIAISON, Clinic, Registry, open_clinic
from liaison.patients.tests.test_glass_race import wait_until_all_wait

NG = PatientDetails(family="Ng", given="Walter", birth_on=date(1948, 2, 3))
HOME = ContactDetails(kind="phone", value="(207) 555-0123")


def _registered() -> tuple[Clinic, Patient]:
    clinic = open_clinic()
    return clinic, Registry(clinic=clinic)("Walter", "Ng", birth_on=NG.birth_on, phone=HOME.value)


def _at_once(walter: Patient, *wanted: Callable[[], object]) -> tuple[list[object], list[Stale]]:
    """Do these on connections of their own, all of them waiting for the patient's row when it is let go.

    What was done, and the refusals.
    """

    def run(do: Callable[[], object]) -> object:
        try:
            return do()
        except Stale as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(wanted)) as threads:
        with transaction.atomic():
            Patient.objects.select_for_update().get(pk=walter.pk)
            running: list[Future[object]] = [threads.submit(run, do) for do in wanted]
            wait_until_all_wait(running)
        answers = [one.result() for one in running]
    refused = [one for one in answers if isinstance(one, Stale)]
    return [one for one in answers if not isinstance(one, Stale)], refused


def test_two_correct_one_name_and_the_later_is_told_that_it_changed_meanwhile(transactional_db: None) -> None:
    clinic, walter = _registered()

    def name(actor: Actor, called_as: str, needs: str) -> Callable[[], Patient]:
        details = replace(NG, called_as=called_as, mobility_needs=needs)
        said = {"patient": walter, "details": details, "now": clinic.now, "expected_version": walter.version}
        return lambda: actions.change_patient(actor=actor, **said)

    done, refused = _at_once(walter, name(clinic.rosa, "Wally", "wheelchair"), name(clinic.marta, "Walt", "stairs"))
    assert (len(done), len(refused)) == (1, 1)
    assert "Someone changed this meanwhile" in refused[0].sentence
    row = Patient.objects.get(pk=walter.pk)
    assert (row.called_as, row.mobility_needs) in {("Wally", "wheelchair"), ("Walt", "stairs")}
    assert row.version == walter.version + 1
    outcomes = AuditEntry.objects.filter(verb="patients.change").values_list("outcome", flat=True)
    assert sorted(outcomes) == ["done", "refused"]


def test_two_correct_one_number_and_the_later_is_told_that_it_changed_meanwhile(transactional_db: None) -> None:
    clinic, walter = _registered()
    point = walter.contact_points.get()

    def number(actor: Actor, value: str, note: str) -> Callable[[], ContactPoint]:
        said = {"patient": walter, "contact_point_id": point.pk, "now": clinic.now, "expected": point.mark}
        return lambda: actions.change_contact_point(actor=actor, contact=replace(HOME, value=value, note=note), **said)

    done, refused = _at_once(
        walter, number(clinic.rosa, "207 555 0144", "mornings"), number(clinic.marta, "207 555 0155", "evenings")
    )
    assert (len(done), len(refused)) == (1, 1)
    assert "Someone changed this meanwhile" in refused[0].sentence
    point.refresh_from_db()
    assert (point.value_key, point.note) in {("+12075550144", "mornings"), ("+12075550155", "evenings")}
    outcomes = AuditEntry.objects.filter(verb="patients.change_contacts").values_list("outcome", flat=True)
    assert sorted(outcomes) == ["done", "refused"]


def test_two_prefer_two_numbers_and_one_of_them_is_preferred(transactional_db: None) -> None:
    clinic, walter = _registered()
    other = actions.add_contact_point(
        actor=LIAISON, patient=walter, contact=replace(HOME, value="207 555 0144"), now=clinic.now
    )

    def prefer(actor: Actor, point: ContactPoint) -> Callable[[], ContactPoint]:
        wanted = replace(HOME, value=point.value, preferred=True)
        said = {"patient": walter, "contact_point_id": point.pk, "now": clinic.now}
        return lambda: actions.change_contact_point(actor=actor, contact=wanted, **said)

    first = walter.contact_points.exclude(pk=other.pk).get()
    done, refused = _at_once(walter, prefer(clinic.rosa, first), prefer(clinic.marta, other))
    assert (len(done), len(refused)) == (2, 0)
    assert walter.contact_points.filter(preferred=True).count() == 1
