"""The end of a stay is corrected while its follow-up runs, or when it was kept: all is counted from the right day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.inbox.models import Call
from liaison.loops.actions import close_loop, escalate_loops, give_up_loop, set_next_step, snooze_loop
from liaison.loops.models import Clock, Evidence, Loop, LoopEvent, Voided
from liaison.loops.ports import NextStep
from liaison.pathways.actions import evaluate, record_reconciliation, set_complexity, visit_booked, visit_seen
from liaison.pathways.actions.reckoning import reckon_anew
from liaison.pathways.models import Enrolment
from liaison.pathways.queries import get_follow_up, outlook, told
from liaison.pathways.queries.candidates import judged_anchors
from liaison.pathways.rules.protocol import Complexity, packaged_protocols, read_protocol
from liaison.pathways.rules.transition import Stage, VisitStanding
from liaison.pathways.tests.cast import DISCHARGE, LIAISON, NOW, stay, walter
from liaison.pathways.tests.test_following import MONDAY, call, running
from liaison.pathways.tests.test_visit_elsewhere import record
from liaison.patients.actions import mark_deceased
from liaison.records.actions import rebuild_facts
from liaison.records.models import Fact

DAY = timedelta(days=1)
THURSDAY = DISCHARGE + 6 * DAY
"""Thursday 19 February: when the correction comes in."""

LATER = THURSDAY + 12 * DAY


@pytest.fixture
def home(ward):
    """Walter came home on Friday 13, it was said."""
    ward.take_in(walter(), stay())
    return ward


def correct(ward, *, to, now=THURSDAY, **more):
    """The stay comes again, with another end."""
    ward.take_in(stay(ended=to, days=max((to - DISCHARGE).days + 3, 1), **more), now=now)


def due(rule):
    return running()[rule].due_at.date().isoformat()  # the day after: the local day ends at 4:59 UTC


def lines(what="reckoned"):
    return list(LoopEvent.objects.filter(what=what, undone_at=None).order_by("pk").values_list("sentence", flat=True))


def prove_all(ward, *, visit_on=4, medicines_on=5):
    """A talk on Monday 16, the visit elsewhere, the medicines gone through; kept on the 19th."""
    call(ward, at=MONDAY, outcome="reached", clinical=True)
    record(ward, on=visit_on, now=THURSDAY)
    day = (DISCHARGE + medicines_on * DAY).date()
    record_reconciliation(ward.rosa, enrolment_id=ward.enrolment.pk, done_on=day, note="Eight", now=THURSDAY)
    close_loop(ward.rosa, loop_id=ward.enrolment.loop_id, now=THURSDAY)


def view(ward, *, now=THURSDAY):
    return get_follow_up(ward.rosa, enrolment_id=ward.enrolment.pk, now=now)


def test_a_later_end_moves_every_clock_the_title_and_the_row_of_the_desk_and_the_story_says_so(home):
    before = {clock.pk for clock in Clock.objects.all()}
    correct(home, to=DISCHARGE + 5 * DAY)  # Wednesday 18
    loop = home.enrolment.loop
    assert loop.title == "Home from hospital since Feb 18"
    assert (due("tcm.contact"), due("tcm.visit"), due("tcm.reconciliation")) == (
        "2026-02-21", "2026-03-05", "2026-03-05",
    )  # fmt: skip
    assert loop.due_at == running()["tcm.contact"].due_at
    assert {clock.anchor_at for clock in running().values()} == {DISCHARGE + 5 * DAY}
    old = Clock.objects.filter(pk__in=before)
    assert {(clock.voided_because, clock.voided_at) for clock in old} == {(Voided.CORRECTED, THURSDAY)}
    assert {clock.replaces_id for clock in running().values()} == before
    assert lines() == [
        "The end of the stay was corrected: home since Feb 18, not Feb 13. All is counted from there.",
    ]
    assert (view(home).discharged_on.isoformat(), view(home).stage) == ("2026-02-18", Stage.CONTACT_DUE)
    assert Loop.objects.count() == 1
    entry = AuditEntry.objects.filter(verb="pathways.evaluate").order_by("-pk").first()
    assert (entry.patient_ids, entry.details["another_day"]) == ([home.walter.pk], True)


def test_an_earlier_end_makes_it_late_and_the_ladder_begins_anew(home):
    correct(home, to=DISCHARGE - 3 * DAY, now=NOW)  # Tuesday 10: contact by Thursday 12
    assert (due("tcm.contact"), due("tcm.visit")) == ("2026-02-13", "2026-02-25")
    assert home.enrolment.loop.next_escalation_at == NOW
    assert escalate_loops(LIAISON, now=NOW)
    assert view(home, now=NOW).stage is Stage.CONTACT_MISSED


def test_complexity_and_steps_set_by_hand_stay_and_a_snooze_past_the_new_time_ends(home):
    set_complexity(
        home.rosa, enrolment_id=home.enrolment.pk, complexity=Complexity.HIGH, seen=Complexity.MODERATE, now=NOW
    )
    step = NextStep(words="Ask June for the list", due_at=NOW + DAY)
    set_next_step(home.rosa, loop_id=home.enrolment.loop_id, step=step, now=NOW)
    snooze_loop(home.rosa, loop_id=home.enrolment.loop_id, until=NOW + DAY, reason="June works", now=NOW)
    correct(home, to=DISCHARGE - 3 * DAY, now=NOW)
    assert (due("tcm.visit"), due("tcm.reconciliation")) == ("2026-02-18", "2026-02-18")
    assert running()["by_hand"].due_at == NOW + DAY
    assert home.enrolment.loop.snoozed_until is None


def test_another_hour_of_the_same_day_is_noted_without_a_word(home):
    stories = LoopEvent.objects.count()
    correct(home, to=DISCHARGE + timedelta(hours=2), now=NOW)
    assert (LoopEvent.objects.count(), home.enrolment.anchor_at) == (stories, DISCHARGE + timedelta(hours=2))
    assert evaluate(LIAISON, now=NOW).reckoned == 0


def test_a_call_before_the_right_hour_of_the_same_day_was_made_in_hospital(home):
    call(home, at=DISCHARGE + timedelta(hours=1), outcome="reached", clinical=True)
    correct(home, to=DISCHARGE + timedelta(hours=2), now=NOW)
    assert "tcm.contact" in running()
    line = LoopEvent.objects.get(what="taken_back")
    assert line.sentence == "The calls do not prove the contact any more."
    assert line.reason == "The end of the stay was corrected to Fri, Feb 13, 17:00."
    assert lines() == []


def test_it_is_found_by_a_rebuild_of_the_facts_and_by_the_hourly_look_too(home):
    correct(home, to=DISCHARGE + 5 * DAY)
    with writes_open():
        Enrolment.objects.update(anchor_at=DISCHARGE, anchor_on=DISCHARGE.date())
    rebuild_facts(LIAISON, now=THURSDAY)
    assert home.enrolment.anchor_at == DISCHARGE + 5 * DAY
    with writes_open():
        Enrolment.objects.update(anchor_at=DISCHARGE, anchor_on=DISCHARGE.date())
    assert evaluate(LIAISON, now=THURSDAY).reckoned == 1
    assert evaluate(LIAISON, now=THURSDAY).reckoned == 0


def test_a_talk_before_the_right_end_is_contact_no_more_and_one_after_it_is_again(home):
    call(home, at=MONDAY, outcome="reached", clinical=True)
    correct(home, to=DISCHARGE + 5 * DAY)
    assert (home.enrolment.loop.evidence_kinds, due("tcm.contact")) == ([], "2026-02-21")
    row = Evidence.objects.get()
    assert (row.withdrawn_because, row.withdrawn_at) == ("stay_corrected", THURSDAY)
    correct(home, to=DISCHARGE)
    assert home.enrolment.loop.evidence_kinds == ["contact"]
    assert "tcm.contact" not in running()


def test_a_talk_that_was_in_time_says_that_it_was_late_by_the_earlier_end(home):
    call(home, at=MONDAY, outcome="reached", clinical=True)
    correct(home, to=DISCHARGE - 3 * DAY)
    assert Evidence.objects.get(withdrawn_at=None).note == "Spoken with, after the two business days."
    assert home.enrolment.loop.evidence_kinds == ["contact"]
    assert "tcm.contact" not in running()
    assert Clock.objects.filter(satisfied_by=f"evidence:{Evidence.objects.get(withdrawn_at=None).pk}").exists()


def test_two_attempts_that_are_outside_the_right_window_count_no_more_and_the_call_is_due_again(home):
    call(home, at=MONDAY)
    call(home, at=MONDAY + timedelta(hours=3))
    assert set(running()) == {"tcm.keep_trying", "tcm.visit", "tcm.reconciliation"}
    correct(home, to=DISCHARGE + 5 * DAY)
    assert set(running()) == {"tcm.contact", "tcm.visit", "tcm.reconciliation"}


def test_one_late_try_is_no_late_one_by_the_later_end_and_the_call_is_due_again(home):
    call(home, at=THURSDAY - timedelta(hours=2))
    assert "tcm.keep_trying" in running()
    correct(home, to=DISCHARGE + 5 * DAY)
    assert set(running()) == {"tcm.contact", "tcm.visit", "tcm.reconciliation"}


def test_a_try_in_time_was_late_by_the_earlier_end_and_the_next_try_is_what_comes_next(home):
    call(home, at=MONDAY)
    correct(home, to=DISCHARGE - 3 * DAY)
    assert set(running()) == {"tcm.keep_trying", "tcm.visit", "tcm.reconciliation"}
    correct(home, to=DISCHARGE - 4 * DAY)
    assert LoopEvent.objects.filter(reason="Tried again.").count() == 0


def test_a_try_while_the_window_is_open_stays_a_try(home):
    call(home, at=MONDAY)
    correct(home, to=DISCHARGE - DAY, now=MONDAY + timedelta(hours=1))
    assert "tcm.contact" in running()


def test_a_booked_visit_stays_expected_and_its_day_is_the_medicines_day(home):
    visit = home.visit(DISCHARGE + 10 * DAY)
    visit_booked(home.rosa, loop_id=home.enrolment.loop_id, appointment_id=visit.pk, now=NOW)
    correct(home, to=DISCHARGE + 5 * DAY)
    assert running()["tcm.visit"].step == "Visit Mon, Feb 23, 15:00: see that it takes place"
    assert (due("tcm.visit"), due("tcm.reconciliation")) == ("2026-03-05", "2026-02-24")
    assert running()["tcm.reconciliation"].anchor_event == "visit:2026-02-23"


def test_a_visit_booked_for_the_right_day_of_discharge_cannot_be_it_and_another_is_to_be_booked(home):
    call(home, at=MONDAY, outcome="reached", clinical=True)
    visit = home.visit(DISCHARGE + 8 * DAY)
    visit_booked(home.rosa, loop_id=home.enrolment.loop_id, appointment_id=visit.pk, now=MONDAY)
    assert "tcm.booking" not in running()
    now = DISCHARGE + 8 * DAY - timedelta(hours=2)
    correct(home, to=now - timedelta(hours=1), now=now)
    assert running()["tcm.booking"].step == "Book the visit after the hospital stay again"
    assert running()["tcm.visit"].step.startswith("Book the visit after the hospital stay and see")
    correct(home, to=DISCHARGE, now=now)
    assert "tcm.booking" not in running()
    assert running()["tcm.visit"].step == "Visit Sat, Feb 21, 15:00: see that it takes place"


def test_a_visit_of_ours_before_the_right_day_counts_no_more_and_counts_again(home):
    visit = home.visit(DISCHARGE + 4 * DAY)
    with writes_open():
        visit.state, visit.seen_at = "fulfilled", visit.start_at
        visit.save()
    visit_seen(home.rosa, loop_id=home.enrolment.loop_id, appointment_id=visit.pk, now=THURSDAY)
    correct(home, to=DISCHARGE + 5 * DAY)
    assert (home.enrolment.loop.evidence_kinds, due("tcm.visit")) == ([], "2026-03-05")
    line = LoopEvent.objects.get(what="taken_back")
    assert line.sentence == "The visit was not after the day of the discharge: it counts no more."
    assert line.reason == "The end of the stay was corrected: home since Feb 18, not Feb 13."
    correct(home, to=DISCHARGE)
    assert home.enrolment.loop.evidence_kinds == ["visit"]
    assert view(home).visit_standing is VisitStanding.IN_7


def test_a_visit_elsewhere_is_told_by_its_right_distance_and_one_too_early_asks_to_book_again(home):
    call(home, at=MONDAY, outcome="reached", clinical=True)
    record(home, on=5, now=THURSDAY)
    correct(home, to=DISCHARGE - 4 * DAY)
    row = Evidence.objects.get(kind="visit", withdrawn_at=None)
    assert row.note.endswith("15:00. Within 14 days.")
    assert view(home).visit_standing is VisitStanding.IN_14
    correct(home, to=DISCHARGE + 5 * DAY + timedelta(hours=-1))
    assert view(home).visit_seen_at is None
    assert "tcm.visit" in running()


def test_who_was_asked_to_book_before_the_visit_elsewhere_is_asked_again(home):
    call(home, at=MONDAY, outcome="reached", clinical=True)
    record(home, on=3, now=THURSDAY)
    correct(home, to=DISCHARGE + 3 * DAY - timedelta(hours=1))
    assert {"tcm.booking", "tcm.visit"} <= set(running())
    assert home.enrolment.loop.evidence_kinds == ["contact"], "the talk was an hour after the right end"


def test_medicines_gone_through_in_hospital_are_to_be_gone_through_again(home):
    day = DISCHARGE.date()
    record_reconciliation(home.rosa, enrolment_id=home.enrolment.pk, done_on=day, note="Eight", now=NOW)
    correct(home, to=DISCHARGE + 5 * DAY)
    assert due("tcm.reconciliation") == "2026-03-05"
    assert home.enrolment.loop.evidence_kinds == []


def test_a_kept_follow_up_whose_proofs_still_count_stays_kept_under_its_right_name(home):
    prove_all(home)
    correct(home, to=DISCHARGE + DAY)
    loop = home.enrolment.loop
    assert (loop.state, loop.title) == ("closed", "Home from hospital since Feb 14")
    assert running() == {}
    (line,) = lines()
    assert line.endswith("home since Feb 14, not Feb 13. It was kept, and what proved it still does.")


def test_a_kept_follow_up_with_a_proof_that_counts_no_more_opens_again_with_the_right_clocks(home):
    prove_all(home)
    correct(home, to=DISCHARGE + 4 * DAY - timedelta(hours=1))
    assert home.enrolment.loop.state == "open"
    assert set(running()) == {"tcm.contact", "tcm.visit"}
    assert (due("tcm.contact"), due("tcm.visit")) == ("2026-02-20", "2026-03-04")
    assert any(line.endswith("Open again.") for line in lines("reopened"))


def test_a_kept_follow_up_whose_other_talk_proves_the_contact_stays_kept(home):
    call(home, at=MONDAY, outcome="reached", clinical=True)
    call(home, at=MONDAY + 2 * DAY, outcome="reached", clinical=True)
    record(home, on=5, now=THURSDAY)
    day = (DISCHARGE + 5 * DAY).date()
    record_reconciliation(home.rosa, enrolment_id=home.enrolment.pk, done_on=day, note="Eight", now=THURSDAY)
    close_loop(home.rosa, loop_id=home.enrolment.loop_id, now=THURSDAY)
    correct(home, to=MONDAY + DAY)
    assert home.enrolment.loop.state == "closed"
    proof = Evidence.objects.get(kind="contact", withdrawn_at=None)
    assert proof.about_id == Call.objects.order_by("pk").last().pk


def test_a_kept_follow_up_whose_time_is_over_only_says_so(home):
    prove_all(home)
    late = DISCHARGE + 60 * DAY
    correct(home, to=DISCHARGE + 4 * DAY, now=late)
    assert (home.enrolment.loop.state, home.enrolment.anchor_on.day) == ("closed", 17)
    assert home.enrolment.loop.evidence_kinds == ["contact", "reconciliation", "visit"]
    (line,) = lines()
    assert line.endswith("Look whether what proved it still does.")


def test_one_that_runs_past_its_window_is_counted_from_the_right_day_and_a_person_says_how_it_ended(home):
    late = DISCHARGE + 28 * DAY
    correct(home, to=DISCHARGE - 3 * DAY, now=late)
    loop = home.enrolment.loop
    assert (loop.state, loop.title) == ("open", "Home from hospital since Feb 10")


def test_one_that_would_never_have_been_opened_is_taken_back_and_comes_back_with_its_complexity(home):
    set_complexity(
        home.rosa, enrolment_id=home.enrolment.pk, complexity=Complexity.HIGH, seen=Complexity.MODERATE, now=NOW
    )
    correct(home, to=DISCHARGE - 40 * DAY, now=NOW)
    assert home.enrolment.voided_reason == (
        "by its corrected end the stay was over for more than 30 days when this was opened"
    )
    assert home.enrolment.loop.state == "given_up"
    correct(home, to=DISCHARGE + timedelta(hours=1), now=NOW)
    assert (home.enrolment.loop.state, home.enrolment.complexity, due("tcm.visit")) == ("open", "high", "2026-02-21")


def test_what_a_person_gave_up_and_what_ended_by_death_is_left_as_it_was(home):
    give_up_loop(home.rosa, loop_id=home.enrolment.loop_id, reason="Moved away", now=NOW)
    correct(home, to=DISCHARGE + 5 * DAY)
    assert (home.enrolment.anchor_at, lines()) == (DISCHARGE, [])


def test_a_kept_one_of_a_patient_who_died_is_left_as_it_was(home):
    prove_all(home)
    mark_deceased(actor=LIAISON, patient=home.walter, on=THURSDAY.date(), now=THURSDAY)
    correct(home, to=DISCHARGE + 4 * DAY)
    assert (home.enrolment.anchor_at, lines()) == (DISCHARGE, [])


def test_two_evaluations_of_one_correction_count_it_once(home):
    correct(home, to=DISCHARGE + 5 * DAY)
    criteria = read_protocol(packaged_protocols()[0]).criteria
    (candidate,) = judged_anchors(criteria, now=THURSDAY)
    assert reckon_anew(LIAISON, enrolment_id=home.enrolment.pk, stay=candidate, now=THURSDAY) is False
    assert len(lines()) == 1


def test_one_that_cannot_be_counted_anew_stops_no_other_and_is_said(home, caplog):
    with writes_open():
        Loop.objects.update(version=2**31 - 1)
        Fact.objects.filter(kind="encounter").update(ends_at=DISCHARGE + DAY)
    done = evaluate(LIAISON, now=THURSDAY)
    assert (done.reckoned, done.failed, home.enrolment.anchor_at) == (0, 1, DISCHARGE)
    assert "pathways.stay_failed" in caplog.text


def test_an_import_says_how_many_were_counted_anew(home):
    (seen,) = outlook(LIAISON, now=NOW)
    assert told(seen, opened=0, reckoned=1)[1] == (
        "  1 followed before, 1 of them counted anew: the end of the stay was corrected"
    )
