"""A visit elsewhere that was recorded by mistake is struck out, and the follow-up stands as it stood before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment
from liaison.core.clock import current_time
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.loops.actions import ReasonNeeded, add_evidence, close_loop, give_up_loop, undo_last_change
from liaison.loops.models import Evidence, LoopEvent
from liaison.loops.ports import About
from liaison.pathways.actions import ProofStruckBefore, strike_proof
from liaison.pathways.queries import get_follow_up
from liaison.pathways.rules.transition import Stage
from liaison.pathways.tests.cast import DISCHARGE, NOW, stay, walter
from liaison.pathways.tests.test_following import call, running
from liaison.pathways.tests.test_screens import signed_in
from liaison.pathways.tests.test_visit_elsewhere import LATER, WHERE, record
from liaison.scheduling.models import Appointment

SOON_AFTER = LATER + timedelta(hours=3)
WRONG = "It was another patient's note"


@pytest.fixture
def home(ward):
    """Walter came home, and is followed."""
    ward.take_in(walter(), stay())
    return ward


def strike(ward, *, actor=None, reason=WRONG, evidence=None, now=SOON_AFTER):
    evidence = evidence or Evidence.objects.filter(kind="visit").order_by("pk").last()
    return strike_proof(
        actor or ward.rosa, enrolment_id=ward.enrolment.pk, evidence_id=evidence.pk, reason=reason, now=now
    )


def view(ward, *, now=SOON_AFTER, actor=None):
    return get_follow_up(actor or ward.rosa, enrolment_id=ward.enrolment.pk, now=now)


def steps():
    return {rule: (clock.step, clock.due_at) for rule, clock in running().items()}


def test_its_clocks_run_again_due_when_they_were_and_the_step_to_book_too(home):
    call(home, at=NOW, outcome="reached", clinical=True)
    before = steps()
    assert set(before) == {"tcm.booking", "tcm.reconciliation", "tcm.visit"}
    record(home)
    assert set(running()) == {"tcm.reconciliation"}
    strike(home)
    assert steps() == before
    assert home.enrolment.loop.evidence_kinds == ["contact"]


def test_it_stays_to_be_read_with_who_struck_it_out_and_why(home):
    record(home)
    strike(home)
    row = Evidence.objects.get(kind="visit")
    assert (row.withdrawn_at, row.withdrawn_by_name, row.withdrawn_reason) == (SOON_AFTER, "Rosa Delgado", WRONG)
    (shown,) = view(home).struck
    assert (shown.label, shown.by_name, shown.at, shown.reason) == ("Visit attended", "Rosa Delgado", SOON_AFTER, WRONG)
    assert WHERE in shown.note
    entry = AuditEntry.objects.get(verb="pathways.strike_proof")
    assert (entry.outcome, entry.reason, entry.patient_ids) == ("done", WRONG, [home.walter.pk])
    told = LoopEvent.objects.get(what="taken_back")
    assert told.sentence == "Recorded by mistake, and taken back: the visit elsewhere, Wed, Feb 18, 15:00."
    assert told.reason == WRONG


def test_the_code_that_the_record_supported_is_supported_no_more(home):
    call(home, at=NOW, outcome="reached", clinical=True)
    add_evidence(home.rosa, loop_id=home.enrolment.loop_id, kind="reconciliation", note="All eight", now=NOW)
    record(home)
    assert (view(home).code, view(home).stage) == ("99495", Stage.VISIT_DONE)
    strike(home)
    found = view(home)
    assert (found.code, found.visit_seen_at, found.visit_standing, found.reconciled) == ("", None, None, True)
    assert found.stage is Stage.CONTACTED


def test_a_follow_up_that_closed_on_it_opens_again(home):
    call(home, at=NOW, outcome="reached", clinical=True)
    add_evidence(home.rosa, loop_id=home.enrolment.loop_id, kind="reconciliation", note="All eight", now=NOW)
    record(home)
    close_loop(home.rosa, loop_id=home.enrolment.loop_id, now=LATER + timedelta(hours=1))
    strike(home)
    assert home.enrolment.loop.state == "open"
    assert set(running()) == {"tcm.booking", "tcm.visit"}
    assert LoopEvent.objects.get(what="reopened").reason == WRONG


def test_one_that_was_given_up_stays_so_and_counts_it_no_more(home):
    record(home)
    give_up_loop(home.rosa, loop_id=home.enrolment.loop_id, reason="Moved away", now=LATER)
    strike(home)
    assert (home.enrolment.loop.state, view(home).visit_seen_at) == ("given_up", None)
    assert running() == {}


def test_another_visit_that_is_booked_is_expected_and_nobody_asked_to_book(home):
    call(home, at=NOW, outcome="reached", clinical=True)
    record(home)
    booked = home.visit(LATER + timedelta(days=2))
    strike(home)
    assert set(running()) == {"tcm.reconciliation", "tcm.visit"}
    assert running()["tcm.visit"].step == "Visit Sat, Mar 7, 15:00: see that it takes place"
    assert running()["tcm.reconciliation"].anchor_event == "visit:2026-03-07"
    assert view(home).visit_booked_at == booked.start_at


def seen(ward, start_at, **more):
    visit = ward.visit(start_at)
    with writes_open():
        Appointment.objects.filter(pk=visit.pk).update(state="fulfilled", seen_at=start_at, **more)
    return visit


def test_one_of_ours_that_took_place_counts_instead(home):
    record(home, on=5)
    seen(home, DISCHARGE + timedelta(days=2), modality="phone")
    ours = seen(home, DISCHARGE + timedelta(days=9))
    strike(home)
    assert (view(home).visit_seen_at, str(view(home).visit_standing)) == (ours.start_at, "in_14")
    assert view(home).recorded == ()
    assert running()["tcm.reconciliation"].anchor_event == "visit:2026-02-22"


def test_one_of_ours_that_took_place_keeps_it_closed(home):
    call(home, at=NOW, outcome="reached", clinical=True)
    add_evidence(home.rosa, loop_id=home.enrolment.loop_id, kind="reconciliation", note="All eight", now=NOW)
    record(home)
    ours = seen(home, DISCHARGE + timedelta(days=9))
    close_loop(home.rosa, loop_id=home.enrolment.loop_id, now=LATER + timedelta(hours=1))
    strike(home)
    assert (home.enrolment.loop.state, view(home).visit_seen_at) == ("closed", ours.start_at)


def test_struck_out_after_a_talk_that_asked_for_none_the_visit_is_to_be_booked_soon(home):
    record(home)
    call(home, at=LATER, outcome="reached", clinical=True)
    strike(home)
    assert running()["tcm.booking"].step == "Book the visit after the hospital stay"


def test_the_same_again_changes_nothing_and_somebody_else_is_told_who_was_first(home):
    record(home)
    strike(home)
    before = LoopEvent.objects.count()
    strike(home, reason=f" {WRONG} ")
    assert LoopEvent.objects.count() == before
    with pytest.raises(ProofStruckBefore, match="Rosa Delgado struck this out meanwhile"):
        strike(home, reason="Twice")


def test_what_was_undone_at_once_is_struck_out_no_more(home):
    record(home)
    undo_last_change(home.rosa, loop_id=home.enrolment.loop_id, now=LATER + timedelta(seconds=5))
    with pytest.raises(ProofStruckBefore, match="taken back meanwhile"):
        strike(home)
    assert view(home).struck == ()


def test_it_needs_a_reason_and_is_no_other_evidence(home):
    record(home)
    with pytest.raises(ReasonNeeded):
        strike(home, reason="  ")
    call(home, at=LATER, outcome="reached", clinical=True)
    with pytest.raises(NotFound):
        strike(home, evidence=Evidence.objects.get(kind="contact"))
    assert "visit" in home.enrolment.loop.evidence_kinds


def test_a_visit_of_ours_is_changed_on_its_own_page(home):
    ours = home.visit(DISCHARGE + timedelta(days=5))
    about = About(type="scheduling.appointment", id=ours.pk)
    add_evidence(home.rosa, loop_id=home.enrolment.loop_id, kind="visit", about=about, now=LATER)
    proof = Evidence.objects.get()
    with pytest.raises(NotFound):
        strike(home, evidence=proof)


def test_pat_elsewhere_and_who_does_not_care_for_them_strike_nothing_out(home):
    record(home)
    with pytest.raises(NotFound):
        strike(home, actor=home.pat)
    front_desk = replace(home.rosa, assignments=frozenset({(str(Role.FRONT_DESK), home.riverside.pk)}))
    with pytest.raises(Forbidden):
        strike(home, actor=front_desk)
    strike(home)
    (shown,) = view(home, actor=front_desk).struck
    assert (WHERE in shown.note, shown.reason) == (True, ""), "where is no secret to the desk, why may be"


def test_undone_at_once_the_step_to_book_and_the_medicines_day_are_as_before(home):
    call(home, at=NOW, outcome="reached", clinical=True)
    before = steps()
    record(home)
    undo_last_change(home.rosa, loop_id=home.enrolment.loop_id, now=LATER + timedelta(seconds=5))
    assert steps() == before
    assert home.enrolment.loop.evidence_kinds == ["contact"]


def test_undone_at_once_with_another_visit_booked_nobody_is_asked_to_book(home):
    call(home, at=NOW, outcome="reached", clinical=True)
    home.visit(LATER + timedelta(days=2))
    record(home)
    undo_last_change(home.rosa, loop_id=home.enrolment.loop_id, now=LATER + timedelta(seconds=5))
    assert set(running()) == {"tcm.reconciliation", "tcm.visit"}
    assert running()["tcm.reconciliation"].anchor_event == "visit:2026-03-07"


def test_the_undo_of_other_evidence_moves_no_visit(home):
    before = steps()
    add_evidence(home.rosa, loop_id=home.enrolment.loop_id, kind="reconciliation", note="All eight", now=NOW)
    undo_last_change(home.rosa, loop_id=home.enrolment.loop_id, now=NOW + timedelta(seconds=5))
    assert steps() == before


def test_rosa_strikes_it_out_on_the_page_of_the_follow_up(ward, client):
    now = current_time()
    ward.take_in(walter(), stay(ended=now - timedelta(days=6)), now=now)
    record(ward, seen_at=now - timedelta(days=2), now=now)
    page = reverse("pathways:follow_up", args=[ward.enrolment.pk])
    address = reverse("pathways:strike", args=[ward.enrolment.pk])
    proof = Evidence.objects.get(kind="visit")
    signed_in(client, ward.rosa)
    shown = client.get(page).content.decode()
    assert address in shown
    assert WHERE in shown
    refused = client.post(address, {"evidence": proof.pk, "reason": ""})
    assert refused.status_code == 422
    assert '<details class="card-body border-top" open>' in refused.content.decode()
    assert client.post(address, {"evidence": proof.pk + 1, "reason": WRONG}).status_code == 404
    assert client.post(address, {"evidence": proof.pk, "reason": WRONG}).headers["Location"] == page
    shown = client.get(page).content.decode()
    assert "took place" not in shown.replace("It took place elsewhere", "")
    assert WRONG in shown.replace("&#x27;", "'")
    assert address not in shown
    assert client.post(address, {"evidence": proof.pk, "reason": "Twice"}).status_code == 409
    with writes_open():
        Assignment.objects.filter(user_id=ward.rosa.user_id).update(role=Role.FRONT_DESK)
    assert client.post(address, {"evidence": proof.pk, "reason": WRONG}).status_code == 403
    shown = client.get(page).content.decode()
    assert address not in shown
    assert WRONG not in shown.replace("&#x27;", "'")
