"""Striking out a call that was entered by mistake: it stays to be read, and what it counted for is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.live import announce
from liaison.core.refusals import Conflict, Refusal
from liaison.core.written_time import day_and_time
from liaison.inbox import access
from liaison.inbox.actions.calls import evidence_of, note_of, still_needs_nurse, to_explain, waits_for_nurse
from liaison.inbox.events import CallStruck
from liaison.inbox.models import Call
from liaison.inbox.models.calls import StruckWhy
from liaison.inbox.ports import proofs_without
from liaison.inbox.queries.calls import call_for, may_strike_call
from liaison.inbox.rules.contact import Outcome, Understood
from liaison.loops.actions import drop_waiting, give_up_loop, void_evidence
from liaison.loops.models import Evidence
from liaison.loops.ports import About, Mistake, Proof
from liaison.patients.actions import mark_contact_good
from liaison.patients.models import ContactPoint


class SayWhatWasWrong(Refusal):
    """A call is struck out for something else, and nobody says what."""

    code = "inbox.say_what_was_wrong"
    sentence = "Say what was wrong with the call: whoever acted on it must understand."
    field = "words"


class NotYourCall(Refusal):
    """Somebody else logged it."""

    code = "inbox.not_your_call"
    sentence = "A colleague logged this call. Ask them or a supervisor to strike it out, or write a note about it."
    status = 403


class CallStruckBefore(Conflict):
    """It was struck out before."""

    code = "inbox.call_struck_before"
    sentence = "This call was struck out meanwhile. Nothing more is needed."


def strike_call(actor: Actor, *, call_id: int, why: StruckWhy, now: datetime, words: str = "") -> Call:
    """Say that a logged call was entered by mistake: it stays, struck through, and counts for nothing.

    On every loop its evidence is void, the steps it set are dropped and the clocks it ended run again; a loop that
    it closed reopens, unless another call proves the same. A number that it marked as wrong may be called again; a
    topic that is not in need of a nurse without it is not explained again. One's own call; a colleague's only with
    the verb for it. The same again by the same person changes nothing. Refuses Forbidden, NotFound, NotYourCall,
    SayWhatWasWrong, CallStruckBefore.
    """
    seen = call_for(actor, call_id=call_id, now=now)
    with act(actor, access.STRIKE_CALL, patient=seen.patient, subject=seen, now=now) as entry:
        call = Call.objects.select_for_update(of=("self",)).select_related("patient").get(pk=seen.pk)
        entry.about(call)
        if not may_strike_call(actor, call=call, now=now):
            raise NotYourCall
        if call.is_struck:
            if (call.struck_by_id, call.struck_why, call.struck_words) != (actor.user_id, why, words.strip()):
                raise CallStruckBefore(_who_struck(call))
            entry.note(repeated=True)
            return call
        if why == StruckWhy.OTHER and not words.strip():
            raise SayWhatWasWrong
        call.strike(by_id=actor.user_id, by_name=actor.name, why=why, words=words.strip(), now=now)
        call.save()
        entry.note(why=why.value)
        _take_back(actor, call, now=now)
        entry.publish(
            CallStruck(at=now, call_id=call.pk, patient_id=call.patient_id, loop_id=call.loop_id, why=why.value)
        )
        announce(topic=f"patient:{call.patient_id}", what="call")
    return call


def sentence_of(call: Call) -> str:
    """What a loop's story says of a call that was struck out."""
    when = day_and_time(call.started_at.astimezone(call.patient.zone))
    return f"The call of {when} was entered by mistake: taken back."


def _take_back(actor: Actor, call: Call, *, now: datetime) -> None:
    mistake = Mistake(
        sentence=sentence_of(call),
        reason=call.struck_reason,
        about=About(type="inbox.call", id=call.pk),
        events=(f"call:{call.pk}",),
    )
    others = (*_other_calls(call), *proofs_without(call_id=call.pk, now=now))
    void_evidence(actor, mistake=mistake, instead=others, now=now)
    for row in call.teach_backs.select_related("call__patient").exclude(understood=Understood.YES):
        if not still_needs_nurse(row):
            for loop in to_explain(row)[1]:
                give_up_loop(actor.as_liaison(), loop_id=loop.pk, reason=mistake.sentence, now=now)
            drop_waiting(actor.as_liaison(), waiting=waits_for_nurse(row), reason=mistake.sentence, now=now)
    if call.outcome == Outcome.WRONG_NUMBER:
        # The point that the call marked has the call's own instant; one marked by anything else stays marked.
        for point in ContactPoint.objects.filter(patient=call.patient, kind="phone", bad_since=call.logged_at):
            mark_contact_good(actor=actor.as_liaison(), patient=call.patient, contact_point_id=point.pk, now=now)


def _other_calls(struck: Call) -> Iterator[Proof]:
    """The latest other call of each loop that closed by the struck one, if it proves the same."""
    rows = Evidence.objects.filter(about_type="inbox.call", about_id=struck.pk, withdrawn_at=None, loop__state="closed")
    for row in rows.select_related("loop").order_by("pk"):
        left = Call.objects.counted().filter(loop=row.loop).order_by("-started_at", "-pk")
        same = (call for call in left if evidence_of(call, loop=row.loop) == row.kind)
        other = next(same, None)
        if other is not None:
            about = About(type="inbox.call", id=other.pk)
            yield Proof(loop_id=row.loop_id, kind=row.kind, note=note_of(other), about=about)


def _who_struck(call: Call) -> str:
    return f"{call.struck_by_name} struck this call out meanwhile: {call.struck_reason}. Nothing more is needed."
