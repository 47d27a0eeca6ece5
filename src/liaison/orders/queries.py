"""Reads of orders: one referral with its track, worklists, a patient's referrals, whom to ask."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.urls import NoReverseMatch, reverse

from liaison.accounts.access import Role
from liaison.accounts.models import Team
from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import Forbidden, NotFound, Refusal
from liaison.core.timeline import TimelineEntry
from liaison.core.verbs import Verb
from liaison.directory.models import Practitioner
from liaison.directory.queries import practitioner_of, referral_targets
from liaison.loops.ports import Owner
from liaison.loops.queries import LoopStory, RowPatient, loop_story, row_patients
from liaison.orders import access, rules
from liaison.orders.models import Referral, ReferralQuerySet, ReferralStep
from liaison.orders.ports import Target
from liaison.orders.rules import State
from liaison.patients.models import CareTeamMember, Patient


class BadCursor(Refusal):
    """The address of a further page was changed by hand."""

    code = "orders.bad_cursor"
    sentence = "This page of the list does not exist. Start again from the top."
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackStop:
    """One stop on the way of a referral: `status` is done, here or ahead; `at` when it was entered."""

    state: str
    words: str
    status: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLine:
    """One line of the history."""

    at: datetime
    words: str
    sentence: str
    reason: str
    by_name: str
    target_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralPage:
    """Everything the page of one referral shows. `moves` are the codes of what this actor may do with it now."""

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
    track: tuple[TrackStop, ...]
    steps: tuple[StepLine, ...]
    moves: tuple[str, ...]
    loop: LoopStory | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralRow:
    """One referral in a worklist. `due_at` and `next_step` are its loop's; None and "" once it has ended."""

    id: int
    patient: RowPatient
    specialty: str
    target: str
    urgency: str
    state: str
    state_words: str
    state_since: datetime
    next_step: str
    due_at: datetime | None
    is_late: bool
    owner_name: str
    zone: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Worklist:
    """One page of referrals, the longest in their state first. `next_after` is "" on the last page."""

    rows: tuple[ReferralRow, ...]
    next_after: str
    counts: tuple[tuple[str, str, int], ...]


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


def get_referral(actor: Actor, *, referral_id: int) -> Referral:
    """The row itself, for packages above. Refuses Forbidden, and NotFound for what the actor can't see."""
    if not actor.may(access.SEE):
        raise Forbidden
    related = ("patient", "site", "specialty", "referrer", "target_practitioner", "target_organization")
    referral = Referral.objects.select_related(*related).filter(pk=referral_id).first()
    if referral is None or not referral.patient.reachable_by(actor, access.SEE):
        raise NotFound
    seen(referral.patient_id)
    return referral


def referral_page(actor: Actor, *, referral_id: int, now: datetime) -> ReferralPage:
    """One referral with its track, history, and what may follow. Refuses Forbidden, NotFound."""
    referral = get_referral(actor, referral_id=referral_id)
    state = State(referral.state)
    steps = list(ReferralStep.objects.filter(referral=referral).order_by("id"))
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
        question=referral.question,
        history=referral.history,
        coverage=referral.get_coverage_status_display(),
        coverage_note=referral.coverage_note,
        attachments=tuple(referral.attachments.order_by("id").values_list("title", flat=True)),
        duplicate_reason=referral.duplicate_reason,
        state=referral.state,
        state_words=rules.WORDS[state],
        state_since=referral.state_since,
        state_reason=referral.state_reason,
        off_track=state not in rules.TRACK,
        sent_via=referral.get_sent_via_display() if referral.sent_via else "",
        visit_at=referral.visit_at,
        report=referral.report,
        review=referral.review,
        informed_how=referral.informed_how,
        track=_track(state, steps=steps),
        steps=tuple(_line(step) for step in reversed(steps)),
        moves=_moves(actor, referral=referral),
        loop=loop_story(actor, loop_id=referral.loop_id, now=now) if referral.loop_id else None,
    )


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
            status="here" if stop is state else "done" if place <= furthest else "ahead",
            at=entered.get(stop),
        )
        for place, stop in enumerate(rules.TRACK)
    )


def _moves(actor: Actor, *, referral: Referral) -> tuple[str, ...]:
    found = []
    for code, to, verb in MOVES:
        if not actor.may(verb) or not _offered(code, to=to, referral=referral):
            continue
        if referral.patient.reachable_by(actor, verb):
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


def _line(step: ReferralStep) -> StepLine:
    return StepLine(
        at=step.at,
        words=rules.WORDS[State(step.state)],
        sentence=step.sentence,
        reason=step.reason,
        by_name=step.by_name,
        target_name=step.target_name,
    )


# --- worklists ------------------------------------------------------------------------------------------------


def worklist(
    actor: Actor,
    *,
    now: datetime,
    state: str = "",
    late: bool = False,
    specialty: str = "",
    after: str = "",
    limit: int = 50,
) -> Worklist:
    """Open referrals at the actor's sites (or those in one `state`), the longest in their state first.

    `late` keeps those whose step is overdue. Only of patients the actor may see. Refuses Forbidden, BadCursor.
    """
    if not actor.may(access.SEE):
        raise Forbidden
    rows = _at_sites(actor, now=now)
    counts = _counts(rows, now=now)
    rows = rows.filter(state=state) if state else rows.open()
    if late:
        rows = rows.filter(loop__state="open", loop__due_at__lt=now)
    if specialty:
        rows = rows.filter(specialty_id=specialty)
    if after:
        at, pk = _parse(after)
        rows = rows.filter(Q(state_since__gt=at) | Q(state_since=at, pk__gt=pk))
    related = (
        "patient", "site", "specialty", "target_practitioner", "target_organization",
        "loop__owner_user", "loop__owner_team",
    )  # fmt: skip
    page = list(rows.select_related(*related).order_by("state_since", "pk")[: limit + 1])
    shown = page[:limit]
    last = shown[-1] if len(page) > limit else None
    return Worklist(
        rows=_rows(shown, now=now),
        next_after=f"{last.state_since.isoformat()}~{last.pk}" if last else "",
        counts=counts,
    )


MOST_COUNTED = 1000


def _counts(rows: ReferralQuerySet, *, now: datetime) -> tuple[tuple[str, str, int], ...]:
    """(code, words, count) for "all open", "late" and each state that has any."""
    late = rows.open().filter(loop__state="open", loop__due_at__lt=now)
    found = [("", "Open", _count(rows.open())), ("late", "Late", _count(late))]
    for state in rules.OPEN:
        count = _count(rows.filter(state=str(state)))
        if count:
            found.append((str(state), rules.WORDS[state], count))
    return tuple(found)


def _count(rows: ReferralQuerySet) -> int:
    return len(rows.order_by().values_list("pk")[:MOST_COUNTED])


def _at_sites(actor: Actor, *, now: datetime) -> ReferralQuerySet:
    referrals = Referral.objects.all()
    sites = actor.sites_for(access.SEE)
    if sites is None:
        return referrals
    visible = Patient.objects.visible_to(actor, access.SEE, now=now)
    return referrals.filter(site_id__in=sites, patient__in=visible)


def referrals_of(actor: Actor, *, patient: Patient, now: datetime, open_only: bool = True) -> tuple[ReferralRow, ...]:
    """A patient's referrals, the latest first. Refuses Forbidden, NotFound."""
    _refuse_unseen(actor, patient=patient)
    related = (
        "patient",
        "site",
        "specialty",
        "target_practitioner",
        "target_organization",
        "loop__owner_user",
        "loop__owner_team",
    )
    rows = Referral.objects.filter(patient=patient).select_related(*related).order_by("-pk")
    return _rows(list(rows.open() if open_only else rows), now=now)


def _rows(referrals: Sequence[Referral], *, now: datetime) -> tuple[ReferralRow, ...]:
    patients = row_patients([referral.patient for referral in referrals])
    seen(set(patients))
    return tuple(_row(referral, patient=patients[referral.patient_id], now=now) for referral in referrals)


def _row(referral: Referral, *, patient: RowPatient, now: datetime) -> ReferralRow:
    loop = referral.loop if referral.loop is not None and referral.loop.state == "open" else None
    owner = (loop.owner_user or loop.owner_team) if loop else None
    return ReferralRow(
        id=referral.pk,
        patient=patient,
        specialty=referral.specialty.name,
        target=referral.target_name,
        urgency=referral.urgency,
        state=referral.state,
        state_words=rules.WORDS[State(referral.state)],
        state_since=referral.state_since,
        next_step=loop.next_step if loop else "",
        due_at=loop.due_at if loop else None,
        is_late=loop is not None and loop.due_at < now,
        owner_name=owner.name if owner else "",
        zone=referral.site.zone,
    )


def timeline(
    actor: Actor,
    *,
    patient: Patient,
    kinds: Collection[str] = (),
    before: datetime | None = None,
    limit: int = 50,
) -> tuple[TimelineEntry, ...]:
    """Every step of a patient's referrals, the newest first. Refuses Forbidden, NotFound."""
    _refuse_unseen(actor, patient=patient)
    if kinds and "referral" not in kinds:
        return ()
    steps = ReferralStep.objects.select_related("referral__specialty").filter(referral__patient=patient)
    if before is not None:
        steps = steps.filter(at__lt=before)
    return tuple(
        TimelineEntry(
            at=step.at,
            kind="referral",
            title=f"Referral to {step.referral.specialty.name.lower()}: {step.sentence}",
            detail=f"{step.reason} ({step.by_name})".strip(),
            url=referral_url(step.referral_id),
            source="orders",
            key=str(step.pk),
        )
        for step in steps.order_by("-at", "-id")[:limit]
    )


def referral_url(referral_id: int) -> str:
    """The address of a referral's page."""
    try:
        return reverse("orders:referral", args=[referral_id])
    except NoReverseMatch:
        return ""


# --- what the form offers -------------------------------------------------------------------------------------


def default_owner(actor: Actor, *, patient: Patient, now: datetime) -> Owner:
    """Who follows a new referral: the patient's coordinator, else the actor if they coordinate, else the site's team.

    A site without a team leaves it with the actor.
    """
    members = CareTeamMember.objects.on(now.date()).filter(patient=patient, role="coordinator", user__is_active=True)
    coordinator = members.order_by("pk").values_list("user_id", flat=True).first()
    if coordinator is not None:
        return Owner(user_id=coordinator)
    if Role.COORDINATOR in actor.roles and actor.user_id is not None:
        return Owner(user_id=actor.user_id)
    team = Team.objects.filter(site__patient_sites__patient=patient).order_by("pk").first()
    return Owner(team_id=team.pk) if team is not None else Owner(user_id=actor.user_id)


def referrer_choices(actor: Actor) -> tuple[tuple[int, str], ...]:
    """Our own clinicians who may be the referrer, the actor first if they are one."""
    own = practitioner_of(actor.user_id) if actor.user_id is not None else None
    ours = Practitioner.objects.active().filter(Q(site__isnull=False) | Q(user__isnull=False)).order_by("name")
    rows = [(one.pk, one.name) for one in ours if own is None or one.pk != own.pk]
    return tuple(([(own.pk, own.name)] if own is not None else []) + rows)


def target_choices(actor: Actor, *, specialty: str) -> tuple[tuple[str, str], ...]:
    """(value, words) of whom a referral to a specialty can ask; `target_from_value` reads the value back."""
    return tuple(
        (
            f"practitioner:{one.practitioner_id}" if one.practitioner_id else f"organization:{one.organization_id}",
            ", ".join(part for part in (one.name, one.where, "ours" if one.ours else "") if part),
        )
        for one in referral_targets(actor, specialty=specialty)
    )


def target_from_value(value: str) -> Target | None:
    """The target that a form named, or None for anything else."""
    kind, _, number = value.partition(":")
    if not number.isdecimal():
        return None
    if kind == "practitioner":
        return Target(practitioner_id=int(number))
    return Target(organization_id=int(number)) if kind == "organization" else None


def _refuse_unseen(actor: Actor, *, patient: Patient) -> None:
    if not actor.may(access.SEE):
        raise Forbidden
    if not patient.reachable_by(actor, access.SEE):
        raise NotFound
    seen(patient.pk)


def _parse(after: str) -> tuple[datetime, int]:
    at, _, pk = after.partition("~")
    try:
        parsed = datetime.fromisoformat(at), int(pk)
    except ValueError as error:
        raise BadCursor from error
    if parsed[0].tzinfo is None:
        raise BadCursor
    return parsed
