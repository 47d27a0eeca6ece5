"""The waitlist through its addresses, as Rosa sees it on Monday 2 March 2026 at seven in the morning."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from liaison.core.audit import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.orders.models import Referral
from liaison.scheduling import actions
from liaison.scheduling.models import Appointment, Opening, WaitlistEntry, WaitlistOffer
from liaison.scheduling.ports import CancelReason
from liaison.scheduling.rules import OfferBy, Urgency
from liaison.scheduling.templatetags.spans import long
from liaison.scheduling.tests.clinic import NOW, Clinic
from liaison.scheduling.tests.test_screens import browser, clock, page
from liaison.scheduling.tests.waiting import freed, join, someone, with_mail, with_phone

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture(autouse=True)
def _monday(settings: Any) -> None:
    clock(settings, NOW)


@pytest.fixture
def rosa(clinic: Clinic) -> Client:
    return browser(clinic.rosa)


def typed(clinic: Clinic, **changes: Any) -> dict[str, Any]:
    """The form as it is filled in for Walter."""
    form = {
        "patient": clinic.walter.pk,
        "key": "form",
        "visit_type": "follow_up",
        "sites": [clinic.site.pk],
        "notice_hours": 24,
        "urgency": "routine",
    }
    return {key: value for key, value in (form | changes).items() if value is not None}


def offered(clinic: Clinic, *, by: OfferBy = OfferBy.MAIL, language: str = "en", moves: bool = False) -> WaitlistOffer:
    """Walter has an offer."""
    with_mail(clinic.walter, language=language)
    later = clinic.book("2026-03-20 10:00") if moves else None
    wait = join(clinic, moves_id=later.pk if later else None)
    return actions.offer_to_one(actor=clinic.rosa, wait=wait, opening=freed(clinic), by=by, now=NOW)


def link(offer: WaitlistOffer) -> str:
    return urlsplit(actions.offer_link(offer)).path


# --- entering -----------------------------------------------------------------------------------------------------


def test_the_booking_page_leads_to_the_waitlist_with_what_is_known(clinic: Clinic, rosa: Client) -> None:
    later = clinic.book("2026-03-20 10:00")
    assert f"/waitlist/join/?patient={clinic.walter.pk}" in page(rosa.get(f"/book/?patient={clinic.walter.pk}"))
    assert "Find an earlier time" in page(rosa.get(f"/appointments/{later.pk}/"))
    shown = page(rosa.get(f"/waitlist/join/?patient={clinic.walter.pk}&moves={later.pk}"))
    assert f'<option value="{later.pk}" selected>' in shown
    assert "Put Walter on the waitlist" in shown


def test_without_a_patient_the_page_asks_for_whom(clinic: Clinic, rosa: Client) -> None:
    assert "For whom?" in page(rosa.get("/waitlist/join/"))


def test_rosa_enters_walter_and_a_double_click_enters_him_once(clinic: Clinic, rosa: Client) -> None:
    form = typed(clinic, weekdays=[0, 2], from_time="09:00", to_time="12:00", with_id=clinic.imani.pk)
    first = rosa.post("/waitlist/join/", form)
    again = rosa.post("/waitlist/join/", form)
    wait = WaitlistEntry.objects.get()
    assert first["Location"] == again["Location"] == f"/waitlist/{wait.pk}/"
    shown = page(rosa.get(f"/waitlist/{wait.pk}/"))
    for words in ("Monday, Wednesday", "from 09:00 before 12:00", "Dr Imani", "24 hours", "Find Walter a visit"):
        assert words in " ".join(shown.split())


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(clinic: Clinic, rosa: Client) -> None:
    answer = rosa.post("/waitlist/join/", typed(clinic, urgency="urgent", until="2026-04-01"))
    assert answer.status_code == 422
    assert "Say why this patient goes before others." in page(answer)
    assert "2026-04-01" in page(answer)
    assert rosa.post("/waitlist/join/", typed(clinic, sites=None), **HTMX).status_code == 422


def test_the_form_names_only_sites_where_rosa_puts_people_on_the_list(clinic: Clinic, rosa: Client) -> None:
    shown = page(rosa.get(f"/waitlist/join/?patient={clinic.walter.pk}"))
    assert clinic.site.name in shown
    assert clinic.other_site.name not in shown
    answer = rosa.post("/waitlist/join/", typed(clinic, sites=[clinic.other_site.pk]))
    assert answer.status_code == 422
    assert not WaitlistEntry.objects.exists()


def test_a_wait_keeps_the_other_site_that_somebody_there_gave_it(clinic: Clinic, rosa: Client) -> None:
    both = [clinic.site.pk, clinic.other_site.pk]
    wait = join(clinic)
    with writes_open():
        wait.sites.add(clinic.other_site)
    assert clinic.other_site.name in page(rosa.get(f"/waitlist/{wait.pk}/change/"))
    rosa.post(f"/waitlist/{wait.pk}/change/", typed(clinic, sites=both, version=wait.version, notice_hours=48))
    wait.refresh_from_db()
    assert wait.least_notice_minutes == 48 * 60
    assert sorted(wait.sites.values_list("pk", flat=True)) == sorted(both)


def test_who_waits_already_is_said(clinic: Clinic, rosa: Client) -> None:
    join(clinic)
    answer = rosa.post("/waitlist/join/", typed(clinic))
    assert answer.status_code == 422
    assert "already on the waitlist" in page(answer)


def test_what_the_visit_is_for_goes_along(clinic: Clinic, rosa: Client, referral: Referral) -> None:
    shown = page(rosa.get(f"/waitlist/join/?patient={clinic.walter.pk}&referral={referral.pk}&loop={referral.loop_id}"))
    assert f'name="referral" value="{referral.pk}"' in shown
    rosa.post("/waitlist/join/", typed(clinic, referral=referral.pk, loop=referral.loop_id))
    wait = WaitlistEntry.objects.get()
    assert (wait.referral_id, wait.serves_id) == (referral.pk, referral.loop_id)


def test_only_who_works_at_these_sites_can_be_waited_for(clinic: Clinic, rosa: Client) -> None:
    west = [actions.HoursDraft(site=clinic.other_site, weekday=0, opens=time(9), closes=time(12))]
    actions.set_hours(actor=clinic.adam, resource=clinic.okafor, hours=west, now=NOW)
    shown = page(rosa.get(f"/waitlist/join/?patient={clinic.walter.pk}"))
    assert ("Dr Imani" in shown, "Dr Okafor" in shown) == (True, False)
    assert rosa.post("/waitlist/join/", typed(clinic, with_id=clinic.okafor.pk)).status_code == 422
    assert not WaitlistEntry.objects.exists()


def test_who_works_there_no_more_is_still_shown_on_the_wait_and_refused_by_name(clinic: Clinic, rosa: Client) -> None:
    wait = join(clinic, with_id=clinic.okafor.pk)
    west = [actions.HoursDraft(site=clinic.other_site, weekday=0, opens=time(9), closes=time(12))]
    actions.set_hours(actor=clinic.adam, resource=clinic.okafor, hours=west, now=NOW)
    assert f'<option value="{clinic.okafor.pk}" selected>' in page(rosa.get(f"/waitlist/{wait.pk}/change/"))
    kept = rosa.post(f"/waitlist/{wait.pk}/change/", typed(clinic, with_id=clinic.okafor.pk, version=1))
    assert kept.status_code == 422
    assert "Dr Okafor works at none of these sites." in page(kept)


# --- one wait -----------------------------------------------------------------------------------------------------


def test_a_change_is_saved_and_a_stale_form_refused(clinic: Clinic, rosa: Client) -> None:
    wait = join(clinic, urgency=Urgency.SOON, urgency_reason="Pain", weekdays=(1,))
    shown = page(rosa.get(f"/waitlist/{wait.pk}/change/"))
    assert 'value="1" id="id_weekdays_1" checked' in shown
    form = typed(clinic, version=1, weekdays=[4])
    assert rosa.post(f"/waitlist/{wait.pk}/change/", form).status_code == 302
    wait.refresh_from_db()
    assert wait.weekdays == [4]
    assert rosa.post(f"/waitlist/{wait.pk}/change/", form).status_code == 302, "the same form, sent twice at once"
    wait.refresh_from_db()
    assert wait.version == 2
    stale = rosa.post(f"/waitlist/{wait.pk}/change/", form | {"weekdays": [2], "notice_hours": 48})
    assert stale.status_code == 409
    assert ("It now says: Friday" in page(stale), "It now says: 24" in page(stale)) == (True, True)
    assert ('value="48"' in page(stale), 'name="version" value="2"' in page(stale)) == (True, True)
    assert rosa.post(f"/waitlist/{wait.pk}/change/", form | {"weekdays": [2]}, **HTMX).status_code == 422
    mine = form | {"weekdays": [2], "version": 2}
    assert rosa.post(f"/waitlist/{wait.pk}/change/", mine).status_code == 302
    wait.refresh_from_db()
    assert (wait.weekdays, wait.version) == ([2], 3)
    wrong = typed(clinic, version=3, until="2026-03-01", not_before="2026-03-02")
    assert "The last day comes after the first." in page(rosa.post(f"/waitlist/{wait.pk}/change/", wrong))


def test_staying_and_leaving(clinic: Clinic, rosa: Client) -> None:
    wait = join(clinic)
    assert rosa.post(f"/waitlist/{wait.pk}/stay/", {"version": 1}).status_code == 302
    again = rosa.post(f"/waitlist/{wait.pk}/stay/", {"version": 1}, follow=True)
    assert "Noted. The desk says when to look again." in page(again), "a second press is answered as the first"
    assert rosa.post(f"/waitlist/{wait.pk}/stay/", {"version": 7}).status_code == 409
    assert browser(clinic.marta).post(f"/waitlist/{wait.pk}/stay/", {"version": 1}).status_code == 409
    assert rosa.post(f"/waitlist/{wait.pk}/leave/", {"version": 2}).status_code == 422
    assert rosa.post(f"/waitlist/{wait.pk}/leave/", {"version": 2, "reason": "Moved away"}).status_code == 302
    assert rosa.post(f"/waitlist/{wait.pk}/leave/", {"version": 2, "reason": "Moved away"}).status_code == 302
    assert rosa.post(f"/waitlist/{wait.pk}/leave/", {"version": 2, "reason": "Too far"}).status_code == 409
    assert "Moved away" in page(rosa.get(f"/waitlist/{wait.pk}/"))


def test_another_site_and_nobody_find_nothing(clinic: Clinic) -> None:
    wait, opening = join(clinic), freed(clinic)
    offer = actions.offer_to_one(actor=clinic.rosa, wait=wait, opening=opening, by=OfferBy.PHONE, now=NOW)
    pat, adam = browser(clinic.pat), browser(clinic.adam)
    for path in (f"/waitlist/{wait.pk}/", f"/waitlist/times/{opening.pk}/"):
        assert pat.get(path).status_code == 404
        assert Client().get(path).status_code == 302
    assert "Walter" not in page(pat.get("/waitlist/"))
    for path in (f"/waitlist/offers/{offer.pk}/accepted/", f"/waitlist/times/{opening.pk}/offer-several/"):
        assert pat.post(path).status_code == 404
    for path in ("/waitlist/", "/waitlist/times/new/", "/waitlist/join/"):
        assert adam.get(path).status_code == 403
    assert browser(clinic.rosa).get("/waitlist/report/").status_code == 403


# --- freed times --------------------------------------------------------------------------------------------------


def test_a_cancelled_visit_stands_on_the_waitlist_page(clinic: Clinic, rosa: Client) -> None:
    visit = clinic.book("2026-03-03 10:00", patient=clinic.ruth)
    join(clinic)
    actions.cancel_appointment(actor=clinic.rosa, appointment=visit, reason=CancelReason.PATIENT, now=NOW)
    shown = page(rosa.get("/waitlist/"))
    assert "Tue, Mar 3, 10:00" in shown
    assert "suits 1" in shown
    assert "First in line: Walter Ng, Follow-up at 10:00" in shown
    assert "Follow-up · has no visit yet" in shown
    assert "Walter Ng" in page(rosa.get(f"/waitlist/?site={clinic.site.pk}"))
    assert AuditEntry.objects.filter(outcome="seen", patient_ids__contains=[clinic.walter.pk]).exists()


def test_a_time_named_by_hand_leads_to_whom_it_suits(clinic: Clinic, rosa: Client) -> None:
    join(clinic, urgency=Urgency.URGENT, urgency_reason="New murmur")
    form = {"site": clinic.site.pk, "on": "2026-03-03", "from_at": "10:00", "to_at": "11:00"}
    assert rosa.get("/waitlist/times/new/").status_code == 200
    answer = rosa.post("/waitlist/times/new/", form)
    assert "Urgent: New murmur" in page(rosa.get(answer["Location"]))
    assert rosa.post("/waitlist/times/new/", form | {"to_at": "10:00"}).status_code == 422
    past = rosa.post("/waitlist/times/new/", form | {"on": "2026-03-01"})
    assert "That time is over." in page(past)


def test_hold_and_call_then_what_she_hears(clinic: Clinic, rosa: Client) -> None:
    with_phone(clinic.walter)
    wait, opening = join(clinic), freed(clinic)
    path = f"/waitlist/times/{opening.pk}/"
    assert "by phone only" in page(rosa.get(path))
    assert rosa.post(f"{path}offer/", {"entry": wait.pk, "by": "phone"}).status_code == 302
    offer = WaitlistOffer.objects.get()
    hold = Appointment.objects.get(pk=offer.hold_id)
    assert "Held for an offer" in page(rosa.get(f"/appointments/{hold.pk}/"))
    assert "Held" in page(rosa.get(f"/calendar/?site={clinic.site.pk}&on=2026-03-03&view=list"))
    assert "Waits for an answer" in page(rosa.get(path))
    again = rosa.post(f"{path}offer/", {"entry": wait.pk, "by": "phone"})
    assert again.status_code == 409
    assert "has an offer already" in page(again)
    taken = rosa.post(f"/waitlist/offers/{offer.pk}/accepted/")
    assert taken["Location"] == f"/appointments/{hold.pk}/"
    assert rosa.post(f"/waitlist/offers/{offer.pk}/accepted/")["Location"] == f"/appointments/{hold.pk}/"
    assert "A time was taken" in page(rosa.get(f"/waitlist/{wait.pk}/"))
    late = rosa.post(f"/waitlist/offers/{offer.pk}/declined/")
    assert late.status_code == 409
    assert "This offer has ended" in page(late)


def test_a_held_time_that_nobody_took_is_no_line_in_what_happened(clinic: Clinic, rosa: Client) -> None:
    offer = offered(clinic, by=OfferBy.PHONE)
    rosa.post(f"/waitlist/offers/{offer.pk}/declined/")
    assert rosa.post(f"/waitlist/offers/{offer.pk}/nonsense/").status_code == 404
    from liaison.scheduling import queries

    assert queries.timeline(clinic.rosa, patient=clinic.walter, now=NOW) == []


def test_several_are_offered_it_at_once(clinic: Clinic, rosa: Client) -> None:
    with_mail(clinic.walter, clinic.ruth)
    waits = [join(clinic), join(clinic, clinic.ruth), join(clinic, someone(clinic, "Phone"))]
    opening = freed(clinic)
    path = f"/waitlist/times/{opening.pk}/"
    rosa.post(f"{path}offer-several/", {"entries": [wait.pk for wait in waits]})
    shown = page(rosa.get(path))
    assert "Offered to 2 patients. 1 could not be offered it." in shown
    assert shown.count("has an offer") == 2


def test_a_broadcast_that_somebody_took_in_another_way_is_said_to_be_gone(clinic: Clinic, rosa: Client) -> None:
    with_mail(clinic.walter)
    actions.retire_resource(actor=clinic.marta, resource=clinic.okafor, now=NOW)
    wait, opening = join(clinic), freed(clinic)
    rosa.post(f"/waitlist/times/{opening.pk}/offer-several/", {"entries": [wait.pk]})
    clinic.book("2026-03-03 10:00", patient=clinic.ruth)
    answer = rosa.post(f"/waitlist/offers/{WaitlistOffer.objects.get().pk}/accepted/", follow=True)
    assert "This time is gone" in page(answer)


# --- the link in the mail -----------------------------------------------------------------------------------------


def test_the_link_shows_time_and_place_and_no_name_and_looking_changes_nothing(clinic: Clinic) -> None:
    offer = offered(clinic)
    answer = Client().get(link(offer))
    shown = page(answer)
    assert "Tuesday, March 3, 2026" in shown
    assert "Riverside North" in shown
    for word in ("Walter", "Imani", "Okafor", "Follow-up"):
        assert word not in shown
    assert (answer["Cache-Control"], answer["Referrer-Policy"]) == ("no-store", "no-referrer")
    offer.refresh_from_db()
    assert offer.state == "offered"


def test_the_link_speaks_spanish_and_can_change(clinic: Clinic) -> None:
    offer = offered(clinic, language="es")
    shown = page(Client().get(link(offer)))
    assert "martes, 3 de marzo de 2026" in shown.lower()
    assert "¿Quiere esta?" in shown
    assert "Do you want this one?" in page(Client().get(f"{link(offer)}?lang=en"))


def test_yes_moves_the_visit_and_a_second_press_changes_nothing(clinic: Clinic) -> None:
    offer = offered(clinic, moves=True)
    for _ in range(2):
        answer = Client().post(link(offer), {"said": "yes"}, follow=True)
        assert "This time is yours" in page(answer)
    offer.refresh_from_db()
    assert (offer.state, offer.answered_by_name) == ("accepted", "Liaison: the patient, by link")
    assert sorted(Appointment.objects.values_list("state", flat=True)) == ["booked", "cancelled"]


def test_no_keeps_them_on_the_list_and_a_later_yes_comes_too_late(clinic: Clinic) -> None:
    offer = offered(clinic)
    assert "You stay on our list" in page(Client().post(link(offer), {"said": "no"}, follow=True))
    assert "Thank you" in page(Client().post(link(offer), {"said": "yes"}, follow=True))
    assert page(Client().post(link(offer), {"said": "perhaps"}))
    offer.refresh_from_db()
    assert offer.state == "declined"


def test_after_its_time_the_link_says_that_it_is_gone(clinic: Clinic, settings: Any) -> None:
    offer = offered(clinic)
    clock(settings, offer.expires_at + timedelta(minutes=1))
    assert "not free any more" in page(Client().get(link(offer)))
    assert "not free any more" in page(Client().post(link(offer), {"said": "yes"}, follow=True))


def test_what_only_staff_can_settle_asks_the_patient_to_call(clinic: Clinic) -> None:
    with_mail(clinic.walter)
    wait, opening = join(clinic), freed(clinic)
    made = actions.offer_to_several(actor=clinic.rosa, opening=opening, entry_ids=[wait.pk], now=NOW)
    # A second visit of the kind with the same clinician that day wants a reason.
    clinic.book("2026-03-03 14:00", seats=clinic.seats(who=clinic.imani))
    answer = Client().post(link(made.offers[0]), {"said": "yes"})
    assert answer.status_code == 409
    assert "Please call us" in page(answer)


def test_a_changed_link_opens_nothing(clinic: Clinic) -> None:
    offer = offered(clinic)
    assert Client().get(f"{link(offer)[:-2]}/").status_code == 404


# --- the report ---------------------------------------------------------------------------------------------------


def test_the_report_counts_by_language_and_site(clinic: Clinic, settings: Any) -> None:
    marta = browser(clinic.marta)
    assert "Nobody joined yet." in page(marta.get("/waitlist/report/"))
    offer = offered(clinic, language="es")
    join(clinic, clinic.ruth)
    actions.accept_offer(actor=clinic.rosa, offer=offer, now=NOW + timedelta(hours=1, minutes=30))
    shown = " ".join(page(marta.get("/waitlist/report/")).split())
    assert "<dt>Filled</dt><dd>1</dd>" in shown
    assert "half within 1 hour" in shown
    assert "half at least 1 day" in shown
    assert "Spanish" in shown
    assert "not known" in shown
    assert "Riverside West" not in shown


def test_lengths_in_words() -> None:
    assert [long(timedelta(**span)) for span in ({"days": 2, "hours": 5}, {"hours": 1}, {"minutes": 5})] == [
        "2 days",
        "1 hour",
        "5 minutes",
    ]


def test_every_opening_is_looked_at_only_while_it_lies_ahead(clinic: Clinic, rosa: Client, settings: Any) -> None:
    join(clinic)
    opening = freed(clinic)
    clock(settings, opening.end_at)
    assert "No freed time suits anybody" in page(rosa.get("/waitlist/"))
    assert "It suits nobody who waits" in page(rosa.get(f"/waitlist/times/{opening.pk}/"))
    with writes_open():
        Opening.objects.all().delete()


def test_before_and_after_an_offer_it_is_said_that_the_patient_does_not_read_it(rosa: Client, clinic: Clinic) -> None:
    words = "The offer goes out in English; they read Vietnamese: tell them with an interpreter."
    with_mail(clinic.walter, language="vi")
    wait, opening = join(clinic), freed(clinic)
    address = f"/waitlist/times/{opening.pk}/"
    assert words in page(rosa.get(address))
    answer = rosa.post(f"{address}offer/", {"entry": wait.pk, "by": "mail"}, follow=True)
    assert page(answer).count(words) >= 1
    offered_now = WaitlistOffer.objects.get()
    assert words in page(rosa.get(address))
    actions.withdraw_offer(actor=clinic.rosa, offer=offered_now, now=NOW)
    rosa.post(f"{address}offer/", {"entry": wait.pk, "by": "phone"})
    assert WaitlistOffer.objects.get(state="offered").by == "phone"
    assert words not in page(rosa.get(address)), "who is called is told on the phone"
