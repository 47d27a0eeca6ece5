"""What orders does when something happens below."""

from __future__ import annotations

from liaison.core.actor import Actor
from liaison.core.facts import reacts_to
from liaison.orders.actions import follow_merge, follow_unmerge
from liaison.patients.events import PatientsMerged, PatientsUnmerged


@reacts_to(PatientsMerged)
def move_referrals(fact: PatientsMerged, /, *, actor: Actor) -> None:
    """The survivor's referrals are now both records'."""
    follow_merge(actor, fact=fact)


@reacts_to(PatientsUnmerged)
def move_referrals_back(fact: PatientsUnmerged, /, *, actor: Actor) -> None:
    """The merge was a mistake."""
    follow_unmerge(actor, fact=fact)
