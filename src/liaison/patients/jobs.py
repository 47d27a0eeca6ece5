"""Background work on patients."""

from __future__ import annotations

from liaison.core.actor import system_actor
from liaison.core.clock import current_time
from liaison.core.jobs import job
from liaison.patients import actions, queries
from liaison.patients.models import Patient


@job()
def look_for_duplicates(*, patient_id: int) -> None:
    """Compare one patient with everyone else and keep what a person should look at."""
    actor = system_actor("duplicates")
    patient = Patient.objects.current().filter(pk=patient_id).first()
    if patient is None:
        return
    pairs = queries.pairs_for(actor, patient=patient, now=current_time())
    actions.note_duplicates(actor=actor, patient=patient, pairs=pairs, now=current_time())
