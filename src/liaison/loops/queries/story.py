"""One loop with its story, a patient's loops, notices, and what the timeline shows of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import Forbidden, NotFound
from liaison.core.timeline import TimelineEntry, years_in
from liaison.loops import access, rules
from liaison.loops.models import Clock, Evidence, Loop, LoopEvent, Notice, State
from liaison.loops.ports import LoopKind, registered_kinds
from liaison.loops.queries.rows import LoopRow, loop_rows
from liaison.patients.models import Patient
from liaison.patients.queries import refuse_unseen


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """One thing that happened to a loop. `undo_until` is set while the actor may take it back."""

    id: int
    at: datetime
    what: str
    sentence: str
    reason: str
    by_name: str
    undone: bool
    undo_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockLine:
    """One clock and the rule behind it. `state` is running, late, kept or dropped.

    `counted_from`, `days_off` and `ended_by` are words: the event it runs from, the days that are not counted, and
    what kept it or why it is needed no longer.
    """

    id: int
    rule_id: str
    rule_version: str
    source: str
    step: str
    waiting_on: str
    counted_from: str
    anchor_at: datetime
    days_off: str
    due_at: datetime
    state: str
    ended_at: datetime | None
    ended_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceLine:
    """One piece of proof."""

    id: int
    kind: str
    label: str
    note: str
    at: datetime
    by_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopStory:
    """One loop with everything that happened to it, the newest first, and what may be done with it now.

    `may` holds the codes of the verbs that the actor carries for this patient ("loops.take"). `accepted` are
    (code, label) of the evidence that may be recorded on the desk; empty when `row.managed_url` says where to.
    `proven_at` are (words, address) of the pages that prove what is still missing by themselves.
    """

    row: LoopRow
    site_id: int
    story: tuple[StoryLine, ...]
    clocks: tuple[ClockLine, ...]
    evidence: tuple[EvidenceLine, ...]
    accepted: tuple[tuple[str, str], ...]
    proven_at: tuple[tuple[str, str], ...]
    may: frozenset[str]
    given_up_reason: str
    opened_by_name: str
    ended_by_name: str

    @property
    def done(self) -> str:
        """What was done, where one piece of proof kept the whole promise; "" otherwise, and for who may not read it."""
        if self.row.state != State.CLOSED or len(self.row.evidence) != 1:
            return ""
        return next((each.note for each in self.evidence if each.kind == self.row.evidence[0].code), "")

    @property
    def care_decides(self) -> bool:
        """Whether all that proves it kept is for those who care for the patient, and not for this actor."""
        return self.row.state == State.OPEN and not self.row.managed_url and not (self.accepted or self.proven_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """One notice of the escalation ladder."""

    id: int
    loop_id: int
    sentence: str
    level: int
    at: datetime


_REASONS_OF_THE_DESK = frozenset(
    {"assigned", "handed_over", "not_handed_over", "returned", "snoozed", "priority", "step_set"}
)
"""What is done on the desk has reasons of the desk; every other reason may be clinical."""

DESK_VERBS = (
    access.TAKE,
    access.ASSIGN,
    access.SNOOZE,
    access.STEP,
    access.EVIDENCE,
    access.CLOSE,
    access.GIVE_UP,
    access.ACKNOWLEDGE,
)


def get_loop(actor: Actor, *, loop_id: int, now: datetime) -> Loop:
    """The row itself, for packages above. Refuses Forbidden, and NotFound for what the actor can't see."""
    if not actor.may(access.SEE):
        raise Forbidden
    loop = Loop.objects.select_related("patient", "site").filter(pk=loop_id).first()
    if loop is None or not loop.patient.reachable_by(actor, access.SEE, now=now):
        raise NotFound
    seen(loop.patient_id)
    return loop


def loop_story(actor: Actor, *, loop_id: int, now: datetime) -> LoopStory:
    """One loop with its story. Refuses Forbidden, NotFound."""
    loop = get_loop(actor, loop_id=loop_id, now=now)
    row = loop_rows(actor, loop_ids=[loop.pk], now=now)[0]
    kind = loop.kind_info
    events = list(LoopEvent.objects.filter(loop=loop).order_by("-id"))
    evidence = Evidence.objects.filter(loop=loop, withdrawn_at=None).order_by("-id")
    reads = reads_clinical(actor, loop=loop, now=now)
    clocks = Clock.objects.filter(loop=loop).order_by("due_at", "id")
    accepted = _accepted(actor, loop=loop, now=now) if not row.managed_url else ()
    proven_at = _proven_at(actor, loop=loop, now=now)
    return LoopStory(
        row=row,
        site_id=loop.site_id,
        story=tuple(
            _line(event, kind=kind, reads=reads, actor=actor, is_last=not index, now=now)
            for index, event in enumerate(events)
        ),
        clocks=tuple(_clock(clock, kind=kind, reads=reads, now=now) for clock in clocks),
        evidence=tuple(
            EvidenceLine(
                id=each.pk, kind=each.kind, label=kind.evidence_label(each.kind),
                note=each.note if reads or each.kind not in kind.clinical_evidence else "",
                at=each.at, by_name=each.by_name,
            )
            for each in evidence
        ),
        accepted=accepted,
        proven_at=proven_at,
        may=_may(actor, loop=loop, now=now) - _not_now(loop, takes=bool(accepted or proven_at)),
        given_up_reason=loop.given_up_reason if reads else "",
        opened_by_name=loop.opened_by_name,
        ended_by_name=loop.ended_by_name,
    )  # fmt: skip


def _accepted(actor: Actor, *, loop: Loop, now: datetime) -> tuple[tuple[str, str], ...]:
    """What this actor may record on the desk, as (code, words); nothing once the loop has ended."""
    if loop.state != State.OPEN:
        return ()
    kind = loop.kind_info
    all_of_it = not kind.clinical_evidence or loop.patient.reachable_by(actor, access.CLINICAL_EVIDENCE, now=now)
    return tuple(
        (code, kind.evidence_label(code))
        for code in kind.accepted_evidence
        if (all_of_it or code not in kind.clinical_evidence) and code not in kind.proven_at
    )


def _proven_at(actor: Actor, *, loop: Loop, now: datetime) -> tuple[tuple[str, str], ...]:
    """The pages that prove what is missing, each once, in the kind's order; nothing once the loop has ended."""
    kind = loop.kind_info
    if loop.state != State.OPEN or not kind.proven_at:
        return ()
    cares = loop.patient.reachable_by(actor, access.CLINICAL_EVIDENCE, now=now)
    proofs = (kind.proven_at.get(code) for code in kind.accepted_evidence if code not in loop.evidence_kinds)
    open_to = [proof for proof in proofs if proof is not None and (cares or not proof.by_care)]
    return tuple(dict.fromkeys((proof.words, f"{reverse(proof.url)}?loop={loop.pk}") for proof in open_to))


def reads_clinical(actor: Actor, *, loop: Loop, now: datetime) -> bool:
    """Whether this actor may read what the clinical evidence of a loop says."""
    return not loop.kind_info.clinical_evidence or loop.patient.reachable_by(actor, access.READ_CLINICAL, now=now)


def _not_now(loop: Loop, *, takes: bool) -> frozenset[str]:
    """What would change nothing: evidence that nobody takes here, and being on it once somebody is."""
    moot = {access.EVIDENCE.code: not takes, access.ACKNOWLEDGE.code: loop.acknowledged_at is not None}
    return frozenset(code for code, is_moot in moot.items() if is_moot)


def _may(actor: Actor, *, loop: Loop, now: datetime) -> frozenset[str]:
    if loop.state != State.OPEN:
        return frozenset()
    carried = [verb for verb in DESK_VERBS if actor.may(verb)]
    one_of_each = {(verb.roles, verb.by_glass): verb for verb in carried}
    reaches = {kind: loop.patient.reachable_by(actor, verb, now=now) for kind, verb in one_of_each.items()}
    return frozenset(verb.code for verb in carried if reaches[verb.roles, verb.by_glass])


def _line(event: LoopEvent, *, kind: LoopKind, reads: bool, actor: Actor, is_last: bool, now: datetime) -> StoryLine:
    may_undo = rules.may_undo(
        done_at=event.at,
        now=now,
        is_last=is_last,
        by_same_person=event.by_id is not None and event.by_id == actor.user_id,
        undoable=event.undoable and event.undone_at is None,
    )
    return StoryLine(
        id=event.pk,
        at=event.at,
        what=event.what,
        sentence=event.sentence
        if reads
        else rules.without_clinical_words(event.sentence, what=event.what, evidence=event.evidence, kind=kind),
        reason=event.reason if reads or event.what in _desk_reasons(kind) else "",
        by_name=event.by_name,
        undone=event.undone_at is not None,
        undo_until=event.at + rules.UNDO_WITHIN if may_undo else None,
    )


def _desk_reasons(kind: LoopKind) -> frozenset[str]:
    """The lines whose reason everybody reads; where the very step is clinical, why it was set is too."""
    return _REASONS_OF_THE_DESK - {"step_set"} if kind.clinical_words else _REASONS_OF_THE_DESK


def _clock(clock: Clock, *, kind: LoopKind, reads: bool, now: datetime) -> ClockLine:
    if clock.satisfied_at is not None:
        state, ended_by = "kept", rules.event_words(clock.satisfied_by, kind=kind).removeprefix("when ")
    elif clock.voided_at is not None:
        state, ended_by = "dropped", clock.voided_reason if reads else ""
    else:
        state, ended_by = "late" if rules.is_late(clock.due_at, now=now) else "running", ""
    return ClockLine(
        id=clock.pk,
        rule_id=clock.rule_id,
        rule_version=clock.rule_version,
        source=clock.source,
        step=clock.step if reads or not kind.clinical_words else kind.label,
        waiting_on=clock.waiting_on if reads or not kind.clinical_words else "",
        counted_from=rules.event_words(clock.anchor_event, kind=kind),
        anchor_at=clock.anchor_at,
        days_off=rules.calendar_words(clock.calendar),
        due_at=clock.due_at,
        state=state,
        ended_at=clock.satisfied_at or clock.voided_at,
        ended_by=ended_by,
    )


def open_promises(*, patient: Patient) -> list[Loop]:
    """The open loops of a patient, the next due first, for choosing one. The patient was fetched for somebody."""
    return list(Loop.objects.open().filter(patient=patient).order_by("due_at", "pk"))


def open_loops_of(actor: Actor, *, patient: Patient, now: datetime, most: int = 100) -> tuple[LoopRow, ...]:
    """A patient's open loops, the most urgent first, at most `most`. Refuses Forbidden, NotFound."""
    _refuse_unseen(actor, patient=patient, now=now)
    ids = Loop.objects.open().filter(patient=patient).order_by("urgent_at", "id").values_list("pk", flat=True)
    return loop_rows(actor, loop_ids=list(ids[:most]), now=now)


def ended_loops_of(actor: Actor, *, patient: Patient, now: datetime, most: int = 20) -> tuple[LoopRow, ...]:
    """A patient's loops that ended, the latest first, at most `most`. Refuses Forbidden, NotFound."""
    _refuse_unseen(actor, patient=patient, now=now)
    ended = Loop.objects.exclude(state=State.OPEN).filter(patient=patient).order_by("-ended_at", "-id")
    return loop_rows(actor, loop_ids=list(ended.values_list("pk", flat=True)[:most]), now=now)


def notices(actor: Actor, *, most: int = 50, now: datetime) -> tuple[NoticeRow, ...]:
    """What the escalation ladder told this person and they have not seen yet, the newest first."""
    unseen = Notice.objects.select_related("loop").filter(user_id=actor.user_id or 0, seen_at=None)
    unseen = unseen.filter(loop__state=State.OPEN)
    rows = list(unseen.order_by("-id")[:most])
    visible = set(
        Patient.objects.visible_to(actor, access.SEE, now=now)
        .filter(pk__in={row.loop.patient_id for row in rows})
        .values_list("pk", flat=True)
    )
    shown = [row for row in rows if row.loop.patient_id in visible]
    seen({row.loop.patient_id for row in shown})
    return tuple(
        NoticeRow(id=row.pk, loop_id=row.loop_id, sentence=row.sentence, level=row.level, at=row.at) for row in shown
    )


def timeline(
    actor: Actor,
    *,
    patient: Patient,
    kinds: Collection[str] = (),
    before: datetime | None = None,
    limit: int = 50,
    now: datetime,
) -> tuple[TimelineEntry, ...]:
    """When promises to a patient were made and ended, the newest first. Refuses Forbidden, NotFound."""
    _refuse_unseen(actor, patient=patient, now=now)
    if kinds and "loop" not in kinds:
        return ()
    events = _milestones(patient).select_related("loop")
    if before is not None:
        events = events.filter(at__lt=before)
    reads = patient.reachable_by(actor, access.READ_CLINICAL, now=now)
    return tuple(_timeline_entry(event, reads=reads) for event in events.order_by("-at", "-id")[:limit])


def timeline_years(actor: Actor, *, patient: Patient, before: datetime, now: datetime) -> frozenset[int]:
    """The years before an instant of which `timeline` tells. Refuses Forbidden, NotFound."""
    _refuse_unseen(actor, patient=patient, now=now)
    return years_in(_milestones(patient).filter(at__lt=before), "at")


def _milestones(patient: Patient) -> QuerySet[LoopEvent]:
    return LoopEvent.objects.filter(loop__patient=patient, what__in=("opened", "closed", "given_up"), undone_at=None)


def _timeline_entry(event: LoopEvent, *, reads: bool) -> TimelineEntry:
    heads = {"opened": "Opened", "closed": "Closed", "given_up": "Given up"}
    kind = event.loop.kind_info
    title, detail = event.loop.title, event.reason or ("" if event.what == "opened" else event.sentence)
    if not reads and kind.clinical_evidence:
        title, detail = kind.label if kind.clinical_words else title, ""
    return TimelineEntry(
        at=event.at,
        kind="loop",
        title=f"{heads[event.what]}: {title}",
        detail=f"{detail} ({event.by_name})".strip(),
        url=loop_url(event.loop_id),
        source="loops",
        key=str(event.pk),
    )


def loop_url(loop_id: int) -> str:
    """The address of a loop's page (the desk owns it)."""
    try:
        return reverse("desk:loop", args=[loop_id])
    except NoReverseMatch:
        return ""


def kind_choices() -> tuple[tuple[str, str], ...]:
    """(code, label) of every kind of loop, for the desk's filter."""
    return tuple((kind.code, kind.label) for kind in registered_kinds())


def _refuse_unseen(actor: Actor, *, patient: Patient, now: datetime) -> None:
    if not actor.may(access.SEE):
        raise Forbidden
    refuse_unseen(actor, patient=patient, verb=access.SEE, now=now)
