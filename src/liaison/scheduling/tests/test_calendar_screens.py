"""The calendar's views as Rosa sees them, and a visit put elsewhere by hand."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import Any

import pytest
from django.test import Client

from liaison.accounts.models import User
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.patients.models import ContactPoint
from liaison.scheduling import actions, queries
from liaison.scheduling.models import Appointment
from liaison.scheduling.ports import Override, Span
from liaison.scheduling.queries import Filter
from liaison.scheduling.rules import day_span, days_of_month, days_of_week, monday_of, months_around
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.test_screens import HTMX, browser, clock, page
from liaison.scheduling.views.sheets import initials

TUESDAY = "2026-03-03"


@pytest.fixture(autouse=True)
def _monday(settings: Any) -> None:
    clock(settings, NOW)


@pytest.fixture
def rosa(clinic: Clinic) -> Client:
    return browser(clinic.rosa)


@pytest.fixture
def marta(clinic: Clinic) -> Client:
    return browser(clinic.marta)


# --- weeks and months ------------------------------------------------------------------------------------------


def test_weeks_begin_on_monday_and_months_are_whole_weeks() -> None:
    assert monday_of(date(2026, 3, 8)) == date(2026, 3, 2)
    assert days_of_week(date(2026, 3, 4))[-1] == date(2026, 3, 8)
    assert (days_of_month(date(2026, 3, 15))[0], len(days_of_month(date(2026, 3, 15)))) == (date(2026, 2, 23), 42)
    assert len(days_of_month(date(2027, 2, 1))) == 28
    assert days_of_month(date(2028, 2, 29))[-1] == date(2028, 3, 5)
    assert months_around(date(2026, 1, 31)) == (date(2025, 12, 1), date(2026, 2, 1))
    assert months_around(date(2026, 12, 31)) == (date(2026, 11, 1), date(2027, 1, 1))


def test_a_week_of_one_person_has_a_column_for_each_day(rosa: Client, clinic: Clinic) -> None:
    booked = clinic.book(f"{TUESDAY} 10:00")
    other = clinic.seats(who=clinic.okafor, room=clinic.other_room)
    clinic.book(f"{TUESDAY} 10:00", patient=clinic.ruth, seats=other, key="ruth")
    leave = Span(local("2026-03-04 09:00"), local("2026-03-04 17:00"))
    actions.close_time(actor=clinic.marta, of=clinic.imani, during=leave, reason="Leave", now=NOW)
    shown = page(rosa.get(f"/calendar/week/?on={TUESDAY}&who={clinic.imani.pk}"))
    assert "Dr Imani, Riverside North" in shown
    assert [name in shown for name in ("Mon, Mar 2", "Sun, Mar 8")] == [True, True]
    assert f"/appointments/{booked.pk}/" in shown
    assert "Abara" not in shown
    assert shown.count('class="c-closed"') == 8
    assert "23 hours: the clocks change" in shown
    assert f"calendar:{clinic.site.pk}:2026-03-08" in shown
    first = page(rosa.get(f"/calendar/week/?on={TUESDAY}&who=987654", **HTMX))
    assert first.lstrip().startswith('<div id="week"')
    assert "Dr Imani, Riverside North" in first


def test_a_week_is_a_list_of_days_for_a_narrow_screen(rosa: Client, clinic: Clinic) -> None:
    clinic.book(f"{TUESDAY} 10:00")
    leave = Span(local("2026-03-04 09:00"), local("2026-03-04 17:00"))
    actions.close_time(actor=clinic.marta, of=clinic.imani, during=leave, reason="Leave", now=NOW)
    shown = page(rosa.get(f"/calendar/week/?on={TUESDAY}&who={clinic.imani.pk}"))
    agenda = shown[shown.index('<section class="c-narrow c-agenda"') :]
    days = re.sub(r"<[^>]+>", " ", agenda[: agenda.index("</section>")]).split("Mar ")
    assert ["Walter Ng" in day for day in days[1:]] == [False, True, False, False, False, False, False]
    assert ["does not work" in day for day in days[1:]] == [False, False, True, False, False, True, True]
    assert "09:00–17:00" in days[1]
    assert "No visit." in days[1]


def test_a_short_visit_has_both_lines_of_its_block_for_the_name(rosa: Client, clinic: Clinic) -> None:
    clinic.book(f"{TUESDAY} 10:00", minutes=20)
    clinic.book(f"{TUESDAY} 14:00", patient=clinic.ruth)
    shown = page(rosa.get(f"/calendar/?on={TUESDAY}"))
    assert re.findall(r'c-block--booked( is-short)?"[^>]*title="[^"]* (\w+), Follow-up', shown) == [
        (" is-short", "Ng"), ("", "Abara"), (" is-short", "Ng"), ("", "Abara"),
    ]  # fmt: skip


def test_a_week_without_anybody_says_so(rosa: Client) -> None:
    shown = page(rosa.get("/calendar/week/?name=nobody+like+that"))
    assert "Nobody and nothing like that" in shown
    assert "Show everything" in shown


def nights(clinic: Clinic, *weekdays: int) -> None:
    hours = [actions.HoursDraft(site=clinic.site, weekday=day, opens=time(22), closes=time(6)) for day in weekdays]
    for resource in (clinic.imani, clinic.room):
        actions.set_hours(actor=clinic.marta, resource=resource, hours=hours, now=NOW)


def test_the_hour_that_the_clocks_skip_is_said_to_be_gone(rosa: Client, clinic: Clinic) -> None:
    nights(clinic, 5)
    clinic.book("2026-03-08 01:45")
    shown = page(rosa.get(f"/calendar/week/?on=2026-03-08&who={clinic.imani.pk}"))
    assert shown.count("The clocks skip this hour") == 1
    assert "00:00" in shown
    assert "01:45" in shown


def test_the_hour_that_comes_twice_holds_both_and_the_day_has_25(rosa: Client, clinic: Clinic) -> None:
    nights(clinic, 5)
    marta = Override(reason="Night clinic")
    first = clinic.book("2026-11-01 01:15", actor=clinic.marta, override=marta)
    again = local("2026-11-01 01:15").replace(fold=1)
    second = clinic.book(
        "2026-11-01 01:15", actor=clinic.marta, patient=clinic.ruth, override=marta, start_at=again, key="2"
    )
    assert second.start_at - first.start_at == timedelta(hours=1)
    shown = page(rosa.get(f"/calendar/week/?on=2026-11-01&who={clinic.imani.pk}"))
    assert "This hour comes twice" in shown
    assert ("01:15 EDT" in shown, "01:15 EST" in shown) == (True, True)
    assert "25 hours: the clocks change" in shown
    day = page(rosa.get("/calendar/?on=2026-11-01"))
    hours = re.findall(r'<th scope="col" colspan="12"[^>]*>(\d\d:\d\d) <span class="l-quiet">(E.T)', day)
    assert hours[:4] == [("00:00", "EDT"), ("01:00", "EDT"), ("01:00", "EST"), ("02:00", "EST")]


def test_a_visit_over_midnight_stands_on_both_days(clinic: Clinic) -> None:
    nights(clinic, 1)
    booked = clinic.book(f"{TUESDAY} 23:45", minutes=60)
    for on in (date(2026, 3, 3), date(2026, 3, 4)):
        shown = queries.day(clinic.rosa, site=clinic.site, on=on, now=NOW)
        assert [visit.appointment_id for visit in shown.visits] == [booked.pk]
    week = queries.week(clinic.rosa, site=clinic.site, resource=clinic.imani, monday=date(2026, 3, 2), now=NOW)
    assert [len(one.visits) for one in week.days] == [0, 1, 1, 0, 0, 0, 0]
    assert week.days[2].working[0].start == day_span(on=date(2026, 3, 4), zone=clinic.site.zone).start


def test_a_month_counts_visits_and_says_how_full_each_day_is(rosa: Client, clinic: Clinic) -> None:
    for hour in range(9, 13):
        clinic.book(f"{TUESDAY} {hour:02}:00", key=str(hour), override=Override(reason="Test"), minutes=60 - 5)
    leave = Span(local("2026-03-04 09:00"), local("2026-03-04 17:00"))
    actions.close_time(actor=clinic.marta, of=clinic.site, during=leave, reason="Snow", now=NOW)
    days = [date(2026, 3, number) for number in range(2, 8)]
    found = {one.on.day: one for one in queries.month(clinic.rosa, site=clinic.site, days=days)}
    assert (found[3].visits, found[3].booked, found[3].worked) == (4, timedelta(minutes=220), timedelta(hours=16))
    assert [found[day].fullness for day in (2, 3, 4, 7)] == [0, 22, None, None]
    imani = queries.month(clinic.rosa, site=clinic.site, days=days[1:2], who=clinic.imani.pk)
    assert [(one.visits, one.fullness) for one in imani] == [(4, 45)]
    rooms = queries.month(clinic.rosa, site=clinic.site, days=days[1:2], only=Filter(name="room 2"))
    assert [(one.visits, one.fullness) for one in rooms] == [(0, 0)]
    shown = page(rosa.get("/calendar/month/?on=2026-03-31"))
    assert ("22 % full" in shown, "4 visits" in shown, "nobody works" in shown) == (True, True, True)
    assert "Walter" not in shown
    assert "Dr Imani, Riverside North" in page(rosa.get(f"/calendar/month/?on=2026-03-31&who={clinic.imani.pk}"))


def test_one_steps_by_what_is_shown(rosa: Client, clinic: Clinic) -> None:
    def steps(path: str) -> list[str]:
        return re.findall(r'href="([^"]+)"[^>]*data-calendar-step', page(rosa.get(path)))

    site = f"site={clinic.site.pk}"
    assert steps("/calendar/?on=2026-03-03&kind=room") == [
        f"/calendar/?{site}&amp;on=2026-03-0{day}&amp;kind=room" for day in (2, 4)
    ]
    assert steps("/calendar/week/?on=2026-03-11") == [
        f"/calendar/week/?{site}&amp;on=2026-03-{day}" for day in ("04", "18")
    ]
    assert steps("/calendar/month/?on=2026-03-31") == [
        f"/calendar/month/?{site}&amp;on=2026-0{month}-01" for month in (2, 4)
    ]


@pytest.mark.parametrize("path", ["/calendar/week/", "/calendar/month/", "/calendar/sheets/"])
def test_pat_sees_no_view_of_another_site(clinic: Clinic, path: str) -> None:
    clinic.book(f"{TUESDAY} 10:00")
    pat = browser(clinic.pat)
    assert pat.get(f"{path}?site={clinic.site.pk}&on={TUESDAY}").status_code == 404
    assert "Walter" not in page(pat.get(f"{path}?on={TUESDAY}"))
    with writes_open():
        User.objects.get(pk=clinic.pat.user_id).assignments.update(role="administrator", site=None)
    assert browser(clinic.pat).get(path).status_code == 403


# --- what is shown of a day --------------------------------------------------------------------------------------


def test_a_day_is_narrowed_by_kind_and_name_and_only_who_is_shown_was_seen(rosa: Client, clinic: Clinic) -> None:
    clinic.book(f"{TUESDAY} 10:00")
    other = clinic.seats(who=clinic.okafor, room=clinic.other_room)
    clinic.book(f"{TUESDAY} 11:00", patient=clinic.ruth, seats=other)
    rooms = page(rosa.get(f"/calendar/?on={TUESDAY}&kind=room"))
    assert re.findall(r'data-kind="(\w+)"', rooms) == ["room", "room"]
    before = AuditEntry.objects.count()
    named = page(rosa.get(f"/calendar/?on={TUESDAY}&name=okaf"))
    words = re.sub(r"<[^>]+>", " ", named).split()  # without addresses and tokens, which may hold any letters
    assert ("Abara" in words, "Ng" in words) == (True, False)
    seen = AuditEntry.objects.filter(verb="core.see").order_by("-pk")[: AuditEntry.objects.count() - before]
    assert [entry.patient_ids for entry in seen] == [[clinic.ruth.pk]]
    assert "Nobody and nothing like that" in page(rosa.get(f"/calendar/?on={TUESDAY}&kind=device"))
    assert "Dr Imani" in page(rosa.get(f"/calendar/?on={TUESDAY}&kind=spaceship"))


def test_the_list_is_a_table_in_the_order_asked_for_and_says_what_is_free(rosa: Client, clinic: Clinic) -> None:
    first = clinic.book(f"{TUESDAY} 10:00", seats=clinic.seats(who=clinic.okafor, room=clinic.other_room))
    second = clinic.book(f"{TUESDAY} 11:00", patient=clinic.ruth)
    with writes_open():
        Appointment.objects.filter(pk=second.pk).update(state="arrived", arrived_at=NOW)

    def order(sort: str) -> list[int]:
        shown = page(rosa.get(f"/calendar/?on={TUESDAY}&view=list&sort={sort}"))
        return [int(pk) for pk in re.findall(r'id="row-visit-(\d+)"', shown)]

    assert (order("time"), order("")) == ([first.pk, second.pk], [first.pk, second.pk])
    assert (order("resource"), order("state")) == ([second.pk, first.pk], [second.pk, first.pk])
    shown = page(rosa.get(f"/calendar/?on={TUESDAY}&view=list"))
    assert "09:00–11:00, 11:30–17:00" in shown
    assert 'aria-sort="ascending"' in shown
    assert f"/appointments/{first.pk}/place/" in shown
    assert f"/appointments/{second.pk}/place/" not in shown


def test_each_visit_can_be_carried_only_by_who_may_move_it(rosa: Client, clinic: Clinic) -> None:
    clinic.book(f"{TUESDAY} 10:00")
    assert page(rosa.get(f"/calendar/?on={TUESDAY}")).count("data-movable") == 2
    with writes_open():
        User.objects.get(pk=clinic.rosa.user_id).assignments.update(role="billing")
    shown = page(browser(clinic.rosa).get(f"/calendar/?on={TUESDAY}"))
    assert ("Ng" in shown, "data-movable" in shown) == (True, False)


def test_states_are_shapes_and_words_too(rosa: Client, clinic: Clinic) -> None:
    booked = clinic.book("2026-03-02 10:00", override=Override(reason="Both"), actor=clinic.marta)
    with writes_open():
        Appointment.objects.filter(pk=booked.pk).update(overrides=["not_free"], override_reason="Both")
    assert 'aria-label="Overridden"' in page(rosa.get("/calendar/"))
    with writes_open():
        Appointment.objects.filter(pk=booked.pk).update(state="noshow", missed_at=NOW)
    assert 'aria-label="Did not come"' in page(rosa.get("/calendar/"))


# --- on paper ------------------------------------------------------------------------------------------------


def test_the_sheets_are_a_persons_or_a_rooms_and_printing_is_looking(rosa: Client, clinic: Clinic) -> None:
    with writes_open():
        clinic.walter.mobility_needs = "wheelchair"
        clinic.walter.interpreter_needed, clinic.walter.spoken_language = True, "es"
        clinic.walter.save()
    clinic.book(f"{TUESDAY} 10:00", note="bring the list")
    before = AuditEntry.objects.filter(verb="core.see").count()
    shown = page(rosa.get(f"/calendar/sheets/?on={TUESDAY}"))
    assert re.findall(r'<h2 id="sheet-\d+">([^<]+)', shown) == ["Dr Imani"]
    for words in ("10:00–10:30", "Walter Ng", "Follow-up", "Room 1", "wheelchair", "Interpreter: Spanish", "bring the"):
        assert words in shown
    assert "Printed by Rosa" in shown
    assert AuditEntry.objects.filter(verb="core.see", patient_ids=[clinic.walter.pk]).count() == before + 1
    rooms = page(rosa.get(f"/calendar/sheets/?on={TUESDAY}&kind=room&names=initials"))
    assert re.findall(r'<h2 id="sheet-\d+">([^<]+)', rooms) == ["Room 1"]
    assert ("W. N." in rooms, "Walter" in rooms, "bring the list" in rooms) == (True, False, False)
    assert "Nothing to print" in page(rosa.get(f"/calendar/sheets/?on={TUESDAY}&kind=device"))
    assert initials("Ana Maria de la Cruz") == "A. M. d. l. C."


def test_a_sheet_shows_no_patient_whom_the_reader_may_not_see(rosa: Client, clinic: Clinic) -> None:
    clinic.book(f"{TUESDAY} 10:00", note="secret")
    with writes_open():
        clinic.walter.sites.all().delete()
    shown = page(rosa.get(f"/calendar/sheets/?on={TUESDAY}"))
    assert "Busy" in shown
    for words in ("Walter", "Ng", "Follow-up", "secret"):
        assert words not in shown
    week = page(rosa.get(f"/calendar/week/?on={TUESDAY}&who={clinic.imani.pk}"))
    assert ("Busy" in week, "Walter" in week) == (True, False)


# --- a visit put elsewhere by hand ------------------------------------------------------------------------------


def ask(client: Client, visit: Appointment, **query: Any) -> str:
    response = client.get(f"/appointments/{visit.pk}/place/", query, **HTMX)
    assert response.status_code == 200
    return page(response)


def sent(shown: str, **changes: str) -> dict[str, str]:
    form = shown[shown.index('<form method="post"') : shown.index("</form>")]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)) | {"reason": "other"} | changes


def test_a_drop_is_told_before_it_counts_and_then_moves_in_one_step(rosa: Client, clinic: Clinic) -> None:
    visit = clinic.book(f"{TUESDAY} 10:00")
    start = local(f"{TUESDAY} 10:30").isoformat()
    shown = ask(rosa, visit, start=start, minutes=45, **{"from": clinic.imani.pk, "to": clinic.okafor.pk})
    assert "Move Walter Ng’s visit?" in shown
    assert ("10:00–10:30" in shown, "10:30–11:15" in shown, "45 minutes" in shown) == (True, True, True)
    assert ("Dr Okafor: gets the visit." in shown, "Dr Imani: is free of it." in shown) == (True, True)
    assert "No e-mail address is known. Tell them on the phone." in shown
    assert Appointment.objects.count() == 1
    response = rosa.post(f"/appointments/{visit.pk}/place/", sent(shown), **HTMX)
    assert response.status_code == 204
    moved = Appointment.objects.get(predecessor=visit)
    assert response["Liaison-Placed"] == str(moved.pk)
    assert f"calendar:{clinic.site.pk}:{TUESDAY}" in response["HX-Trigger"]
    assert (moved.start_at, moved.end_at) == (local(f"{TUESDAY} 10:30"), local(f"{TUESDAY} 11:15"))
    assert set(moved.people) == {"Dr Okafor"}
    again = rosa.post(f"/appointments/{visit.pk}/place/", sent(shown), **HTMX)
    assert (again.status_code, Appointment.objects.count()) == (204, 2)


def test_without_a_drop_the_page_asks_where_to(rosa: Client, clinic: Clinic) -> None:
    visit = clinic.book(f"{TUESDAY} 10:00")
    shown = page(rosa.get(f"/appointments/{visit.pk}/place/"))
    assert "Where should Walter Ng’s visit go?" in shown
    assert "Move it" not in shown
    typed = {"on": "2026-03-04", "at": "14:00", "minutes": 30, "seat_0": clinic.okafor.pk, "seat_1": clinic.room.pk}
    told = page(rosa.get(f"/appointments/{visit.pk}/place/", typed))
    assert "Wed, Mar 4, 14:00–14:30" in told
    assert "The old time becomes free" in told
    response = rosa.post(f"/appointments/{visit.pk}/place/", sent(told))
    assert response["Location"] == f"/calendar/?site={clinic.site.pk}&on=2026-03-04"


def test_what_stands_against_it_is_said_and_only_who_may_overrides(rosa: Client, marta: Client, clinic: Clinic) -> None:
    visit = clinic.book(f"{TUESDAY} 10:00")
    clinic.book(f"{TUESDAY} 11:00", patient=clinic.ruth)
    start = local(f"{TUESDAY} 11:00").isoformat()
    shown = ask(rosa, visit, start=start)
    assert "Dr Imani has another visit at that time." in shown
    assert "A supervisor or a clinician may do it all the same." in shown
    assert "Move all the same" not in shown
    refused = rosa.post(f"/appointments/{visit.pk}/place/", sent(shown), **HTMX)
    assert refused.status_code == 422
    assert "has another visit" in page(refused)
    told = ask(marta, visit, start=start)
    assert "Move all the same" in told
    done = marta.post(f"/appointments/{visit.pk}/place/", sent(told, override_reason="Ruth agreed"), **HTMX)
    assert done.status_code == 204
    assert Appointment.objects.get(predecessor=visit).overrides == ["not_free"]


def test_what_can_not_be_is_refused_in_words(rosa: Client, clinic: Clinic) -> None:
    visit = clinic.book(f"{TUESDAY} 10:00")
    shown = ask(rosa, visit, **{"from": clinic.imani.pk, "to": clinic.room.pk})
    assert "can&#x27;t be the clinician" in shown or "do not make up" in shown
    assert "Move it" not in shown
    for start in ("soon", "2026-03-03T10:00", "9999-01-01T10:00:00+00:00"):
        assert "That is no time." in ask(rosa, visit, start=start)
    wrong = sent(ask(rosa, visit, start=local(f"{TUESDAY} 11:00").isoformat()), minutes="100000")
    assert rosa.post(f"/appointments/{visit.pk}/place/", wrong, **HTMX).status_code == 422
    wrong = sent(ask(rosa, visit, start=local(f"{TUESDAY} 11:00").isoformat()), version="x")
    assert rosa.post(f"/appointments/{visit.pk}/place/", wrong, **HTMX).status_code == 409


def test_the_second_of_two_hears_who_was_first(rosa: Client, marta: Client, clinic: Clinic) -> None:
    visit = clinic.book(f"{TUESDAY} 10:00")
    hers = sent(ask(rosa, visit, start=local(f"{TUESDAY} 11:00").isoformat()))
    martas = sent(ask(marta, visit, start=local(f"{TUESDAY} 12:00").isoformat()))
    assert rosa.post(f"/appointments/{visit.pk}/place/", hers, **HTMX).status_code == 204
    late = marta.post(f"/appointments/{visit.pk}/place/", martas, **HTMX)
    assert late.status_code == 409
    assert "Rosa moved this visit to Tue, Mar 3, 11:00 meanwhile" in page(late)
    assert "Rosa moved this visit" in ask(marta, visit, start=local(f"{TUESDAY} 12:00").isoformat())


def test_what_the_patient_hears_follows_from_what_changes(rosa: Client, clinic: Clinic) -> None:
    with writes_open():
        clinic.walter.interpreter_needed, clinic.walter.spoken_language = True, "es"
        clinic.walter.save()
        ContactPoint.objects.create(
            patient=clinic.walter,
            kind="email",
            value="w@example.org",
            value_key="w@example.org",
            may_email=True,
            added_at=NOW,
        )
    visit = clinic.book(f"{TUESDAY} 10:00")
    assert "the start stays" in ask(rosa, visit, minutes=60)
    later = ask(rosa, visit, start=local(f"{TUESDAY} 13:00").isoformat())
    assert "an e-mail with the new time" in later
    assert "An interpreter for Spanish is needed" in later
    assert "that time is past" in ask(rosa, visit, start=local("2026-03-01 13:00").isoformat())


def test_a_visit_of_an_older_kind_moves_as_todays_kind_needs_and_keeps_its_length(rosa: Client, clinic: Clinic) -> None:
    visit = clinic.book(f"{TUESDAY} 10:00")
    draft = actions.VisitTypeDraft(
        code="follow_up",
        name="Follow-up",
        duration_minutes=40,
        needs=(
            actions.NeedDraft(role="clinician", ability="physician"),
            actions.NeedDraft(role="room", ability="exam_room"),
        ),
    )
    actions.define_visit_type(actor=clinic.adam, draft=draft, expected_version=1, now=NOW)
    shown = ask(rosa, visit, start=local(f"{TUESDAY} 11:00").isoformat())
    assert rosa.post(f"/appointments/{visit.pk}/place/", sent(shown), **HTMX).status_code == 204
    moved = Appointment.objects.select_related("visit_type").get(predecessor=visit)
    assert (moved.visit_type.version, moved.end_at - moved.start_at) == (2, timedelta(minutes=30))


def test_who_may_not_move_is_refused(clinic: Clinic) -> None:
    visit = clinic.book(f"{TUESDAY} 10:00")
    assert browser(clinic.pat).get(f"/appointments/{visit.pk}/place/").status_code == 404
    assert browser(clinic.adam).get(f"/appointments/{visit.pk}/place/").status_code == 403
    with pytest.raises(Exception, match="role does not include"):
        queries.able_at(clinic.adam, ability="physician", site_id=clinic.site.pk)
