"""Whether coming visits can take place, what follows when not, and who sees it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from liaison.accounts.models import Assignment, Team
from liaison.core.actor import system_actor
from liaison.core.calendars import FEDERAL
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.directory.models import Practitioner
from liaison.inbox.actions import confirm_not_arrived
from liaison.inbox.models import Message
from liaison.inbox.models.messages import FailureKind
from liaison.inbox.queries import loops_instead
from liaison.loops.actions import add_evidence, close_loop, find_owners, give_up_loop
from liaison.loops.models import Loop
from liaison.orders.actions import cancel_referral, decline_referral
from liaison.orders.models import Referral
from liaison.patients.actions import mark_deceased
from liaison.scheduling import actions, jobs, queries
from liaison.scheduling.models import Appointment, Blocker, VisitType
from liaison.scheduling.ports import CancelReason, Override, Span
from liaison.scheduling.rules import (
    Finding,
    OfferBy,
    Standing,
    by_code,
    due_of,
    in_order,
    last_safe_day,
    overall,
)
from liaison.scheduling.tests.clinic import NEW_YORK, NOW, Clinic, local
from liaison.scheduling.tests.test_screens import browser, clock, page
from liaison.scheduling.tests.waiting import freed, join, with_mail

LIAISON = system_actor("readiness")
START = "2026-03-05 10:00"


def finding(code: str, standing: Standing, **more: Any) -> Finding:
    return Finding(code=code, standing=standing, sentence=code, **more)


def said(clinic: Clinic, code: str, *, now: datetime = NOW) -> Finding:
    """What one check says of Walter's visit."""
    (row,) = Appointment.objects.filter(state__in=["booked", "pending"])
    (found,) = [one for one in queries.readiness_of([row], now=now)[row.pk].findings if one.code == code]
    return found


def check(now: datetime = NOW) -> int:
    return actions.check_coming(actor=LIAISON, now=now)


def close_room(clinic: Clinic) -> Any:
    span = Span(local("2026-03-05 09:00"), local("2026-03-05 12:00"))
    return actions.close_time(actor=clinic.marta, of=clinic.room, during=span, reason="Painting", now=NOW)


# --- rules --------------------------------------------------------------------------------------------------------


def test_the_worst_finding_stands_for_the_visit() -> None:
    ready, unknown, blocked = (finding(one.value, one) for one in (Standing.READY, Standing.UNKNOWN, Standing.BLOCKED))
    assert overall([]) is Standing.READY
    assert overall([ready, unknown]) is Standing.UNKNOWN
    assert overall([unknown, blocked, ready]) is Standing.BLOCKED


def test_the_worst_stands_first_then_what_can_be_mended_the_shortest() -> None:
    soon = finding("z", Standing.BLOCKED, safe_until=NOW)
    later = finding("a", Standing.BLOCKED, safe_until=NOW + timedelta(days=1))
    whenever = finding("b", Standing.BLOCKED)
    ready = finding("c", Standing.READY)
    assert in_order([ready, whenever, later, soon]) == (soon, later, whenever, ready)


def test_of_one_check_the_most_pressing_counts() -> None:
    soon = finding("x", Standing.BLOCKED, safe_until=NOW)
    later = finding("x", Standing.BLOCKED, safe_until=NOW + timedelta(days=1))
    assert by_code([later, soon, finding("y", Standing.UNKNOWN)]) == {"x": soon}


def test_the_last_safe_day_skips_weekends_and_holidays() -> None:
    monday = datetime(2026, 3, 9, 9, tzinfo=NEW_YORK)
    safe = last_safe_day(monday, zone=NEW_YORK, business_days=1, calendar=FEDERAL)
    assert safe.astimezone(NEW_YORK).date() == date(2026, 3, 6)


def test_a_blocker_is_due_while_it_can_be_mended_else_within_the_hour() -> None:
    start = NOW + timedelta(days=2)
    assert due_of(finding("x", Standing.BLOCKED), start=start, now=NOW) == start
    assert due_of(finding("x", Standing.BLOCKED, safe_until=start + timedelta(1)), start=start, now=NOW) == start
    past = finding("x", Standing.BLOCKED, safe_until=NOW - timedelta(hours=1))
    assert due_of(past, start=start, now=NOW) == NOW + timedelta(hours=1)


# --- what scheduling knows ----------------------------------------------------------------------------------------


def test_a_visit_with_everything_in_order_is_ready(clinic: Clinic) -> None:
    with_mail(clinic.walter)
    visit = clinic.book(START)
    readiness = queries.readiness_of([visit], now=NOW)[visit.pk]
    assert (readiness.standing, readiness.troubles) == (Standing.READY, ())


def test_a_room_that_is_closed_then_blocks(clinic: Clinic) -> None:
    clinic.book(START)
    close_room(clinic)
    found = said(clinic, "scheduling.resources")
    assert (found.standing, found.sentence) == (Standing.BLOCKED, "Room 1 is closed then")
    assert found.safe_until is not None
    assert found.safe_until.astimezone(NEW_YORK).date() == date(2026, 3, 4)


def test_somebody_who_left_or_works_no_more_then_blocks(clinic: Clinic) -> None:
    clinic.book(START)
    actions.retire_resource(actor=clinic.marta, resource=clinic.room, now=NOW)
    actions.set_hours(actor=clinic.marta, resource=clinic.imani, hours=[], now=NOW)
    sentence = said(clinic, "scheduling.resources").sentence
    assert sentence == "Dr Imani does not work there then; Room 1 is out of service"


def test_hours_that_were_overridden_on_purpose_do_not_block(clinic: Clinic) -> None:
    clinic.book("2026-03-05 18:00", actor=clinic.marta, override=Override(reason="He works until six"))
    assert said(clinic, "scheduling.resources").standing is Standing.READY


def test_without_resources_nothing_is_missing(clinic: Clinic) -> None:
    visit = clinic.book(START)
    with writes_open():
        visit.reservations.all().delete()
    assert said(clinic, "scheduling.resources").standing is Standing.READY


@pytest.mark.parametrize(
    ("state", "standing"),
    [
        ("queued", Standing.READY),
        ("sent", Standing.READY),
        ("failed", Standing.BLOCKED),
    ],
)
def test_the_patient_was_told_or_not(clinic: Clinic, state: str, standing: Standing) -> None:
    with_mail(clinic.walter)
    clinic.book(START)
    message = Message.objects.get()
    with writes_open():
        if state == "sent":
            Message.objects.update(state="sent", sent_at=NOW, next_attempt_at=None)
        if state == "failed":
            message.fail(kind=FailureKind.LOST, now=NOW, reply="")
            message.save()
    assert said(clinic, "scheduling.told").standing is standing


def test_without_mail_nobody_knows_whether_they_know(clinic: Clinic) -> None:
    clinic.book(START)
    assert said(clinic, "scheduling.told").standing is Standing.UNKNOWN


def test_a_failed_message_is_seen_to_by_its_own_loop_until_they_were_reached(clinic: Clinic) -> None:
    with_mail(clinic.walter)
    clinic.book(START)
    message = Message.objects.get()
    with writes_open():
        Message.objects.update(state="sent", sent_at=NOW, next_attempt_at=None)
    confirm_not_arrived(clinic.rosa, message_id=message.pk, now=NOW)
    from liaison.inbox.actions.failures import open_failed_loop

    message.refresh_from_db()
    loop = Loop.objects.filter(about_type="inbox.message").first() or open_failed_loop(
        LIAISON, message=message, kind="permanent", now=NOW
    )
    assert loop is not None
    found = said(clinic, "scheduling.told")
    assert (found.standing, found.kept_by) == (Standing.BLOCKED, loop.pk)
    check()
    assert not Loop.objects.filter(kind="not-ready").exists()
    blocker = Blocker.objects.get()
    assert blocker.loop_id is None
    called_instead(loop)
    assert said(clinic, "scheduling.told").standing is Standing.READY
    check()
    blocker.refresh_from_db()
    assert blocker.cleared_why == "The check passes"


def called_instead(loop: Loop) -> None:
    for kind in loop.kind_info.required_evidence:
        add_evidence(LIAISON, loop_id=loop.pk, kind=kind, note="Called", now=NOW)
    if Loop.objects.get(pk=loop.pk).state == "open":
        close_loop(LIAISON, loop_id=loop.pk, now=NOW)


def test_who_could_not_be_written_to_is_told_in_a_call(clinic: Clinic) -> None:
    clinic.book(START)
    loop = Loop.objects.get(once_key__startswith="untold:")
    found = said(clinic, "scheduling.told")
    assert (found.standing, found.kept_by) == (Standing.UNKNOWN, loop.pk)
    called_instead(loop)
    assert said(clinic, "scheduling.told").standing is Standing.READY


def test_who_was_told_in_a_language_they_do_not_read_is_called_with_an_interpreter(clinic: Clinic) -> None:
    with_mail(clinic.walter, language="vi")
    clinic.book(START)
    loop = Loop.objects.get(once_key__startswith="untold:")
    with writes_open():
        Message.objects.update(state="sent", sent_at=NOW, next_attempt_at=None)
    found = said(clinic, "scheduling.told")
    assert (found.standing, found.kept_by) == (Standing.UNKNOWN, loop.pk)
    assert found.sentence == "Told in English, they read Vietnamese"
    assert found.next_step == "Call with an interpreter for Vietnamese and say when the visit is"
    called_instead(loop)
    found = said(clinic, "scheduling.told")
    assert (found.standing, found.sentence) == (Standing.READY, "The patient was reached another way")
    with writes_open():
        Loop.objects.update(state="given_up", given_up_reason="They moved away")
    assert (said(clinic, "scheduling.told").standing, said(clinic, "scheduling.told").kept_by) == (
        Standing.UNKNOWN, None,
    )  # fmt: skip
    with writes_open():
        Loop.objects.all().update(once_key=None, about_id=0)
    assert said(clinic, "scheduling.told").standing is Standing.UNKNOWN, "no promise at all"


def test_a_call_that_came_before_the_news_says_nothing_of_it(clinic: Clinic) -> None:
    clinic.book(START)
    called_instead(Loop.objects.get(once_key__startswith="untold:"))
    with writes_open():
        Loop.objects.update(about_id=0)
    assert said(clinic, "scheduling.told").standing is Standing.READY, "the patient's loop, though not of this message"
    with writes_open():
        Message.objects.update(ended_at=NOW + timedelta(hours=2))
    assert said(clinic, "scheduling.told").standing is Standing.UNKNOWN


def test_the_call_about_another_patient_says_nothing(clinic: Clinic) -> None:
    clinic.book(START)
    clinic.book("2026-03-03 11:00", patient=clinic.ruth)
    walters, ruths = Message.objects.get(patient=clinic.walter), Message.objects.get(patient=clinic.ruth)
    found = loops_instead([walters, ruths])
    assert {pk: loop.patient_id for pk, loop in found.items()} == {
        walters.pk: clinic.walter.pk,
        ruths.pk: clinic.ruth.pk,
    }


def test_a_language_needs_somebody_who_speaks_it(clinic: Clinic) -> None:
    with writes_open():
        clinic.walter.interpreter_needed, clinic.walter.spoken_language = True, "es-MX"
        clinic.walter.save()
    clinic.book(START)
    found = said(clinic, "scheduling.language")
    assert (found.standing, found.sentence) == (Standing.UNKNOWN, "Nobody who is known to speak Spanish is booked")
    with writes_open():
        Practitioner.objects.filter(name="Dr Imani").update(languages="en, es")
    assert said(clinic, "scheduling.language").standing is Standing.READY


def test_a_referral_that_ended_blocks_and_one_that_stands_does_not(clinic: Clinic, referral: Referral) -> None:
    clinic.book(START, referral_id=referral.pk, seats=clinic.seats(who=clinic.okafor))
    assert said(clinic, "scheduling.referral").standing is Standing.READY
    decline_referral(clinic.rosa, referral_id=referral.pk, reason="No room", now=NOW)
    assert said(clinic, "scheduling.referral").standing is Standing.BLOCKED


def test_a_kind_that_needs_a_referral_and_has_none_blocks(clinic: Clinic) -> None:
    clinic.book(START)
    with writes_open():
        VisitType.objects.update(referral_needed=True)
    assert said(clinic, "scheduling.referral").sentence == "This kind of visit needs a referral and has none"


def test_the_dead_are_not_expected(clinic: Clinic) -> None:
    clinic.book(START)
    with writes_open():
        clinic.walter.is_deceased = True
        clinic.walter.save()
    assert said(clinic, "scheduling.patient").standing is Standing.BLOCKED


def test_a_visit_that_is_over_or_off_is_not_looked_at(clinic: Clinic) -> None:
    visit = clinic.book(START)
    assert queries.readiness_of([visit], now=visit.end_at) == {}
    actions.cancel_appointment(actor=clinic.rosa, appointment=visit, reason=CancelReason.PATIENT, now=NOW)
    visit.refresh_from_db()
    assert queries.readiness_of([visit], now=NOW) == {}


def test_many_visits_are_checked_with_as_many_queries_as_one(
    clinic: Clinic, django_assert_max_num_queries: Any
) -> None:
    rows = [clinic.book(f"2026-03-{day:02d} 10:00") for day in range(3, 7)]
    with CaptureQueriesContext(connection) as one:
        queries.readiness_of(rows[:1], now=NOW)
    with django_assert_max_num_queries(len(one)):
        assert len(queries.readiness_of(rows, now=NOW)) == 4


# --- blockers and their loops -------------------------------------------------------------------------------------


def test_a_blocker_opens_a_loop_once_and_closes_it_when_the_check_passes(clinic: Clinic) -> None:
    clinic.book(START)
    closure = close_room(clinic)
    assert check() == 1
    check()
    loop = Loop.objects.get(kind="not-ready")
    assert loop.title == "Walter’s visit on March 5: Room 1 is closed then"
    assert (loop.owner_user_id, loop.next_step) == (
        clinic.rosa.user_id,
        "Move the visit, or give it another room or person",
    )
    assert loop.due_at.astimezone(NEW_YORK).date() == date(2026, 3, 4)
    assert AuditEntry.objects.filter(verb="scheduling.check", patient_ids=[clinic.walter.pk]).exists()
    actions.open_time(actor=clinic.marta, closure=closure, now=NOW)
    check()
    loop.refresh_from_db()
    blocker = Blocker.objects.get()
    assert (loop.state, blocker.cleared_why) == ("closed", "The check passes")


def test_what_comes_back_is_a_new_promise(clinic: Clinic) -> None:
    clinic.book(START)
    for _ in range(2):
        closure = close_room(clinic)
        check()
        actions.open_time(actor=clinic.marta, closure=closure, now=NOW)
        check()
    assert sorted(Loop.objects.filter(kind="not-ready").values_list("state", flat=True)) == ["closed", "closed"]


def test_when_it_says_something_else_the_loop_does_too(clinic: Clinic) -> None:
    clinic.book(START)
    close_room(clinic)
    check()
    actions.retire_resource(actor=clinic.marta, resource=clinic.room, now=NOW)
    check()
    assert Blocker.objects.get().sentence == "Room 1 is out of service"
    loop = Loop.objects.get(kind="not-ready")
    assert loop.clocks.count() == 2
    give_up_loop(clinic.rosa, loop_id=loop.pk, reason="Known", now=NOW)
    actions.return_resource(actor=clinic.marta, resource=clinic.room, now=NOW)
    check()
    assert Blocker.objects.get().sentence == "Room 1 is closed then"


def test_the_loop_of_a_visit_that_is_cancelled_is_given_up(clinic: Clinic) -> None:
    visit = clinic.book(START)
    close_room(clinic)
    check()
    actions.cancel_appointment(actor=clinic.rosa, appointment=visit, reason=CancelReason.PATIENT, now=NOW)
    check()
    loop = Loop.objects.get(kind="not-ready")
    assert (loop.state, loop.given_up_reason) == ("given_up", "The visit is not expected any more")
    check()


def test_a_loop_that_somebody_ended_is_left_alone(clinic: Clinic) -> None:
    clinic.book(START)
    closure = close_room(clinic)
    check()
    loop = Loop.objects.get(kind="not-ready")
    give_up_loop(clinic.rosa, loop_id=loop.pk, reason="Known", now=NOW)
    actions.open_time(actor=clinic.marta, closure=closure, now=NOW)
    check()
    assert Blocker.objects.get().cleared_at is not None


def nobody_is_there() -> None:
    with writes_open():
        Appointment.objects.update(booked_by=None)
        Assignment.objects.all().delete()


def somebody_is_there(clinic: Clinic) -> None:
    with writes_open():
        Team.objects.create(name="North desk", site=clinic.site)
    assert find_owners(LIAISON, now=NOW) == 0


def test_a_blocker_that_nobody_could_own_shows_and_gets_its_loop_once_somebody_can(clinic: Clinic) -> None:
    visit = clinic.book(START)
    closure = close_room(clinic)
    nobody_is_there()
    check()
    assert Blocker.objects.get().loop_id is None
    assert not Loop.objects.filter(kind="not-ready").exists()
    actions.retire_resource(actor=clinic.marta, resource=clinic.room, now=NOW)
    check()
    somebody_is_there(clinic)
    loop = Loop.objects.get(kind="not-ready")
    assert Blocker.objects.get().loop == loop
    assert queries.readiness_of([visit], now=NOW)[visit.pk].loops == {"scheduling.resources": loop.pk}
    actions.return_resource(actor=clinic.marta, resource=clinic.room, now=NOW)
    actions.open_time(actor=clinic.marta, closure=closure, now=NOW)
    check()
    loop.refresh_from_db()
    assert loop.state == "closed"


def test_a_blocker_that_is_gone_before_anybody_could_own_it_opens_nothing(clinic: Clinic) -> None:
    clinic.book(START)
    closure = close_room(clinic)
    nobody_is_there()
    check()
    actions.open_time(actor=clinic.marta, closure=closure, now=NOW)
    check()
    somebody_is_there(clinic)
    assert not Loop.objects.filter(kind="not-ready").exists()


def test_only_what_waited_for_a_blocker_is_linked_to_one(clinic: Clinic) -> None:
    clinic.book(START)
    close_room(clinic)
    nobody_is_there()
    check()
    actions.link_blocker(once_key="answer:1", loop_id=0)
    assert Blocker.objects.get().loop_id is None


def test_what_is_only_held_for_an_offer_is_no_visit_yet(clinic: Clinic) -> None:
    actions.offer_to_one(actor=clinic.rosa, wait=join(clinic), opening=freed(clinic), by=OfferBy.PHONE, now=NOW)
    assert check() == 0


def test_the_jobs_check_what_is_coming_and_one_visit(clinic: Clinic, settings: Any) -> None:
    clock(settings, NOW)
    visit = clinic.book(START)
    close_room(clinic)
    jobs.check_visit(appointment_id=visit.pk)
    jobs.check_coming_visits()
    assert Blocker.objects.count() == 1


def test_what_a_visit_depends_on_makes_it_looked_at_again(clinic: Clinic, referral: Referral) -> None:
    def planned() -> int:
        return ProcrastinateJob.objects.filter(task_name="scheduling.check_visit").count()

    with_mail(clinic.walter)
    visit = clinic.book(START)
    assert planned() == 1
    moved = actions.move_appointment(
        actor=clinic.rosa, appointment=visit, order=clinic.order("2026-03-06 10:00"), reason=CancelReason.PATIENT,
        now=NOW,
    )  # fmt: skip
    assert planned() == 3
    message = Message.objects.order_by("-pk")[0]
    with writes_open():
        Message.objects.filter(pk=message.pk).update(state="sent", sent_at=NOW, next_attempt_at=None)
    confirm_not_arrived(clinic.rosa, message_id=message.pk, now=NOW)
    assert planned() == 4
    decline_referral(clinic.rosa, referral_id=referral.pk, reason="No room", now=NOW)
    assert planned() == 5
    cancel_referral(clinic.rosa, referral_id=referral.pk, reason="Better", now=NOW)
    assert planned() == 6
    mark_deceased(actor=clinic.rosa, patient=clinic.walter, on=None, now=NOW)
    assert planned() == 7
    actions.cancel_appointment(actor=clinic.rosa, appointment=moved, reason=CancelReason.PATIENT, now=NOW)
    assert planned() == 8


# --- screens ------------------------------------------------------------------------------------------------------


@pytest.fixture
def monday(settings: Any) -> None:
    clock(settings, NOW)


@pytest.mark.usefixtures("monday")
def test_the_board_shows_what_stands_in_the_way(clinic: Clinic) -> None:
    visit = clinic.book("2026-03-03 10:00", patient=clinic.ruth)
    clinic.book(START)
    close_room(clinic)
    check()
    rosa = browser(clinic.rosa)
    tomorrow = page(rosa.get("/readiness/"))
    assert "Ruth Abara" in tomorrow
    assert "Walter Ng" not in tomorrow
    week = page(rosa.get(f"/readiness/?site={clinic.site.pk}&days=7"))
    assert "Room 1 is closed then" in week
    assert f"/loops/{Loop.objects.get(kind='not-ready').pk}/" in week
    assert week.index("Blocked") > 0
    assert "Check" in page(rosa.get(f"/appointments/{visit.pk}/"))
    assert AuditEntry.objects.filter(outcome="seen", patient_ids__contains=[clinic.walter.pk]).exists()


@pytest.mark.usefixtures("monday")
def test_an_empty_board_says_so(clinic: Clinic) -> None:
    assert "No visit is expected" in page(browser(clinic.rosa).get("/readiness/?days=1&site=nonsense"))


@pytest.mark.usefixtures("monday")
def test_the_other_site_sees_its_own_board_only(clinic: Clinic) -> None:
    clinic.book("2026-03-03 10:00")
    pat = browser(clinic.pat)
    assert "Walter" not in page(pat.get("/readiness/"))
    assert pat.get(f"/readiness/?site={clinic.site.pk}").status_code == 404
    assert browser(clinic.adam).get("/readiness/").status_code == 403
    assert Client().get("/readiness/").status_code == 302
    with pytest.raises(NotFound):
        queries.readiness_board(clinic.pat, site_id=clinic.site.pk, first=date(2026, 3, 3), days=1, now=NOW)
    with pytest.raises(Forbidden):
        queries.readiness_board(clinic.adam, site_id=clinic.site.pk, first=date(2026, 3, 3), days=1, now=NOW)


@pytest.mark.usefixtures("monday")
def test_a_patient_of_another_site_is_only_counted(clinic: Clinic) -> None:
    from liaison.patients.models import PatientSite

    clinic.book("2026-03-03 10:00")
    with writes_open():
        PatientSite.objects.filter(patient=clinic.walter).update(site=clinic.other_site)
    shown = page(browser(clinic.rosa).get("/readiness/"))
    assert "Walter" not in shown
    assert "1 more visit" in shown


@pytest.mark.usefixtures("monday")
def test_coming_visits_carry_one_word(clinic: Clinic) -> None:
    clinic.book(START)
    close_room(clinic)
    (coming,) = queries.coming_with_readiness(clinic.rosa, patient=clinic.walter, now=NOW)
    assert coming.readiness is not None
    assert coming.readiness.standing is Standing.BLOCKED
