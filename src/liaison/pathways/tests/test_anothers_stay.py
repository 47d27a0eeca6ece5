"""A stay is corrected to be another patient's: the wrong follow-up is taken back, the right one is opened."""

from __future__ import annotations

from datetime import timedelta

import pytest

from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.loops.actions import find_owners, give_up_loop
from liaison.loops.models import Loop, LoopEvent, WaitingPromise
from liaison.pathways.actions import evaluate, set_complexity
from liaison.pathways.models import Enrolment
from liaison.pathways.queries import get_follow_up, outlook
from liaison.pathways.rules.protocol import Complexity
from liaison.pathways.tests.cast import DISCHARGE, LIAISON, NOW, stay, walter
from liaison.pathways.tests.test_enrolling import parts, refuse_loops_of
from liaison.patients.actions import merge_patients
from liaison.patients.models import Patient
from liaison.records.models import Resource

SINCE = DISCHARGE + timedelta(days=1)


def ruth():
    """Ruth Abara as a Patient resource."""
    return walter(id="ruth") | {"name": [{"family": "Abara", "given": ["Ruth"]}], "birthDate": "1950-01-02"}


@pytest.fixture
def home(ward):
    """Both are known, and the stay is said to be Walter's."""
    ward.take_in(walter(), ruth(), stay())
    return ward


def give_to(ward, who, *, now=NOW, **more):
    ward.take_in(stay(subject={"reference": f"Patient/{who}"}, **more), now=now)


def standing():
    rows = Enrolment.objects.order_by("pk")
    return [(one.patient.family, one.loop.state, one.voided_reason) for one in rows.select_related("loop", "patient")]


def test_the_wrong_patients_loop_is_given_up_with_the_reason_and_the_right_ones_opened(home):
    give_to(home, "ruth")
    anothers = "the stay is another patient's"
    assert standing() == [("Ng", "given_up", anothers), ("Abara", "open", "")]
    wrong, right = Loop.objects.order_by("pk")
    assert wrong.given_up_reason == f"Voided: {anothers}."
    assert (right.patient.family, right.title) == ("Abara", "Home from hospital since Feb 13")
    assert right.next_step == "Call Ruth Abara: first call after the hospital stay"
    entry = AuditEntry.objects.filter(verb="pathways.evaluate", reason=anothers).get()
    assert entry.patient_ids == [wrong.patient_id]
    shown = [get_follow_up(home.rosa, enrolment_id=one.enrolment.pk, now=NOW) for one in (wrong, right)]
    assert [one.stay_is_theirs for one in shown] == [False, True], "its page shows no stay of somebody else"
    (seen,) = outlook(LIAISON, now=NOW)
    assert (seen.followed, parts(seen)) == (1, (1, 1))
    assert evaluate(LIAISON, now=NOW).opened == 0


def test_back_again_it_is_opened_anew_for_the_first_with_the_complexity_that_was_said(home):
    enrolment_id = Enrolment.objects.get().pk
    set_complexity(home.rosa, enrolment_id=enrolment_id, complexity=Complexity.HIGH, seen=Complexity.MODERATE, now=NOW)
    give_to(home, "ruth")
    give_to(home, "walter", length={"value": 3})
    assert standing() == [("Ng", "open", ""), ("Abara", "given_up", "the stay is another patient's")]
    walters = Enrolment.objects.get(patient=home.walter)
    assert (walters.times_opened, walters.complexity, walters.pk) == (2, "high", enrolment_id)
    assert walters.loop.clocks.get(rule_id="tcm.visit").due_at.day == 21, "7 days, to the end of the 20th"
    give_to(home, "ruth", length={"value": 4})
    give_to(home, "walter", length={"value": 5})
    keys = list(Loop.objects.order_by("pk").values_list("once_key", flat=True))
    assert len(keys) == len(set(keys)) == 5


def test_another_end_at_the_same_time_is_the_right_patients_alone(home):
    give_to(home, "ruth", ended=SINCE + timedelta(hours=-6))
    assert [one.title for one in Loop.objects.order_by("pk")] == [
        "Home from hospital since Feb 13",
        "Home from hospital since Feb 14",
    ]
    assert not LoopEvent.objects.filter(what="reckoned").exists()


def test_one_that_had_ended_says_so_and_stands_in_nobodys_way(home):
    loop = Loop.objects.get()
    give_up_loop(home.rosa, loop_id=loop.pk, reason="Moved away", now=NOW)
    give_to(home, "ruth")
    assert standing() == [("Ng", "given_up", "the stay is another patient's"), ("Abara", "open", "")]
    loop.refresh_from_db()
    assert loop.given_up_reason == "Moved away"
    last = LoopEvent.objects.filter(loop=loop).order_by("-pk").first()
    assert last.sentence == "Voided: the stay is another patient's."


def test_a_stay_of_nobody_known_is_taken_back_as_corrected(home):
    give_to(home, "nobody-we-know")
    assert standing() == [("Ng", "given_up", "the stay was cancelled, corrected or entered in error")]


def test_who_was_merged_into_the_patient_is_no_other(home):
    patient = Patient.objects.get(family="Abara")
    merge_patients(actor=LIAISON, survivor=patient, merged=home.walter, reason="The same", now=NOW)
    evaluate(LIAISON, now=NOW)
    assert standing() == [("Abara", "open", "")]
    with writes_open():  # what came by the record that went, before it was read again
        Resource.objects.filter(resource_type="Encounter").update(patient=Patient.objects.get(family="Ng"))
    evaluate(LIAISON, now=NOW)
    assert standing() == [("Abara", "open", "")]


def test_both_merged_later_leave_one_that_runs(home):
    give_to(home, "ruth")
    patient = Patient.objects.get(family="Abara")
    merge_patients(actor=LIAISON, survivor=patient, merged=home.walter, reason="The same", now=NOW)
    assert evaluate(LIAISON, now=NOW).opened == 0
    assert [state for _who, state, _why in standing()] == ["given_up", "open"]


def test_what_waits_to_be_opened_for_the_wrong_patient_is_opened_by_nobody(ward):
    ward.take_in(walter(), ruth())
    refuse_loops_of(ward.walter)
    ward.take_in(stay(subject={"reference": "Patient/walter"}))
    give_to(ward, "ruth")
    kept = WaitingPromise.objects.get()
    assert (kept.patient, kept.ended_why) == (ward.walter, "The stay was taken back or is over")
    assert standing() == [("Abara", "open", "")]
    refuse_loops_of(None)
    find_owners(LIAISON, now=NOW)
    assert not Loop.objects.filter(patient=ward.walter).exists()
