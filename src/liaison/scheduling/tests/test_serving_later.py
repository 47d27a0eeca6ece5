"""A visit that was booked without saying what for is the one that somebody promised."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Stale
from liaison.loops.actions import give_up_loop, open_loop
from liaison.loops.models import Clock, Loop
from liaison.loops.ports import ClockToStart, Owner, Promise
from liaison.orders.models import Referral
from liaison.scheduling import actions, queries
from liaison.scheduling.models import Appointment
from liaison.scheduling.ports import CancelReason
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.test_screens import browser

START = "2026-03-03 10:00"
AFTER = local("2026-03-03 10:45")


def promise(clinic: Clinic, *, kind: str = "task", patient: object = None, title: str = "See Walter") -> Loop:
    clock = ClockToStart(
        rule_id="x", rule_version="1", step=title, anchor_event="e", anchor_at=NOW, due_at=AFTER,
        evidence="settled" if kind == "waitlist" else "",
    )  # fmt: skip
    return open_loop(
        clinic.rosa.as_liaison(),
        patient=patient or clinic.walter,
        promise=Promise(kind=kind, title=title, clocks=[clock]),
        owner=Owner(user_id=clinic.rosa.user_id),
        now=NOW,
    )


def serve(clinic: Clinic, visit: Appointment, loop_id: int, *, version: int | None = None) -> Appointment:
    return actions.serve_loop(
        actor=clinic.rosa, appointment=visit, loop_id=loop_id, expected_version=version, now=AFTER
    )


def offered(clinic: Clinic, loop_id: int | None, *, now: object = NOW) -> list[int]:
    found = queries.may_serve_loop(clinic.rosa, patient=clinic.walter, loop_id=loop_id, now=now)  # type: ignore[arg-type]
    return [one.appointment_id for one in found]


def test_a_visit_is_said_to_be_for_a_promise_once_and_audited(clinic: Clinic) -> None:
    visit, loop = clinic.book(START), promise(clinic)
    served = serve(clinic, visit, loop.pk, version=visit.version)
    assert (served.loop_id, served.version) == (loop.pk, visit.version + 1)
    assert AuditEntry.objects.filter(verb="scheduling.serve").count() == 1
    assert serve(clinic, visit, loop.pk, version=visit.version).version == served.version


def test_a_version_that_is_not_the_last_is_refused(clinic: Clinic) -> None:
    visit = clinic.book(START)
    with pytest.raises(Stale):
        serve(clinic, visit, promise(clinic).pk, version=visit.version + 1)


def test_a_visit_that_serves_something_else_stays_with_it(clinic: Clinic, referral: Referral) -> None:
    other, loop = promise(clinic, title="Other"), promise(clinic)
    visit = clinic.book(START, loop_id=other.pk)
    with pytest.raises(actions.CannotServe, match="something else"):
        serve(clinic, visit, loop.pk)
    of_referral = clinic.book("2026-03-04 10:00", referral_id=referral.pk, seats=clinic.seats(who=clinic.okafor))
    with pytest.raises(actions.CannotServe, match="something else"):
        serve(clinic, of_referral, loop.pk)


def test_a_visit_that_is_off_serves_nothing(clinic: Clinic) -> None:
    visit = clinic.book(START)
    actions.cancel_appointment(actor=clinic.rosa, appointment=visit, reason=CancelReason.WEATHER, now=NOW)
    with pytest.raises(actions.CannotServe, match="will not take place"):
        serve(clinic, visit, promise(clinic).pk)


def test_a_promise_that_ended_or_is_of_somebody_else_is_refused(clinic: Clinic) -> None:
    visit, loop = clinic.book(START), promise(clinic)
    give_up_loop(clinic.rosa, loop_id=loop.pk, reason="Not wanted", now=NOW)
    for loop_id in (loop.pk, promise(clinic, patient=clinic.ruth, title="See Ruth").pk):
        with pytest.raises(actions.CannotServe, match="has ended"):
            serve(clinic, visit, loop_id)
        assert offered(clinic, loop_id) == []


def test_a_referral_and_the_waitlist_are_arranged_on_their_own_pages(clinic: Clinic, referral: Referral) -> None:
    visit = clinic.book(START)
    for loop_id in (referral.loop_id or 0, promise(clinic, kind="waitlist").pk):
        with pytest.raises(actions.CannotServe, match="on the page"):
            serve(clinic, visit, loop_id)
        assert offered(clinic, loop_id) == []


def test_a_visit_that_was_booked_elsewhere_answers_for_a_missed_one(clinic: Clinic) -> None:
    actions.record_missed(actor=clinic.rosa, appointment=clinic.book(START), now=AFTER)
    loop = Loop.objects.get(kind="missed-visit")
    visit = clinic.book("2026-03-05 10:00", now=AFTER)
    serve(clinic, visit, loop.pk)
    loop.refresh_from_db()
    assert loop.state == "closed"


def test_visits_from_the_day_after_are_offered_while_none_is_booked_and_those_that_took_place(clinic: Clinic) -> None:
    clinic.book("2026-03-02 15:00")
    seen, ahead, other = clinic.book(START), clinic.book("2026-03-05 10:00"), clinic.book("2026-03-06 10:00")
    clinic.book("2026-04-06 10:00")
    loop = promise(clinic)
    actions.record_seen(actor=clinic.rosa, appointment=seen, now=AFTER)
    assert offered(clinic, loop.pk) == [seen.pk, ahead.pk, other.pk]
    serve(clinic, ahead, loop.pk)
    assert offered(clinic, loop.pk) == [seen.pk]
    assert offered(clinic, None) == []
    found = queries.may_serve_loop(clinic.adam, patient=clinic.walter, loop_id=loop.pk, now=NOW)
    assert list(found) == []


def take_back(clinic: Clinic, visit: Appointment, *, loop_id: int | None = None, **versions: int) -> Appointment:
    loop = Loop.objects.get(pk=loop_id or visit.loop_id)
    given = {"expected_version": visit.version, "loop_version": loop.version} | versions
    return actions.serve_no_more(actor=clinic.rosa, appointment=visit, loop_id=loop.pk, now=AFTER, **given)


def test_what_was_said_is_taken_back_once_and_audited(clinic: Clinic) -> None:
    visit, loop = clinic.book(START), promise(clinic)
    served = serve(clinic, visit, loop.pk)
    back = take_back(clinic, served)
    assert (back.loop_id, back.version) == (None, served.version + 1)
    assert AuditEntry.objects.filter(verb="scheduling.serve_no_more").count() == 1
    assert offered(clinic, loop.pk) == [visit.pk]
    assert take_back(clinic, served, loop_id=loop.pk).version == back.version


def test_a_missed_visit_that_another_answered_is_open_again(clinic: Clinic) -> None:
    actions.record_missed(actor=clinic.rosa, appointment=clinic.book(START), now=AFTER)
    loop = Loop.objects.get(kind="missed-visit")
    served = serve(clinic, clinic.book("2026-03-05 10:00", now=AFTER), loop.pk)
    assert served.loop is not None
    assert served.loop.state == "closed"
    take_back(clinic, served)
    loop.refresh_from_db()
    assert (loop.state, loop.evidence_kinds) == ("open", [])


def test_what_the_visit_or_the_promise_went_on_from_is_not_taken_back(clinic: Clinic, referral: Referral) -> None:
    visit, loop = clinic.book(START), promise(clinic)
    served = serve(clinic, visit, loop.pk)
    of_referral = clinic.book(
        "2026-03-04 10:00", loop_id=referral.loop_id, referral_id=referral.pk, seats=clinic.seats(who=clinic.okafor)
    )
    for one, more in (
        (served, {"expected_version": served.version + 1}),
        (served, {"loop_version": 0}),
        (served, {"loop_id": promise(clinic, title="Other").pk}),
        (of_referral, {}),
    ):
        with pytest.raises(actions.WentOn):
            take_back(clinic, one, **more)
    assert Appointment.objects.get(pk=visit.pk).loop_id == loop.pk


def test_a_promise_without_a_clock_is_looked_at_from_when_it_was_made(clinic: Clinic) -> None:
    visit, loop = clinic.book(START), promise(clinic)
    with writes_open():
        Clock.objects.filter(loop=loop).delete()
    assert offered(clinic, loop.pk) == [visit.pk]
    assert offered(clinic, loop.pk, now=NOW - timedelta(days=60)) == []


def test_rosa_says_so_where_she_would_have_booked_a_second_one(clinic: Clinic) -> None:
    visit, loop = clinic.book(START), promise(clinic)
    rosa = browser(clinic.rosa)
    page = rosa.get("/book/", {"patient": clinic.walter.pk, "loop": loop.pk}).content.decode()
    address = f"/appointments/{visit.pk}/serves/{loop.pk}/"
    assert "This is the visit" in page
    assert address in page
    assert "This is the visit" not in rosa.get("/book/", {"patient": clinic.walter.pk}).content.decode()
    assert address not in rosa.get(f"/appointments/{visit.pk}/move/").content.decode()
    answer = rosa.post(address, {"version": visit.version})
    assert answer.headers["Location"] == f"/loops/{loop.pk}/"
    visit.refresh_from_db()
    assert visit.loop_id == loop.pk
    assert browser(clinic.pat).post(address).status_code == 404
    back = re.search(r'data-undo-url="([^"]+)"', rosa.get(f"/loops/{loop.pk}/").content.decode())
    assert back is not None
    undo = back.group(1).replace("&amp;", "&")
    assert browser(clinic.pat).post(undo).status_code == 404
    assert rosa.post(undo.split("?")[0]).status_code == 409
    answer = rosa.post(undo, HTTP_HX_REQUEST="true")
    assert "Taken back" in answer.headers["HX-Trigger"]
    visit.refresh_from_db()
    assert visit.loop_id is None
