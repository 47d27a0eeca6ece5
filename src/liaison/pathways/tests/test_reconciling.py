"""The medicines were gone through on a day, and that day counts, not the one on which it is typed in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.urls import reverse

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment
from liaison.core.clock import current_time
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.loops.actions import give_up_loop
from liaison.loops.models import Clock, Evidence
from liaison.pathways.actions import (
    NotRunning,
    Reconciled,
    ReconciledInTheFuture,
    ReconciledTooEarly,
    record_reconciliation,
    set_complexity,
    strike_proof,
)
from liaison.pathways.queries import get_follow_up
from liaison.pathways.rules.protocol import Complexity
from liaison.pathways.rules.transition import NotThatDay, why_not_reconciled_on
from liaison.pathways.tests.cast import DISCHARGE, NOW, stay, walter
from liaison.pathways.tests.test_following import call, running
from liaison.pathways.tests.test_screens import signed_in
from liaison.pathways.tests.test_visit_elsewhere import LATER, record

WORDS = "All eight with Walter and the discharge list; the water pill stopped"
HOME_ON = date(2026, 2, 13)


@pytest.fixture
def home(ward):
    """Walter came home, and is followed."""
    ward.take_in(walter(), stay())
    return ward


def reconcile(ward, *, actor=None, on=HOME_ON, note=WORDS, now=LATER):
    return record_reconciliation(actor or ward.rosa, enrolment_id=ward.enrolment.pk, done_on=on, note=note, now=now)


def view(ward, *, now=LATER):
    return get_follow_up(ward.rosa, enrolment_id=ward.enrolment.pk, now=now)


@pytest.mark.parametrize(
    ("on", "why"),
    [
        (date(2026, 2, 12), NotThatDay.TOO_EARLY),
        (date(2026, 2, 13), None),
        (date(2026, 3, 5), None),
        (date(2026, 3, 6), NotThatDay.AHEAD),
    ],
)
def test_it_is_a_day_from_the_discharge_until_today(on, why):
    assert why_not_reconciled_on(on, discharged_on=HOME_ON, today=date(2026, 3, 5)) is why


@pytest.mark.parametrize(("on", "code"), [(date(2026, 2, 18), "99495"), (date(2026, 2, 19), "")])
def test_by_the_day_of_the_visit_the_record_supports_the_code_however_late_it_is_typed(home, on, code):
    call(home, at=NOW, outcome="reached", clinical=True)
    record(home, on=5)
    reconcile(home, on=on)
    found = view(home)
    assert (found.code, found.reconciled_late) == (code, not code)
    assert found.reconciled_at.astimezone(home.riverside.zone).date() == on
    proof = Evidence.objects.get(kind="reconciliation")
    assert (proof.at, proof.note) == (LATER, WORDS)
    assert Clock.objects.get(rule_id="tcm.reconciliation", voided_at=None).satisfied_at == LATER
    assert AuditEntry.objects.filter(verb="pathways.reconcile", outcome="done").count() == 1


def test_a_day_that_can_not_be_is_refused_beside_its_field(home):
    for refusal, on in ((ReconciledTooEarly, date(2026, 2, 12)), (ReconciledInTheFuture, date(2026, 3, 6))):
        with pytest.raises(refusal) as refused:
            reconcile(home, on=on)
        assert refused.value.field == "done_on"
    assert not Evidence.objects.exists()


def test_sent_twice_it_stands_once_and_another_day_is_refused(home):
    reconcile(home)
    reconcile(home, note=f" {WORDS} ")
    with pytest.raises(Reconciled):
        reconcile(home, on=date(2026, 2, 14))
    assert Evidence.objects.count() == 1


def test_a_follow_up_that_ended_takes_none(home):
    give_up_loop(home.rosa, loop_id=home.enrolment.loop_id, reason="Moved away", now=NOW)
    with pytest.raises(NotRunning):
        reconcile(home)


def test_one_whose_stay_was_taken_back_takes_none(home):
    with writes_open():
        enrolment = home.enrolment
        enrolment.void(reason="The stay was cancelled", now=NOW)
        enrolment.save()
    with pytest.raises(NotRunning):
        reconcile(home)


def test_pat_elsewhere_and_who_does_not_care_for_them_record_none(home):
    with pytest.raises(NotFound):
        reconcile(home, actor=home.pat)
    front_desk = replace(home.rosa, assignments=frozenset({(str(Role.FRONT_DESK), home.riverside.pk)}))
    with pytest.raises(Forbidden):
        reconcile(home, actor=front_desk)


def strike(ward):
    proof = Evidence.objects.get(kind="reconciliation", withdrawn_at=None)
    strike_proof(ward.rosa, enrolment_id=ward.enrolment.pk, evidence_id=proof.pk, reason="Another patient", now=LATER)


def test_struck_out_they_are_to_be_gone_through_again(home):
    reconcile(home)
    set_complexity(
        home.rosa, enrolment_id=home.enrolment.pk, complexity=Complexity.HIGH, seen=Complexity.MODERATE, now=LATER
    )
    strike(home)
    clock = running()["tcm.reconciliation"]
    assert (clock.due_at.isoformat(), clock.anchor_event.partition(":")[0]) == (
        "2026-02-21T04:59:59+00:00",
        "encounter",
    )
    (shown,) = view(home).struck
    assert (shown.label, shown.note, shown.reason) == ("Medicines reconciled", WORDS, "Another patient")
    assert view(home).reconciled is False


def test_struck_out_after_the_visit_its_day_is_the_last_for_them(home):
    reconcile(home)
    record(home, on=5)
    strike(home)
    assert running()["tcm.reconciliation"].anchor_event == "visit:2026-02-18"
    assert "visit" in home.enrolment.loop.evidence_kinds


def test_struck_out_before_a_booked_visit_that_day_is_the_last_for_them(home):
    reconcile(home)
    home.visit(LATER + timedelta(days=2))
    strike(home)
    assert running()["tcm.reconciliation"].anchor_event == "visit:2026-03-07"


def test_struck_out_of_one_that_was_given_up_nothing_runs(home):
    reconcile(home)
    give_up_loop(home.rosa, loop_id=home.enrolment.loop_id, reason="Moved away", now=LATER)
    strike(home)
    assert running() == {}


def test_the_page_asks_for_the_day_and_keeps_what_was_typed(ward, client):
    now = current_time()
    ward.take_in(walter(), stay(ended=now - timedelta(days=6)), now=now)
    page = f"{reverse('pathways:reconcile')}?loop={ward.enrolment.loop_id}"
    follow_up = reverse("pathways:follow_up", args=[ward.enrolment.pk])
    zone = ward.riverside.zone
    today = now.astimezone(zone).date()
    signed_in(client, ward.rosa)
    assert page in client.get(follow_up).content.decode()
    assert f'value="{today}"' in client.get(page).content.decode()
    refused = client.post(page, {"done_on": f"{today + timedelta(days=2)}", "note": WORDS})
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["done_on"])
    assert WORDS in refused.content.decode()
    assert client.post(page, {"done_on": "", "note": WORDS}).status_code == 422
    done_on = today - timedelta(days=3)
    assert client.post(page, {"done_on": f"{done_on}", "note": WORDS}).headers["Location"] == follow_up
    shown = client.get(follow_up).content.decode()
    assert f"reconciled {done_on:%a, %b} {done_on.day}" in shown
    assert page not in shown
    assert client.post(page, {"done_on": f"{today}", "note": WORDS}).status_code == 409
    record(ward, seen_at=now - timedelta(days=2), now=now)
    assert "The visit was on " in client.get(page).content.decode()
    with writes_open():
        Assignment.objects.filter(user_id=ward.rosa.user_id).update(role=Role.FRONT_DESK)
    assert client.get(page).status_code == 403
    assert WORDS not in client.get(follow_up).content.decode(), "what clinical evidence says is for those who care"


def test_the_day_of_discharge_itself_counts_for_a_visit_on_the_next(home):
    record(home, on=1)
    reconcile(home, on=DISCHARGE.astimezone(home.riverside.zone).date())
    assert view(home).reconciled_late is False
