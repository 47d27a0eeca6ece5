"""Registering a patient and correcting who they are."""

from datetime import date, timedelta

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from liaison.core.facts import reactions_to
from liaison.core.models import AuditEntry
from liaison.core.refusals import Forbidden, NotFound, Stale
from liaison.patients import access, actions, jobs
from liaison.patients.actions import ContactDetails, IdentifierDetails, NameDetails, PatientDetails
from liaison.patients.events import PatientChanged, PatientDeceased, PatientRegistered
from liaison.patients.forms import DetailsForm
from liaison.patients.models import DuplicateCandidate, Patient
from liaison.patients.reactions import compare_new_patient
from liaison.patients.tests.cast import LIAISON, Clinic, Registry
from liaison.patients.tests.facts import told

JUNE = PatientDetails(given="June", family="Ng", birth_on=date(1975, 6, 1), sex="female", spoken_language="zh-Hant")


def test_registering_keeps_everything_and_tells_it(clinic: Clinic) -> None:
    with told(PatientRegistered) as facts:
        june = actions.register_patient(
            actor=clinic.rosa,
            details=JUNE,
            site_ids=[clinic.riverside.pk, clinic.hillside.pk, clinic.riverside.pk],
            identifiers=[IdentifierDetails(system="urn:riverside", value=" RIV-2 ", kind="mrn")],
            contacts=[ContactDetails(kind="phone", value="207 555 0188", preferred=True)],
            other_names=[NameDetails(given="如", family="吳", kind="local")],
            now=clinic.now,
        )
    assert june.search_text == " june ng ng june ru wu wu ru "
    assert [(row.site.name, row.is_home) for row in june.sites.order_by("pk")] == [
        ("Riverside", True),
        ("Hillside", False),
    ]
    assert [(row.value, row.value_key) for row in june.identifiers.all()] == [("RIV-2", "RIV2")]
    assert [row.value_key for row in june.contact_points.all()] == ["+12075550188"]
    assert facts == [PatientRegistered(patient_id=june.pk, at=clinic.now)]
    entry = AuditEntry.objects.get(verb=str(access.REGISTER))
    assert (entry.actor_name, entry.patient_ids, entry.subject_id) == ("Rosa", [june.pk], june.pk)


def test_a_new_patient_is_compared_with_everyone_by_a_job(clinic: Clinic, walter: Patient) -> None:
    assert compare_new_patient in reactions_to(PatientRegistered)
    assert ProcrastinateJob.objects.filter(task_name="patients.look_for_duplicates").count() == 1


@pytest.mark.parametrize(
    ("details", "field"),
    [
        (PatientDetails(family=" ", given="\x00"), "family"),
        (PatientDetails(family="Ng", birth_on=date(2999, 1, 1)), "birth_on"),
        (PatientDetails(family="Ng", birth_on=date(1800, 1, 1)), "birth_on"),
        (PatientDetails(family="Ng", sex="robot"), "sex"),
        (PatientDetails(family="N" * 201), "family"),
        (PatientDetails(family="Ng", spoken_language="<script>"), "spoken_language"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(clinic: Clinic, details: PatientDetails, field: str) -> None:
    with pytest.raises(actions.DetailsWrong) as refusal:
        actions.register_patient(actor=clinic.rosa, details=details, site_ids=[clinic.riverside.pk], now=clinic.now)
    assert set(refusal.value.fields) == {field}
    assert not Patient.objects.exists()
    assert AuditEntry.objects.get().refusal_code == "patients.details_wrong"


def test_names_are_kept_as_written_but_for_spaces(clinic: Clinic) -> None:
    wild = PatientDetails(family="  <b>O'Brien</b>; DROP TABLE\x00 ", given="نور 明 \n Ж")
    kept = actions.register_patient(actor=clinic.rosa, details=wild, site_ids=[clinic.riverside.pk], now=clinic.now)
    kept.refresh_from_db()
    assert (kept.family, kept.given) == ("<b>O'Brien</b>; DROP TABLE", "نور 明 Ж")


@pytest.mark.parametrize("sites", ["elsewhere", "none"])
def test_people_register_where_they_work(clinic: Clinic, sites: str) -> None:
    where = [clinic.hillside.pk] if sites == "elsewhere" else []
    with pytest.raises(actions.NotYourSite):
        actions.register_patient(actor=clinic.rosa, details=JUNE, site_ids=where, now=clinic.now)


def test_a_privacy_officer_registers_nobody(clinic: Clinic) -> None:
    with pytest.raises(Forbidden):
        actions.register_patient(actor=clinic.privacy, details=JUNE, site_ids=[clinic.riverside.pk], now=clinic.now)


def test_one_identifier_belongs_to_one_patient(clinic: Clinic, walter: Patient, register: Registry) -> None:
    june = register("June", "Ng")
    taken = IdentifierDetails(system="urn:riverside", value="RIV-0001")
    with pytest.raises(actions.IdentifierTaken):
        actions.add_identifier(actor=clinic.rosa, patient=june, identifier=taken, now=clinic.now)
    empty = IdentifierDetails(system="urn:riverside", value=" ")
    with pytest.raises(actions.DetailsWrong):
        actions.add_identifier(actor=clinic.rosa, patient=june, identifier=empty, now=clinic.now)
    own = actions.add_identifier(
        actor=clinic.rosa, patient=june, identifier=IdentifierDetails(system="urn:x", value="7"), now=clinic.now
    )
    actions.retire_identifier(actor=clinic.rosa, patient=june, identifier_id=own.pk, now=clinic.now)
    own.refresh_from_db()
    assert own.retired_at == clinic.now
    hers = AuditEntry.objects.filter(verb=str(access.CHANGE), outcome="done").count()
    for patient, again in ((june, own.pk), (june, walter.identifiers.get().pk)):
        with told(PatientChanged) as facts, pytest.raises(NotFound):
            actions.retire_identifier(actor=clinic.rosa, patient=patient, identifier_id=again, now=clinic.now)
        assert facts == []
    assert walter.identifiers.get().retired_at is None
    assert AuditEntry.objects.filter(verb=str(access.CHANGE), outcome="done").count() == hers


def test_a_correction_is_written_told_and_counted(clinic: Clinic, walter: Patient) -> None:
    later = clinic.now + timedelta(minutes=1)
    details = PatientDetails(given="Walter", family="Nguyen", called_as="Wally", birth_on=walter.birth_on, sex="male")
    with told(PatientChanged) as facts:
        changed = actions.change_patient(
            actor=clinic.rosa, patient=walter, details=details, expected_version=1, now=later
        )
    assert (changed.family, changed.version, changed.changed_at) == ("Nguyen", 2, later)
    assert "wally nguyen" in changed.search_text
    assert facts == [PatientChanged(patient_id=walter.pk, changed=("family", "called_as"), at=later)]
    entry = AuditEntry.objects.get(verb=str(access.CHANGE))
    assert entry.details == {"changed": ["family", "called_as"]}
    assert entry.before_hash != entry.after_hash


def test_a_correction_that_changes_nothing_writes_nothing(clinic: Clinic, walter: Patient) -> None:
    same = PatientDetails(given="Walter", family="Ng", birth_on=walter.birth_on, sex="male")
    assert actions.change_patient(actor=clinic.rosa, patient=walter, details=same, now=clinic.now).version == 1


def test_a_stale_form_is_refused(clinic: Clinic, walter: Patient) -> None:
    details = PatientDetails(given="Walt", family="Ng")
    actions.change_patient(actor=clinic.rosa, patient=walter, details=details, expected_version=1, now=clinic.now)
    with pytest.raises(Stale):
        actions.change_patient(actor=clinic.marta, patient=walter, details=JUNE, expected_version=1, now=clinic.now)
    walter.refresh_from_db()
    assert walter.given == "Walt"


def test_pat_changes_nothing_at_another_site(clinic: Clinic, walter: Patient) -> None:
    with pytest.raises(NotFound):
        actions.change_patient(actor=clinic.pat, patient=walter, details=JUNE, now=clinic.now)


def test_another_name_is_found_too(clinic: Clinic, walter: Patient) -> None:
    actions.add_name(
        actor=clinic.rosa, patient=walter, name=NameDetails(family="Wu", given="Walter", kind="former"), now=clinic.now
    )
    walter.refresh_from_db()
    assert " walter wu " in walter.search_text
    with pytest.raises(actions.DetailsWrong):
        actions.add_name(actor=clinic.rosa, patient=walter, name=NameDetails(family=" "), now=clinic.now)


def test_a_patient_of_a_second_site_is_seen_there(clinic: Clinic, walter: Patient) -> None:
    with pytest.raises(actions.NotYourSite):
        actions.add_site(actor=clinic.rosa, patient=walter, site_id=clinic.hillside.pk, now=clinic.now)
    actions.add_site(actor=clinic.clerk, patient=walter, site_id=clinic.hillside.pk, now=clinic.now)
    actions.add_site(actor=clinic.clerk, patient=walter, site_id=clinic.hillside.pk, now=clinic.now)
    assert walter.reachable_by(clinic.pat, now=clinic.now)
    assert walter.sites.count() == 2


def test_a_death_is_told_once_and_can_be_taken_back(clinic: Clinic, walter: Patient) -> None:
    day = walter.day_at(clinic.now)
    with told(PatientDeceased) as facts:
        actions.mark_deceased(actor=clinic.rosa, patient=walter, on=None, now=clinic.now)
        actions.mark_deceased(actor=clinic.rosa, patient=walter, on=day, now=clinic.now)
    assert len(facts) == 1
    walter.refresh_from_db()
    assert (walter.is_deceased, walter.deceased_on) == (True, day)
    actions.mark_not_deceased(actor=clinic.rosa, patient=walter, reason="Wrong Walter", now=clinic.now)
    walter.refresh_from_db()
    assert (walter.is_deceased, walter.deceased_on) == (False, None)


def test_nobody_died_before_their_birth_or_after_today(clinic: Clinic, walter: Patient) -> None:
    for wrong in (date(1947, 1, 1), clinic.now.date() + timedelta(days=1)):
        with pytest.raises(actions.DiedBeforeBirth):
            actions.mark_deceased(actor=clinic.rosa, patient=walter, on=wrong, now=clinic.now)


def test_the_job_keeps_who_looks_alike_and_forgets_who_no_longer_does(
    clinic: Clinic, walter: Patient, register: Registry
) -> None:
    twin = register("Walther", "Ng", birth_on=date(1948, 2, 3), phone="207-555-0123")
    jobs.look_for_duplicates(patient_id=twin.pk)
    found = DuplicateCandidate.objects.get()
    assert (found.first_id, found.second_id, found.conflict) == (walter.pk, twin.pk, False)
    assert found.score == sum(points for _, points in found.reasons)
    actions.change_patient(
        actor=LIAISON, patient=twin, details=PatientDetails(family="Delgado", given="Rosa"), now=clinic.now
    )
    jobs.look_for_duplicates(patient_id=twin.pk)
    assert not DuplicateCandidate.objects.exists()
    jobs.look_for_duplicates(patient_id=twin.pk + 1000)


def test_a_form_that_was_sent_twice_is_kept_once(clinic: Clinic, walter: Patient) -> None:
    said = {"actor": clinic.rosa, "patient": walter, "now": clinic.now}
    phone = ContactDetails(kind="phone", value="(207) 555-0144")
    twice = (
        (lambda: actions.add_contact_point(contact=phone, **said), actions.ContactWrong, "value"),
        (lambda: actions.raise_alert(kind="safety", text="Hard of  hearing", **said), actions.AlertWrong, "text"),
        (lambda: actions.add_name(name=NameDetails(family="Wong"), **said), actions.DetailsWrong, "family"),
    )
    for do, refused, field in twice:
        do()
        with pytest.raises(refused) as refusal:
            do()
        assert "already" in refusal.value.fields[field]
    assert walter.contact_points.filter(value_key="+12075550144").count() == 1
    assert (walter.alerts.count(), walter.names.count()) == (1, 1)
    actions.add_contact_point(contact=ContactDetails(kind="phone", value="207 555 0144", use="work"), **said)


@pytest.mark.parametrize(
    ("called_as", "given", "family", "goes_by"),
    [
        ("Bob", "Robert", "Ng", "Bob"),
        ("", "Robert", "Ng", "Robert"),
        ("", "", "Ng", "Ng"),
        ("", "דוד", "כהן", "\u2068דוד\u2069"),
    ],
)
def test_how_a_patient_is_called_may_stand_in_a_sentence(called_as: str, given: str, family: str, goes_by: str) -> None:
    assert Patient(called_as=called_as, given=given, family=family).goes_by == goes_by


def test_a_language_of_three_letters_is_kept_by_its_short_tag_and_one_that_was_kept_so_is_chosen_in_the_form(
    clinic: Clinic,
) -> None:
    details = PatientDetails(given="Ana", family="Ruiz", spoken_language="spa", written_language="spa-MX")
    ana = actions.register_patient(actor=clinic.rosa, details=details, site_ids=[clinic.riverside.pk], now=clinic.now)
    assert (ana.spoken_language, ana.written_language) == ("es", "es-MX")
    ana.spoken_language = "spa"
    form = DetailsForm(patient=ana)
    assert form["spoken_language"].initial == "es"
    assert "spa" not in dict(form.fields["spoken_language"].choices)
