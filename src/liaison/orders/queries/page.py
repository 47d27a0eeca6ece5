"""The page of one referral: its track, its history, and what may follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import Forbidden, NotFound
from liaison.core.verbs import Verb
from liaison.loops.queries import LoopStory, RowPatient, loop_story, row_patients
from liaison.orders import access, rules
from liaison.orders.models import Referral, ReferralStep
from liaison.orders.ports import REPORT, REVIEWED, TOLD, Target
from liaison.orders.rules import State
from liaison.patients.models import Patient
from liaison.records.access import READ_CHART


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackStop:
    """One stop on the way of a referral: `status` is done, here, ahead, or skipped for what was never recorded though
    a later stop was; `at` is when it was entered, None for what was not.
    """

    state: str
    words: str
    status: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLine:
    """One line of the history; `undone_by` is set once it was taken back, `may_undo` where this actor still can.

    `overtaken` says that a later review took it back, and no slip.
    """

    id: int
    at: datetime
    words: str
    sentence: str
    reason: str
    by_name: str
    target_name: str
    undone_at: datetime | None
    undone_by: str
    overtaken: bool
    may_undo: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """That the patient was told: when, by whom ("" where nobody noted it), and what ("" for who reads no chart)."""

    at: datetime
    by_name: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralPage:
    """Everything the page of one referral shows. `moves` are the codes of what this actor may do with it now.

    For an actor who doesn't read the chart (front desk, billing) `reads_chart` is False, and the question, the
    history, the report, the review, what goes along and what the patient was told are "". `may_change` says that it is
    a draft whose words this actor may change. `books_here` says that whom it asks is one of ours, whose visits are
    booked in our own calendar. `told` is what the patient was told, None before; `visit_ahead` that a visit has
    yet to begin, `visit_here` that it is booked here and not arranged with them.
    """

    id: int
    version: int
    patient: RowPatient
    specialty: str
    specialty_code: str
    referrer: str
    target: str
    asked: Target
    target_phone: str
    target_fax: str
    urgency: str
    question: str
    history: str
    coverage: str
    coverage_note: str
    attachments: tuple[str, ...]
    duplicate_reason: str
    state: str
    state_words: str
    state_since: datetime
    state_reason: str
    off_track: bool
    sent_via: str
    visit_at: datetime | None
    report: str
    review: str
    informed_how: str
    told: Told | None
    visit_ahead: bool
    visit_here: bool
    track: tuple[TrackStop, ...]
    steps: tuple[StepLine, ...]
    reads_chart: bool
    moves: tuple[str, ...]
    may_change: bool
    loop: LoopStory | None
    books_here: bool


MOVES: tuple[tuple[str, State, Verb], ...] = (
    ("send", State.SENT, access.SEND),
    ("received", State.RECEIVED, access.FOLLOW),
    ("accepted", State.ACCEPTED, access.FOLLOW),
    ("scheduled", State.SCHEDULED, access.FOLLOW),
    ("seen", State.SEEN, access.FOLLOW),
    ("note", State.NOTE_RECEIVED, access.FILE_NOTE),
    ("review", State.REVIEWED, access.REVIEW),
    ("tell", State.CLOSED, access.TELL),
    ("missed", State.NO_SHOW, access.FOLLOW),
    ("visit-cancelled", State.VISIT_CANCELLED, access.FOLLOW),
    ("reroute", State.SENT, access.SEND),
    ("declined", State.DECLINED, access.FOLLOW),
    ("confirm-cancelled", State.CANCELLED, access.CANCEL),
    ("cancel", State.CANCELLED, access.CANCEL),
)
"""What can be done with a referral, in the order in which a page offers it."""

VERB_OF_MOVE: Mapping[str, Verb] = {code: verb for code, _, verb in MOVES}

VERB_OF: Mapping[str, Verb] = {
    REPORT: access.FILE_NOTE,
    REVIEWED: access.REVIEW,
    TOLD: access.TELL,
    "": access.FOLLOW,
}
"""Who may take a move back: whoever may make it, by the evidence that it gives."""

CLINICAL_STATES = frozenset({State.DRAFT, State.NOTE_RECEIVED, State.REVIEWED, State.CLOSED})
"""The states whose reasons are clinical; those of asking, declining, booking and missing are the desk's."""


def get_referral(actor: Actor, *, referral_id: int, now: datetime) -> Referral:
    """The row itself, for packages above. Refuses Forbidden, and NotFound for what the actor can't see."""
    if not actor.may(access.SEE):
        raise Forbidden
    related = ("patient", "site", "specialty", "referrer", "target_practitioner", "target_organization")
    referral = Referral.objects.select_related(*related).filter(pk=referral_id).first()
    if referral is None or not referral.patient.reachable_by(actor, access.SEE, now=now):
        raise NotFound
    seen(referral.patient_id)
    return referral


def referral_to_book(*, patient: Patient, loop_id: int) -> int | None:
    """The id of the referral whose promise this loop is, while its visit is still to come.

    The patient was fetched for somebody.
    """
    rows = Referral.objects.filter(patient=patient, loop_id=loop_id, state__in=rules.BEFORE_VISIT)
    return rows.values_list("pk", flat=True).first()


def referrals_to_arrange(*, patient: Patient) -> Sequence[Referral]:
    """The patient's referrals whose visit is still to be arranged. The patient was fetched for somebody."""
    states = set(rules.BEFORE_VISIT) - {State.SCHEDULED}
    return tuple(Referral.objects.filter(patient=patient, loop__isnull=False, state__in=states).order_by("pk"))


def referral_page(actor: Actor, *, referral_id: int, now: datetime) -> ReferralPage:
    """One referral with its track, history, and what may follow. Refuses Forbidden, NotFound."""
    referral = get_referral(actor, referral_id=referral_id, now=now)
    state = State(referral.state)
    steps = list(ReferralStep.objects.filter(referral=referral).order_by("id"))
    reads = referral.patient.reachable_by(actor, READ_CHART, now=now)
    last = _may_take_back(actor, steps=steps, referral=referral, now=now)
    attached = referral.attachments.order_by("id").values_list("title", flat=True)
    asked = referral.target_practitioner or referral.target_organization
    return ReferralPage(
        id=referral.pk,
        version=referral.version,
        patient=row_patients([referral.patient])[referral.patient_id],
        specialty=referral.specialty.name,
        specialty_code=referral.specialty_id,
        referrer=referral.referrer.name,
        target=referral.target_name,
        asked=referral.target,
        target_phone=asked.phone if asked else "",
        target_fax=asked.fax if asked else "",
        urgency=referral.urgency,
        question=referral.question if reads else "",
        history=referral.history if reads else "",
        coverage=referral.get_coverage_status_display(),
        coverage_note=referral.coverage_note,
        attachments=tuple(attached) if reads else (),
        duplicate_reason=referral.duplicate_reason if reads else "",
        state=referral.state,
        state_words=rules.WORDS[state],
        state_since=referral.state_since,
        state_reason=referral.state_reason if reads or state not in CLINICAL_STATES else "",
        off_track=state not in rules.TRACK,
        sent_via=referral.get_sent_via_display() if referral.sent_via else "",
        visit_at=referral.visit_at,
        report=referral.report if reads else "",
        review=referral.review if reads else "",
        informed_how=referral.informed_how if reads else "",
        told=_told(referral, reads_chart=reads),
        visit_ahead=visit_is_ahead(referral, now=now),
        visit_here=referral.appointment_id is not None,
        track=_track(state, steps=[step for step in steps if step.undone_at is None]),
        steps=tuple(_line(step, reads_chart=reads, may_undo=step is last) for step in reversed(steps)),
        reads_chart=reads,
        moves=_moves(actor, referral=referral, now=now),
        may_change=reads and state is State.DRAFT and referral.patient.reachable_by(actor, access.REFER, now=now),
        loop=loop_story(actor, loop_id=referral.loop_id, now=now) if referral.loop_id else None,
        books_here=referral.target_practitioner is not None and referral.target_practitioner.site_id is not None,
    )


def told_step(referral: Referral) -> ReferralStep | None:
    """The step that says that the patient was told, as long as it stands; its patient was seen already."""
    steps = ReferralStep.objects.filter(referral=referral, proof=TOLD, undone_at=None)
    return steps.order_by("id").last()


def visit_is_ahead(referral: Referral, *, now: datetime) -> bool:
    """Whether this referral counts on a visit that has yet to begin."""
    return rules.is_visit_ahead(referral.state, visit_at=referral.visit_at, now=now)


def _told(referral: Referral, *, reads_chart: bool) -> Told | None:
    if referral.patient_informed_at is None:
        return None
    step = told_step(referral)
    return Told(
        at=referral.patient_informed_at,
        by_name=step.by_name if step else "",
        how=referral.informed_how if reads_chart else "",
    )


def _may_take_back(
    actor: Actor, *, steps: Sequence[ReferralStep], referral: Referral, now: datetime
) -> ReferralStep | None:
    """The step that this actor may take back now, or None; `steps` are all of them, the earliest first."""
    standing = [step for step in steps if step.undone_at is None]
    if len(standing) > 1 and standing[-1].state == State.CLOSED and not standing[-1].before:
        standing.pop()
    last = standing[-1] if standing else None
    if last is None or not last.before or not actor.may(access.TAKE_BACK):
        return None
    return last if referral.patient.reachable_by(actor, VERB_OF[last.proof], now=now) else None


def undoable_step(actor: Actor, *, referral: Referral, now: datetime) -> int | None:
    """The id of the step that this actor may take back now, or None."""
    steps = list(ReferralStep.objects.filter(referral=referral).order_by("id"))
    found = _may_take_back(actor, steps=steps, referral=referral, now=now)
    return found.pk if found is not None else None


def _track(state: State, *, steps: Sequence[ReferralStep]) -> tuple[TrackStop, ...]:
    """The stops since the referral was last sent: an earlier target's answers are history, not progress."""
    last_sent = max((n for n, step in enumerate(steps) if step.state == State.SENT), default=len(steps))
    entered = {State(step.state): step.at for step in reversed(steps[last_sent:])}
    reached = [stop for stop in rules.TRACK if stop in entered]
    furthest = rules.TRACK.index(reached[-1]) if reached else -1
    return tuple(
        TrackStop(
            state=stop,
            words=rules.WORDS[stop],
            status=_status(stop, state=state, is_entered=stop in entered, is_passed=place <= furthest),
            at=entered.get(stop),
        )
        for place, stop in enumerate(rules.TRACK)
    )


def _status(stop: State, *, state: State, is_entered: bool, is_passed: bool) -> str:
    if stop is state:
        return "here"
    if is_entered:
        return "done"
    return "skipped" if is_passed else "ahead"


def _moves(actor: Actor, *, referral: Referral, now: datetime) -> tuple[str, ...]:
    found = []
    for code, to, verb in MOVES:
        if not actor.may(verb) or not _offered(code, to=to, referral=referral):
            continue
        if referral.patient.reachable_by(actor, verb, now=now):
            found.append(code)
    return tuple(found)


def _offered(code: str, *, to: State, referral: Referral) -> bool:
    state = State(referral.state)
    if code == "send":
        return state is State.DRAFT
    if code == "reroute":
        return state is not State.DRAFT and rules.may_become(state, to=to)
    if code == "confirm-cancelled":
        return state is State.CANCEL_REQUESTED
    if code == "cancel":
        return state is not State.CANCEL_REQUESTED and (
            rules.may_become(state, to=to) or rules.may_become(state, to=State.CANCEL_REQUESTED)
        )
    if code == "tell":
        return rules.may_become(state, to=to) and referral.patient_informed_at is None
    return rules.may_become(state, to=to)


def hides_reason(step: ReferralStep, *, reads_chart: bool) -> bool:
    """Whether the reason of a step is kept from somebody: what was found, what follows, and why it was asked."""
    return not reads_chart and step.state in CLINICAL_STATES


def _line(step: ReferralStep, *, reads_chart: bool, may_undo: bool) -> StepLine:
    return StepLine(
        id=step.pk,
        at=step.at,
        words=rules.WORDS[State(step.state)],
        sentence=step.sentence,
        reason="" if hides_reason(step, reads_chart=reads_chart) else step.reason,
        by_name=step.by_name,
        target_name=step.target_name,
        undone_at=step.undone_at,
        undone_by=step.undone_by_name,
        overtaken=bool(step.undone_because),
        may_undo=may_undo,
    )
