"""Several visits are planned and booked together, all or none, and warn when one of them moves away."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from liaison.core.actor import system_actor
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import NotFound, Stale
from liaison.orders.models import Referral
from liaison.patients import actions as patients
from liaison.scheduling import actions, queries
from liaison.scheduling.actions import (
    DeadPatient,
    JourneyGap,
    JourneyOrder,
    JourneyTaken,
    JourneyWrong,
    KeyReused,
    NotYourSite,
)
from liaison.scheduling.events import AppointmentBooked
from liaison.scheduling.models import Appointment, Journey, JourneyStep, VisitType
from liaison.scheduling.ports import BookingOrder, CancelReason, Override, Seat
from liaison.scheduling.queries.journeys import plan_visits_together
from liaison.scheduling.rules.journeys import Gap, Hindered, PlanWhy
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.hearing import Heard
from liaison.scheduling.tests.journeys import GAPS, NEXT_DAY, Heart, heart_of
from liaison.scheduling.tests.test_warnings import both_sites, promise

__all__ = ["both_sites"]


@pytest.fixture
def heart(clinic: Clinic) -> Heart:
    return heart_of(clinic)


def times(plan: queries.Plan) -> list[str]:
    return [f"{one.visit_type.code} {one.offer.start_at:%a %H:%M}" for one in plan.visits]


def booked(journey: Journey) -> list[Appointment]:
    return [step.appointment for step in queries.journey_steps(journey)]


# --- plans ---------------------------------------------------------------------------------------------------


def test_labs_today_and_the_echo_with_the_follow_up_tomorrow_are_two_trips(heart: Heart) -> None:
    answer = heart.plans()
    assert times(answer.plans[0]) == ["labs Mon 08:00", "echo Tue 08:15", "follow_up Tue 09:00"]
    assert (answer.plans[0].trips, answer.plans[0].whys) == (2, (PlanWhy.FEWEST_TRIPS, PlanWhy.DONE_EARLIEST))
    assert answer.none is None
    first = answer.plans[0].visits[0].offer
    assert (first.who, first.where, first.site_name) == (("Nurse Kim",), (), "Riverside North")


def test_the_patients_other_visits_and_the_days_of_the_same_kind_are_left_out(heart: Heart) -> None:
    heart.clinic.book("2026-03-03 16:00")
    plan = heart.plans().plans[0]
    assert times(plan) == ["labs Mon 08:00", "echo Thu 08:15", "follow_up Thu 09:00"]


def test_what_lies_beyond_four_weeks_is_found_too(heart: Heart) -> None:
    answer = heart.plans(not_before=None, gaps=(Gap(least_days=40), Gap(most_days=0)))
    assert answer.plans[0].visits[1].offer.on >= date(2026, 4, 11)
    late = heart.plans(heart.labs, heart.echo, gaps=[Gap()], not_after=date(2026, 4, 29), weekdays=frozenset({2}))
    assert (late.plans, late.searched_until) == ((), date(2026, 4, 29))


def test_a_day_far_ahead_is_looked_at_where_one_may_book_so_far(heart: Heart) -> None:
    with writes_open():
        VisitType.objects.update(most_lead_days=300)
    far = date(2026, 8, 3)
    plan = heart.plans(heart.labs, heart.echo, gaps=[NEXT_DAY], not_before=far).plans[0]
    assert [one.offer.on for one in plan.visits] == [far, far + timedelta(days=1)]


def test_what_could_never_be_says_which_visit_or_gap_it_is_and_what_would_help(heart: Heart) -> None:
    none = heart.plans(heart.labs, heart.echo, gaps=[Gap()], weekdays=frozenset({0})).none
    assert none is not None
    assert (none.kind, none.at, none.missing, none.then) == (Hindered.STEP, 1, (), None)
    none = heart.plans(heart.echo, heart.echo, gaps=[Gap(least_days=1, most_days=1)]).none
    assert none is not None
    assert (none.kind, none.at, none.relaxed) == (Hindered.GAP, 0, Gap(most_days=1))
    assert none.then is not None
    assert times(none.then) == ["echo Tue 08:00", "echo Tue 09:00"]


def test_whom_nobody_can_be_is_named(heart: Heart) -> None:
    actions.retire_resource(actor=heart.clinic.adam, resource=heart.machine, now=NOW)
    none = heart.plans().none
    assert none is not None
    assert (none.at, none.missing) == (1, ("echo",))
    none = heart.plans(heart.echo, heart.echo, gaps=[Gap()]).none
    assert none is not None
    assert (none.at, none.missing) == (0, ("echo",))
    past = heart.plans(heart.labs, heart.labs, gaps=[Gap()], not_after=date(2026, 3, 1)).none
    assert past is not None
    assert (past.kind, past.at, past.missing) == (Hindered.STEP, 0, ())


def test_whoever_sees_no_calendar_there_plans_nothing(heart: Heart) -> None:
    with pytest.raises(NotFound):
        plan_visits_together(heart.clinic.pat, wanted=heart.wanted(), now=NOW)
    both = heart.wanted(site_ids=(heart.clinic.site.pk, heart.clinic.other_site.pk))
    assert plan_visits_together(heart.clinic.rosa, wanted=both, now=NOW).plans
    elsewhere = replace(both, site_ids=(heart.clinic.other_site.pk, 0))
    with pytest.raises(NotFound):
        plan_visits_together(heart.clinic.rosa, wanted=elsewhere, now=NOW)


def test_two_sites_leave_time_for_the_way(both_sites: Clinic) -> None:
    heart = heart_of(both_sites)
    clinic = heart.clinic
    with writes_open():
        clinic.imani.hours.all().delete()
        clinic.okafor.hours.filter(site=clinic.site).delete()
    sites = (clinic.site.pk, clinic.other_site.pk)
    plan = heart.plans(heart.labs, clinic.follow_up, gaps=[Gap(most_days=0)], site_ids=sites).plans[0]
    assert [one.offer.site_id for one in plan.visits] == list(sites)
    assert plan.visits[1].offer.start_at - plan.visits[0].offer.end_at >= timedelta(minutes=45)


# --- booking -------------------------------------------------------------------------------------------------


def test_all_are_booked_audited_and_told(heart: Heart, heard: Heard) -> None:
    journey = heart.book()
    visits = booked(journey)
    assert [visit.visit_type.code for visit in visits] == ["labs", "echo", "follow_up"]
    assert [(step.position, step.gap) for step in journey.steps.all()] == [(1, Gap()), (2, GAPS[0]), (3, GAPS[1])]
    assert (journey.name, str(journey), str(journey.steps.first())) == (
        "Heart check", f"journey {journey.pk}", f"step 1 of journey {journey.pk}",
    )  # fmt: skip
    assert [fact.appointment_id for fact in heard.of(AppointmentBooked)] == [visit.pk for visit in visits]
    whole = AuditEntry.objects.get(verb="scheduling.book_journey", outcome="done")
    entries = AuditEntry.objects.filter(verb="scheduling.book", outcome="done")
    assert whole.details["appointments"] == [visit.pk for visit in visits]
    assert entries.filter(details__journey_id=journey.pk).count() == 3
    place = queries.place_in_journey(visits[1])
    assert place is not None
    assert (place.name, place.number, place.total, place.journey_id) == ("Heart check", 2, 3, journey.pk)
    assert queries.place_in_journey(heart.clinic.book("2026-03-10 10:00")) is None


def test_without_a_name_the_kinds_of_visit_say_what_it_is_for(heart: Heart) -> None:
    assert heart.book(name=" ").name == "Labs, Echo, Follow-up"


def test_the_same_form_twice_is_one_journey(heart: Heart) -> None:
    order = heart.order()
    journey = heart.book(order)
    assert heart.book(order) == journey
    assert heart.book(replace(order, name="")) == journey
    assert Appointment.objects.count() == 3


@pytest.mark.parametrize("otherwise", ["name", "note", "visits", "loop"])
def test_the_same_form_with_other_words_is_refused(heart: Heart, otherwise: str) -> None:
    order = heart.order()
    heart.book(order)
    other: dict[str, Any] = {
        "name": {"name": "Something else"},
        "note": {"note": "bring the pills"},
        "visits": {"visits": order.visits[:2]},
        "loop": {"loop_id": promise(heart.clinic).pk},
    }
    with pytest.raises(KeyReused):
        heart.book(replace(order, **other[otherwise]))


def test_the_key_of_another_patient_is_refused(heart: Heart) -> None:
    order = heart.order()
    heart.book(order)
    with pytest.raises(KeyReused):
        actions.book_journey(actor=heart.clinic.rosa, patient=heart.clinic.ruth, order=order, now=NOW)


def test_a_time_that_was_given_away_leaves_nothing_booked_and_says_which(heart: Heart) -> None:
    order = heart.order()
    echo = order.visits[1]
    actions.book_appointment(
        actor=heart.clinic.rosa,
        patient=heart.clinic.ruth,
        order=BookingOrder(
            key="ruth", visit_type_id=heart.echo.pk, site_id=echo.site_id, start_at=echo.start_at, seats=echo.seats
        ),
        now=NOW,
    )
    with pytest.raises(JourneyTaken) as taken:
        heart.book(order)
    assert taken.value.sentence.startswith("Echo, Tue, Mar 3, 08:15, can't be had any more: Echo 1 was just given")
    assert (Journey.objects.count(), Appointment.objects.filter(patient=heart.clinic.walter).count()) == (0, 0)
    assert times(heart.plans().plans[0]) != ["labs Mon 08:00", "echo Tue 08:15", "follow_up Tue 09:00"]


def test_visits_that_do_not_keep_their_gap_are_no_journey(heart: Heart) -> None:
    order = heart.order()
    late = replace(order.visits[2], gap=Gap(least_days=3))
    with pytest.raises(JourneyWrong) as wrong:
        heart.book(replace(order, visits=(*order.visits[:2], late)))
    assert wrong.value.sentence == "Follow-up should be at least 3 days after Echo. Choose one of the plans."


@pytest.mark.parametrize("number", [1, 6])
def test_one_visit_is_no_journey_and_six_are_too_many(heart: Heart, number: int) -> None:
    order = heart.order()
    with pytest.raises(JourneyWrong, match="2 at least and 5 at most"):
        heart.book(replace(order, visits=(order.visits[0],) * number))


def test_what_is_not_there_or_was_edited_is_refused(heart: Heart) -> None:
    order = heart.order()

    def with_first(**changes: Any) -> JourneyOrder:
        return replace(order, visits=(replace(order.visits[0], **changes), *order.visits[1:]))

    with pytest.raises(NotFound):
        heart.book(with_first(visit_type_id=0))
    with pytest.raises(NotFound):
        heart.book(with_first(site_id=0))
    with writes_open():
        VisitType.objects.filter(pk=heart.labs.pk).update(is_current=False)
    with pytest.raises(Stale):
        heart.book(order)


def test_who_may_not_book_there_books_nothing(heart: Heart) -> None:
    order = heart.order()
    with pytest.raises(NotFound):
        actions.book_journey(actor=heart.clinic.pat, patient=heart.clinic.walter, order=order, now=NOW)
    away = replace(order.visits[2], site_id=heart.clinic.other_site.pk)
    with pytest.raises(NotYourSite):
        heart.book(replace(order, visits=(*order.visits[:2], away)))
    heart.clinic.walter.is_deceased = True
    with pytest.raises(DeadPatient):
        heart.book(order)
    assert Appointment.objects.count() == 0


def test_the_visit_that_was_promised_has_the_promise_and_the_referral(heart: Heart, referral: Referral) -> None:
    loop = promise(heart.clinic)
    order = heart.order(heart.plans(heart.labs, heart.clinic.follow_up, gaps=[NEXT_DAY]).plans[0], gaps=[NEXT_DAY])
    meant = replace(order, loop_id=loop.pk, referral_id=referral.pk, serves_kind_id=heart.labs.pk)
    served = heart.book(meant)
    assert served.loop == loop
    assert [(one.loop_id, one.referral_id) for one in booked(served)] == [(loop.pk, referral.pk), (None, None)]
    assert heart.book(meant) == served
    with pytest.raises(KeyReused):
        heart.book(replace(meant, serves_kind_id=heart.clinic.follow_up.pk))


@pytest.mark.parametrize("kind_id", [None, 0])
def test_visits_for_a_promise_say_which_of_them_it_is(heart: Heart, kind_id: int | None) -> None:
    with pytest.raises(JourneyWrong, match="Say which of these visits is the one that was promised"):
        heart.book(replace(heart.order(), loop_id=promise(heart.clinic).pk, serves_kind_id=kind_id))
    assert Appointment.objects.count() == 0


def test_of_several_visits_the_one_that_needs_the_referral_has_it(heart: Heart, referral: Referral) -> None:
    with writes_open():
        VisitType.objects.filter(pk=heart.labs.pk).update(referral_needed=True)
    journey = heart.book(referral_id=referral.pk)
    assert [one.referral_id for one in booked(journey)] == [referral.pk, None, None]


def test_journeys_follow_whose_visits_they_are(heart: Heart) -> None:
    journey, liaison = heart.book(), system_actor("tests")
    merge = patients.merge_patients(
        actor=liaison,
        survivor=heart.clinic.ruth,
        merged=heart.clinic.walter,
        reason="One",
        conflict_checked=True,
        now=NOW,
    )
    journey.refresh_from_db()
    assert journey.patient_id == heart.clinic.ruth.pk
    patients.unmerge_patients(actor=liaison, merge=merge, reason="Two", now=NOW)
    journey.refresh_from_db()
    assert journey.patient_id == heart.clinic.walter.pk


# --- one visit moves -----------------------------------------------------------------------------------------


def move(heart: Heart, visit: Appointment, start: str, *, override: Override | None = None) -> Appointment:
    seats = tuple(Seat(role=row.role, resource_id=row.resource_id) for row in visit.reservations.all())
    order = BookingOrder(
        key=f"move {visit.pk} {start}", visit_type_id=visit.visit_type_id, site_id=visit.site_id,
        start_at=local(start), seats=seats,
    )  # fmt: skip
    return actions.move_appointment(
        actor=heart.clinic.rosa, appointment=visit, order=order, reason=CancelReason.PATIENT, override=override, now=NOW
    )


def test_a_visit_that_moves_where_it_may_be_stays_in_its_journey(heart: Heart) -> None:
    journey = heart.book()
    echo = booked(journey)[1]
    moved = move(heart, echo, "2026-03-03 08:00")
    assert booked(journey)[1] == moved
    assert moved.overrides == []


def test_a_visit_that_would_break_a_gap_is_warned_of_and_booked_with_a_reason(heart: Heart) -> None:
    journey = heart.book()
    labs = booked(journey)[0]
    with pytest.raises(JourneyGap) as warned:
        move(heart, labs, "2026-03-06 08:00")
    assert warned.value.sentence == (
        "Echo would be 3 days before Labs; it should be at least 1 day after it. Choose another time, or say why it "
        "may be so."
    )
    assert warned.value.is_for_everybody
    why = Override(reason="The lab says so", met=frozenset(warned.value.met))
    moved = move(heart, labs, "2026-03-06 08:00", override=why)
    assert (moved.overrides, moved.override_reason) == (["journey_gap"], "The lab says so")
    assert booked(journey)[0] == moved


def test_a_visit_in_the_middle_is_held_against_both_that_are_beside_it(heart: Heart) -> None:
    echo = booked(heart.book())[1]
    with pytest.raises(JourneyGap) as warned:
        move(heart, echo, "2026-03-05 08:00")
    assert warned.value.sentence.startswith("Follow-up would be 2 days before Echo; it should be at most 14 days after")
    assert warned.value.others == ()


def test_a_visit_that_was_cancelled_holds_no_other(heart: Heart) -> None:
    labs, echo, _ = booked(heart.book())
    actions.cancel_appointment(actor=heart.clinic.rosa, appointment=echo, reason=CancelReason.PATIENT, now=NOW)
    moved = move(heart, labs, "2026-03-06 08:00")
    assert JourneyStep.objects.get(appointment=moved).position == 1
