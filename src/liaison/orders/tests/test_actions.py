"""The way of a referral: each step changes it, its loop, its history and the audit trail, and tells the others."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.db import IntegrityError, connection

from liaison.core.facts import Fact
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.core.written_time import day_and_time
from liaison.loops.models import Loop
from liaison.loops.ports import About
from liaison.orders import actions, events
from liaison.orders.actions.closing import SayWhat
from liaison.orders.models import Referral, ReferralAttachment, ReferralStep
from liaison.orders.ports import Target
from liaison.orders.rules import is_before_its_visit
from liaison.orders.tests.clinic import DAY, NOW, Clinic, ends

pytestmark = pytest.mark.django_db


def loop_of(referral: Referral) -> Loop:
    return Loop.objects.get(referral__pk=referral.pk)


def test_the_whole_way_from_the_question_to_the_patient_who_was_told(clinic: Clinic, facts: list[Fact]) -> None:
    referral = clinic.sent()
    pk = referral.pk
    due = []
    rosa, imani = clinic.rosa, clinic.imani
    visit = NOW + 10 * DAY
    due.append(loop_of(referral).due_at)
    actions.confirm_received(rosa, referral_id=pk, now=NOW)
    due.append(loop_of(referral).due_at)
    actions.accept_referral(rosa, referral_id=pk, now=NOW)
    due.append(loop_of(referral).due_at)
    actions.mark_scheduled(rosa, referral_id=pk, visit_at=visit, appointment_id=4, now=NOW)
    due.append(loop_of(referral).due_at)
    actions.mark_seen(rosa, referral_id=pk, seen_at=visit, now=visit + timedelta(hours=1))
    due.append(loop_of(referral).due_at)
    actions.record_note(
        rosa, referral_id=pk, report="Mild stenosis", about=About(type="records.document", id=9), now=visit + 2 * DAY
    )
    due.append(loop_of(referral).due_at)
    actions.review_note(imani, referral_id=pk, review="Echo in a year", now=visit + 3 * DAY)
    due.append(loop_of(referral).due_at)
    assert due == [ends(6), ends(11), ends(18), ends(14), ends(24), ends(19), ends(24)]
    assert loop_of(referral).state == "open", "two facts of three close nothing"
    closed = actions.tell_patient(rosa, referral_id=pk, how="Called June, she repeated it", now=visit + 4 * DAY)
    assert closed.state == "closed"
    assert AuditEntry.objects.filter(verb="orders.close").count() == 1
    loop = loop_of(referral)
    assert (loop.state, loop.evidence_kinds) == (
        "closed", ["patient_informed", "referrer_reviewed", "report_received"],
    )  # fmt: skip
    assert [type(fact).__name__.removeprefix("Referral") for fact in facts] == [
        "Drafted", "Sent", "Received", "Accepted", "Scheduled", "Seen", "NoteReceived", "Reviewed", "PatientTold",
        "Closed",
    ]  # fmt: skip
    states = list(ReferralStep.objects.filter(referral=referral).values_list("state", flat=True))
    assert states == [
        "draft", "sent", "received", "accepted", "scheduled", "seen", "note_received", "reviewed", "reviewed", "closed",
    ]  # fmt: skip
    for verb in ("refer", "send", "follow", "file_note", "review", "tell"):
        assert AuditEntry.objects.filter(verb=f"orders.{verb}", patient_ids=[clinic.walter.pk]).exists()


def test_a_patient_who_was_told_before_the_review_closes_it_with_the_review(clinic: Clinic) -> None:
    referral = clinic.sent()
    with pytest.raises(actions.NotNow):
        actions.tell_patient(clinic.rosa, referral_id=referral.pk, how="x", now=NOW)
    actions.record_note(clinic.rosa, referral_id=referral.pk, report="Fine", now=NOW)
    told = actions.tell_patient(clinic.rosa, referral_id=referral.pk, how="At the visit", now=NOW)
    assert told.state == "note_received"
    with pytest.raises(actions.KnowsUnsaid):
        actions.review_note(clinic.imani, referral_id=referral.pk, review="Agree", now=NOW)
    closed = actions.review_note(clinic.imani, referral_id=referral.pk, review="Agree", knows=True, now=NOW)
    assert closed.state == "closed"


def test_only_a_clinician_reviews_and_only_words_prove(clinic: Clinic) -> None:
    referral = clinic.sent()
    with pytest.raises(SayWhat):
        actions.record_note(clinic.rosa, referral_id=referral.pk, report=" ", now=NOW)
    actions.record_note(clinic.rosa, referral_id=referral.pk, report="Fine", now=NOW)
    with pytest.raises(Forbidden):
        actions.review_note(clinic.rosa, referral_id=referral.pk, review="Agree", now=NOW)
    with pytest.raises(SayWhat):
        actions.review_note(clinic.imani, referral_id=referral.pk, review="", now=NOW)
    with pytest.raises(SayWhat):
        actions.tell_patient(clinic.rosa, referral_id=referral.pk, how="", now=NOW)


def test_a_draft_is_a_promise_already_and_needs_the_coverage_to_leave(clinic: Clinic) -> None:
    draft = clinic.draft(coverage_status="unknown", attachments=("ECG of 2 March",), urgency="urgent")
    loop = loop_of(draft)
    assert (loop.next_step, loop.priority) == ("Send Walter Ng's referral to cardiology", "urgent")
    assert loop.due_at == NOW + timedelta(hours=4)
    with pytest.raises(actions.NotReadyToSend):
        actions.send_referral(clinic.imani, referral_id=draft.pk, via="fax", now=NOW)
    assert Referral.objects.get().state == "draft"
    actions.attach(clinic.rosa, referral_id=draft.pk, title="Echo", about=About(type="records.document", id=3), now=NOW)
    actions.attach(clinic.rosa, referral_id=draft.pk, title="On paper", now=NOW)
    assert ReferralAttachment.objects.filter(referral=draft).count() == 3
    with pytest.raises(actions.NotReadyToSend):
        clinic.sent(coverage_status="unknown", specialty="dermatology")
    assert Referral.objects.count() == 1, "a refused send keeps no draft either"


def test_a_second_open_referral_to_the_same_specialty_needs_a_reason(clinic: Clinic) -> None:
    clinic.sent()
    with pytest.raises(actions.DuplicateReferral, match=r"Heart Center, sent since Mar 4, 2026"):
        clinic.draft()
    other = clinic.draft(specialty="dermatology", target=Target(organization_id=clinic.skin_clinic.pk))
    second = clinic.draft(duplicate_reason="A second opinion")
    assert (other.state, second.duplicate_reason) == ("draft", "A second opinion")


def test_two_duplicates_at_once_leave_one(clinic: Clinic) -> None:
    first = clinic.sent()
    with writes_open(), pytest.raises(IntegrityError, match="referral_open_once_per_specialty"):
        first.pk, first.loop_id, first.state = None, None, "draft"
        first.save(force_insert=True)


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ("target_organization_id = NULL", "referral_has_a_target"),
        ("question = ''", "referral_asks_a_question"),
        ("state = 'lost'", "referral_known_state"),
        ("urgency = 'asap'", "referral_known_urgency"),
        ("loop_id = NULL", "referral_beyond_a_draft_is_a_promise"),
        ("state = 'declined'", "referral_declined_or_cancelled_has_a_reason"),
        ("sent_via = ''", "referral_sent_says_how"),
        ("state = 'scheduled'", "referral_scheduled_has_a_visit"),
        ("state = 'closed'", "referral_closed_has_its_three_facts"),
    ],
)
def test_the_database_itself_refuses_what_must_be_impossible(clinic: Clinic, columns: str, constraint: str) -> None:
    clinic.sent()
    with writes_open(), pytest.raises(IntegrityError, match=constraint), connection.cursor() as cursor:
        cursor.execute(f"UPDATE orders_referral SET {columns}")


def test_pat_at_another_site_finds_nothing(clinic: Clinic) -> None:
    referral = clinic.sent()
    for pk in (referral.pk, 0):
        with pytest.raises(NotFound):
            actions.confirm_received(clinic.pat, referral_id=pk, now=NOW)
    assert AuditEntry.objects.filter(verb="orders.follow", outcome="refused").count() == 1


def test_a_stale_form_is_refused_and_told_what_happened_since(clinic: Clinic) -> None:
    referral = clinic.sent()
    version = Referral.objects.get().version
    actions.confirm_received(clinic.rosa, referral_id=referral.pk, now=NOW, expected_version=version)
    with pytest.raises(actions.ReferralChanged, match=r"Rosa Delgado was here first, at 10:00: Heart Center has it\."):
        actions.accept_referral(clinic.marta, referral_id=referral.pk, now=NOW, expected_version=version)
    with writes_open():
        ReferralStep.objects.all().delete()
    with pytest.raises(actions.ReferralChanged, match="Someone changed this"):
        actions.accept_referral(clinic.marta, referral_id=referral.pk, now=NOW, expected_version=version)


def test_a_visit_that_others_arranged_lies_after_the_referral_went_to_them(clinic: Clinic) -> None:
    referral = clinic.sent()
    later = NOW + 5 * DAY
    with pytest.raises(actions.VisitBeforeSent) as refused:
        actions.mark_scheduled(clinic.rosa, referral_id=referral.pk, visit_at=NOW - DAY, now=later)
    assert list(refused.value.fields) == ["visit_at"]
    assert "The referral was sent" in refused.value.sentence
    learned_late = actions.mark_scheduled(clinic.rosa, referral_id=referral.pk, visit_at=NOW + DAY, now=later)
    assert learned_late.visit_at == NOW + DAY
    booked_here = clinic.sent(specialty="dermatology")
    actions.mark_scheduled(clinic.rosa, referral_id=booked_here.pk, visit_at=NOW - DAY, appointment_id=3, now=later)


def test_a_draft_that_was_arranged_before_it_was_sent_has_no_day_to_lie_before(clinic: Clinic) -> None:
    referral = clinic.sent()
    with writes_open():
        ReferralStep.objects.filter(referral=referral).update(state="received")
    actions.mark_scheduled(clinic.rosa, referral_id=referral.pk, visit_at=NOW - DAY, now=NOW)
    referral.refresh_from_db()
    assert referral.state == "scheduled"


def test_the_story_says_when_the_visit_is_and_seen_before_it_is_asked_again(clinic: Clinic) -> None:
    referral, rosa = clinic.sent(), clinic.rosa
    pk, visit = referral.pk, NOW + 7 * DAY
    when = day_and_time(visit.astimezone(referral.site.zone))

    def latest() -> str:
        return str(referral.steps.order_by("-id")[0].sentence)

    actions.mark_scheduled(rosa, referral_id=pk, visit_at=visit, now=NOW)
    assert latest() == f"A visit with Heart Center is arranged for {when}."
    with pytest.raises(actions.SeenBeforeTheVisit, match="Was the patient seen earlier") as refused:
        actions.mark_seen(rosa, referral_id=pk, seen_at=NOW, now=NOW)
    assert when in refused.value.sentence
    assert latest() == f"A visit with Heart Center is arranged for {when}.", "nothing was noted"
    actions.mark_seen(rosa, referral_id=pk, seen_at=NOW, seen_earlier=True, now=NOW)
    assert latest() == f"Walter Ng was seen by Heart Center, {day_and_time(NOW.astimezone(referral.site.zone))}."


def test_nobody_is_seen_before_the_referral_went_to_them(clinic: Clinic) -> None:
    referral = clinic.sent()
    later = NOW + 5 * DAY
    with pytest.raises(actions.SeenBeforeSent, match="nobody was seen for it before that") as refused:
        actions.mark_seen(clinic.rosa, referral_id=referral.pk, seen_at=NOW - DAY, now=later)
    assert list(refused.value.fields) == ["seen_at"]
    actions.mark_scheduled(clinic.rosa, referral_id=referral.pk, visit_at=NOW + 3 * DAY, now=later)
    with pytest.raises(actions.SeenBeforeSent):
        actions.mark_seen(clinic.rosa, referral_id=referral.pk, seen_at=NOW - DAY, seen_earlier=True, now=later)
    learned_late = actions.mark_seen(clinic.rosa, referral_id=referral.pk, seen_at=NOW + 3 * DAY, now=later)
    assert learned_late.visit_at == NOW + 3 * DAY


def test_the_visit_that_was_booked_here_counts_whenever_the_referral_was_sent(clinic: Clinic) -> None:
    referral = clinic.sent()
    visit = NOW - DAY
    actions.mark_scheduled(clinic.rosa, referral_id=referral.pk, visit_at=visit, appointment_id=3, now=NOW)
    assert actions.mark_seen(clinic.rosa, referral_id=referral.pk, seen_at=visit, now=NOW).state == "seen"


def test_seen_some_hours_before_the_hour_of_the_visit_needs_no_second_word(clinic: Clinic) -> None:
    zone = clinic.sent().site.zone
    assert not is_before_its_visit(NOW, visit_at=NOW + timedelta(hours=1), zone=zone)
    assert not is_before_its_visit(NOW + DAY, visit_at=NOW, zone=zone)
    assert not is_before_its_visit(NOW, visit_at=None, zone=zone)
    assert is_before_its_visit(NOW, visit_at=NOW + DAY, zone=zone)


def test_a_missed_and_a_cancelled_visit_are_rebooked(clinic: Clinic, facts: list[Fact]) -> None:
    referral = clinic.sent()
    pk, rosa = referral.pk, clinic.rosa
    actions.mark_scheduled(rosa, referral_id=pk, visit_at=NOW + DAY, appointment_id=1, now=NOW)
    actions.mark_visit_missed(rosa, referral_id=pk, now=NOW + DAY)
    assert loop_of(referral).next_step == "Rebook Walter Ng: missed the visit with Heart Center"
    actions.mark_scheduled(rosa, referral_id=pk, visit_at=NOW + 2 * DAY, appointment_id=2, now=NOW + DAY)
    cancelled = actions.mark_visit_cancelled(rosa, referral_id=pk, reason="snow", now=NOW + DAY)
    assert (cancelled.state, cancelled.appointment_id) == ("visit_cancelled", None)
    with pytest.raises(actions.VisitInTheFuture):
        actions.mark_seen(rosa, referral_id=pk, seen_at=NOW + 2 * DAY, now=NOW + DAY)
    assert isinstance(facts[-1], events.ReferralVisitCancelled)


def test_what_the_target_works_on_is_cancelled_in_two_steps(clinic: Clinic, facts: list[Fact]) -> None:
    referral = clinic.sent()
    with pytest.raises(actions.ReferralReasonNeeded):
        actions.cancel_referral(clinic.rosa, referral_id=referral.pk, reason="", now=NOW)
    draft = clinic.draft(specialty="dermatology")
    with pytest.raises(actions.ReferralReasonNeeded):
        actions.cancel_referral(clinic.imani, referral_id=draft.pk, reason=" ", now=NOW)
    assert Referral.objects.get(pk=draft.pk).state == "draft"
    asked = actions.cancel_referral(clinic.rosa, referral_id=referral.pk, reason="Went to the ED", now=NOW)
    assert asked.state == "cancel_requested"
    assert loop_of(referral).state == "open", "asking is not having"
    ended = actions.confirm_cancelled(clinic.rosa, referral_id=referral.pk, now=NOW)
    assert (ended.state, ended.state_reason) == ("cancelled", "Went to the ED")
    assert loop_of(referral).state == "given_up"
    assert isinstance(facts[-1], events.ReferralCancelled)
    with pytest.raises(NotFound):
        actions.confirm_cancelled(clinic.rosa, referral_id=0, now=NOW)
    with pytest.raises(NotFound):
        actions.cancel_referral(clinic.rosa, referral_id=0, reason="x", now=NOW)


def test_a_draft_is_cancelled_at_once(clinic: Clinic) -> None:
    draft = clinic.draft()
    assert (
        actions.cancel_referral(clinic.imani, referral_id=draft.pk, reason="Changed my mind", now=NOW).state
        == "cancelled"
    )


def test_a_merge_keeps_both_referrals_and_says_why_there_are_two(clinic: Clinic) -> None:
    from liaison.core.actor import system_actor
    from liaison.patients.actions import merge_patients, unmerge_patients
    from liaison.patients.models import Patient, PatientSite

    mine = clinic.sent()
    with writes_open():
        twin = Patient.objects.create(given="Walt", family="Ng", registered_at=NOW, changed_at=NOW)
        PatientSite.objects.create(patient=twin, site=clinic.riverside)
    theirs = actions.draft_referral(
        clinic.imani, patient=twin, order=clinic.order(), owner=loop_of(mine).owner, now=NOW
    )
    system = system_actor("test")
    merge = merge_patients(actor=system, survivor=clinic.walter, merged=twin, reason="one person", now=NOW)
    theirs.refresh_from_db()
    assert theirs.patient_id == clinic.walter.pk
    assert (theirs.duplicate_reason, theirs.duplicate_by_merge) == ("Two records of one patient were merged.", True)
    with writes_open():  # what people read may be said otherwise one day
        Referral.objects.filter(pk=theirs.pk).update(duplicate_reason="The records were merged.")
    unmerge_patients(actor=system, merge=merge, reason="two people", now=NOW)
    theirs.refresh_from_db()
    assert (theirs.patient_id, theirs.duplicate_reason) == (twin.pk, "")
    with pytest.raises(actions.DuplicateReferral):
        actions.draft_referral(clinic.imani, patient=twin, order=clinic.order(), owner=loop_of(mine).owner, now=NOW)


def test_an_undone_merge_takes_away_its_own_reason_and_never_what_a_person_said(clinic: Clinic) -> None:
    from liaison.core.actor import system_actor
    from liaison.patients.actions import merge_patients, unmerge_patients
    from liaison.patients.models import Patient, PatientSite

    mine = clinic.sent()
    with writes_open():
        twin = Patient.objects.create(given="Walt", family="Ng", registered_at=NOW, changed_at=NOW)
        PatientSite.objects.create(patient=twin, site=clinic.riverside)
    theirs = actions.draft_referral(
        clinic.imani, patient=twin, order=clinic.order(), owner=loop_of(mine).owner, now=NOW
    )
    system = system_actor("test")
    merge = merge_patients(actor=system, survivor=clinic.walter, merged=twin, reason="one person", now=NOW)
    theirs.refresh_from_db()
    assert theirs.duplicate_by_merge
    said = theirs.duplicate_reason
    order = clinic.order(question="Is it the valve?")
    actions.change_draft(clinic.imani, referral_id=theirs.pk, order=order, now=NOW, duplicate_reason=said)
    unmerge_patients(actor=system, merge=merge, reason="two people", now=NOW)
    theirs.refresh_from_db()
    assert (theirs.patient_id, theirs.duplicate_reason, theirs.duplicate_by_merge) == (twin.pk, said, False)
    with writes_open(), connection.cursor() as cursor:
        cursor.execute(import_module("liaison.orders.migrations.0005_a_second_one_by_a_merge").FROM_THE_SENTENCE)
    known = Referral.objects.filter(duplicate_by_merge=True)
    assert [one.pk for one in known] == [theirs.pk], "of before there was a column, known by its sentence once"


def test_an_undone_merge_leaves_the_reason_where_two_still_stand_side_by_side(clinic: Clinic) -> None:
    from liaison.core.actor import system_actor
    from liaison.patients.actions import merge_patients, unmerge_patients
    from liaison.patients.models import Patient, PatientSite

    mine = clinic.sent()
    with writes_open():
        twin = Patient.objects.create(given="Walt", family="Ng", registered_at=NOW, changed_at=NOW)
        third = Patient.objects.create(given="Wally", family="Ng", registered_at=NOW, changed_at=NOW)
        for one in (twin, third):
            PatientSite.objects.create(patient=one, site=clinic.riverside)
    theirs = actions.draft_referral(
        clinic.imani, patient=twin, order=clinic.order(), owner=loop_of(mine).owner, now=NOW
    )
    system = system_actor("test")
    merge_patients(actor=system, survivor=clinic.walter, merged=twin, reason="one person", now=NOW)
    again = merge_patients(actor=system, survivor=third, merged=clinic.walter, reason="one person", now=NOW)
    unmerge_patients(actor=system, merge=again, reason="two people", now=NOW)
    theirs.refresh_from_db()
    assert (theirs.patient_id, theirs.duplicate_reason) == (
        clinic.walter.pk, "Two records of one patient were merged.",
    )  # fmt: skip
