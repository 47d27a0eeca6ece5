"""Stopping a referral: at once where nobody works on it, else asked for and then confirmed."""

from __future__ import annotations

from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.twice import once
from liaison.loops import actions as loops
from liaison.orders import access
from liaison.orders.actions.moving import ReferralReasonNeeded, moving
from liaison.orders.events import ReferralCancelled, ReferralCancelRequested
from liaison.orders.models import Referral
from liaison.orders.rules import State

WITH_THE_TARGET = frozenset(
    {State.SENT, State.RECEIVED, State.ACCEPTED, State.SCHEDULED, State.NO_SHOW, State.VISIT_CANCELLED}
)


@once
def cancel_referral(
    actor: Actor, *, referral_id: int, reason: str, now: datetime, expected_version: int | None = None
) -> Referral:
    """It is no longer wanted. What the target has is asked to be cancelled and stays open until they confirm; a draft
    is discarded, and its promise ends with the reason.

    Refuses ReferralReasonNeeded, NotNow and the usual.
    """
    state = Referral.objects.filter(pk=referral_id).values_list("state", flat=True).first()
    if state in WITH_THE_TARGET:
        with moving(
            actor, access.CANCEL, referral_id=referral_id, to=State.CANCEL_REQUESTED,
            sentence="{target} was asked to cancel.", now=now, reason=reason.strip(),
            expected_version=expected_version,
        ) as move:  # fmt: skip
            if not reason.strip():
                raise ReferralReasonNeeded
            move.publish(ReferralCancelRequested)
        return move.referral
    sentence = "Draft discarded." if state == State.DRAFT else "Cancelled."
    return _end(
        actor, referral_id=referral_id, sentence=sentence, reason=reason.strip(), now=now,
        expected_version=expected_version,
    )  # fmt: skip


@once
def confirm_cancelled(
    actor: Actor, *, referral_id: int, now: datetime, expected_version: int | None = None
) -> Referral:
    """The target confirmed. Refuses NotNow and the usual."""
    asked = Referral.objects.filter(pk=referral_id).values_list("state_reason", flat=True).first()
    reason = asked or "Cancelled by the target."
    return _end(
        actor, referral_id=referral_id, sentence="Cancelled.", reason=reason, now=now,
        expected_version=expected_version,
    )  # fmt: skip


def _end(
    actor: Actor, *, referral_id: int, sentence: str, reason: str, now: datetime, expected_version: int | None
) -> Referral:
    with moving(
        actor, access.CANCEL, referral_id=referral_id, to=State.CANCELLED, sentence=sentence, now=now,
        reason=reason, expected_version=expected_version,
    ) as move:  # fmt: skip
        if not reason.strip():
            raise ReferralReasonNeeded
        loops.give_up_loop(
            actor.as_liaison(), loop_id=move.referral.loop_id or 0, reason=f"Referral cancelled: {reason}", now=now
        )
        move.publish(ReferralCancelled)
    return move.referral
