"""Logging a call, and what follows from it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet
from django.db.models.functions import Lower

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.keys import hold_key
from liaison.core.live import announce
from liaison.core.refusals import Forbidden, NotFound, Refusal
from liaison.core.written_time import clock_time
from liaison.inbox import access
from liaison.inbox.actions.keys import KeyReused
from liaison.inbox.events import CallLogged
from liaison.inbox.kinds import TEACH_BACK, settled_by_talking
from liaison.inbox.models import Call, TeachBack
from liaison.inbox.ports import HowItWent, TeachBackItem
from liaison.inbox.queries.calls import counted_with, settled_by_talk
from liaison.inbox.rules.contact import HEARS_CLINICAL, Outcome, Understood, With, needs_nurse
from liaison.loops.access import CLINICAL_EVIDENCE
from liaison.loops.actions import add_evidence, open_or_wait, set_next_step
from liaison.loops.models import Loop, WaitingPromise
from liaison.loops.ports import About, ClockToStart, NextStep, PromiseToKeep
from liaison.loops.queries import owner_for
from liaison.patients.actions import mark_contact_bad
from liaison.patients.models import ContactPoint, Patient
from liaison.patients.queries import band

A_MINUTE: Final = timedelta(minutes=1)
_OUTCOME_WORDS: Final = {
    Outcome.REACHED: "Reached",
    Outcome.LEFT_MESSAGE: "Left a message",
    Outcome.NO_ANSWER: "No answer",
    Outcome.BUSY: "Busy",
    Outcome.WRONG_NUMBER: "Wrong number",
}


class SayWhatWasSaid(Refusal):
    """Someone was reached and nothing was written down."""

    code = "inbox.say_what_was_said"
    sentence = "Write down in a line what was said: it is the proof of the call."
    field = "said"


class SayWho(Refusal):
    """Someone was reached who is neither the patient nor a proxy, and nobody can tell who."""

    code = "inbox.say_who"
    sentence = "Say who it was: a name, or what they are to the patient."
    field = "with_name"


class NotForThem(Refusal):
    """A proxy who may not hear how the patient is was told of it, by this call."""

    code = "inbox.not_for_them"
    sentence = (
        "This person may not hear how the patient is, so this talk is no contact. Log the call without that tick, or "
        "add the right to hear it on the patient’s page first."
    )
    field = "clinical"


class SayWhetherSettled(Refusal):
    """Somebody was reached, and only who talked knows whether it was about what is promised."""

    code = "inbox.say_whether_settled"
    sentence = "Say whether this settles what is promised. A talk about something else leaves it open."
    field = "settled"


class CallInTheFuture(Refusal):
    """The call's time has not come yet."""

    code = "inbox.call_in_the_future"
    sentence = "This call would be in the future. Say when it was."
    field = "started_at"


class NextAttemptPast(Refusal):
    """The next attempt would be in the past."""

    code = "inbox.next_attempt_past"
    sentence = "The next attempt must be later than now."
    field = "next_attempt_at"


class TalkIsForCare(Forbidden):
    """That clinical status and needs were addressed is the word of somebody who cares for the patient."""

    code = "inbox.talk_is_for_care"
    sentence = (
        "How the patient is and what they need is asked by those who care for them: a coordinator, a clinician or a "
        "supervisor. Log this call without that tick."
    )


def log_call(
    actor: Actor,
    *,
    patient: Patient,
    went: HowItWent,
    idempotency_key: str,
    now: datetime,
    loop: Loop | None = None,
    next_attempt_at: datetime | None = None,
) -> Call:
    """Write down a call; the same key again returns the same call and changes nothing.

    On an open loop the call stands as an attempt or as the evidence it is, and `next_attempt_at` becomes the loop's
    next step. A promise that a talk can keep is kept by one of which `details.settled` says so; of any other the
    talk is an attempt. A wrong number is marked as such; a topic not understood twice opens a loop for a nurse.
    Refuses Forbidden, NotFound (no such patient here, or the loop is another's), SayWhatWasSaid, SayWho (somebody
    else was reached and has no name), CallInTheFuture, NextAttemptPast, KeyReused, TalkIsForCare (`clinical` by who
    may not record clinical evidence), NotForThem (`clinical` with a proxy who may not hear it), SayWhetherSettled.
    """
    about, reached = went.details, went.is_reached
    started_at = about.started_at or now
    with act(actor, access.LOG_CALL, patient=patient, now=now) as entry:
        hold_key(idempotency_key)
        known = Call.objects.filter(idempotency_key=idempotency_key).first()
        if known is not None:
            if known.patient_id != patient.pk or not _same(known, went, loop=loop) or not _same_details(known, went):
                raise KeyReused
            entry.about(known)
            entry.note(repeated=True)
            return known
        if went.clinical and not patient.reachable_by(actor, CLINICAL_EVIDENCE, now=now):
            raise TalkIsForCare
        _check(patient, went, loop=loop, started_at=started_at, next_at=next_attempt_at, now=now)
        if reached:
            _check_whom(actor, patient, went, now=now)
        can_settle = reached and went.with_whom != With.OTHER and bool(settled_by_talk(loop))
        if can_settle and about.settled is None:
            raise SayWhetherSettled
        call = Call.objects.create(
            patient=patient,
            loop=loop,
            with_whom=With(went.with_whom),
            with_name=about.with_name.strip(),
            number=about.number,
            direction=about.direction,
            outcome=Outcome(went.outcome),
            said=went.said.strip(),
            clinical=went.clinical and reached,
            settled=about.settled if can_settle else None,
            script_done=list(about.script_done) if reached else [],
            started_at=started_at,
            minutes=about.minutes,
            by_id=actor.user_id,
            by_name=actor.name,
            logged_at=now,
            idempotency_key=idempotency_key,
        )
        entry.about(call)
        entry.note(outcome=call.outcome, clinical=call.clinical)
        TeachBack.objects.bulk_create(_teach_back(call, item) for item in went.teach_backs)
        _follow_up(actor, call, loop=loop, next_at=next_attempt_at, point_id=about.point_id, now=now)
        entry.publish(_fact(call, now=now))
        announce(topic=f"patient:{patient.pk}", what="call")
    return call


def _same(call: Call, went: HowItWent, *, loop: Loop | None) -> bool:
    """Whether this form logged just this before; what was typed over it since is no repetition and must not be lost."""
    kept = (call.loop_id, call.outcome, call.said, call.clinical, call.with_whom)
    clinical = went.clinical and went.is_reached
    sent = (Outcome(went.outcome), went.said.strip(), clinical, With(went.with_whom))
    return kept == (loop.pk if loop else None, *sent)


def _same_details(call: Call, went: HowItWent) -> bool:
    about = went.details
    steps = list(about.script_done) if went.is_reached else []
    kept = (call.with_name, call.number, call.direction, call.minutes, call.script_done)
    items = [_teach_back(call, item) for item in went.teach_backs]
    return (
        kept == (about.with_name.strip(), about.number, about.direction, about.minutes, steps)
        and about.started_at in {None, call.started_at}
        and call.settled in {None, about.settled}
        and [_words(one) for one in call.teach_backs.order_by("pk")] == [_words(one) for one in items]
    )


def _words(item: TeachBack) -> tuple[str, str, str, bool]:
    return (item.topic, item.patient_words, item.understood, item.retaught)


def _check(
    patient: Patient,
    went: HowItWent,
    *,
    loop: Loop | None,
    started_at: datetime,
    next_at: datetime | None,
    now: datetime,
) -> None:
    if loop is not None and loop.patient_id != patient.pk:
        raise NotFound
    if went.is_reached and not went.said.strip():
        raise SayWhatWasSaid
    if started_at > now + A_MINUTE:  # the person's clock may be a little ahead of ours
        raise CallInTheFuture
    if next_at is not None and next_at <= now:
        raise NextAttemptPast


def _check_whom(actor: Actor, patient: Patient, went: HowItWent, *, now: datetime) -> None:
    if went.with_whom == With.OTHER and not went.details.with_name.strip():
        raise SayWho
    if went.with_whom == With.PROXY and went.clinical:
        proxies = {one.id: one for one in band(actor, patient=patient, now=now).proxies}
        proxy_id = went.details.proxy_id
        proxy = proxies.get(proxy_id) if proxy_id is not None else None
        if proxy is None or HEARS_CLINICAL not in proxy.scope:
            raise NotForThem


def _fact(call: Call, *, now: datetime) -> CallLogged:
    return CallLogged(
        at=call.started_at,
        call_id=call.pk,
        patient_id=call.patient_id,
        loop_id=call.loop_id,
        outcome=call.outcome,
        with_whom=call.with_whom,
        clinical=call.clinical,
        logged_at=now,
    )


def _teach_back(call: Call, item: TeachBackItem) -> TeachBack:
    return TeachBack(
        call=call,
        topic=item.topic.strip(),
        patient_words=item.patient_words.strip(),
        understood=item.understood,
        retaught=item.retaught,
    )


def _follow_up(
    actor: Actor, call: Call, *, loop: Loop | None, next_at: datetime | None, point_id: int | None, now: datetime
) -> None:
    if call.outcome == Outcome.WRONG_NUMBER and point_id is not None:
        _mark_wrong(actor, call, point_id=point_id, now=now)
    _ask_a_nurse(actor, call, now=now)
    if loop is None:
        return
    current = Loop.objects.get(pk=loop.pk)
    if current.state != "open":
        return
    evidence = evidence_of(call, loop=current)
    if next_at is not None:
        words, event = f"Call {call.patient.goes_by} again", f"call:{call.pk}"
        step = NextStep(words=words, due_at=next_at, is_call=True, because_of=event)
        set_next_step(actor, loop_id=loop.pk, step=step, now=now)
    if evidence:
        note = note_of(call) + _joined(call, loop=current)
        add_evidence(
            actor, loop_id=loop.pk, kind=evidence, note=note, about=About(type="inbox.call", id=call.pk), now=now
        )


def _joined(call: Call, *, loop: Loop) -> str:
    """What the story adds about an attempt that does not count by itself."""
    earlier = counted_with(call)
    if earlier is None:
        return ""
    return f" Counts as the same attempt as {clock_time(earlier.astimezone(loop.site.zone))}: try again later."


def note_of(call: Call) -> str:
    """What the evidence says that a call is. Everybody reads it; the words of a clinical call are for those who read
    clinical notes."""
    said = "What was said stands with the call." if call.clinical else call.said
    return f"{_OUTCOME_WORDS[Outcome(call.outcome)]}. {said}".strip()


def evidence_of(call: Call, *, loop: Loop) -> str:
    """The code of evidence that this call is for the loop, or "" when its kind knows none."""
    accepted = loop.kind_info.accepted_evidence
    talked = call.outcome == Outcome.REACHED and call.with_whom != With.OTHER
    if not talked:
        return "attempt" if "attempt" in accepted else ""
    if call.settled is False:
        return "attempt" if "attempt" in accepted else ""
    return settled_by_talking(loop.kind_info)


def _mark_wrong(actor: Actor, call: Call, *, point_id: int, now: datetime) -> None:
    if ContactPoint.objects.filter(patient_id=call.patient_id, pk=point_id, bad_since=None).exists():
        mark_contact_bad(
            actor=actor.as_liaison(), patient=call.patient, contact_point_id=point_id, reason="Wrong number", now=now
        )


def still_needs_nurse(row: TeachBack) -> bool:
    """Whether the calls that count say that this topic was understood only partly or not at all twice."""
    same = TeachBack.objects.filter(call__patient_id=row.call.patient_id, call__struck_at=None)
    said = same.annotate(folded=Lower("topic")).filter(folded=row.topic.lower())
    return needs_nurse([Understood(one) for one in said.values_list("understood", flat=True)])


def to_explain(row: TeachBack) -> tuple[str, QuerySet[Loop]]:
    """The title of the loop that has this topic explained again, and those that are open."""
    patient = row.call.patient
    title = f"Explain to {patient.goes_by} again: {row.topic}"
    return title, Loop.objects.open().filter(patient=patient, kind=TEACH_BACK.code, title__iexact=title)


def waits_for_nurse(row: TeachBack) -> QuerySet[WaitingPromise]:
    """The promises to explain this topic again that nobody could own so far."""
    waiting = WaitingPromise.objects.waiting().filter(patient=row.call.patient, kind=TEACH_BACK.code)
    return waiting.filter(title__iexact=to_explain(row)[0])


def _ask_a_nurse(actor: Actor, call: Call, *, now: datetime) -> None:
    """A topic that this patient understood only partly or not at all twice needs a nurse (DOMAIN 8.2)."""
    site = call.patient.home_site()
    owner = owner_for(call.patient, site=site, now=now) if site else None
    for row in call.teach_backs.exclude(understood=Understood.YES):
        title, open_ones = to_explain(row)
        if not still_needs_nurse(row) or open_ones.exists() or waits_for_nurse(row).exists():
            continue
        clock = ClockToStart(
            rule_id="teach-back",
            rule_version="1",
            source="Not understood twice: a nurse explains it",
            step=f"Nurse: explain {row.topic} to {call.patient.goes_by}",
            anchor_event=f"call:{call.pk}",
            anchor_at=now,
            due_at=now + timedelta(days=1),
            evidence="understood",
        )
        promise = PromiseToKeep(
            kind=TEACH_BACK.code,
            title=title,
            about=About(type="inbox.call", id=call.pk),
            once_key=f"teach-back:{row.pk}",
            clocks=(clock,),
        )
        open_or_wait(actor, promise=promise, patient=call.patient, site=site, owner=owner, now=now)
