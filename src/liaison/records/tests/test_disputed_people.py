"""Whether two records are one person is told by what they bear; where that disagrees, a person decides."""

from __future__ import annotations

from liaison.core.actor import system_actor
from liaison.patients.actions import keep_apart, note_disputed_identifier
from liaison.patients.models import DuplicateCandidate, Patient
from liaison.records.tests.cast import NOW, bundle, walter, write


def test_the_same_person_from_another_system_is_recognised_and_a_stranger_is_not(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", walter()), system="hospital")
    same = cast.take_in(write(tmp_path / "b.json", walter(id="other-id")), system="clinic")
    assert Patient.objects.count() == 1
    assert same.notes[0].text.startswith("is a patient who is registered already")
    stranger = walter(id="third", birthDate="1990-01-01")
    note = cast.take_in(write(tmp_path / "c.json", stranger), system="clinic").notes[0]
    assert "not surely the same person" in note.text
    assert Patient.objects.count() == 2
    waiting = DuplicateCandidate.objects.get()
    assert (waiting.conflict, waiting.disputed, waiting.decision) == (True, True, "open")
    assert waiting.reasons[0] == ["disputed_identifier", 0]


def test_one_record_that_bears_the_identifiers_of_two_patients_leaves_it_to_a_person_whether_they_are_one(
    cast, tmp_path
):
    by_name = {"identifier": [{"system": "urn:other", "value": "9"}], "id": "second"}
    cast.take_in(write(tmp_path / "a.json", bundle(walter(), walter(**by_name))), system="hospital")
    first, second = Patient.objects.order_by("pk")
    both = [{"system": "urn:mrn", "value": "W1"}, *by_name["identifier"]]
    summary = cast.take_in(write(tmp_path / "b.json", walter(id="third", identifier=both)), system="clinic")
    waiting = DuplicateCandidate.objects.get()
    assert (waiting.first, waiting.second, waiting.disputed) == (first, second, True)
    assert f"/patients/merge/{second.pk}/{first.pk}/" in summary.notes[1].text
    assert Patient.objects.count() == 2


def test_a_later_version_that_bears_somebody_elses_identifier_is_disputed_once(cast, tmp_path):
    june = walter(id="june", identifier=[], name=[{"family": "Ng", "given": ["June"]}], birthDate="1970-05-05")
    cast.take_in(write(tmp_path / "a.json", bundle(walter(), june)))
    assert not DuplicateCandidate.objects.exists()
    took = {**june, "identifier": [{"system": "urn:mrn", "value": "W1"}]}
    assert "kept apart as patient" in cast.take_in(write(tmp_path / "b.json", took)).notes[0].text
    waiting = DuplicateCandidate.objects.get()
    assert waiting.score < 50
    keep_apart(actor=cast.carla, candidate=waiting, now=NOW)
    moved = {**took, "telecom": [{"system": "phone", "value": "(207) 555-0199"}]}
    assert cast.take_in(write(tmp_path / "c.json", moved)).notes == ()
    waiting.refresh_from_db()
    assert waiting.decision == "different"


def test_a_decision_that_was_made_holds_when_the_same_dispute_comes_from_another_feed(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", walter()), system="hospital")
    stranger = walter(id="third", birthDate="1990-01-01")
    cast.take_in(write(tmp_path / "b.json", stranger), system="clinic")
    first, second = Patient.objects.order_by("pk")
    keep_apart(actor=cast.carla, candidate=DuplicateCandidate.objects.get(), now=NOW)
    note_disputed_identifier(actor=system_actor("import"), patient=second, other=first, now=NOW)
    assert DuplicateCandidate.objects.get().decision == "different"
