"""What the other side says: they have it, they will, they will not."""

from __future__ import annotations

from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.twice import once
from liaison.orders import access
from liaison.orders.actions.moving import ReferralReasonNeeded, moving
from liaison.orders.events import ReferralAccepted, ReferralDeclined, ReferralReceived
from liaison.orders.models import Referral
from liaison.orders.rules import State


@once
def confirm_received(
    actor: Actor, *, referral_id: int, now: datetime, note: str = "", expected_version: int | None = None
) -> Referral:
    """The target has it; now they must decide. Refuses NotNow and the usual."""
    with moving(
        actor, access.FOLLOW, referral_id=referral_id, to=State.RECEIVED, sentence="{target} has it.", now=now,
        reason=note, expected_version=expected_version,
    ) as move:  # fmt: skip
        move.publish(ReferralReceived)
    return move.referral


@once
def accept_referral(
    actor: Actor, *, referral_id: int, now: datetime, note: str = "", expected_version: int | None = None
) -> Referral:
    """The target will see the patient; now a visit is to be found. Refuses NotNow and the usual."""
    with moving(
        actor, access.FOLLOW, referral_id=referral_id, to=State.ACCEPTED, sentence="{target} accepted.", now=now,
        reason=note, expected_version=expected_version,
    ) as move:  # fmt: skip
        move.publish(ReferralAccepted)
    return move.referral


@once
def decline_referral(
    actor: Actor, *, referral_id: int, reason: str, now: datetime, expected_version: int | None = None
) -> Referral:
    """The target will not see the patient, for a reason.

    The referral stays open: its clock now runs for re-routing it (`reroute_referral`), within a business day or four
    hours for an urgent one, or it is cancelled with a reason. A visit that was arranged with them is forgotten.
    Refuses ReferralReasonNeeded for a decline without a reason (DOMAIN 3.5), NotNow once the patient was seen.
    """
    with moving(
        actor, access.FOLLOW, referral_id=referral_id, to=State.DECLINED, sentence="{target} declined.", now=now,
        reason=reason.strip(), expected_version=expected_version,
    ) as move:  # fmt: skip
        if not reason.strip():
            raise ReferralReasonNeeded
        move.referral.visit_at, move.referral.appointment_id = None, None
        move.publish(ReferralDeclined)
    return move.referral
