"""The search of the booking page: what suits the patient, why there is no time, and the typed line."""

from __future__ import annotations

import html
import re
from datetime import time, timedelta
from typing import Any

import pytest
from django.test import Client

from liaison.accounts.access import Role
from liaison.accounts.models import User
from liaison.core.actor import system_actor
from liaison.core.postgres.guard import writes_open
from liaison.scheduling import actions
from liaison.scheduling.forms import read_offer
from liaison.scheduling.models import Appointment, Closure
from liaison.scheduling.ports import CancelReason, Span
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.test_screens import OFFERS, browser, clock, page, panel, sent


@pytest.fixture(autouse=True)
def _monday(settings: Any) -> None:
    clock(settings, NOW)


@pytest.fixture
def rosa(clinic: Clinic) -> Client:
    return browser(clinic.rosa)


def works_there(clinic: Clinic) -> None:
    """Rosa coordinates at the other site too."""
    user = User.objects.get(pk=clinic.rosa.user_id)
    with writes_open():
        user.assignments.create(role=Role.COORDINATOR, site=clinic.other_site, starts_at=NOW.replace(year=2025))


def test_days_and_hours_that_suit_narrow_the_times(rosa: Client, clinic: Clinic) -> None:
    shown = panel(rosa, clinic, weekdays=["1", "3"], from_at="14:00", to_at="15:00", not_after="2026-03-05")
    starts = [read_offer(offer).start_at for offer in OFFERS.findall(shown)]
    assert starts[0] == local("2026-03-03 14:00")
    assert starts[-1] == local("2026-03-05 14:30")
    assert len(starts) == 6
    assert re.search(r'name="weekdays" value="3" [^>]*checked', shown)
    assert "<details" in shown.split("Days and hours")[0][-80:]


def test_hours_that_end_before_they_begin_are_named(rosa: Client, clinic: Clinic) -> None:
    shown = panel(rosa, clinic, from_at="15:00", to_at="14:00")
    assert "This is before the beginning." in shown
    assert OFFERS.findall(shown) == []


def test_no_time_says_what_stands_in_the_way_and_links_to_what_would_help(rosa: Client, clinic: Clinic) -> None:
    shown = panel(rosa, clinic, from_at="16:30", to_at="17:00", weekdays=["1"], with_id=clinic.imani.pk, note="secret")
    assert "No time is free" in shown
    assert "Clinician: " in shown
    assert "Room, any of 2: " in shown
    assert "All at the same time: " in shown
    assert "From 16:15 instead of 16:30" in shown
    assert "Tue, Mar 3, 16:15" in shown
    link = html.unescape(re.findall(r'href="(/book/[^"]+from_at=16%3A15[^"]*)"', shown)[0])
    assert "secret" not in link
    helped = page(rosa.get(link))
    assert read_offer(OFFERS.findall(helped)[0]).start_at == local("2026-03-03 16:15")
    assert re.search(r'name="weekdays" value="1" [^>]*checked', helped)


def test_what_would_help_is_said_in_words(rosa: Client, clinic: Clinic) -> None:
    away = Span(local("2026-03-02 00:00"), local("2026-03-10 00:00"))
    actions.close_time(actor=clinic.marta, of=clinic.imani, during=away, reason="Leave", now=NOW)
    booked = clinic.book("2026-03-10 09:00")
    asked = {"with_id": clinic.imani.pk, "weekdays": ["1"], "to_at": "09:30"}
    shown = panel(rosa, clinic, not_before="2026-03-03", not_after="2026-03-10", **asked)
    for words in (
        "Done by 10:30 instead of 09:30",
        "Up to March 17",
        "With a colleague who can do the same",
        "Any day, any hour, with anyone",
        "no free start",
    ):
        assert words in shown
    actions.open_time(actor=clinic.marta, closure=Closure.objects.get(), now=NOW)
    other = clinic.seats(who=clinic.okafor, room=clinic.other_room)
    actions.move_appointment(
        actor=clinic.rosa,
        appointment=booked,
        order=clinic.order("2026-03-10 09:00", key="moved", seats=other),
        reason=CancelReason.PATIENT,
        now=NOW,
    )
    shown = panel(rosa, clinic, not_before="2026-03-10", not_after="2026-03-10", **asked)
    assert "Without the patient’s other visits: no free start" in shown
    assert "Before the first day asked for" in shown


def test_one_line_fills_in_the_fields_and_says_what_it_did_not_understand(rosa: Client, clinic: Clinic) -> None:
    asked = {"ask": "follow wed pm with okafor xyzzy", "to_at": "11:00", "with_id": clinic.imani.pk}
    shown = panel(rosa, clinic, **asked)
    assert "Not understood: xyzzy." in shown
    assert re.search(r'name="weekdays" value="2" [^>]*checked', shown)
    assert re.search(rf'value="{clinic.okafor.pk}" selected', shown)
    assert 'name="to_at"' in shown
    assert 'value="11:00"' not in shown
    assert read_offer(OFFERS.findall(shown)[0]).start_at == local("2026-03-04 12:00")
    works_there(clinic)
    anywhere = panel(rosa, clinic, ask="any site")
    assert '<option value="0" selected>' in anywhere


def test_one_line_asks_for_who_saw_the_patient_last(rosa: Client, clinic: Clinic) -> None:
    nobody = panel(rosa, clinic, ask="same clinician")
    assert "Nobody there has seen this patient yet" in nobody
    visit = clinic.book("2026-03-02 09:00", now=NOW - timedelta(days=1))
    actions.record_seen(actor=clinic.rosa, appointment=visit, now=local("2026-03-02 10:00"))
    shown = panel(rosa, clinic, ask="tomorrow, same clinician")
    assert re.search(rf'value="{clinic.imani.pk}" selected', shown)
    assert read_offer(OFFERS.findall(shown)[0]).start_at == local("2026-03-03 09:00")
    west = panel(rosa, clinic, ask="with imani at riverside west")
    assert "That person does not take such visits there" in west


def test_any_site_will_do_and_the_time_that_is_booked_brings_its_site(rosa: Client, clinic: Clinic) -> None:
    for resource in (clinic.imani, clinic.room):
        hours = [actions.HoursDraft(site=clinic.other_site, weekday=1, opens=time(9), closes=time(10))]
        actions.set_hours(actor=system_actor("tests"), resource=resource, hours=hours, now=NOW)
    assert "Riverside West" not in panel(rosa, clinic, site=0, with_id=clinic.imani.pk), "Rosa gives no time there"
    works_there(clinic)
    shown = panel(rosa, clinic, site=0, with_id=clinic.imani.pk)
    assert "Riverside West" in shown
    assert "Times on the clock of each site." in shown
    first = OFFERS.findall(shown)[0]
    assert read_offer(first).site_id == clinic.other_site.pk
    assert rosa.post("/book/", sent(clinic, first, site=0)).status_code == 302
    assert Appointment.objects.get().site == clinic.other_site


def test_who_saw_the_patient_last_is_named_in_the_choice(rosa: Client, clinic: Clinic) -> None:
    visit = clinic.book("2026-03-02 09:00", now=NOW - timedelta(days=1))
    actions.record_seen(actor=clinic.rosa, appointment=visit, now=local("2026-03-02 10:00"))
    assert "Dr Imani, who saw them last" in panel(rosa, clinic)
