"""Dr Imani's own calendar reads her visits at a secret address: the minimum, and only while she may see them."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from icalendar import Calendar, Event

from liaison.accounts.access import Role
from liaison.accounts.actions import deactivate_person, reactivate_person
from liaison.accounts.models import User
from liaison.core.actor import Actor, system_actor
from liaison.core.logs import Formatter
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, StepUpNeeded
from liaison.directory.models import Practitioner
from liaison.gateways.ical.feed import FeedWriter
from liaison.scheduling import actions, ports, queries
from liaison.scheduling.models import Appointment, CalendarFeed
from liaison.scheduling.ports import CancelReason, DutyStatus, State
from liaison.scheduling.rules import duty_status, duty_uid
from liaison.scheduling.tests.clinic import NOW, Clinic, person
from liaison.scheduling.tests.test_screens import browser, clock, page

START = "2026-03-10 10:00"


@pytest.fixture(autouse=True)
def _monday(settings: Any) -> None:
    clock(settings, NOW)
    settings.LIAISON_PUBLIC_URL = "https://care.example"


@pytest.fixture
def imani(clinic: Clinic) -> Actor:
    """Dr Imani, who proved just now who she is."""
    with writes_open():
        her = person("Imani", Role.CLINICIAN, clinic.site)
        Practitioner.objects.filter(name="Dr Imani").update(user=her.user_id)
    return replace(her, stepped_up_until=NOW + timedelta(minutes=5))


def secret_of(imani: Actor, *, now: datetime = NOW) -> str:
    return actions.make_feed(actor=imani, now=now)


def read(secret: str, **headers: str) -> Any:
    return Client(headers=headers).get(f"/feed/{secret}.ics")


def events(secret: str) -> list[Event]:
    answer = read(secret)
    assert answer.status_code == 200
    return Calendar.from_ical(answer.content).walk("VEVENT")


def user_of(actor: Actor) -> User:
    return User.objects.get(pk=actor.user_id)


# --- what stands in it --------------------------------------------------------------------------------------------


def test_a_visit_is_there_without_anything_of_the_patient(clinic: Clinic, imani: Actor) -> None:
    visit = clinic.book(START, note="chest pain")
    answer = read(secret_of(imani))
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (visit.start_at, visit.end_at)
    assert (event["SUMMARY"], event["LOCATION"]) == ("Follow-up", "Room 1, Riverside North")
    assert (event["STATUS"], event["CLASS"], event["TRANSP"]) == ("CONFIRMED", "PRIVATE", "OPAQUE")
    assert event["URL"] == f"https://care.example/appointments/{visit.pk}/"
    text = answer.content.decode()
    for word in ("Walter", "Ng", "W.N.", "chest", visit.ical_uid, "ATTENDEE", "METHOD"):
        assert word not in text.replace("STATUS:", ""), word
    assert not AuditEntry.objects.filter(outcome="seen").exists(), "No patient was seen."


def test_only_her_own_visits_are_there(clinic: Clinic, imani: Actor) -> None:
    clinic.book(START, seats=clinic.seats(who=clinic.okafor, room=clinic.other_room))
    assert not events(secret_of(imani))


def test_a_cancelled_visit_says_so_and_a_moved_one_stays_the_same_event(clinic: Clinic, imani: Actor) -> None:
    secret = secret_of(imani)
    first, second = clinic.book(START), clinic.book("2026-03-11 10:00", patient=clinic.ruth)
    before = {event["UID"]: event["SEQUENCE"] for event in events(secret)}
    actions.cancel_appointment(actor=clinic.rosa, appointment=first, reason=CancelReason.PATIENT, now=NOW)
    moved = actions.move_appointment(
        actor=clinic.rosa, appointment=second, order=clinic.order("2026-03-12 14:00"), reason=CancelReason.PATIENT,
        now=NOW,
    )  # fmt: skip
    after = {event["UID"]: event for event in events(secret)}
    assert before.keys() == after.keys()
    off, on = after[duty_uid(first.ical_uid)], after[duty_uid(second.ical_uid)]
    assert (off["STATUS"], off["TRANSP"]) == ("CANCELLED", "TRANSPARENT")
    assert (on["STATUS"], on["DTSTART"].dt) == ("CONFIRMED", moved.start_at)
    assert all(after[uid]["SEQUENCE"] > sequence for uid, sequence in before.items())


def test_what_went_to_a_colleague_is_off_in_her_calendar(clinic: Clinic, imani: Actor) -> None:
    visit = clinic.book(START)
    order = clinic.order(START, key="another", seats=clinic.seats(who=clinic.okafor))
    actions.move_appointment(actor=clinic.rosa, appointment=visit, order=order, reason=CancelReason.PROVIDER, now=NOW)
    (event,) = events(secret_of(imani))
    assert event["STATUS"] == "CANCELLED"


def test_it_goes_from_thirty_days_ago_to_the_horizon(clinic: Clinic, imani: Actor, settings: Any) -> None:
    visit = clinic.book(START)
    secret = secret_of(imani)
    for days, found in ((29, 1), (31, 0), (-100, 1), (-125, 0)):
        clock(settings, visit.end_at + timedelta(days=days))
        assert len(events(secret)) == found, days


def test_each_state_is_as_sure_as_calendars_can_say() -> None:
    assert duty_status(State.PENDING) is DutyStatus.TENTATIVE
    assert duty_status(State.ENTERED_IN_ERROR) is DutyStatus.CANCELLED
    assert {duty_status(state) for state in (State.BOOKED, State.FULFILLED, State.NO_SHOW)} == {DutyStatus.CONFIRMED}


def test_a_visit_from_afar_says_how(clinic: Clinic, imani: Actor) -> None:
    visit = clinic.book(START)
    with writes_open():
        Appointment.objects.filter(pk=visit.pk).update(modality="video")
    (event,) = events(secret_of(imani))
    assert event["LOCATION"].startswith("Video, ") or event["LOCATION"].startswith("By video, ")


def test_only_sites_where_she_is_a_clinician_are_there(clinic: Clinic, imani: Actor) -> None:
    clinic.book(START)
    secret = secret_of(imani)
    her = user_of(imani)
    with writes_open():
        her.assignments.update(site=clinic.other_site)
    assert not events(secret)
    with writes_open():
        her.assignments.update(site=None)
    assert len(events(secret)) == 1


# --- how programs read it -----------------------------------------------------------------------------------------


def test_what_did_not_change_is_not_sent_again(clinic: Clinic, imani: Actor) -> None:
    clinic.book(START)
    secret = secret_of(imani)
    first = read(secret)
    etag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "private, no-cache"
    same = read(secret, If_None_Match=etag)
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", etag)
    clinic.book("2026-03-12 10:00", patient=clinic.ruth)
    assert read(secret, If_None_Match=etag).status_code == 200
    assert Client().head(f"/feed/{secret}.ics").status_code == 200
    assert Client().post(f"/feed/{secret}.ics").status_code == 405
    assert not first.cookies


# --- who may ------------------------------------------------------------------------------------------------------


def test_a_wrong_address_is_a_plain_404(clinic: Clinic, imani: Actor) -> None:
    secret = secret_of(imani)
    for wrong in ("x", secret[:-1], secret + "x", secret.swapcase(), "é"):
        answer = read(wrong)
        assert (answer.status_code, answer.content) == (404, b"Not found.\n")
        assert answer.headers["Content-Type"] == "text/plain"
    assert not AuditEntry.objects.filter(outcome="refused").exists()


def test_a_new_address_ends_the_old_one_and_ending_it_leaves_none(clinic: Clinic, imani: Actor) -> None:
    old = secret_of(imani)
    new = secret_of(imani)
    assert (read(old).status_code, read(new).status_code) == (404, 200)
    assert queries.own_feed(imani).made_at == NOW
    assert actions.end_feed(actor=imani, now=NOW)
    assert not actions.end_feed(actor=imani, now=NOW)
    assert read(new).status_code == 404
    verbs = list(AuditEntry.objects.filter(verb__contains="_feed").order_by("pk").values_list("verb", flat=True))
    assert verbs == ["scheduling.make_feed"] * 2 + ["scheduling.end_feed"] * 2


def test_who_can_not_sign_in_loses_it_for_good(clinic: Clinic, imani: Actor) -> None:
    secret = secret_of(imani)
    adam = replace(clinic.adam, stepped_up_until=NOW + timedelta(minutes=5))
    deactivate_person(actor=adam, person=user_of(imani), now=NOW)
    assert read(secret).status_code == 404
    assert not CalendarFeed.objects.in_force().exists()
    reactivate_person(actor=adam, person=user_of(imani), now=NOW)
    assert read(secret).status_code == 404


def test_somebody_without_an_address_is_closed_all_the_same(clinic: Clinic, imani: Actor) -> None:
    adam = replace(clinic.adam, stepped_up_until=NOW + timedelta(minutes=5))
    deactivate_person(actor=adam, person=user_of(imani), now=NOW)
    assert not AuditEntry.objects.filter(verb="scheduling.end_feed").exists()


@pytest.mark.parametrize("lost", ["role", "account", "password"])
def test_who_may_not_look_now_reads_nothing_now(clinic: Clinic, imani: Actor, lost: str) -> None:
    secret, her = secret_of(imani), user_of(imani)
    with writes_open():
        if lost == "role":
            her.assignments.update(ends_at=NOW)
        elif lost == "account":
            her.is_active, her.deactivated_at = False, NOW
            her.save()
        else:
            her.must_change_password = True
            her.save()
    assert read(secret).status_code == 404


def test_an_address_is_for_clinicians_in_person_with_a_fresh_proof(clinic: Clinic, imani: Actor) -> None:
    with pytest.raises(StepUpNeeded):
        actions.make_feed(actor=replace(imani, stepped_up_until=None), now=NOW)
    with pytest.raises(Forbidden):
        actions.make_feed(actor=clinic.rosa, now=NOW)
    with pytest.raises(Forbidden):
        actions.make_feed(actor=system_actor("somebody"), now=NOW)
    with pytest.raises(Forbidden):
        queries.own_feed(clinic.rosa)
    with writes_open():
        Practitioner.objects.update(user=None)
    with pytest.raises(actions.WhichClinician):
        secret_of(imani)
    assert queries.own_feed(imani).clinician == ""


def test_the_database_keeps_one_address_in_force(clinic: Clinic, imani: Actor) -> None:
    secret_of(imani)
    with pytest.raises(IntegrityError), writes_open(), transaction.atomic():
        CalendarFeed.objects.create(user_id=imani.user_id, secret_hash="0" * 64, made_at=NOW)


# --- where the secret does not stand ------------------------------------------------------------------------------


def test_the_secret_is_in_no_row_and_no_log(clinic: Clinic, imani: Actor) -> None:
    secret = secret_of(imani)
    browser(clinic.rosa).get(f"/feed/{secret}x.ics")
    browser(imani).get(f"/feed/{secret}.ics")
    rows = [str(entry.__dict__) for entry in AuditEntry.objects.all()]
    rows += [str(feed.__dict__) for feed in CalendarFeed.objects.all()]
    assert not any(secret in row for row in rows)
    record = logging.LogRecord(
        "django.request", logging.ERROR, "x", 1, "Internal Server Error: %s", (f"/feed/{secret}.ics",), None
    )
    line = Formatter("%(message)s").format(record)
    assert json.loads(line)["message"] == "Internal Server Error: /feed/***"


def test_an_offers_token_is_in_no_audit_entry(clinic: Clinic) -> None:
    browser(clinic.rosa).get("/offer/1:forged/")
    entry = AuditEntry.objects.get(outcome="refused")
    assert entry.details == {"view": "scheduling:answer", "of": {}}


# --- the screens --------------------------------------------------------------------------------------------------


def proved(actor: Actor) -> Client:
    """A browser whose person signed in just now."""
    client = browser(actor)
    session = client.session
    at = datetime.now(UTC).timestamp()
    session["account_authentication_methods"] = [{"method": "password", "at": at}]
    session.save()
    return client


def test_she_makes_it_reads_it_once_and_ends_it(clinic: Clinic, imani: Actor) -> None:
    client = proved(imani)
    assert "/calendar/mine/" in page(client.get("/account/"))
    first = page(client.get("/calendar/mine/"))
    assert "Make an address" in first
    assert "No name, no initials" in first
    made = client.post("/calendar/mine/make/")
    assert "no-store" in made.headers["Cache-Control"]
    address = page(made).split("https://care.example/feed/")[1].split(".ics")[0]
    assert f"webcal://care.example/feed/{address}.ics" in page(made)
    assert read(address).status_code == 200
    again = page(client.get("/calendar/mine/"))
    assert address not in again
    assert "Make a new address" in again
    assert client.post("/calendar/mine/end/").status_code == 302
    assert read(address).status_code == 404
    assert "There was no address." in page(client.post("/calendar/mine/end/", follow=True))


def test_who_is_no_clinician_has_no_such_page(clinic: Clinic, imani: Actor) -> None:
    assert "/calendar/mine/" not in page(browser(clinic.rosa).get("/account/"))
    assert browser(clinic.rosa).get("/calendar/mine/").status_code == 403
    with writes_open():
        Practitioner.objects.update(user=None)
    assert "does not know which clinician you are" in page(browser(imani).get("/calendar/mine/"))


def test_without_a_gateway_there_is_no_calendar(clinic: Clinic, imani: Actor) -> None:
    secret = secret_of(imani)
    ports.unregister_feed_writers()
    try:
        assert read(secret).status_code == 404
    finally:
        ports.register_feed_writer(FeedWriter)
