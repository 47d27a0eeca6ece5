"""A visit that was booked without the follow-up reaches it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from liaison.core.clock import current_time
from liaison.core.postgres.guard import writes_open
from liaison.loops.actions import give_up_loop
from liaison.loops.models import Evidence
from liaison.pathways.actions import NotFaceToFace, TooEarlyToCount, visit_served, visit_serves_no_more
from liaison.pathways.queries import get_follow_up, may_be_the_visit
from liaison.pathways.tests.cast import DISCHARGE, LIAISON, NOW, stay, walter
from liaison.pathways.tests.test_following import call, running
from liaison.pathways.tests.test_screens import signed_in
from liaison.scheduling.actions import serve_loop, serve_no_more
from liaison.scheduling.models import Appointment


@pytest.fixture
def home(ward):
    """Walter came home, and is followed."""
    ward.take_in(walter(), stay())
    return ward


def loose(ward, start_at, *, seen=False):
    """A visit of Walter's that names no promise."""
    visit = ward.visit(start_at)
    with writes_open():
        Appointment.objects.filter(pk=visit.pk).update(loop=None)
        if seen:
            Appointment.objects.filter(pk=visit.pk).update(state="fulfilled", seen_at=start_at)
    return Appointment.objects.get(pk=visit.pk)


def serve(ward, visit, *, now):
    serve_loop(actor=ward.rosa, appointment=visit, loop_id=ward.enrolment.loop_id, now=now)


def view(ward, *, now):
    return get_follow_up(ward.rosa, enrolment_id=ward.enrolment.pk, now=now)


def candidates(ward, *, now=NOW):
    return [one.appointment_id for one in may_be_the_visit(ward.rosa, view=view(ward, now=now), now=now)]


def test_a_visit_ahead_becomes_the_one_that_the_follow_up_waits_for(home):
    visit = loose(home, DISCHARGE + timedelta(days=5))
    assert candidates(home) == [visit.pk]
    serve(home, visit, now=NOW)
    assert running()["tcm.visit"].step == "Visit Wed, Feb 18, 15:00: see that it takes place"
    assert view(home, now=NOW).visit_booked_at == visit.start_at
    assert candidates(home) == []


def test_a_visit_that_took_place_counts_by_its_own_time_however_late_it_is_said(home):
    visit = loose(home, DISCHARGE + timedelta(days=5), seen=True)
    later = DISCHARGE + timedelta(days=20)
    assert candidates(home, now=later) == [visit.pk]
    serve(home, visit, now=later)
    found = view(home, now=later)
    assert (found.visit_seen_at, found.visit_standing) == (visit.start_at, "in_7")
    assert Evidence.objects.get(kind="visit").note == "Within 7 days."
    assert candidates(home, now=later) == []


def test_one_on_the_day_of_the_discharge_is_not_the_visit_and_stays_what_it_was(home):
    visit = loose(home, DISCHARGE + timedelta(hours=2), seen=True)
    assert candidates(home) == []
    with pytest.raises(TooEarlyToCount):
        serve(home, visit, now=NOW)
    assert Appointment.objects.get(pk=visit.pk).loop_id is None


def test_a_visit_by_phone_is_not_face_to_face_and_one_by_video_is(home):
    visit = loose(home, DISCHARGE + timedelta(days=5), seen=True)
    with writes_open():
        Appointment.objects.filter(pk=visit.pk).update(modality="phone")
    assert candidates(home, now=NOW) == []
    with pytest.raises(NotFaceToFace):
        serve(home, Appointment.objects.get(pk=visit.pk), now=NOW)
    assert Appointment.objects.get(pk=visit.pk).loop_id is None
    with writes_open():
        Appointment.objects.filter(pk=visit.pk).update(modality="video")
    assert candidates(home, now=NOW) == [visit.pk]


def test_while_one_is_booked_only_those_that_took_place_are_asked_about(home):
    home.visit(DISCHARGE + timedelta(days=9))
    loose(home, DISCHARGE + timedelta(days=7))
    seen = loose(home, DISCHARGE + timedelta(days=3), seen=True)
    loose(home, DISCHARGE + timedelta(days=40))
    assert candidates(home) == [seen.pk]


def test_nothing_is_asked_of_a_follow_up_that_ended(home):
    loose(home, DISCHARGE + timedelta(days=5))
    with writes_open():
        enrolment = home.enrolment
        enrolment.voided_at, enrolment.voided_reason = NOW, "The patient has died"
        enrolment.save()
    assert candidates(home) == []
    with writes_open():
        enrolment.voided_at, enrolment.voided_reason = None, ""
        enrolment.save()
    give_up_loop(home.rosa, loop_id=enrolment.loop_id, reason="Not wanted", now=NOW)
    assert candidates(home) == []


def test_a_visit_for_a_promise_that_is_no_follow_up_is_none_of_its_business(home):
    visit = loose(home, DISCHARGE + timedelta(days=5))
    visit_served(LIAISON, loop_id=0, appointment_id=visit.pk, took_place=True, now=NOW)
    assert not Evidence.objects.filter(kind="visit").exists()


def take_back(ward, visit, *, now):
    visit.refresh_from_db()
    serve_no_more(
        actor=ward.rosa, appointment=visit, loop_id=visit.loop_id, expected_version=visit.version,
        loop_version=ward.enrolment.loop.version, now=now,
    )  # fmt: skip


def test_a_visit_ahead_that_was_taken_back_leaves_the_follow_up_as_it_was(home):
    visit = loose(home, DISCHARGE + timedelta(days=5))
    before = {rule: (clock.step, clock.due_at) for rule, clock in running().items()}
    serve(home, visit, now=NOW)
    take_back(home, visit, now=NOW)
    assert {rule: (clock.step, clock.due_at) for rule, clock in running().items()} == before
    assert candidates(home) == [visit.pk]


def test_once_contacted_a_visit_taken_back_is_to_be_booked_soon(home):
    visit = loose(home, DISCHARGE + timedelta(days=5))
    call(home, at=NOW, outcome="reached", clinical=True)
    serve(home, visit, now=NOW)
    assert "tcm.booking" not in running()
    take_back(home, visit, now=NOW)
    assert running()["tcm.booking"].step == "Book the visit after the hospital stay"


def test_a_visit_that_took_place_and_was_taken_back_proves_nothing(home):
    visit = loose(home, DISCHARGE + timedelta(days=5), seen=True)
    later = DISCHARGE + timedelta(days=20)
    before, medicines = running()["tcm.visit"].step, running()["tcm.reconciliation"].due_at
    serve(home, visit, now=later)
    assert running()["tcm.reconciliation"].due_at < medicines, "by the day of the visit"
    take_back(home, visit, now=later)
    assert running()["tcm.reconciliation"].due_at == medicines
    assert home.enrolment.loop.evidence_kinds == []
    assert (running()["tcm.visit"].step, candidates(home, now=later)) == (before, [visit.pk])


def test_a_visit_taken_back_from_a_promise_that_is_no_follow_up_is_none_of_its_business(home):
    before = running()
    visit_serves_no_more(LIAISON, loop_id=0, now=NOW)
    assert running() == before


def test_rosa_presses_it_on_the_page_of_the_follow_up(ward, client):
    now = current_time()
    ward.take_in(walter(), stay(ended=now - timedelta(days=5)), now=now)
    visit = loose(ward, now - timedelta(days=2), seen=True)
    page = reverse("pathways:follow_up", args=[ward.enrolment.pk])
    signed_in(client, ward.rosa)
    address = reverse("scheduling:serve", args=[visit.pk, ward.enrolment.loop_id])
    assert address in client.get(page).content.decode()
    client.post(address, {"version": visit.version})
    shown = client.get(page).content.decode()
    assert "took place " in shown
    assert address not in shown
