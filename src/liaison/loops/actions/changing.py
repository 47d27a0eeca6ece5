"""The one shape of every change to a loop: fetch, authorise, lock, check, change, tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Final

from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.live import announce, announce_at_sites
from liaison.core.refusals import NotFound, Refusal, Stale
from liaison.core.verbs import Verb
from liaison.core.written_time import clock_time
from liaison.loops import rules
from liaison.loops.events import LoopFact
from liaison.loops.models import Clock, Evidence, Loop, LoopEvent, Priority, State, Voided
from liaison.loops.queries.calendars import business_calendar
from liaison.patients.queries import sites_of

REMEMBERED: Final = (
    "owner_user_id",
    "owner_team_id",
    "hand_over_id",
    "next_step",
    "next_is_call",
    "waiting_on",
    "waiting_on_user_id",
    "due_at",
    "priority",
    "urgent_at",
    "snoozed_until",
    "snooze_reason",
    "escalation_level",
    "next_escalation_at",
    "acknowledged_at",
    "state",
    "evidence_kinds",
    "ended_at",
    "ended_by_id",
    "ended_by_name",
    "given_up_reason",
)
"""The columns that undo puts back."""


class LoopChanged(Stale):
    """The form was filled in against an older version; the sentence says who changed what."""

    code = "loops.changed"


class NotOpen(Refusal):
    """The promise was already kept or given up."""

    code = "loops.not_open"
    sentence = "This loop has ended. Look at its story, and open a new one if something is still to do."
    status = 409


class ReasonNeeded(Refusal):
    """A decision that colleagues will ask about was made without saying why."""

    code = "loops.reason_needed"
    sentence = "Say why: colleagues will see the reason in the story."
    field = "reason"


@dataclass(slots=True)
class Change:
    """One loop, locked, and what this change says and touches."""

    entry: Entry
    loop: Loop
    now: datetime
    what: str = ""
    sentence: str = ""
    reason: str = ""
    evidence: str = ""
    undoable: bool = False
    clock_ids: list[int] = field(default_factory=list)
    evidence_ids: list[int] = field(default_factory=list)
    notice_ids: list[int] = field(default_factory=list)

    @property
    def zone(self) -> tzinfo:
        """The time zone of the loop's site."""
        zone: tzinfo = self.loop.site.zone
        return zone

    def say(self, what: str, sentence: str, *, reason: str = "", evidence: str = "", undoable: bool = False) -> None:
        """The line that will stand in the story; `evidence` is the kind of proof that it tells of."""
        self.what, self.sentence, self.reason, self.undoable = what, sentence, reason, undoable
        self.evidence = evidence

    def publish(self, kind: type[LoopFact], **more: Any) -> None:
        """Tell the packages above, about this loop."""
        publish(self.entry, self.loop, kind=kind, now=self.now, **more)


@contextmanager
def changing(
    actor: Actor,
    verb: Verb,
    *,
    loop_id: int,
    now: datetime,
    expected_version: int | None = None,
    reason: str = "",
    ended_too: bool = False,
) -> Iterator[Change]:
    """Lock one loop for a change, then save it, write its story and announce it.

    Refuses NotFound (no such loop, or not this actor's patient), LoopChanged when `expected_version` is not
    the loop's version, NotOpen unless `ended_too`; none of them to the second press of one and the same.
    """
    seen = Loop.objects.select_related("patient").filter(pk=loop_id).first()
    if seen is None:
        raise NotFound
    with act(actor, verb, patient=seen.patient, subject=seen, reason=reason, now=now) as entry:
        loop = Loop.objects.select_for_update(of=("self",)).select_related("patient", "site").get(pk=loop_id)
        entry.about(loop)
        if expected_version != loop.version:  # none was given, or another
            entry.only_once(loop)
        if expected_version is not None and expected_version != loop.version:
            raise LoopChanged(_who_changed(loop))
        if loop.state != State.OPEN and not ended_too:
            raise NotOpen
        before = {name: getattr(loop, name) for name in REMEMBERED}
        change = Change(entry=entry, loop=loop, now=now)
        yield change
        _finish(change, actor=actor, before=before)


def _finish(change: Change, *, actor: Actor, before: dict[str, Any]) -> None:
    loop = change.loop
    loop.version += 1
    loop.save()
    if change.clock_ids:
        before["clocks"] = change.clock_ids
    if change.evidence_ids:
        before["evidence"] = change.evidence_ids
    if change.notice_ids:
        before["notices"] = change.notice_ids
    tell(change.loop, actor=actor, now=change.now, what=change.what, sentence=change.sentence,
         reason=change.reason, evidence=change.evidence, before=before if change.undoable else {},
         undoable=change.undoable)  # fmt: skip


def tell(
    loop: Loop,
    *,
    actor: Actor,
    now: datetime,
    what: str,
    sentence: str,
    reason: str = "",
    evidence: str = "",
    before: dict[str, Any] | None = None,
    undoable: bool = False,
) -> LoopEvent:
    """Write one line of the story and tell every open page that shows this loop."""
    event = LoopEvent.objects.create(
        loop=loop,
        at=now,
        what=what,
        sentence=sentence[:500],
        reason=reason[:500],
        by_id=actor.user_id,
        by_name=actor.name,
        version=loop.version,
        evidence=evidence,
        before=before or {},
        undoable=undoable,
    )
    announce(topic=f"loop:{loop.pk}", what=what)
    announce(topic=f"patient:{loop.patient_id}", what="loops")
    announce_at_sites(topic="desk", site_ids={loop.site_id, *sites_of(loop.patient_id)}, what=what)
    return event


def publish(entry: Entry, loop: Loop, *, kind: type[LoopFact], now: datetime, **more: Any) -> None:
    """Publish a fact about a loop."""
    entry.publish(
        kind(
            at=now,
            loop_id=loop.pk,
            kind=loop.kind,
            patient_id=loop.patient_id,
            about_type=loop.about_type,
            about_id=loop.about_id or 0,
            **more,
        )
    )


def set_due(loop: Loop, *, due_at: datetime, priority: str, now: datetime) -> None:
    """Give a loop its due time and priority: the rank and a snooze follow, and the ladder when either moved.

    At the same due time a ladder that was climbed to its top, or that somebody stopped, stays so.
    """
    moved = loop.due_at != due_at or loop.priority != priority
    loop.due_at, loop.priority = due_at, priority
    loop.urgent_at = rules.urgent_at(due_at, priority=priority)
    if loop.snoozed_until is not None and loop.snoozed_until > due_at:
        loop.snoozed_until, loop.snooze_reason = None, ""
    if moved:
        start_ladder(loop, now=now)


def start_ladder(loop: Loop, *, now: datetime) -> None:
    """Begin the escalation ladder anew. What is late or clinical already is looked at at once.

    Nobody is pressed about a patient who has died (DOMAIN 3.4, suppression).
    """
    loop.escalation_level, loop.next_escalation_at, loop.acknowledged_at = 0, None, None
    if loop.patient.is_deceased:
        return
    rung = rules.climb(
        priority=loop.priority,
        due_at=loop.due_at,
        started_at=now,
        now=now,
        calendar=business_calendar(site_id=loop.site_id),
        zone=loop.site.zone,
    )
    at_once = loop.priority == Priority.CLINICAL or loop.due_at <= now
    loop.next_escalation_at = now if at_once else rung.next_at


def follow_clocks(loop: Loop, *, now: datetime) -> None:
    """Make the running clock that is due first the loop's next step.

    Without a running clock the step says what is still missing, due when the last one was.
    """
    running = list(Clock.objects.filter(loop=loop, satisfied_at=None, voided_at=None))
    first_id = rules.earliest_running([(clock.due_at, clock.pk) for clock in running])
    first = next((clock for clock in running if clock.pk == first_id), None)
    if first is not None:
        loop.next_step, loop.next_is_call, loop.waiting_on = first.step, first.is_call, first.waiting_on
        loop.waiting_on_user_id = first.waiting_on_user_id
        set_due(loop, due_at=first.due_at, priority=loop.priority, now=now)
        return
    missing = loop.missing_evidence
    loop.waiting_on, loop.waiting_on_user_id, loop.next_is_call = "", None, False
    loop.next_step = (
        f"Get the evidence: {loop.kind_info.evidence_label(missing[0])}"
        if missing
        else "Close it: all the evidence is in"
    )


def end_clocks(
    change: Change,
    *,
    satisfied_by: str = "",
    voided_reason: str = "",
    because: Voided | None = None,
    only_evidence: str = "",
) -> None:
    """End running clocks as satisfied or void; with `only_evidence`, just those that wait for it.

    `voided_reason` is for people; `because` is what finds the clocks that this ended, when it was a mistake.
    """
    running = Clock.objects.select_for_update().filter(loop=change.loop, satisfied_at=None, voided_at=None)
    if only_evidence:
        running = running.filter(evidence=only_evidence)
    change.clock_ids.extend(running.values_list("pk", flat=True))
    ended = Clock.objects.filter(pk__in=change.clock_ids, satisfied_at=None, voided_at=None)
    if satisfied_by:
        ended.update(satisfied_at=change.now, satisfied_by=satisfied_by[:200])
    else:
        ended.update(voided_at=change.now, voided_reason=voided_reason[:300], voided_because=because or "")


def recount_evidence(loop: Loop) -> None:
    """Repeat on the loop which kinds of evidence stand (the closing constraint reads them there)."""
    kinds = Evidence.objects.filter(loop=loop, withdrawn_at=None).values_list("kind", flat=True)
    loop.evidence_kinds = sorted(set(kinds))


def _who_changed(loop: Loop) -> str:
    last = LoopEvent.objects.filter(loop=loop).order_by("-id").first()
    if last is None:
        return LoopChanged.sentence
    at = last.at.astimezone(loop.site.zone)
    said = rules.without_clinical_words(last.sentence, what=last.what, evidence=last.evidence, kind=loop.kind_info)
    return f"{last.by_name} was here first, at {clock_time(at)}: {said} Look at what it says now, then do it again."
