"""Taking back a move that told nobody outside: the referral and its loop stand where they stood."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from liaison.core.facts import Fact
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.loops.models import Evidence, Loop, LoopEvent
from liaison.orders import actions, events, queries
from liaison.orders.models import Referral, ReferralStep
from liaison.orders.tests.clinic import NOW, Clinic
from liaison.orders.tests.test_screens import HTMX, at_desk

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
LATER = NOW + 5 * HOUR
VISIT = NOW


def loop_of(referral: Referral) -> Loop:
    return Loop.objects.get(referral__pk=referral.pk)


def last_step(referral: Referral) -> ReferralStep:
    return ReferralStep.objects.filter(referral=referral, undone_at=None).order_by("-pk")[0]


def undo(clinic: Clinic, referral: Referral, step: ReferralStep | None = None, **more: Any) -> Referral:
    step = step or last_step(referral)
    return actions.undo_move(clinic.rosa, referral_id=referral.pk, step_id=step.pk, **({"now": LATER} | more))


def stands(referral: Referral) -> dict[str, Any]:
    row = Referral.objects.get(pk=referral.pk)
    loop = loop_of(referral)
    kept = {name: getattr(row, name) for name in ("state", "state_since", "visit_at", "appointment_id", "facts")}
    return kept | {
        "report": row.report, "review": row.review, "how": row.informed_how, "loop": loop.state,
        "next": loop.next_step, "due": loop.due_at, "evidence": loop.evidence_kinds, "waits": loop.waiting_on,
    }  # fmt: skip


MOVES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("confirm_received", {}),
    ("accept_referral", {"note": "Gladly"}),
    ("mark_scheduled", {"visit_at": VISIT}),
    ("mark_visit_missed", {}),
    ("mark_scheduled", {"visit_at": VISIT + HOUR}),
    ("mark_visit_cancelled", {}),
    ("mark_seen", {"seen_at": VISIT}),
    ("record_note", {"report": "Mild stenosis"}),
    ("review_note", {"review": "Echo in a year"}),
    ("tell_patient", {"how": "Called June"}),
)


def test_every_move_of_the_way_can_be_taken_back_and_made_again(clinic: Clinic, facts: list[Fact]) -> None:
    referral = clinic.sent()
    for minutes, (name, more) in enumerate(MOVES, start=1):
        before = stands(referral)
        actor = clinic.imani if name == "review_note" else clinic.rosa
        now = NOW + timedelta(minutes=minutes)
        getattr(actions, name)(actor, referral_id=referral.pk, now=now, **more)
        assert stands(referral) != before
        step = queries.undoable_step(actor, referral=Referral.objects.get(pk=referral.pk), now=NOW)
        actions.undo_move(actor, referral_id=referral.pk, step_id=step or 0, now=now + timedelta(seconds=8))
        assert stands(referral) == before, name
        assert type(facts[-1]) is events.ReferralMoveUndone
        getattr(actions, name)(actor, referral_id=referral.pk, now=now + timedelta(seconds=20), **more)
    assert Referral.objects.get(pk=referral.pk).state == "closed"
    assert AuditEntry.objects.filter(verb="orders.take_back", outcome="done").count() == len(MOVES)


def test_a_decline_that_was_none_is_taken_back_with_the_visit_that_it_forgot(clinic: Clinic) -> None:
    referral = clinic.sent()
    actions.mark_scheduled(clinic.rosa, referral_id=referral.pk, visit_at=VISIT, now=NOW)
    before = stands(referral)
    actions.decline_referral(clinic.rosa, referral_id=referral.pk, reason="Full", now=NOW + HOUR)
    undo(clinic, referral)
    assert stands(referral) == before


def test_what_was_told_of_it_is_struck_through_and_says_by_whom(clinic: Clinic) -> None:
    referral = clinic.sent()
    actions.record_note(clinic.rosa, referral_id=referral.pk, report="Mild stenosis", now=NOW + HOUR)
    undo(clinic, referral)
    evidence = Evidence.objects.get()
    assert (evidence.note, evidence.withdrawn_at) == ("Mild stenosis", LATER)
    assert evidence.withdrawn_reason == "Taken back: Heart Center's note came."
    line = LoopEvent.objects.order_by("-pk")[0]
    assert (line.what, line.sentence) == ("taken_back", "Taken back: Heart Center's note came.")
    page = queries.referral_page(clinic.rosa, referral_id=referral.pk, now=LATER)
    assert [(step.undone_by, step.may_undo) for step in page.steps] == [
        ("Rosa Delgado", False), ("", False), ("", False),
    ]  # fmt: skip
    assert "note_received" not in {stop.state for stop in page.track if stop.status != "ahead"}
    told = queries.timeline(clinic.rosa, patient=clinic.walter, now=NOW)[0]
    assert (told.struck_at, told.detail) == (LATER, "(Rosa Delgado) Taken back by Rosa Delgado")
    with pytest.raises(actions.ReferralChanged, match=r"Rosa Delgado took back at 15:00: Heart Center's note came\."):
        actions.confirm_received(clinic.rosa, referral_id=referral.pk, now=LATER, expected_version=1)


def test_a_referral_that_closed_by_the_telling_is_open_again(clinic: Clinic) -> None:
    referral = clinic.sent()
    actions.record_note(clinic.rosa, referral_id=referral.pk, report="Mild", now=NOW)
    actions.tell_patient(clinic.rosa, referral_id=referral.pk, how="Called", now=NOW + HOUR)
    before = stands(referral)
    actions.review_note(clinic.imani, referral_id=referral.pk, review="Echo", knows=True, now=NOW + 2 * HOUR)
    assert stands(referral)["loop"] == "closed"
    closed = last_step(referral)
    assert (
        queries.undoable_step(clinic.rosa, referral=referral, now=NOW) is None
    )  # the review is Dr Imani's to take back
    with pytest.raises(actions.WentOut, match="Record what is so now"):
        undo(clinic, referral, closed)
    step = queries.undoable_step(clinic.imani, referral=referral, now=NOW)
    with pytest.raises(Forbidden):
        actions.undo_move(clinic.rosa, referral_id=referral.pk, step_id=step or 0, now=LATER)
    actions.undo_move(clinic.imani, referral_id=referral.pk, step_id=step or 0, now=LATER)
    assert stands(referral) == before
    assert ReferralStep.objects.filter(undone_at=LATER).count() == 2


def test_another_open_referral_meanwhile_keeps_a_closed_one_closed(clinic: Clinic) -> None:
    referral = clinic.sent()
    actions.record_note(clinic.rosa, referral_id=referral.pk, report="Mild", now=NOW)
    actions.review_note(clinic.imani, referral_id=referral.pk, review="Echo", now=NOW)
    actions.tell_patient(clinic.rosa, referral_id=referral.pk, how="Called", now=NOW)
    told = ReferralStep.objects.get(proof="patient_informed")
    clinic.sent()
    with pytest.raises(actions.DuplicateReferral):
        undo(clinic, referral, told)
    assert Referral.objects.get(pk=referral.pk).state == "closed"


def test_what_something_was_built_on_stays(clinic: Clinic) -> None:
    referral = clinic.sent()
    actions.confirm_received(clinic.rosa, referral_id=referral.pk, now=NOW)
    received = last_step(referral)
    actions.accept_referral(clinic.rosa, referral_id=referral.pk, now=NOW + HOUR)
    with pytest.raises(actions.BuiltOn, match=r'"Heart Center has it." can\'t be taken back any more: Rosa Delgado'):
        undo(clinic, referral, received)
    undo(clinic, referral)
    undo(clinic, referral, received)
    assert Referral.objects.get(pk=referral.pk).state == "sent"


def test_twice_is_once_and_a_late_one_is_told_who_was_first(clinic: Clinic) -> None:
    referral = clinic.sent()
    actions.confirm_received(clinic.rosa, referral_id=referral.pk, now=NOW)
    received = last_step(referral)
    undo(clinic, referral)
    undo(clinic, referral, received, now=LATER + HOUR)
    assert ReferralStep.objects.get(pk=received.pk).undone_at == LATER
    with pytest.raises(actions.TakenBackBefore, match="Rosa Delgado took this back meanwhile"):
        actions.undo_move(clinic.marta, referral_id=referral.pk, step_id=received.pk, now=LATER)
    with pytest.raises(NotFound):
        actions.undo_move(clinic.rosa, referral_id=referral.pk, step_id=0, now=LATER)
    with pytest.raises(NotFound):
        actions.undo_move(clinic.pat, referral_id=referral.pk, step_id=received.pk, now=LATER)


def test_what_told_somebody_outside_is_refused_with_what_to_do(clinic: Clinic) -> None:
    draft = clinic.draft()
    with pytest.raises(actions.WentOut, match="Cancel it, with the reason"):
        undo(clinic, draft)
    referral = actions.send_referral(clinic.imani, referral_id=draft.pk, via="fax", now=NOW)
    with pytest.raises(actions.WentOut, match=r"went out to Heart Center \(fax\).*cancel or re-route it"):
        undo(clinic, referral)
    actions.mark_scheduled(clinic.rosa.as_liaison(), referral_id=referral.pk, visit_at=VISIT, appointment_id=4, now=NOW)
    with pytest.raises(actions.WentOut, match="Change it on the visit"):
        undo(clinic, referral)
    actions.cancel_referral(clinic.rosa, referral_id=referral.pk, reason="Moved away", now=NOW)
    with pytest.raises(actions.WentOut, match="Call them, and record what they say"):
        undo(clinic, referral)
    actions.confirm_cancelled(clinic.rosa, referral_id=referral.pk, now=NOW)
    with pytest.raises(actions.WentOut, match="refer the patient again"):
        undo(clinic, referral)
    assert queries.undoable_step(clinic.rosa, referral=referral, now=NOW) is None


def test_who_may_not_take_back_is_offered_nothing(clinic: Clinic) -> None:
    referral = clinic.sent()
    actions.record_note(clinic.rosa, referral_id=referral.pk, report="Mild", now=NOW)
    assert queries.undoable_step(clinic.rosa, referral=referral, now=NOW) is not None
    assert queries.undoable_step(clinic.fred, referral=referral, now=NOW) is None
    with writes_open():
        ReferralStep.objects.all().delete()
    assert queries.undoable_step(clinic.rosa, referral=referral, now=NOW) is None


def test_the_database_wants_to_know_by_whom(clinic: Clinic) -> None:
    clinic.sent()
    with pytest.raises(IntegrityError, match="step_undone_says_by_whom"), writes_open():
        ReferralStep.objects.update(undone_at=NOW)


def test_the_undo_bar_and_the_history_take_a_move_back(clinic: Clinic) -> None:
    referral = clinic.sent()
    client = at_desk(clinic.rosa)
    version = Referral.objects.get(pk=referral.pk).version
    done = client.post(f"/referrals/{referral.pk}/received/", {"version": version}, headers=HTMX)
    where = f"/referrals/{referral.pk}/steps/{last_step(referral).pk}/undo/"
    assert where in done.headers["HX-Trigger"]
    assert where in client.get(f"/referrals/{referral.pk}/").content.decode()
    back = client.post(where, headers=HTMX)
    assert f"referral:{referral.pk}" in back.headers["HX-Trigger"]
    page = client.get(f"/referrals/{referral.pk}/").content.decode()
    assert "taken back by" in page
    assert where not in page
    sent = client.post(f"/referrals/{referral.pk}/reroute/", {
        "version": Referral.objects.get(pk=referral.pk).version, "target": f"practitioner:{clinic.adler.pk}",
        "via": "fax",
    }, headers=HTMX)  # fmt: skip
    assert sent.status_code == 204
    assert '"undo": ""' in sent.headers["HX-Trigger"]
    late = client.post(f"/referrals/{referral.pk}/steps/{last_step(referral).pk}/undo/", headers=HTMX)
    assert late.status_code == 409
    assert "went out to Dr Adler" in late.content.decode()
