"""What an import shortens or leaves out of a person is told, never dropped in silence."""

from liaison.patients.models import Patient
from liaison.records.tests.cast import walter, write


def test_what_of_a_person_is_cut_or_left_out_is_told(cast, tmp_path):
    long = walter(name=[{"family": "Ng" * 150, "given": ["Walter"]}], birthDate="9999-12-31")
    summary = cast.take_in(write(tmp_path / "a.json", long))
    patient = Patient.objects.get()
    assert (len(patient.family), patient.given, patient.birth_on) == (200, "Walter", None)
    assert [note.text for note in summary.notes] == [
        "a name is kept whole as received, and its first 200 characters are used",
        "birthDate is kept as received but not used: its year lies outside 1850 to 2200, which no chart reads.",
    ]


def test_a_language_that_is_none_is_told_once_under_its_name_in_the_file(cast, tmp_path):
    odd = walter(communication=[{"language": {"coding": [{"code": "not a language"}]}}])
    summary = cast.take_in(write(tmp_path / "a.json", odd))
    assert Patient.objects.get().spoken_language == ""
    assert [note.text for note in summary.notes] == [
        "communication is kept as received but not used: Choose a language of the list."
    ]
