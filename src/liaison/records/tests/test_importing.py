"""Taking files in: nothing is lost, nothing is doubled, whatever is refused is told."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.db import ProgrammingError, connection

from liaison.core import facts as core_facts
from liaison.core.actor import system_actor
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden
from liaison.directory.models import Organization, Practitioner
from liaison.patients.actions import merge_patients, unmerge_patients
from liaison.patients.models import Patient
from liaison.records.actions import import_files
from liaison.records.actions.importing import NoSite
from liaison.records.actions.rebuilding import rebuild_facts
from liaison.records.events import ChartChanged
from liaison.records.models import EarlierVersion, Fact, PendingReference, Resource, ResourceIdentifier, Source
from liaison.records.tests.cast import NOW, bundle, observation, walter, write

UUID = "urn:uuid:5d1e7f0c-3b2a-4c6d-9e8f-a1b2c3d4e5f6"
ENCOUNTER = {
    "resourceType": "Encounter",
    "id": "stay",
    "status": "finished",
    "class": {"code": "IMP"},
    "subject": {"reference": "Patient/walter"},
    "participant": [{"individual": {"reference": "Practitioner?identifier=urn:npi|77"}}],
    "serviceProvider": {"reference": "Organization/general"},
    "period": {"start": "2026-02-18T10:00:00Z", "end": "2026-02-20T10:00:00Z"},
}
IMANI = {
    "resourceType": "Practitioner",
    "id": "imani",
    "identifier": [{"system": "urn:npi", "value": "77"}],
    "name": [{"prefix": ["Dr."], "given": ["Imani"], "family": "Okoye"}],
}
GENERAL = {"resourceType": "Organization", "id": "general", "name": "Riverside General Hospital"}


def body_of(fhir_id):
    with connection.cursor() as cursor:
        cursor.execute("SELECT body::text FROM records_resource WHERE fhir_id = %s", [fhir_id])
        return cursor.fetchone()[0]


def everything():
    """All that an import may leave behind, without our own numbers and times."""
    tables = {
        "resource": "system, resource_type, fhir_id, full_url, version, body::text, digest, title, at",
        "fact": "kind, code, starts_at, ends_at, value_number, value_text",
        "earlierversion": "version, body::text",
        "resourceidentifier": "system, value",
        "pendingreference": "path, reference",
        "source": "name, sha256, counts, rejects",
    }
    found = {}
    with connection.cursor() as cursor:
        for table, columns in tables.items():
            cursor.execute(f"SELECT {columns} FROM records_{table} ORDER BY {columns}")
            found[table] = cursor.fetchall()
    found["patients"] = list(Patient.objects.order_by("pk").values_list("family", "given", "version"))
    return found


def test_each_resource_comes_back_value_for_value_decimals_included(cast, tmp_path):
    raw = json.dumps(bundle(walter(), observation())).replace("6.8,", "6.80,")
    raw = raw.replace(
        '"status": "final"', '"status": "final", "extension": [{"valueDecimal": 1.00}, {"valueDecimal": 1e2}]'
    )
    cast.take_in(write(tmp_path / "a.json", raw))
    text = body_of("a1c")
    sent = json.loads(raw, parse_float=Decimal)["entry"][1]["resource"]
    assert json.loads(text, parse_float=Decimal, parse_int=Decimal)["valueQuantity"]["value"] == Decimal("6.80")
    assert "6.80" in text
    assert "1.00" in text
    assert json.loads(text, parse_float=Decimal) == sent


def test_a_patient_comes_with_name_identifiers_and_site(cast, tmp_path):
    told = walter(
        telecom=[{"system": "phone", "value": "(207) 555-0123", "use": "mobile"}, {"system": "phone", "value": "none"}],
        address=[{"line": ["1 Elm St"], "city": "Bath", "state": "ME", "postalCode": "04530", "country": "US"}],
        communication=[{"language": {"coding": [{"code": "zh"}]}, "preferred": True}],
        deceasedDateTime="2026-03-01T23:30:00-05:00",
    )
    summary = cast.take_in(write(tmp_path / "a.json", told))
    patient = Patient.objects.get()
    assert (patient.family, patient.given, str(patient.birth_on)) == ("Ng", "Walter", "1941-07-09")
    assert patient.spoken_language == "zh"
    assert str(patient.deceased_on) == "2026-03-01"
    assert [site.site_id for site in patient.sites.all()] == [cast.riverside.pk]
    assert [(one.system, one.value) for one in patient.identifiers.all()] == [("urn:mrn", "W1")]
    assert [point.value for point in patient.contact_points.filter(kind="phone")] == ["(207) 555-0123"]
    assert [note.text for note in summary.notes] == ["a phone that can't be one is kept as received but not used"]
    assert Patient.objects.visible_to(cast.rosa, now=NOW).exists()
    assert not Patient.objects.visible_to(cast.pat, now=NOW).exists()


def test_practitioners_and_organizations_enter_the_directory_once(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", bundle(IMANI, GENERAL)))
    cast.take_in(write(tmp_path / "b.json", bundle({**IMANI, "active": True}, {**GENERAL, "active": True})))
    practitioner = Practitioner.objects.get()
    assert (practitioner.name, practitioner.takes_referrals) == ("Dr Imani Okoye", False)
    assert Organization.objects.get().kind == "hospital"


def test_one_audit_entry_says_how_many_came_and_never_who(cast, tmp_path):
    cast.take_in(write(tmp_path / "Walter_Ng.json", bundle(walter(), observation())))
    entry = AuditEntry.objects.get(verb="records.import")
    assert entry.details["resources"]["Observation"]["new"] == 1
    assert "Walter" not in json.dumps(entry.details)


def test_packages_above_hear_whose_chart_changed(cast, tmp_path):
    heard = []
    core_facts._reactions[ChartChanged].append(listen := lambda fact, *, actor: heard.append(fact.patient_ids))
    try:
        cast.take_in(write(tmp_path / "a.json", bundle(walter(), observation())))
        cast.take_in(write(tmp_path / "b.json", GENERAL))
    finally:
        core_facts._reactions[ChartChanged].remove(listen)
    assert heard == [(Patient.objects.get().pk,)]


def test_importing_again_changes_nothing_and_says_so(cast, tmp_path):
    path = write(tmp_path / "a.json", bundle(walter(), observation(), ENCOUNTER, {"resourceType": "Nonsense"}))
    first = cast.take_in(path)
    before = everything()
    again = cast.take_in(path, now=NOW + timedelta(days=1))
    same_content = write(tmp_path / "pretty.json", json.dumps(json.loads(path.read_text()), indent=3, sort_keys=True))
    otherwise = cast.take_in(same_content)
    assert (first.changed_nothing, again.changed_nothing, otherwise.changed_nothing) == (False, True, True)
    assert [outcome.state for outcome in again.outcomes] == ["known"]
    assert again.total.unchanged == otherwise.total.unchanged == 3
    assert [reject.reason for reject in again.rejects] == [reject.reason for reject in first.rejects] != []
    after = everything()
    assert {**after, "source": None} == {**before, "source": None}


def test_other_content_under_the_same_id_is_a_new_version_and_the_old_one_stays(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", bundle(walter(), observation())))
    summary = cast.take_in(write(tmp_path / "b.json", bundle(observation(status="amended", valueInteger=7), walter())))
    kept = Resource.objects.get(fhir_id="a1c")
    assert (summary.by_type["Observation"].changed, summary.by_type["Patient"].unchanged) == (1, 1)
    assert (kept.version, kept.status, kept.earlier.get().body["status"]) == (2, "amended", "final")
    assert [fact.status for fact in kept.facts.all()] == ["amended"]


def test_only_the_digits_of_a_number_changing_is_a_change(cast, tmp_path):
    raw = json.dumps(observation(subject=None))
    cast.take_in(write(tmp_path / "a.json", raw))
    assert cast.take_in(write(tmp_path / "b.json", raw.replace("6.8,", "6.80,"))).total.changed == 1


def test_content_that_is_older_by_its_own_date_goes_into_the_history(cast, tmp_path):
    def dated(day):
        return observation(subject=None, meta={"lastUpdated": f"2026-02-{day}T00:00:00Z"})

    cast.take_in(write(tmp_path / "a.json", dated("20")))
    summary = cast.take_in(write(tmp_path / "b.json", dated("10")))
    again = cast.take_in(write(tmp_path / "c.json", json.dumps(dated("10"), indent=1)))
    kept = Resource.objects.get()
    assert (summary.total.older, again.total.unchanged) == (1, 1)
    assert kept.body["meta"]["lastUpdated"].startswith("2026-02-20")
    assert kept.earlier.get().body["meta"]["lastUpdated"].startswith("2026-02-10")


@pytest.mark.parametrize(
    ("kept", "came", "state"),
    [
        ("2026-02-20T14:00:00Z", "2026-02-20T10:00:00-05:00", "changed"),
        ("2026-02-20T10:00:00-05:00", "2026-02-20T14:00:00Z", "older"),
        ("2026-02-20T14:00:00Z", "2026-02-20T14:00:00.500Z", "changed"),
        ("2026-02-20T14:00:00.500Z", "2026-02-20T14:00:00Z", "older"),
        ("2026-02-20T15:00:00Z", "2026-02-20T14:00:00-05:00", "changed"),
        ("2026-02-20T14:00:00-05:00", "2026-02-20T15:00:00Z", "older"),
        ("2026-02-20T14:00:00Z", "some day", "changed"),
    ],
)
def test_which_content_is_newer_is_told_by_the_moment_whatever_its_zone(cast, tmp_path, kept, came, state):
    def dated(said):
        return observation(subject=None, meta={"lastUpdated": said})

    cast.take_in(write(tmp_path / "a.json", dated(kept)))
    total = cast.take_in(write(tmp_path / "b.json", dated(came))).total
    now_kept = Resource.objects.get().body["meta"]["lastUpdated"]
    assert (total.changed, total.older, now_kept) == ((1, 0, came) if state == "changed" else (0, 1, kept))


def test_two_contents_of_one_moment_in_one_file_keep_the_first_however_the_moment_is_written(cast, tmp_path):
    noon, same_noon = ({"lastUpdated": said} for said in ("2026-02-20T12:00:00Z", "2026-02-20T07:00:00-05:00"))
    summary = cast.take_in(write(tmp_path / "a.json", bundle(observation(meta=noon), observation(meta=same_noon))))
    assert [reject.reason.partition(" came")[0] for reject in summary.rejects] == ["Observation/a1c"]
    assert Resource.objects.get().body["meta"] == noon


def test_one_id_with_two_contents_in_one_file_keeps_the_first_and_refuses_the_second(cast, tmp_path):
    summary = cast.take_in(
        write(tmp_path / "a.json", bundle(walter(), observation(), observation(status="amended"), observation()))
    )
    assert [reject.reason for reject in summary.rejects] == [
        "Observation/a1c came before in this file with other content; the first is kept"
    ]
    assert summary.by_type["Observation"].unchanged == 1
    assert Resource.objects.get(fhir_id="a1c").status == "final"


def test_the_same_id_from_two_systems_is_two_resources_and_two_patients(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", walter()), system="hospital")
    olga = walter(name=[{"family": "Petrova"}], identifier=[], birthDate="1950-01-01")
    cast.take_in(write(tmp_path / "b.json", olga), system="clinic")
    assert Resource.objects.filter(fhir_id="walter").count() == 2
    assert sorted(Patient.objects.values_list("family", flat=True)) == ["Ng", "Petrova"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_files_may_come_in_any_order(cast, tmp_path, order):
    files = [
        write(tmp_path / "patient.json", bundle(walter())),
        write(tmp_path / "stay.json", bundle(ENCOUNTER, observation())),
        write(tmp_path / "places.json", bundle(IMANI, GENERAL)),
    ]
    summaries = [cast.take_in(files[n]) for n in order]
    assert not PendingReference.objects.exists()
    assert summaries[-1].unresolved == ()
    patient = Patient.objects.get()
    assert Resource.objects.get(fhir_id="stay").patient == patient
    assert sorted(fact.kind for fact in patient.facts.all()) == ["encounter", "observation"]
    assert set(summaries[-1].patient_ids) <= {patient.pk}


def test_what_nobody_has_sent_is_told_once_for_each_target(cast, tmp_path):
    summary = cast.take_in(write(tmp_path / "a.json", bundle(ENCOUNTER, observation())))
    told = {note.text: note.path for note in summary.unresolved}
    assert told == {
        "points at Patient/walter, which has not come": "entry[0].resource.subject (and 1 more)",
        "points at Practitioner?identifier=urn:npi|77, which has not come": (
            "entry[0].resource.participant[0].individual"
        ),
        "points at Organization/general, which has not come": "entry[0].resource.serviceProvider",
    }
    assert summary.unresolved_count == 3
    assert summary.rejects == ()
    assert Resource.objects.filter(patient=None).count() == 2
    assert not Fact.objects.exists()


def test_a_reference_by_identifier_alone_finds_the_patient(cast, tmp_path):
    by_identifier = observation(subject={"identifier": {"system": "urn:mrn", "value": "W1"}})
    cast.take_in(write(tmp_path / "a.json", by_identifier))
    cast.take_in(write(tmp_path / "b.json", walter()))
    assert Resource.objects.get(fhir_id="a1c").patient == Patient.objects.get()
    assert not PendingReference.objects.exists()


def test_a_subject_that_is_no_patient_leaves_the_resource_without_one(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", bundle(GENERAL, urls=(UUID,))))
    cast.take_in(write(tmp_path / "b.json", bundle(observation(subject={"reference": UUID}))))
    assert Resource.objects.get(fhir_id="a1c").patient is None
    assert not PendingReference.objects.exists()
    assert not Fact.objects.exists()


def test_an_identifier_that_two_bear_answers_nothing(cast, tmp_path):
    twin = {**IMANI, "id": "twin"}
    cast.take_in(write(tmp_path / "a.json", bundle(IMANI, twin, walter(), ENCOUNTER, GENERAL)))
    assert PendingReference.objects.get().by == "identifier"


def test_ndjson_with_patients_last_is_linked_at_the_end(cast, tmp_path):
    lines = [observation(id=f"o{n}", subject={"reference": "Patient/walter"}) for n in range(30)] + [walter()]
    cast.take_in(write(tmp_path / "all.ndjson", "\n".join(json.dumps(line) for line in lines)))
    assert Fact.objects.filter(patient=Patient.objects.get()).count() == 30
    assert not PendingReference.objects.exists()


def test_a_damaged_file_leaves_nothing_and_the_others_come_in(cast, tmp_path):
    whole = write(tmp_path / "whole.json.gz", bundle(walter()), gz=True)
    lines = b"".join(json.dumps(observation(id=f"o{n}", note="x" * n)).encode() + b"\n" for n in range(3000))
    cut = write(tmp_path / "cut.ndjson.gz", lines, gz=True)
    cut.write_bytes(cut.read_bytes()[:-2000])
    summary = cast.take_in(cut, tmp_path / "missing.json", whole)
    assert [outcome.state for outcome in summary.outcomes] == ["rejected", "rejected", "imported"]
    assert summary.rejects[0].path == "$"
    assert Resource.objects.count() == 1
    assert AuditEntry.objects.filter(verb="records.import").count() == 3


def test_progress_counts_up_to_the_end(cast, tmp_path):
    told = []
    files = [write(tmp_path / f"{n}.json", observation(id=f"o{n}", subject=None)) for n in range(3)]
    cast.take_in(*files, write(tmp_path / "bad.json", "{"), progress=told.append)
    last = told[-1]
    assert (last.files_done, last.files_total, last.resources, last.rejects) == (4, 4, 3, 1)
    assert last.bytes_done == last.bytes_total
    assert [one.resources for one in told] == sorted(one.resources for one in told)


def test_cancelling_from_the_progress_leaves_whole_files_only(cast, tmp_path):
    class Cancelled(Exception):
        pass

    def cancel(at):
        if at.resources == 2:
            raise Cancelled

    files = [write(tmp_path / f"{n}.json", observation(id=f"o{n}", subject=None)) for n in range(3)]
    with pytest.raises(Cancelled):
        cast.take_in(*files, progress=cancel)
    assert Resource.objects.count() == Source.objects.count() == 1


def test_a_coordinator_may_not_import_and_nothing_is_read(cast, tmp_path):
    with pytest.raises(Forbidden):
        import_files(cast.rosa, paths=[write(tmp_path / "a.json", walter())], now=NOW)
    assert not Resource.objects.exists()


def test_without_a_site_there_is_nowhere_to_register_patients(db, cast, tmp_path):
    from liaison.accounts.models import Assignment, Site

    with writes_open():
        Assignment.objects.all().delete()
        Site.objects.all().delete()
    with pytest.raises(NoSite):
        import_files(cast.carla, paths=[], now=NOW)


def test_what_the_source_changes_follows_and_what_people_here_changed_stays(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", walter(gender="unknown")))
    with writes_open():
        Patient.objects.update(given="Wally")
    phone = [{"system": "phone", "value": "(207) 555-0199"}]
    identifiers = [{"system": "urn:mrn", "value": "W1"}, {"system": "urn:new", "value": "9"}]
    cast.take_in(write(tmp_path / "b.json", walter(given=["Walt"], telecom=phone, identifier=identifiers)))
    patient = Patient.objects.get()
    assert (patient.given, patient.sex) == ("Wally", "male")
    assert [point.value for point in patient.contact_points.all()] == ["(207) 555-0199"]
    assert patient.identifiers.count() == 2


@pytest.mark.parametrize(
    "odd",
    [
        {"name": []},
        {"name": "Walter"},
        {"name": [{"family": "\u200b"}]},
        {"birthDate": "2090-01-01"},
        {"birthDate": "1851"},
        {"birthDate": "1860-01-01"},
        {"communication": [{"language": {"coding": [{"code": "not a language at all!"}]}}]},
        {"deceasedDateTime": "2090-01-01"},
        {"deceasedBoolean": True},
        {"gender": 5, "identifier": "W1", "telecom": [5], "address": [[]]},
        {"name": [{"family": "李Ñørثภาษाไทย<script>alert(1)</script>'; DROP TABLE patients_patient;--"}]},
    ],
)
def test_an_odd_patient_is_registered_all_the_same(cast, tmp_path, odd):
    summary = cast.take_in(write(tmp_path / "a.json", {**walter(), **odd}))
    assert summary.rejects == ()
    patient = Patient.objects.get()
    assert Resource.objects.get().patient == patient
    assert patient.display_name


def test_rebuilding_gives_the_same_facts(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", bundle(walter(), observation(), ENCOUNTER, GENERAL)))
    before = everything()
    with writes_open():
        Fact.objects.all().delete()
        Resource.objects.update(title="old", kind="")
    with pytest.raises(Forbidden):
        rebuild_facts(cast.rosa, now=NOW)

    told = []
    summary = rebuild_facts(system_actor("test"), now=NOW, progress=lambda done, total: told.append((done, total)))
    assert (summary.resources, summary.facts, told) == (4, 2, [(4, 4)])
    assert everything() == before
    assert rebuild_facts(system_actor("test"), now=NOW, patient_ids=[Patient.objects.get().pk]).resources == 3
    assert everything() == before


def test_a_merge_moves_the_records_and_undoing_it_moves_them_back(cast, tmp_path):

    twin = walter(id="twin", identifier=[])
    cast.take_in(write(tmp_path / "a.json", bundle(walter(), twin, observation(subject={"reference": "Patient/twin"}))))
    survivor, merged = Patient.objects.order_by("pk")
    clerk = system_actor("test")
    record = merge_patients(actor=clerk, survivor=survivor, merged=merged, reason="one person", now=NOW)
    assert Resource.objects.filter(patient=survivor).count() == 3
    assert Fact.objects.get().patient == survivor
    unmerge_patients(actor=clerk, merge=record, reason="two persons", now=NOW)
    assert Resource.objects.filter(patient=merged).count() == 2
    assert ResourceIdentifier.objects.count() == 1
    assert EarlierVersion.objects.count() == 0


@pytest.mark.parametrize("reference", ["Patient/walter", UUID, "Patient?identifier=urn:mrn|W1"])
def test_a_patient_of_an_earlier_file_is_found_by_every_form_of_reference(cast, tmp_path, reference):
    cast.take_in(write(tmp_path / "a.json", bundle(walter(), urls=(UUID,))))
    later = observation(
        subject={"reference": reference},
        encounter={"reference": "#inside"},
        specimen={"reference": "no reference at all"},
        contained=[{"resourceType": "Encounter", "id": "inside"}],
    )
    summary = cast.take_in(write(tmp_path / "b.json", later))
    assert Resource.objects.get(fhir_id="a1c").patient == Patient.objects.get()
    assert [note.text for note in summary.unresolved] == ["points at no reference at all, which has not come"]


def test_an_absolute_reference_means_the_server_that_sent_it(cast, tmp_path):
    here, there = "https://here.example/fhir", "https://there.example/fhir"
    cast.take_in(write(tmp_path / "a.json", bundle(walter(), urls=(f"{here}/Patient/walter",))))
    same = observation(subject={"reference": f"{here}/Patient/walter"})
    other = observation(id="other", subject={"reference": f"{there}/Patient/walter"})
    cast.take_in(
        write(tmp_path / "b.json", bundle(same, other, urls=(f"{here}/Observation/a1c", f"{here}/Observation/o")))
    )
    assert Resource.objects.get(fhir_id="a1c").patient is not None
    assert Resource.objects.get(fhir_id="other").patient is None


def test_a_long_file_is_linked_across_its_batches(cast, tmp_path):
    lines = [observation(id=f"o{n}", subject={"reference": "Patient/walter"}) for n in range(2100)]
    lines[5]["performer"] = [{"reference": "Practitioner/imani"}]
    last = [walter(), IMANI]
    cast.take_in(write(tmp_path / "all.ndjson", "\n".join(json.dumps(line) for line in [*lines, *last])))
    assert Fact.objects.filter(patient=Patient.objects.get()).count() == 2100
    assert not PendingReference.objects.exists()


def test_a_file_with_nothing_good_in_it_is_told_again_when_it_comes_again(cast, tmp_path):
    path = write(tmp_path / "a.json", {"resourceType": "Nope"})
    first, again = cast.take_in(path), cast.take_in(path)
    assert [reject.reason for reject in again.rejects] == [reject.reason for reject in first.rejects]
    assert again.outcomes[0].state == "known"


def test_two_imports_of_one_file_at_the_same_time_store_it_once(cast, tmp_path):
    from liaison.records.actions.importing import _Run

    path = write(tmp_path / "a.json", walter())
    sha256 = cast.take_in(path) and Source.objects.get().sha256
    late = _Run(actor=cast.carla, now=NOW, site_id=cast.riverside.pk, system="", progress=None, files=[path])
    assert late._import(path, sha256=sha256).state == "known"
    assert Resource.objects.count() == 1


def test_a_number_that_is_no_npi_is_left_out_of_the_directory(cast, tmp_path):
    npi = [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1111111111"}]
    cast.take_in(write(tmp_path / "a.json", bundle({**IMANI, "identifier": npi}, {**GENERAL, "identifier": npi})))
    assert (Practitioner.objects.get().npi, Organization.objects.get().npi) == ("", "")


@pytest.mark.parametrize("change", [{"name": [{"family": "Wong"}]}, {"gender": "female"}])
def test_one_number_under_two_names_is_two_patients(cast, tmp_path, change):
    cast.take_in(write(tmp_path / "a.json", walter()))
    cast.take_in(write(tmp_path / "b.json", walter(id="second", **change)))
    assert Patient.objects.count() == 2


def test_a_way_to_reach_them_that_is_known_is_not_added_twice(cast, tmp_path):
    phone = {"system": "phone", "value": "(207) 555-0199"}
    cast.take_in(write(tmp_path / "a.json", walter(telecom=[phone])))
    cast.take_in(write(tmp_path / "b.json", walter(telecom=[{**phone, "value": "207-555-0199"}])))
    assert Patient.objects.get().contact_points.count() == 1


def test_one_number_twice_in_a_file_is_added_once_for_each_use(cast, tmp_path):
    one, same = {"system": "phone", "value": "(207) 555-0199"}, {"system": "phone", "value": "207-555-0199"}
    cast.take_in(write(tmp_path / "a.json", walter()))
    came = cast.take_in(write(tmp_path / "b.json", walter(telecom=[one, same, {**one, "use": "work"}])))
    assert not came.rejects
    assert sorted(Patient.objects.get().contact_points.values_list("use", flat=True)) == ["home", "work"]


def test_a_patient_whose_registration_was_taken_away_is_registered_again(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", walter(identifier=[])))
    with writes_open():
        Fact.objects.all().delete()
        Resource.objects.update(patient=None)
        Patient.objects.all().delete()
    cast.take_in(write(tmp_path / "b.json", walter(identifier=[], active=True)))
    assert Resource.objects.get().patient == Patient.objects.get()


def test_rebuilding_an_empty_chart_is_nothing(cast):

    assert rebuild_facts(system_actor("test"), now=NOW).resources == 0


def test_a_file_that_the_database_refuses_is_rejected_and_the_next_one_is_taken(cast, tmp_path):
    wide = "http://" + "".join(chr(0x20000 + index * 7 % 40_000) for index in range(1_990))
    content = {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": wide, "resource": walter()}]}
    bad, good = write(tmp_path / "a.json", content), write(tmp_path / "b.json", walter(id="second"))
    summary = cast.take_in(bad, good)
    assert [outcome.state for outcome in summary.outcomes] == ["rejected", "imported"]
    assert summary.rejects[0].reason.startswith("the database can't keep it: index row size")
    assert list(Resource.objects.values_list("fhir_id", flat=True)) == ["second"]


def test_a_file_name_that_is_not_utf8_is_kept_with_a_replacement(cast, tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/w\xff.json"))
    summary = cast.take_in(write(path, walter()))
    assert summary.outcomes[0].file == Source.objects.get().name == f"{tmp_path}/w\ufffd.json"


def test_a_database_that_fails_is_nobodys_bad_file(cast, tmp_path):
    def lose_the_tables(_reached):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL search_path TO nowhere")

    with pytest.raises(ProgrammingError):
        cast.take_in(write(tmp_path / "a.json", walter()), progress=lose_the_tables)


def test_a_bundle_that_is_a_document_is_kept_whole_and_said_so(cast, tmp_path):
    letter = {"resourceType": "Bundle", "id": "letter", "type": "document", "entry": [{"resource": walter()}]}
    summary = cast.take_in(write(tmp_path / "letter.json", letter))
    assert [note.text for outcome in summary.outcomes for note in outcome.notes] == [
        "a document bundle is kept whole, as one resource"
    ]
    assert list(Resource.objects.values_list("resource_type", "fhir_id")) == [("Bundle", "letter")]


def test_a_birth_date_of_tomorrow_is_not_used_late_in_the_evening_at_the_site(cast, tmp_path):
    """At 23:30 in New York it is the next day already in UTC."""
    late = datetime(2026, 3, 4, 23, 30, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)
    tomorrow = walter(birthDate="2026-03-05")
    summary = cast.take_in(write(tmp_path / "a.json", tomorrow), now=late)
    assert Patient.objects.get().birth_on is None
    assert [note.text for note in summary.notes] == [
        "birthDate is kept as received but not used: This date is in the future."
    ]
    cast.take_in(write(tmp_path / "b.json", walter(birthDate="2026-03-04")), now=late)
    assert str(Patient.objects.get().birth_on) == "2026-03-04"
