"""What protocols do when a chart changes, a call is logged, a visit is booked, lost or kept."""

from __future__ import annotations

from liaison.accounts.events import RoleChanged, TeamAdded
from liaison.core.actor import Actor
from liaison.core.facts import reacts_to
from liaison.core.jobs import defer
from liaison.inbox.events import CallLogged, CallStruck
from liaison.loops.events import EvidenceWithdrawn, OwnerFound
from liaison.pathways.actions import (
    evaluate,
    forget_call,
    note_call,
    tell_clinician_of_missed,
    visit_booked,
    visit_lost,
    visit_not_missed,
    visit_seen,
    visit_served,
    visit_serves_no_more,
    visit_unproven,
)
from liaison.pathways.jobs import open_what_waits
from liaison.pathways.kinds import POST_DISCHARGE, VISIT
from liaison.pathways.models import Enrolment
from liaison.patients.actions import put_back, repoint
from liaison.patients.events import PatientDeceased, PatientsMerged, PatientsUnmerged
from liaison.patients.models import Patient
from liaison.records.events import ChartChanged
from liaison.scheduling.events import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentMoved,
    AppointmentNotMissed,
    AppointmentSeen,
    AppointmentServes,
    AppointmentServesNoMore,
)


@reacts_to(ChartChanged)
def look_again(fact: ChartChanged, /, *, actor: Actor) -> None:
    """Evaluate the patients whose charts changed, and nobody else."""
    evaluate(actor, now=fact.at, patient_ids=fact.patient_ids)


@reacts_to(OwnerFound)
def follow_what_was_opened(fact: OwnerFound, /, *, actor: Actor) -> None:
    """A stay that could not be followed has its loop now: its follow-up begins with it, not at the next hour."""
    if fact.kind == POST_DISCHARGE.code:
        evaluate(actor, now=fact.at, patient_ids=[fact.patient_id])


@reacts_to(TeamAdded)
def look_for_what_waits(fact: TeamAdded, /, *, actor: Actor) -> None:
    """A new team can own follow-ups that nobody could own so far: the worker opens them."""
    del fact, actor
    _look_soon()


@reacts_to(RoleChanged)
def look_for_what_waits_for_somebody(fact: RoleChanged, /, *, actor: Actor) -> None:
    """A new coordinator or supervisor can own follow-ups that nobody could own so far: the worker opens them."""
    del fact, actor
    _look_soon()


def _look_soon() -> None:
    if Patient.objects.exists():  # before the first chart there is nothing to look at
        defer(open_what_waits)


@reacts_to(PatientDeceased)
def stop_following(fact: PatientDeceased, /, *, actor: Actor) -> None:
    """A death takes follow-ups back."""
    evaluate(actor, now=fact.at, patient_ids=[fact.patient_id])


@reacts_to(PatientsMerged)
def follow_the_survivor(fact: PatientsMerged, /, *, actor: Actor) -> None:
    """What the merged patient is enrolled in is the survivor's; both charts are read as one from now on."""
    repoint(fact, rows=Enrolment.objects.all())
    evaluate(actor, now=fact.at, patient_ids=[fact.survivor_id])


@reacts_to(PatientsUnmerged)
def go_back_to_their_own(fact: PatientsUnmerged, /, *, actor: Actor) -> None:
    """The merge was a mistake: each enrolment goes back to whose it was, and both charts are read again."""
    put_back(fact, model=Enrolment)
    evaluate(actor, now=fact.at, patient_ids=[fact.survivor_id, fact.merged_id])


@reacts_to(CallLogged)
def read_the_call(fact: CallLogged, /, *, actor: Actor) -> None:
    """A call may be the contact, or an attempt at it."""
    note_call(actor, call_id=fact.call_id, now=fact.logged_at)


@reacts_to(CallStruck)
def read_the_calls_again(fact: CallStruck, /, *, actor: Actor) -> None:
    """A call that was the contact, or an attempt at it, was entered by mistake."""
    forget_call(actor, call_id=fact.call_id, now=fact.at)


@reacts_to(AppointmentBooked)
def expect_the_visit(fact: AppointmentBooked, /, *, actor: Actor) -> None:
    """The follow-up's visit has a time."""
    _expect(fact, actor=actor)


@reacts_to(AppointmentMoved)
def expect_the_moved_visit(fact: AppointmentMoved, /, *, actor: Actor) -> None:
    """The follow-up's visit has another time."""
    _expect(fact, actor=actor)


@reacts_to(AppointmentCancelled)
def book_again_after_cancelling(fact: AppointmentCancelled, /, *, actor: Actor) -> None:
    """The follow-up needs another visit."""
    if fact.loop_id is not None:
        why = "The visit was cancelled."
        visit_lost(actor, loop_id=fact.loop_id, appointment_id=fact.appointment_id, why=why, now=fact.at)


@reacts_to(AppointmentMissed)
def book_again_after_missing(fact: AppointmentMissed, /, *, actor: Actor) -> None:
    """The follow-up needs another visit, and its clinician decides what the patient needs meanwhile."""
    if fact.loop_id is not None:
        why = "The visit was missed."
        visit_lost(actor, loop_id=fact.loop_id, appointment_id=fact.appointment_id, why=why, now=fact.at)
        tell_clinician_of_missed(actor, loop_id=fact.loop_id, appointment_id=fact.appointment_id, now=fact.at)


@reacts_to(AppointmentNotMissed)
def expect_who_came_after_all(fact: AppointmentNotMissed, /, *, actor: Actor) -> None:
    """The clinician has nothing to decide, and the follow-up has its visit again."""
    visit_not_missed(actor, loop_id=fact.loop_id, appointment_id=fact.appointment_id, now=fact.at)


@reacts_to(AppointmentSeen)
def record_the_visit(fact: AppointmentSeen, /, *, actor: Actor) -> None:
    """The follow-up's visit took place."""
    if fact.loop_id is not None:
        visit_seen(actor, loop_id=fact.loop_id, appointment_id=fact.appointment_id, now=fact.at)


@reacts_to(AppointmentServes)
def count_the_visit(fact: AppointmentServes, /, *, actor: Actor) -> None:
    """A visit that was booked without the follow-up is the one that it waits for, or that took place."""
    if fact.loop_id is not None:
        visit_served(
            actor, loop_id=fact.loop_id, appointment_id=fact.appointment_id, took_place=fact.took_place, now=fact.at
        )


@reacts_to(EvidenceWithdrawn)
def look_for_a_visit_after_undo(fact: EvidenceWithdrawn, /, *, actor: Actor) -> None:
    """Who recorded the visit took it back at once: the medicines' day and the step to book one are as before."""
    if fact.kind == POST_DISCHARGE.code and VISIT in fact.evidence:
        visit_unproven(actor, loop_id=fact.loop_id, why="The visit was taken back.", now=fact.at)


@reacts_to(AppointmentServesNoMore)
def look_for_a_visit_again(fact: AppointmentServesNoMore, /, *, actor: Actor) -> None:
    """The visit that was said to be the follow-up's is for something else; what it proved is void already."""
    if fact.loop_id is not None:
        visit_serves_no_more(actor, loop_id=fact.loop_id, now=fact.at)


def _expect(fact: AppointmentBooked | AppointmentMoved, *, actor: Actor) -> None:
    if fact.loop_id is not None:
        visit_booked(actor, loop_id=fact.loop_id, appointment_id=fact.appointment_id, now=fact.at)
