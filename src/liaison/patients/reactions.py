"""What patients themselves answer to: whoever is new or corrected is compared with everyone else."""

from liaison.core.actor import Actor
from liaison.core.facts import reacts_to
from liaison.core.jobs import defer
from liaison.patients.events import PatientChanged, PatientRegistered
from liaison.patients.jobs import look_for_duplicates

_COMPARED = frozenset({"family", "given", "called_as", "birth_on", "sex", "names", "identifiers"})


@reacts_to(PatientRegistered)
def compare_new_patient(fact: PatientRegistered, /, *, actor: Actor) -> None:
    """Look for duplicates once this has committed."""
    del actor
    defer(look_for_duplicates, patient_id=fact.patient_id)


@reacts_to(PatientChanged)
def compare_changed_patient(fact: PatientChanged, /, *, actor: Actor) -> None:
    """Look again when something changed that registrations are compared by."""
    del actor
    if _COMPARED & set(fact.changed):
        defer(look_for_duplicates, patient_id=fact.patient_id)
