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
from liaison.scheduling.models import Appointment, Closure, Resource
from liaison.scheduling.ports import CancelReason, Span
from liaison.scheduling.queries import Explanation, Left, TimesWanted
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.test_screens import OFFERS, browser, clock, page, panel, sent
from liaison.scheduling.views.explaining import shown_explanation


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
    assert "times are free, but none on the days and hours asked for." in shown
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
        "times are free, but none on the days and hours asked for.",
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
    assert "The patient has another visit then." in shown
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


def test_the_patients_best_time_is_a_wish_of_one_press(rosa: Client, clinic: Clinic) -> None:
    assert "Best time" not in panel(rosa, clinic)
    with writes_open():
        clinic.walter.best_time = "after 3 pm"
        clinic.walter.save()
    shown = panel(rosa, clinic, weekdays=["1"])
    assert "<b>after 3 pm</b>" in shown
    link = html.unescape(re.findall(r'href="(/book/[^"]+from_at=15%3A00[^"]*)"', shown)[0])
    used = page(rosa.get(link))
    assert read_offer(OFFERS.findall(used)[0]).start_at == local("2026-03-02 15:00")
    assert "in use" in used
    with writes_open():
        clinic.walter.best_time = "when the dog sleeps"
        clinic.walter.save()
    shown = panel(rosa, clinic)
    assert "when the dog sleeps" in shown
    assert ">Use<" not in shown


def test_a_best_time_may_name_days(rosa: Client, clinic: Clinic) -> None:
    with writes_open():
        clinic.walter.best_time = "Tuesdays"
        clinic.walter.save()
    link = html.unescape(re.findall(r'class="btn btn-sm" href="(/book/[^"]+)"', panel(rosa, clinic))[0])
    used = page(rosa.get(link))
    assert read_offer(OFFERS.findall(used)[0]).start_at == local("2026-03-03 09:00")
    assert "in use" in used


def test_one_press_shows_every_time_of_a_day_and_another_all_days(rosa: Client, clinic: Clinic) -> None:
    shown = panel(rosa, clinic)
    starts = [read_offer(offer).start_at for offer in OFFERS.findall(shown)]
    assert len({start.date() for start in starts}) == 3
    link = html.unescape(re.findall(r'href="(/book/[^"]+)"[^>]*>More times that day', shown)[1])
    whole = page(rosa.get(link))
    starts = [read_offer(offer).start_at for offer in OFFERS.findall(whole)]
    assert {start.astimezone(clinic.site.zone).date().isoformat() for start in starts} == {"2026-03-03"}
    assert len(starts) > 4
    assert starts[-1] > local("2026-03-03 15:00")
    assert "More times that day" not in whole
    back = html.unescape(re.findall(r'href="(/book/[^"]+)"[^>]*><svg[^>]*>.*?</svg> All days', whole)[0])
    assert len(OFFERS.findall(page(rosa.get(back)))) == 12


def test_why_there_is_no_time_is_said_as_a_coordinator_would() -> None:
    def lines(*starts: int, together: int = 0, suiting: int = 0, possible: int = 0) -> list[str]:
        roles = zip(("clinician", "exam_room"), starts, (1, 3), strict=False)
        counted = tuple(Left(role=role, starts=count, pool=pool) for role, count, pool in roles)
        explained = Explanation(counted=counted, together=together, suiting=suiting, possible=possible)
        wanted = TimesWanted(visit_type_id=1, site_id=1)
        return list(shown_explanation(explained, wanted=wanted, typed={}).lines)

    assert lines() == []
    assert lines(0, 0) == [
        "Nothing is free for the clinician on any day that can be booked.",
        "None of the 3 who could be the exam room is free on any day that can be booked.",
    ]
    assert lines(4, 5) == ["Each is free at times, but never at the same time: clinician, exam room."]
    assert lines(1, 1, together=1) == ["1 time is free, but not on the days and hours asked for."]
    assert lines(2979, together=2979) == ["2,979 times are free, but none on the days and hours asked for."]
    assert lines(9, 5, together=5, suiting=1, possible=1) == [
        "1 free time is on the days and hours asked for.",
        "Hardest to find: exam room.",
    ]
    assert lines(9, together=5, suiting=3, possible=1) == [
        "3 free times are on the days and hours asked for.",
        "The patient has other visits at 2 of them.",
    ]
    assert lines(9, together=5, suiting=2, possible=1)[1] == "The patient has another visit at 1 of them."
    assert lines(9, together=5, suiting=2)[1] == "The patient has another visit then."


def test_a_name_that_several_have_is_asked_about_with_a_press_for_each(rosa: Client, clinic: Clinic) -> None:
    with writes_open():
        Resource.objects.filter(pk=clinic.imani.pk).update(name="Dr Mei Tanaka")
        Resource.objects.filter(pk=clinic.okafor.pk).update(name="Dr Ken Tanaka")
    shown = panel(rosa, clinic, ask="follow-up tomorrow with dr tanaka")
    assert "Several are called so: anyone is searched until you choose." in shown
    links = dict(re.findall(r'href="/book/\?([^"]+)" hx-get[^>]+>(Dr \w+ Tanaka)</a>', shown))
    assert set(links.values()) == {"Dr Mei Tanaka", "Dr Ken Tanaka"}
    (mei,) = (query for query, name in links.items() if name == "Dr Mei Tanaka")
    chosen = page(rosa.get(f"/book/?{html.unescape(mei)}"))
    assert f'<option value="{clinic.imani.pk}" selected' in chosen
    assert {read_offer(offer).start_at.date() for offer in OFFERS.findall(chosen)} == {local("2026-03-03 09:00").date()}


def test_the_only_one_of_them_who_takes_such_visits_there_is_meant(rosa: Client, clinic: Clinic) -> None:
    with writes_open():
        Resource.objects.filter(pk=clinic.imani.pk).update(name="Dr Mei Tanaka")
        Resource.objects.filter(pk=clinic.okafor.pk).update(name="Dr Ken Tanaka", abilities=["nurse"])
    shown = panel(rosa, clinic, ask="follow-up tanaka")
    assert f'<option value="{clinic.imani.pk}" selected' in shown
    assert "Several are called so" not in shown
    with writes_open():
        Resource.objects.filter(pk=clinic.imani.pk).update(abilities=["nurse"])
    none = panel(rosa, clinic, ask="follow-up tanaka")
    assert "None of them takes such visits there: Dr Ken Tanaka, Dr Mei Tanaka. Anyone is searched." in none
