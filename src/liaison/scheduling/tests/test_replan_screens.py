"""The pages on which Rosa plans a sick clinician's day anew, on Monday 2 March 2026 at seven."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from liaison.core.postgres.guard import writes_open
from liaison.scheduling.models import Appointment, Closure, Displacement, Replan, VisitType
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.test_displaced import to_the_other_room
from liaison.scheduling.tests.test_replanning import booked, patient_of_the_site
from liaison.scheduling.tests.test_screens import HTMX, browser, clock, page

__all__ = ["booked"]

HIDDEN = re.compile(r'name="((?:visit|was-\d+|mine-\d+|key))" value="([^"]+)"')
SELECT = re.compile(r'<select[^>]* name="(pick-\d+)">(.*?)</select>', re.DOTALL)
OPTION = re.compile(r'<option value="([^"]+)"( selected)?>([^<]+)<')


@pytest.fixture(autouse=True)
def _monday(settings: Any) -> None:
    clock(settings, NOW)


@pytest.fixture
def rosa(clinic: Clinic) -> Client:
    return browser(clinic.rosa)


def asked(clinic: Clinic, **changes: Any) -> dict[str, Any]:
    return {
        "look": "1", "what": f"r{clinic.imani.pk}", "from_on": "2026-03-03", "from_at": "00:00",
        "to_on": "2026-03-03", "to_at": "23:59", "reason": "Sick",
    } | changes  # fmt: skip


def look(rosa: Client, clinic: Clinic, **changes: Any) -> str:
    response = rosa.get("/calendar/replan/", asked(clinic, **changes))
    assert response.status_code == 200
    return page(response)


def options(html: str) -> dict[str, list[tuple[str, bool, str]]]:
    """By select its options: value, whether it is chosen, words."""
    return {
        name: [(unescape(value), bool(chosen), words) for value, chosen, words in OPTION.findall(inner)]
        for name, inner in SELECT.findall(html)
    }


def filled(html: str) -> dict[str, Any]:
    """What the form of the plan would send."""
    sent: dict[str, Any] = {"visit": []}
    for name, value in HIDDEN.findall(html):
        if name == "visit":
            sent["visit"].append(value)
        else:
            sent[name] = unescape(value)
    picks = {name: next(value for value, chosen, _ in found if chosen) for name, found in options(html).items()}
    return sent | picks


def apply(rosa: Client, clinic: Clinic, html: str, **changes: Any) -> Any:
    return rosa.post("/calendar/replan/", asked(clinic) | filled(html) | changes)


def test_the_calendar_and_the_palette_lead_there(rosa: Client, clinic: Clinic) -> None:
    html = page(rosa.get("/calendar/", {"site": clinic.site.pk, "on": "2026-03-03"}))
    assert f"/calendar/replan/?site={clinic.site.pk}&amp;on=2026-03-03" in html
    html = page(rosa.get("/calendar/replan/", {"who": clinic.imani.pk, "on": "2026-03-03"}))
    assert f'value="r{clinic.imani.pk}" selected' in html
    assert 'value="2026-03-03"' in html
    assert "Say who or what can’t be there" in html
    html = page(rosa.get("/calendar/replan/", {"site": clinic.site.pk, "on": "soon"}))
    assert 'value="2026-03-02"' in html


def test_whoever_may_not_close_anything_finds_no_page(clinic: Clinic) -> None:
    assert browser(clinic.adam).get("/calendar/replan/").status_code == 403
    pat = browser(clinic.pat)
    html = page(pat.get("/calendar/replan/"))
    assert "Dr Imani" not in html


def test_the_plan_names_who_moves_where_and_why(rosa: Client, clinic: Clinic, booked: Any) -> None:
    html = look(rosa, clinic)
    assert "2 visits can’t be then" in html
    assert "2 have another time" in html
    assert "no plan is better" in html
    first = options(html)[f"pick-{booked[0].pk}"]
    assert first[0][1:] == (True, "10:00, Dr Okafor, Room 1")
    assert first[-1] == ("call", False, "Don’t move it: call")
    assert "same time" in html
    assert "new to the patient" in html


def test_one_press_applies_it_and_shows_what_became_of_each(rosa: Client, clinic: Clinic, booked: Any) -> None:
    response = apply(rosa, clinic, look(rosa, clinic))
    replan = Replan.objects.get()
    assert response["Location"] == f"/calendar/replans/{replan.pk}/"
    html = page(rosa.get(response["Location"]))
    assert "0 of 2 patients told" in html
    assert "to tell" in html
    assert "A supervisor opens the time again." in html
    assert "Open the time again" in page(browser(clinic.marta).get(response["Location"]))
    assert browser(clinic.pat).get(response["Location"]).status_code == 404
    assert browser(clinic.adam).get(response["Location"]).status_code == 403


def test_who_only_has_another_room_is_not_counted_among_those_to_tell(
    rosa: Client, clinic: Clinic, booked: Any
) -> None:
    replan = to_the_other_room(clinic, key="room")
    html = page(rosa.get(f"/calendar/replans/{replan.pk}/"))
    assert html.count("only the room changed") == 2
    assert "nobody has to be told" in html
    assert "waits for an owner" not in html


def test_a_call_instead_of_a_time_is_a_promise_to_find_one(rosa: Client, clinic: Clinic, booked: Any) -> None:
    html = look(rosa, clinic)
    response = apply(rosa, clinic, html, **{f"pick-{booked[0].pk}": "call"})
    assert Displacement.objects.get(appointment=booked[0]).moved_to is None
    html = page(rosa.get(response["Location"]))
    assert "no time yet" in html
    assert "to find" in html
    loop = Displacement.objects.get(appointment=booked[0]).loop
    assert loop is not None
    assert rosa.get(f"/loops/{loop.pk}/").status_code == 200


def test_what_she_chooses_is_kept_and_the_others_make_room(rosa: Client, clinic: Clinic, booked: Any) -> None:
    html = look(rosa, clinic)
    wanted = options(html)[f"pick-{booked[1].pk}"][0][0]
    response = rosa.get("/calendar/replan/", asked(clinic) | filled(html) | {f"pick-{booked[0].pk}": wanted}, **HTMX)
    html = page(response)
    assert "<h1" not in html
    assert "chosen by you" in html
    assert options(html)[f"pick-{booked[0].pk}"][0][:2] == (wanted, True)
    assert options(html)[f"pick-{booked[1].pk}"][0][0] != wanted
    again = page(rosa.get("/calendar/replan/", asked(clinic) | filled(html)))
    assert options(again)[f"pick-{booked[0].pk}"][0][:2] == (wanted, True)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_time_that_was_taken_meanwhile_is_named_and_nothing_is_done(
    rosa: Client, clinic: Clinic, booked: Any, headers: dict[str, str]
) -> None:
    html = look(rosa, clinic)
    clinic.book(
        "2026-03-03 11:00",
        key="third",
        patient=patient_of_the_site(clinic),
        seats=clinic.seats(who=clinic.okafor, room=clinic.other_room),
    )
    response = rosa.post("/calendar/replan/", asked(clinic) | filled(html), **headers)
    assert response.status_code == (422 if headers else 409)
    html = page(response)
    assert "Ruth, Tue, Mar 3, 11:00, can" in html
    assert "2 have another time" in html
    assert not Closure.objects.exists()


def test_what_was_not_said_well_is_marked(rosa: Client, clinic: Clinic, booked: Any) -> None:
    html = look(rosa, clinic, to_on="2026-03-02")
    assert "The end comes after the start." in html
    assert "Mend what is marked" in html
    assert rosa.post("/calendar/replan/", asked(clinic, reason="")).status_code == 422
    response = rosa.post("/calendar/replan/", asked(clinic, visit=["x", f"{booked[0].pk}:1"]))
    assert response.status_code == 409
    nonsense = asked(clinic) | {"visit": f"{booked[0].pk}:1", f"pick-{booked[0].pk}": "nonsense"}
    assert rosa.post("/calendar/replan/", nonsense).status_code == 409
    past = asked(clinic, from_on="2026-03-01", to_on="2026-03-01")
    response = rosa.post("/calendar/replan/", past)
    assert (response.status_code, "That time is over" in page(response)) == (422, True)


def test_a_time_without_visits_is_only_closed(rosa: Client, clinic: Clinic) -> None:
    html = look(rosa, clinic, what=f"s{clinic.site.pk}", reason="Snow")
    assert "No visit lies in that time" in html
    response = rosa.post("/calendar/replan/", asked(clinic, what=f"s{clinic.site.pk}", reason="Snow"))
    assert "No visit lay in that time" in page(rosa.get(response["Location"]))
    assert Closure.objects.get().during.upper == local("2026-03-04 00:00")


def test_a_visit_that_finds_no_time_says_call(rosa: Client, clinic: Clinic, booked: Any) -> None:
    with writes_open():
        VisitType.objects.update(is_current=False)
        Appointment.objects.filter(pk=booked[0].pk).update(interpreter_language="es")
    html = look(rosa, clinic)
    assert options(html)[f"pick-{booked[0].pk}"] == [("call", True, "No time found: call")]
    assert "2 need a call" in html
    assert "Spanish" in html


def test_the_form_again_says_what_was_made_and_other_choices_with_its_key_are_refused(
    rosa: Client, clinic: Clinic, booked: Any
) -> None:
    html = look(rosa, clinic)
    for _again in range(2):
        to = apply(rosa, clinic, html)["Location"]
        assert "2 visits were planned anew." in page(rosa.get(to))
    response = apply(rosa, clinic, html, **{f"pick-{booked[0].pk}": "call"})
    assert response.status_code == 409
    assert Replan.objects.count() == 1


def test_another_choice_gets_another_key_and_a_refused_form_keeps_its_own(
    rosa: Client, clinic: Clinic, booked: Any
) -> None:
    sent = filled(look(rosa, clinic))
    call = {f"pick-{booked[0].pk}": "call"}
    again = filled(page(rosa.get("/calendar/replan/", asked(clinic) | sent | call, **HTMX)))
    assert again["key"] != sent["key"]
    with writes_open():
        Appointment.objects.filter(pk=booked[0].pk).update(version=7)
    refused = rosa.post("/calendar/replan/", asked(clinic) | sent)
    assert filled(page(refused))["key"] == sent["key"]
