"""What the ledger does when something happens to a patient, or to who works here."""

from __future__ import annotations

from liaison.accounts.events import PersonDeactivated, RoleChanged, TeamAdded
from liaison.core.actor import Actor
from liaison.core.facts import reacts_to
from liaison.core.jobs import defer
from liaison.loops.actions import (
    end_hand_overs_of,
    follow_merge,
    follow_unmerge,
    resume_after_mistake,
    review_after_death,
)
from liaison.loops.jobs import find_late_owners_soon
from liaison.loops.models import WaitingPromise
from liaison.patients.events import PatientDeceased, PatientNotDeceased, PatientsMerged, PatientsUnmerged


@reacts_to(PatientsMerged)
def move_loops(fact: PatientsMerged, /, *, actor: Actor) -> None:
    """The survivor's promises are now both records'."""
    follow_merge(actor, fact=fact)


@reacts_to(PatientsUnmerged)
def move_loops_back(fact: PatientsUnmerged, /, *, actor: Actor) -> None:
    """The merge was a mistake."""
    follow_unmerge(actor, fact=fact)


@reacts_to(PatientDeceased)
def review_loops(fact: PatientDeceased, /, *, actor: Actor) -> None:
    """Every owner looks once more at what was promised."""
    review_after_death(actor, patient_id=fact.patient_id, now=fact.at)


@reacts_to(PatientNotDeceased)
def resume_loops(fact: PatientNotDeceased, /, *, actor: Actor) -> None:
    """The clocks run again."""
    resume_after_mistake(actor, patient_id=fact.patient_id, now=fact.at)


@reacts_to(TeamAdded)
def find_owners_in_a_new_team(fact: TeamAdded, /, *, actor: Actor) -> None:
    """A new team can own promises that nobody could own so far: the worker opens them."""
    del fact, actor
    _find_owners()


@reacts_to(RoleChanged)
def find_owners_in_a_new_role(fact: RoleChanged, /, *, actor: Actor) -> None:
    """A new coordinator or supervisor can own promises that nobody could own so far: the worker opens them."""
    del fact, actor
    _find_owners()


@reacts_to(PersonDeactivated)
def end_hand_overs(fact: PersonDeactivated, /, *, actor: Actor) -> None:
    """Who left does not come back to their desk: what the covers keep is theirs."""
    end_hand_overs_of(actor, user_id=fact.user_id, now=fact.at)


def _find_owners() -> None:
    if WaitingPromise.objects.waiting().exists():
        defer(find_late_owners_soon)
