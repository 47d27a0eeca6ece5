"""What calls and a word from the clinician mean for a follow-up that runs; its visits are in `visits`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.calendars import FEDERAL, Allowance, Unit, due_after
from liaison.core.names_in_words import among_words
from liaison.core.refusals import NotFound, Refusal, Stale
from liaison.inbox.events import Contact, ContactSoFar, contact_so_far, counts_as_attempt, makes_contact
from liaison.inbox.models import Call
from liaison.loops.actions import add_evidence, restart_clock, satisfy_clock, start_clock, void_clock, void_evidence
from liaison.loops.models import Clock, Evidence, Voided
from liaison.loops.ports import About, ClockToStart, Mistake, Proof
from liaison.loops.queries.calendars import business_calendar
from liaison.pathways.access import SET_COMPLEXITY
from liaison.pathways.kinds import CONTACT, VISIT
from liaison.pathways.models import Enrolment
from liaison.pathways.queries import visit_expected_at
from liaison.pathways.rules.protocol import ClockPlan, Complexity, Protocol, due_at, read_protocol
from liaison.patients.models import Patient

CONTACT_RULE: Final = "tcm.contact"
VISIT_RULE: Final = "tcm.visit"
RECONCILIATION_RULE: Final = "tcm.reconciliation"
KEEP_TRYING_RULE: Final = "tcm.keep_trying"
BOOKING_RULE: Final = "tcm.booking"

SPOKEN_INSIDE: Final = "Spoken with, inside the two business days."
SPOKEN_LATE: Final = "Spoken with, after the two business days."
STRUCK: Final = "A call that this counted was entered by mistake: taken back."
IN_TIME_AFTER_ALL: Final = "A call inside the two business days was logged only now."
_NEXT_BUSINESS_DAY: Final = Allowance(amount=1, unit=Unit.BUSINESS_DAYS)


class NotRunning(Refusal):
    """The follow-up ended."""

    code: ClassVar[str] = "pathways.not_running"
    sentence = "This follow-up has ended; nothing of it can be changed. Look at its loop."


class ComplexityChanged(Stale):
    """Someone else said meanwhile how complex the visit will be."""

    code: ClassVar[str] = "pathways.complexity_changed"
    field: ClassVar[str] = "complexity"

    def __init__(self, *, current: Complexity) -> None:
        super().__init__(
            f"Someone changed this meanwhile: it says {current} now, and the due times follow that. "
            "Save again only if your choice shall stand instead."
        )


def set_complexity(
    actor: Actor, *, enrolment_id: int, complexity: Complexity, seen: Complexity | None, now: datetime
) -> Enrolment:
    """Say how complex the visit will be: high means within 7 days of the discharge, moderate within 14.

    `seen` is what it said when this was chosen, None if that is not known: over anything else nothing is written.
    The clocks of visit and reconciliation are recomputed from the discharge; a booked visit keeps its own day.
    Refuses: Forbidden, NotFound, NotRunning, ComplexityChanged.
    """
    enrolment = visible_enrolment(actor, enrolment_id, now=now)
    with act(actor, SET_COMPLEXITY, patient=enrolment.patient, subject=enrolment, now=now) as entry:
        enrolment = Enrolment.objects.select_for_update().select_related("loop", "protocol").get(pk=enrolment_id)
        if enrolment.voided_at is not None or enrolment.loop.state != "open":
            raise NotRunning
        if enrolment.complexity == complexity:
            return enrolment
        if enrolment.complexity != seen:
            raise ComplexityChanged(current=Complexity(enrolment.complexity))
        enrolment.complexity = complexity
        enrolment.save(update_fields=["complexity"])
        entry.note(complexity=complexity)
        protocol = read_protocol(enrolment.protocol.definition)
        words = f"The visit is expected to be of {complexity} complexity."
        for rule in (VISIT_RULE, RECONCILIATION_RULE):
            plan = protocol.clock(rule)
            running = running_clock(enrolment, rule)
            if running is not None and not (rule == RECONCILIATION_RULE and _has_booked_visit(enrolment)):
                due = due_of(enrolment, plan)
                restart(actor, enrolment, protocol, plan, step=running.step, due=due, reason=words, now=now)
    return enrolment


def note_call(actor: Actor, *, call_id: int, now: datetime) -> None:
    """Read a logged call into the patient's running follow-up, whatever loop it was logged on.

    A clinical talk with patient or caregiver is the contact. Two separate attempts that failed inside the window
    count as the contact too, and a clock to keep trying starts (DOMAIN 2.1: still reportable; keep trying). One
    that failed after the window counts for nothing; what is next from then on is to keep trying.
    """
    call = Call.objects.get(pk=call_id)
    for enrolment in _running_of(call.patient_id):
        inside, ever = contact_of(enrolment, now=now)
        if ever.standing is Contact.CONTACTED:
            _contacted(actor, enrolment, call, late=inside.standing is not Contact.CONTACTED, now=now)
        elif inside.standing is Contact.ATTEMPTS_DOCUMENTED:
            _attempted(actor, enrolment, call, attempts=inside.attempts, now=now)
        elif inside.standing is Contact.MISSED and counts_as_attempt(call.as_attempt):
            _tried_late(actor, enrolment, call, now=now)


def forget_call(actor: Actor, *, call_id: int, now: datetime) -> None:
    """A call was struck out: read again what the calls that are left prove, in follow-ups that ended by them too.

    A contact that rested on this call and another is void when the other alone does not prove it; one that other
    calls prove stands by the latest of those.
    """
    struck = Call.objects.get(pk=call_id)
    enrolments = Enrolment.objects.select_related("loop", "protocol").filter(voided_at=None)
    for enrolment in enrolments.filter(patient_id=struck.patient_id, anchor_at__lte=struck.started_at).order_by("pk"):
        inside, ever = contact_of(enrolment, now=now)
        proved = {ever.standing, inside.standing} & {Contact.CONTACTED, Contact.ATTEMPTS_DOCUMENTED}
        if not proved:
            contact_void(actor, enrolment, sentence=STRUCK, now=now)
        elif CONTACT not in enrolment.loop.evidence_kinds and enrolment.loop.state == "open":
            note_call(actor, call_id=proving(enrolment).pk, now=now)


def contact_without(*, call_id: int, now: datetime) -> tuple[Proof, ...]:
    """On each follow-up that ended with this call, struck out by now, as its contact: the call that proves it still."""
    struck = Call.objects.get(pk=call_id)
    rested = Evidence.objects.filter(kind=CONTACT, about_type="inbox.call", about_id=call_id, withdrawn_at=None)
    enrolments = Enrolment.objects.select_related("loop", "protocol").filter(voided_at=None, loop__state="closed")
    found = []
    for enrolment in enrolments.filter(patient_id=struck.patient_id, loop__in=rested.values("loop")).order_by("pk"):
        inside, ever = contact_of(enrolment, now=now)
        note = still_proven(inside, ever)
        if note:
            about = About(type="inbox.call", id=proving(enrolment).pk)
            found.append(Proof(loop_id=enrolment.loop_id, kind=CONTACT, note=note, about=about))
    return tuple(found)


def still_proven(inside: ContactSoFar, ever: ContactSoFar) -> str:
    """How the calls prove the contact, in words; "" when they do not."""
    if inside.standing is Contact.CONTACTED:
        return SPOKEN_INSIDE
    if ever.standing is Contact.CONTACTED:
        return SPOKEN_LATE
    if inside.standing is Contact.ATTEMPTS_DOCUMENTED:
        return f"{inside.attempts} separate attempts documented inside the two business days."
    return ""


def proving(enrolment: Enrolment) -> Call:
    """The latest call that is the contact, else the latest that was tried."""
    left = list(calls_of(enrolment).order_by("started_at", "pk"))
    talks = [one for one in left if makes_contact(one.as_attempt)]
    return (talks or left)[-1]


def contact_void(
    actor: Actor, enrolment: Enrolment, *, sentence: str, reason: str = "", because: str = "", now: datetime
) -> None:
    """What calls proved of the contact is taken back, and who was to be tried again is called as at first.

    `sentence` and `reason` as in `Mistake`, and so is `because`, a code for another fact than a mistake.
    """
    for row in contact_by_calls(enrolment):
        mistake = Mistake(
            sentence=sentence,
            reason=reason,
            because=because,
            about=About(type=row.about_type, id=row.about_id or 0),
            kinds=(CONTACT,),
        )
        void_evidence(actor, mistake=mistake, loop_id=enrolment.loop_id, now=now)
        if running_clock(enrolment, KEEP_TRYING_RULE) is not None:
            void_clock(actor, loop_id=enrolment.loop_id, rule_id=KEEP_TRYING_RULE, reason=sentence, now=now)


def contact_by_calls(enrolment: Enrolment) -> list[Evidence]:
    """The evidence of the contact that calls gave, in the order in which it was recorded."""
    rows = Evidence.objects.filter(loop_id=enrolment.loop_id, kind=CONTACT, about_type="inbox.call", withdrawn_at=None)
    return list(rows.order_by("pk"))


def calls_of(enrolment: Enrolment) -> QuerySet[Call]:
    """The calls that count since the discharge."""
    return Call.objects.counted().filter(patient_id=enrolment.patient_id, started_at__gte=enrolment.anchor_at)


def contact_of(enrolment: Enrolment, *, now: datetime) -> tuple[ContactSoFar, ContactSoFar]:
    """Where the contact stands inside the two business days, and ever."""
    attempts = [one.as_attempt for one in calls_of(enrolment)]
    window_ends = _contact_due(enrolment) + timedelta(seconds=1)
    inside = contact_so_far(attempts, starts_at=enrolment.anchor_at, ends_at=window_ends, now=now)
    ever = contact_so_far(attempts, starts_at=enrolment.anchor_at, ends_at=now + timedelta(seconds=1), now=now)
    return inside, ever


def _contacted(actor: Actor, enrolment: Enrolment, call: Call, *, late: bool, now: datetime) -> None:
    keep_trying = running_clock(enrolment, KEEP_TRYING_RULE)
    if CONTACT not in enrolment.loop.evidence_kinds or keep_trying is not None:
        if not late:
            _in_time_after_all(actor, enrolment, now=now)
        note = SPOKEN_LATE if late else SPOKEN_INSIDE
        about = About(type="inbox.call", id=call.pk)
        add_evidence(actor, loop_id=enrolment.loop_id, kind=CONTACT, note=note, about=about, now=now)
    if running_clock(enrolment, KEEP_TRYING_RULE) is not None:
        satisfy_clock(actor, loop_id=enrolment.loop_id, rule_id=KEEP_TRYING_RULE, by=f"call:{call.pk}", now=now)
    if VISIT not in enrolment.loop.evidence_kinds and visit_expected_at(enrolment, now=now) is None:
        ask_to_book(actor, enrolment, because_of=f"call:{call.pk}", now=now)


def ask_to_book(actor: Actor, enrolment: Enrolment, *, because_of: str, again: bool = False, now: datetime) -> None:
    """The visit is to be booked by the next business day, and never later than it must take place.

    The day is *ours*: the checklist of DOMAIN 2.1 has it booked the same day, and a talk may end at closing time. Its 7
    or 14 days are for the visit itself: who begins to look on the last of them finds none. `again` after one that was
    lost. Asked already, nothing changes.
    """
    if running_clock(enrolment, BOOKING_RULE) is not None:
        return
    protocol = read_protocol(enrolment.protocol.definition)
    soon, calendar = _next_business_day(enrolment, now=now)
    until = due_of(enrolment, protocol.clock(VISIT_RULE))
    step = "Book the visit after the hospital stay again" if again else "Book the visit after the hospital stay"
    clock = ClockToStart(
        rule_id=BOOKING_RULE,
        rule_version=enrolment.protocol.version,
        step=step,
        anchor_event=because_of,
        anchor_at=now,
        due_at=min(soon, until) if until > now else soon,
        calendar=calendar,
        source="Ours: who was reached after a stay has their visit booked by the next business day",
        evidence="",
    )
    start_clock(actor, loop_id=enrolment.loop_id, clock=clock, now=now)


def ask_to_book_as_before(actor: Actor, enrolment: Enrolment, *, ended_by: str, now: datetime) -> bool:
    """The step to book that this ended last runs again, due when it was; False when it ended by something else, or
    there is none."""
    last = Clock.objects.filter(loop_id=enrolment.loop_id, rule_id=BOOKING_RULE).order_by("pk").last()
    if last is None or last.satisfied_by != ended_by:
        return False
    clock = ClockToStart(
        rule_id=last.rule_id,
        rule_version=last.rule_version,
        step=last.step,
        anchor_event=last.anchor_event,
        anchor_at=last.anchor_at,
        due_at=last.due_at,
        calendar=last.calendar,
        source=last.source,
        evidence="",
    )
    start_clock(actor, loop_id=enrolment.loop_id, clock=clock, now=now)
    return True


def stop_asking_to_book(actor: Actor, enrolment: Enrolment, *, by: str, now: datetime) -> None:
    """A visit is booked, or took place."""
    if running_clock(enrolment, BOOKING_RULE) is not None:
        satisfy_clock(actor, loop_id=enrolment.loop_id, rule_id=BOOKING_RULE, by=by, now=now)


def _attempted(actor: Actor, enrolment: Enrolment, call: Call, *, attempts: int, now: datetime) -> None:
    if CONTACT in enrolment.loop.evidence_kinds:
        return
    _in_time_after_all(actor, enrolment, now=now)
    note = f"{attempts} separate attempts documented inside the two business days. Keep trying."
    about = About(type="inbox.call", id=call.pk)
    add_evidence(actor, loop_id=enrolment.loop_id, kind=CONTACT, note=note, about=about, now=now)
    clock = _keep_trying(enrolment, call, evidence="", now=now)
    start_clock(actor, loop_id=enrolment.loop_id, clock=clock, now=now)


def _in_time_after_all(actor: Actor, enrolment: Enrolment, *, now: datetime) -> None:
    """Calls inside the two business days were logged only after a later try had ended their clock: it counts again."""
    ended = Clock.objects.filter(loop_id=enrolment.loop_id, rule_id=CONTACT_RULE, voided_because=Voided.TOO_LATE).last()
    if ended is not None and running_clock(enrolment, CONTACT_RULE) is None:
        protocol = read_protocol(enrolment.protocol.definition)
        plan, due = protocol.clock(CONTACT_RULE), _contact_due(enrolment)
        restart(actor, enrolment, protocol, plan, step=ended.step, due=due, reason=IN_TIME_AFTER_ALL, now=now)


def _tried_late(actor: Actor, enrolment: Enrolment, call: Call, *, now: datetime) -> None:
    """The two business days are over: their clock is no step any more, the next try is."""
    clock = _keep_trying(enrolment, call, evidence=CONTACT, now=now)
    if running_clock(enrolment, CONTACT_RULE) is not None:
        void_clock(
            actor,
            loop_id=enrolment.loop_id,
            rule_id=CONTACT_RULE,
            reason="The two business days are over without contact. Keep trying.",
            because=Voided.TOO_LATE,
            now=now,
        )
        start_clock(actor, loop_id=enrolment.loop_id, clock=clock, now=now)
    elif running_clock(enrolment, KEEP_TRYING_RULE) is not None:
        restart_clock(actor, loop_id=enrolment.loop_id, clock=clock, reason="Tried again.", now=now)


def _next_business_day(enrolment: Enrolment, *, now: datetime) -> tuple[datetime, str]:
    """Until when a clock of the house runs, and the calendar that it is counted on: our own closed days count."""
    calendar = business_calendar(site_id=enrolment.loop.site_id)
    due = due_after(now, allowance=_NEXT_BUSINESS_DAY, zone=ZoneInfo(enrolment.time_zone), calendar=calendar)
    return due, _NEXT_BUSINESS_DAY.days_off(calendar)


def _keep_trying(enrolment: Enrolment, call: Call, *, evidence: str, now: datetime) -> ClockToStart:
    due, calendar = _next_business_day(enrolment, now=now)
    return ClockToStart(
        rule_id=KEEP_TRYING_RULE,
        rule_version=enrolment.protocol.version,
        step=f"Keep trying to reach {among_words(call.patient.display_name)}",
        anchor_event=f"call:{call.pk}",
        anchor_at=call.started_at,
        due_at=due,
        calendar=calendar,
        source="Ours: who was not reached after a stay is tried again by the next business day",
        evidence=evidence,
        is_call=True,
    )


def visible_enrolment(actor: Actor, enrolment_id: int, *, now: datetime) -> Enrolment:
    """A follow-up of a patient whom the actor sees. Refuses: NotFound."""
    found = Enrolment.objects.filter(pk=enrolment_id, patient__in=Patient.objects.visible_to(actor, now=now)).first()
    if found is None:
        raise NotFound
    return found


def _running_of(patient_id: int) -> list[Enrolment]:
    running = Enrolment.objects.select_related("loop", "protocol").filter(voided_at=None, loop__state="open")
    return list(running.filter(patient_id=patient_id).order_by("pk"))


def running_on(loop_id: int) -> Enrolment | None:
    """The follow-up that keeps this promise and has not ended, if there is one."""
    running = Enrolment.objects.select_related("loop", "protocol").filter(voided_at=None, loop__state="open")
    return running.filter(loop_id=loop_id).first()


def running_clock(enrolment: Enrolment, rule: str) -> Clock | None:
    """The clock of this rule that runs on the follow-up, if one does."""
    running = Clock.objects.filter(loop_id=enrolment.loop_id, rule_id=rule, satisfied_at=None, voided_at=None)
    return running.order_by("pk").last()


def _contact_due(enrolment: Enrolment) -> datetime:
    plan = read_protocol(enrolment.protocol.definition).clock(CONTACT_RULE)
    return due_of(enrolment, plan)


def due_of(enrolment: Enrolment, plan: ClockPlan) -> datetime:
    """When this clock of the follow-up is due."""
    return due_at(
        plan,
        anchor_on=enrolment.anchor_on,
        complexity=Complexity(enrolment.complexity),
        zone=ZoneInfo(enrolment.time_zone),
    )


def _has_booked_visit(enrolment: Enrolment) -> bool:
    """Whether the reconciliation clock was last computed for the day of a visit."""
    clock = running_clock(enrolment, RECONCILIATION_RULE)
    return clock is not None and clock.anchor_event.startswith("visit:")


def restart(
    actor: Actor,
    enrolment: Enrolment,
    protocol: Protocol,
    plan: ClockPlan,
    *,
    step: str,
    due: datetime,
    reason: str,
    now: datetime,
    event: str = "",
) -> None:
    """Run a clock of the follow-up anew; `event` is what it counts from where that is not the stay."""
    clock = clock_of(enrolment, protocol, plan, step=step, due=due, event=event)
    restart_clock(actor, loop_id=enrolment.loop_id, clock=clock, reason=reason, now=now)


def clock_of(
    enrolment: Enrolment, protocol: Protocol, plan: ClockPlan, *, step: str, due: datetime, event: str = ""
) -> ClockToStart:
    """A clock of the follow-up, counted from its stay; `event` is what it counts from where that is another."""
    return ClockToStart(
        rule_id=plan.rule,
        rule_version=protocol.version,
        step=step,
        anchor_event=event or f"encounter:{enrolment.anchor_id}",
        anchor_at=enrolment.anchor_at,
        due_at=due,
        calendar="" if event else plan.allowance(Complexity(enrolment.complexity)).days_off(FEDERAL),
        source=protocol.source,
        evidence=plan.evidence,
        is_call=plan.evidence == CONTACT,
    )
