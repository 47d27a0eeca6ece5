"""A missed visit after a hospital stay is the clinician's to decide about, at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment, User
from liaison.core.postgres.guard import writes_open
from liaison.directory.models import Practitioner
from liaison.loops.models import Loop
from liaison.pathways.actions import tell_clinician_of_missed, visit_not_missed
from liaison.pathways.tests.cast import DISCHARGE, LIAISON, NOW, stay, walter
from liaison.scheduling.actions import arrive, record_missed
from liaison.scheduling.models import Reservation, Resource

VISIT = DISCHARGE + timedelta(days=5)
OVER = VISIT + timedelta(minutes=40)


@pytest.fixture
def home(ward):
    """Walter came home, and is followed."""
    ward.take_in(walter(), stay())
    return ward


def seen_by(ward, visit, *, name="Dr Imani", site=None):
    """The clinician of a visit, with an account of their own at a site."""
    with writes_open():
        user = User.objects.create(email=f"{name[3:].lower()}@clinic.example", name=name, password="!")
        Assignment.objects.create(
            user=user, role=Role.CLINICIAN, site=site or ward.riverside, starts_at=NOW - timedelta(days=400)
        )
        practitioner = Practitioner.objects.create(name=name, site=ward.riverside, user=user)
        person = Resource.objects.create(kind="person", name=name, site=ward.riverside, practitioner=practitioner)
        Reservation.objects.create(appointment=visit, resource=person, role="clinician", during=(VISIT, OVER))
    return user


def urgent():
    return Loop.objects.get(kind="missed-after-stay")


def test_the_clinician_gets_an_urgent_step_and_loses_it_when_the_patient_comes(home):
    visit = home.visit(VISIT)
    imani = seen_by(home, visit)
    record_missed(actor=home.rosa, appointment=visit, now=OVER)
    loop = urgent()
    assert (loop.owner_user, loop.priority, loop.state) == (imani, "urgent", "open")
    assert loop.due_at == OVER + timedelta(hours=4)
    assert loop.next_step == "Decide what Walter needs: call now, send somebody, or see them another day"
    follow_up = home.enrolment.loop
    assert follow_up.next_step.startswith("Call Walter")
    arrive(actor=home.rosa, appointment=visit, now=OVER)
    assert (urgent().state, urgent().given_up_reason) == ("given_up", "They came after all")


def test_where_the_clinician_does_not_sign_in_or_see_the_patient_the_keeper_of_the_follow_up_decides(home):
    visit = home.visit(VISIT)
    seen_by(home, visit, name="Dr Elsewhere", site=_other_site(home))
    record_missed(actor=home.rosa, appointment=visit, now=OVER)
    follow_up = home.enrolment.loop
    assert (urgent().owner_user_id, urgent().owner_team_id) == (follow_up.owner_user_id, follow_up.owner_team_id)


def _other_site(ward):
    return User.objects.get(pk=ward.pat.user_id).assignments.get().site


def test_a_visit_of_no_running_follow_up_is_nobodys_emergency(home):
    visit = home.visit(VISIT)
    tell_clinician_of_missed(LIAISON, loop_id=visit.loop_id + 1000, appointment_id=visit.pk, now=OVER)
    visit_not_missed(LIAISON, loop_id=None, appointment_id=visit.pk, now=OVER)
    assert not Loop.objects.filter(kind="missed-after-stay").exists()


def test_told_twice_it_is_one_loop(home):
    visit = home.visit(VISIT)
    for _ in range(2):
        tell_clinician_of_missed(LIAISON, loop_id=visit.loop_id, appointment_id=visit.pk, now=OVER)
    assert Loop.objects.filter(kind="missed-after-stay").count() == 1
