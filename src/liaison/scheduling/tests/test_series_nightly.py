"""The night books what has come within reach; a series that can't be booked stands in nobody's way."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta

from liaison.accounts.models import Assignment, User
from liaison.core.actor import system_actor
from liaison.core.postgres.guard import writes_open
from liaison.loops.actions import find_owners
from liaison.loops.models import Evidence, Loop, WaitingPromise
from liaison.scheduling import actions
from liaison.scheduling.models import Resource, Series, SeriesVisit, VisitType
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.series import book
from liaison.scheduling.tests.test_series_changing import JOB, WEEKLY, cancel

LATER = NOW + timedelta(days=8)
"""The fourteenth visit may be booked, the fifteenth a week later."""


def fourteenth(series: Series) -> SeriesVisit:
    return series.visits.select_related("loop").get(position=14)


def with_nobody(clinic: Clinic) -> Series:
    """A series of which two visits are due and the time of the first is taken; nobody could own a promise."""
    series = book(clinic, WEEKLY)
    clinic.book("2026-06-04 09:00", patient=clinic.ruth, now=LATER)
    with writes_open():
        User.objects.update(is_active=False, deactivated_at=NOW)
    return series


def test_a_retired_clinician_or_room_opens_promises_and_the_next_series_is_booked(clinic: Clinic) -> None:
    gone = book(clinic, WEEKLY)
    in_room = book(
        clinic,
        replace(WEEKLY, first_on=date(2026, 3, 4), weekdays=frozenset({2})),
        key="2",
        clinician_id=clinic.okafor.pk,
        place_id=clinic.other_room.pk,
    )
    last = book(clinic, replace(WEEKLY, at=time(13)), key="3", clinician_id=clinic.okafor.pk)
    with writes_open():
        Resource.objects.filter(pk__in=[clinic.imani.pk, clinic.other_room.pk]).update(retired_at=NOW)
    assert actions.extend_series(JOB, now=LATER) == 1
    assert (fourteenth(gone).state, fourteenth(gone).why) == ("open", "Dr Imani no longer serves here.")
    assert (fourteenth(in_room).state, fourteenth(in_room).why) == ("open", "Room 2 no longer serves here.")
    assert fourteenth(last).state == "booked"
    assert Loop.objects.filter(kind="series-visit").count() == 2


def test_whatever_stands_against_one_visit_becomes_its_promise(clinic: Clinic) -> None:
    series = book(clinic, WEEKLY)
    with writes_open():
        VisitType.objects.update(referral_needed=True)
    assert actions.extend_series(JOB, now=LATER) == 0
    assert fourteenth(series).state == "open"
    assert "referral" in fourteenth(series).why


def test_a_series_that_is_refused_as_a_whole_is_left_for_the_next_night(clinic: Clinic) -> None:
    series = book(clinic, WEEKLY)
    assert actions.extend_series(clinic.rosa, now=LATER) == 0
    assert fourteenth(series).state == "ahead"
    assert actions.extend_series(clinic.rosa, now=LATER + timedelta(days=1)) == 0
    loop = Loop.objects.get(kind="series-held-up")
    assert (loop.state, loop.owner_user_id, loop.about_id) == ("open", clinic.rosa.user_id, series.pk)
    assert loop.title.startswith("Walter’s series is not booked on: Your role does not include this.")
    assert loop.due_at.date() == date(2026, 3, 13)  # two business days, late in the evening there
    assert actions.extend_series(JOB, now=LATER + timedelta(days=1)) == 1
    loop.refresh_from_db()
    assert (loop.state, Evidence.objects.get(loop=loop).note) == ("closed", "The night booked it again.")


def test_a_series_that_is_refused_again_after_a_good_night_is_a_promise_again(clinic: Clinic) -> None:
    book(clinic, WEEKLY)
    actions.extend_series(clinic.rosa, now=LATER)
    actions.extend_series(JOB, now=LATER)
    actions.extend_series(clinic.rosa, now=LATER + timedelta(days=7))
    assert sorted(Loop.objects.filter(kind="series-held-up").values_list("state", flat=True)) == ["closed", "open"]


def test_a_held_up_series_that_nobody_can_own_waits_once_and_no_more_after_a_good_night(clinic: Clinic) -> None:
    with_nobody(clinic)
    for _ in range(2):
        actions.extend_series(clinic.rosa, now=LATER)
    assert WaitingPromise.objects.waiting().get().kind == "series-held-up"
    actions.extend_series(JOB, now=LATER)
    assert [one.kind for one in WaitingPromise.objects.waiting()] == ["series-visit"]


def test_what_nobody_can_own_waits_and_what_can_be_booked_is_booked(clinic: Clinic) -> None:
    series = with_nobody(clinic)
    assert actions.extend_series(JOB, now=LATER + timedelta(days=7)) == 1
    row = fourteenth(series)
    assert (row.state, row.why) == ("ahead", "Dr Imani has another visit at that time.")
    assert series.visits.get(position=15).state == "booked"
    with writes_open():
        User.objects.filter(pk=clinic.rosa.user_id).update(is_active=True, deactivated_at=None)
    find_owners(system_actor("loops"), now=LATER + timedelta(days=7))
    row = fourteenth(series)
    assert row.state == "open"
    assert row.loop is not None
    assert row.loop.owner_user_id == clinic.rosa.user_id


def test_a_waiting_promise_ends_when_its_visit_is_booked_or_not_wanted(clinic: Clinic) -> None:
    series = with_nobody(clinic)
    actions.extend_series(JOB, now=LATER)
    assert WaitingPromise.objects.waiting().count() == 1
    with writes_open():
        series.visits.filter(position=14).update(wanted_at=local("2026-06-04 11:00"))
    assert actions.extend_series(JOB, now=LATER) == 1
    assert fourteenth(series).state == "booked"
    assert WaitingPromise.objects.get().ended_why == "It has a time"


def test_a_waiting_promise_ends_with_its_series(clinic: Clinic) -> None:
    series = with_nobody(clinic)
    actions.extend_series(JOB, now=LATER)
    cancel(clinic, series)
    assert WaitingPromise.objects.get().ended_why == "The series was cancelled"


def test_nobody_looks_why_a_series_was_not_booked_of_which_nothing_is_left_to_book(clinic: Clinic) -> None:
    series = book(clinic, WEEKLY)
    actions.extend_series(clinic.rosa, now=LATER)
    ahead = list(series.visits.filter(state="ahead").order_by("position"))
    for row in ahead:
        assert Loop.objects.get(kind="series-held-up").state == "open"
        actions.leave_series_visit_out(actor=clinic.rosa, row=row, reason="Felt better", now=LATER)
    loop = Loop.objects.get(kind="series-held-up")
    assert (loop.state, loop.given_up_reason) == ("given_up", "Felt better")


def test_a_held_up_series_that_is_cancelled_is_given_up(clinic: Clinic) -> None:
    series = book(clinic, WEEKLY)
    actions.extend_series(clinic.rosa, now=LATER)
    cancel(clinic, series)
    loop = Loop.objects.get(kind="series-held-up")
    assert (loop.state, loop.given_up_reason) == ("given_up", "The series was cancelled")


def test_the_booker_who_holds_no_role_there_any_more_gets_no_promise(clinic: Clinic) -> None:
    series = book(clinic, WEEKLY)
    clinic.book("2026-06-04 09:00", patient=clinic.ruth, now=LATER)
    with writes_open():
        Assignment.objects.filter(user_id=clinic.rosa.user_id).update(ends_at=NOW)
    actions.extend_series(JOB, now=LATER)
    loop = fourteenth(series).loop
    assert loop is not None
    assert loop.owner_user_id == clinic.marta.user_id


def test_an_owner_who_was_found_for_something_else_opens_no_visit(clinic: Clinic) -> None:
    series = with_nobody(clinic)
    actions.extend_series(JOB, now=LATER)
    actions.link_series_visit(once_key=f"missed-visit:{fourteenth(series).pk}", loop_id=1)
    assert fourteenth(series).state == "ahead"
