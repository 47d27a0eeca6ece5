"""The end of a stay was corrected: what hangs on it is counted anew, and what was counted before is kept (DOMAIN 0)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import F, OuterRef, Subquery

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.written_time import day_and_time, near_day
from liaison.loops.actions import reckon_loop, restate_evidence, void_clock, void_evidence
from liaison.loops.models import Clock, Evidence, Voided
from liaison.loops.models import State as LoopState
from liaison.loops.ports import About, ClockToStart, Mistake, Proof
from liaison.pathways.access import EVALUATE
from liaison.pathways.actions.following import (
    CONTACT_RULE,
    KEEP_TRYING_RULE,
    RECONCILIATION_RULE,
    VISIT_RULE,
    ask_to_book,
    ask_to_book_as_before,
    calls_of,
    clock_of,
    contact_by_calls,
    contact_of,
    contact_void,
    due_of,
    note_call,
    proving,
    running_clock,
    still_proven,
    stop_asking_to_book,
)
from liaison.pathways.actions.visits import (
    ELSEWHERE,
    count_visit,
    first_expected,
    first_that_can,
    proof_of_ours,
    step_of,
    words_of,
)
from liaison.pathways.kinds import CONTACT, RECONCILIATION, VISIT
from liaison.pathways.models import Enrolment
from liaison.pathways.queries import visit_seen_at
from liaison.pathways.queries.candidates import Candidate
from liaison.pathways.rules.criteria import Criteria
from liaison.pathways.rules.protocol import Protocol, read_protocol, reconcile_by
from liaison.pathways.rules.transition import visit_standing
from liaison.patients.models import Patient
from liaison.records.models import Fact
from liaison.scheduling.models import Appointment
from liaison.scheduling.ports import State

CORRECTED: Final = "stay_corrected"
"""The code of what took evidence back that a corrected stay overtook."""

_COUNTED: Final = "All is counted from there."
_STILL_KEPT: Final = "It was kept, and what proved it still does."
_OVER: Final = "It was kept and its time is over: nothing is counted anew. Look whether what proved it still does."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Was:
    """How a follow-up stood before: since when they were home, what calls proved, which visit was expected."""

    home_on: date
    contact: str
    expected: Appointment | None


def moved_ends(code: str, criteria: Criteria, *, now: datetime, patient_ids: Sequence[int] | None) -> list[Enrolment]:
    """The follow-ups, open or kept, whose stay of the same patient ended at another time than they count from."""
    stays = Fact.objects.filter(resource=OuterRef("anchor"), patient=OuterRef("patient"), kind=criteria.anchor.kind)
    ends = stays.filter(ends_at__lte=now).order_by("pk").values("ends_at")[:1]
    rows = Enrolment.objects.filter(
        protocol__code=code, voided_at=None, loop__state__in=(LoopState.OPEN, LoopState.CLOSED)
    )
    if patient_ids is not None:
        rows = rows.filter(patient_id__in=patient_ids)
    rows = rows.annotate(ended_at=Subquery(ends)).exclude(ended_at=None).exclude(ended_at=F("anchor_at"))
    return list(rows.select_related("loop", "patient", "protocol").order_by("patient_id", "pk"))


def reckon_anew(actor: Actor, *, enrolment_id: int, stay: Candidate, now: datetime) -> bool:
    """Count a follow-up from the corrected end of its stay; whether that is another day (else only the hour is).

    Its clocks run again from there, the old ones are kept as void; complexity, owner and steps set by hand stay. Calls,
    visits and medicines count by the corrected end: what is not proven any more opens a follow-up again that was
    kept, unless the stay fits no more (`stay.failed`): then its story says so, and a person looks.
    """
    patient_id = Enrolment.objects.values_list("patient_id", flat=True).get(pk=enrolment_id)
    with act(actor, EVALUATE, patient=Patient.objects.get(pk=patient_id), now=now) as entry:
        rows = Enrolment.objects.select_for_update(of=("self",)).select_related("loop", "patient", "protocol")
        enrolment = rows.get(pk=enrolment_id)
        entry.about(enrolment)
        if enrolment.voided_at is not None or enrolment.anchor_at == stay.ends_at:
            return False
        was = _Was(
            home_on=enrolment.anchor_on,
            contact=still_proven(*contact_of(enrolment, now=now)),
            expected=first_expected(enrolment, but_id=0, now=now),
        )
        enrolment.anchor_at, enrolment.anchor_on, enrolment.time_zone = stay.ends_at, stay.ended_on, stay.time_zone
        enrolment.save(update_fields=["anchor_at", "anchor_on", "time_zone"])
        moved = enrolment.anchor_on != was.home_on
        entry.note(another_day=moved)
        why = _why(enrolment, was=was, now=now)
        read = enrolment.loop.state == LoopState.OPEN or stay.failed is None
        if read:
            _read_proofs_again(actor, enrolment, was=was, why=why, now=now)
        if moved:
            _count_from_there(actor, enrolment, was=was, read=read, why=why, now=now)
        if enrolment.loop.state == LoopState.OPEN:
            _read_what_counts_now(actor, enrolment, was=was, now=now)
    return moved


def _why(enrolment: Enrolment, *, was: _Was, now: datetime) -> str:
    """The correction in a sentence."""
    if enrolment.anchor_on == was.home_on:
        local = enrolment.anchor_at.astimezone(ZoneInfo(enrolment.time_zone))
        return f"The end of the stay was corrected to {day_and_time(local)}."
    days = [near_day(on, year=now.year) for on in (enrolment.anchor_on, was.home_on)]
    return f"The end of the stay was corrected: home since {days[0]}, not {days[1]}."


def _read_proofs_again(actor: Actor, enrolment: Enrolment, *, was: _Was, why: str, now: datetime) -> None:
    """What proved it counts by the corrected end, or counts no more."""
    _contact_again(actor, enrolment, was=was, why=why, now=now)
    _visit_again(actor, enrolment, was=was, why=why, now=now)
    _medicines_again(actor, enrolment, why=why, now=now)
    enrolment.loop.refresh_from_db()


def _contact_again(actor: Actor, enrolment: Enrolment, *, was: _Was, why: str, now: datetime) -> None:
    rows = contact_by_calls(enrolment)
    words = still_proven(*contact_of(enrolment, now=now))
    counted = set(calls_of(enrolment).values_list("pk", flat=True))
    before_it = [row for row in rows if row.about_id not in counted]
    if words and before_it and enrolment.loop.state == LoopState.CLOSED:
        call = About(type="inbox.call", id=proving(enrolment).pk)
        proof = Proof(loop_id=enrolment.loop_id, kind=CONTACT, note=words, about=call)
        for row in before_it:
            void = Mistake(
                sentence="A call before the discharge counts no more.",
                reason=why,
                because=CORRECTED,
                about=About(type=row.about_type, id=row.about_id or 0),
                kinds=(CONTACT,),
            )
            void_evidence(actor, mistake=void, instead=(proof,), loop_id=enrolment.loop_id, now=now)
    elif before_it or not words:
        sentence = "The calls do not prove the contact any more."
        contact_void(actor, enrolment, sentence=sentence, reason=why, because=CORRECTED, now=now)
    elif rows and words != was.contact:
        restate_evidence(actor, evidence_id=rows[-1].pk, note=words, reason=why, now=now)


def _visit_again(actor: Actor, enrolment: Enrolment, *, was: _Was, why: str, now: datetime) -> None:
    row = Evidence.objects.filter(loop_id=enrolment.loop_id, kind=VISIT, withdrawn_at=None).order_by("pk").first()
    seen_at = visit_seen_at(enrolment)
    if row is None or seen_at is None:
        return
    zone = ZoneInfo(enrolment.time_zone)
    before, after = (visit_standing(seen_at, discharged_on=on, zone=zone) for on in (was.home_on, enrolment.anchor_on))
    if after is None:
        void = Mistake(
            sentence="The visit was not after the day of the discharge: it counts no more.",
            reason=why,
            because=CORRECTED,
            kinds=(VISIT,),
            at=row.at,
        )
        instead = proof_of_ours(enrolment)
        void_evidence(actor, mistake=void, instead=instead, loop_id=enrolment.loop_id, now=now)
    elif after != before:
        note = f"{row.note.removesuffix(words_of(before))}{words_of(after)}"
        restate_evidence(actor, evidence_id=row.pk, note=note, reason=why, now=now)


def _medicines_again(actor: Actor, enrolment: Enrolment, *, why: str, now: datetime) -> None:
    """Gone through before the patient was home, they are to be gone through again."""
    zone = ZoneInfo(enrolment.time_zone)
    rows = Evidence.objects.filter(loop_id=enrolment.loop_id, kind=RECONCILIATION, withdrawn_at=None)
    for row in rows.exclude(happened_at=None).order_by("pk"):
        if row.happened_at is not None and row.happened_at.astimezone(zone).date() < enrolment.anchor_on:
            void = Mistake(
                sentence="The medicines were gone through before the discharge: that counts no more.",
                reason=why,
                because=CORRECTED,
                kinds=(RECONCILIATION,),
                at=row.at,
            )
            void_evidence(actor, mistake=void, loop_id=enrolment.loop_id, now=now)


def _count_from_there(actor: Actor, enrolment: Enrolment, *, was: _Was, read: bool, why: str, now: datetime) -> None:
    """The loop by its new name, its clocks from the corrected day, and one line of the story that says so."""
    protocol, is_open = read_protocol(enrolment.protocol.definition), enrolment.loop.state == LoopState.OPEN
    then = _COUNTED if is_open else _STILL_KEPT if read else _OVER
    reckon_loop(
        actor,
        loop_id=enrolment.loop_id,
        sentence=f"{why} {then}",
        clocks=_clocks(enrolment, protocol, was=was, now=now) if is_open else (),
        title=protocol.opens.title.format(day=near_day(enrolment.anchor_on, year=now.year)),
        now=now,
    )
    if running_clock(enrolment, CONTACT_RULE) and running_clock(enrolment, KEEP_TRYING_RULE):
        again = "The two business days are not over by the corrected end of the stay."
        void_clock(actor, loop_id=enrolment.loop_id, rule_id=KEEP_TRYING_RULE, reason=again, now=now)
    enrolment.loop.refresh_from_db()


def _clocks(enrolment: Enrolment, protocol: Protocol, *, was: _Was, now: datetime) -> list[ClockToStart]:
    """The clocks of the protocol that run, or run again, by the corrected day."""
    expected = first_expected(enrolment, but_id=0, now=now)
    found = []
    for plan in protocol.opens.clocks:
        due, event, step = due_of(enrolment, plan), "", plan.step.format(name=enrolment.patient.display_name)
        running = running_clock(enrolment, plan.rule)
        if running is None and not (plan.rule == CONTACT_RULE and due > now and _given_up_trying(enrolment)):
            continue
        if plan.rule == VISIT_RULE and expected is not None:
            step = step_of(expected, enrolment)
        elif plan.rule == VISIT_RULE and running is not None and was.expected is None:
            step = running.step
        elif plan.rule == RECONCILIATION_RULE and (visit_on := _visit_on(enrolment, expected)):
            event, zone = f"visit:{visit_on}", ZoneInfo(enrolment.time_zone)
            due = reconcile_by(anchor_on=enrolment.anchor_on, visit_on=visit_on, otherwise=due, zone=zone)
        found.append(clock_of(enrolment, protocol, plan, step=step, due=due, event=event))
    return found


def _given_up_trying(enrolment: Enrolment) -> bool:
    """Whether the two business days were over without contact, by the end that was corrected."""
    ended = Clock.objects.filter(loop_id=enrolment.loop_id, rule_id=CONTACT_RULE).order_by("pk").last()
    return ended is not None and ended.voided_because == Voided.TOO_LATE and CONTACT not in _proven(enrolment)


def _visit_on(enrolment: Enrolment, expected: Appointment | None) -> date | None:
    at = visit_seen_at(enrolment) or (expected.start_at if expected is not None else None)
    return at.astimezone(ZoneInfo(enrolment.time_zone)).date() if at is not None else None


def _read_what_counts_now(actor: Actor, enrolment: Enrolment, *, was: _Was, now: datetime) -> None:
    """Calls and visits that did not count by the other end, and do by the corrected one; and what is to be booked."""
    calls = calls_of(enrolment)
    if CONTACT not in _proven(enrolment) and calls.exists():
        proven = still_proven(*contact_of(enrolment, now=now))
        if proven or running_clock(enrolment, CONTACT_RULE) is not None:
            note_call(actor, call_id=proving(enrolment).pk, now=now)
    if VISIT in _proven(enrolment):
        return
    seen = first_that_can(enrolment, Appointment.objects.filter(state=State.FULFILLED))
    expected = first_expected(enrolment, but_id=0, now=now)
    if seen is not None:
        count_visit(actor, enrolment, seen, now=now)
    elif expected is not None:
        stop_asking_to_book(actor, enrolment, by=f"appointment:{expected.pk}", now=now)
    elif was.expected is not None:
        ask_to_book(actor, enrolment, because_of=f"appointment:{was.expected.pk}", again=True, now=now)
    elif CONTACT in _proven(enrolment) and not ask_to_book_as_before(actor, enrolment, ended_by=ELSEWHERE, now=now):
        ask_to_book(actor, enrolment, because_of=f"loop:{enrolment.loop_id}", now=now)


def _proven(enrolment: Enrolment) -> Sequence[str]:
    """The kinds of evidence that stand, as of now."""
    enrolment.loop.refresh_from_db(fields=["evidence_kinds"])
    return enrolment.loop.evidence_kinds
