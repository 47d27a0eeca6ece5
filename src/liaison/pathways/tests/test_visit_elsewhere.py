"""The visit after a stay took place where no appointment of ours says so; calls and visits are no sentences."""

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
from liaison.loops.actions import ProvenElsewhere, add_evidence_by_hand, give_up_loop
from liaison.loops.models import Clock, Evidence
from liaison.loops.queries import loop_story
from liaison.pathways.actions import (
    NotRunning,
    VisitByPhone,
    VisitInTheFuture,
    VisitRecorded,
    VisitTooEarly,
    record_visit_elsewhere,
)
from liaison.pathways.queries import get_follow_up
from liaison.pathways.rules.transition import VisitStanding
from liaison.pathways.tests.cast import DISCHARGE, NOW, stay, walter
from liaison.pathways.tests.test_following import call, running
from liaison.pathways.tests.test_screens import signed_in

WHERE = "Dr Tanaka, Albany; her note came by fax"
LATER = DISCHARGE + timedelta(days=20)


@pytest.fixture
def home(ward):
    """Walter came home, and is followed."""
    ward.take_in(walter(), stay())
    return ward


def record(ward, *, actor=None, on=5, now=LATER, **more):
    values = {"seen_at": DISCHARGE + timedelta(days=on), "modality": "in_person", "where": f" {WHERE} "} | more
    return record_visit_elsewhere(actor or ward.rosa, enrolment_id=ward.enrolment.pk, now=now, **values)


@pytest.mark.parametrize(
    ("days", "standing", "words"),
    [
        (5, VisitStanding.IN_7, "Within 7 days."),
        (9, VisitStanding.IN_14, "Within 14 days."),
        (18, VisitStanding.LATE, "After 14 days."),
    ],
)
def test_it_counts_by_its_own_day_whenever_it_is_typed_in(home, days, standing, words):
    record(home, on=days)
    view = get_follow_up(home.rosa, enrolment_id=home.enrolment.pk, now=LATER)
    assert (view.visit_seen_at, view.visit_standing) == (DISCHARGE + timedelta(days=days), standing)
    proof = Evidence.objects.get(kind="visit")
    assert proof.note.startswith(f"In person, {WHERE}, ")
    assert proof.note.endswith(words)
    assert Clock.objects.get(rule_id="tcm.visit").satisfied_at == LATER
    assert AuditEntry.objects.filter(verb="pathways.record_visit", outcome="done").count() == 1


def test_its_day_is_the_last_for_the_medicines(home):
    record(home, on=5)
    due = running()["tcm.reconciliation"].due_at
    assert due.isoformat() == "2026-02-19T04:59:59+00:00"


def test_once_contacted_nobody_is_asked_to_book_what_took_place(home):
    call(home, at=NOW, outcome="reached", clinical=True)
    assert running()["tcm.booking"]
    record(home)
    assert "tcm.booking" not in running()


def test_what_is_no_such_visit_is_refused_beside_its_field(home):
    for refusal, field, more in (
        (VisitTooEarly, "seen_at", {"on": 0}),
        (VisitInTheFuture, "seen_at", {"on": 21}),
        (VisitByPhone, "modality", {"modality": "phone"}),
    ):
        with pytest.raises(refusal) as refused:
            record(home, **more)
        assert refused.value.field == field
    assert not Evidence.objects.exists()


def test_sent_twice_it_stands_once_and_another_one_is_refused(home):
    record(home)
    record(home)
    with pytest.raises(VisitRecorded):
        record(home, on=6)
    with pytest.raises(VisitRecorded):
        record(home, modality="video")
    assert Evidence.objects.filter(kind="visit").count() == 1


def test_a_follow_up_that_ended_takes_none(home):
    give_up_loop(home.rosa, loop_id=home.enrolment.loop_id, reason="Moved away", now=NOW)
    with pytest.raises(NotRunning):
        record(home)


def test_pat_elsewhere_and_who_does_not_care_for_them_record_none(home):
    with pytest.raises(NotFound):
        record(home, actor=home.pat)
    front_desk = replace(home.rosa, assignments=frozenset({(str(Role.FRONT_DESK), home.riverside.pk)}))
    with pytest.raises(Forbidden):
        record(home, actor=front_desk)
    story = loop_story(front_desk, loop_id=home.enrolment.loop_id, now=NOW)
    assert ([words for words, _ in story.proven_at], story.care_decides) == (["Log a call"], False)


def test_a_contact_or_a_visit_is_no_sentence_on_the_desk(home):
    loop = home.enrolment.loop
    for kind in ("contact", "attempt", "visit", "reconciliation"):
        with pytest.raises(ProvenElsewhere):
            add_evidence_by_hand(
                home.rosa, loop_id=loop.pk, kind=kind, note="spoke", now=NOW, expected_version=loop.version
            )
    story = loop_story(home.rosa, loop_id=loop.pk, now=NOW)
    assert story.accepted == ()
    assert story.proven_at == (
        ("Log a call", f"/calls/new/?loop={loop.pk}"),
        ("The visit took place elsewhere", f"/follow-ups/visit/?loop={loop.pk}"),
        ("The medicines were reconciled", f"/follow-ups/medicines/?loop={loop.pk}"),
    )
    record(home)
    left = [words for words, _ in loop_story(home.rosa, loop_id=loop.pk, now=LATER).proven_at]
    assert left == ["Log a call", "The medicines were reconciled"]


def test_the_page_keeps_what_was_typed_until_it_is_recorded(ward, client):
    now = current_time()
    ward.take_in(walter(), stay(ended=now - timedelta(days=6)), now=now)
    page = f"{reverse('pathways:visit_elsewhere')}?loop={ward.enrolment.loop_id}"
    signed_in(client, ward.rosa)
    follow_up = reverse("pathways:follow_up", args=[ward.enrolment.pk])
    assert page in client.get(follow_up).content.decode()
    assert client.get(page).status_code == 200
    form = {"seen_at": f"{now + timedelta(days=2):%Y-%m-%dT10:00}", "modality": "video", "where": WHERE}
    refused = client.post(page, form)
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["seen_at"])
    assert WHERE in refused.content.decode()
    form["seen_at"] = f"{now - timedelta(days=2):%Y-%m-%dT10:00}"
    assert client.post(page, form).headers["Location"] == follow_up
    assert "took place" in client.get(follow_up).content.decode()
    assert page not in client.get(follow_up).content.decode()
    assert client.post(page, form | {"where": "Elsewhere"}).status_code == 409
    assert client.get(f"{reverse('pathways:visit_elsewhere')}?loop=999999").status_code == 404
    with writes_open():
        Assignment.objects.filter(user_id=ward.rosa.user_id).update(role=Role.FRONT_DESK)
    assert client.get(page).status_code == 403


def test_the_desks_form_shows_where_the_rest_is_proven(ward, client):
    ward.take_in(walter(), stay())
    signed_in(client, ward.rosa)
    shown = client.get(reverse("loops:evidence", args=[ward.enrolment.loop_id])).content.decode()
    assert "The visit took place elsewhere" in shown
    assert "Log a call" in shown
    assert "The medicines were reconciled" in shown
    assert "Medicines reconciled" not in shown
    assert "Visit attended" not in shown
