"""What a person does with a loop on the desk: take, give, put aside, say what is next."""

from __future__ import annotations

from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden, Refusal
from liaison.core.twice import once
from liaison.core.written_time import full_day_and_time
from liaison.loops import access, rules
from liaison.loops.actions.changing import Change, ReasonNeeded, changing, follow_clocks, set_due
from liaison.loops.events import LoopAssigned
from liaison.loops.models import Clock, Loop
from liaison.loops.ports import NextStep, Owner
from liaison.loops.queries.owners import Keeper, keeper_for, name_of
from liaison.loops.queries.reach import reaches

BY_HAND = "by_hand"


class SnoozePastDue(Refusal):
    """A loop may rest only until its step is due: a snooze never loses one."""

    code = "loops.snooze_past_due"
    sentence = "Choose a time ahead, and not after the step is due. To move the due time itself, set the next step."
    field = "until"


class OtherSite(Forbidden):
    """A loop of another site is that site's to give away."""

    code = "loops.other_site"
    sentence = "This loop belongs to another site. Take it first, or ask somebody there to give it away."


class OwnerCannotSee(Refusal):
    """Whoever keeps a promise must be able to see the patient it was made to."""

    code = "loops.owner_cannot_see"
    sentence = "They can't see the patient. Choose someone who works at one of the patient's sites."
    field = "owner"


class DueInThePast(Refusal):
    """A next step lies ahead."""

    code = "loops.due_in_the_past"
    sentence = "Choose a time ahead for the next step."
    field = "due_at"


class NoStepByHand(Refusal):
    """A rule's step is proved by evidence, not ticked off."""

    code = "loops.no_step_by_hand"
    sentence = "This step comes from a rule: record its evidence instead."


@once
def take_loop(actor: Actor, *, loop_id: int, now: datetime, expected_version: int | None = None) -> Loop:
    """Make it one's own. Two at once: the second is refused LoopChanged and told who was first.

    Refuses Forbidden, NotFound, LoopChanged, NotOpen.
    """
    with changing(actor, access.TAKE, loop_id=loop_id, now=now, expected_version=expected_version) as change:
        _give(change, to=Owner(user_id=actor.user_id))
        change.say("taken", f"{actor.name} took this.", undoable=True)
    return change.loop


@once
def assign_loop(
    actor: Actor,
    *,
    loop_id: int,
    to: Owner,
    now: datetime,
    reason: str = "",
    expected_version: int | None = None,
) -> Loop:
    """Give it to a person or a team; a person whose desk is handed over passes it to a cover.

    Whoever keeps it gives it away, and so do those who may at the loop's own site.
    Refuses Forbidden, NotFound, LoopChanged, NotOpen, OtherSite, OwnerCannotSee.
    """
    with changing(
        actor, access.ASSIGN, loop_id=loop_id, now=now, expected_version=expected_version, reason=reason
    ) as change:
        _refuse_other_site(actor, loop=change.loop)
        refuse_owner_who_cannot_see(change.loop, owner=to, now=now)
        loop = change.loop
        keeper = keeper_for(to, patient=loop.patient, site=loop.site, now=now) or Keeper(owner=to)
        _give(change, to=keeper.owner)
        change.loop.hand_over_id = keeper.hand_over_id
        change.say("assigned", f"Given to {name_of(keeper.owner)}.", reason=reason, undoable=True)
    return change.loop


@once
def snooze_loop(
    actor: Actor,
    *,
    loop_id: int,
    until: datetime,
    reason: str,
    now: datetime,
    expected_version: int | None = None,
) -> Loop:
    """Put it aside until an instant, at the latest its due time. Refuses ReasonNeeded, SnoozePastDue and the usual."""
    with changing(
        actor, access.SNOOZE, loop_id=loop_id, now=now, expected_version=expected_version, reason=reason
    ) as change:
        if not reason.strip():
            raise ReasonNeeded
        loop = change.loop
        if not rules.snooze_is_short_enough(until, due_at=loop.due_at, now=now):
            raise SnoozePastDue
        loop.snoozed_until, loop.snooze_reason = until, reason.strip()[:300]
        words = full_day_and_time(until.astimezone(change.zone))
        change.say("snoozed", f"Put aside until {words}.", reason=reason, undoable=True)
    return change.loop


@once
def wake_loop(actor: Actor, *, loop_id: int, now: datetime) -> Loop:
    """Bring it back to the desk now. Refuses Forbidden, NotFound, NotOpen."""
    with changing(actor, access.SNOOZE, loop_id=loop_id, now=now) as change:
        change.loop.snoozed_until, change.loop.snooze_reason = None, ""
        change.say("woken", "Back on the desk.", undoable=True)
    return change.loop


@once
def set_next_step(
    actor: Actor,
    *,
    loop_id: int,
    step: NextStep,
    now: datetime,
    reason: str = "",
    expected_version: int | None = None,
) -> Loop:
    """Say by hand what is next and by when; it replaces an earlier step by hand, never a rule's clock.

    The desk shows whichever is due first. Refuses DueInThePast and the usual.
    """
    with changing(
        actor, access.STEP, loop_id=loop_id, now=now, expected_version=expected_version, reason=reason
    ) as change:
        if step.due_at <= now:
            raise DueInThePast
        loop = change.loop
        running = Clock.objects.filter(loop=loop, rule_id=BY_HAND, satisfied_at=None, voided_at=None)
        replaced_id = running.order_by("pk").values_list("pk", flat=True).last()
        running.update(voided_at=now, voided_reason="Replaced by another step by hand.")
        Clock.objects.create(
            loop=loop,
            rule_id=BY_HAND,
            rule_version="1",
            source=f"set by {actor.name}"[:200],
            step=step.words[:300],
            is_call=step.is_call,
            waiting_on=step.waiting_on[:200],
            anchor_event=step.because_of or f"loop:{loop.pk}",
            anchor_at=now,
            due_at=step.due_at,
            started_at=now,
            replaces_id=replaced_id,
        )
        follow_clocks(loop, now=now)
        by = full_day_and_time(step.due_at.astimezone(change.zone))
        change.say("step_set", f"Next: {step.words}, by {by}.", reason=reason)
    return change.loop


@once
def finish_step(actor: Actor, *, loop_id: int, now: datetime, expected_version: int | None = None) -> Loop:
    """Tick off the step that was set by hand; what is due next comes up. Refuses NoStepByHand and the usual."""
    with changing(actor, access.STEP, loop_id=loop_id, now=now, expected_version=expected_version) as change:
        loop = change.loop
        running = Clock.objects.filter(loop=loop, rule_id=BY_HAND, satisfied_at=None, voided_at=None)
        step = running.values_list("step", flat=True).first()
        if step is None:
            raise NoStepByHand
        running.update(satisfied_at=now, satisfied_by=f"done by {actor.name}"[:200])
        follow_clocks(loop, now=now)
        change.say("step_done", f"Done: {step}.")
    return loop


@once
def raise_priority(
    actor: Actor,
    *,
    loop_id: int,
    priority: str,
    reason: str,
    now: datetime,
    expected_version: int | None = None,
) -> Loop:
    """Say how pressing it is (routine, urgent, clinical), with the reason. Refuses ReasonNeeded and the usual."""
    with changing(
        actor, access.STEP, loop_id=loop_id, now=now, expected_version=expected_version, reason=reason
    ) as change:
        if not reason.strip():
            raise ReasonNeeded
        set_due(change.loop, due_at=change.loop.due_at, priority=priority, now=now)
        change.say("priority", f"Now {priority}.", reason=reason, undoable=True)
    return change.loop


@once
def acknowledge_loop(actor: Actor, *, loop_id: int, now: datetime) -> Loop:
    """Stop the ladder for this step: someone is on it (DOMAIN 3.4). A new due time or priority starts it again."""
    with changing(actor, access.ACKNOWLEDGE, loop_id=loop_id, now=now) as change:
        change.loop.next_escalation_at, change.loop.acknowledged_at = None, now
        change.notice_ids.extend(change.loop.notices.filter(seen_at=None).values_list("pk", flat=True))
        change.loop.notices.filter(pk__in=change.notice_ids).update(seen_at=now)
        change.say("acknowledged", f"{actor.name} is on it; the escalation stops.", undoable=True)
    return change.loop


def refuse_owner_who_cannot_see(loop: Loop, *, owner: Owner, now: datetime) -> None:
    """Refuse OwnerCannotSee for a person who is gone or does not reach the loop's patient, and for a team of a site
    where the patient is not known; NotFound for no team.
    """
    if not reaches(owner, patient_id=loop.patient_id, now=now):
        if owner.team_id is not None:
            name_of(owner)
        raise OwnerCannotSee


def _refuse_other_site(actor: Actor, *, loop: Loop) -> None:
    keeps_it = loop.owner_user_id == actor.user_id if loop.owner_user_id else loop.owner_team_id in actor.team_ids
    if not keeps_it and not actor.may_at(access.ASSIGN, site_id=loop.site_id):
        raise OtherSite


def _give(change: Change, *, to: Owner) -> None:
    loop = change.loop
    loop.owner_user_id, loop.owner_team_id, loop.hand_over_id = to.user_id, to.team_id, None
    change.publish(LoopAssigned)
