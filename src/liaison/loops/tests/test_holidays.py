"""Closed days: who enters them, what they change, and their page."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from liaison.accounts.access import Role
from liaison.core.clock import current_time
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.directory.models import Organization
from liaison.loops import actions
from liaison.loops.models import Holiday
from liaison.loops.queries import business_calendar, closed_days
from liaison.loops.rules import CalendarOf, calendar_of
from liaison.loops.tests.cast import NOW, Cast, person

MARCH_5 = date(2026, 3, 5)


@pytest.fixture
def adam(cast: Cast):
    """Administers everything."""
    del cast
    with writes_open():
        return person("Adam Novak", Role.ADMINISTRATOR, None)


@pytest.fixture
def ada(cast: Cast):
    """Administers Riverside alone."""
    with writes_open():
        return person("Ada Bell", Role.ADMINISTRATOR, cast.riverside)


@pytest.fixture
def payer(cast: Cast) -> Organization:
    del cast
    with writes_open():
        return Organization.objects.create(name="Evergreen Health Plan", kind="payer")


@pytest.mark.parametrize(
    ("code", "whose"),
    [
        ("organization", CalendarOf(what="organization")),
        ("site:3", CalendarOf(what="site", id=3)),
        ("payer:7", CalendarOf(what="payer", id=7)),
        ("payer:", None),
        ("payer:" + "9" * 19, None),
        ("site:3x", None),
        ("moon:3", None),
    ],
)
def test_a_calendar_says_whose_it_is(code, whose):
    assert calendar_of(code) == whose


def test_closed_days_compose(cast, adam, payer):
    for calendar in ("organization", f"site:{cast.riverside.pk}", f"payer:{payer.pk}"):
        actions.add_holiday(adam, calendar=calendar, on=MARCH_5, name=" Closed ", now=NOW)
    calendar = business_calendar(site_id=cast.riverside.pk, payer_id=payer.pk)
    assert calendar.name == f"federal+organization+site:{cast.riverside.pk}+payer:{payer.pk}"
    assert calendar.holiday_name(MARCH_5) == "Closed"
    renamed = actions.add_holiday(adam, calendar="organization", on=MARCH_5, name="Training day", now=NOW)
    assert renamed.name == "Training day"
    assert Holiday.objects.count() == 3


def test_an_administrator_of_one_site_closes_only_that_site(cast, ada, payer):
    made = actions.add_holiday(ada, calendar=f"site:{cast.riverside.pk}", on=MARCH_5, name="Flood", now=NOW)
    for calendar in ("organization", f"site:{cast.hillside.pk}", f"payer:{payer.pk}"):
        with pytest.raises(Forbidden):
            actions.add_holiday(ada, calendar=calendar, on=MARCH_5, name="Flood", now=NOW)
    assert actions.remove_holiday(ada, holiday_id=made.pk, reason="No flood", now=NOW).name == "Flood"
    assert not Holiday.objects.exists()
    entry = AuditEntry.objects.filter(verb="loops.holidays").latest("pk")
    assert (entry.details["on"], entry.reason) == ("2026-03-05", "No flood")


def test_who_administers_one_site_opens_no_day_of_the_organization(adam, ada):
    made = actions.add_holiday(adam, calendar="organization", on=MARCH_5, name="Training", now=NOW)
    with pytest.raises(Forbidden):
        actions.remove_holiday(ada, holiday_id=made.pk, reason="Work", now=NOW)
    with pytest.raises(actions.ReasonNeeded):
        actions.remove_holiday(adam, holiday_id=made.pk, reason=" ", now=NOW)
    assert Holiday.objects.count() == 1


def test_a_day_that_is_closed_anyway_is_refused_beside_the_day(adam):
    for on, why in ((date(2026, 3, 7), "Saturday"), (date(2026, 7, 3), "Independence Day")):
        with pytest.raises(actions.ClosedAnyway, match=why) as refused:
            actions.add_holiday(adam, calendar="organization", on=on, name="Off", now=NOW)
        assert "on" in refused.value.fields
    with pytest.raises(actions.NameNeeded):
        actions.add_holiday(adam, calendar="organization", on=MARCH_5, name="  ", now=NOW)


def test_a_calendar_of_nobody_is_not_found(cast, adam):
    with writes_open():
        clinic = Organization.objects.create(name="Elm Cardiology", kind="clinic")
    for calendar in ("moon", "site:999999", f"payer:{clinic.pk}"):
        with pytest.raises(NotFound):
            actions.add_holiday(adam, calendar=calendar, on=MARCH_5, name="Off", now=NOW)
    with pytest.raises(NotFound):
        actions.remove_holiday(adam, holiday_id=999_999, reason="Gone", now=NOW)


def test_the_page_lists_whose_days_they_are_and_the_federal_ones(cast, adam, ada, payer):
    actions.add_holiday(adam, calendar=f"payer:{payer.pk}", on=MARCH_5, name="Plan closed", now=NOW)
    with writes_open():
        payer.retired_at = NOW
        payer.save()
        Organization.objects.create(name="Gone Plan", kind="payer", retired_at=NOW)
    shown = closed_days(ada, now=NOW)
    assert [(each.what, each.name, each.may_change) for each in shown.calendars if each.what != "site"] == [
        ("organization", "", False),
        ("payer", "Evergreen Health Plan", False),
    ]
    assert {each.name for each in shown.calendars if each.may_change} == {"Riverside"}
    assert [day.name for each in shown.calendars for day in each.days] == ["Plan closed"]
    assert (date(2026, 7, 3), "Independence Day (observed)") in shown.federal
    assert min(on for on, _ in shown.federal) > NOW.date()
    with pytest.raises(Forbidden):
        closed_days(cast.rosa, now=NOW)


def _coming_weekday() -> date:
    day = (current_time() + timedelta(days=20)).date()
    while not business_calendar().is_business_day(day):
        day += timedelta(days=1)
    return day


def test_a_day_is_added_removed_and_put_back_on_the_page(cast, adam):
    from liaison.desk.tests.browser import signed_in

    client, on = signed_in(adam), _coming_weekday()
    assert "No days of your own yet" in client.get("/holidays/").content.decode()
    typed = {"calendar": "organization", "on": on.isoformat(), "name": "Staff training"}
    assert client.post("/holidays/", typed).status_code == 302
    page = client.get("/holidays/").content.decode()
    assert "Staff training" in page
    made = Holiday.objects.get()
    again = client.post(f"/holidays/{made.pk}/remove/", {"reason": ""})
    assert again.status_code == 422
    assert f"reason-{made.pk}-error" in again.content.decode()
    gone = client.post(f"/holidays/{made.pk}/remove/", {"reason": "Moved"}, headers={"HX-Request": "true"})
    assert gone.status_code == 204
    assert not Holiday.objects.exists()
    undo = f"/holidays/again/?calendar=organization&on={on.isoformat()}&name=Staff+training"
    assert client.post(undo).status_code == 302
    assert Holiday.objects.get().name == "Staff training"
    assert client.post("/holidays/again/?calendar=organization").status_code == 404


def test_a_refusal_stands_beside_the_day_and_what_was_typed_stays(adam):
    from liaison.desk.tests.browser import signed_in

    answer = signed_in(adam).post("/holidays/", {"calendar": "organization", "on": "2026-07-03", "name": "Bridge"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "closed as it is (Independence Day" in page
    assert 'value="Bridge"' in page


def test_the_page_offers_an_administrator_of_one_site_that_site_only(cast, ada):
    from liaison.desk.tests.browser import signed_in

    client = signed_in(ada)
    page = client.get("/holidays/").content.decode()
    assert f'value="site:{cast.riverside.pk}"' in page
    assert 'value="organization"' not in page
    assert client.post("/holidays/", {"calendar": "organization", "on": "2026-03-05", "name": "x"}).status_code == 422
    assert signed_in(cast.rosa).get("/holidays/").status_code == 403
