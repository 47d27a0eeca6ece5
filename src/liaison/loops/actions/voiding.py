"""Taking back what rested on a mistake: the evidence is kept and counts no more, and the loop goes on without it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, QuerySet

from liaison.core.actor import Actor
from liaison.loops import access
from liaison.loops.actions.changing import (
    Change,
    changing,
    end_clocks,
    follow_clocks,
    recount_evidence,
    start_ladder,
)
from liaison.loops.events import EvidenceAdded, EvidenceVoided, LoopReopened
from liaison.loops.models import Clock, Evidence, LoopEvent, State, Voided
from liaison.loops.ports import Mistake, Proof
from liaison.loops.queries.owners import Keeper, keeper_for
from liaison.loops.queries.reach import reaches


def void_evidence(
    actor: Actor,
    *,
    mistake: Mistake,
    now: datetime,
    loop_id: int | None = None,
    instead: Sequence[Proof] = (),
) -> tuple[int, ...]:
    """Take back what a mistake proved and set off, on one loop or on every loop that rests on it; returns their ids.

    The evidence stays with who voided it, when and why. Clocks that the mistake satisfied run again, those that it
    started are void, and what they had replaced runs again. A loop that closed on the evidence reopens, for whoever
    covers its owner now, unless `instead` proves on it what the mistake did; one that was given up stays so. Nothing
    that rests on it: no change. Refuses Forbidden, NotFound.
    """
    touched = [loop_id] if loop_id is not None else _resting_on(mistake)
    for each in touched:
        with changing(
            actor, access.VOID_EVIDENCE, loop_id=each, now=now, reason=mistake.reason, ended_too=True
        ) as change:
            others = [proof for proof in instead if proof.loop_id == each]
            _take_back(change, mistake=mistake, instead=others, actor=actor)
    return tuple(touched)


def count_evidence_again(
    actor: Actor, *, loop_id: int, because: str, voided_at: datetime, sentence: str, now: datetime
) -> tuple[str, ...]:
    """What a fact with this code overtook on a loop at that instant counts again, the fact having been taken back.

    Clocks that wait for it end; returns the kinds of evidence. Nothing was overtaken then: no change. Refuses
    Forbidden, NotFound.
    """
    found = Evidence.objects.filter(loop_id=loop_id, withdrawn_because=because, withdrawn_at=voided_at)
    if not found.exists():
        return ()
    with changing(actor, access.VOID_EVIDENCE, loop_id=loop_id, now=now, ended_too=True) as change:
        loop, kinds = change.loop, []
        for row in found.select_for_update().order_by("pk"):
            row.count_again()
            row.save()
            _line_of(change, at=row.at, evidence=row.kind).filter(undone_at=voided_at).update(undone_at=None)
            end_clocks(change, satisfied_by=f"evidence:{row.pk}", only_evidence=row.kind)
            change.publish(EvidenceAdded, evidence=row.kind)
            kinds.append(row.kind)
        recount_evidence(loop)
        if loop.state == State.OPEN:
            follow_clocks(loop, now=now)
        change.say("evidence", sentence, evidence=kinds[0])
    return tuple(kinds)


def restate_evidence(actor: Actor, *, evidence_id: int, note: str, reason: str, now: datetime) -> Evidence:
    """Say anew what a piece of evidence says, as what it is read against was corrected: it proves what it proved.

    The old piece stays to be read, struck out with the reason; what it kept stays kept, and a loop that ended stays so.
    Refuses Forbidden, NotFound.
    """
    loop_id = Evidence.objects.values_list("loop_id", flat=True).get(pk=evidence_id)
    with changing(actor, access.VOID_EVIDENCE, loop_id=loop_id, now=now, reason=reason, ended_too=True) as change:
        old = Evidence.objects.select_for_update().get(pk=evidence_id)
        anew = Evidence.objects.create(
            loop=change.loop,
            kind=old.kind,
            note=note,
            about_type=old.about_type,
            about_id=old.about_id,
            at=now,
            happened_at=old.happened_at,
            by_id=old.by_id,
            by_name=old.by_name,
        )
        old.void(by_id=actor.user_id, by_name=actor.name, reason=reason, now=now)
        old.save()
        kept = Clock.objects.filter(loop=change.loop, satisfied_by=f"evidence:{old.pk}")
        kept.update(satisfied_by=f"evidence:{anew.pk}")
        told = _line_of(change, at=old.at, evidence=old.kind).filter(what="evidence", undone_at=None)
        told.update(undone_at=now)
        label = change.loop.kind_info.evidence_label(old.kind)
        change.say("evidence", f"{label}: {note}", reason=reason, evidence=old.kind)
    return anew


def _resting_on(mistake: Mistake) -> list[int]:
    proved = Evidence.objects.filter(_evidence_of(mistake), withdrawn_at=None).values_list("loop_id", flat=True)
    kept = Clock.objects.filter(satisfied_by__in=mistake.events).values_list("loop_id", flat=True)
    begun = Clock.objects.filter(anchor_event__in=mistake.events, satisfied_at=None, voided_at=None)
    return sorted({*proved, *kept, *begun.values_list("loop_id", flat=True)})


def _evidence_of(mistake: Mistake) -> Q:
    found = Q()
    if mistake.about is not None:
        found &= Q(about_type=mistake.about.type, about_id=mistake.about.id)
    if mistake.kinds is not None:
        found &= Q(kind__in=mistake.kinds)
    if mistake.at is not None:
        found &= Q(at=mistake.at)
    return found


def _take_back(change: Change, *, mistake: Mistake, instead: Sequence[Proof], actor: Actor) -> None:
    loop = change.loop
    void = list(Evidence.objects.select_for_update().filter(_evidence_of(mistake), loop=loop, withdrawn_at=None))
    for row in void:
        row.void(
            by_id=actor.user_id,
            by_name=actor.name,
            reason=mistake.reason or mistake.sentence,
            because=mistake.because,
            now=change.now,
        )
        row.save()
        _strike_line(change, at=row.at, evidence=row.kind)
    stands = loop.state == State.CLOSED and _stand_in(change, instead, void=void, actor=actor)
    recount_evidence(loop)
    closed_at = loop.ended_at if loop.state == State.CLOSED and loop.missing_evidence else None
    if closed_at is not None:
        _strike_line(change, at=closed_at, evidence="")
        _reopen(change, actor=actor)
    if loop.state == State.OPEN:
        _stop_what_it_started(change, mistake=mistake)
        _run_again(change, void=void, mistake=mistake, closed_at=closed_at)
        follow_clocks(loop, now=change.now)
    if closed_at is not None:
        start_ladder(loop, now=change.now)
        change.publish(LoopReopened)
    if void:
        change.publish(EvidenceVoided, evidence=tuple(sorted({row.kind for row in void})))
    after = " Open again." if closed_at is not None else " Something else proves it still." if stands else ""
    what = "reopened" if closed_at is not None else "taken_back"
    change.say(what, f"{mistake.sentence}{after}", reason=mistake.reason)


def _stand_in(change: Change, instead: Sequence[Proof], *, void: Sequence[Evidence], actor: Actor) -> bool:
    """Record what else proves the kinds that nothing proves any more, once each; whether anything does."""
    left = Evidence.objects.filter(loop=change.loop, withdrawn_at=None).values_list("kind", flat=True)
    gone = {row.kind for row in void} - set(left)
    found = {proof.kind: proof for proof in instead if proof.kind in gone}
    for proof in found.values():
        Evidence.objects.create(
            loop=change.loop,
            kind=proof.kind,
            note=proof.note,
            about_type=proof.about.type,
            about_id=proof.about.id,
            at=change.now,
            by_id=actor.user_id,
            by_name=actor.name,
        )
    return bool(found)


def _strike_line(change: Change, *, at: datetime, evidence: str) -> None:
    """The story's line that told of this kind of evidence ("": of the mere close) is shown struck through."""
    _line_of(change, at=at, evidence=evidence).filter(undone_at=None).update(undone_at=change.now)


def _line_of(change: Change, *, at: datetime, evidence: str) -> QuerySet[LoopEvent]:
    return LoopEvent.objects.filter(loop=change.loop, at=at, what__in=("evidence", "closed"), evidence=evidence)


def _reopen(change: Change, *, actor: Actor) -> None:
    loop = change.loop
    loop.state, loop.ended_at, loop.ended_by_id, loop.ended_by_name = State.OPEN, None, None, ""
    if loop.owner_user_id is not None and not reaches(loop.owner, patient_id=loop.patient_id, now=change.now):
        loop.owner_user_id = actor.user_id or loop.owner_user_id  # its keeper left: whoever took it back sees to it
    keeper = keeper_for(loop.owner, patient=loop.patient, site=loop.site, now=change.now) or Keeper(owner=loop.owner)
    loop.owner_user_id, loop.owner_team_id = keeper.owner.user_id, keeper.owner.team_id
    loop.hand_over_id = keeper.hand_over_id


def _stop_what_it_started(change: Change, *, mistake: Mistake) -> None:
    begun = Clock.objects.select_for_update().filter(loop=change.loop, anchor_event__in=mistake.events)
    begun = begun.filter(satisfied_at=None, voided_at=None)
    if mistake.at is not None:
        begun = begun.filter(started_at=mistake.at)
    for clock in begun.order_by("pk"):
        clock.voided_at, clock.voided_reason = change.now, mistake.sentence[:300]
        clock.save()
        if clock.replaces is not None:
            _again(clock.replaces, after_id=clock.pk, now=change.now)


def _run_again(change: Change, *, void: Sequence[Evidence], mistake: Mistake, closed_at: datetime | None) -> None:
    """Clocks that ended because of it go on in a new row, unless other evidence of their kind still stands."""
    loop = change.loop
    gone = [f"evidence:{row.pk}" for row in void if row.kind not in loop.evidence_kinds]
    by_event = Q(satisfied_by__in=mistake.events)
    if mistake.at is not None:
        by_event &= Q(satisfied_at=mistake.at)
    ended = Q(satisfied_by__in=gone) | by_event
    if closed_at is not None:
        ended |= Q(voided_at=closed_at, voided_because=Voided.CLOSED) & ~Q(anchor_event__in=mistake.events)
    for clock in Clock.objects.filter(ended, loop=loop, replaced_by=None).order_by("pk"):
        _again(clock, after_id=clock.pk, now=change.now)


def _again(clock: Clock, *, after_id: int, now: datetime) -> None:
    clock.pk = None
    clock.started_at, clock.replaces_id = now, after_id
    clock.satisfied_at, clock.satisfied_by = None, ""
    clock.voided_at, clock.voided_reason, clock.voided_because = None, "", ""
    clock.save(force_insert=True)
