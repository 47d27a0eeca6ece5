"""Who sees whom: by site, by care team, by a grant that is live."""

from datetime import UTC, date, datetime, timedelta

import pytest

from liaison.accounts.access import Role
from liaison.core.act import act
from liaison.core.actor import ANONYMOUS, Actor
from liaison.core.audit import collecting_seen
from liaison.core.clock import current_time
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.patients import access, actions, queries
from liaison.patients.models import Patient
from liaison.patients.tests.cast import LIAISON, Clinic, Registry


def sees(actor: Actor) -> list[str]:
    return [patient.display_name for patient in Patient.objects.visible_to(actor, now=current_time())]


def test_people_see_the_patients_of_their_site_only(clinic: Clinic, walter: Patient) -> None:
    assert sees(clinic.rosa) == ["Walter Ng"]
    assert sees(clinic.clerk) == ["Walter Ng"]
    assert sees(clinic.pat) == []
    assert sees(ANONYMOUS) == []
    assert sees(LIAISON) == ["Walter Ng"]


def test_an_administrator_and_a_privacy_officer_meet_no_patients(clinic: Clinic, walter: Patient) -> None:
    assert sees(clinic.administrator) == []
    assert sees(clinic.privacy) == []
    assert walter.reachable_by(clinic.privacy, access.REVIEW_GRANTS, now=clinic.now)


def test_a_role_counts_only_where_it_is_held(clinic: Clinic, walter: Patient) -> None:
    mixed = Actor(
        user_id=clinic.pat.user_id,
        name="Pat",
        assignments=frozenset({(Role.SUPERVISOR, clinic.hillside.pk), (Role.BILLING, clinic.riverside.pk)}),
    )
    assert walter.reachable_by(mixed, now=clinic.now)
    assert not walter.reachable_by(mixed, access.MERGE, now=clinic.now)
    with pytest.raises(Forbidden), act(mixed, access.MERGE, patient=walter, now=clinic.now):
        pass


def test_whoever_is_on_the_care_team_sees_the_patient_until_they_leave(clinic: Clinic, walter: Patient) -> None:
    member = actions.add_care_team_member(
        actor=clinic.rosa, patient=walter, role="coordinator", user_id=clinic.pat.user_id, now=clinic.now
    )
    assert sees(clinic.pat) == ["Walter Ng"]
    assert not walter.reachable_by(clinic.pat, access.MERGE, now=clinic.now)
    actions.end_care_team_member(actor=clinic.rosa, patient=walter, member_id=member.pk, now=clinic.now)
    assert sees(clinic.pat) == []


def test_a_clinician_of_the_directory_sees_their_patients(clinic: Clinic, register: Registry) -> None:
    elsewhere = register("June", "Ng", site=clinic.hillside)
    assert not elsewhere.reachable_by(clinic.imani, now=clinic.now)
    actions.add_care_team_member(
        actor=LIAISON, patient=elsewhere, role="primary_care", practitioner_id=clinic.dr_imani.pk, now=clinic.now
    )
    assert elsewhere.reachable_by(clinic.imani, access.CHANGE_ALERTS, now=clinic.now)


def test_a_grant_opens_a_chart_until_it_expires(clinic: Clinic, walter: Patient) -> None:
    actions.break_the_glass(
        actor=clinic.pat,
        patient=walter,
        found_at=clinic.now,
        reason_code="ETREAT",
        reason="Collapsed at our front desk",
        now=clinic.now,
    )
    assert walter.reachable_by(clinic.pat, access.SEE, now=clinic.now)
    assert not walter.reachable_by(clinic.pat, access.CHANGE_ALERTS, now=clinic.now)
    shown = Patient.objects.visible_to(clinic.pat, now=clinic.now + timedelta(hours=3, minutes=59))
    assert shown.count() == 1
    assert not Patient.objects.visible_to(clinic.pat, now=clinic.now + timedelta(hours=4)).exists()


def test_an_invisible_patient_is_not_there(clinic: Clinic, walter: Patient) -> None:
    with pytest.raises(NotFound):
        queries.get_patient(clinic.pat, patient_id=walter.pk, now=clinic.now)
    with pytest.raises(NotFound):
        queries.get_patient(clinic.rosa, patient_id=walter.pk + 1000, now=clinic.now)
    with pytest.raises(NotFound):
        queries.band(clinic.pat, patient=walter, now=clinic.now)


def test_reading_a_patient_is_noted_for_the_read_audit(clinic: Clinic, walter: Patient) -> None:
    with collecting_seen() as seen:
        queries.get_patient(clinic.rosa, patient_id=walter.pk, now=clinic.now)
    assert seen.patient_ids == {walter.pk}


def test_a_merged_patient_resolves_to_the_last_survivor(clinic: Clinic, register: Registry) -> None:
    first, second, third = (register("Walter", "Ng", mrn=f"W{number}") for number in range(3))
    for gone, kept in ((first, second), (second, third)):
        actions.merge_patients(
            actor=LIAISON, survivor=kept, merged=gone, reason="Same man", conflict_checked=True, now=clinic.now
        )
    assert queries.get_patient(clinic.rosa, patient_id=first.pk, now=clinic.now) == third


def test_a_circle_of_merges_ends(clinic: Clinic, register: Registry) -> None:
    one, other = register("Walter", "Ng"), register("Walter", "Ng")
    with writes_open():
        Patient.objects.filter(pk=one.pk).update(merged_into=other, merged_at=clinic.now)
        Patient.objects.filter(pk=other.pk).update(merged_into=one, merged_at=clinic.now)
    assert Patient.objects.get(pk=one.pk).survivor.pk == other.pk


def test_asking_row_by_row_shows_the_same_patients(clinic: Clinic, walter: Patient, register: Registry) -> None:
    june = register("June", "Ng", site=clinic.hillside)
    actions.add_care_team_member(actor=LIAISON, patient=june, role="nurse", user_id=clinic.rosa.user_id, now=clinic.now)
    actions.break_the_glass(
        actor=clinic.pat,
        patient=walter,
        found_at=clinic.now,
        reason_code="ETREAT",
        reason="Collapsed at our front desk",
        now=clinic.now,
    )
    everyone = (clinic.rosa, clinic.pat, clinic.clerk, clinic.imani, clinic.administrator, ANONYMOUS, LIAISON)
    counts = []
    for actor in everyone:
        at_once = set(Patient.objects.visible_to(actor, now=clinic.now))
        assert at_once == set(Patient.objects.visible_one_by_one(actor, now=clinic.now))
        counts.append(len(at_once))
    assert counts == [2, 2, 2, 1, 0, 0, 2]


def test_a_day_is_the_day_at_home(clinic: Clinic, walter: Patient) -> None:
    late = datetime(2026, 11, 23, 2, tzinfo=UTC)
    assert walter.day_at(late) == date(2026, 11, 22)
    with writes_open():
        walter.sites.all().delete()
    assert walter.day_at(late) == date(2026, 11, 23)
