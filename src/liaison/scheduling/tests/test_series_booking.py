"""Looking at a series before it is booked, booking all of it or none, and what each day becomes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import pytest

from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound, Stale
from liaison.directory.models import Practitioner
from liaison.loops.actions import give_up_loop
from liaison.loops.models import Holiday, Loop
from liaison.orders.models import Referral
from liaison.scheduling import actions
from liaison.scheduling.actions import (
    KeyReused,
    NotYourSite,
    Pick,
    PickKind,
    ReferralNeeded,
    SeriesChanged,
    SeriesPicksMissing,
    SeriesTaken,
    SeriesWrong,
)
from liaison.scheduling.events import AppointmentBooked
from liaison.scheduling.models import Appointment, Series, SeriesState, SeriesVisit, VisitType
from liaison.scheduling.ports import CancelReason, Span
from liaison.scheduling.queries.series_plan import AlternativeKind, LineState, signature_of
from liaison.scheduling.queries.series_planning import plan_series
from liaison.scheduling.rules import HolidayPolicy, Pattern, Repeats
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.hearing import Heard
from liaison.scheduling.tests.series import PHYSIO, book, order_of, pick_of, plan, wanted


def test_every_visit_that_is_free_is_offered_with_the_same_room(clinic: Clinic) -> None:
    found = plan(clinic)
    assert [one.state for one in found.visits] == [LineState.FREE] * 6
    assert [f"{one.start_at:%m-%d %H:%M}" for one in found.visits if one.start_at] == [
        "03-05 09:00", "03-09 09:00", "03-12 09:00", "03-16 09:00", "03-19 09:00", "03-23 09:00",
    ]  # fmt: skip
    seats = {tuple(seat.name for seat in one.offer.seats) for one in found.visits if one.offer}
    assert seats == {("Dr Imani", "Room 1")}
    assert (found.missing, found.free, found.conflicts, found.out) == ((), 6, 0, 0)


def test_a_taken_time_says_why_and_what_else_is_free(clinic: Clinic) -> None:
    clinic.book("2026-03-12 09:00", patient=clinic.ruth)
    taken = plan(clinic).visits[2]
    assert (taken.state, taken.offer) == (LineState.CONFLICT, None)
    assert taken.why == ("Dr Imani has another visit at that time.",)
    said = [(other.kind, f"{other.offer.start_at:%m-%d %H:%M}", other.offer.who) for other in taken.alternatives]
    assert said == [
        (AlternativeKind.SAME_DAY, "03-12 09:45", ("Dr Imani",)),
        (AlternativeKind.SAME_DAY, "03-12 10:00", ("Dr Imani",)),
        (AlternativeKind.COLLEAGUE, "03-12 09:00", ("Dr Okafor",)),
        (AlternativeKind.NEXT_DAY, "03-13 09:00", ("Dr Imani",)),
    ]


def test_a_colleague_is_of_the_same_specialty(clinic: Clinic) -> None:
    with writes_open():
        Practitioner.objects.filter(name="Dr Okafor").update(specialty="cardiology")
    clinic.book("2026-03-12 09:00", patient=clinic.ruth)
    kinds = {other.kind for other in plan(clinic).visits[2].alternatives}
    assert kinds == {AlternativeKind.SAME_DAY, AlternativeKind.NEXT_DAY}


def test_without_a_name_anyone_serves_and_a_full_house_is_said_by_role(clinic: Clinic) -> None:
    clinic.book("2026-03-12 09:00", patient=clinic.ruth)
    assert plan(clinic, clinician_id=None).visits[2].state is LineState.FREE
    clinic.book("2026-03-12 09:00", key="more", seats=clinic.seats(who=clinic.okafor, room=clinic.other_room))
    said = plan(clinic, clinician_id=None).visits[2].why
    assert said == (
        "No clinician is free then.",
        "No room is free then.",
        "The patient has another visit at that time.",
    )


def test_closed_time_hours_and_leave_are_named(clinic: Clinic) -> None:
    leave = Span(local("2026-03-09 00:00"), local("2026-03-10 00:00"))
    actions.close_time(actor=clinic.marta, of=clinic.imani, during=leave, reason="Leave", now=NOW)
    assert plan(clinic).visits[1].why == ("Dr Imani is away or closed then.",)
    early = replace(PHYSIO, at=time(8))
    assert plan(clinic, early).visits[0].why == (
        "Dr Imani does not work at Riverside North then.",
        "No room is free then.",
    )


def test_lead_times_bound_a_series_at_both_ends(clinic: Clinic) -> None:
    today = replace(PHYSIO, first_on=date(2026, 3, 2), at=time(6), count=2)
    assert plan(clinic, today).visits[0].why == ("That time is past.",)
    soon = replace(today, at=time(7, 30))
    assert plan(clinic, soon).visits[0].why == ("That start is too soon for this kind of visit.",)
    long = plan(clinic, replace(PHYSIO, weekdays=frozenset({3}), count=20))
    assert (long.free, long.ahead) == (13, 7)
    assert long.books_until == date(2026, 5, 31)


def test_a_second_visit_of_the_kind_with_the_same_person_that_day_is_a_conflict(clinic: Clinic) -> None:
    clinic.book("2026-03-12 14:00")
    assert plan(clinic).visits[2].why == (
        "The patient already has this kind of visit with the same clinician that day.",
    )


def test_a_holiday_is_skipped_moved_or_kept(clinic: Clinic) -> None:
    with writes_open():
        Holiday.objects.create(calendar="organization", on=date(2026, 3, 12), name="Founders")
    skipped = plan(clinic)
    assert (skipped.visits[2].state, skipped.visits[2].target.holiday, len(skipped.visits)) == (
        LineState.OUT, "Founders", 7,
    )  # fmt: skip
    moved = plan(clinic, holidays=HolidayPolicy.NEXT).visits[2]
    assert (moved.start_at, moved.was_moved) == (local("2026-03-13 09:00"), True)
    kept = plan(clinic, holidays=HolidayPolicy.KEEP).visits[2]
    assert (kept.start_at, kept.was_moved) == (local("2026-03-12 09:00"), False)


def test_one_room_each_time_and_none_from_elsewhere(clinic: Clinic) -> None:
    found = plan(clinic, place_id=clinic.other_room.pk)
    assert {one.offer.where for one in found.visits if one.offer} == {("Room 2",)}
    with pytest.raises(NotFound):
        plan(clinic, place_id=0)


def test_the_calendar_of_another_site_plans_nothing(clinic: Clinic) -> None:
    with pytest.raises(NotFound):
        plan_series(clinic.pat, wanted=wanted(clinic), now=NOW)


def test_where_nobody_can_take_a_role_the_plan_says_which(clinic: Clinic) -> None:
    for room in (clinic.room, clinic.other_room):
        actions.retire_resource(actor=clinic.marta, resource=room, now=NOW)
    found = plan(clinic)
    assert found.missing == ("room",)
    assert found.visits[0].why == ("No room is free then.",)
    assert found.visits[0].alternatives == ()


def test_rosa_books_a_series_and_each_visit_is_kept_audited_and_told(clinic: Clinic, heard: Heard) -> None:
    series = book(clinic, note="  knee ")
    rows = list(SeriesVisit.objects.select_related("appointment"))
    assert [row.state for row in rows] == [SeriesState.BOOKED] * 6
    assert [row.appointment.start_at for row in rows if row.appointment] == [
        local(f"2026-03-{day:02d} 09:00") for day in (5, 9, 12, 16, 19, 23)
    ]
    assert all(row.is_in_event and row.rule_at == row.wanted_at for row in rows)
    assert (series.rule, series.note) == ("FREQ=WEEKLY;WKST=MO;BYDAY=MO,TH;COUNT=6", "knee")
    assert [fact.series_id for fact in heard.of(AppointmentBooked)] == [series.pk] * 6
    entry = AuditEntry.objects.get(verb="scheduling.book_series")
    assert (entry.outcome, entry.subject_id, len(entry.details["appointments"])) == ("done", series.pk, 6)
    assert AuditEntry.objects.filter(verb="scheduling.book", outcome="done").count() == 6
    assert (str(series), str(rows[0])) == (f"series {series.pk}", f"visit 1 of series {series.pk}")


def test_the_same_form_sent_twice_books_once_and_its_key_is_for_one_series(clinic: Clinic) -> None:
    order = order_of(clinic)
    first = actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=order, now=NOW)
    again = actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=order, now=NOW)
    assert first == again
    assert (Series.objects.count(), Appointment.objects.count()) == (1, 6)
    for other in (replace(PHYSIO, count=5), replace(PHYSIO, at=time(10))):
        with pytest.raises(KeyReused):
            changed = replace(order, wanted=wanted(clinic, other))
            actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=changed, now=NOW)
    with pytest.raises(KeyReused):
        actions.book_series(actor=clinic.rosa, patient=clinic.ruth, order=order, now=NOW)


def test_the_key_of_a_form_is_for_what_it_said(clinic: Clinic) -> None:
    order = order_of(clinic)
    order = replace(order, picks=dict(order.picks) | {2: Pick(kind=PickKind.OPEN), 3: Pick(kind=PickKind.OUT)})
    first = actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=order, now=NOW)
    assert actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=order, now=NOW) == first
    later = replace(order.picks[4], start_at=local("2026-03-16 10:00"))
    for changed in (
        replace(order, picks=dict(order.picks) | {4: later}),
        replace(order, picks=dict(order.picks) | {4: Pick(kind=PickKind.OPEN)}),
        replace(order, picks=dict(order.picks) | {2: Pick(kind=PickKind.OUT)}),
        replace(order, picks=dict(order.picks) | {3: Pick(kind=PickKind.OPEN)}),
        replace(order, wanted=replace(order.wanted, holidays=HolidayPolicy.KEEP)),
        replace(order, wanted=replace(order.wanted, site_id=clinic.other_site.pk)),
        replace(order, wanted=replace(order.wanted, visit_type_id=0)),
        replace(order, wanted=replace(order.wanted, clinician_id=None)),
        replace(order, note="Bring the scans"),
    ):
        with pytest.raises(KeyReused):
            actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=changed, now=NOW)
    with writes_open():
        Series.objects.update(version=2, clinician=clinic.okafor)
    assert actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=order, now=NOW) == first


@pytest.mark.parametrize("start", ["2199-03-09 09:00", "2026-03-18 09:00"])
def test_a_time_far_from_its_day_is_refused(clinic: Clinic, start: str) -> None:
    order = order_of(clinic)
    far = replace(order, picks=dict(order.picks) | {2: replace(order.picks[2], start_at=local(start))})
    with pytest.raises(SeriesTaken) as refused:
        actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=far, now=NOW)
    assert list(refused.value.fields) == ["pick-2"]
    assert Appointment.objects.count() == 0


def test_a_time_taken_meanwhile_is_named_and_nothing_is_booked(clinic: Clinic) -> None:
    order = order_of(clinic)
    for day in ("09", "19"):
        clinic.book(f"2026-03-{day} 09:15", patient=clinic.ruth)
    with pytest.raises(SeriesTaken) as refused:
        actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=order, now=NOW)
    assert set(refused.value.fields) == {"pick-2", "pick-5"}
    assert "Dr Imani" in refused.value.fields["pick-2"]
    assert (Series.objects.count(), Appointment.objects.filter(patient=clinic.walter).count()) == (0, 0)


def test_a_visit_left_open_is_a_promise_and_one_left_out_is_not(clinic: Clinic) -> None:
    order = order_of(clinic)
    picks = dict(order.picks) | {2: Pick(kind=PickKind.OPEN), 3: Pick(kind=PickKind.OUT)}
    series = actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=replace(order, picks=picks), now=NOW)
    assert [row.state for row in series.visits.order_by("position")] == ["booked", "open", "out", *["booked"] * 3]
    loop = Loop.objects.get(kind="series-visit")
    assert (loop.title, loop.owner_user_id) == ("Find Walter a time instead of March 9", clinic.rosa.user_id)
    assert loop.due_at <= local("2026-03-09 09:00")
    booked = clinic.book("2026-03-10 09:00", loop_id=loop.pk)
    row, loop = series.visits.get(position=2), Loop.objects.get(pk=loop.pk)
    assert (row.state, row.appointment, row.is_in_event, loop.state) == ("booked", booked, False, "closed")


def test_a_promise_that_was_given_up_takes_a_time_all_the_same(clinic: Clinic) -> None:
    order = order_of(clinic)
    picks = dict(order.picks) | {2: Pick(kind=PickKind.OPEN)}
    series = actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=replace(order, picks=picks), now=NOW)
    loop = Loop.objects.get(kind="series-visit")
    give_up_loop(clinic.rosa.as_liaison(), loop_id=loop.pk, reason="Not now", now=NOW)
    booked = clinic.book("2026-03-10 09:00", loop_id=loop.pk)
    assert series.visits.get(position=2).appointment == booked
    actions.move_appointment(
        actor=clinic.rosa,
        appointment=clinic.book("2026-03-11 09:00"),
        order=clinic.order("2026-03-11 11:00"),
        reason=CancelReason.PATIENT,
        now=NOW,
    )
    assert series.visits.get(position=2).appointment == booked


def test_a_visit_of_another_promise_settles_no_series(clinic: Clinic) -> None:
    order = order_of(clinic)
    series = actions.book_series(
        actor=clinic.rosa,
        patient=clinic.walter,
        order=replace(order, picks=dict(order.picks) | {2: Pick(kind=PickKind.OPEN)}),
        now=NOW,
    )
    row = series.visits.get(position=2)
    actions.leave_series_visit_out(actor=clinic.rosa, row=row, reason="Better already", now=NOW)
    row.refresh_from_db()
    loop = Loop.objects.get(kind="series-visit")
    assert (row.state, row.why, loop.state) == ("out", "Better already", "given_up")
    clinic.book("2026-03-10 09:00", loop_id=loop.pk)
    row.refresh_from_db()
    assert row.state == "out"
    actions.leave_series_visit_out(actor=clinic.rosa, row=row, reason="Again", now=NOW)
    row.refresh_from_db()
    assert row.why == "Better already"
    with pytest.raises(SeriesWrong):
        actions.leave_series_visit_out(actor=clinic.rosa, row=row, reason=" ", now=NOW)


def test_another_time_that_was_picked_is_booked_and_the_rule_stays(clinic: Clinic) -> None:
    clinic.book("2026-03-12 09:00", patient=clinic.ruth)
    found, order = plan(clinic), order_of(clinic)
    picks = dict(order.picks) | {3: pick_of(found.visits[2].alternatives[3].offer)}
    series = actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=replace(order, picks=picks), now=NOW)
    row = series.visits.get(position=3)
    assert (row.rule_at, row.wanted_at) == (local("2026-03-12 09:00"), local("2026-03-13 09:00"))


def test_two_visits_of_one_series_never_overlap(clinic: Clinic) -> None:
    order = order_of(clinic)
    with pytest.raises(SeriesTaken) as refused:
        picks = dict(order.picks) | {2: order.picks[1]}
        actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=replace(order, picks=picks), now=NOW)
    assert set(refused.value.fields) == {"pick-2"}


def test_each_visit_wants_a_decision_and_at_least_one_a_time(clinic: Clinic) -> None:
    order = order_of(clinic)
    without = {position: pick for position, pick in order.picks.items() if position != 4}
    with pytest.raises(SeriesPicksMissing) as refused:
        actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=replace(order, picks=without), now=NOW)
    assert set(refused.value.fields) == {"pick-4"}
    nothing = {position: Pick(kind=PickKind.OUT) for position in order.picks}
    with pytest.raises(SeriesWrong, match="No visit would be booked"):
        actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=replace(order, picks=nothing), now=NOW)


def test_a_holiday_that_was_added_meanwhile_asks_to_look_again(clinic: Clinic) -> None:
    order = order_of(clinic)
    with writes_open():
        Holiday.objects.create(calendar="organization", on=date(2026, 3, 12), name="Founders")
    with pytest.raises(SeriesChanged):
        actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=order, now=NOW)
    series = book(clinic)
    left_out = series.visits.get(position=3)
    assert (left_out.state, left_out.why, series.visits.count()) == ("out", "Founders", 7)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"count": 1}, "count"),
        ({"weekdays": frozenset()}, "weekdays"),
        ({"count": None, "until": date(2026, 3, 5), "weekdays": frozenset({0})}, "until"),
        ({"count": None, "until": date(2027, 3, 5), "weekdays": frozenset(range(7))}, "until"),
        ({"count": 100, "every": 12}, "count"),
    ],
)
def test_a_series_that_cannot_be_is_refused_beside_its_field(
    clinic: Clinic, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(SeriesWrong) as refused:
        actions.days_of(wanted(clinic, replace(PHYSIO, **changes)))
    assert set(refused.value.fields) == {field}


def test_who_may_not_book_there_books_no_series(clinic: Clinic) -> None:
    order = order_of(clinic)
    with pytest.raises(NotFound):
        actions.book_series(actor=clinic.pat, patient=clinic.walter, order=order, now=NOW)
    with pytest.raises(Forbidden):
        actions.book_series(actor=clinic.adam, patient=clinic.walter, order=order, now=NOW)
    elsewhere = replace(order, wanted=replace(order.wanted, site_id=clinic.other_site.pk))
    days = actions.days_of(elsewhere.wanted)
    with pytest.raises(NotFound):
        actions.days_of(replace(order.wanted, site_id=0))
    with pytest.raises(NotYourSite):
        actions.book_series(
            actor=clinic.rosa,
            patient=clinic.walter,
            order=replace(elsewhere, signature=signature_of(days)),
            now=NOW,
        )


def test_a_kind_that_needs_a_referral_an_edited_one_and_an_unknown_one_are_refused(
    clinic: Clinic, referral: Referral
) -> None:
    order = order_of(clinic)
    with writes_open():
        VisitType.objects.filter(pk=clinic.follow_up.pk).update(referral_needed=True)
    with pytest.raises(ReferralNeeded):
        actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=order, now=NOW)
    series = actions.book_series(
        actor=clinic.rosa, patient=clinic.walter, order=replace(order, referral_id=referral.pk), now=NOW
    )
    first = series.visits.get(position=1).appointment
    assert first is not None
    referral.refresh_from_db()
    assert (referral.state, referral.appointment_id) == ("scheduled", first.pk)
    actions.cancel_appointment(actor=clinic.rosa, appointment=first, reason=CancelReason.PATIENT, now=NOW)
    referral.refresh_from_db()
    second = series.visits.get(position=2).appointment
    assert (referral.state, referral.appointment_id) == ("scheduled", second.pk if second else 0)
    with writes_open():
        VisitType.objects.filter(pk=clinic.follow_up.pk).update(is_current=False)
    with pytest.raises(Stale):
        actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=replace(order, key="another"), now=NOW)
    unknown = replace(order, key="unknown", wanted=replace(order.wanted, visit_type_id=0))
    with pytest.raises(NotFound):
        actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=unknown, now=NOW)


def test_what_lies_beyond_the_lead_time_waits_and_one_at_its_edge_may(clinic: Clinic) -> None:
    weekly = Pattern(first_on=date(2026, 3, 5), at=time(9), weekdays=frozenset({3}), count=14)
    order = order_of(clinic, weekly)
    assert len(order.picks) == 13
    at_the_edge = datetime(2026, 3, 6, 12, tzinfo=NOW.tzinfo)
    order = order_of(clinic, replace(weekly, first_on=date(2026, 3, 12)))
    series = actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=order, now=at_the_edge)
    assert series.visits.get(position=13).state == "ahead"


def test_a_monthly_series_that_is_too_long_is_told_of_fewer_and_of_no_weekdays(clinic: Clinic) -> None:
    apart = replace(PHYSIO, weekdays=frozenset({0}), every=12, count=100)
    monthly = replace(apart, weekdays=frozenset(), repeats=Repeats.DAY_OF_MONTH)
    for pattern, end in ((apart, "Choose fewer, or more days a week."), (monthly, "Choose fewer.")):
        with pytest.raises(SeriesWrong) as refused:
            actions.days_of(wanted(clinic, pattern))
        assert refused.value.sentence.endswith(f"fall on these days. {end}")
