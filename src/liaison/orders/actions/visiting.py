"""The visit with the specialist: arranged, missed, cancelled, held. Scheduling calls these for its own bookings."""

from __future__ import annotations

from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.refusals import Refusal
from liaison.core.twice import once
from liaison.core.written_time import day_and_time
from liaison.orders import access
from liaison.orders.actions.moving import moving, visit_words
from liaison.orders.events import (
    ReferralScheduled,
    ReferralSeen,
    ReferralVisitCancelled,
    ReferralVisitMissed,
)
from liaison.orders.models import Referral, ReferralStep
from liaison.orders.rules import State, is_before_it_was_sent, is_before_its_visit


class VisitInTheFuture(Refusal):
    """Nobody was seen tomorrow."""

    code = "orders.visit_in_the_future"
    sentence = "A visit that was held lies in the past. If it has yet to come, record it as scheduled."
    field = "seen_at"


class VisitBeforeSent(Refusal):
    """Nobody arranged a visit for what had not been asked."""

    code = "orders.visit_before_sent"
    field = "visit_at"


class SeenBeforeSent(Refusal):
    """Nobody was seen for what had not been asked."""

    code = "orders.seen_before_sent"
    field = "seen_at"


class SeenBeforeTheVisit(Refusal):
    """The visit that is arranged has yet to come; `booked_here` when it is ours, and is cancelled with a yes."""

    code = "orders.seen_before_the_visit"
    field = "seen_earlier"

    def __init__(self, sentence: str, *, booked_here: bool) -> None:
        super().__init__(sentence)
        self.booked_here = booked_here


@once
def mark_scheduled(
    actor: Actor,
    *,
    referral_id: int,
    visit_at: datetime,
    now: datetime,
    appointment_id: int | None = None,
    expected_version: int | None = None,
) -> Referral:
    """A visit has a time; said again, it has another one. `appointment_id` is our own booking's, if it is ours.

    Refuses VisitBeforeSent (one that somebody else arranged, before the referral went to them), NotNow and the usual.
    """
    with moving(
        actor, access.FOLLOW, referral_id=referral_id, to=State.SCHEDULED,
        sentence="A visit with {target} is arranged for {visit}.", now=now, expected_version=expected_version,
    ) as move:  # fmt: skip
        if appointment_id is None:
            _refuse_before_sent(move.referral, visit_at=visit_at)
        move.referral.visit_at, move.referral.appointment_id = visit_at, appointment_id
        move.publish(ReferralScheduled)
    return move.referral


def _refuse_before_sent(referral: Referral, *, visit_at: datetime) -> None:
    sent = _sent_in_words(referral, before=visit_at)
    if sent:
        raise VisitBeforeSent(f"{sent}, so a visit for it can't lie before that. Look at day and hour again.")


def _sent_in_words(referral: Referral, *, before: datetime) -> str:
    """When the referral went to whom it asks now, where that was after this time; "" otherwise."""
    sent = ReferralStep.objects.filter(referral=referral, state=State.SENT, undone_at=None).order_by("id").last()
    if sent is None or not is_before_it_was_sent(before, sent_at=sent.at):
        return ""
    return f"The referral was sent {day_and_time(sent.at.astimezone(referral.site.zone))}"


@once
def mark_visit_missed(
    actor: Actor, *, referral_id: int, now: datetime, reason: str = "", expected_version: int | None = None
) -> Referral:
    """The patient did not come; a new visit is to be found. Refuses NotNow and the usual."""
    with moving(
        actor, access.FOLLOW, referral_id=referral_id, to=State.NO_SHOW,
        sentence="{patient} missed the visit with {target}.", now=now, reason=reason,
        expected_version=expected_version,
    ) as move:  # fmt: skip
        move.publish(ReferralVisitMissed)
    return move.referral


@once
def mark_visit_cancelled(
    actor: Actor, *, referral_id: int, now: datetime, reason: str = "", expected_version: int | None = None
) -> Referral:
    """The visit will not take place; a new one is to be found. Refuses NotNow and the usual."""
    with moving(
        actor, access.FOLLOW, referral_id=referral_id, to=State.VISIT_CANCELLED,
        sentence="The visit with {target} was cancelled.", now=now, reason=reason,
        expected_version=expected_version,
    ) as move:  # fmt: skip
        move.referral.appointment_id = None
        move.publish(ReferralVisitCancelled)
    return move.referral


@once
def mark_seen(
    actor: Actor,
    *,
    referral_id: int,
    seen_at: datetime,
    now: datetime,
    seen_earlier: bool = False,
    expected_version: int | None = None,
) -> Referral:
    """The patient was seen; the note is now awaited, counted from the visit. A visit that we booked for a later day is
    cancelled then, and the patient told, by who hears of it.

    Refuses VisitInTheFuture, SeenBeforeSent, NotNow, and SeenBeforeTheVisit while the visit that is arranged lies on a
    later day, unless somebody says `seen_earlier`.
    """
    with moving(
        actor, access.FOLLOW, referral_id=referral_id, to=State.SEEN,
        sentence="{patient} was seen by {target}, {visit}.", now=now, expected_version=expected_version,
    ) as move:  # fmt: skip
        if seen_at > now:
            raise VisitInTheFuture
        referral = move.referral
        counted = move.before["state"] == State.SCHEDULED
        earlier = counted and is_before_its_visit(seen_at, visit_at=referral.visit_at, zone=referral.site.zone)
        if earlier or not (counted and referral.appointment_id):
            _refuse_seen_before_sent(referral, seen_at=seen_at)
        if earlier and not seen_earlier:
            raise SeenBeforeTheVisit(
                f"The visit is arranged for {visit_words(referral)}. Was the patient seen earlier?",
                booked_here=referral.appointment_id is not None,
            )
        referral.visit_at = seen_at
        move.publish(ReferralSeen, instead_of=referral.appointment_id if earlier else None)
    return move.referral


def _refuse_seen_before_sent(referral: Referral, *, seen_at: datetime) -> None:
    sent = _sent_in_words(referral, before=seen_at)
    if sent:
        raise SeenBeforeSent(f"{sent}, so nobody was seen for it before that. Look at day and hour again.")
