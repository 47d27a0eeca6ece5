"""When a patient dies every promise to them is looked at once more, by whoever keeps it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef

from liaison.core.actor import Actor
from liaison.core.calendars import Allowance, Unit, due_after
from liaison.loops import access
from liaison.loops.actions.changing import Change, changing, end_clocks, follow_clocks, start_ladder
from liaison.loops.models import Clock, Loop, Voided
from liaison.loops.queries.calendars import business_calendar

REVIEW: Final = "patient_died.review"
REVIEW_WITHIN: Final = Allowance(amount=1, unit=Unit.BUSINESS_DAYS)


def review_after_death(actor: Actor, *, patient_id: int, now: datetime) -> int:
    """Stop the clocks of a patient's open loops and ask each owner to end it or say what is still owed.

    Returns how many loops; one that is under review already stays so. The families of the dead are not called about
    appointments; what must still happen (equipment to fetch, a letter to a family) gets a new step by hand.
    """
    under_review = Clock.objects.filter(loop=OuterRef("pk"), rule_id=REVIEW, satisfied_at=None, voided_at=None)
    loops = Loop.objects.open().filter(patient_id=patient_id).exclude(Exists(under_review))
    ids = list(loops.values_list("pk", flat=True))
    for loop_id in ids:
        review_loop(actor, loop_id=loop_id, now=now)
    return len(ids)


def review_loop(actor: Actor, *, loop_id: int, now: datetime) -> None:
    """Stop the clocks of this open loop of somebody who died, and ask its owner to look at it."""
    with changing(actor, access.STEP, loop_id=loop_id, now=now) as change:
        end_clocks(change, voided_reason="The patient has died.", because=Voided.DEATH)
        _ask_for_review(change)
        follow_clocks(change.loop, now=now)
        change.loop.next_escalation_at = None
        change.say("review", "The patient has died: the clocks are stopped until this is reviewed.")


def resume_after_mistake(actor: Actor, *, patient_id: int, now: datetime) -> int:
    """The death was recorded by mistake: the clocks it stopped run again. Returns how many loops."""
    ids = list(Loop.objects.open().filter(patient_id=patient_id, clocks__rule_id=REVIEW).values_list("pk", flat=True))
    for loop_id in sorted(set(ids)):
        with changing(actor, access.STEP, loop_id=loop_id, now=now) as change:
            _resume(change)
            follow_clocks(change.loop, now=now)
            start_ladder(change.loop, now=now)
            change.say("resumed", "The death was recorded by mistake: the clocks run again.")
    return len(set(ids))


def _ask_for_review(change: Change) -> None:
    loop = change.loop
    Clock.objects.create(
        loop=loop,
        rule_id=REVIEW,
        rule_version="1",
        source="After a death nobody is pressed; each promise is looked at once",
        step="Review: the patient has died. Give it up, or say what is still owed",
        anchor_event=f"patient:{loop.patient_id}",
        anchor_at=change.now,
        due_at=due_after(
            change.now,
            allowance=REVIEW_WITHIN,
            zone=loop.site.zone,
            calendar=business_calendar(site_id=loop.site_id),
        ),
        started_at=change.now,
    )


def _resume(change: Change) -> None:
    clocks = Clock.objects.filter(loop=change.loop)
    clocks.filter(rule_id=REVIEW, satisfied_at=None, voided_at=None).update(
        voided_at=change.now, voided_reason="The death was recorded by mistake."
    )
    for old in clocks.filter(voided_because=Voided.DEATH, replaced_by=None):
        old.pk, replaced = None, old.pk
        old.started_at, old.replaces_id = change.now, replaced
        old.voided_at, old.voided_reason, old.voided_because = None, "", ""
        old.save(force_insert=True)
