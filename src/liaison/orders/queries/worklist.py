"""Referrals by state, in the order of the desk: each stands where its loop would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q
from django.db.models.functions import Coalesce

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.cursors import read_cursor, written_cursor
from liaison.core.refusals import Forbidden
from liaison.loops.queries import Rank, RowPatient, rank, row_patients
from liaison.orders import access, rules
from liaison.orders.models import Referral, ReferralQuerySet
from liaison.orders.rules import State
from liaison.patients.models import Patient


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralRow:
    """One referral in a worklist. `due_at`, `next_step`, `rank` are its loop's; None and "" once it has ended."""

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
    rank: Rank | None
    is_late: bool
    owner_name: str
    zone: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Worklist:
    """One page of referrals, the most urgent first. `next_after` is "" on the last page."""

    rows: tuple[ReferralRow, ...]
    next_after: str
    counts: tuple[tuple[str, str, int], ...]


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
    """Open referrals at the actor's sites (or those in one `state`), in the order in which the desk has their loops.

    One without a loop stands by when it entered its state.

    `late` keeps those whose step is overdue. Only of patients the actor may see. Refuses Forbidden, BadCursor.
    """
    if not actor.may(access.SEE):
        raise Forbidden
    rows = _at_sites(actor, now=now).annotate(rank_at=Coalesce("loop__urgent_at", "state_since"))
    counts = _counts(rows, now=now)
    rows = rows.filter(state=state) if state else rows.open()
    if late:
        rows = rows.filter(loop__state="open", loop__due_at__lt=now)
    if specialty:
        rows = rows.filter(specialty_id=specialty)
    if after:
        at, pk = read_cursor(after)
        rows = rows.filter(Q(rank_at__gt=at) | Q(rank_at=at, pk__gt=pk))
    related = (
        "patient", "site", "specialty", "target_practitioner", "target_organization",
        "loop__owner_user", "loop__owner_team",
    )  # fmt: skip
    page = list(rows.select_related(*related).order_by("rank_at", "pk")[: limit + 1])
    shown = page[:limit]
    last = shown[-1] if len(page) > limit else None
    return Worklist(
        rows=_rows(shown, now=now),
        next_after=written_cursor(last.rank_at, last.pk) if last else "",  # type: ignore[attr-defined]  # annotated
        counts=counts,
    )


def _counts(rows: ReferralQuerySet, *, now: datetime) -> tuple[tuple[str, str, int], ...]:
    """(code, words, count) for "all open", "late" and each state that has any, all in one question."""
    late = Count("pk", filter=Q(loop__state="open", loop__due_at__lt=now))
    by_state = rows.open().order_by().values("state").annotate(number=Count("pk"), late=late)
    numbers, late_ones = Counter[str](), 0
    for found in by_state:
        numbers[found["state"]] = found["number"]
        late_ones += found["late"]
    states = tuple((str(state), rules.WORDS[state], numbers[state]) for state in rules.OPEN if numbers[state])
    return (("", "Open", numbers.total()), ("late", "Late", late_ones), *states)


def _at_sites(actor: Actor, *, now: datetime) -> ReferralQuerySet:
    referrals = Referral.objects.all()
    sites = actor.sites_for(access.SEE)
    if sites is None:
        return referrals
    visible = Patient.objects.visible_to(actor, access.SEE, now=now)
    return referrals.filter(site_id__in=sites, patient__in=visible)


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
        rank=rank(loop.due_at, priority=loop.priority, now=now, zone=referral.site.zone) if loop else None,
        is_late=loop is not None and loop.due_at < now,
        owner_name=owner.name if owner else "",
        zone=referral.site.zone,
    )
