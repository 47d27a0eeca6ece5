"""Merging two registrations, undoing it, and nothing lost."""

from datetime import date

import pytest

from liaison.core.actor import system_actor
from liaison.core.facts import reacts_to
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.patients import access, actions, jobs, queries
from liaison.patients.actions import ContactDetails, PatientDetails
from liaison.patients.events import PatientsMerged, PatientsUnmerged
from liaison.patients.models import DuplicateCandidate, MergeRecord, Patient
from liaison.patients.tests.cast import LIAISON, Clinic, Registry
from liaison.patients.tests.facts import told
from liaison.patients.tests.test_screens import browser


@pytest.fixture
def twin(register: Registry, clinic: Clinic) -> Patient:
    """Walter's second registration, made at the other site, with things of its own."""
    twin = register(
        "Walt", "Ng", birth_on=date(1948, 2, 3), site=clinic.hillside, phone="207-555-0177",
        interpreter_needed=True, spoken_language="zh", called_as="Walt",
    )  # fmt: skip
    phone = twin.contact_points.get()
    actions.change_contact_point(
        actor=LIAISON,
        patient=twin,
        contact_point_id=phone.pk,
        contact=ContactDetails(kind="phone", value="207-555-0177", preferred=True),
        now=clinic.now,
    )
    actions.raise_alert(actor=LIAISON, patient=twin, kind="safety", text="Allergic to latex", now=clinic.now)
    actions.add_care_team_member(
        actor=LIAISON, patient=twin, role="primary_care", practitioner_id=clinic.dr_imani.pk, now=clinic.now
    )
    actions.add_care_team_member(
        actor=LIAISON, patient=twin, role="coordinator", user_id=clinic.rosa.user_id, now=clinic.now
    )
    return twin


def state(*patients: Patient) -> list[object]:
    rows: list[object] = []
    for patient in patients:
        row = Patient.objects.get(pk=patient.pk)
        rows.append(
            (
                row.family, row.given, row.called_as, row.spoken_language, row.interpreter_needed, row.sex,
                row.search_text, sorted(row.sites.values_list("site_id", "is_home")),
                sorted(row.contact_points.values_list("pk", "preferred")),
                sorted(row.alerts.values_list("pk", flat=True)), sorted(row.care_team.values_list("pk", flat=True)),
                sorted(row.identifiers.values_list("pk", flat=True)), sorted(row.names.values_list("family", "given")),
            )
        )  # fmt: skip
    return rows


def merge(clinic: Clinic, walter: Patient, twin: Patient) -> MergeRecord:
    return actions.merge_patients(
        actor=clinic.clerk, survivor=walter, merged=twin, reason="Same man, seen at both sites", now=clinic.now
    )


def test_the_survivor_gets_everything(clinic: Clinic, walter: Patient, twin: Patient) -> None:
    with told(PatientsMerged) as facts:
        record = merge(clinic, walter, twin)
    walter.refresh_from_db()
    twin.refresh_from_db()
    assert (twin.merged_into, twin.merged_at) == (walter, clinic.now)
    assert (walter.called_as, walter.spoken_language, walter.interpreter_needed) == ("Walt", "zh", True)
    assert walter.sites.count() == 2
    assert walter.contact_points.count() == 2
    assert [str(alert) for alert in walter.alerts.all()] == ["Allergic to latex"]
    assert walter.care_team.count() == 2
    assert " walt ng " in walter.search_text
    assert facts == [PatientsMerged(merge_id=record.pk, survivor_id=walter.pk, merged_id=twin.pk, at=clinic.now)]
    entry = AuditEntry.objects.filter(verb=str(access.MERGE), subject_id=record.pk).get()
    assert set(entry.patient_ids) == {walter.pk, twin.pk}
    assert [hit.patient_id for hit in queries.search(clinic.rosa, text="walt ng", now=clinic.now)] == [walter.pk]


def test_undoing_puts_every_row_and_column_back(clinic: Clinic, walter: Patient, twin: Patient) -> None:
    before = state(walter, twin)
    record = merge(clinic, walter, twin)
    with told(PatientsUnmerged) as facts:
        actions.unmerge_patients(actor=clinic.clerk, merge=record, reason="Cousins", now=clinic.now)
    assert state(walter, twin) == before
    assert len(facts) == 1
    record.refresh_from_db()
    assert (record.undone_at, record.undone_reason) == (clinic.now, "Cousins")
    with pytest.raises(actions.AlreadyUndone):
        actions.unmerge_patients(actor=clinic.clerk, merge=record, reason="Again", now=clinic.now)


def test_what_was_done_since_stays_with_the_survivor(clinic: Clinic, walter: Patient, twin: Patient) -> None:
    record = merge(clinic, walter, twin)
    walter.refresh_from_db()
    details = PatientDetails(given="Walter", family="Ng", birth_on=walter.birth_on, sex="male", called_as="Wally",
                             spoken_language="zh", interpreter_needed=True)  # fmt: skip
    actions.change_patient(actor=clinic.clerk, patient=walter, details=details, now=clinic.now)
    alert = actions.raise_alert(actor=clinic.rosa, patient=walter, kind="safety", text="Falls", now=clinic.now)
    actions.unmerge_patients(actor=clinic.clerk, merge=record, reason="Cousins", now=clinic.now)
    walter.refresh_from_db()
    assert (walter.called_as, walter.spoken_language) == ("Wally", "")
    assert [row.pk for row in walter.alerts.all()] == [alert.pk]


def test_a_person_who_was_on_both_teams_is_on_one(clinic: Clinic, walter: Patient, twin: Patient) -> None:
    actions.add_care_team_member(
        actor=LIAISON, patient=walter, role="primary_care", practitioner_id=clinic.dr_imani.pk, now=clinic.now
    )
    merge(clinic, walter, twin)
    assert sorted(walter.care_team.values_list("role", flat=True)) == ["coordinator", "primary_care"]


def test_an_unknown_sex_is_filled_in_and_taken_out_again(clinic: Clinic, register: Registry) -> None:
    kept, gone = register("Jo", "Ng"), register("Jo", "Ng", sex="female", birth_on=date(1990, 1, 1))
    record = merge(clinic, kept, gone)
    kept.refresh_from_db()
    assert (kept.sex, kept.birth_on, kept.names.count()) == ("female", date(1990, 1, 1), 0)
    actions.unmerge_patients(actor=clinic.clerk, merge=record, reason="Two people", now=clinic.now)
    kept.refresh_from_db()
    assert (kept.sex, kept.birth_on) == ("unknown", None)


def test_numbers_that_disagree_must_be_checked_by_a_person(clinic: Clinic, walter: Patient, register: Registry) -> None:
    other = register("Walter", "Ng", birth_on=date(1948, 2, 3), mrn="RIV-0002")
    with pytest.raises(actions.IdentifiersDisagree):
        merge(clinic, walter, other)
    actions.merge_patients(
        actor=clinic.clerk, survivor=walter, merged=other, reason="Two charts", conflict_checked=True, now=clinic.now
    )
    assert walter.identifiers.count() == 2


def test_what_cannot_be_merged(clinic: Clinic, walter: Patient, twin: Patient, register: Registry) -> None:
    with pytest.raises(actions.SamePatient):
        merge(clinic, walter, walter)
    with pytest.raises(actions.MergeReasonNeeded):
        actions.merge_patients(actor=clinic.clerk, survivor=walter, merged=twin, reason=" ", now=clinic.now)
    merge(clinic, walter, twin)
    with pytest.raises(actions.AlreadyMerged):
        merge(clinic, walter, twin)
    with pytest.raises(actions.AlreadyMerged):
        merge(clinic, twin, walter)


def test_a_chain_is_undone_from_its_end(clinic: Clinic, walter: Patient, twin: Patient, register: Registry) -> None:
    third = register("Walter", "Ng", birth_on=date(1948, 2, 3))
    first = merge(clinic, walter, twin)
    second = merge(clinic, third, walter)
    with pytest.raises(actions.MergedFurther):
        actions.unmerge_patients(actor=clinic.clerk, merge=first, reason="Cousins", now=clinic.now)
    with pytest.raises(actions.MergeReasonNeeded):
        actions.unmerge_patients(actor=clinic.clerk, merge=second, reason="", now=clinic.now)
    actions.unmerge_patients(actor=clinic.clerk, merge=second, reason="Cousins", now=clinic.now)
    actions.unmerge_patients(actor=clinic.clerk, merge=first, reason="Cousins", now=clinic.now)
    assert queries.standing_merges(clinic.clerk, now=clinic.now) == []


def test_only_who_may_see_both_may_merge(clinic: Clinic, walter: Patient, twin: Patient) -> None:
    with pytest.raises(NotFound):
        actions.merge_patients(actor=clinic.marta, survivor=walter, merged=twin, reason="Same", now=clinic.now)
    with pytest.raises(Forbidden):
        actions.merge_patients(actor=clinic.rosa, survivor=walter, merged=twin, reason="Same", now=clinic.now)
    assert not MergeRecord.objects.exists()


def test_another_package_moves_its_rows_and_back(clinic: Clinic, walter: Patient, twin: Patient) -> None:
    with writes_open():
        grant = actions.break_the_glass(
            actor=clinic.rosa, patient=twin, found_at=clinic.now, reason_code="BTG",
            reason="Nobody there could be reached", now=clinic.now,
        ) if not twin.reachable_by(clinic.rosa, now=clinic.now) else None  # fmt: skip
    assert grant is None
    moved: list[int] = []

    @reacts_to(PatientsMerged)
    def move(fact: PatientsMerged, /, *, actor: object) -> None:
        moved.append(actions.repoint(fact, rows=DuplicateCandidate.objects.all(), column="first"))

    merge(clinic, walter, twin)
    assert moved == [0]
    from liaison.core import facts

    facts._reactions[PatientsMerged].remove(move)


def test_deciding_on_a_pair(clinic: Clinic, walter: Patient, twin: Patient) -> None:
    jobs.look_for_duplicates(patient_id=twin.pk)
    (row,) = queries.duplicates(clinic.clerk, now=clinic.now)
    assert (row.first_id, row.second_id, row.conflict) == (walter.pk, twin.pk, False)
    assert queries.duplicates(clinic.rosa, now=clinic.now) == []
    candidate = queries.get_candidate(clinic.clerk, candidate_id=row.candidate_id, now=clinic.now)
    record = merge(clinic, walter, twin)
    assert queries.duplicates(clinic.clerk, now=clinic.now) == []
    assert queries.standing_merges(clinic.clerk, now=clinic.now) == [record]
    assert queries.get_merge(clinic.clerk, merge_id=record.pk, now=clinic.now) == record
    actions.unmerge_patients(actor=clinic.clerk, merge=record, reason="Cousins", now=clinic.now)
    assert [pair.candidate_id for pair in queries.duplicates(clinic.clerk, now=clinic.now)] == [candidate.pk]
    candidate.refresh_from_db()
    actions.keep_apart(actor=clinic.clerk, candidate=candidate, now=clinic.now)
    jobs.look_for_duplicates(patient_id=walter.pk)
    assert queries.duplicates(clinic.clerk, now=clinic.now) == []
    for missing in (lambda: queries.get_candidate(clinic.rosa, candidate_id=candidate.pk, now=clinic.now),
                    lambda: queries.get_merge(clinic.rosa, merge_id=record.pk, now=clinic.now)):  # fmt: skip
        with pytest.raises(NotFound):
            missing()


def disputed(clinic: Clinic, register: Registry, walter: Patient) -> tuple[Patient, DuplicateCandidate]:
    """A stranger whose record came with Walter's number."""
    stranger = register("Olga", "Petrov", birth_on=date(1990, 1, 1), sex="female")
    system = system_actor("import")
    actions.note_disputed_identifier(actor=system, patient=stranger, other=walter, now=clinic.now)
    return stranger, DuplicateCandidate.objects.get()


def test_a_pair_with_a_disputed_identifier_stays_until_a_person_decides(
    clinic: Clinic, walter: Patient, twin: Patient, register: Registry
) -> None:
    stranger, pair = disputed(clinic, register, walter)
    for patient in (stranger, walter, twin):
        jobs.look_for_duplicates(patient_id=patient.pk)
    rows = queries.duplicates(clinic.clerk, now=clinic.now)
    assert [(row.first_id, row.second_id, row.conflict) for row in rows] == [
        (walter.pk, stranger.pk, True),
        (walter.pk, twin.pk, False),
    ]
    assert queries.count_duplicates(clinic.clerk, now=clinic.now) == 2
    assert rows[0].score < 0
    assert rows[0].reasons[0].code == "disputed_identifier"
    actions.keep_apart(actor=clinic.clerk, candidate=pair, now=clinic.now)
    jobs.look_for_duplicates(patient_id=stranger.pk)
    assert [row.second_id for row in queries.duplicates(clinic.clerk, now=clinic.now)] == [twin.pk]


def test_a_pair_that_looked_alike_before_becomes_a_disputed_one(clinic: Clinic, walter: Patient, twin: Patient) -> None:
    jobs.look_for_duplicates(patient_id=twin.pk)
    system = system_actor("import")
    actions.note_disputed_identifier(actor=system, patient=walter, other=twin, now=clinic.now)
    pair = DuplicateCandidate.objects.get()
    assert (pair.disputed, pair.conflict) == (True, True)
    assert pair.score == sum(points for _, points in pair.reasons)


def test_a_disputed_pair_is_merged_only_by_who_says_that_they_checked(
    clinic: Clinic, walter: Patient, register: Registry
) -> None:
    stranger, pair = disputed(clinic, register, walter)
    with pytest.raises(actions.IdentifiersDisagree):
        merge(clinic, walter, stranger)
    both = queries.compare_patients(clinic.clerk, left=walter, right=stranger, now=clinic.now)
    assert both.likeness.is_disputed
    record = actions.merge_patients(
        actor=clinic.clerk, survivor=walter, merged=stranger, reason="Same", now=clinic.now, conflict_checked=True
    )
    assert queries.duplicates(clinic.clerk, now=clinic.now) == []
    actions.unmerge_patients(actor=clinic.clerk, merge=record, reason="Strangers", now=clinic.now)
    pair.refresh_from_db()
    assert (pair.decision, pair.disputed) == ("open", True)


def test_a_dispute_goes_on_with_whom_one_of_the_two_is_merged_into(
    clinic: Clinic, walter: Patient, twin: Patient, register: Registry
) -> None:
    stranger, _ = disputed(clinic, register, walter)
    merge(clinic, twin, stranger)
    (row,) = queries.duplicates(clinic.clerk, now=clinic.now)
    assert {row.first_id, row.second_id} == {twin.pk, walter.pk}
    actions.merge_patients(
        actor=clinic.clerk, survivor=twin, merged=walter, reason="Same", now=clinic.now, conflict_checked=True
    )
    assert queries.duplicates(clinic.clerk, now=clinic.now) == []


def test_two_patients_side_by_side(clinic: Clinic, walter: Patient, twin: Patient) -> None:
    both = queries.compare_patients(clinic.clerk, left=walter, right=twin, now=clinic.now)
    differing = {line.label for line in both.lines if line.differs}
    assert "Name" in differing
    assert "Birth date" not in differing
    assert both.likeness.score > 50


def test_the_pages_of_a_merge_show_two_patients_and_the_read_trail_has_both(
    clinic: Clinic, walter: Patient, twin: Patient
) -> None:
    record = merge(clinic, walter, twin)
    for address in ("/patients/duplicates/", f"/patients/merges/{record.pk}/undo/"):
        page = browser(clinic.clerk).get(address).content.decode()
        assert twin.display_name in page
        assert set(AuditEntry.objects.filter(verb="core.see").latest("pk").patient_ids) == {walter.pk, twin.pk}
