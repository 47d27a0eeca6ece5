"""Moving and cancelling visits of a series together, one alone, and booking those whose time has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from liaison.accounts.models import User
from liaison.core.actor import system_actor
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import NotFound, Stale
from liaison.loops.models import Loop
from liaison.patients.models import Patient
from liaison.scheduling import actions, queries
from liaison.scheduling.actions import (
    Pick,
    PickKind,
    SeriesChanged,
    SeriesOver,
    SeriesPicksMissing,
    SeriesTaken,
    SeriesWrong,
)
from liaison.scheduling.events import AppointmentCancelled, AppointmentMoved
from liaison.scheduling.models import Appointment, Resource, Series, SeriesVisit, VisitType
from liaison.scheduling.ports import CancelReason
from liaison.scheduling.queries.series import get_series, get_series_visit, place_in_series, series_lines
from liaison.scheduling.rules import Pattern
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.hearing import Heard
from liaison.scheduling.tests.series import book, change_of, order_of

JOB = system_actor("series")
WEEKLY = Pattern(first_on=date(2026, 3, 5), at=time(9), weekdays=frozenset({3}), count=16)
"""13 Thursdays lie within the ninety days that may be booked, three beyond."""


def move(clinic: Clinic, series: Series, **changes: Any) -> Series:
    now = changes.get("now", NOW)
    change = change_of(clinic, series, **changes)
    return actions.move_series(actor=clinic.rosa, series=series, change=change, now=now)


def cancel(clinic: Clinic, series: Series, *, from_position: int = 1, **changes: Any) -> Series:
    given: dict[str, Any] = {"key": "off", "expected_version": series.version, "now": NOW} | changes
    return actions.cancel_series(
        actor=clinic.rosa, series=series, from_position=from_position, reason=CancelReason.PATIENT, **given
    )


def starts(series: Series) -> list[str]:
    """Each day of the series: its start in New York, or its state where it has none."""
    rows = series.visits.select_related("appointment").order_by("position")
    return [f"{row.appointment.local_start:%m-%d %H:%M}" if row.appointment else str(row.state) for row in rows]


def test_this_and_the_following_get_another_time_in_one_step(clinic: Clinic, heard: Heard) -> None:
    series = move(clinic, book(clinic), from_position=3, at=time(14))
    assert starts(series) == ["03-05 09:00", "03-09 09:00", *(f"03-{day} 14:00" for day in (12, 16, 19, 23))]
    moved = heard.of(AppointmentMoved)
    assert [fact.series_id for fact in moved] == [series.pk] * 4
    olds = Appointment.objects.filter(pk__in=[fact.previous_id for fact in moved])
    assert {(old.state, old.cancel_reason) for old in olds} == {("cancelled", "pat")}
    assert (series.version, series.ical_sequence) == (2, 1)
    assert AuditEntry.objects.filter(verb="scheduling.change_series", outcome="done").count() == 1
    assert AuditEntry.objects.filter(verb="scheduling.move", outcome="done").count() == 4
    row = series.visits.get(position=3)
    assert (row.rule_at, row.wanted_at) == (local("2026-03-12 09:00"), local("2026-03-12 14:00"))


def test_all_move_a_day_later_and_may_take_each_others_time(clinic: Clinic) -> None:
    daily = Pattern(first_on=date(2026, 3, 3), at=time(9), weekdays=frozenset({1, 2, 3}), count=3)
    series = move(clinic, book(clinic, daily), days=1)
    assert starts(series) == ["03-04 09:00", "03-05 09:00", "03-06 09:00"]


def test_visits_go_to_a_colleague_from_one_on(clinic: Clinic) -> None:
    series = move(clinic, book(clinic), from_position=5, clinician_id=clinic.okafor.pk)
    who = [row.appointment.people for row in series.visits.order_by("position") if row.appointment]
    assert who == [("Dr Imani",)] * 4 + [("Dr Okafor",)] * 2
    assert series.clinician == clinic.okafor


def test_a_visit_is_moved_as_it_stands_when_it_is_locked(clinic: Clinic) -> None:
    series = book(clinic)
    change = change_of(clinic, series, at=time(14))
    with writes_open():
        Appointment.objects.update(note="Bring the scans")
    actions.move_series(actor=clinic.rosa, series=series, change=change, now=NOW)
    assert set(Appointment.objects.values_list("note", flat=True)) == {"Bring the scans"}


def test_a_series_whose_room_is_gone_moves_and_asks_for_none(clinic: Clinic) -> None:
    series = book(clinic, place_id=clinic.room.pk)
    assert move(clinic, series, at=time(10)).place_id == clinic.room.pk
    with writes_open():
        Resource.objects.filter(pk=clinic.room.pk).update(retired_at=NOW)
    series.refresh_from_db()
    assert move(clinic, series, at=time(14)).place_id is None


def test_no_visit_moves_far_from_its_day(clinic: Clinic) -> None:
    series = book(clinic)
    change = change_of(clinic, series, at=time(14))
    far = replace(change.picks[2], start_at=local("2199-03-09 14:00"))
    with pytest.raises(SeriesTaken) as refused:
        move(clinic, series, at=time(14), picks=dict(change.picks) | {2: far})
    assert list(refused.value.fields) == ["pick-2"]


def test_a_visit_that_is_ahead_is_left_out_and_one_with_a_time_is_not(clinic: Clinic) -> None:
    series = book(clinic, WEEKLY)
    for _ in range(2):
        row = series.visits.get(position=16)
        actions.leave_series_visit_out(actor=clinic.rosa, row=row, reason="Away", now=NOW)
    assert (series.visits.get(position=16).state, series.visits.get(position=16).why) == ("out", "Away")
    with pytest.raises(SeriesWrong, match="has a time"):
        actions.leave_series_visit_out(actor=clinic.rosa, row=series.visits.get(position=1), reason="Away", now=NOW)


def test_the_same_form_twice_moves_once_and_an_old_page_is_stale(clinic: Clinic) -> None:
    series = book(clinic)
    change = change_of(clinic, series, at=time(14))
    for _ in range(2):
        actions.move_series(actor=clinic.rosa, series=series, change=change, now=NOW)
    assert Appointment.objects.count() == 12
    with pytest.raises(Stale):
        again = replace(change, key="another tab")
        actions.move_series(actor=clinic.rosa, series=series, change=again, now=NOW)


def test_a_time_taken_meanwhile_moves_nothing(clinic: Clinic) -> None:
    series = book(clinic)
    change = change_of(clinic, series, at=time(14))
    clinic.book("2026-03-16 14:00", patient=clinic.ruth)
    with pytest.raises(SeriesTaken) as refused:
        actions.move_series(actor=clinic.rosa, series=series, change=change, now=NOW)
    assert set(refused.value.fields) == {"pick-4"}
    assert starts(series)[0] == "03-05 09:00"
    assert not Appointment.objects.filter(state="cancelled").exists()


def test_what_was_changed_since_the_preview_asks_to_look_again(clinic: Clinic) -> None:
    series = book(clinic)
    change = change_of(clinic, series, at=time(14))
    one = series.visits.get(position=2).appointment
    assert one is not None
    actions.cancel_appointment(actor=clinic.rosa, appointment=one, reason=CancelReason.PATIENT, now=NOW)
    with pytest.raises(SeriesChanged):
        actions.move_series(actor=clinic.rosa, series=series, change=change, now=NOW)


def test_each_visit_wants_a_decision_and_none_moves_by_more_than_six_days(clinic: Clinic) -> None:
    series = book(clinic)
    change = change_of(clinic, series, at=time(14))
    with pytest.raises(SeriesPicksMissing) as refused:
        actions.move_series(actor=clinic.rosa, series=series, change=replace(change, picks={}), now=NOW)
    assert len(refused.value.fields) == 6
    for days in (-7, 7):
        with pytest.raises(SeriesWrong):
            move(clinic, series, days=days)


def test_a_visit_that_moves_to_no_time_is_open_or_out(clinic: Clinic, heard: Heard) -> None:
    series = book(clinic)
    change = change_of(clinic, series, from_position=4, at=time(14))
    picks = dict(change.picks) | {5: Pick(kind=PickKind.OPEN), 6: Pick(kind=PickKind.OUT)}
    series = actions.move_series(actor=clinic.rosa, series=series, change=replace(change, picks=picks), now=NOW)
    assert starts(series)[3:] == ["03-16 14:00", "open", "03-23 09:00"]
    assert Loop.objects.get(kind="series-visit").about_id == series.visits.get(position=5).pk
    assert [fact.series_id for fact in heard.of(AppointmentCancelled)] == [series.pk] * 2
    last = series.visits.get(position=6).appointment
    assert last is not None
    assert last.state == "cancelled"


def test_a_visit_left_open_once_more_after_it_was_settled_is_a_new_promise(clinic: Clinic) -> None:
    order = order_of(clinic)
    order = replace(order, picks=dict(order.picks) | {2: Pick(kind=PickKind.OPEN)})
    series = actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=order, now=NOW)
    first = Loop.objects.get(kind="series-visit")
    clinic.book("2026-03-10 09:00", loop_id=first.pk)
    for at, step in ((time(14), "left open again"), (time(15), "left open while it is open")):
        change = change_of(clinic, series, from_position=2, at=at)
        picks = dict(change.picks) | {2: Pick(kind=PickKind.OPEN)}
        change = replace(change, picks=picks, key=step)
        series = actions.move_series(actor=clinic.rosa, series=series, change=change, now=NOW)
    second = Loop.objects.get(kind="series-visit", state="open")
    assert (second.pk != first.pk, Loop.objects.filter(kind="series-visit").count()) == (True, 2)
    row = series.visits.get(position=2)
    assert (row.state, row.loop_id) == ("open", second.pk)


def test_where_every_visit_is_dropped_the_series_says_that_it_is_off(clinic: Clinic) -> None:
    series = book(clinic)
    change = change_of(clinic, series, from_position=6, at=time(14))
    series = actions.move_series(
        actor=clinic.rosa, series=series, change=replace(change, picks={6: Pick(kind=PickKind.OUT)}), now=NOW
    )
    assert not series_lines(series, now=NOW)[5].can_change


def test_nothing_ahead_is_nothing_to_change(clinic: Clinic) -> None:
    series = book(clinic)
    later = datetime(2026, 5, 1, tzinfo=UTC)
    with pytest.raises(SeriesOver):
        move(clinic, series, now=later)
    with pytest.raises(SeriesOver):
        cancel(clinic, series, now=later)


def test_a_kind_of_visit_that_is_gone_moves_nowhere(clinic: Clinic) -> None:
    series = book(clinic)
    change = change_of(clinic, series, at=time(14))
    with writes_open():
        VisitType.objects.all().update(is_current=False)
    with pytest.raises(Stale):
        actions.move_series(actor=clinic.rosa, series=series, change=change, now=NOW)


def test_the_following_are_cancelled_together_once(clinic: Clinic, heard: Heard) -> None:
    series = book(clinic)
    for _ in range(2):
        cancel(clinic, series, from_position=4, expected_version=1)
    states = [row.appointment.state for row in series.visits.order_by("position") if row.appointment]
    assert states == ["booked"] * 3 + ["cancelled"] * 3
    assert [fact.series_id for fact in heard.of(AppointmentCancelled)] == [series.pk] * 3
    with pytest.raises(Stale):
        cancel(clinic, series, key="another", expected_version=1)


def test_cancelling_all_ends_what_waits_too(clinic: Clinic) -> None:
    order = order_of(clinic, WEEKLY)
    picks = dict(order.picks) | {2: Pick(kind=PickKind.OPEN)}
    series = actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=replace(order, picks=picks), now=NOW)
    cancel(clinic, series)
    assert {row.state for row in series.visits.filter(appointment=None)} == {"out"}
    assert Loop.objects.get(kind="series-visit").state == "given_up"


def test_one_visit_moves_and_is_cancelled_as_any_other_and_the_series_follows(clinic: Clinic, heard: Heard) -> None:
    series = book(clinic)
    old = series.visits.get(position=2).appointment
    assert old is not None
    order = clinic.order("2026-03-10 10:00", key="one")
    new = actions.move_appointment(
        actor=clinic.rosa, appointment=old, order=order, reason=CancelReason.PATIENT, now=NOW
    )
    row = series.visits.get(position=2)
    assert (row.appointment, row.wanted_at, row.told_key) == (new, new.start_at, "")
    assert heard.of(AppointmentMoved)[0].series_id is None
    place = place_in_series(new)
    assert place is not None
    assert (place.series_id, place.position, place.number, place.total) == (series.pk, 2, 2, 6)
    assert place_in_series(clinic.book("2026-03-11 10:00")) is None
    lines = series_lines(series, now=NOW)
    assert [line.was_moved for line in lines] == [False, True, False, False, False, False]
    series = move(clinic, series, from_position=1, at=time(15))
    assert starts(series)[:2] == ["03-05 15:00", "03-10 15:00"]


def test_a_visit_that_got_its_time_later_is_told_by_itself_when_the_series_changes(
    clinic: Clinic, heard: Heard
) -> None:
    order = order_of(clinic)
    picks = dict(order.picks) | {2: Pick(kind=PickKind.OPEN)}
    series = actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=replace(order, picks=picks), now=NOW)
    clinic.book("2026-03-10 09:00", loop_id=Loop.objects.get(kind="series-visit").pk)
    series = move(clinic, series, at=time(15))
    assert [fact.series_id for fact in heard.of(AppointmentMoved)].count(None) == 1
    cancel(clinic, series)
    assert [fact.series_id for fact in heard.of(AppointmentCancelled)].count(None) == 1


def test_the_night_books_what_has_come_within_reach_once(clinic: Clinic) -> None:
    series = book(clinic, WEEKLY)
    assert starts(series)[12:] == ["05-28 09:00", "ahead", "ahead", "ahead"]
    assert actions.extend_series(JOB, now=NOW) == 0
    later = NOW + timedelta(days=8)
    assert actions.extend_series(JOB, now=later) == 1
    assert actions.extend_series(JOB, now=later) == 0
    series.refresh_from_db()
    assert starts(series)[13:] == ["06-04 09:00", "ahead", "ahead"]
    assert (series.version, series.ical_sequence) == (2, 1)
    booked = series.visits.get(position=14)
    assert booked.appointment is not None
    assert (booked.is_in_event, booked.appointment.people) == (True, ("Dr Imani",))


def test_a_visit_whose_time_is_taken_when_its_night_comes_is_a_promise(clinic: Clinic) -> None:
    series = book(clinic, WEEKLY)
    later = NOW + timedelta(days=8)
    clinic.book("2026-06-04 09:00", patient=clinic.ruth, now=later)
    assert actions.extend_series(JOB, now=later) == 0
    row = series.visits.get(position=14)
    assert (row.state, row.why) == ("open", "Dr Imani has another visit at that time.")
    assert row.loop is not None
    assert row.loop.owner_user_id == clinic.rosa.user_id
    series.refresh_from_db()
    assert series.version == 1


def test_two_visits_that_came_to_want_one_time_do_not_both_get_it(clinic: Clinic) -> None:
    series, later = book(clinic, WEEKLY), NOW + timedelta(days=8)
    with writes_open():
        series.visits.filter(position__in=[14, 15]).update(wanted_at=local("2026-06-04 09:00"))
    assert actions.extend_series(JOB, now=later) == 1
    assert starts(series)[13:15] == ["06-04 09:00", "open"]


def test_later_visits_follow_the_time_to_which_the_series_moved(clinic: Clinic) -> None:
    series = move(clinic, book(clinic, WEEKLY), from_position=2, at=time(14))
    actions.extend_series(JOB, now=NOW + timedelta(days=8))
    assert starts(series)[13] == "06-04 14:00"


def test_nothing_is_booked_for_the_dead_and_no_kind_that_is_gone(clinic: Clinic) -> None:
    series, later = book(clinic, WEEKLY), NOW + timedelta(days=8)
    with writes_open():
        Patient.objects.filter(pk=clinic.walter.pk).update(is_deceased=True)
    assert actions.extend_series(JOB, now=later) == 0
    assert (series.visits.get(position=14).state, series.visits.get(position=14).why) == ("out", "The patient died")
    with writes_open():
        Patient.objects.filter(pk=clinic.walter.pk).update(is_deceased=False)
        VisitType.objects.all().update(is_current=False)
    actions.extend_series(JOB, now=later + timedelta(days=30))
    assert {row.state for row in series.visits.filter(position__gt=14)} == {"open"}


def test_the_promise_goes_to_somebody_who_is_still_here(clinic: Clinic) -> None:
    series, later = book(clinic, WEEKLY), NOW + timedelta(days=8)
    clinic.book("2026-06-04 09:00", patient=clinic.ruth, now=later)
    with writes_open():
        User.objects.filter(pk=clinic.rosa.user_id).update(is_active=False, deactivated_at=NOW)
    actions.extend_series(JOB, now=later)
    row = series.visits.get(position=14)
    assert row.loop is not None
    assert row.loop.owner_user_id == clinic.marta.user_id


def test_where_nobody_could_own_the_promise_nothing_is_lost(clinic: Clinic) -> None:
    series, later = book(clinic, WEEKLY), NOW + timedelta(days=8)
    clinic.book("2026-06-04 09:00", patient=clinic.ruth, now=later)
    with writes_open():
        User.objects.all().update(is_active=False, deactivated_at=NOW)
    assert actions.extend_series(JOB, now=later) == 0
    assert series.visits.get(position=14).state == "ahead"


def test_a_series_of_another_site_is_not_found(clinic: Clinic) -> None:
    series = book(clinic)
    with pytest.raises(NotFound):
        get_series(clinic.pat, series_id=series.pk, now=NOW)
    with pytest.raises(NotFound):
        get_series_visit(clinic.pat, series_visit_id=SeriesVisit.objects.first().pk, now=NOW)  # type: ignore[union-attr]  # there are six


def test_the_timeline_says_a_series_in_one_line(clinic: Clinic) -> None:
    series = move(clinic, book(clinic), from_position=5, at=time(14))
    clinic.book("2026-03-11 10:00")
    said = [entry.title for entry in queries.timeline(clinic.rosa, patient=clinic.walter, now=NOW)]
    assert "Follow-up. 6 booked as a series, the first for Thu, Mar 5, 2026, 09:00" in said
    assert "Follow-up. 2 of a series moved, the first to Thu, Mar 19, 2026, 14:00" in said
    assert "Follow-up. Booked for Wed, Mar 11, 2026, 10:00" in said
    assert series.visits.count() == 6
