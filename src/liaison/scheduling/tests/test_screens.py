"""The screens through their addresses, as Rosa sees them on Monday 2 March 2026 at seven in the morning."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from liaison.accounts.models import User
from liaison.core.actor import Actor
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.loops.actions import open_loop
from liaison.loops.ports import ClockToStart, Owner, Promise
from liaison.orders.models import Referral
from liaison.scheduling import actions
from liaison.scheduling.forms import read_offer, written_offer
from liaison.scheduling.models import Appointment, VisitType
from liaison.scheduling.ports import CancelReason, Seat, Span
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.waiting import with_mail

HTMX = {"HTTP_HX_REQUEST": "true"}
OFFERS = re.compile(r'name="offer" value="([^"]+)"')


@pytest.fixture(autouse=True)
def _monday(settings: Any) -> None:
    clock(settings, NOW)


def clock(settings: Any, at: datetime) -> None:
    settings.LIAISON_CLOCK_OFFSET = int((at - datetime.now(UTC)).total_seconds())


def browser(actor: Actor) -> Client:
    client = Client()
    user = User.objects.get(pk=actor.user_id)
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    return client


@pytest.fixture
def rosa(clinic: Clinic) -> Client:
    return browser(clinic.rosa)


@pytest.fixture
def marta(clinic: Clinic) -> Client:
    return browser(clinic.marta)


def page(response: Any) -> str:
    return response.content.decode()


def panel(client: Client, clinic: Clinic, **query: object) -> str:
    response = client.get("/book/", {"patient": clinic.walter.pk, **query})
    assert response.status_code == 200
    return page(response)


def sent(clinic: Clinic, offer: str, **typed: object) -> dict[str, object]:
    return {
        "patient": clinic.walter.pk,
        "visit_type": clinic.follow_up.pk,
        "site": clinic.site.pk,
        "with_id": "",
        "not_before": "",
        "key": "a key of this form",
        "offer": offer,
        "note": "",
        "override_reason": "",
    } | typed


def offer_at(clinic: Clinic, start: str) -> str:
    seats = [(seat.role, seat.resource_id) for seat in clinic.seats()]
    return written_offer(local(start), site_id=clinic.site.pk, seats=seats)


def test_without_a_patient_the_page_asks_for_whom(rosa: Client) -> None:
    assert "For whom?" in page(rosa.get("/book/"))


def test_the_panel_shows_the_earliest_times_and_why(rosa: Client, clinic: Clinic) -> None:
    shown = panel(rosa, clinic)
    assert "Book a visit for Walter" in shown
    assert "Monday, March 2" in shown
    offers = [read_offer(offer) for offer in OFFERS.findall(shown)]
    assert [offer.start_at for offer in offers][:2] == [local("2026-03-02 09:00"), local("2026-03-02 09:15")]
    assert len(offers) == 12
    assert "Earliest" in shown
    assert "Leaves no gap" in shown
    assert 'name="csrfmiddlewaretoken"' in shown


def test_the_search_answers_htmx_with_the_form_alone_and_keeps_what_was_typed(rosa: Client, clinic: Clinic) -> None:
    query = sent(clinic, "", with_id=clinic.okafor.pk, not_before="2026-03-05", note="bring the list", key="k1")
    response = rosa.get("/book/", query, **HTMX)
    shown = page(response)
    assert shown.lstrip().startswith("<form")
    assert "bring the list" in shown
    assert 'value="k1"' in shown
    assert {seat.resource_id for offer in OFFERS.findall(shown) for seat in read_offer(offer).seats} >= {
        clinic.okafor.pk
    }
    assert read_offer(OFFERS.findall(shown)[0]).start_at == local("2026-03-05 09:00")


def test_times_are_shown_only_of_sites_where_one_books(rosa: Client, clinic: Clinic) -> None:
    hours = [
        actions.HoursDraft(site=clinic.other_site, weekday=day, opens=time(9), closes=time(17)) for day in range(5)
    ]
    for resource in (clinic.imani, clinic.room):
        actions.set_hours(actor=clinic.adam, resource=resource, hours=hours, now=NOW)
    shown = page(rosa.get("/book/", {"patient": clinic.walter.pk, "site": clinic.other_site.pk}))
    assert "Riverside West" not in shown
    assert not OFFERS.findall(shown)


def test_a_person_who_does_not_work_at_the_new_site_is_forgotten(rosa: Client, clinic: Clinic) -> None:
    with writes_open():
        User.objects.get(pk=clinic.rosa.user_id).assignments.create(
            role="coordinator", site=clinic.other_site, starts_at=NOW.replace(year=2025)
        )
    shown = panel(rosa, clinic, site=clinic.other_site.pk, with_id=clinic.imani.pk)
    assert "Nobody there can do this" in shown


def test_no_other_site_is_recommended_to_who_books_at_one_only(rosa: Client, clinic: Clinic) -> None:
    with writes_open():
        clinic.okafor.abilities = clinic.imani.abilities = ["nurse"]
        clinic.okafor.save()
        clinic.imani.save()
    shown = panel(rosa, clinic)
    assert "Nobody there can do this" in shown
    assert "Choose another site" not in shown
    assert "You book at no other site" in shown


def test_rosa_books_and_lands_on_the_visit(rosa: Client, clinic: Clinic) -> None:
    offer = OFFERS.findall(panel(rosa, clinic))[0]
    response = rosa.post("/book/", sent(clinic, offer, note="bring the list"))
    booked = Appointment.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/appointments/{booked.pk}/")
    shown = page(rosa.get(response["Location"]))
    assert "Walter Ng" in shown
    assert "Monday, March 2, 09:00" in shown
    assert "bring the list" in shown
    assert AuditEntry.objects.filter(verb="core.see", patient_ids=[clinic.walter.pk]).exists()


def test_from_a_referral_the_panel_starts_with_whom_it_asks(rosa: Client, clinic: Clinic, referral: Referral) -> None:
    draft = actions.VisitTypeDraft(
        code="consult",
        name="Consultation",
        duration_minutes=30,
        needs=(actions.NeedDraft(role="clinician", ability="physician"),),
        referral_needed=True,
    )
    consult = actions.define_visit_type(actor=clinic.adam, draft=draft, now=NOW)
    assert "Consultation" not in panel(rosa, clinic)
    for query in ({"referral": referral.pk}, {"loop": referral.loop_id}):
        shown = panel(rosa, clinic, **query)
        assert f'value="{consult.pk}" selected' in shown
        assert f'value="{clinic.okafor.pk}" selected' in shown
        assert f'name="referral" value="{referral.pk}"' in shown
    assert 'name="referral"' not in panel(rosa, clinic, loop=987654)
    offer = OFFERS.findall(shown)[0]
    form = sent(clinic, offer, visit_type=consult.pk, referral=referral.pk, loop=referral.loop_id)
    assert rosa.post("/book/", form).status_code == 302
    booked = Appointment.objects.get()
    assert (booked.referral_id, booked.loop_id) == (referral.pk, referral.loop_id)
    assert "Referral" in page(rosa.get(f"/appointments/{booked.pk}/"))
    assert "Consultation" in page(rosa.get(f"/appointments/{booked.pk}/move/"))


def test_a_promise_proposes_the_visit_that_is_named_like_it(rosa: Client, clinic: Clinic) -> None:
    needs = (actions.NeedDraft(role="clinician", ability="physician"),)
    draft = actions.VisitTypeDraft(code="task", name="Yearly check", duration_minutes=30, needs=needs)
    check = actions.define_visit_type(actor=clinic.adam, draft=draft, now=NOW)
    step = ClockToStart(
        rule_id="task", rule_version="1", step="Book it", evidence="done", anchor_event="test:1", anchor_at=NOW,
        due_at=NOW + timedelta(days=2),
    )  # fmt: skip
    loop = open_loop(
        clinic.rosa,
        patient=clinic.walter,
        promise=Promise(kind="task", title="See Walter", clocks=[step]),
        owner=Owner(user_id=clinic.rosa.user_id),
        now=NOW,
    )

    def kinds(**given: object) -> str:
        return panel(rosa, clinic, **given).split('name="visit_type"')[1].split("</select>")[0]

    assert f'value="{check.pk}" selected' not in kinds()
    assert f'value="{check.pk}" selected' in kinds(loop=loop.pk)


def test_a_double_click_books_once(rosa: Client, clinic: Clinic) -> None:
    form = sent(clinic, offer_at(clinic, "2026-03-02 09:00"))
    first, second = rosa.post("/book/", form, **HTMX), rosa.post("/book/", form, **HTMX)
    assert first["HX-Redirect"] == second["HX-Redirect"]
    assert Appointment.objects.count() == 1


def test_the_key_of_rosas_form_is_hers_alone(rosa: Client, marta: Client, clinic: Clinic) -> None:
    rosa.post("/book/", sent(clinic, offer_at(clinic, "2026-03-02 09:00")))
    answer = marta.post("/book/", sent(clinic, offer_at(clinic, "2026-03-02 11:00"), patient=clinic.ruth.pk))
    assert answer.status_code == 302
    keys = [f"form:{actor.user_id}:a key of this form" for actor in (clinic.rosa, clinic.marta)]
    assert list(Appointment.objects.order_by("pk").values_list("idempotency_key", flat=True)) == keys


def test_a_lost_race_shows_why_and_fresh_times_and_loses_nothing_typed(rosa: Client, clinic: Clinic) -> None:
    clinic.book("2026-03-02 09:00", patient=clinic.ruth)
    form = sent(clinic, offer_at(clinic, "2026-03-02 09:00"), note="bring the list")
    response = rosa.post("/book/", form, **HTMX)
    shown = page(response)
    assert response.status_code == 422
    assert "Dr Imani was just given to someone else" in shown
    assert "bring the list" in shown
    assert "a key of this form" in shown
    fresh = [read_offer(offer) for offer in OFFERS.findall(shown)]
    assert all(
        clinic.imani.pk not in {seat.resource_id for seat in offer.seats}
        for offer in fresh
        if offer.start_at == local("2026-03-02 09:00")
    )
    assert "checked" not in shown.split("Earliest times")[1].split("c-book-end")[0]
    assert "override_reason" not in shown
    assert rosa.post("/book/", form).status_code == 409


def test_a_warning_asks_why_and_the_reason_answers_it(rosa: Client, clinic: Clinic) -> None:
    clinic.book("2026-03-02 09:00", seats=clinic.seats(who=clinic.okafor, room=clinic.other_room))
    form = sent(clinic, offer_at(clinic, "2026-03-02 09:00"))
    shown = page(rosa.post("/book/", form, **HTMX))
    assert "has another visit at that time" in shown
    assert "override_reason" in shown
    assert "Book all the same" in shown
    met = re.findall(r'name="met" value="([^"]+)"', shown)[0]
    response = rosa.post("/book/", form | {"override_reason": "Both see him together", "met": met}, **HTMX)
    assert response.status_code == 204
    assert Appointment.objects.latest("pk").overrides == ["patient_busy"]


def test_marta_is_offered_to_override_what_rosa_is_not(marta: Client, clinic: Clinic) -> None:
    clinic.book("2026-03-02 09:00", patient=clinic.ruth)
    shown = page(marta.post("/book/", sent(clinic, offer_at(clinic, "2026-03-02 09:00")), **HTMX))
    assert "override_reason" in shown


@pytest.mark.parametrize("offer", ["", "nonsense", "2026-03-02T09:00 clinician:1", "2026-03-02T09:00+00:00 x:y"])
def test_a_time_that_is_none_is_asked_for_again(rosa: Client, clinic: Clinic, offer: str) -> None:
    response = rosa.post("/book/", sent(clinic, offer))
    assert response.status_code == 422
    assert "Choose one of the times." in page(response)


def test_what_cannot_be_looked_for_is_said(rosa: Client, clinic: Clinic) -> None:
    assert "Enter a valid date" in panel(rosa, clinic, not_before="2026-02-30")
    assert "Say what to look for" in panel(rosa, clinic, site="x")
    with writes_open():
        VisitType.objects.update(is_current=False)
    assert "No kind of visit to book yet" in panel(rosa, clinic)


def test_pat_sees_no_walter(clinic: Clinic) -> None:
    booked = clinic.book("2026-03-03 10:00")
    pat = browser(clinic.pat)
    for path in (
        f"/book/?patient={clinic.walter.pk}",
        f"/appointments/{booked.pk}/",
        f"/appointments/{booked.pk}/move/",
        f"/appointments/{booked.pk}/cancel/",
        f"/calendar/?site={clinic.site.pk}",
    ):
        response = pat.get(path)
        assert response.status_code == 404, path
        assert "Walter" not in page(response)
    assert pat.post(f"/appointments/{booked.pk}/arrived/").status_code == 404


def test_a_visit_moves_and_the_old_time_is_shown_until_then(rosa: Client, clinic: Clinic) -> None:
    old = clinic.book("2026-03-03 10:00", note="bring the list")
    shown = page(rosa.get(f"/appointments/{old.pk}/move/"))
    assert "Tue, Mar 3, 10:00" in shown
    assert "bring the list" in shown
    form = sent(clinic, offer_at(clinic, "2026-03-03 10:15"), reason="prov-pers")
    response = rosa.post(f"/appointments/{old.pk}/move/", form)
    new = Appointment.objects.get(predecessor=old)
    assert response["Location"] == f"/appointments/{new.pk}/"
    assert "It moved to" in page(rosa.get(f"/appointments/{old.pk}/"))
    assert "Tuesday, March 3, 10:00" in page(rosa.get(f"/appointments/{new.pk}/"))


def test_the_day_of_the_visit_by_its_buttons(rosa: Client, clinic: Clinic, settings: Any) -> None:
    booked = clinic.book("2026-03-03 10:00")
    own = f"/appointments/{booked.pk}/"
    assert f"{own}arrived/" not in page(rosa.get(own))
    clock(settings, local("2026-03-03 09:55"))
    assert f"{own}missed/" not in page(rosa.get(own))
    response = rosa.post(f"{own}arrived/", {"version": 1}, **HTMX)
    assert response.status_code == 204
    assert f"{own}not-arrived/" in response["HX-Trigger"]
    assert rosa.post(f"{own}seen/", {"version": 1}, **HTMX).status_code == 409
    assert rosa.post(f"{own}seen/", {"version": 2}).status_code == 302
    assert "Seen" in page(rosa.get(own, **HTMX))
    assert rosa.post(f"{own}danced/").status_code == 404
    assert "data-panel-close" in page(rosa.get(own, **HTMX))
    assert "data-panel-close" not in page(rosa.get(f"{own}?as=page", **HTMX))


def test_a_visit_is_cancelled_with_a_reason(rosa: Client, clinic: Clinic) -> None:
    booked = clinic.book("2026-03-03 10:00")
    own = f"/appointments/{booked.pk}/"
    assert "Cancel the visit" in page(rosa.get(f"{own}cancel/"))
    assert rosa.post(f"{own}cancel/", {"reason": "boredom", "version": 1}, **HTMX).status_code == 422
    assert rosa.post(f"{own}cancel/", {"reason": "pat-lt", "version": 1}).status_code == 302
    assert "The patient has no ride" in page(rosa.get(own))


def test_an_override_shows_on_the_visit(rosa: Client, clinic: Clinic) -> None:
    clinic.book("2026-03-03 10:00", patient=clinic.ruth)
    form = sent(clinic, offer_at(clinic, "2026-03-03 10:00"), override_reason="Chest pain")
    marta = browser(clinic.marta)
    asked = page(marta.post("/book/", form))
    marta.post("/book/", form | {"met": re.findall(r'name="met" value="([^"]+)"', asked)[0]})
    shown = page(rosa.get(f"/appointments/{Appointment.objects.get(patient=clinic.walter).pk}/"))
    assert "on top of another booking" in shown
    assert "Chest pain" in shown
    assert "double-booked" in shown
    day = page(rosa.get("/calendar/?on=2026-03-03"))
    assert 'rowspan="2"' in day


def test_the_day_as_a_timeline_and_as_a_list(rosa: Client, clinic: Clinic) -> None:
    clinic.book("2026-03-03 10:00")
    leave = Span(local("2026-03-03 12:00"), local("2026-03-03 14:00"))
    actions.close_time(actor=clinic.marta, of=clinic.okafor, during=leave, reason="Leave", now=NOW)
    timeline = page(rosa.get(f"/calendar/?site={clinic.site.pk}&on=2026-03-03"))
    assert "Tuesday, March 3, 2026" in timeline
    assert 'class="c-grid"' in timeline
    assert 'colspan="24" class="c-closed"' in timeline
    for name in ("Dr Imani", "Dr Okafor", "Room 1", "Room 2", "Walter Ng"):
        assert name in timeline
    as_list = page(rosa.get("/calendar/?on=2026-03-03&view=list"))
    assert 'class="c-grid"' not in as_list
    assert "Walter Ng" in as_list
    fragment = page(rosa.get("/calendar/?on=2026-03-03", **HTMX))
    assert fragment.lstrip().startswith('<div id="day"')


def test_a_day_without_anybody_says_what_next(rosa: Client, marta: Client, clinic: Clinic) -> None:
    saturday = page(rosa.get("/calendar/?on=2026-03-07&view=list"))
    assert "Choose another day or site" in saturday
    assert f'href="/calendar/?site={clinic.site.pk}&amp;on=2026-03-09&amp;view=list"' in saturday
    assert "Go to Monday, March 9" in saturday
    assert '<a href="/calendar/arrange/">Arrange</a>' in page(marta.get("/calendar/?on=2026-03-07"))
    assert "No visits on this day" in page(rosa.get("/calendar/"))


def test_the_grid_of_a_day_on_which_the_clock_changes(rosa: Client, clinic: Clinic) -> None:
    nights = [actions.HoursDraft(site=clinic.site, weekday=5, opens=NOW.time().replace(hour=22), closes=NOW.time())]
    actions.set_hours(actor=clinic.marta, resource=clinic.imani, hours=nights, now=NOW)
    shown = page(rosa.get("/calendar/?on=2026-03-08"))
    hours = re.findall(r'<th scope="col" colspan="12"[^>]*>(\d\d:\d\d)', shown)
    assert hours[:4] == ["00:00", "01:00", "03:00", "04:00"]


def test_somebody_without_the_calendar_is_refused(clinic: Clinic) -> None:
    with writes_open():
        User.objects.get(pk=clinic.rosa.user_id).assignments.update(role="administrator")
    client = browser(clinic.rosa)
    assert client.get("/calendar/").status_code == 403
    assert client.get("/book/").status_code == 403
    assert client.get("/appointments/1/move/").status_code == 403


def test_a_late_arrival_on_the_wrong_day_is_refused_in_words(rosa: Client, clinic: Clinic) -> None:
    booked = clinic.book("2026-03-03 10:00")
    response = rosa.post(f"/appointments/{booked.pk}/arrived/", {"version": 1}, **HTMX)
    assert response.status_code == 409
    assert "on the day of the visit" in page(response)


def test_a_cancelled_visit_offers_nothing_more(rosa: Client, clinic: Clinic) -> None:
    booked = clinic.book("2026-03-03 10:00")
    actions.cancel_appointment(
        actor=clinic.rosa, appointment=booked, reason=CancelReason.PATIENT, now=NOW + timedelta(minutes=1)
    )
    shown = page(rosa.get(f"/appointments/{booked.pk}/"))
    assert "/move/" not in shown
    assert "/cancel/" not in shown


def test_offers_are_written_and_read_alike() -> None:
    chosen = read_offer(written_offer(local("2026-03-03 10:00"), site_id=3, seats=[("clinician", 4), ("room", 7)]))
    assert chosen.start_at == local("2026-03-03 10:00")
    assert chosen.seats == (Seat(role="clinician", resource_id=4), Seat(role="room", resource_id=7))


ODD_DAYS = ["0001-01-01", "9999-12-31", "2026-02-31", "tomorrow", "2026-13-01", "-1", "1899-12-31", "2200-01-01"]


@pytest.mark.parametrize("on", ODD_DAYS)
def test_a_day_that_is_none_is_named_and_today_is_shown(rosa: Client, on: str) -> None:
    for headers in ({}, HTMX):
        response = rosa.get("/calendar/", {"on": on}, **headers)
        assert response.status_code == 200
        assert f"There is no day “{on}” in the calendar" in page(response)


def test_the_first_and_the_last_day_of_the_calendar_are_shown(rosa: Client) -> None:
    for on in ("1900-01-01", "2199-12-31"):
        shown = page(rosa.get("/calendar/", {"on": on}))
        assert f'value="{on}"' in shown
        assert "There is no day" not in shown


@pytest.mark.parametrize("on", ODD_DAYS)
def test_booking_not_before_a_day_that_is_none_says_so_beside_the_field(rosa: Client, clinic: Clinic, on: str) -> None:
    given = {"patient": clinic.walter.pk, "site": clinic.site.pk, "not_before": on}
    response = rosa.get("/book/", given | {"visit_type": clinic.follow_up.pk})
    assert response.status_code == 200
    assert 'id="id_not_before-error"' in page(response)
    sent = rosa.post(
        "/book/", given | {"visit_type": clinic.follow_up.pk, "key": "k", "offer": f"{on}T09:00+00:00 a:1"}
    )
    assert sent.status_code == 422


def test_a_closure_far_off_is_refused_beside_its_field(marta: Client, clinic: Clinic) -> None:
    ages = {"from_on": "0001-01-01", "from_at": "00:00", "to_on": "9999-12-31", "to_at": "00:00", "reason": "Ages"}
    response = marta.post(f"/calendar/arrange/sites/{clinic.site.pk}/close/", ages)
    assert response.status_code == 422
    assert "Choose a year from 1900 to 2199" in page(response)


def test_without_an_address_the_booking_page_promises_no_confirmation_and_the_visit_says_so(
    rosa: Client, clinic: Clinic
) -> None:
    assert "No e-mail address is known. No confirmation will be sent: tell them on the phone." in panel(rosa, clinic)
    booked = clinic.book("2026-03-10 10:00")
    shown = page(rosa.get(f"/appointments/{booked.pk}/"))
    assert "Not sent" in shown
    assert "Tell them on the phone." in shown


def test_who_does_not_read_what_we_write_is_told_with_an_interpreter(rosa: Client, clinic: Clinic) -> None:
    with_mail(clinic.walter, language="vi")
    words = "The confirmation and the reminders go out in English; they read Vietnamese: tell them with an interpreter."
    assert words in panel(rosa, clinic)
    booked = clinic.book("2026-03-10 10:00")
    own = f"/appointments/{booked.pk}/"
    shown = page(rosa.get(own))
    assert ", in English; they read Vietnamese. <strong>Tell them with an interpreter.</strong>" in shown
    done = rosa.post(f"{own}cancel/", {"reason": "pat-lt", "version": 1}, follow=True)
    assert "The message is in English; they read Vietnamese: tell them with an interpreter." in page(done)
