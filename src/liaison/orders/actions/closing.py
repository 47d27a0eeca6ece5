"""The three facts that close a referral: the report came, the referrer reviewed it, the patient was told."""

from __future__ import annotations

from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.refusals import Refusal
from liaison.core.twice import once
from liaison.loops import actions as loops
from liaison.loops.ports import About
from liaison.orders import access, rules
from liaison.orders.actions.moving import Move, NotNow, moving, not_now, touching, visit_words, write_step
from liaison.orders.actions.undoing import take_back_telling
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


class KnowsUnsaid(Refusal):
    """The patient was told before the review; whether they know what it decides is to be said, never guessed."""

    code = "orders.knows_unsaid"
    sentence = "The patient was told before this review. Say whether they know what follows."
    field = "knows"


class VisitAhead(Refusal):
    """A note came while a visit lies ahead; whether it is still needed is to be said, never guessed."""

    code = "orders.visit_ahead"
    field = "still_needed"

    def __init__(self, when: str) -> None:
        super().__init__(f"A visit lies ahead, on {when}. Say whether it is still needed.")


@once
def record_note(
    actor: Actor,
    *,
    referral_id: int,
    report: str,
    now: datetime,
    about: About | None = None,
    still_needed: bool | None = None,
    expected_version: int | None = None,
) -> Referral:
    """The specialist's report came; `report` says what it says, `about` is the document if it was filed.

    The first of the three facts. Now the referrer must review it. While a visit lies ahead, `still_needed` says
    whether it stays; one of ours that does not is cancelled, and the patient told, by who hears of it. Of one that was
    arranged with them a no says that it is called off, and that they and the patient know.
    Refuses SayWhat, VisitAhead, NotNow and the usual.
    """
    with moving(
        actor, access.FILE_NOTE, referral_id=referral_id, to=State.NOTE_RECEIVED,
        sentence="{target}'s note came.", now=now, expected_version=expected_version,
    ) as move:  # fmt: skip
        if not report.strip():
            raise SayWhat("report")
        not_needed = _let_go_of_the_visit(move, still_needed=still_needed)
        move.referral.report, move.referral.report_received_at = report.strip(), now
        _prove(actor, move, kind=REPORT, note=report, about=about)
        move.publish(ReferralNoteReceived, not_needed=not_needed)
    return move.referral


def _let_go_of_the_visit(move: Move, *, still_needed: bool | None) -> int | None:
    """The appointment that lies ahead and is not needed any more; the referral counts on it no longer."""
    referral, before = move.referral, move.before
    booked = before["appointment_id"]
    if not rules.is_visit_ahead(before["state"], visit_at=referral.visit_at, now=move.now):
        return None
    if still_needed is None:
        raise VisitAhead(visit_words(referral))
    move.entry.note(appointment=booked, still_needed=still_needed)
    off = "is called off with them, and the patient knows" if booked is None else "is not needed any more"
    visit = "arranged with them" if booked is None else "booked here"
    move.more = f"The visit {visit} for {visit_words(referral)} {'stays' if still_needed else off}."
    if still_needed:
        return None
    referral.visit_at, referral.appointment_id = None, None
    return None if booked is None else int(booked)


@once
def review_note(
    actor: Actor,
    *,
    referral_id: int,
    review: str,
    now: datetime,
    knows: bool | None = None,
    expected_version: int | None = None,
) -> Referral:
    """The referrer read the note and says what follows. The second fact; now the patient must be told.

    Of a patient who was told already, `knows` says whether what follows is in what they were told: then it closes;
    otherwise they are to be told anew. Refuses SayWhat, KnowsUnsaid, NotNow and the usual.
    """
    with moving(
        actor, access.REVIEW, referral_id=referral_id, to=State.REVIEWED, sentence="The note was reviewed.",
        now=now, reason=review.strip(), expected_version=expected_version,
    ) as move:  # fmt: skip
        if not review.strip():
            raise SayWhat("review")
        told = move.referral.patient_informed_at is not None
        if told and knows is None:
            raise KnowsUnsaid
        anew = told and not knows
        if anew:
            take_back_telling(actor, move)
            move.more = "The patient does not know yet what follows."
        move.entry.note(told_before=told, to_tell_anew=anew)
        move.referral.review, move.referral.referrer_reviewed_at = review.strip(), now
        _prove(actor, move, kind=REVIEWED, note=review)
        move.publish(ReferralReviewed, to_tell_anew=anew)
    return _close_if_complete(actor, referral=move.referral, now=now)


@once
def tell_patient(
    actor: Actor, *, referral_id: int, how: str, now: datetime, expected_version: int | None = None
) -> Referral:
    """The patient or their proxy was told what was found; `how` says by whom and in what words. The third fact.

    Before the note has come there is nothing to tell: NotNow. Refuses SayWhat and the usual.
    """
    with touching(actor, access.TELL, referral_id=referral_id, now=now, expected_version=expected_version) as move:
        if not how.strip():
            raise SayWhat("how")
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
