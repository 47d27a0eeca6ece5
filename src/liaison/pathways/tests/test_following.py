"""What calls, visits and a clinician's word do to a follow-up."""

from __future__ import annotations

from datetime import date, timedelta
from importlib import import_module

import pytest
from django.db import connection

from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import NotFound
from liaison.inbox.actions import log_call, strike_call
from liaison.inbox.models import Call
from liaison.inbox.models.calls import StruckWhy
from liaison.inbox.ports import CallDetails, HowItWent
from liaison.loops.actions import add_evidence, close_loop, give_up_loop, void_clock
from liaison.loops.models import Clock, Evidence, Holiday, Loop, Voided
from liaison.pathways.actions import (
    ComplexityChanged,
    NotRunning,
    set_complexity,
    visit_booked,
    visit_lost,
    visit_seen,
    visit_serves_no_more,
)
from liaison.pathways.queries import get_follow_up
from liaison.pathways.rules.protocol import Complexity
from liaison.pathways.rules.transition import Stage
from liaison.pathways.tests.cast import DISCHARGE, LIAISON, NOW, stay, walter
from liaison.scheduling.actions import record_missed
from liaison.scheduling.models import Appointment

MONDAY = DISCHARGE + timedelta(days=3)


@pytest.fixture
def home(ward):
    """Walter came home, and is followed."""
    ward.take_in(walter(), stay())
    return ward


def call(ward, *, at, outcome="no_answer", clinical=False):
    log_call(
        ward.rosa,
        patient=ward.walter,
        loop=ward.enrolment.loop,
        went=HowItWent(outcome=outcome, said="He feels better" if outcome == "reached" else "", clinical=clinical),
        idempotency_key=f"{at}",
        now=at,
    )


def running():
    found = Clock.objects.filter(satisfied_at=None, voided_at=None)
    return {clock.rule_id: clock for clock in found}


def stage(ward, *, now):
    view = get_follow_up(ward.rosa, enrolment_id=ward.enrolment.pk, now=now)
    return view.stage


def test_a_clinical_talk_is_the_contact(home):
    assert stage(home, now=NOW) is Stage.CONTACT_DUE
    call(home, at=MONDAY, outcome="reached", clinical=True)
    assert home.enrolment.loop.evidence_kinds == ["contact"]
    assert "tcm.contact" not in running()
    assert stage(home, now=MONDAY) is Stage.CONTACTED


def test_a_second_talk_adds_nothing_to_the_contact(home):
    call(home, at=MONDAY, outcome="reached", clinical=True)
    before = Evidence.objects.count()
    call(home, at=MONDAY + timedelta(hours=2), outcome="reached", clinical=True)
    assert Evidence.objects.count() == before
    assert home.enrolment.loop.evidence_kinds == ["contact"]


def test_a_talk_about_times_only_is_none(home):
    call(home, at=MONDAY, outcome="reached")
    assert "tcm.contact" in running()


def test_two_separate_attempts_count_and_the_trying_goes_on(home):
    call(home, at=MONDAY)
    call(home, at=MONDAY + timedelta(minutes=5))
    assert "tcm.contact" in running()
    call(home, at=MONDAY + timedelta(hours=3), outcome="left_message")
    assert "contact" in home.enrolment.loop.evidence_kinds
    assert "tcm.contact" not in running()
    assert running()["tcm.keep_trying"].step == "Keep trying to reach Walter Ng"
    assert stage(home, now=MONDAY + timedelta(days=1)) is Stage.ATTEMPTS_DOCUMENTED
    call(home, at=MONDAY + timedelta(days=1))
    call(home, at=MONDAY + timedelta(days=8), outcome="reached", clinical=True)
    assert "tcm.keep_trying" not in running()


def test_attempts_after_the_window_do_not_count(home):
    late = DISCHARGE + timedelta(days=6)
    call(home, at=late)
    call(home, at=late + timedelta(hours=3))
    assert "contact" not in home.enrolment.loop.evidence_kinds
    assert stage(home, now=late + timedelta(hours=4)) is Stage.CONTACT_MISSED


def test_after_the_window_the_next_try_is_what_comes_next(home):
    """Friday after the two business days: tomorrow's try stands on the desk, not the clock that ran out."""
    late = DISCHARGE + timedelta(days=6)
    call(home, at=late)
    assert home.enrolment.loop.next_step == "Keep trying to reach Walter Ng"
    assert (home.enrolment.loop.due_at, "tcm.contact" in running()) > (late, False)
    tomorrow = late + timedelta(hours=20)
    log_call(
        home.rosa,
        patient=home.walter,
        loop=home.enrolment.loop,
        went=HowItWent(outcome="no_answer"),
        next_attempt_at=tomorrow,
        idempotency_key="again",
        now=late + timedelta(hours=2),
    )
    loop = home.enrolment.loop
    assert (loop.next_step, loop.due_at) == ("Call Walter again", tomorrow)
    call(home, at=late + timedelta(days=1), outcome="reached", clinical=True)
    assert "contact" in home.enrolment.loop.evidence_kinds
    assert "tcm.keep_trying" not in running()
    assert stage(home, now=late + timedelta(days=2)) is Stage.CONTACT_MISSED


def test_what_ran_out_before_there_was_a_code_for_it_is_known_by_its_sentence_once(home):
    call(home, at=DISCHARGE + timedelta(days=6))
    with writes_open(), connection.cursor() as cursor:
        Clock.objects.update(voided_because="")
        cursor.execute(import_module("liaison.pathways.migrations.0003_which_clocks_were_over").FROM_THE_SENTENCE)
    known = Clock.objects.exclude(voided_because="")
    assert list(known.values_list("rule_id", "voided_because")) == [("tcm.contact", Voided.TOO_LATE)]


@pytest.mark.parametrize("logged_late", ["a talk", "two attempts"])
def test_what_was_in_time_and_logged_after_a_late_try_takes_the_end_of_the_window_back(home, logged_late):
    late = DISCHARGE + timedelta(days=6)
    call(home, at=late)
    assert "tcm.contact" not in running()
    with writes_open():  # what people read may be said otherwise one day
        Clock.objects.filter(rule_id="tcm.contact").update(voided_reason="Too late.")
    talk = {"outcome": "reached", "said": "He is well", "clinical": True}
    went = talk if logged_late == "a talk" else {"outcome": "no_answer"}
    for number in range(1 if logged_late == "a talk" else 2):
        details = CallDetails(started_at=MONDAY + timedelta(hours=2 * number))
        log_call(
            home.rosa,
            patient=home.walter,
            went=HowItWent(details=details, **went),
            idempotency_key=f"late-{number}",
            now=late + timedelta(hours=1 + number),
        )
    assert "contact" in home.enrolment.loop.evidence_kinds
    kept = Clock.objects.filter(rule_id="tcm.contact").order_by("pk").last()
    assert (kept.voided_at, kept.satisfied_at is not None, kept.step) == (
        None,
        True,
        "Call Walter Ng: first call after the hospital stay",
    )
    assert ("tcm.keep_trying" in running()) == (logged_late == "two attempts")
    assert stage(home, now=late + timedelta(days=1)) in {Stage.CONTACTED, Stage.ATTEMPTS_DOCUMENTED}
    assert all(one.satisfied_at >= one.started_at for one in Clock.objects.exclude(satisfied_at=None))


def test_a_late_try_after_contact_by_word_of_hand_starts_no_clock(home):
    add_evidence(LIAISON, loop_id=home.enrolment.loop_id, kind="contact", note="June called us", now=MONDAY)
    call(home, at=DISCHARGE + timedelta(days=6))
    assert not {"tcm.contact", "tcm.keep_trying"} & set(running())


def test_a_late_talk_about_times_only_leaves_the_clock_that_ran_out(home):
    call(home, at=DISCHARGE + timedelta(days=6), outcome="reached")
    assert "tcm.contact" in running()


def test_high_complexity_shortens_the_visit_to_seven_days(home):
    set_complexity(
        home.rosa, enrolment_id=home.enrolment.pk, complexity=Complexity.HIGH, seen=Complexity.MODERATE, now=NOW
    )
    set_complexity(
        home.rosa, enrolment_id=home.enrolment.pk, complexity=Complexity.HIGH, seen=Complexity.MODERATE, now=NOW
    )
    assert running()["tcm.visit"].due_at.isoformat() == "2026-02-21T04:59:59+00:00"
    assert running()["tcm.reconciliation"].due_at.isoformat() == "2026-02-21T04:59:59+00:00"
    assert Clock.objects.filter(rule_id="tcm.visit").count() == 2
    with pytest.raises(NotFound):
        set_complexity(
            home.pat, enrolment_id=home.enrolment.pk, complexity=Complexity.HIGH, seen=Complexity.MODERATE, now=NOW
        )


@pytest.mark.parametrize("seen", [Complexity.MODERATE, None])
def test_an_old_page_writes_nothing_over_what_a_colleague_said_meanwhile(home, seen):
    said = {"enrolment_id": home.enrolment.pk, "now": NOW}
    set_complexity(home.rosa, complexity=Complexity.HIGH, seen=Complexity.MODERATE, **said)
    with pytest.raises(ComplexityChanged) as refused:
        set_complexity(home.rosa, complexity=Complexity.MODERATE, seen=seen, **said)
    assert "it says high now" in refused.value.sentence
    assert home.enrolment.complexity == "high"
    assert Clock.objects.filter(rule_id="tcm.visit").count() == 2, "and no clock moved again"
    set_complexity(home.rosa, complexity=Complexity.MODERATE, seen=Complexity.HIGH, **said)
    assert home.enrolment.complexity == "moderate"


def test_a_visit_booked_seen_and_reconciled_closes_the_loop(home):
    visit = home.visit(DISCHARGE + timedelta(days=5))
    loop_id = visit.loop_id
    visit_booked(LIAISON, loop_id=loop_id, appointment_id=visit.pk, now=NOW)
    assert running()["tcm.visit"].step == "Visit Wed, Feb 18, 15:00: see that it takes place"
    assert running()["tcm.visit"].due_at.isoformat() == "2026-02-28T04:59:59+00:00"
    assert running()["tcm.reconciliation"].due_at.isoformat() == "2026-02-19T04:59:59+00:00"
    assert stage(home, now=NOW) is Stage.VISIT_SCHEDULED
    set_complexity(
        home.rosa, enrolment_id=home.enrolment.pk, complexity=Complexity.HIGH, seen=Complexity.MODERATE, now=NOW
    )
    assert running()["tcm.reconciliation"].due_at.isoformat() == "2026-02-19T04:59:59+00:00"
    call(home, at=MONDAY, outcome="reached", clinical=True)
    seen = visit.start_at + timedelta(hours=1)
    for _ in range(2):
        visit_seen(LIAISON, loop_id=loop_id, appointment_id=visit.pk, now=seen)
    assert stage(home, now=seen) is Stage.VISIT_DONE
    add_evidence(home.rosa, loop_id=loop_id, kind="reconciliation", now=seen)
    view = get_follow_up(home.rosa, enrolment_id=home.enrolment.pk, now=seen)
    assert (view.visit_standing, view.code) == ("in_7", "99496")
    close_loop(home.rosa, loop_id=loop_id, now=seen)
    assert stage(home, now=seen) is Stage.COMPLETE
    with pytest.raises(NotRunning):
        set_complexity(
            home.rosa, enrolment_id=home.enrolment.pk, complexity=Complexity.MODERATE, seen=Complexity.HIGH, now=seen
        )
    visit_lost(LIAISON, loop_id=loop_id, appointment_id=visit.pk, why="too late", now=seen)
    visit_booked(LIAISON, loop_id=loop_id, appointment_id=visit.pk, now=seen)
    with pytest.raises(NotFound):
        get_follow_up(home.pat, enrolment_id=home.enrolment.pk, now=seen)


def test_a_lost_visit_must_be_booked_again(home):
    visit = home.visit(DISCHARGE + timedelta(days=5))
    visit_booked(LIAISON, loop_id=visit.loop_id, appointment_id=visit.pk, now=NOW)
    visit_lost(LIAISON, loop_id=visit.loop_id, appointment_id=visit.pk, why="The visit was missed.", now=NOW)
    assert running()["tcm.booking"].step == "Book the visit after the hospital stay again"
    assert running()["tcm.visit"].step == "See that the visit after the hospital stay takes place"
    assert running()["tcm.reconciliation"].due_at.isoformat() == "2026-02-28T04:59:59+00:00"


def test_once_contacted_the_visit_is_to_be_booked_by_the_next_business_day(home):
    """Its 14 days are for the visit: nobody is told to begin looking on the last of them."""
    call(home, at=MONDAY, outcome="reached", clinical=True)
    asked = running()["tcm.booking"]
    assert asked.step == "Book the visit after the hospital stay"
    assert asked.due_at < MONDAY + timedelta(days=3)
    assert Loop.objects.get(pk=home.enrolment.loop_id).next_step == asked.step
    call(home, at=MONDAY + timedelta(hours=2), outcome="reached", clinical=True)
    assert running()["tcm.booking"].pk == asked.pk
    visit = home.visit(DISCHARGE + timedelta(days=6))
    visit_booked(LIAISON, loop_id=visit.loop_id, appointment_id=visit.pk, now=MONDAY)
    assert "tcm.booking" not in running()
    call(home, at=MONDAY + timedelta(hours=4), outcome="reached", clinical=True)
    assert "tcm.booking" not in running(), "one is expected"
    visit_lost(LIAISON, loop_id=visit.loop_id, appointment_id=visit.pk, why="The visit was missed.", now=MONDAY)
    visit_seen(LIAISON, loop_id=visit.loop_id, appointment_id=visit.pk, now=visit.end_at)
    assert "tcm.booking" not in running()
    call(home, at=visit.end_at, outcome="reached", clinical=True)
    visit_lost(LIAISON, loop_id=visit.loop_id, appointment_id=visit.pk, why="by mistake", now=visit.end_at)
    assert "tcm.booking" not in running(), "it took place"


@pytest.mark.parametrize(("outcome", "rule"), [("reached", "tcm.booking"), ("no_answer", "tcm.keep_trying")])
def test_what_we_ask_of_ourselves_is_not_due_on_a_day_on_which_we_are_closed(home, outcome, rule):
    """And it is said to be ours: no payer asks for it."""
    with writes_open():
        for day in (17, 18):
            Holiday.objects.create(calendar="organization", on=date(2026, 2, day), name="Moving house")
    for at in (MONDAY, MONDAY + timedelta(days=1)):
        call(home, at=at, outcome=outcome, clinical=True)
    due = running()[rule]
    assert due.source.startswith("Ours: ")
    assert (due.calendar, due.due_at.date()) == ("federal+organization", date(2026, 2, 20))


def test_of_several_visits_the_earliest_that_stands_is_the_one(home):
    first, later = home.visit(DISCHARGE + timedelta(days=3)), home.visit(DISCHARGE + timedelta(days=6))
    visit_booked(LIAISON, loop_id=first.loop_id, appointment_id=first.pk, now=NOW)
    by_first = running()["tcm.reconciliation"].due_at
    visit_booked(LIAISON, loop_id=later.loop_id, appointment_id=later.pk, now=NOW)
    assert running()["tcm.reconciliation"].due_at == by_first
    visit_lost(LIAISON, loop_id=later.loop_id, appointment_id=later.pk, why="cancelled", now=NOW)
    assert running()["tcm.visit"].step.startswith("Visit Mon, Feb 16")
    assert "tcm.booking" not in running()
    visit_serves_no_more(LIAISON, loop_id=later.loop_id, now=NOW)
    assert running()["tcm.reconciliation"].due_at == by_first
    visit_lost(LIAISON, loop_id=first.loop_id, appointment_id=first.pk, why="cancelled", now=NOW)
    assert running()["tcm.visit"].step.startswith("Visit Thu, Feb 19")


def test_after_the_visit_a_further_one_moves_nothing(home):
    first, later = home.visit(DISCHARGE + timedelta(days=3)), home.visit(DISCHARGE + timedelta(days=6))
    visit_booked(LIAISON, loop_id=first.loop_id, appointment_id=first.pk, now=NOW)
    visit_seen(LIAISON, loop_id=first.loop_id, appointment_id=first.pk, now=first.end_at)
    due = running()["tcm.reconciliation"].due_at
    visit_booked(LIAISON, loop_id=later.loop_id, appointment_id=later.pk, now=first.end_at)
    assert running()["tcm.reconciliation"].due_at == due
    visit_lost(LIAISON, loop_id=later.loop_id, appointment_id=later.pk, why="cancelled", now=first.end_at)
    visit_serves_no_more(LIAISON, loop_id=later.loop_id, now=first.end_at)
    assert running()["tcm.reconciliation"].due_at == due
    assert "tcm.booking" not in running()


def test_medicines_gone_through_after_the_day_of_the_visit_support_no_code(home):
    visit = home.visit(DISCHARGE + timedelta(days=5))
    visit_booked(LIAISON, loop_id=visit.loop_id, appointment_id=visit.pk, now=NOW)
    call(home, at=MONDAY, outcome="reached", clinical=True)
    visit_seen(LIAISON, loop_id=visit.loop_id, appointment_id=visit.pk, now=visit.end_at)
    after = visit.end_at + timedelta(days=1)
    add_evidence(home.rosa, loop_id=visit.loop_id, kind="reconciliation", now=after)
    view = get_follow_up(home.rosa, enrolment_id=home.enrolment.pk, now=after)
    assert (view.reconciled, view.reconciled_late, view.code) == (True, True, "")
    with writes_open():
        Evidence.objects.filter(kind="reconciliation").update(happened_at=visit.start_at)
    view = get_follow_up(home.rosa, enrolment_id=home.enrolment.pk, now=after)
    assert (view.reconciled_late, view.code) == (False, "99495")


def test_it_is_to_be_booked_before_it_must_take_place_and_soon_when_that_has_passed(home):
    until = running()["tcm.visit"].due_at
    call(home, at=until - timedelta(hours=1), outcome="reached", clinical=True)
    assert running()["tcm.booking"].due_at == until
    with writes_open():
        Clock.objects.filter(rule_id="tcm.booking").update(voided_at=until, voided_reason="x")
    late = until + timedelta(days=1)
    call(home, at=late, outcome="reached", clinical=True)
    assert running()["tcm.booking"].due_at > late


def test_a_visit_on_the_day_of_discharge_does_not_count(home):
    visit = home.visit(DISCHARGE + timedelta(hours=1))
    visit_seen(LIAISON, loop_id=visit.loop_id, appointment_id=visit.pk, now=NOW)
    assert "visit" not in home.enrolment.loop.evidence_kinds


def by_phone(visit):
    with writes_open():
        Appointment.objects.filter(pk=visit.pk).update(modality="phone")


def test_a_call_that_was_booked_seen_or_lost_is_never_the_visit(home):
    visit = home.visit(DISCHARGE + timedelta(days=5))
    by_phone(visit)
    before = running()
    visit_booked(LIAISON, loop_id=visit.loop_id, appointment_id=visit.pk, now=NOW)
    visit_lost(LIAISON, loop_id=visit.loop_id, appointment_id=visit.pk, why="Cancelled.", now=NOW)
    assert (running(), stage(home, now=NOW)) == (before, Stage.CONTACT_DUE)
    visit_seen(LIAISON, loop_id=visit.loop_id, appointment_id=visit.pk, now=visit.end_at)
    assert "visit" not in home.enrolment.loop.evidence_kinds


def test_a_missed_call_is_no_missed_visit(home):
    visit = home.visit(DISCHARGE + timedelta(days=5))
    by_phone(visit)
    visit.refresh_from_db()
    record_missed(actor=home.rosa, appointment=visit, now=visit.end_at)
    assert not Loop.objects.filter(kind="missed-after-stay").exists()
    view = get_follow_up(home.rosa, enrolment_id=home.enrolment.pk, now=visit.end_at)
    assert (view.visit_missed_at, view.visit_booked_at) == (None, None)


def test_what_happens_to_appointments_moves_the_follow_up(home):
    from liaison.pathways import reactions
    from liaison.scheduling import events

    visit = home.visit(DISCHARGE + timedelta(days=5))

    def told(kind, **more):
        about = {"appointment_id": visit.pk, "patient_id": home.walter.pk, "referral_id": None, "at": NOW}
        return kind(**{**about, "loop_id": visit.loop_id, **more})

    def step():
        return min(
            running().values(), key=lambda clock: (clock.rule_id != "tcm.booking", clock.rule_id != "tcm.visit")
        ).step[:4]

    steps = []
    for react, fact in (
        (reactions.expect_the_visit, told(events.AppointmentBooked)),
        (reactions.book_again_after_cancelling, told(events.AppointmentCancelled, reason="pat", late=False)),
        (reactions.expect_the_moved_visit, told(events.AppointmentMoved, previous_id=visit.pk)),
        (reactions.book_again_after_missing, told(events.AppointmentMissed)),
    ):
        react(fact, actor=LIAISON)
        steps.append(step())
        react(told(type(fact), **_rest_of(fact), loop_id=None), actor=LIAISON)
    assert steps == ["Visi", "Book", "Visi", "Book"]
    reactions.record_the_visit(told(events.AppointmentSeen, loop_id=None), actor=LIAISON)
    assert "visit" not in home.enrolment.loop.evidence_kinds
    reactions.record_the_visit(told(events.AppointmentSeen), actor=LIAISON)
    assert "visit" in home.enrolment.loop.evidence_kinds


def _rest_of(fact):
    return {name: getattr(fact, name) for name in ("reason", "late", "previous_id") if hasattr(fact, name)}


def test_medicines_reconciled_before_the_visit_keep_no_clock(home):
    add_evidence(home.rosa, loop_id=home.enrolment.loop_id, kind="reconciliation", now=NOW)
    visit = home.visit(DISCHARGE + timedelta(days=5))
    visit_booked(LIAISON, loop_id=visit.loop_id, appointment_id=visit.pk, now=NOW)
    assert "tcm.reconciliation" not in running()
    visit_seen(LIAISON, loop_id=visit.loop_id, appointment_id=visit.pk, now=visit.end_at)
    visit_lost(LIAISON, loop_id=visit.loop_id, appointment_id=visit.pk, why="entered by mistake", now=visit.end_at)
    assert "tcm.visit" not in running()
    set_complexity(
        home.rosa,
        enrolment_id=home.enrolment.pk,
        complexity=Complexity.HIGH,
        seen=Complexity.MODERATE,
        now=visit.end_at,
    )
    assert set(running()) == {"tcm.contact"}


def test_a_visit_recorded_by_hand_counts_from_when_it_was_recorded(home):
    add_evidence(home.rosa, loop_id=home.enrolment.loop_id, kind="visit", now=MONDAY)
    add_evidence(home.rosa, loop_id=home.enrolment.loop_id, kind="contact", now=MONDAY)
    view = get_follow_up(home.rosa, enrolment_id=home.enrolment.pk, now=MONDAY)
    assert (view.visit_seen_at, view.contacted_at) == (MONDAY, MONDAY)


def strike(ward, *, at, now):
    logged = Call.objects.get(started_at=at)
    strike_call(ward.rosa, call_id=logged.pk, why=StruckWhy.WRONG_PATIENT, now=now)
    ward.enrolment.loop.refresh_from_db()


def test_a_contact_that_was_entered_by_mistake_is_due_again(home):
    call(home, at=MONDAY, outcome="reached", clinical=True)
    strike(home, at=MONDAY, now=MONDAY + timedelta(hours=1))
    assert home.enrolment.loop.evidence_kinds == []
    assert "tcm.contact" in running()
    assert stage(home, now=MONDAY + timedelta(hours=1)) is Stage.CONTACT_DUE


def test_another_talk_takes_the_place_of_one_entered_by_mistake(home):
    for hours in (0, 2, 4):
        call(home, at=MONDAY + timedelta(hours=hours), outcome="reached" if hours < 4 else "busy", clinical=hours < 4)
    strike(home, at=MONDAY, now=MONDAY + timedelta(hours=5))
    assert home.enrolment.loop.evidence_kinds == ["attempt", "contact"]
    by = Evidence.objects.get(kind="contact", withdrawn_at=None)
    assert by.about_id == Call.objects.get(started_at=MONDAY + timedelta(hours=2)).pk
    assert "tcm.contact" not in running()


def ended(ward, *, now):
    """The follow-up is over: visit, medicines and contact are proved."""
    for kind in ("visit", "reconciliation"):
        add_evidence(ward.rosa, loop_id=ward.enrolment.loop_id, kind=kind, now=now)
    close_loop(ward.rosa, loop_id=ward.enrolment.loop_id, now=now)


@pytest.mark.parametrize(("second", "said"), [(2, "inside"), (24 * 5, "after")])
def test_a_follow_up_that_ended_stays_so_while_another_talk_proves_the_contact(home, second, said):
    call(home, at=MONDAY, outcome="reached", clinical=True)
    ended(home, now=MONDAY + timedelta(hours=1))
    other = MONDAY + timedelta(hours=second)
    call(home, at=other, outcome="reached", clinical=True)
    strike(home, at=MONDAY, now=other + timedelta(hours=1))
    assert home.enrolment.loop.state == "closed"
    by = Evidence.objects.get(kind="contact", withdrawn_at=None)
    assert (by.about_id, said in by.note) == (Call.objects.counted().get().pk, True)
    strike(home, at=other, now=other + timedelta(hours=2))
    assert home.enrolment.loop.state == "open"


def test_a_follow_up_that_ended_stays_so_while_two_attempts_are_left(home):
    for hours in (0, 3):
        call(home, at=MONDAY + timedelta(hours=hours))
    ended(home, now=MONDAY + timedelta(hours=4))
    call(home, at=MONDAY + timedelta(hours=5))
    strike(home, at=MONDAY + timedelta(hours=3), now=MONDAY + timedelta(hours=6))
    assert home.enrolment.loop.state == "closed"
    assert "2 separate attempts" in Evidence.objects.get(kind="contact", withdrawn_at=None).note
    strike(home, at=MONDAY + timedelta(hours=5), now=MONDAY + timedelta(hours=7))
    assert home.enrolment.loop.state == "open"


def test_either_of_two_attempts_entered_by_mistake_leaves_one_too_few(home):
    second = MONDAY + timedelta(hours=3)
    for struck in (second, MONDAY):
        call(home, at=MONDAY + timedelta(minutes=struck == MONDAY))
        call(home, at=second + timedelta(minutes=struck == MONDAY))
        assert "tcm.keep_trying" in running()
        strike(home, at=struck + timedelta(minutes=struck == MONDAY), now=second + timedelta(hours=1))
        assert "contact" not in home.enrolment.loop.evidence_kinds
        assert "tcm.contact" in running()
        assert "tcm.keep_trying" not in running()
        left = Call.objects.counted().get()
        strike(home, at=left.started_at, now=second + timedelta(hours=1))


def test_a_call_that_the_contact_did_not_need_changes_nothing(home):
    call(home, at=MONDAY, outcome="reached", clinical=True)
    call(home, at=MONDAY + timedelta(hours=3))
    strike(home, at=MONDAY + timedelta(hours=3), now=MONDAY + timedelta(hours=4))
    assert "contact" in home.enrolment.loop.evidence_kinds


def test_a_contact_by_word_of_hand_stands_and_the_trying_that_was_told_off_stays_so(home):
    call(home, at=MONDAY)
    call(home, at=MONDAY + timedelta(hours=3))
    void_clock(home.rosa, loop_id=home.enrolment.loop_id, rule_id="tcm.keep_trying", reason="June called", now=NOW)
    strike(home, at=MONDAY, now=MONDAY + timedelta(hours=4))
    assert home.enrolment.loop.evidence_kinds == ["attempt"]


def test_a_follow_up_that_was_given_up_is_left_alone(home):
    call(home, at=MONDAY, outcome="reached", clinical=True)
    call(home, at=MONDAY + timedelta(hours=1), outcome="reached", clinical=True)
    give_up_loop(home.rosa, loop_id=home.enrolment.loop_id, reason="Moved away", now=MONDAY + timedelta(hours=2))
    strike(home, at=MONDAY, now=MONDAY + timedelta(hours=4))
    assert (home.enrolment.loop.state, home.enrolment.loop.evidence_kinds) == ("given_up", [])
