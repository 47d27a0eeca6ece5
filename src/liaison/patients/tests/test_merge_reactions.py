"""Nothing is left behind by a merge: whoever has rows of a patient moves them."""

from liaison.core.facts import reactions_to
from liaison.patients.events import PatientsMerged, PatientsUnmerged
from liaison.patients.models import Patient

OWN = {"patients"}


def test_every_package_with_rows_of_patients_answers_to_merges_and_to_undoing_them() -> None:
    packages = {relation.related_model._meta.app_label for relation in Patient._meta.related_objects} - OWN
    for fact in (PatientsMerged, PatientsUnmerged):
        answering = {reaction.__module__.split(".")[1] for reaction in reactions_to(fact)}
        assert packages <= answering, f"{fact.__name__}: see liaison.patients.events for how to move rows"
