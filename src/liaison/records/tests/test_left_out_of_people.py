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
        "birth_on is kept as received but not used: its year lies outside 1850 to 2200, which no chart reads.",
    ]
