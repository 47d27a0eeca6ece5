"""Changing what a referral asks, for as long as it has not left."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from liaison.core.actor import Actor
from liaison.core.refusals import Refusal
from liaison.loops import actions as loops
from liaison.loops.ports import ROUTINE, URGENT
from liaison.orders import access
from liaison.orders.actions.asking import refuse_duplicate
from liaison.orders.actions.moving import Move, clock_of, refuse_changed, title_of, touching, write_step
from liaison.orders.models import Referral, ReferralAttachment
from liaison.orders.ports import ReferralOrder
from liaison.orders.queries import order_of
from liaison.orders.rules import State, what_differs

_OF_THE_PROMISE: Final = frozenset({"specialty", "target", "urgency"})
"""What its loop is called by, and how long it may wait."""


class NoDraft(Refusal):
    """It went out: what the other side has can't be changed under them."""

    code = "orders.no_draft"
    sentence = (
        "This referral has left, so what it asks stays as it was sent. Re-route it to ask somebody else, or cancel it "
        "and refer anew."
    )
    status = 409


def change_draft(
    actor: Actor,
    *,
    referral_id: int,
    order: ReferralOrder,
    now: datetime,
    expected_version: int | None = None,
    duplicate_reason: str = "",
) -> Referral:
    """Say anew what a draft asks, of whom and how fast; its promise is called by that, and an urgent one hurries.

    Who is to send it stays who it was. Its deadline runs from the drafting, or from now for one that becomes urgent.
    Refuses NotFound, Forbidden, NoDraft, ReferralChanged, and DuplicateReferral for another specialty of which the
    patient has an open one, unless `duplicate_reason` says why a second is needed.
    """
    with touching(actor, access.REFER, referral_id=referral_id, now=now, reason=duplicate_reason) as move:
        if move.referral.state != State.DRAFT:
            raise NoDraft
        refuse_changed(move.entry, move.referral, expected_version=expected_version)
        kept = order_of(move.referral)
        differs = what_differs(kept, order)
        if "specialty" in differs and not duplicate_reason.strip():
            refuse_duplicate(move.referral.patient, specialty=order.specialty)
        if differs:
            _write(move, order=order, duplicate_reason=duplicate_reason)
            write_step(move, actor=actor, sentence=f"Changed the draft: {', '.join(differs.values())}.", reason="")
        if _OF_THE_PROMISE & differs.keys():
            _promise_anew(move, actor=actor, became_urgent=order.urgency == URGENT != kept.urgency)
    return move.referral


def _write(move: Move, *, order: ReferralOrder, duplicate_reason: str) -> None:
    referral = move.referral
    referral.referrer_id, referral.specialty_id = order.referrer_id, order.specialty
    referral.target_practitioner_id = order.target.practitioner_id
    referral.target_organization_id = order.target.organization_id
    referral.urgency = order.urgency
    referral.question, referral.history = order.question.strip(), order.history.strip()
    referral.coverage_status, referral.coverage_note = order.coverage_status, order.coverage_note.strip()
    if said := duplicate_reason.strip()[:300]:  # in a person's words now, which no unmerge takes away
        referral.duplicate_reason, referral.duplicate_by_merge = said, False
    referral.save()
    gone = referral.attachments.filter(about_type="").exclude(title__in=order.attachments)
    gone.delete()
    there = set(referral.attachments.values_list("title", flat=True))
    for title in order.attachments:
        if title[:200] not in there:
            ReferralAttachment.objects.create(referral=referral, title=title[:200])
    referral.refresh_from_db()  # with the names of whom it asks now
    move.before = {}  # a change of words is no move: it is changed back, not taken back


def _promise_anew(move: Move, *, actor: Actor, became_urgent: bool) -> None:
    """Call the loop by what is asked now, and let its clock run as long as that may wait."""
    referral = move.referral
    since = move.now if became_urgent else referral.drafted_at
    clock = clock_of(referral, now=since)
    loop_id = referral.loop_id or 0
    loops.advance_loop(
        actor.as_liaison(),
        loop_id=loop_id,
        sentence="The draft was changed.",
        voided_reason="The draft was changed.",
        clocks=[clock] if clock is not None else [],
        title=title_of(referral),
        now=move.now,
    )
    priority = URGENT if referral.urgency == URGENT else ROUTINE
    loops.raise_priority(
        actor.as_liaison(), loop_id=loop_id, priority=priority, reason="The draft was changed.", now=move.now
    )
