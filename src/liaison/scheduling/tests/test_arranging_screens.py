"""What can be booked, through the addresses of its pages: visit types, resources, hours, closures."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from typing import Any

import pytest
from django.test import Client

from liaison.scheduling.models import Closure, Resource, VisitType
from liaison.scheduling.tests.clinic import NOW, Clinic
from liaison.scheduling.tests.test_screens import browser, clock, page


@pytest.fixture(autouse=True)
def _monday(settings: Any) -> None:
    clock(settings, NOW)


@pytest.fixture
def rosa(clinic: Clinic) -> Client:
    return browser(clinic.rosa)


@pytest.fixture
def marta(clinic: Clinic) -> Client:
    return browser(clinic.marta)


@pytest.fixture
def adam(clinic: Clinic) -> Client:
    return browser(clinic.adam)


def test_rosa_does_not_arrange_and_marta_sees_it_all(rosa: Client, marta: Client, clinic: Clinic) -> None:
    assert rosa.get("/calendar/arrange/").status_code == 403
    shown = page(marta.get("/calendar/arrange/"))
    for words in ("Follow-up", "Dr Imani", "Exam room", "5 lines", "Nothing is closed."):
        assert words in shown


VISIT_TYPE = {
    "name": "Nurse visit", "code": "nurse_visit", "modality": "in_person", "duration_minutes": 20,
    "before_minutes": 0, "after_minutes": 0, "step_minutes": 10, "least_lead_minutes": 0,
    "cancellation_hours": 24, "late_after_minutes": 15, "no_show_after_minutes": "",
    "needs": "nurse, registered_nurse, 2\n\nroom, exam_room",
}  # fmt: skip


def test_adam_adds_and_changes_a_visit_type(adam: Client, clinic: Clinic) -> None:
    assert adam.post("/calendar/arrange/visit-types/new/", VISIT_TYPE).status_code == 302
    made = VisitType.objects.get(code="nurse_visit")
    assert [(need.role, need.quantity) for need in made.needs.all()] == [("nurse", 2), ("room", 1)]
    own = f"/calendar/arrange/visit-types/{made.pk}/"
    assert "nurse, registered nurse, 2" in page(adam.get(own))
    assert adam.post(own, VISIT_TYPE | {"duration_minutes": 25, "version": 1}).status_code == 302
    assert VisitType.objects.get(code="nurse_visit", is_current=True).version == 2
    assert adam.post(own, VISIT_TYPE | {"duration_minutes": 25, "version": 1}).status_code == 302, "sent twice"
    assert VisitType.objects.filter(code="nurse_visit").count() == 2
    stale = adam.post(own, VISIT_TYPE | {"version": 1})
    assert stale.status_code == 409
    assert "It now says: 25" in page(stale)
    assert 'name="version" value="2"' in page(stale)
    assert adam.post(own, VISIT_TYPE | {"version": 2}).status_code == 302
    other = adam.post(own, VISIT_TYPE | {"version": 3, "code": "follow_up", "duration_minutes": 30})
    assert other.status_code == 302
    assert VisitType.objects.get(code="nurse_visit", is_current=True).duration_minutes == 30
    assert VisitType.objects.get(code="follow_up").version == 1


def test_a_new_visit_type_with_the_code_of_another_is_refused_beside_it_with_the_way_there(
    adam: Client, clinic: Clinic
) -> None:
    taken = adam.post("/calendar/arrange/visit-types/new/", VISIT_TYPE | {"code": "follow_up", "name": "<b>Mine"})
    shown = page(taken)
    assert taken.status_code == 422
    assert "A visit type has this code already." in shown.split('name="code"')[1]
    follow_up = VisitType.objects.get(code="follow_up")
    assert f'<a href="/calendar/arrange/visit-types/{follow_up.pk}/">Change {follow_up.name}</a>' in shown
    assert 'value="&lt;b&gt;Mine"' in shown
    assert (follow_up.version, VisitType.objects.filter(name="<b>Mine").exists()) == (1, False)


@pytest.mark.parametrize("needs", ["nurse", "nurse, x, many", "nurse, x\nnurse, y", ""])
def test_needs_that_cannot_be_read_are_refused_beside_the_field(adam: Client, needs: str) -> None:
    response = adam.post("/calendar/arrange/visit-types/new/", VISIT_TYPE | {"needs": needs})
    assert response.status_code == 422
    assert 'aria-invalid="true"' in page(response)


def test_each_site_is_offered_what_it_arranges(marta: Client, adam: Client, clinic: Clinic) -> None:
    own = f'href="/calendar/arrange/resources/{clinic.room.pk}/"'
    close_north, close_west = (f"/calendar/arrange/sites/{one.pk}/close/" for one in (clinic.site, clinic.other_site))
    for_marta = page(marta.get("/calendar/arrange/"))
    assert own in for_marta
    assert close_north in for_marta
    assert close_west not in for_marta
    assert "visit-types/new/" not in for_marta
    assert "an administrator changes them" in for_marta
    for_noor = page(browser(clinic.noor).get("/calendar/arrange/"))
    assert own not in for_noor
    assert close_west in for_noor
    for_adam = page(adam.get("/calendar/arrange/"))
    assert own in for_adam
    assert close_north in for_adam
    assert close_west in for_adam
    assert "visit-types/new/" in for_adam


def test_what_another_site_arranges_is_refused_at_its_address(marta: Client, clinic: Clinic) -> None:
    noor = browser(clinic.noor)
    room = f"/calendar/arrange/resources/{clinic.room.pk}/"
    for address in (room, f"{room}close/", f"/calendar/arrange/sites/{clinic.site.pk}/close/"):
        assert noor.get(address).status_code == 403
        assert marta.get(address).status_code == 200
    assert noor.post(f"{room}retire/").status_code == 403
    assert noor.get("/calendar/arrange/visit-types/new/").status_code == 403
    new = noor.post("/calendar/arrange/resources/new/", {"name": "R", "kind": "room", "site": clinic.site.pk})
    assert new.status_code == 422
    none = {"form-TOTAL_FORMS": 0, "form-INITIAL_FORMS": 0, "version": clinic.room.version + 1}
    noor.post(f"{room}hours/", none)
    assert clinic.room.hours.count() == 5
    line = {"form-0-weekday": 6, "form-0-site": clinic.site.pk, "form-0-opens": "08:00", "form-0-closes": "12:00"}
    clinic.room.refresh_from_db()
    forged = noor.post(f"{room}hours/", none | line | {"form-TOTAL_FORMS": 1, "version": clinic.room.version})
    assert forged.status_code == 422
    assert "Select a valid choice" in page(forged)
    assert clinic.room.hours.count() == 5
    shown = page(noor.get(f"{room}hours/"))
    assert "At other sites, arranged there" in shown
    assert shown.count("09:00–17:00, Riverside North") == 5
    assert 'name="form-0-opens" value' not in shown
    assert ">Riverside North</option>" not in shown


def test_hours_that_nobody_touched_stay_when_the_page_is_saved(marta: Client, clinic: Clinic) -> None:
    own = f"/calendar/arrange/resources/{clinic.room.pk}/hours/"
    form = filled_in(page(marta.get(own)))
    assert marta.post(own, form | {"form-1-closes": "16:00"}).status_code == 302
    assert sorted(clinic.room.hours.values_list("weekday", "closes")) == [
        (0, time(17)), (1, time(16)), (2, time(17)), (3, time(17)), (4, time(17)),
    ]  # fmt: skip
    form = filled_in(page(marta.get(own)))
    assert marta.post(own, form | {"form-4-DELETE": "on"}).status_code == 302
    assert clinic.room.hours.count() == 4


def test_hours_that_a_colleague_changed_meanwhile_are_shown_beside_what_was_typed(
    marta: Client, adam: Client, clinic: Clinic
) -> None:
    own = f"/calendar/arrange/resources/{clinic.room.pk}/hours/"
    form = filled_in(page(marta.get(own)))
    assert adam.post(own, form | {"form-0-opens": "07:00"}).status_code == 302
    stale = marta.post(own, form | {"form-0-opens": "10:00"})
    shown = page(stale)
    assert stale.status_code == 409
    assert "Monday 07:00–17:00, Riverside North" in shown
    assert 'name="form-0-opens" value="10:00' in shown
    assert marta.post(own, filled_in(shown)).status_code == 302
    assert clinic.room.hours.get(weekday=0).opens == time(10)
    assert clinic.room.hours.count() == 5
    version = Resource.objects.get(pk=clinic.room.pk).version
    assert marta.post(own, filled_in(shown)).status_code == 302, "the same form, sent twice at once"
    assert Resource.objects.get(pk=clinic.room.pk).version == version


def test_a_resource_that_a_colleague_changed_meanwhile_says_what_it_is_now(marta: Client, clinic: Clinic) -> None:
    own = f"/calendar/arrange/resources/{clinic.room.pk}/"
    typed = {"name": "Echo", "kind": "room", "site": clinic.site.pk, "abilities": "exam room"}
    version = Resource.objects.get(pk=clinic.room.pk).version
    assert marta.post(own, typed | {"name": "Room One", "version": version}).status_code == 302
    twice = marta.post(own, typed | {"name": "Room One", "abilities": "Exam  Room", "version": version})
    assert (twice.status_code, Resource.objects.get(pk=clinic.room.pk).version) == (302, version + 1)
    stale = marta.post(own, typed | {"version": version})
    assert stale.status_code == 409
    assert "It now says: Room One" in page(stale)
    assert 'name="name" value="Echo"' in page(stale)
    assert marta.post(own, typed | {"version": version + 1}).status_code == 302
    assert Resource.objects.get(pk=clinic.room.pk).name == "Echo"


def test_a_room_with_the_name_of_another_is_refused_beside_the_name(marta: Client, clinic: Clinic) -> None:
    typed = {"name": clinic.room.name, "kind": "room", "site": clinic.site.pk, "abilities": ""}
    taken = marta.post("/calendar/arrange/resources/new/", typed)
    assert (taken.status_code, "has this name already" in page(taken)) == (422, True)
    other = f"/calendar/arrange/resources/{clinic.other_room.pk}/"
    version = Resource.objects.get(pk=clinic.other_room.pk).version
    assert marta.post(other, typed | {"version": version}).status_code == 422


def test_a_form_without_its_version_is_never_written_over_what_stands(
    adam: Client, marta: Client, clinic: Clinic
) -> None:
    room = f"/calendar/arrange/resources/{clinic.room.pk}/"
    typed = {"name": "Echo", "kind": "room", "site": clinic.site.pk, "abilities": "exam room"}
    hours = filled_in(page(marta.get(f"{room}hours/"))) | {"form-0-opens": "10:00"}
    kind = f"/calendar/arrange/visit-types/{VisitType.objects.get(code='follow_up').pk}/"
    of_kind = VISIT_TYPE | {"code": "follow_up"}
    for given in ({}, {"version": ""}, {"version": "0"}, {"version": "x"}):
        named = marta.post(room, typed | given)
        assert named.status_code == (422 if given == {"version": "x"} else 409)
        without = {name: value for name, value in hours.items() if name != "version"}
        assert marta.post(f"{room}hours/", without | given).status_code == 409
        assert adam.post(kind, of_kind | given).status_code == named.status_code
    assert "It now says: Room 1" in page(marta.post(room, typed))
    clinic.room.refresh_from_db()
    assert (clinic.room.name, clinic.room.hours.get(weekday=0).opens) == ("Room 1", time(9))
    assert VisitType.objects.filter(code="follow_up").count() == 1


def filled_in(shown: str) -> dict[str, str]:
    """What the page's form would send as it is."""
    form = shown[shown.index('<form method="post" action="/calendar') :]
    inputs = re.findall(r'<input type="(?:hidden|time|date)" name="([\w-]+)"(?: value="([^"]*)")?', form)
    selects = re.findall(r'<select name="([\w-]+)"(.*?)</select>', form, re.DOTALL)
    chosen = {name: re.findall(r'value="([^"]*)" selected', inside) for name, inside in selects}
    return dict(inputs) | {name: values[0] if values else "" for name, values in chosen.items()}


def test_marta_adds_a_room_with_hours_closes_it_and_retires_it(marta: Client, clinic: Clinic) -> None:
    room = {"name": "Ultrasound", "kind": "room", "site": clinic.site.pk, "abilities": "ultrasound, Exam  room"}
    response = marta.post("/calendar/arrange/resources/new/", room)
    made = Resource.objects.get(name="Ultrasound")
    assert response["Location"] == f"/calendar/arrange/resources/{made.pk}/hours/"
    line = {"weekday": 0, "site": clinic.site.pk, "opens": "08:00", "closes": "12:00"}
    hours = {"form-TOTAL_FORMS": 2, "form-INITIAL_FORMS": 0} | {f"form-0-{k}": v for k, v in line.items()}
    hours |= {"form-1-weekday": "", "form-1-site": "", "form-1-opens": "", "form-1-closes": ""}
    assert "Hours of Ultrasound" in page(marta.get(response["Location"]))
    hours["version"] = made.version
    assert marta.post(response["Location"], hours).status_code == 302
    made.refresh_from_db()
    assert (made.hours.count(), made.abilities) == (1, ["exam_room", "ultrasound"])
    bad = hours | {"form-0-valid_from": "2026-04-01", "form-0-valid_to": "2026-03-01", "version": made.version}
    assert marta.post(response["Location"], bad).status_code == 422
    own = f"/calendar/arrange/resources/{made.pk}/"
    assert "exam room, ultrasound" in page(marta.get(own))
    assert marta.post(own, room | {"name": "Echo", "version": made.version}).status_code == 302
    known = {"practitioner": clinic.imani.practitioner_id, "version": made.version + 1}
    assert marta.post(own, room | known).status_code == 422
    assert marta.post(f"{own}retire/").status_code == 409, "it says neither whether it goes nor whether it comes back"
    for _press in ("first", "second"):
        assert marta.post(f"{own}retire/", {"then": "retired"}).status_code == 302
    assert Resource.objects.get(name="Echo").retired_at is not None
    for _press in ("first", "second"):
        assert marta.post(f"{own}retire/", {"then": "returned"}).status_code == 302
    assert Resource.objects.get(name="Echo").retired_at is None


def test_closures_come_and_go(marta: Client, clinic: Clinic) -> None:
    snow = {"from_on": "2026-03-08", "from_at": "02:30", "to_on": "2026-03-08", "to_at": "12:00", "reason": "Snow"}
    assert marta.post(f"/calendar/arrange/sites/{clinic.site.pk}/close/", snow).status_code == 302
    assert marta.post(f"/calendar/arrange/resources/{clinic.room.pk}/close/", snow).status_code == 302
    assert "Close Room 1" in page(marta.get(f"/calendar/arrange/resources/{clinic.room.pk}/close/"))
    assert [closure.during.lower for closure in Closure.objects.all()] == [datetime(2026, 3, 8, 7, 30, tzinfo=UTC)] * 2
    assert "Snow" in page(marta.get("/calendar/arrange/"))
    backwards = snow | {"to_at": "01:00"}
    assert marta.post(f"/calendar/arrange/sites/{clinic.site.pk}/close/", backwards).status_code == 422
    for closure in Closure.objects.all():
        assert marta.post(f"/calendar/arrange/closures/{closure.pk}/open/").status_code == 302
    assert not Closure.objects.exists()
    assert marta.post("/calendar/arrange/closures/987654/open/").status_code == 404
    assert marta.get("/calendar/arrange/sites/987654/close/").status_code == 404
