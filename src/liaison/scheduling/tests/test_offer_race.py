"""Two answers at once, from two connections: one patient gets the time."""

from __future__ import annotations

import pytest

from liaison.core.actor import system_actor
from liaison.core.refusals import Refusal
from liaison.scheduling import actions
from liaison.scheduling.models import Appointment, WaitlistEntry, WaitlistOffer
from liaison.scheduling.rules import OfferBy
from liaison.scheduling.tests.clinic import NOW, Clinic, open_clinic
from liaison.scheduling.tests.test_race import at_once, overlaps
from liaison.scheduling.tests.waiting import freed, join, someone, with_mail

LINK = system_actor("the patient, by link")


@pytest.fixture
def committed(transactional_db: None) -> Clinic:
    """The clinic as other connections see it, with one clinician at work."""
    clinic = open_clinic()
    actions.retire_resource(actor=clinic.marta, resource=clinic.okafor, now=NOW)
    return clinic


def answered(offer: WaitlistOffer) -> str:
    try:
        return actions.accept_offer(actor=LINK, offer=offer, now=NOW).state
    except Refusal as refusal:
        return refusal.code


def test_of_eight_who_accept_at_once_one_gets_the_time(committed: Clinic) -> None:
    people = [someone(committed, f"N{number}") for number in range(8)]
    with_mail(*people)
    waits = [join(committed, one) for one in people]
    opening = freed(committed)
    sent = actions.offer_to_several(
        actor=committed.rosa, opening=opening, entry_ids=[wait.pk for wait in waits], now=NOW
    )
    ended = at_once(lambda number: answered(sent.offers[number]))
    assert sorted(map(str, ended)) == ["accepted"] + ["scheduling.offer_over"] * 7
    assert Appointment.objects.filter(state="booked").count() == 1
    assert WaitlistEntry.objects.filter(state="filled").count() == 1
    assert WaitlistOffer.objects.filter(state="superseded").count() == 7
    assert overlaps() == 0


def test_one_who_presses_eight_times_at_once_books_once(committed: Clinic) -> None:
    later = committed.book("2026-03-20 10:00")
    wait = join(committed, moves_id=later.pk)
    offer = actions.offer_to_one(actor=committed.rosa, wait=wait, opening=freed(committed), by=OfferBy.PHONE, now=NOW)
    assert at_once(lambda _: answered(offer)) == ["accepted"] * 8
    assert sorted(Appointment.objects.values_list("state", flat=True)) == ["booked", "cancelled"]


def test_a_yes_and_the_end_of_the_offer_at_once_leave_one_answer(committed: Clinic) -> None:
    offer = actions.offer_to_one(
        actor=committed.rosa, wait=join(committed), opening=freed(committed), by=OfferBy.PHONE, now=NOW
    )

    def answer(number: int) -> object:
        if number % 2:
            return answered(offer)
        return actions.expire_offer(actor=LINK, offer_id=offer.pk, now=offer.expires_at)

    at_once(answer)
    offer.refresh_from_db()
    hold = Appointment.objects.get(pk=offer.hold_id)
    assert (offer.state, hold.state) in {("accepted", "booked"), ("expired", "cancelled")}
    assert hold.reservations.filter(active=True).exists() is (offer.state == "accepted")


def test_two_holds_of_one_time_at_once_leave_one(committed: Clinic) -> None:
    waits = [join(committed, someone(committed, f"N{number}")) for number in range(8)]
    opening = freed(committed)

    def hold(number: int) -> str:
        try:
            actions.offer_to_one(actor=committed.rosa, wait=waits[number], opening=opening, by=OfferBy.PHONE, now=NOW)
        except Refusal as refusal:
            return refusal.code
        return "held"

    assert sorted(map(str, at_once(hold))) == ["held"] + ["scheduling.no_longer_fits"] * 7
    assert overlaps() == 0
