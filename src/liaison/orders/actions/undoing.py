"""Taking back a move that sent nothing outward, for as long as nothing was built on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from django.db.models import Field, QuerySet

from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden, NotFound, Refusal
from liaison.core.written_time import clock_time
from liaison.loops import actions as loops
from liaison.loops.ports import Mistake
from liaison.orders import access
from liaison.orders.actions.moving import Move, touching
from liaison.orders.events import ReferralMoveUndone
from liaison.orders.models import Referral, ReferralStep, TakenBackBy
from liaison.orders.ports import REVIEWED, TOLD
from liaison.orders.queries.page import VERB_OF, told_step
from liaison.orders.rules import State

_NEVER_TOLD: Final[Mapping[str, Any]] = {"patient_informed_at": None, "informed_how": ""}


class BuiltOn(Refusal):
    """Something followed from the move, so it can't be taken out from under it."""

    code = "orders.built_on"
    status = 409


class WentOut(Refusal):
    """The move told somebody outside, or it follows from a visit that was booked here."""

    code = "orders.went_out"
    status = 409


class TakenBackBefore(Refusal):
    """Somebody else was first."""

    code = "orders.taken_back_before"
    status = 409


def undo_move(actor: Actor, *, referral_id: int, step_id: int, now: datetime) -> Referral:
    """Take the latest move of a referral back: it stands where it stood before, and its loop as well.

    The step stays in the history, struck through; evidence that it gave is void and a loop that it closed opens
    again. The same again by the same person changes nothing. Refuses Forbidden, NotFound, WentOut for what a message
    or a fax told somebody outside, BuiltOn when a later step stands on it, TakenBackBefore, and DuplicateReferral
    when the patient has another open one meanwhile.
    """
    seen = ReferralStep.objects.filter(pk=step_id, referral_id=referral_id).first()
    if seen is None:
        raise NotFound
    with touching(actor, access.TAKE_BACK, referral_id=referral_id, now=now) as move:
        if not move.referral.patient.reachable_by(actor, VERB_OF[seen.proof], now=now):
            raise Forbidden
        step = ReferralStep.objects.get(pk=step_id)
        move.entry.note(step=step_id, state=step.state)
        if step.undone_at is not None:
            return _undone_before(actor, step, referral=move.referral)
        with_it = _refuse_unless_last(step, referral=move.referral)
        _put_back(move.referral, before=step.before)
        for each in with_it:
            each.undo(by_id=actor.user_id, by_name=actor.name, now=now)
            each.save()
        loops.void_evidence(actor.as_liaison(), mistake=_mistake(step), loop_id=move.referral.loop_id or 0, now=now)
        if step.proof == REVIEWED:
            _let_telling_stand(actor, move.referral, reviewed_at=step.at, now=now)
        move.publish(ReferralMoveUndone, state=step.state)
    return move.referral


def take_back_telling(actor: Actor, move: Move) -> None:
    """What the patient was told is overtaken by the review that `move` records: they are to be told anew.

    The telling stays in the history, struck through, and its evidence is void; taking back the review lets both stand
    again. A telling of before there was a history to take back has no step of its own.
    """
    referral, sentence = move.referral, "Taken back: The patient was told. The review says what they do not know yet."
    told = told_step(referral)
    if told is not None:
        told.undo(by_id=actor.user_id, by_name=actor.name, now=move.now, because=TakenBackBy.REVIEW)
        told.save()
    _put_back(referral, before=_NEVER_TOLD)
    loops.void_evidence(
        actor.as_liaison(),
        mistake=Mistake(sentence=sentence, kinds=(TOLD,), because=TakenBackBy.REVIEW),
        loop_id=referral.loop_id or 0,
        now=move.now,
    )


def _overtaken(referral: Referral, *, at: datetime) -> QuerySet[ReferralStep]:
    return ReferralStep.objects.filter(referral=referral, undone_because=TakenBackBy.REVIEW, undone_at=at)


def _let_telling_stand(actor: Actor, referral: Referral, *, reviewed_at: datetime, now: datetime) -> None:
    """The telling that a review took back counts again, the review being taken back itself."""
    for told in _overtaken(referral, at=reviewed_at):
        told.stand_again()
        told.save()
    loops.count_evidence_again(
        actor.as_liaison(),
        loop_id=referral.loop_id or 0,
        because=TakenBackBy.REVIEW,
        voided_at=reviewed_at,
        sentence="Counts again: The patient was told.",
        now=now,
    )


def _undone_before(actor: Actor, step: ReferralStep, *, referral: Referral) -> Referral:
    if step.undone_by_id != actor.user_id:
        raise TakenBackBefore(f"{step.undone_by_name} took this back meanwhile. Nothing more is needed.")
    return referral


def _refuse_unless_last(step: ReferralStep, *, referral: Referral) -> Sequence[ReferralStep]:
    """The step and what came with it in the same moment: the end that its evidence brought about."""
    later = list(ReferralStep.objects.filter(referral=referral, undone_at=None, pk__gt=step.pk).order_by("pk"))
    on_it = [one for one in later if (one.state, one.at) != (State.CLOSED, step.at)]
    if on_it:
        at = clock_time(on_it[0].at.astimezone(referral.site.zone))
        said = f'"{step.sentence}" can\'t be taken back any more: {on_it[0].by_name} went on from it'
        raise BuiltOn(f"{said} at {at} ({on_it[0].sentence}) Take that back first, or record what is so now.")
    if not step.before:
        raise WentOut(what_to_do(step, referral=referral))
    return [step, *later]


def what_to_do(step: ReferralStep, *, referral: Referral) -> str:
    """Why a step can't be taken back, and what to do instead."""
    target = step.target_name
    match step.state:
        case State.SENT:
            via = referral.get_sent_via_display().lower()
            return f"This went out to {target} ({via}) and can't be called back. Tell them, then cancel or re-route it."
        case State.CANCEL_REQUESTED:
            return f"{target} was asked to cancel already. Call them, and record what they say."
        case State.SCHEDULED | State.NO_SHOW | State.VISIT_CANCELLED | State.SEEN:
            return "This follows from a visit that was booked here. Change it on the visit; the referral follows."
        case State.DRAFT:
            return "A draft isn't taken back. Cancel it, with the reason."
        case _:
            return "This can't be taken back. Record what is so now, or refer the patient again."


def _put_back(referral: Referral, *, before: Mapping[str, Any]) -> None:
    for name in before:
        column = cast("Field[Any, Any]", Referral._meta.get_field(name))
        setattr(referral, name, column.to_python(before[name]))


def _mistake(step: ReferralStep) -> Mistake:
    """What hangs on it in the loop: its evidence, the clock of its state, and those that ended with the state before.

    That the patient was told moves no clock.
    """
    state = "" if step.proof == TOLD else step.state
    return Mistake(
        sentence=f"Taken back: {step.sentence}",
        kinds=(step.proof,) if step.proof else (),
        events=(f"referral:{step.referral_id}:{state}", f"visit:referral:{step.referral_id}") if state else (),
        at=step.at,
    )
