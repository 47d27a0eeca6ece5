"""What records do when something happens to a patient."""

from __future__ import annotations

from liaison.core.actor import Actor
from liaison.core.facts import reacts_to
from liaison.patients.actions import put_back, repoint
from liaison.patients.events import PatientsMerged, PatientsUnmerged
from liaison.records.models import Fact, Resource


@reacts_to(PatientsMerged)
def move_records(fact: PatientsMerged, /, *, actor: Actor) -> None:
    """The survivor's chart is now both charts."""
    del actor  # the merge's own audit entry says who did it
    repoint(fact, rows=Resource.objects.all())
    repoint(fact, rows=Fact.objects.all())


@reacts_to(PatientsUnmerged)
def move_records_back(fact: PatientsUnmerged, /, *, actor: Actor) -> None:
    """The merge was a mistake."""
    del actor  # as above
    put_back(fact, model=Resource)
    put_back(fact, model=Fact)
