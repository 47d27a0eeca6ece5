"""One id, two people: nobody becomes somebody else, and nothing hangs itself on the wrong chart."""

from __future__ import annotations

import json

import pytest

from liaison.patients.models import Identifier, Patient
from liaison.records.models import EarlierVersion, PendingReference, Resource
from liaison.records.rules.strangers import rejected_in, somebody_else, why_about_rejected, why_rejected
from liaison.records.tests.cast import bundle, observation, walter, write

OLGA = {
    "identifier": [{"system": "urn:mrn", "value": "O2"}],
    "name": [{"family": "Petrova", "given": ["Olga"]}],
    "birthDate": "1962-02-02",
    "gender": "female",
}
WAY_OUT = "If these are the ids of another system, import its files with a --system of its own."
WHY = "Patient/walter is kept already as somebody else: its identifier of urn:mrn is another; "
WHY += f"its birth date and its family name both are others. {WAY_OUT}"
ABOUT = f"is about Patient/walter, who was rejected: somebody else is kept under this id. {WAY_OUT}"


def olga(**more):
    """Somebody else under Walter's id."""
    return walter(**OLGA | more)


def lines(*resources):
    """NDJSON."""
    return "\n".join(json.dumps(one) for one in resources)


def number(value, system="urn:mrn", **more):
    return {"system": system, "value": value, **more}


@pytest.mark.parametrize(
    "came",
    [
        {},
        {"name": [{"family": "Wong"}]},
        {"birthDate": "1941-09-07"},
        {"birthDate": "1941-09-07", "name": [{"family": "Wong"}, {"use": "maiden", "family": "NG"}]},
        {"birthDate": "1941-09-07", "name": [{"family": "Ng-Wong"}]},
        {"birthDate": "1941-09-07", "name": []},
        {"birthDate": "1941", "name": [{"family": "Wong"}]},
        {"identifier": []},
        {"identifier": [number("9", system="urn:new"), number("no system", system="")]},
        {"identifier": [number("W2"), number("W1", use="old")]},
        {"identifier": [number("W1"), number("W2")]},
        {"identifier": [number("W1"), number("P2", system="urn:plan", type={"coding": [{"code": "MB"}]})]},
    ],
)
def test_what_may_change_of_one_person(came):
    plan = number("P1", system="urn:plan", type={"coding": [{"code": "MB"}]})
    before = walter(identifier=[number("W1"), plan])
    assert somebody_else(before, walter(**came)) == ""
    assert somebody_else(walter(**came), before) == ""


def test_what_makes_them_two():
    number_too = {"identifier": [number("W2")], "name": [{"family": "Wong"}]}
    assert somebody_else(walter(), walter(**number_too)) == "its identifier of urn:mrn is another"
    both = {"birthDate": "1990-01-01", "name": [{"family": "Wong"}], "identifier": []}
    assert somebody_else(walter(), walter(**both)) == "its birth date and its family name both are others"


@pytest.mark.parametrize(
    "came",
    [
        {"identifier": [number("W2")]},
        {"identifier": [number("W2")], "name": [{"family": "Ng", "given": ["Ines"]}]},
        {"birthDate": "1990-01-01", "name": [{"family": "Wong"}]},
    ],
    ids=["a number is issued anew", "a newborn gets a number and a name", "who came in unknown is known"],
)
def test_what_says_that_they_are_one_outweighs_what_changed(came):
    assert somebody_else(walter(), walter(**came)) == ""
    assert somebody_else(walter(**came), walter()) == ""


def test_the_reason_says_who_was_rejected_and_no_other_reason_does():
    assert rejected_in(why_rejected("Patient/walter", differs="all")) == "Patient/walter"
    assert rejected_in(why_about_rejected("Patient/walter")) == ""


def test_somebody_else_under_a_known_id_is_rejected_with_what_is_about_them_and_the_rest_comes_in(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", bundle(walter(), observation(), walter(id="twin", identifier=[]))))
    kept = list(Resource.objects.order_by("pk").values_list("body", "patient"))
    path = write(
        tmp_path / "b.json",
        bundle(
            olga(),
            observation(status="amended"),
            observation(id="other"),
            observation(id="of-twin", subject={"reference": "Patient/twin"}),
            observation(id="of-nobody", subject=None),
            walter(id="june", identifier=[], name=[{"family": "Ng", "given": ["June"]}], birthDate="1970-05-05"),
        ),
    )
    summary = cast.take_in(path)
    told = [(reject.path, reject.reason) for reject in summary.rejects]
    assert told == [("entry[0].resource", WHY), ("entry[1].resource", ABOUT), ("entry[2].resource", ABOUT)]
    assert (summary.total.new, summary.total.changed) == (3, 0)
    assert list(Resource.objects.order_by("pk").values_list("body", "patient"))[:3] == kept
    assert sorted(Patient.objects.values_list("family", flat=True)) == ["Ng", "Ng", "Ng"]
    assert list(Identifier.objects.values_list("value", flat=True)) == ["W1"]
    assert (EarlierVersion.objects.count(), PendingReference.objects.count()) == (0, 0)
    pretty = cast.take_in(path, write(tmp_path / "c.json", json.dumps(json.loads(path.read_text()), indent=2)))
    assert [(reject.path, reject.reason) for reject in pretty.rejects] == told * 2
    assert pretty.changed_nothing


def test_with_a_system_of_its_own_all_of_it_comes_in(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", bundle(walter(), observation())))
    theirs = write(tmp_path / "b.json", bundle(olga(), observation(status="amended")))
    assert cast.take_in(theirs).total.new == 0
    assert cast.take_in(theirs, system="clinic").rejects == ()
    of = Resource.objects.filter(resource_type="Observation").values_list("patient__family", "status")
    assert sorted(of) == [("Ng", "final"), ("Petrova", "amended")]


def test_who_marries_or_whose_birth_date_is_corrected_is_changed_as_ever(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", walter()))
    married = walter(name=[{"family": "Wong", "given": ["Walter"]}])
    assert cast.take_in(write(tmp_path / "b.json", married)).total.changed == 1
    assert cast.take_in(write(tmp_path / "c.json", {**married, "birthDate": "1941-07-08"})).total.changed == 1
    patient = Patient.objects.get()
    assert (patient.family, str(patient.birth_on)) == ("Wong", "1941-07-08")


def test_what_stood_before_a_stranger_on_the_lines_of_a_file_is_rejected_too(cast, tmp_path):
    """More lines than are stored together, so that the first were stored when the stranger came."""
    cast.take_in(write(tmp_path / "a.json", walter()))
    reached = []
    before = [observation(id=f"o{n}") for n in range(1_100)]
    free = observation(id="free", subject=None)
    path = write(tmp_path / "b.ndjson", lines(*before, free, olga()))
    summary = cast.take_in(path, progress=reached.append)
    assert (len(summary.rejects), summary.total.new) == (1_101, 1)
    assert Resource.objects.filter(patient=Patient.objects.get()).count() == 1
    assert reached[-1].rejects == 1_101


def test_two_people_under_one_id_in_one_file_are_the_first_and_a_stranger(cast, tmp_path):
    first = (walter(), observation())
    second = (olga(), observation(id="hers"))
    again = (walter(), observation(id="his"))
    content = lines(*(bundle(*pair) for pair in (first, second, again)))
    summary = cast.take_in(write(tmp_path / "all.ndjson", content))
    assert [reject.reason for reject in summary.rejects] == [WHY, ABOUT]
    assert Patient.objects.get().family == "Ng"
    assert sorted(Resource.objects.values_list("fhir_id", flat=True)) == ["a1c", "his", "walter"]


def test_files_of_the_same_import_that_follow_a_stranger_are_rejected_until_the_one_who_is_kept_comes(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", walter()))
    files = [
        write(tmp_path / "1.ndjson", lines(olga())),
        write(tmp_path / "2.ndjson", lines(observation(id="hers"))),
        write(tmp_path / "3.ndjson", lines(walter(active=True), observation(id="his"))),
    ]
    told = [WHY, ABOUT]
    assert [reject.reason for reject in cast.take_in(*files).rejects] == told
    assert [reject.reason for reject in cast.take_in(*files).rejects] == told
    assert sorted(Resource.objects.values_list("fhir_id", flat=True)) == ["his", "walter"]


def test_a_stranger_whose_file_came_before_still_holds_when_the_import_is_run_again(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", walter()))
    first = write(tmp_path / "1.ndjson", lines(olga()))
    cast.take_in(first)
    later = write(tmp_path / "2.ndjson", lines(observation(id="hers")))
    assert [reject.reason for reject in cast.take_in(first, later).rejects] == [WHY, ABOUT]
