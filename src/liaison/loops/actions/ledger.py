"""Opening promises and running their clocks: what packages above call when their own state moves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from liaison.accounts.models import Site, Team
from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.refusals import Conflict, constraint_refusal
from liaison.loops import access, rules
from liaison.loops.actions.changing import (
    changing,
    end_clocks,
    follow_clocks,
    publish,
    start_ladder,
    tell,
)
from liaison.loops.events import LoopOpened
from liaison.loops.models import RECKONED, Clock, Loop, Voided
from liaison.loops.ports import ClockToStart, Owner, Promise, kind_of
from liaison.loops.queries.owners import Keeper, keeper_for, site_of

if TYPE_CHECKING:
    from liaison.patients.models import Patient


class AlreadyOpened(Conflict):
    """The same reaction ran twice at once; the other one opened it."""

    code = "loops.already_opened"
    sentence = "This loop was opened a moment ago. Look at the patient's open loops."


constraint_refusal("loops_loop_once_key_key", AlreadyOpened)


def open_loop(
    actor: Actor,
    *,
    patient: Patient,
    promise: Promise,
    owner: Owner,
    now: datetime,
    site: Site | None = None,
    reason: str = "",
) -> Loop:
    """Make a promise to a patient: a loop of a registered kind, with an owner and its clocks running.

    The clock that is due first becomes the next step. The site is the one given, else the owning team's, else
    the patient's home site. With a `once_key` the loop that was opened under it before, open or ended, is returned
    instead of a second one, so that a reaction or an import may run twice. An owner whose desk is handed over, or
    who can't see the patient, is replaced as `keeper_for` says, and the story says so; where nobody could be found it
    stays theirs, on the supervisors' board, and goes on once somebody can keep it (`actions/reaching.py`).
    Refuses Forbidden, NotFound, NoSite (they belong to none), AlreadyOpened (two at once under one `once_key`).
    """
    with act(actor, access.OPEN, patient=patient, reason=reason, now=now) as entry:
        if promise.once_key:
            known = Loop.objects.select_for_update().filter(once_key=promise.once_key).first()
            if known is not None:
                entry.about(known)
                return known
        about, first = promise.about, min(promise.clocks, key=lambda clock: clock.due_at)
        site = site or _team_site(owner) or site_of(patient)
        keeper = keeper_for(owner, patient=patient, site=site, now=now) or Keeper(owner=owner)
        loop = Loop(
            kind=promise.kind,
            patient=patient,
            site=site,
            title=promise.title[:300],
            about_type=about.type if about else "",
            about_id=about.id if about else None,
            once_key=promise.once_key or None,
            owner_user_id=keeper.owner.user_id,
            owner_team_id=keeper.owner.team_id,
            hand_over_id=keeper.hand_over_id,
            next_step=first.step,
            next_is_call=first.is_call,
            waiting_on=first.waiting_on,
            waiting_on_user_id=first.waiting_on_user_id,
            due_at=first.due_at,
            priority=promise.priority,
            urgent_at=rules.urgent_at(first.due_at, priority=promise.priority),
            required_evidence=list(kind_of(promise.kind).required_evidence),
            opened_at=now,
            opened_by_name=actor.name,
        )
        start_ladder(loop, now=now)
        loop.save()
        for clock in promise.clocks:
            _start(loop, clock=clock, now=now)
        entry.about(loop)
        entry.note(kind=promise.kind)
        sentence = f"Opened: {promise.title}. {keeper.because}".strip()
        tell(loop, actor=actor, now=now, what="opened", sentence=sentence, reason=reason)
        publish(entry, loop, kind=LoopOpened, now=now)
    return loop


def advance_loop(
    actor: Actor,
    *,
    loop_id: int,
    sentence: str,
    clocks: Sequence[ClockToStart],
    now: datetime,
    satisfied_by: str = "",
    voided_reason: str = "",
    reason: str = "",
    title: str = "",
) -> Loop:
    """End every running clock, as satisfied or as void, and start these: the thing it is about moved on.

    Exactly one of `satisfied_by` and `voided_reason` is given. `sentence` is the line of the story; `title` renames
    the loop where what it is about goes by another name now.
    Refuses Forbidden, NotFound, NotOpen.
    """
    if bool(satisfied_by) == bool(voided_reason):
        raise ValueError("Say either what satisfied the running clocks or why they are void.")
    with changing(actor, access.STEP, loop_id=loop_id, now=now, reason=reason) as change:
        end_clocks(change, satisfied_by=satisfied_by, voided_reason=voided_reason)
        for clock in clocks:
            _start(change.loop, clock=clock, now=now)
        follow_clocks(change.loop, now=now)
        change.loop.title = title[:300] or change.loop.title
        change.say("advanced", sentence, reason=reason)
    return change.loop


def start_clock(actor: Actor, *, loop_id: int, clock: ClockToStart, now: datetime) -> Clock:
    """Run one more clock. Refuses Forbidden, NotFound, NotOpen."""
    with changing(actor, access.STEP, loop_id=loop_id, now=now) as change:
        started = _start(change.loop, clock=clock, now=now)
        follow_clocks(change.loop, now=now)
        change.say("clock_started", f"To do: {clock.step}.")
    return started


def satisfy_clock(actor: Actor, *, loop_id: int, rule_id: str, by: str, now: datetime) -> Loop:
    """End the running clock of this rule as kept; `by` says what kept it ("call:12"). Nothing running: no change.

    Refuses Forbidden, NotFound, NotOpen.
    """
    with changing(actor, access.STEP, loop_id=loop_id, now=now) as change:
        running = _running(change.loop, rule_id=rule_id)
        for clock in running:
            clock.satisfied_at, clock.satisfied_by = now, by[:200]
            clock.save()
        follow_clocks(change.loop, now=now)
        steps = "; ".join(clock.step for clock in running) or "nothing was waiting"
        change.say("clock_satisfied", f"Done: {steps}.")
    return change.loop


def void_clock(
    actor: Actor, *, loop_id: int, rule_id: str, reason: str, now: datetime, because: Voided | None = None
) -> Loop:
    """End the running clock of this rule as no longer meant; its row stays. Refuses as `satisfy_clock`.

    `reason` is for people; `because` is what finds this clock again where it may have to run after all.
    """
    with changing(actor, access.STEP, loop_id=loop_id, now=now, reason=reason) as change:
        running = _running(change.loop, rule_id=rule_id)
        for clock in running:
            clock.voided_at, clock.voided_reason, clock.voided_because = now, reason[:300], because or ""
            clock.save()
        follow_clocks(change.loop, now=now)
        steps = "; ".join(clock.step for clock in running) or "nothing"
        change.say("clock_voided", f"No longer needed: {steps}.", reason=reason)
    return change.loop


def restart_clock(
    actor: Actor, *, loop_id: int, clock: ClockToStart, reason: str, now: datetime, title: str = ""
) -> Clock:
    """Recompute a rule's clock because its anchor was corrected (DOMAIN 0): the old row is voided and kept.

    `title` renames the loop where what it promises is another thing now. Refuses Forbidden, NotFound, NotOpen.
    """
    with changing(actor, access.STEP, loop_id=loop_id, now=now, reason=reason) as change:
        old = _running(change.loop, rule_id=clock.rule_id)
        for each in old:
            each.voided_at, each.voided_reason = now, reason[:300]
            each.save()
        started = _start(change.loop, clock=clock, now=now, replaces=old[0] if old else None)
        follow_clocks(change.loop, now=now)
        change.loop.title = title[:300] or change.loop.title
        same = bool(old) and old[0].due_at == clock.due_at
        words = "Next step said anew" if same else "Due time set anew"
        change.say("clock_restarted", f"{words}: {clock.step}.", reason=reason)
    return started


def reckon_loop(
    actor: Actor, *, loop_id: int, sentence: str, now: datetime, clocks: Sequence[ClockToStart] = (), title: str = ""
) -> Loop:
    """What the loop counts from was corrected (DOMAIN 0): these clocks run in place of those of their rules.

    The old ones are void, with a code, and kept; other clocks go on, steps set by hand among them. `sentence` is the
    line of the story, `title` renames the loop. One that ended stays so: then no clock may be given.
    Refuses Forbidden, NotFound, NotOpen.
    """
    with changing(actor, access.STEP, loop_id=loop_id, now=now, ended_too=not clocks) as change:
        loop = change.loop
        for clock in clocks:
            old = _running(loop, rule_id=clock.rule_id)
            for each in old:
                each.voided_at, each.voided_reason, each.voided_because = now, sentence[:300], Voided.CORRECTED
                each.save()
            _start(loop, clock=clock, now=now, replaces=old[0] if old else None)
        if clocks:
            follow_clocks(loop, now=now)
        loop.title = title[:300] or loop.title
        change.say(RECKONED, sentence)
    return loop


def _start(loop: Loop, *, clock: ClockToStart, now: datetime, replaces: Clock | None = None) -> Clock:
    return Clock.objects.create(
        loop=loop,
        rule_id=clock.rule_id,
        rule_version=clock.rule_version,
        source=clock.source[:200],
        step=clock.step[:300],
        is_call=clock.is_call,
        waiting_on=clock.waiting_on[:200],
        waiting_on_user_id=clock.waiting_on_user_id,
        evidence=clock.evidence,
        anchor_event=clock.anchor_event[:100],
        anchor_at=clock.anchor_at,
        calendar=clock.calendar[:100],
        due_at=clock.due_at,
        started_at=now,
        replaces=replaces,
    )


def _running(loop: Loop, *, rule_id: str) -> list[Clock]:
    running = Clock.objects.select_for_update().filter(loop=loop, satisfied_at=None, voided_at=None)
    return list(running.filter(rule_id=rule_id).order_by("pk"))


def _team_site(owner: Owner) -> Site | None:
    if owner.team_id is None:
        return None
    return Team.objects.select_related("site").get(pk=owner.team_id).site
