"""The three facts that close a referral: the report came, the referrer reviewed it, the patient was told."""

from __future__ import annotations

from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.refusals import Refusal
from liaison.core.twice import once
from liaison.loops import actions as loops
from liaison.loops.ports import About
from liaison.orders import access, rules
from liaison.orders.actions.moving import Move, NotNow, moving, not_now, touching, write_step
from liaison.orders.events import (
    ReferralClosed,
    ReferralNoteReceived,
    ReferralPatientTold,
    ReferralReviewed,
)
from liaison.orders.models import Referral
from liaison.orders.ports import ABOUT, REPORT, REVIEWED, TOLD
from liaison.orders.rules import State


class SayWhat(Refusal):
    """A fact without words proves nothing to whoever reads it later."""

    code = "orders.say_what"
    sentence = "Say it in a few words: this is the proof that closes the referral."

    def __init__(self, field: str) -> None:
        super().__init__(fields={field: self.sentence})


@once
def record_note(
    actor: Actor,
    *,
    referral_id: int,
    report: str,
    now: datetime,
    about: About | None = None,
    expected_version: int | None = None,
) -> Referral:
    """The specialist's report came; `report` says what it says, `about` is the document if it was filed.

    The first of the three facts. Now the referrer must review it. Refuses SayWhat, NotNow and the usual.
    """
    if not report.strip():
        raise SayWhat("report")
    with moving(
        actor, access.FILE_NOTE, referral_id=referral_id, to=State.NOTE_RECEIVED,
        sentence="{target}'s note came.", now=now, expected_version=expected_version,
    ) as move:  # fmt: skip
        move.referral.report, move.referral.report_received_at = report.strip(), now
        _prove(actor, move, kind=REPORT, note=report, about=about)
        move.publish(ReferralNoteReceived)
    return move.referral


@once
def review_note(
    actor: Actor, *, referral_id: int, review: str, now: datetime, expected_version: int | None = None
) -> Referral:
    """The referrer read the note and says what follows. The second fact; now the patient must be told.

    A patient who was told already closes it. Refuses SayWhat, NotNow and the usual.
    """
    if not review.strip():
        raise SayWhat("review")
    with moving(
        actor, access.REVIEW, referral_id=referral_id, to=State.REVIEWED, sentence="The note was reviewed.",
        now=now, reason=review.strip(), expected_version=expected_version,
    ) as move:  # fmt: skip
        move.referral.review, move.referral.referrer_reviewed_at = review.strip(), now
        _prove(actor, move, kind=REVIEWED, note=review)
        move.publish(ReferralReviewed)
    return _close_if_complete(actor, referral=move.referral, now=now)


@once
def tell_patient(
    actor: Actor, *, referral_id: int, how: str, now: datetime, expected_version: int | None = None
) -> Referral:
    """The patient or their proxy was told what was found; `how` says by whom and in what words. The third fact.

    Before the note has come there is nothing to tell: NotNow. Refuses SayWhat and the usual.
    """
    if not how.strip():
        raise SayWhat("how")
    with touching(actor, access.TELL, referral_id=referral_id, now=now, expected_version=expected_version) as move:
        referral = move.referral
        if not rules.may_become(referral.state, to=State.CLOSED):
            raise NotNow(not_now(referral, to=State.CLOSED))
        referral.patient_informed_at, referral.informed_how = now, how.strip()[:500]
        _prove(actor, move, kind=TOLD, note=how)
        write_step(move, actor=actor, sentence="The patient was told.", reason=how)
        move.publish(ReferralPatientTold)
    return _close_if_complete(actor, referral=referral, now=now)


def _prove(actor: Actor, move: Move, *, kind: str, note: str, about: About | None = None) -> None:
    move.proof = kind
    loops.add_evidence(
        actor.as_liaison(),
        loop_id=move.referral.loop_id or 0,
        kind=kind,
        note=note,
        about=about or About(type=ABOUT, id=move.referral.pk),
        now=move.now,
    )


def _close_if_complete(actor: Actor, *, referral: Referral, now: datetime) -> Referral:
    if rules.missing_facts(referral.facts):
        return referral
    with moving(
        actor,
        access.CLOSE,
        referral_id=referral.pk,
        to=State.CLOSED,
        now=now,
        sentence="Closed: all three pieces of evidence are in.",
    ) as move:
        loops.close_loop(actor.as_liaison(), loop_id=referral.loop_id or 0, now=now)
        move.publish(ReferralClosed)
    return move.referral
