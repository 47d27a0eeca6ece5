"""A merge with somebody who has died: every promise to the living record is looked at as after any death."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from liaison.accounts.access import Role
from liaison.core.actor import Actor
from liaison.core.postgres.guard import writes_open
from liaison.loops import actions
from liaison.loops.models import Clock, Loop, LoopEvent
from liaison.loops.tests import cast as people
from liaison.loops.tests.cast import NOW, SYSTEM, Cast
from liaison.patients.actions import mark_deceased, merge_patients, unmerge_patients
from liaison.patients.models import Patient

pytestmark = pytest.mark.django_db
DIED = "The patient has died: the clocks are stopped until this is reviewed."


@pytest.fixture
def twin(cast: Cast) -> Patient:
    with writes_open():
        return people.patient("Walter", "Ng", cast.riverside)


@pytest.fixture
def clerk() -> Actor:
    with writes_open():
        clerk = people.person("Clara", Role.RECORDS_CLERK, None)
    return replace(clerk, stepped_up_until=NOW + timedelta(days=1))


def escalated(loop: Loop) -> int:
    """How far the loop climbs in a month."""
    while actions.escalate_loops(SYSTEM, now=NOW + timedelta(days=30)):
        pass
    return Loop.objects.get(pk=loop.pk).escalation_level


def reviews(loop: Loop) -> int:
    return Clock.objects.filter(loop=loop, rule_id="patient_died.review", voided_at=None).count()


@pytest.mark.parametrize("dead", ["survivor", "merged"])
def test_the_clocks_stop_whichever_of_the_two_had_died_and_run_again_when_it_is_undone(
    cast: Cast, clerk: Actor, twin: Patient, dead: str
) -> None:
    survivor, merged = (twin, cast.walter) if dead == "survivor" else (cast.walter, twin)
    mark_deceased(actor=cast.chief, patient=twin, on=date(2026, 3, 1), now=NOW)
    loop = cast.loop()
    merge = merge_patients(actor=clerk, survivor=survivor, merged=merged, reason="One person", now=NOW)
    loop.refresh_from_db()
    assert Patient.objects.get(pk=survivor.pk).is_deceased
    assert (loop.patient_id, loop.next_step) == (
        survivor.pk, "Review: the patient has died. Give it up, or say what is still owed",
    )  # fmt: skip
    assert (reviews(loop), LoopEvent.objects.filter(loop=loop).latest("pk").sentence, loop.next_escalation_at) == (
        1,
        DIED,
        None,
    )
    later = NOW + timedelta(hours=1)
    unmerge_patients(actor=clerk, merge=merge, reason="Two people", now=later)
    loop.refresh_from_db()
    assert (loop.patient_id, loop.next_step) == (cast.walter.pk, cast.loop().next_step)
    assert not Patient.objects.get(pk=cast.walter.pk).is_deceased
    assert Patient.objects.get(pk=twin.pk).is_deceased
    assert reviews(loop) == 0
    assert escalated(loop) > 0


def test_what_is_under_review_already_is_not_reviewed_twice(cast: Cast, clerk: Actor, twin: Patient) -> None:
    loop = cast.loop()
    mark_deceased(actor=cast.chief, patient=cast.walter, on=None, now=NOW)
    merge_patients(actor=clerk, survivor=cast.walter, merged=twin, reason="One person", now=NOW)
    assert reviews(loop) == 1
    assert LoopEvent.objects.filter(loop=loop, sentence=DIED).count() == 1


def test_a_merge_of_two_who_live_stops_nothing(cast: Cast, clerk: Actor, twin: Patient) -> None:
    loop = cast.loop()
    merge = merge_patients(actor=clerk, survivor=cast.walter, merged=twin, reason="One person", now=NOW)
    unmerge_patients(actor=clerk, merge=merge, reason="Two people", now=NOW)
    assert not LoopEvent.objects.filter(loop=loop, what__in=["review", "resumed"]).exists()
