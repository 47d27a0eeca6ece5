"""What a person is warned of before they book: a second visit for the same promise, no time to come from one site to
another. A reason answers what was said, and nothing that came up meanwhile."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest
from django.test import Client

from liaison.accounts.access import Role
from liaison.accounts.models import User
from liaison.core.actor import Actor
from liaison.core.postgres.guard import writes_open
from liaison.loops.actions import open_loop
from liaison.loops.models import Loop
from liaison.loops.ports import ClockToStart, Owner, Promise
from liaison.scheduling import actions, queries
from liaison.scheduling.actions import NoTimeToTravel, PatientBusy, SecondVisit, SeriesTaken, Warned
from liaison.scheduling.models import Appointment, SeriesVisit, VisitType
from liaison.scheduling.ports import CancelReason, Override, Seat, Span
from liaison.scheduling.queries.series_plan import LineState
from liaison.scheduling.rules import TRAVEL, is_too_near, minutes_between, with_the_way
from liaison.scheduling.tests import series, waiting
from liaison.scheduling.tests.clinic import NOW, Clinic, local, referral_to_okafor
from liaison.scheduling.tests.test_screens import HTMX, OFFERS, browser, clock, page, sent

ON = "2026-03-03"


@pytest.fixture
def both_sites(clinic: Clinic) -> Clinic:
    """Dr Okafor and room 2 are at West too from 11:00 to 19:00 of New York, and Rosa books there."""
    hours = [
        actions.HoursDraft(site=site, weekday=day, opens=time(9), closes=time(17))
        for site in (clinic.site, clinic.other_site)
        for day in range(5)
    ]
    for resource in (clinic.okafor, clinic.other_room):
        actions.set_hours(actor=clinic.adam, resource=resource, hours=hours, now=NOW)
    with writes_open():
        user = User.objects.get(pk=clinic.rosa.user_id)
        user.assignments.create(role=Role.COORDINATOR, site=clinic.other_site, starts_at=NOW.replace(year=2025))
    roles = {*clinic.rosa.assignments, (str(Role.COORDINATOR), clinic.other_site.pk)}
    return replace(clinic, rosa=Actor(user_id=clinic.rosa.user_id, name="Rosa", assignments=frozenset(roles)))


def there(clinic: Clinic) -> tuple[Seat, ...]:
    return clinic.seats(who=clinic.okafor, room=clinic.other_room)


def west(clinic: Clinic, start: str, **changes: Any) -> Appointment:
    return clinic.book(start, site_id=clinic.other_site.pk, seats=there(clinic), **changes)


def promise(clinic: Clinic) -> Loop:
    rosa = Owner(user_id=clinic.rosa.user_id)
    due = ClockToStart(
        rule_id="t", rule_version="1", source="", step="Book it", anchor_event="e", anchor_at=NOW,
        due_at=NOW + timedelta(days=1),
    )  # fmt: skip
    return open_loop(
        clinic.rosa,
        patient=clinic.walter,
        promise=Promise(kind="task", title="Book it", clocks=(due,)),
        owner=rosa,
        now=NOW,
    )


# --- the rules -----------------------------------------------------------------------------------------------


def span(first: str, last: str) -> Span:
    return Span(local(f"{ON} {first}"), local(f"{ON} {last}"))


@pytest.mark.parametrize(
    ("other", "is_near", "minutes"),
    [
        (span("09:00", "09:30"), True, 30),
        (span("09:00", "09:15"), False, 45),
        (span("11:00", "11:30"), True, 30),
        (span("11:15", "11:30"), False, 45),
        (span("10:30", "11:00"), True, 0),
    ],
)
def test_less_than_the_time_to_travel_lies_between(other: Span, is_near: bool, minutes: int) -> None:
    visit = span("10:00", "10:30")
    assert (is_too_near(visit, other), minutes_between(visit, other)) == (is_near, minutes)


def test_visits_that_overlap_are_not_near_but_at_once_and_the_way_is_there_and_back() -> None:
    assert not is_too_near(span("10:00", "10:30"), span("10:15", "11:00"))
    assert with_the_way(span("10:00", "10:30")) == span("09:15", "11:15")
    assert timedelta(minutes=45) == TRAVEL


# --- a second visit ------------------------------------------------------------------------------------------


def test_a_second_visit_for_one_promise_is_a_warning_that_names_the_first(clinic: Clinic) -> None:
    loop = promise(clinic)
    clinic.book("2026-03-12 10:00", loop_id=loop.pk)
    with pytest.raises(SecondVisit) as warned:
        clinic.book("2026-03-19 10:00", loop_id=loop.pk)
    assert warned.value.sentence.startswith(
        "Walter already has a visit for this: Thu, Mar 12, 10:00, Dr Imani. Book a second one?"
    )
    second = clinic.book("2026-03-19 10:00", loop_id=loop.pk, override=Override(reason="Two parts"))
    assert (second.overrides, second.override_reason) == (["second_visit"], "Two parts")
    assert clinic.book("2026-03-20 10:00").overrides == []


def test_a_referral_has_one_visit_too_whichever_promise_it_is_booked_from(clinic: Clinic) -> None:
    referral = referral_to_okafor(clinic)
    seats = clinic.seats(who=clinic.okafor)
    clinic.book("2026-03-12 10:00", referral_id=referral.pk, seats=seats)
    with pytest.raises(SecondVisit):
        clinic.book("2026-03-19 10:00", loop_id=promise(clinic).pk, referral_id=referral.pk, seats=seats)


def test_a_visit_that_is_past_off_or_only_held_is_no_first_one(clinic: Clinic) -> None:
    loop = promise(clinic)
    past = clinic.book("2026-03-03 10:00", loop_id=loop.pk)
    off = clinic.book("2026-03-10 10:00", loop_id=loop.pk, now=past.end_at)
    actions.cancel_appointment(actor=clinic.rosa, appointment=off, reason=CancelReason.PATIENT, now=past.end_at)
    held = clinic.book("2026-03-11 10:00", loop_id=loop.pk, now=past.end_at)
    with writes_open():
        Appointment.objects.filter(pk=held.pk).update(state="pending")
    assert clinic.book("2026-03-12 10:00", loop_id=loop.pk, now=past.end_at).overrides == []


def test_moving_the_visit_books_no_second_one(clinic: Clinic) -> None:
    visit = clinic.book("2026-03-12 10:00", loop_id=promise(clinic).pk)
    order = clinic.order("2026-03-13 10:00", key="moved", loop_id=visit.loop_id)
    preview = actions.preview_move(clinic.rosa, appointment=visit, order=order, now=NOW)
    assert (preview.refusal, preview.against, preview.met) == (None, (), ())


def test_the_visits_of_a_series_are_meant_together_and_one_without_a_time_is_booked_for_itself(clinic: Clinic) -> None:
    referral = referral_to_okafor(clinic)
    found = series.book(clinic, referral_id=referral.pk, clinician_id=clinic.okafor.pk)
    open_row = found.visits.order_by("position").last()
    assert open_row is not None
    loop = promise(clinic)
    with writes_open():
        SeriesVisit.objects.filter(pk=open_row.pk).update(loop=loop)
    seats = clinic.seats(who=clinic.okafor)
    given = {"referral_id": referral.pk, "seats": seats}
    assert clinic.book("2026-03-24 10:00", loop_id=loop.pk, **given).overrides == []
    with pytest.raises(SecondVisit):
        clinic.book("2026-03-25 10:00", **given)


# --- no time to travel ---------------------------------------------------------------------------------------


def test_two_sites_with_too_little_time_between_are_a_warning_in_both_directions(both_sites: Clinic) -> None:
    both_sites.book(f"{ON} 12:00")
    with pytest.raises(NoTimeToTravel) as after:
        west(both_sites, f"{ON} 13:00")
    assert after.value.sentence == (
        "Walter is at Riverside North until 12:30. That leaves 30 minutes to travel, and from one site to another 45 "
        "are reckoned with. Choose another time, or say why both should stand."
    )
    with pytest.raises(NoTimeToTravel) as before:
        west(both_sites, f"{ON} 11:00")
    assert "is at Riverside North from 12:00 on. That leaves 30 minutes" in before.value.sentence
    assert west(both_sites, f"{ON} 13:00", override=Override(reason="June drives him")).overrides == [
        "no_time_to_travel"
    ]


def test_who_has_time_enough_or_stays_where_they_are_is_not_warned(both_sites: Clinic) -> None:
    both_sites.book(f"{ON} 12:00")
    assert west(both_sites, f"{ON} 13:15").overrides == []
    at_north = both_sites.seats(who=both_sites.okafor, room=both_sites.other_room)
    assert both_sites.book("2026-03-04 12:00").overrides == []
    assert both_sites.book("2026-03-04 12:45", seats=at_north).overrides == []


@pytest.mark.parametrize("which", ["this", "the other"])
def test_nobody_travels_to_a_call(both_sites: Clinic, which: str) -> None:
    first = both_sites.book(f"{ON} 12:00")
    with writes_open():
        if which == "this":
            VisitType.objects.filter(pk=both_sites.follow_up.pk).update(modality="phone")
        else:
            Appointment.objects.filter(pk=first.pk).update(modality="video")
    assert west(both_sites, f"{ON} 12:45").overrides == []


def test_visits_at_once_are_said_once(both_sites: Clinic) -> None:
    both_sites.book(f"{ON} 12:00")
    with pytest.raises(PatientBusy) as warned:
        west(both_sites, f"{ON} 12:15")
    assert warned.value.others == ()


def test_a_freed_time_elsewhere_is_offered_only_to_who_can_get_there(both_sites: Clinic) -> None:
    wait = waiting.join(both_sites, site_ids=(both_sites.site.pk, both_sites.other_site.pk))
    opening = waiting.freed(both_sites, f"{ON} 12:00", f"{ON} 12:30")
    west(both_sites, f"{ON} 13:00")
    assert queries.fitting_time(wait, opening=opening, start_at=local(f"{ON} 12:00"), now=NOW) is None


def test_a_series_plans_with_the_way_and_never_books_without(both_sites: Clinic) -> None:
    order = series.order_of(both_sites, key="before")
    with writes_open():
        VisitType.objects.update(least_lead_minutes=0)
    visit = both_sites.book("2026-03-05 13:00", site_id=both_sites.other_site.pk, seats=there(both_sites))
    with writes_open():
        Appointment.objects.filter(pk=visit.pk).update(
            start_at=local("2026-03-05 10:00"), end_at=local("2026-03-05 10:30")
        )
    first = series.plan(both_sites).visits[0]
    assert first.state is LineState.CONFLICT
    assert first.why == ("The patient has no time to come from another site, or to get there.",)
    with pytest.raises(SeriesTaken) as taken:
        actions.book_series(actor=both_sites.rosa, patient=both_sites.walter, order=order, now=NOW)
    assert "minutes to travel" in taken.value.fields["pick-1"]


# --- a reason is for what was said -----------------------------------------------------------------------------


def test_a_reason_never_covers_what_came_up_meanwhile(clinic: Clinic) -> None:
    loop = promise(clinic)
    first = clinic.book("2026-03-12 10:00", loop_id=loop.pk)
    with pytest.raises(Warned) as warned:
        clinic.book("2026-03-19 10:00", key="b", loop_id=loop.pk)
    assert warned.value.met == (f"second_visit:20260319T1400:{first.pk}",)
    other = clinic.book("2026-03-19 10:15", seats=there(clinic))
    why = Override(reason="Two parts", met=frozenset(warned.value.met))
    with pytest.raises(PatientBusy) as again:
        clinic.book("2026-03-19 10:00", key="b", loop_id=loop.pk, override=why)
    assert again.value.met == (f"patient_busy:20260319T1400:{other.pk}", *warned.value.met)
    assert again.value.others == ()
    with pytest.raises(PatientBusy):
        clinic.book("2026-03-19 10:00", key="b", loop_id=loop.pk, override=replace(why, reason=" "))
    both = replace(why, met=frozenset(again.value.met))
    assert clinic.book("2026-03-19 10:00", key="b", loop_id=loop.pk, override=both).overrides == [
        "patient_busy", "second_visit",
    ]  # fmt: skip


# --- the screens ---------------------------------------------------------------------------------------------


@pytest.fixture
def rosa(both_sites: Clinic, settings: Any) -> Client:
    clock(settings, NOW)
    return browser(both_sites.rosa)


def met(shown: str) -> str:
    found = re.search(r'name="met" value="([^"]*)"', shown)
    assert found is not None
    return found[1]


def test_the_page_says_it_before_and_the_form_asks_why(rosa: Client, both_sites: Clinic) -> None:
    loop = promise(both_sites)
    both_sites.book("2026-03-12 10:00", loop_id=loop.pk)
    shown = page(rosa.get("/book/", {"patient": both_sites.walter.pk, "loop": loop.pk}))
    assert "Walter already has a visit for this:" in shown
    assert "What you book here is a second one." in shown
    form = sent(both_sites, OFFERS.findall(shown)[0], loop=loop.pk)
    warned = rosa.post("/book/", form, **HTMX)
    assert warned.status_code == 422
    assert "Book a second one?" in page(warned)
    assert "What you book here" not in page(warned)
    why = {"override_reason": "Two parts", "met": met(page(warned))}
    assert page(rosa.post("/book/", form | {"override_reason": "Two parts"}, **HTMX)).count("Book a second one?") == 1
    assert rosa.post("/book/", form | why, **HTMX).status_code == 204
    assert Appointment.objects.latest("pk").overrides == ["second_visit"]


def test_a_page_that_was_open_while_a_colleague_booked_warns_too(rosa: Client, both_sites: Clinic) -> None:
    loop = promise(both_sites)
    shown = page(rosa.get("/book/", {"patient": both_sites.walter.pk, "loop": loop.pk}))
    assert "already has a visit" not in shown
    both_sites.book("2026-03-12 10:00", loop_id=loop.pk, actor=both_sites.marta)
    warned = page(rosa.post("/book/", sent(both_sites, OFFERS.findall(shown)[0], loop=loop.pk), **HTMX))
    assert "Walter already has a visit for this: Thu, Mar 12, 10:00, Dr Imani." in warned


def test_a_visit_that_moves_is_no_second_one_on_its_page(rosa: Client, both_sites: Clinic) -> None:
    visit = both_sites.book("2026-03-12 10:00", loop_id=promise(both_sites).pk)
    assert "already has a visit" not in page(rosa.get(f"/appointments/{visit.pk}/move/"))


def test_times_without_time_to_travel_say_so_where_they_are_offered(rosa: Client, both_sites: Clinic) -> None:
    both_sites.book(f"{ON} 12:00")
    query = {"patient": both_sites.walter.pk, "site": both_sites.other_site.pk, "visit_type": both_sites.follow_up.pk}
    shown = page(rosa.get("/book/", query | {"not_before": ON, "not_after": ON}))
    assert re.findall(r"(\d+) min from a visit at Riverside North", shown) == ["30", "15", "0", "0", "15", "30"]
    with writes_open():
        VisitType.objects.filter(pk=both_sites.follow_up.pk).update(modality="phone")
    assert "min from a visit" not in page(rosa.get("/book/", query | {"not_before": ON, "not_after": ON}))


def test_a_drop_on_the_calendar_says_that_there_is_no_time_to_travel(rosa: Client, both_sites: Clinic) -> None:
    visit = both_sites.book("2026-03-03 09:00")
    west(both_sites, f"{ON} 13:00")
    own = f"/appointments/{visit.pk}/place/"
    shown = page(rosa.get(own, {"start": local(f"{ON} 12:00").isoformat()}, **HTMX))
    assert "Walter is at Riverside West from 11:00 on. That leaves 30 minutes" in shown
    assert "Move all the same" in shown
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', shown)) | {"reason": "other"}
    assert rosa.post(own, form, **HTMX).status_code == 422
    unseen = form | {"override_reason": "June drives", "met": ""}
    assert rosa.post(own, unseen, **HTMX).status_code == 422
    assert rosa.post(own, form | {"override_reason": "June drives"}, **HTMX).status_code == 204
    assert Appointment.objects.get(predecessor=visit).overrides == ["no_time_to_travel"]
