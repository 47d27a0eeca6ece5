"""A patient who was told before the review: it asks whether they know what it decides, and guesses nothing."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from liaison.core.facts import Fact
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.loops.actions import give_up_loop
from liaison.loops.models import Clock, Evidence, LoopEvent
from liaison.orders import actions, events, queries
from liaison.orders.models import Referral, ReferralStep
from liaison.orders.tests.clinic import NOW, Clinic, ends
from liaison.orders.tests.test_screens import HTMX, at_desk
from liaison.orders.tests.test_undoing import last_step, loop_of, stands

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
TOLD_AT, REVIEWED_AT, LATER = NOW + HOUR, NOW + 2 * HOUR, NOW + 3 * HOUR
PLAN = "Stop the tablets, echo in May"


def told(clinic: Clinic) -> Referral:
    """Dr Adler's note came and Rosa told Walter, before Dr Imani read it."""
    referral = clinic.sent()
    actions.record_note(clinic.rosa, referral_id=referral.pk, report="Mild stenosis", now=NOW)
    return actions.tell_patient(clinic.rosa, referral_id=referral.pk, how="Called: all is well", now=TOLD_AT)


def review(clinic: Clinic, referral: Referral, *, knows: bool | None = False, **more: Any) -> Referral:
    given = {"review": PLAN, "now": REVIEWED_AT} | more
    return actions.review_note(clinic.imani, referral_id=referral.pk, knows=knows, **given)


def evidence(kind: str) -> Evidence:
    return Evidence.objects.get(kind=kind)


def test_who_does_not_know_what_the_review_decides_is_to_be_told_anew(clinic: Clinic, facts: list[Fact]) -> None:
    referral = review(clinic, told(clinic))
    assert (referral.state, referral.patient_informed_at, referral.informed_how) == ("reviewed", None, "")
    loop = loop_of(referral)
    assert (loop.state, loop.evidence_kinds) == ("open", ["referrer_reviewed", "report_received"])
    assert (loop.next_step, loop.due_at) == ("Tell Walter Ng what Heart Center found", ends(11))
    assert Clock.objects.get(loop=loop, satisfied_at=None, voided_at=None).rule_id == "referral.tell"
    row = evidence("patient_informed")
    assert (row.withdrawn_at, row.withdrawn_by_name, row.withdrawn_because) == (
        REVIEWED_AT, "Liaison, for Dr Imani Okoye", "review",
    )  # fmt: skip
    step = ReferralStep.objects.get(proof="patient_informed")
    assert (step.undone_at, step.undone_by_name, step.undone_because) == (REVIEWED_AT, "Dr Imani Okoye", "review")
    fact = facts[-1]
    assert isinstance(fact, events.ReferralReviewed)
    assert fact.to_tell_anew
    entry = AuditEntry.objects.get(verb="orders.review")
    assert (entry.details["told_before"], entry.details["to_tell_anew"]) == (True, True)


def test_the_history_and_the_timeline_say_what_the_review_took_back(clinic: Clinic) -> None:
    referral = review(clinic, told(clinic))
    page = queries.referral_page(clinic.imani, referral_id=referral.pk, now=LATER)
    reviewed, telling = page.steps[:2]
    assert reviewed.sentence == "The note was reviewed. The patient does not know yet what follows."
    assert (telling.sentence, telling.undone_by, telling.overtaken) == (
        "The patient was told.", "Dr Imani Okoye", True,
    )  # fmt: skip
    assert page.told is None
    lines = {each.title: each.detail for each in queries.timeline(clinic.imani, patient=clinic.walter, now=LATER)}
    assert lines["Referral to cardiology: The patient was told."] == (
        "(Rosa Delgado) Taken back by Dr Imani Okoye with the review of the note"
    )
    shown = at_desk(clinic.rosa).get(f"/referrals/{referral.pk}/").content.decode()
    assert re.search(r"taken back by Dr Imani Okoye with the review of the note", shown)
    assert f'href="/referrals/{referral.pk}/tell/"' in shown
    assert PLAN in shown
    struck = LoopEvent.objects.get(loop=loop_of(referral), sentence__startswith="The patient was told")
    assert struck.undone_at == REVIEWED_AT


def test_told_anew_it_closes(clinic: Clinic) -> None:
    referral = review(clinic, told(clinic))
    closed = actions.tell_patient(clinic.rosa, referral_id=referral.pk, how="Called: stop the tablets", now=LATER)
    assert (closed.state, loop_of(referral).state) == ("closed", "closed")
    standing = Evidence.objects.filter(withdrawn_at=None).values_list("kind", flat=True)
    assert sorted(standing) == ["patient_informed", "referrer_reviewed", "report_received"]


def test_who_knows_it_already_is_not_told_again(clinic: Clinic) -> None:
    referral = review(clinic, told(clinic), knows=True)
    assert (referral.state, loop_of(referral).state) == ("closed", "closed")
    assert AuditEntry.objects.get(verb="orders.review").details["to_tell_anew"] is False


def test_nothing_is_guessed_and_nothing_is_asked_of_who_was_never_told(clinic: Clinic) -> None:
    referral = told(clinic)
    with pytest.raises(actions.KnowsUnsaid) as refused:
        review(clinic, referral, knows=None)
    assert list(refused.value.fields) == ["knows"]
    assert loop_of(referral).evidence_kinds == ["patient_informed", "report_received"]
    actions.undo_move(clinic.rosa, referral_id=referral.pk, step_id=last_step(referral).pk, now=REVIEWED_AT)
    assert review(clinic, referral, knows=None).state == "reviewed"


def test_the_review_taken_back_lets_the_telling_stand_again(clinic: Clinic) -> None:
    referral = told(clinic)
    before = stands(referral)
    review(clinic, referral)
    actions.undo_move(clinic.imani, referral_id=referral.pk, step_id=last_step(referral).pk, now=LATER)
    assert stands(referral) == before
    row = evidence("patient_informed")
    assert (row.withdrawn_at, row.withdrawn_by_name, row.withdrawn_reason, row.withdrawn_because) == (None, "", "", "")
    assert evidence("referrer_reviewed").withdrawn_because == ""
    step = last_step(referral)
    assert (step.proof, step.undone_by_name, step.undone_because) == ("patient_informed", "", "")
    assert LoopEvent.objects.order_by("-pk")[0].sentence == "Counts again: The patient was told."
    actions.undo_move(clinic.rosa, referral_id=referral.pk, step_id=step.pk, now=LATER + HOUR)
    assert stands(referral)["evidence"] == ["report_received"]
    assert evidence("patient_informed").withdrawn_because == "", "a slip has no code"


def test_after_it_was_told_anew_only_the_first_telling_stands_again(clinic: Clinic) -> None:
    referral = review(clinic, told(clinic))
    actions.tell_patient(clinic.rosa, referral_id=referral.pk, how="Stop the tablets", now=LATER)
    anew = ReferralStep.objects.filter(proof="patient_informed").order_by("-pk")[0]
    actions.undo_move(clinic.rosa, referral_id=referral.pk, step_id=anew.pk, now=LATER + HOUR)
    actions.undo_move(clinic.imani, referral_id=referral.pk, step_id=last_step(referral).pk, now=LATER + 2 * HOUR)
    found = Referral.objects.get(pk=referral.pk)
    assert (found.state, found.informed_how) == ("note_received", "Called: all is well")
    standing = Evidence.objects.get(kind="patient_informed", withdrawn_at=None)
    assert standing.at == TOLD_AT


def test_a_telling_of_before_there_was_a_history_is_taken_back_as_well(clinic: Clinic) -> None:
    referral = told(clinic)
    with writes_open():
        ReferralStep.objects.filter(proof="patient_informed").update(proof="", before={})
    page = queries.referral_page(clinic.imani, referral_id=referral.pk, now=LATER)
    assert page.told is not None
    assert page.told.by_name == ""
    assert "Told before:" in at_desk(clinic.imani).get(f"/referrals/{referral.pk}/review/").content.decode()
    assert review(clinic, referral).state == "reviewed"
    assert loop_of(referral).evidence_kinds == ["referrer_reviewed", "report_received"]


def test_the_form_shows_what_was_told_by_whom_and_has_no_answer_chosen(clinic: Clinic) -> None:
    referral = told(clinic)
    client, address = at_desk(clinic.imani), f"/referrals/{referral.pk}/review/"
    form = client.get(address, headers=HTMX).content.decode()
    assert "Does the patient know this already?" in form
    assert "Told before, as Rosa Delgado noted:" in form
    assert "Called: all is well" in form
    assert len(re.findall(r'type="radio"[^>]* name="knows"[^>]* required', form)) == 2
    assert "checked" not in form
    typed = {"version": Referral.objects.get().version, "review": PLAN}
    refused = client.post(address, typed, headers=HTMX)
    page = refused.content.decode()
    assert refused.status_code == 422
    assert re.search(r"l-field-error.*Say whether they know what follows", page, re.DOTALL)
    assert PLAN in page
    assert client.post(address, typed | {"knows": "perhaps"}).status_code == 422
    done = client.post(address, typed | {"knows": "no"}, headers=HTMX)
    assert done.status_code == 204
    assert Referral.objects.get().state == "reviewed"


def test_who_was_not_told_is_not_asked_about(clinic: Clinic) -> None:
    referral = clinic.sent()
    actions.record_note(clinic.rosa, referral_id=referral.pk, report="Mild stenosis", now=NOW)
    form = at_desk(clinic.imani).get(f"/referrals/{referral.pk}/review/").content.decode()
    assert "Does the patient know" not in form


def test_a_form_of_before_the_telling_says_that_they_were_told_meanwhile(clinic: Clinic) -> None:
    referral = clinic.sent()
    actions.record_note(clinic.rosa, referral_id=referral.pk, report="Mild stenosis", now=NOW)
    old = Referral.objects.get().version
    actions.tell_patient(clinic.rosa, referral_id=referral.pk, how="Called", now=TOLD_AT)
    stale = at_desk(clinic.imani).post(
        f"/referrals/{referral.pk}/review/", {"version": old, "review": PLAN}, headers=HTMX
    )
    assert stale.status_code == 409
    assert "The patient was told." in stale.content.decode()
    assert Referral.objects.get().state == "note_received"


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_the_same_form_sent_twice_is_saved_once_and_answered_twice_as_saved(clinic: Clinic, answer: str) -> None:
    referral = told(clinic)
    client, address = at_desk(clinic.imani), f"/referrals/{referral.pk}/review/"
    typed = {"version": Referral.objects.get().version, "review": PLAN, "knows": answer}
    answers = [client.post(address, typed, headers=HTMX).status_code for _ in range(2)]
    assert answers == [204, 204]
    assert ReferralStep.objects.filter(state="reviewed").count() == 1
    assert Evidence.objects.filter(kind="referrer_reviewed").count() == 1
    assert AuditEntry.objects.filter(verb="orders.review", details__repeated=True).count() == 1
    other = client.post(address, typed | {"knows": "no" if answer == "yes" else "yes"}, headers=HTMX)
    changed = client.post(address, typed | {"review": "Something else"}, headers=HTMX)
    assert (other.status_code, changed.status_code) == (409, 409)


def test_a_review_by_somebody_else_is_no_repetition(clinic: Clinic) -> None:
    referral = told(clinic)
    version = referral.version
    review(clinic, referral)
    with writes_open():
        ReferralStep.objects.filter(proof="referrer_reviewed").update(by_id=clinic.marta.user_id)
    with pytest.raises(actions.ReferralChanged):
        review(clinic, referral, expected_version=version)


def test_the_database_takes_no_code_without_a_time(clinic: Clinic) -> None:
    told(clinic)
    with pytest.raises(IntegrityError, match="step_undone_because_of_something_known"), writes_open():
        ReferralStep.objects.update(undone_because="review")


def test_a_given_up_promise_stays_so_when_the_review_is_taken_back(clinic: Clinic) -> None:
    referral = review(clinic, told(clinic))
    loop_id = loop_of(referral).pk
    give_up_loop(clinic.rosa.as_liaison(), loop_id=loop_id, reason="Moved away", now=LATER)
    actions.undo_move(clinic.imani, referral_id=referral.pk, step_id=last_step(referral).pk, now=LATER)
    assert loop_of(referral).state == "given_up"
    assert evidence("patient_informed").withdrawn_at is None
