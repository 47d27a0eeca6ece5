"""The pages of several visits that belong together, as Rosa sees them on Monday 2 March 2026 at seven."""

from __future__ import annotations

import re
from datetime import time
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from liaison.core.postgres.guard import writes_open
from liaison.directory.models import Organization
from liaison.orders.models import Referral
from liaison.scheduling import actions
from liaison.scheduling.forms.journeys import Row, changed_rows, code_of, read_plan, read_rows
from liaison.scheduling.models import Appointment, Journey, VisitType
from liaison.scheduling.ports import CancelReason
from liaison.scheduling.rules.journeys import Gap
from liaison.scheduling.tests.clinic import NOW, Clinic
from liaison.scheduling.tests.journeys import Heart, heart_of
from liaison.scheduling.tests.test_promises import kind
from liaison.scheduling.tests.test_screens import HTMX, browser, clock, page
from liaison.scheduling.tests.test_serving_later import promise

PLANS = re.compile(r'name="plan" value="([^"]+)"')


@pytest.fixture(autouse=True)
def _monday(settings: Any) -> None:
    clock(settings, NOW)


@pytest.fixture
def heart(clinic: Clinic) -> Heart:
    return heart_of(clinic)


@pytest.fixture
def rosa(clinic: Clinic) -> Client:
    return browser(clinic.rosa)


def asked(heart: Heart, **changes: Any) -> dict[str, Any]:
    """Labs, an echo the next day or later, a follow-up at most fourteen days after it."""
    clinic = heart.clinic
    return {
        "patient": clinic.walter.pk, "look": "1", "kind": [heart.labs.pk, heart.echo.pk, clinic.follow_up.pk],
        "gap": ["next", "most"], "n": ["1", "14"], "site": clinic.site.pk,
    } | changes  # fmt: skip


def look(rosa: Client, heart: Heart, **changes: Any) -> str:
    response = rosa.get("/journeys/new/", asked(heart, **changes))
    assert response.status_code == 200
    return page(response)


def plain(text: str) -> str:
    """The words without the tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", text).replace("&#x27;", "'").split())


def test_the_page_opens_with_two_rows_and_asks_for_nothing_yet(rosa: Client, heart: Heart) -> None:
    opened = page(rosa.get("/journeys/new/", {"patient": heart.clinic.walter.pk, "kind": heart.echo.pk}))
    assert opened.count('name="kind"') == 2
    assert f'<option value="{heart.echo.pk}" selected' in opened
    assert "Say which visits, and what lies between them" in opened
    assert "For whom?" in page(rosa.get("/journeys/new/"))
    assert rosa.get("/journeys/new/", {"patient": 0}).status_code == 404
    assert browser(heart.clinic.pat).get("/journeys/new/", asked(heart)).status_code == 404
    assert browser(heart.clinic.adam).get("/journeys/new/", asked(heart)).status_code == 403


def test_the_rows_begin_with_what_can_be_had_there(rosa: Client, heart: Heart) -> None:
    first = re.compile(r'name="kind"[^>]*>.*?<option value="(\d+)" selected', re.DOTALL)
    asks = {"patient": heart.clinic.walter.pk}
    assert first.search(page(rosa.get("/journeys/new/", asks)))[1] == str(heart.echo.pk)  # type: ignore[index]  # it is there
    with writes_open():
        type(heart.machine).objects.filter(pk=heart.machine.pk).update(retired_at=NOW)
    assert first.search(page(rosa.get("/journeys/new/", asks)))[1] == str(heart.clinic.follow_up.pk)  # type: ignore[index]  # it is there


def test_plans_say_when_where_with_whom_and_why(rosa: Client, heart: Heart) -> None:
    shown = plain(look(rosa, heart))
    assert "2 days Fewest days Done first Mon, Mar 2 08:00–08:15 Labs Nurse Kim" in shown
    assert "Tue, Mar 3 08:15–09:00 Echo Echo 1" in shown
    assert "Book all of them" in shown
    for choice in ("site", "any_order"):
        assert PLANS.search(look(rosa, heart, **{choice: "0" if choice == "site" else "on"}))


def test_one_press_books_all_and_each_visit_says_so(rosa: Client, heart: Heart) -> None:
    offered = PLANS.findall(look(rosa, heart))
    sent = asked(heart, plan=offered[0], key="k", name="Heart check", note="bring the list")
    response = rosa.post("/journeys/new/", sent)
    journey = Journey.objects.get()
    assert response["Location"] == f"/journeys/{journey.pk}/"
    assert rosa.post("/journeys/new/", sent, **HTMX)["HX-Redirect"] == f"/journeys/{journey.pk}/"
    shown = plain(page(rosa.get(f"/journeys/{journey.pk}/")))
    assert "3 visits, 2 days" in shown
    assert "asked: at least 1 day after the one before" in shown
    echo = journey.steps.get(position=2).appointment
    assert echo.note == "bring the list"
    assert "2 of 3 of Heart check" in plain(page(rosa.get(f"/appointments/{echo.pk}/")))
    chart = plain(page(rosa.get(f"/patients/{heart.clinic.walter.pk}/")))
    assert "2 of 3 of Heart check" in chart
    assert "Riverside North. Part of “Heart check”, 2 of 3" in chart
    assert browser(heart.clinic.pat).get(f"/journeys/{journey.pk}/").status_code == 404


def test_a_visit_that_is_cancelled_names_those_that_stay(rosa: Client, heart: Heart) -> None:
    journey = heart.book()
    labs, echo, _ = (step.appointment for step in journey.steps.all())
    shown = plain(page(rosa.get(f"/appointments/{labs.pk}/cancel/")))
    assert "It belongs to other visits, which stay booked." in shown
    assert "Echo, Tue, Mar 3, 08:15" in shown
    actions.cancel_appointment(actor=heart.clinic.rosa, appointment=echo, reason=CancelReason.PATIENT, now=NOW)
    assert "Cancelled" in plain(page(rosa.get(f"/journeys/{journey.pk}/")))


def test_a_visit_that_moves_away_asks_why_on_the_page(rosa: Client, heart: Heart) -> None:
    labs = heart.book().steps.get(position=1).appointment
    seats = f"phlebotomy:{heart.nurse.pk}"
    sent = {
        "visit_type": heart.labs.pk, "site": heart.clinic.site.pk, "with_id": "", "not_before": "", "key": "k",
        "offer": f"2026-03-06T08:00:00-05:00 {heart.clinic.site.pk} {seats}", "note": "", "override_reason": "",
        "reason": CancelReason.PATIENT.value,
    }  # fmt: skip
    asks = page(rosa.post(f"/appointments/{labs.pk}/move/", sent))
    assert "Echo would be 3 days before Labs; it should be at least 1 day after it." in plain(asks)
    met = re.search(r'name="met" value="([^"]*)"', asks)
    assert met is not None
    assert met.group(1).startswith("journey_gap:")
    rosa.post(f"/appointments/{labs.pk}/move/", sent | {"override_reason": "The lab says so", "met": met.group(1)})
    moved = Appointment.objects.get(predecessor=labs)
    assert "nearer to, or farther from, what it belongs to" in plain(page(rosa.get(f"/appointments/{moved.pk}/")))


def test_a_time_that_was_taken_stands_above_fresh_plans(rosa: Client, heart: Heart) -> None:
    offered = PLANS.findall(look(rosa, heart))
    heart.clinic.book("2026-03-03 09:00", patient=heart.clinic.ruth)
    response = rosa.post("/journeys/new/", asked(heart, plan=offered[0], key="k"), **HTMX)
    assert response.status_code == 422
    assert "can't be had any more" in plain(page(response))
    assert "Nothing was booked" in plain(page(response))
    fresh = PLANS.findall(page(response))
    assert fresh
    assert fresh[0] != offered[0]
    assert rosa.post("/journeys/new/", asked(heart, plan=offered[0], key="k")).status_code == 409


def test_without_a_plan_nothing_is_booked(rosa: Client, heart: Heart) -> None:
    for wrong in ("", "nonsense", "x 2026-03-06T08:00:00-05:00 1 a:1", "1 2026"):
        response = rosa.post("/journeys/new/", asked(heart, plan=wrong, key="k"))
        assert response.status_code == 422
        assert "Choose one of the plans." in page(response)
    assert not Journey.objects.exists()
    with pytest.raises(ValueError, match="has a kind"):
        read_plan("x 1")


def test_what_can_not_be_says_why_and_links_to_what_would_help(rosa: Client, heart: Heart) -> None:
    shown = look(rosa, heart, kind=[heart.echo.pk, heart.labs.pk], gap=["same"], n=["0"], from_at="13:00")
    assert "Labs has no free time by what suits." in plain(shown)
    shown = look(rosa, heart, kind=[heart.labs.pk, heart.echo.pk], gap=["within"], n=["5"], weekdays=["2", "3"],
                 from_at="08:20", to_at="09:30")  # fmt: skip
    assert PLANS.search(shown)
    with writes_open():
        heart.nurse.hours.exclude(weekday=4).delete()
    heart_days = {"kind": [heart.labs.pk, heart.echo.pk], "gap": ["most"], "n": ["2"]}
    actions.set_hours(
        actor=heart.clinic.adam,
        resource=heart.nurse,
        hours=[actions.HoursDraft(site=heart.clinic.site, weekday=4, opens=time(9), closes=time(11))],
        now=NOW,
    )
    shown = look(rosa, heart, **heart_days)
    assert "There is no time for this: Echo at most 2 days after Labs." in plain(shown)
    assert "Echo at most 4 days after Labs" in plain(shown)
    link = re.search(r'href="/journeys/new/\?([^"]*gap=most[^"]*)"', shown)
    assert link is not None
    assert PLANS.search(page(rosa.get("/journeys/new/?" + link.group(1).replace("&amp;", "&"))))
    twice = {"kind": [heart.labs.pk, heart.labs.pk], "gap": ["next"], "n": ["1"], "any_order": "on"}
    shown = look(rosa, heart, **twice, not_after="2026-03-12")
    assert "In no order is there a time for this: visit 2 at least 1 day after the one before." in plain(shown)
    assert "visit 2 at any time after the one before" in plain(shown)


def test_what_nobody_can_do_there_is_said(rosa: Client, heart: Heart) -> None:
    actions.retire_resource(actor=heart.clinic.adam, resource=heart.machine, now=NOW)
    assert "Echo: nobody there can do this (echo)." in plain(look(rosa, heart))


def test_visits_of_one_person_that_keep_each_other_out_are_said_to(rosa: Client, heart: Heart) -> None:
    clinic = heart.clinic
    with writes_open():
        clinic.okafor.hours.all().delete()
    actions.set_hours(actor=clinic.adam, resource=clinic.okafor, hours=[], now=NOW)
    kinds = [clinic.follow_up.pk, clinic.follow_up.pk]
    shown = look(rosa, heart, kind=kinds, gap=["same"], n=["0"])
    assert "they keep each other out" in plain(shown)


def test_hours_that_end_before_they_begin_are_marked(rosa: Client, heart: Heart) -> None:
    shown = look(rosa, heart, from_at="12:00", to_at="11:00")
    assert "This is before the beginning." in shown
    assert "Mend what is marked" in shown


def test_a_clinic_without_kinds_of_visit_says_so(rosa: Client, heart: Heart) -> None:
    with writes_open():
        VisitType.objects.update(is_current=False)
    assert "No kind of visit to book yet" in look(rosa, heart)


def test_a_referral_is_served_where_whom_it_asks_works(rosa: Client, heart: Heart, referral: Referral) -> None:
    shown = look(rosa, heart, referral=referral.pk, loop=referral.loop_id)
    assert PLANS.search(shown)
    assert "already has a visit for this" not in shown
    offered = PLANS.findall(shown)[0]
    unsaid = rosa.post("/journeys/new/", asked(heart, referral=referral.pk, plan=offered, key="k"))
    assert unsaid.status_code == 422
    assert "Say which of them it is, or none." in page(unsaid)
    serves = heart.clinic.follow_up.pk
    rosa.post("/journeys/new/", asked(heart, referral=referral.pk, plan=offered, key="k", serves=serves))
    assert "Walter already has a visit for this:" in plain(look(rosa, heart, referral=referral.pk))
    assert Journey.objects.get().steps.get(position=3).appointment.referral_id == referral.pk
    with writes_open():
        center = Organization.objects.create(name="Heart Center", kind="clinic")
        Referral.objects.filter(pk=referral.pk).update(target_practitioner=None, target_organization=center)
    elsewhere = page(rosa.get("/journeys/new/", asked(heart, referral=referral.pk)))
    assert "are not booked here" in elsewhere


def test_of_the_visits_the_one_that_fits_the_promise_is_proposed_and_its_page_says_so(
    rosa: Client, heart: Heart
) -> None:
    home = promise(heart.clinic, kind="post-discharge", title="Home from hospital")
    asks = {"kind": [heart.clinic.follow_up.pk, heart.labs.pk], "gap": ["next"], "n": ["1"], "loop": home.pk}
    shown = look(rosa, heart, **asks)
    assert "For: Home from hospital" in shown
    offered = PLANS.findall(shown)[0]
    rosa.post("/journeys/new/", asked(heart, **asks, plan=offered, key="k", serves=heart.clinic.follow_up.pk))
    journey = Journey.objects.get()
    assert [step.appointment.loop_id for step in journey.steps.all()] == [home.pk, None]
    assert "the visit that was promised" in page(rosa.get(f"/journeys/{journey.pk}/"))


def test_a_visit_that_would_not_count_as_the_promised_one_says_so_before_they_are_booked(
    rosa: Client, heart: Heart
) -> None:
    home, phone = (
        promise(heart.clinic, kind="post-discharge", title="Home from hospital"),
        kind("call", modality="phone"),
    )
    kinds = [phone.pk, heart.clinic.follow_up.pk]
    asks = {"kind": kinds, "gap": ["next"], "n": ["1"], "loop": home.pk}
    shown = look(rosa, heart, **asks)
    assert f'<option value="{phone.pk}">Call (does not count)</option>' in shown
    assert "by phone does not count as" not in shown
    piece = page(rosa.get("/journeys/new/", asked(heart, **asks, serves=phone.pk, **{"as": "counts"}), **HTMX))
    assert "by phone does not count as the visit after the hospital stay" in piece
    assert "<form" not in piece
    for serves in (heart.clinic.follow_up.pk, "none", ""):
        piece = page(rosa.get("/journeys/new/", asked(heart, **asks, serves=serves, **{"as": "counts"}), **HTMX))
        assert plain(piece) == "", serves
    refused = page(rosa.post("/journeys/new/", asked(heart, **asks, plan="", key="k", serves=phone.pk)))
    assert "by phone does not count as" in refused
    for_nothing = look(rosa, heart, kind=kinds, gap=["next"], n=["1"])
    assert "does not count" not in for_nothing


def test_for_none_of_the_visits_they_are_booked_for_nothing_in_particular(rosa: Client, heart: Heart) -> None:
    loop = promise(heart.clinic)
    offered = PLANS.findall(look(rosa, heart, loop=loop.pk))[0]
    rosa.post("/journeys/new/", asked(heart, loop=loop.pk, plan=offered, key="k", serves="none"))
    assert Journey.objects.get().loop is None


# --- rows ----------------------------------------------------------------------------------------------------


def test_rows_are_read_as_far_as_they_can_be() -> None:
    given = QueryDict("kind=5&kind=x&kind=7&gap=most&n=9999&gap=nonsense&n=x")
    assert read_rows(given, kinds=[5, 6, 7]) == [
        Row(kind_id=5), Row(kind_id=6, code="most", number=365), Row(kind_id=7),
    ]  # fmt: skip
    assert [row.kind_id for row in read_rows(QueryDict(""), kinds=[])] == [0, 0]
    assert len(read_rows(QueryDict("&".join(["kind=5"] * 9)), kinds=[5])) == 5
    assert read_rows(QueryDict("kind=5&kind=5&gap=least"), kinds=[5])[1].number == 7


def test_rows_are_added_moved_and_left_out() -> None:
    rows = [Row(kind_id=1), Row(kind_id=2, code="next", number=1), Row(kind_id=3, code="most", number=14)]

    def after(do: str) -> tuple[list[int], int | None]:
        changed, focus = changed_rows(rows, do=do)
        return [row.kind_id for row in changed], focus

    assert after("add") == ([1, 2, 3, 3], 3)
    assert after("remove-2") == ([1, 3], 1)
    assert after("remove-3") == ([1, 2], 1)
    assert after("up-2") == ([2, 1, 3], 0)
    assert after("down-2") == ([1, 3, 2], 2)
    for nothing in ("", "look", "up-1", "down-3", "up-9", "remove-9", "remove-x"):
        assert after(nothing) == ([1, 2, 3], None)
    assert [row.code for row in changed_rows(rows, do="up-2")[0]] == ["any", "next", "most"]
    assert changed_rows(rows[:2], do="remove-1") == (rows[:2], None)
    assert changed_rows([*rows, *rows[:2]], do="add")[1] is None


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (Gap(), ("any", 0)),
        (Gap(least_days=1), ("next", 1)),
        (Gap(least_days=3), ("least", 3)),
        (Gap(most_days=3), ("most", 3)),
        (Gap(most_days=0), ("same", 0)),
        (Gap(most_days=0, most_minutes=20), ("within", 20)),
    ],
)
def test_a_gap_is_said_as_the_form_says_it(gap: Gap, said: tuple[str, int]) -> None:
    assert code_of(gap) == said
    assert Row(kind_id=1, code=said[0], number=said[1]).gap == gap
