"""Walter said that he can't come, and then the day is planned anew: somebody still asks him what suits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from liaison.core.postgres.guard import writes_open
from liaison.inbox.models import Message
from liaison.loops.models import Loop
from liaison.patients.models import ContactPoint
from liaison.scheduling import actions
from liaison.scheduling.models import Appointment
from liaison.scheduling.ports import CancelReason, Span
from liaison.scheduling.queries.answers import says_no, those_after, those_before
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.replying import answers, sent
from liaison.scheduling.tests.series import book as book_series
from liaison.scheduling.tests.test_replan_screens import asked, options
from liaison.scheduling.tests.test_replanning import apply, order_of, plan
from liaison.scheduling.tests.test_screens import browser, clock, page

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def declined(clinic: Clinic) -> Appointment:
    """Walter's visit on Tuesday at ten with Dr Imani, which his calendar declined."""
    with writes_open():
        ContactPoint.objects.create(
            patient=clinic.walter, kind="email", value="Walter@example.org", value_key="walter@example.org",
            may_email=True, added_at=NOW,
        )  # fmt: skip
    visit = clinic.book("2026-03-03 10:00")
    answers(sent(), "DECLINED")
    return visit


def promise() -> Loop:
    return Loop.objects.get(kind="cant-come")


def moved_by_plan(clinic: Clinic, visit: Appointment) -> Appointment:
    """A person chose the first time that the plan offers all the same."""
    (line,) = plan(clinic).lines
    found = plan(clinic, chosen={visit.pk: line.others[0].picked})
    moved = apply(clinic, order_of(clinic, found)).displaced.get().moved_to
    assert moved is not None
    return moved


def by_hand(clinic: Clinic, visit: Appointment, start: str = "2026-03-10 10:00") -> Appointment:
    order = clinic.order(start, key=f"by hand {start}", seats=clinic.seats(who=clinic.okafor))
    return actions.move_appointment(
        actor=clinic.rosa, appointment=visit, order=order, reason=CancelReason.PATIENT, now=LATER
    )


def test_the_plan_gives_them_no_time_by_itself_but_a_person_may(clinic: Clinic, declined: Appointment) -> None:
    (line,) = plan(clinic).lines
    assert (line.says_no, line.proposed, line.was_chosen) == (True, None, False)
    assert line.others
    (line,) = plan(clinic, chosen={declined.pk: line.others[0].picked}).lines
    assert (line.says_no, line.was_chosen) == (True, True)
    gone = (local("2026-03-03 03:00"), frozenset({("clinician", clinic.okafor.pk)}))
    (line,) = plan(clinic, chosen={declined.pk: gone}).lines
    assert (line.proposed, line.is_gone) == (None, True)


def test_who_agreed_that_the_visit_stands_is_moved_like_the_others(clinic: Clinic, declined: Appointment) -> None:
    actions.settle_with_patient(actor=clinic.rosa, appointment=declined, now=NOW)
    (line,) = plan(clinic).lines
    assert (line.says_no, line.proposed is not None) == (False, True)


def test_the_page_says_so_and_proposes_a_call(clinic: Clinic, declined: Appointment, settings: Any) -> None:
    clock(settings, NOW)
    html = page(browser(clinic.rosa).get("/calendar/replan/", asked(clinic)))
    assert "says they can’t come: ask first" in html
    assert options(html)[f"pick-{declined.pk}"][-1] == ("call", True, "Don’t move it: call")


def test_a_time_that_only_the_plan_gave_keeps_the_promise_to_ask(clinic: Clinic, declined: Appointment) -> None:
    moved = moved_by_plan(clinic, declined)
    assert promise().state == "open"
    assert those_before([moved.pk])[moved.pk] == [moved.pk, declined.pk]
    assert those_after([declined.pk]) == {declined.pk, moved.pk}
    assert says_no([moved.pk])
    by_hand(clinic, moved)
    assert promise().state == "closed"


def test_who_says_yes_to_the_time_of_the_plan_need_not_be_asked(clinic: Clinic, declined: Appointment) -> None:
    moved = moved_by_plan(clinic, declined)
    answers(sent(Message.objects.get(idempotency_key__startswith=f"visit:{moved.pk}:")), at=LATER, now=LATER)
    assert promise().state == "closed"
    assert not says_no([moved.pk])


def test_who_is_called_and_gets_another_time_was_asked(clinic: Clinic, declined: Appointment) -> None:
    apply(clinic)
    assert promise().state == "open"
    moved = by_hand(clinic, declined)
    assert promise().state == "closed"
    assert those_before([moved.pk])[moved.pk] == [moved.pk]


def test_another_visit_of_the_same_answer_leaves_the_one_that_the_plan_moved_to_be_asked(
    clinic: Clinic, declined: Appointment
) -> None:
    actions.cancel_appointment(actor=clinic.rosa, appointment=declined, reason=CancelReason.PATIENT, now=NOW)
    series = book_series(clinic)
    answers(sent(), "DECLINED", at=LATER, now=LATER)
    loop = Loop.objects.open().get(kind="cant-come")
    first, *others = [row.appointment for row in series.visits.order_by("position") if row.appointment]
    during = Span(first.start_at - timedelta(hours=1), first.end_at + timedelta(hours=1))
    (line,) = plan(clinic, during=during, now=LATER).lines
    found = plan(clinic, during=during, chosen={first.pk: line.others[0].picked}, now=LATER)
    apply(clinic, order_of(clinic, found, during=during), now=LATER)
    for visit in others:
        actions.cancel_appointment(actor=clinic.rosa, appointment=visit, reason=CancelReason.PATIENT, now=LATER)
    loop.refresh_from_db()
    assert loop.state == "open"
