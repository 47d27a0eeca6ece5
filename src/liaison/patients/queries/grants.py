"""Emergency access: one's own that is live, and what waits for a privacy officer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from liaison.core.actor import Actor
from liaison.core.audit import seen, seen_so_far
from liaison.core.refusals import Forbidden, NotFound
from liaison.core.shell import Banner
from liaison.patients import access
from liaison.patients.models import BreakGlassGrant, Patient
from liaison.patients.models.access_grants import BreakGlassGrantQuerySet


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRow:
    """One emergency access. `outcome` is empty until it is reviewed."""

    grant_id: int
    patient_id: int
    patient_name: str
    who: str
    reason_code: str
    reason_label: str
    reason: str
    starts_at: datetime
    expires_at: datetime
    review_due_at: datetime
    is_live: bool
    is_late: bool
    own: bool
    outcome: str
    outcome_label: str
    reviewed_by: str
    review_note: str


def my_live_grants(actor: Actor, *, now: datetime) -> Sequence[GrantRow]:
    """The charts that this person has opened in an emergency and still can see, for the banner."""
    if actor.user_id is None:
        return []
    rows = BreakGlassGrant.objects.live(now=now).filter(user_id=actor.user_id).order_by("expires_at")
    return _shown(actor, rows.select_related("patient", "user", "reviewed_by"), now=now)


def own_grant(actor: Actor, *, grant_id: int) -> BreakGlassGrant:
    """An emergency access of this person's own, live or over. Refuses: NotFound."""
    found = BreakGlassGrant.objects.filter(pk=grant_id, user_id=actor.user_id or 0).first()
    if found is None:
        raise NotFound
    return found


def review_queue(actor: Actor, *, now: datetime, reviewed: bool = False, limit: int = 200) -> Sequence[GrantRow]:
    """What waits for a review, the most urgent first; or what was reviewed, the newest first. Refuses: Forbidden.

    A privacy officer of one site meets the access to patients of that site, whoever asked for it.
    """
    rows = _to_show(actor, now=now).select_related("patient", "user", "reviewed_by")
    if reviewed:
        rows = rows.filter(reviewed_at__isnull=False).order_by("-reviewed_at")
    else:
        rows = rows.to_review().order_by("review_due_at", "pk")
    return _shown(actor, rows[:limit], now=now)


def _to_show(actor: Actor, *, now: datetime) -> BreakGlassGrantQuerySet:
    if not actor.may(access.REVIEW_GRANTS):
        raise Forbidden
    within = Patient.objects.visible_to(actor, access.REVIEW_GRANTS, now=now)
    return BreakGlassGrant.objects.filter(patient__in=within)


def _shown(actor: Actor, rows: Iterable[BreakGlassGrant], *, now: datetime) -> Sequence[GrantRow]:
    grants: list[BreakGlassGrant] = list(rows)
    seen(grant.patient_id for grant in grants)
    return [
        GrantRow(
            grant_id=grant.pk,
            patient_id=grant.patient_id,
            patient_name=grant.patient.display_name,
            who=grant.user.name,
            reason_code=grant.reason_code,
            reason_label=grant.get_reason_code_display(),
            reason=grant.reason,
            starts_at=grant.starts_at,
            expires_at=grant.expires_at,
            review_due_at=grant.review_due_at,
            is_live=grant.is_live(now=now),
            is_late=grant.reviewed_at is None and grant.review_due_at < now,
            own=grant.user_id == actor.user_id,
            outcome=grant.outcome,
            outcome_label=grant.get_outcome_display(),
            reviewed_by=grant.reviewed_by.name if grant.reviewed_by else "",
            review_note=grant.review_note,
        )
        for grant in grants
    ]


def glass_banners(actor: Actor, *, now: datetime) -> Sequence[Banner]:
    """The notice on every page of someone who has charts open in an emergency; it names nobody.

    On a page that shows patients of theirs it counts those patients' time, elsewhere what ends first.
    """
    if actor.user_id is None:
        return []
    live = BreakGlassGrant.objects.live(now=now).filter(user_id=actor.user_id).order_by("expires_at")
    ends = dict(live.values_list("patient_id", "expires_at"))
    if not ends:
        return []
    shown = ends.keys() & seen_so_far() or ends.keys()
    minutes = int((min(ends[patient_id] for patient_id in shown) - now).total_seconds() // 60)
    text = _("Emergency access is open for %(hours)d h %(minutes)02d min more. Everything you see is reviewed.")
    return [Banner(kind="glass", text=text % {"hours": minutes // 60, "minutes": minutes % 60})]
