"""A draft as it is kept, in the shape in which it was asked."""

from __future__ import annotations

from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden
from liaison.orders import access
from liaison.orders.models import Referral
from liaison.orders.ports import ReferralOrder
from liaison.orders.queries.page import get_referral
from liaison.records.access import READ_CHART


def draft_to_change(actor: Actor, *, draft_id: int, now: datetime) -> Referral:
    """The referral whose words this actor may change, sent or not.

    Refuses NotFound for what they can't see, and Forbidden for who doesn't refer patients here or reads no chart.
    """
    referral = get_referral(actor, referral_id=draft_id, now=now)
    if not all(referral.patient.reachable_by(actor, verb, now=now) for verb in (access.REFER, READ_CHART)):
        raise Forbidden
    return referral


def order_of(referral: Referral) -> ReferralOrder:
    """What a referral asks. Things of the chart that go along are left out: they are no words that somebody typed."""
    typed = referral.attachments.filter(about_type="").order_by("id")
    return ReferralOrder(
        referrer_id=referral.referrer_id,
        specialty=referral.specialty_id,
        target=referral.target,
        urgency=referral.urgency,
        question=referral.question,
        history=referral.history,
        coverage_status=referral.coverage_status,
        coverage_note=referral.coverage_note,
        attachments=tuple(typed.values_list("title", flat=True)),
    )
