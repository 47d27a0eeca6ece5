"""The pages of a series: the form with every visit, the series itself, and what changes of it together."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from liaison.accounts.access import Role
from liaison.accounts.models import User
from liaison.core.clock import current_time
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.directory.models import Organization
from liaison.loops.models import Loop
from liaison.orders.models import Referral
from liaison.patients.models import BreakGlassGrant
from liaison.scheduling.forms.series import read_picks, repeats_choices
from liaison.scheduling.jobs import book_series_ahead
from liaison.scheduling.models import Appointment, Resource, Series, VisitType
from liaison.scheduling.rules import Repeats
from liaison.scheduling.tests.clinic import Clinic, referral_to_okafor

FIELD = re.compile(r'name="(pick-\d+|key|signature|version)"(?: value="([^"]*)")?')


@pytest.fixture
def rosa(clinic: Clinic) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=clinic.rosa.user_id))
    return client


@pytest.fixture
def monday(clinic: Clinic) -> date:
    """The first Monday that is more than a week ahead of the real clock: pages read it."""
    today = current_time().astimezone(clinic.site.zone).date()
    return today + timedelta(days=14 - today.weekday())


def asked(clinic: Clinic, monday: date, **changes: Any) -> dict[str, Any]:
    return {
        "patient": clinic.walter.pk, "look": "1", "visit_type": clinic.follow_up.pk, "site": clinic.site.pk,
        "clinician": clinic.imani.pk, "place": "", "weekdays": ["0", "3"], "at": "09:00", "every": "1",
        "first_on": monday.isoformat(), "count": "4", "until": "", "holidays": "keep",
    } | changes  # fmt: skip


def fields_of(page: str) -> dict[str, str]:
    """What a browser would post from the plan: hidden fields, chosen options and checked radios."""
    found = {name: value for name, value in FIELD.findall(page) if not name.startswith("pick-")}
    for name, body in re.findall(r'<select[^>]*name="(pick-\d+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', body)
        found[name] = chosen.group(1) if chosen else ""
    found |= dict(re.findall(r'type="radio" name="(pick-\d+)" value="([^"]*)" checked', page))
    return {name: value for name, value in found.items() if value}


def text(response: Any) -> str:
    return str(response.content.decode())


def book(clinic: Clinic, rosa: Client, monday: date, **changes: Any) -> Series:
    page = text(rosa.get("/series/new/", asked(clinic, monday, **changes)))
    answer = rosa.post("/series/new/", asked(clinic, monday, **changes) | fields_of(page))
    assert answer.status_code == 302, text(answer)
    return Series.objects.latest("pk")


def take(clinic: Clinic, on: date, at: str = "09:00", **changes: Any) -> Appointment:
    """Ruth has Dr Imani's time in the first room."""
    start = f"{on.isoformat()} {at}"
    return clinic.book(start, patient=clinic.ruth, now=current_time(), **changes)


def test_the_form_opens_with_first_answers_and_no_errors(clinic: Clinic, rosa: Client) -> None:
    page = text(rosa.get(f"/series/new/?patient={clinic.walter.pk}"))
    assert "Say how often, and see every visit" in page
    assert "is-invalid" not in page
    assert "Book a series for Walter" in page
    assert rosa.get("/series/new/").status_code == 200


def test_what_is_missing_stands_beside_its_field(clinic: Clinic, rosa: Client, monday: date) -> None:
    for changes, sentence in (
        ({"count": ""}, "Say how many visits, or the last day."),
        ({"until": monday.isoformat()}, "not both"),
        ({"count": "1"}, "greater than or equal to 2"),
        ({"weekdays": []}, "Choose at least one day of the week."),
        ({"count": "", "until": (monday - timedelta(days=1)).isoformat()}, "the first one or later"),
        ({"count": "100", "every": "12"}, "Within two years only"),
    ):
        page = text(rosa.get("/series/new/", asked(clinic, monday, **changes)))
        assert sentence in page.replace("&#x27;", "'"), changes
        assert "Book the series" not in page


def test_every_visit_is_shown_and_one_press_books_them(clinic: Clinic, rosa: Client, monday: date) -> None:
    page = text(rosa.get("/series/new/", asked(clinic, monday)))
    assert page.count("c-series-row") == 4
    assert "4 as asked" in page
    series = book(clinic, rosa, monday, note="bring shoes")
    assert (series.visits.filter(state="booked").count(), series.note) == (4, "bring shoes")
    shown = text(rosa.get(f"/series/{series.pk}/"))
    assert "Every week on Monday and Thursday at 09:00, 4 visits" in shown
    first = series.visits.get(position=1).appointment_id
    assert "1 of 4 of a series" in text(rosa.get(f"/appointments/{first}/"))
    assert "1 of 4 of a series" in text(rosa.get(f"/patients/{clinic.walter.pk}/"))
    clinic.book(f"{monday.isoformat()} 11:00", patient=clinic.ruth, now=current_time())
    day = text(rosa.get("/calendar/", {"site": clinic.site.pk, "on": monday.isoformat()}))
    assert "Of a series" in day
    other = text(rosa.get("/calendar/", {"site": clinic.site.pk, "on": (monday + timedelta(days=1)).isoformat()}))
    assert "Of a series" not in other


def test_a_taken_time_wants_a_decision_and_the_others_keep_theirs(clinic: Clinic, rosa: Client, monday: date) -> None:
    take(clinic, monday + timedelta(days=3))
    page = text(rosa.get("/series/new/", asked(clinic, monday)))
    assert "1 to decide" in page
    assert "Dr Imani has another visit at that time." in page
    for words in ("Same day", "Another day", "Colleague", "Leave open: a loop finds a time"):
        assert words in page
    given = asked(clinic, monday) | fields_of(page) | {"pick-3": "out"}
    refused = rosa.post("/series/new/", given)
    assert refused.status_code == 422
    again = text(refused)
    assert "Choose a time, leave it open or leave it out." in again
    assert fields_of(again)["pick-3"] == "out"
    answer = rosa.post("/series/new/", given | {"pick-2": "open"})
    assert answer.status_code == 302
    states = list(Series.objects.get().visits.order_by("position").values_list("state", flat=True))
    assert states == ["booked", "open", "out", "booked"]


def test_a_time_that_is_taken_while_one_looks_is_named_and_nothing_is_lost(
    clinic: Clinic, rosa: Client, monday: date
) -> None:
    page = text(rosa.get("/series/new/", asked(clinic, monday)))
    take(clinic, monday)
    given = asked(clinic, monday, note="her knee") | fields_of(page)
    refused = rosa.post("/series/new/", given)
    assert refused.status_code == 409
    again = text(refused)
    assert "Some of these times can&#x27;t be had any more" in again
    assert "Dr Imani was just given to someone else" in again
    assert "her knee" in again
    assert "1 to decide" in again
    assert Series.objects.count() == 0
    as_piece = rosa.post("/series/new/", given, headers={"HX-Request": "true"})
    assert as_piece.status_code == 422
    chosen = re.search(r'name="pick-1" value="([^"]+)"', again)
    assert chosen
    done = rosa.post("/series/new/", given | {"pick-1": chosen.group(1)})
    assert done.status_code == 302


def test_the_same_press_twice_books_once(clinic: Clinic, rosa: Client, monday: date) -> None:
    page = text(rosa.get("/series/new/", asked(clinic, monday)))
    given = asked(clinic, monday) | fields_of(page)
    first, second = (rosa.post("/series/new/", given) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert Series.objects.count() == 1


def test_a_series_for_a_referral_is_offered_where_whom_it_asks_works(
    clinic: Clinic, rosa: Client, monday: date
) -> None:
    referral = referral_to_okafor(clinic)
    with writes_open():
        User.objects.get(pk=clinic.rosa.user_id).assignments.create(
            role=Role.COORDINATOR, site=clinic.other_site, starts_at=current_time() - timedelta(days=1)
        )
    given = asked(clinic, monday, referral=referral.pk, clinician=clinic.okafor.pk)
    page = text(rosa.get("/series/new/", given))
    assert "Riverside North" in page
    assert "Riverside West" not in page
    by_loop = text(rosa.get("/series/new/", {"patient": clinic.walter.pk, "loop": referral.loop_id}))
    assert f'name="referral" value="{referral.pk}"' in by_loop
    elsewhere = rosa.post("/series/new/", given | fields_of(page) | {"site": clinic.other_site.pk})
    assert elsewhere.status_code == 422
    assert "does not work there" in text(elsewhere)
    assert 'id="series-save"' in text(elsewhere)
    with writes_open():
        heart = Organization.objects.create(name="Harbor Heart Center", kind="clinic")
        Referral.objects.filter(pk=referral.pk).update(target_practitioner=None, target_organization=heart)
    assert "are not booked here" in text(rosa.get("/series/new/", given))


def test_a_form_without_its_key_is_shown_again(clinic: Clinic, rosa: Client, monday: date) -> None:
    assert rosa.post("/series/new/", asked(clinic, monday)).status_code == 422
    assert rosa.post("/series/new/", asked(clinic, monday, count="0")).status_code == 422


def test_a_series_with_a_last_day_several_weeks_apart_says_so(clinic: Clinic, rosa: Client, monday: date) -> None:
    until = monday + timedelta(days=21)
    series = book(clinic, rosa, monday, weekdays=["0"], count="", until=until.isoformat(), every="2")
    shown = text(rosa.get(f"/series/{series.pk}/"))
    assert f"Every 2 weeks on Monday at 09:00, up to {until:%B} {until.day}, {until.year}" in shown


@pytest.mark.parametrize("repeats", ["day", "weekday", "last"])
def test_once_a_month_is_said_by_the_first_day_and_asks_for_no_weekdays(
    clinic: Clinic, rosa: Client, monday: date, repeats: str
) -> None:
    month = {"weekdays": ["0"], "repeats": repeats, "count": "2"}
    shown = text(rosa.get("/series/new/", asked(clinic, monday, **month)))
    nth = "last" if monday.day > 28 else ("first", "second", "third", "fourth")[(monday.day - 1) // 7]
    on = {"day": f"day {monday.day}", "weekday": f"the {nth} Monday", "last": "the last Monday"}
    assert all(f"Months, on {one}" in shown for one in on.values())
    assert 'type="checkbox" name="weekdays"' not in shown
    assert shown.count('<input type="hidden" name="weekdays" value="0">') == 2, "kept for who goes back to weeks"
    series = book(clinic, rosa, monday, **month)
    assert (series.repeats, series.weekdays) == (repeats, [])
    assert f"Every month on {on[repeats]} at 09:00, 2 visits" in text(rosa.get(f"/series/{series.pk}/"))


def test_months_of_a_first_day_that_cannot_be_read_are_said_in_general(clinic: Clinic, rosa: Client) -> None:
    shown = text(rosa.get("/series/new/", asked(clinic, date(2026, 3, 10), repeats="day", first_on="soon")))
    assert "Months, same day of the month" in shown


def test_beyond_what_may_be_booked_the_page_says_what_happens(clinic: Clinic, rosa: Client, monday: date) -> None:
    page = text(rosa.get("/series/new/", asked(clinic, monday, weekdays=["0"], count="20")))
    assert "booked later" in page
    assert "Liaison books them night by night" in page


def test_a_holiday_is_shown_by_name(clinic: Clinic, rosa: Client) -> None:
    year = current_time().year + 1
    first = date(year, 11, 1)
    thanksgiving = first + timedelta(days=(3 - first.weekday()) % 7 + 21)
    given = asked(clinic, thanksgiving - timedelta(days=7), weekdays=["3"], count="2")
    assert "Left out: Thanksgiving" in text(rosa.get("/series/new/", given | {"holidays": "skip"}))
    assert "Thanksgiving" in text(rosa.get("/series/new/", given | {"holidays": "next"}))
    assert "Thanksgiving" in text(rosa.get("/series/new/", given))


def test_odd_hours_say_what_the_clocks_do(clinic: Clinic, rosa: Client) -> None:
    zone = ZoneInfo("America/New_York")
    today = current_time().astimezone(zone).date()
    days = [today + timedelta(days=more) for more in range(2, 400)]

    def change(on: date) -> timedelta:
        noon = datetime.combine(on, time(12), tzinfo=zone)
        before = datetime.combine(on - timedelta(days=1), time(12), tzinfo=zone)
        return (noon.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())

    for on in [day for day in days if change(day)][:2]:
        at = "02:30" if change(on) > timedelta() else "01:30"
        words = "The clocks skip that time" if change(on) > timedelta() else "That time comes twice"
        given = asked(clinic, on, weekdays=["6"], count="2", at=at)
        assert words in text(rosa.get("/series/new/", given))


def test_this_and_the_following_move_after_they_were_seen(clinic: Clinic, rosa: Client, monday: date) -> None:
    series = book(clinic, rosa, monday)
    url = f"/series/{series.pk}/move/"
    opened = text(rosa.get(url, {"position": "2"}))
    assert "Say the new time, and see every visit" in opened
    asked_for = {"position": "2", "look": "1", "at": "14:00", "days": "1", "clinician": str(clinic.imani.pk)}
    page = text(rosa.get(url, asked_for))
    assert page.count("c-series-row") == 3
    assert rosa.post(url, asked_for).status_code == 422
    given = asked_for | fields_of(page) | {"reason": "pat"}
    take(clinic, monday + timedelta(days=4), "14:00")
    refused = rosa.post(url, given)
    assert refused.status_code == 409
    again = text(refused)
    moved = rosa.post(url, given | fields_of(again) | {"pick-2": "open"})
    assert moved.status_code == 302
    shown = text(rosa.get(moved["Location"]))
    assert "by the rule" in shown
    assert "Needs a time" in shown


def test_a_series_whose_room_was_retired_can_be_moved_to_another(clinic: Clinic, rosa: Client, monday: date) -> None:
    series = book(clinic, rosa, monday, place=clinic.room.pk)
    url = f"/series/{series.pk}/move/"
    given = {"position": "1", "look": "1", "at": "14:00", "days": "0", "clinician": str(clinic.imani.pk)}
    assert "no longer serves" not in text(rosa.get(url, given))
    with writes_open():
        Resource.objects.filter(pk=clinic.room.pk).update(retired_at=current_time())
    page = text(rosa.get(url, given))
    assert "Room 1 no longer serves such visits here: any room that is free will do." in page
    assert "Room 2" in page


def test_nothing_ahead_moves_nowhere_and_a_wrong_time_is_said(clinic: Clinic, rosa: Client, monday: date) -> None:
    series = book(clinic, rosa, monday)
    url = f"/series/{series.pk}/move/"
    late = {"position": "9", "look": "1", "at": "14:00", "days": "0", "clinician": "999"}
    assert "No visit lies ahead from there on" in text(rosa.get(url, late))
    assert "Enter a valid time" in text(rosa.get(url, late | {"at": "noon"}))
    assert "No visit lies ahead from there on" in text(rosa.get(f"/series/{series.pk}/cancel/?position=9"))


def test_the_following_are_cancelled_with_a_reason(clinic: Clinic, rosa: Client, monday: date) -> None:
    series = book(clinic, rosa, monday)
    url = f"/series/{series.pk}/cancel/"
    page = text(rosa.get(url, {"position": "3"}))
    assert "Cancel these 2 visits" in page
    given = {"position": "3"} | fields_of(page)
    assert rosa.post(url, given).status_code == 422
    assert rosa.post(url, given | {"reason": "pat"}).status_code == 302
    shown = text(rosa.get(f"/series/{series.pk}/"))
    assert shown.count("is-off") == 2


def test_an_open_visit_finds_its_time_or_is_left_out(clinic: Clinic, rosa: Client, monday: date) -> None:
    page = text(rosa.get("/series/new/", asked(clinic, monday)))
    given = asked(clinic, monday) | fields_of(page) | {"pick-2": "open", "pick-3": "open"}
    rosa.post("/series/new/", given)
    series = Series.objects.get()
    second, third = series.visits.get(position=2), series.visits.get(position=3)
    url = f"/series/visits/{second.pk}/"
    opened = text(rosa.get(url))
    link = re.search(r'href="(/book/\?[^"]+)"', opened)
    assert link
    assert f"loop={second.loop_id}" in link.group(1)
    assert rosa.get(link.group(1).replace("&amp;", "&")).status_code == 200
    assert rosa.post(url, {"reason": ""}).status_code == 422
    assert rosa.post(url, {"reason": "Enough for now"}).status_code == 302
    assert "Enough for now" in text(rosa.get(url))
    start = f"{(monday + timedelta(days=8)).isoformat()} 10:00"
    clinic.book(start, loop_id=third.loop_id, now=current_time())
    assert "Open the visit" in text(rosa.get(f"/series/visits/{third.pk}/"))
    assert Loop.objects.filter(kind="series-visit", state="open").count() == 0


def test_a_kind_that_is_gone_still_has_its_page(clinic: Clinic, rosa: Client, monday: date) -> None:
    series = book(clinic, rosa, monday)
    with writes_open():
        VisitType.objects.update(is_current=False)
    assert "follow_up" in text(rosa.get(f"/series/{series.pk}/"))
    given = {"position": "1", "look": "1", "at": "14:00", "days": "0", "clinician": ""}
    assert "No visit lies ahead" in text(rosa.get(f"/series/{series.pk}/move/", given))


def test_who_may_not_book_meets_no_form_and_pat_meets_nothing(clinic: Clinic, rosa: Client, monday: date) -> None:
    series = book(clinic, rosa, monday)
    adam, pat = Client(), Client()
    adam.force_login(User.objects.get(pk=clinic.adam.user_id))
    pat.force_login(User.objects.get(pk=clinic.pat.user_id))
    for url in ("/series/new/", f"/series/{series.pk}/move/", f"/series/{series.pk}/cancel/"):
        assert adam.get(url).status_code == 403
    for url in (f"/series/new/?patient={clinic.walter.pk}", f"/series/{series.pk}/", f"/series/{series.pk}/move/"):
        assert pat.get(url).status_code == 404


def test_emergency_access_reads_a_series_and_offers_no_form_that_runs_for_months(
    clinic: Clinic, rosa: Client, monday: date
) -> None:
    series, now, pat = book(clinic, rosa, monday), current_time(), Client()
    with writes_open():
        BreakGlassGrant.objects.create(
            patient=clinic.walter, user_id=clinic.pat.user_id, reason_code="ETREAT", reason="Collapsed here",
            starts_at=now, expires_at=now + timedelta(hours=4), review_due_at=now + timedelta(days=3),
        )  # fmt: skip
    pat.force_login(User.objects.get(pk=clinic.pat.user_id))
    assert f"/series/{series.pk}/move/" not in text(pat.get(f"/series/{series.pk}/"))
    assert "Repeat: book a series" in text(rosa.get(f"/book/?patient={clinic.walter.pk}"))
    page = pat.get(f"/book/?patient={clinic.walter.pk}")
    assert page.status_code == 200
    assert "Repeat: book a series" not in text(page)
    assert "Several visits that belong together" not in text(page)
    for url in (
        f"/series/new/?patient={clinic.walter.pk}",
        f"/series/{series.pk}/move/",
        f"/series/{series.pk}/cancel/",
    ):
        assert pat.get(url).status_code == 403
    for url, verb in (
        (f"/journeys/new/?patient={clinic.walter.pk}", "scheduling.book_journey"),
        (f"/series/new/?patient={clinic.walter.pk}", "scheduling.book_series"),
        (f"/series/{series.pk}/move/", "scheduling.change_series"),
        (f"/series/{series.pk}/cancel/", "scheduling.change_series"),
    ):
        assert pat.post(url, {"patient": clinic.walter.pk}).status_code == 403
        entry = AuditEntry.objects.filter(outcome="refused").latest("id")
        assert (entry.verb, entry.outcome, entry.refusal_code) == (verb, "refused", "core.forbidden")
        assert entry.patient_ids == [clinic.walter.pk]


def test_what_is_no_decision_is_left_aside() -> None:
    seats = "2026-03-05T09:00:00-05:00 1 clinician:2"
    posted = {"pick-1": seats, "pick-2": "out", "pick-3": "nonsense", "pick-x": "out", "pick-99999": "out", "key": "k"}
    assert sorted(read_picks(posted)) == [1, 2]


def test_the_nightly_job_asks_every_series(clinic: Clinic) -> None:
    book_series_ahead()
    assert Appointment.objects.count() == 0


def test_a_site_where_one_books_no_series_is_said_and_never_taken_for_another(
    clinic: Clinic, rosa: Client, monday: date
) -> None:
    note = "You don’t book series at the site that was asked for."
    whom = f"/series/new/?patient={clinic.walter.pk}"
    assert note in text(rosa.get(f"{whom}&site={clinic.other_site.pk}"))
    for fine in (f"{whom}&site={clinic.site.pk}", f"{whom}&site=0", whom):
        assert note not in text(rosa.get(fine))
    page = text(rosa.get("/series/new/", asked(clinic, monday)))
    forged = asked(clinic, monday) | fields_of(page) | {"site": clinic.other_site.pk}
    answer = rosa.post("/series/new/", forged)
    assert answer.status_code == 403
    assert not Series.objects.exists()


@pytest.mark.parametrize("what", ["give-up", "evidence"])
def test_the_promise_of_a_series_is_ended_on_its_page_and_no_form_pretends_otherwise(
    clinic: Clinic, rosa: Client, monday: date, what: str
) -> None:
    take(clinic, monday)
    page = text(rosa.get("/series/new/", asked(clinic, monday)))
    picks = fields_of(page) | {"pick-1": "open"}
    assert rosa.post("/series/new/", asked(clinic, monday) | picks).status_code == 302
    row = Series.objects.get().visits.get(position=1)
    shown = text(rosa.get(f"/loops/{row.loop_id}/{what}/"))
    assert f'href="/series/visits/{row.pk}/">Open that page</a>' in shown
    assert ('name="reason"' in shown, 'name="kind"' in shown) == (False, False)


def test_a_weekday_that_is_the_last_of_its_month_is_offered_once_and_kept_where_it_was_chosen() -> None:
    offered = repeats_choices(date(2026, 12, 31))
    assert [str(words) for _value, words in offered] == ["Weeks", "Months, on day 31", "Months, on the last Thursday"]
    assert offered[-1][0] == Repeats.LAST_WEEKDAY
    assert repeats_choices(date(2026, 12, 31), chosen="weekday")[-1][0] == Repeats.WEEKDAY_OF_MONTH
    assert len(repeats_choices(date(2026, 12, 24))) == len(Repeats)
    assert len(repeats_choices(None)) == len(Repeats)
