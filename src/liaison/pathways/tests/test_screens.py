"""The page of a follow-up."""

from __future__ import annotations

import re
from datetime import timedelta

from django.contrib.messages import get_messages
from django.urls import reverse

from liaison.accounts.models import User
from liaison.core.clock import current_time
from liaison.core.postgres.guard import writes_open
from liaison.inbox.actions import log_call
from liaison.inbox.ports import CallDetails, HowItWent
from liaison.pathways.queries import follow_up_of_loops, get_follow_up
from liaison.pathways.tests.cast import stay, walter
from liaison.patients.models import ContactPoint
from liaison.scheduling.models import Appointment


def signed_in(client, actor):
    client.force_login(User.objects.get(pk=actor.user_id))
    return client


def test_rosa_reads_where_it_stands_and_says_how_complex_it_is(ward, client):
    ward.take_in(walter(), stay())
    page = reverse("pathways:follow_up", args=[ward.enrolment.pk])
    change = reverse("pathways:complexity", args=[ward.enrolment.pk])
    signed_in(client, ward.rosa)
    assert "Fri, Feb 13, 2026" in client.get(page).content.decode()
    assert client.post(change, {"complexity": "extreme"}).status_code == 422
    assert client.post(change, {"complexity": "high", "seen": "moderate"}).headers["Location"] == page
    assert ward.enrolment.complexity == "high"
    part = client.post(change, {"complexity": "moderate", "seen": "high"}, headers={"HX-Request": "true"})
    assert (part.status_code, b"<html" in part.content) == (200, False)


def test_an_old_form_is_told_beside_the_choice_what_it_says_now(ward, client):
    ward.take_in(walter(), stay())
    page = reverse("pathways:follow_up", args=[ward.enrolment.pk])
    change = reverse("pathways:complexity", args=[ward.enrolment.pk])
    signed_in(client, ward.rosa)
    assert '<input type="hidden" name="seen" value="moderate">' in client.get(page).content.decode()
    client.post(change, {"complexity": "high", "seen": "moderate"})
    again = client.post(change, {"complexity": "high", "seen": "moderate"})
    assert again.status_code == 302, "the same choice twice is saved"
    for sent in ({"complexity": "moderate", "seen": "moderate"}, {"complexity": "moderate"}):
        stale = client.post(change, sent)
        assert stale.status_code == 422
        shown = stale.content.decode()
        assert "it says high now" in shown
        assert '<input type="hidden" name="seen" value="high">' in shown, "who still wants it presses again"
        assert ward.enrolment.complexity == "high"


def test_the_visit_that_stands_is_shown_and_a_missed_one_as_missed(ward, client):
    now = current_time()
    ward.take_in(walter(), stay(ended=now - timedelta(days=5)), now=now)
    page = reverse("pathways:follow_up", args=[ward.enrolment.pk])
    signed_in(client, ward.rosa)
    missed = ward.visit(now - timedelta(days=2))
    assert "booked " in client.get(page).content.decode()
    with writes_open():
        Appointment.objects.filter(pk=missed.pk).update(state="noshow", missed_at=now)
    shown = client.get(page).content.decode()
    assert "did not come on " in shown
    assert "booked " not in shown
    coming = ward.visit(now + timedelta(days=3))
    shown = client.get(page).content.decode()
    assert f"booked {coming.local_start:%a, %b} {coming.local_start.day}, {coming.local_start:%H:%M}" in shown
    assert f"did not come on {missed.local_start:%a, %b} {missed.local_start.day}" in shown


def test_a_follow_up_says_what_time_has_passed(ward, client):
    now = current_time()
    ward.take_in(walter(), stay(ended=now - timedelta(days=20)), now=now)
    signed_in(client, ward.rosa)
    shown = client.get(reverse("pathways:follow_up", args=[ward.enrolment.pk])).content.decode()
    assert "not made by " in shown
    assert "none by " in shown
    assert shown.count("that time has passed") == 2


def test_an_attempt_says_on_the_page_and_on_the_loop_what_it_counts_for(ward, client):
    now = current_time()
    ward.take_in(walter(), stay(ended=now - timedelta(hours=20)), now=now)
    page, loop = reverse("pathways:follow_up", args=[ward.enrolment.pk]), f"/loops/{ward.enrolment.loop_id}/"
    signed_in(client, ward.rosa)
    for address in (page, loop):
        assert "attempts made" not in client.get(address).content.decode()
    for number, hours in enumerate((3, 1)):
        log_call(
            ward.rosa,
            patient=ward.walter,
            loop=ward.enrolment.loop,
            went=HowItWent(outcome="no_answer", details=CallDetails(started_at=now - timedelta(hours=hours))),
            idempotency_key=f"{number}",
            now=now,
        )
        for address in (page, loop):
            assert f"{number + 1} of 2 attempts made" in client.get(address).content.decode()
    assert "which counts as contact; keep trying. Next try " in client.get(page).content.decode()
    much_later = get_follow_up(ward.rosa, enrolment_id=ward.enrolment.pk, now=now + timedelta(days=9))
    assert (much_later.contact_passed, much_later.attempts) == (False, 2), "two attempts were the contact"


def test_pat_of_another_site_finds_nothing(ward, client):
    ward.take_in(walter(), stay())
    signed_in(client, ward.pat)
    assert client.get(reverse("pathways:follow_up", args=[ward.enrolment.pk])).status_code == 404
    change = reverse("pathways:complexity", args=[ward.enrolment.pk])
    assert client.post(change, {"complexity": "high"}).status_code == 404
    assert ward.enrolment.complexity == "moderate"


def test_the_desk_and_the_patients_page_lead_to_the_follow_up(ward, client):
    ward.take_in(walter(), stay())
    page, loop = reverse("pathways:follow_up", args=[ward.enrolment.pk]), f"/loops/{ward.enrolment.loop_id}/"
    signed_in(client, ward.rosa)
    for address in (loop, f"/patients/{ward.walter.pk}/"):
        assert f'href="{page}"' in client.get(address).content.decode()
    assert f'href="{page}"' in client.get(loop, headers={"HX-Request": "true"}).content.decode()


def test_the_clocks_of_a_follow_up_are_said_in_words(ward, client):
    ward.take_in(walter(), stay())
    signed_in(client, ward.rosa)
    page = client.get(f"/loops/{ward.enrolment.loop_id}/").content.decode()
    assert "Counted from the discharge, " in page
    assert page.count("Not counted: weekends, federal holidays.") == 1, "the visit's days are calendar days"
    assert "CPT 99495 and 99496, Medicare transitional care management" in page
    assert "encounter:" not in page
    assert "tcm.contact" not in page


def test_nobody_is_led_to_a_follow_up_that_they_do_not_see(ward):
    ward.take_in(walter(), stay())
    loop_id = ward.enrolment.loop_id
    assert follow_up_of_loops(ward.rosa, loop_ids=[loop_id], now=current_time()) == {loop_id: ward.enrolment.pk}
    assert follow_up_of_loops(ward.pat, loop_ids=[loop_id], now=current_time()) == {}
    assert follow_up_of_loops(ward.rosa, loop_ids=[], now=current_time()) == {}


SECOND = "A second separate try, at least an hour after the first, documents two attempts."
OUTSIDE = "is outside the two business days, so it doesn’t count for the rule"


def try_to_call(client, ward, **went):
    """Rosa opens the page of the call and finds nobody (or as it `went`): what the page said, and what she was told."""
    address = f"{reverse('inbox:call')}?loop={ward.enrolment.loop_id}"
    page = client.get(address).content.decode()
    said = {
        name: re.search(rf'name="{name}"[^>]*value="([^"]*)"|value="([^"]*)"[^>]*name="{name}"', page) for name in KEYS
    }
    form = {name: next(one for one in found.groups() if one is not None) for name, found in said.items()}
    form |= {"whom": "patient", "direction": "out", "outcome": "no_answer", **went}
    answer = client.post(address, form)
    assert answer.status_code == 302, answer.content.decode()
    return page, " ".join(str(message) for message in get_messages(answer.wsgi_request))


KEYS = ("idempotency_key", "started_at", "teach-TOTAL_FORMS", "teach-INITIAL_FORMS")


def test_two_attempts_are_promised_only_while_they_count(ward, client):
    now = current_time()
    ward.take_in(walter(), stay(ended=now - timedelta(hours=1)), now=now)
    signed_in(client, ward.rosa)
    first, told = try_to_call(client, ward)
    assert SECOND not in first + told
    second, told = try_to_call(client, ward)
    assert "1 of 2 attempts counts." in second
    assert SECOND in second
    assert OUTSIDE not in first + second + told
    third, _ = try_to_call(client, ward)
    assert "Counts as the same attempt" in told
    assert '<span class="l-count">2</span>' in third
    assert "1 of 2 attempts counts." in third, "two within the hour are one"
    assert SECOND in third


def test_after_the_two_business_days_it_is_said_that_a_try_counts_no_more(ward, client):
    now = current_time()
    ward.take_in(walter(), stay(ended=now - timedelta(days=12)), now=now)
    signed_in(client, ward.rosa)
    first, told = try_to_call(client, ward)
    assert OUTSIDE in first
    assert f"Call logged. It {OUTSIDE}" in told
    second, _ = try_to_call(client, ward)
    about_nothing = client.get(f"{reverse('inbox:call')}?patient={ward.walter.pk}").content.decode()
    for page in (second, about_nothing):
        assert OUTSIDE in page
        assert SECOND not in page


def test_a_talk_about_times_only_is_said_not_to_count_as_the_contact(ward, client):
    now = current_time()
    ward.take_in(walter(), stay(ended=now - timedelta(hours=1)), now=now)
    signed_in(client, ward.rosa)
    untold, unticked = "It does not count as the contact yet", "Without this tick the call does not count"
    first, told = try_to_call(client, ward, outcome="reached", said="Tuesday suits him")
    assert unticked in first
    assert untold in told
    assert "contact" not in ward.enrolment.loop.evidence_kinds
    _, told = try_to_call(client, ward, outcome="reached", said="He is well", clinical="on")
    assert untold not in told
    assert "Call logged." in told
    assert "contact" in ward.enrolment.loop.evidence_kinds
    again, told = try_to_call(client, ward, outcome="reached", said="Wednesday then")
    assert unticked not in again
    assert untold not in told


def test_a_follow_up_says_before_the_visit_is_booked_that_they_do_not_read_our_mail(ward, client):
    now = current_time()
    ward.take_in(walter(), stay(ended=now - timedelta(days=5)), now=now)
    page = reverse("pathways:follow_up", args=[ward.enrolment.pk])
    signed_in(client, ward.rosa)
    words = "go out in English; they read Vietnamese: tell them with an interpreter."
    assert words not in client.get(page).content.decode()
    with writes_open():
        patient = ward.enrolment.patient
        patient.written_language = "vi"
        patient.save()
        ContactPoint.objects.create(
            patient=patient,
            kind="email",
            value="w@example.org",
            value_key="w@example.org",
            may_email=True,
            added_at=now,
        )
    assert words in client.get(page).content.decode()
    ward.visit(now + timedelta(days=3))
    assert words not in client.get(page).content.decode()
