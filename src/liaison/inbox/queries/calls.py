"""What a person needs on the screen while they call, and where the calls of a loop stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import Forbidden, NotFound
from liaison.inbox import access
from liaison.inbox.kinds import settled_by_talking
from liaison.inbox.models import Call
from liaison.inbox.queries.call_words import CallShown, shown_calls
from liaison.inbox.rules.contact import Outcome, contact_so_far, counts_as_attempt, next_try, separate_attempts
from liaison.inbox.rules.contact import counted_with as counted_attempt
from liaison.inbox.rules.script import Step, in_hours, script_for
from liaison.loops.access import CLINICAL_EVIDENCE
from liaison.loops.models import Clock, Loop, Voided
from liaison.loops.queries import words_of
from liaison.loops.queries.calendars import business_calendar
from liaison.patients.models import Patient
from liaison.patients.queries import Band, band, get_patient

RECENT = 5
A_DAY = timedelta(days=1)


CONTACT: Final = "contact"
"""The evidence of a promise that somebody is spoken with in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaItem:
    """One open promise to this patient: a call may settle it too."""

    loop_id: int
    title: str
    next_step: str
    due_at: datetime
    here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPage:
    """One call as it was logged, and whether this actor may strike it out."""

    call: CallShown
    patient: Patient
    number: str
    minutes: int
    clinical: bool
    loop_id: int | None
    loop_title: str
    zone: str
    may_strike: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSheet:
    """Who they are, how to reach them, what is promised, what was tried, and what to ask.

    `contact_until` is when the time ends in which contact, or two attempts at it, count for the loop's rule; of a call
    about nothing in particular, for that of the first of their loops that waits for contact. `attempts`
    are the latest calls in a row that reached nobody; `separate` says how many of them count, each by itself.
    `next_try_at` is the next try that an earlier call set and that is still ahead.
    `settles` says what a talk can settle of the loop ("The patient has an answer"), "" when it settles nothing.
    """

    patient: Patient
    band: Band
    loop: Loop | None
    loop_title: str
    agenda: Sequence[AgendaItem]
    earlier: Sequence[CallShown]
    attempts: int
    separate: int
    next_try_at: datetime | None
    may_be_clinical: bool
    script: Sequence[Step]
    zone: ZoneInfo
    contact_until: datetime | None
    settles: str = ""

    @property
    def wants_contact(self) -> bool:
        """Whether the loop still waits for a talk about how they are and what they need."""
        return self.loop is not None and self.loop.state == "open" and self.contact_until is not None

    def is_too_late(self, at: datetime) -> bool:
        """Whether a try at this instant no longer counts for the loop's rule."""
        return self.contact_until is not None and at > self.contact_until


def call_sheet(actor: Actor, *, patient_id: int | None, loop_id: int | None, now: datetime) -> CallSheet:
    """Everything for a call from a loop or from a patient. Refuses Forbidden, NotFound."""
    if not actor.may(access.LOG_CALL):
        raise Forbidden
    loop = Loop.objects.filter(pk=loop_id).first() if loop_id is not None else None
    wanted = loop.patient_id if patient_id is None and loop is not None else patient_id
    if wanted is None or (loop_id is not None and loop is None):
        raise NotFound
    patient = get_patient(actor, patient_id=wanted, verb=access.LOG_CALL, now=now)
    if loop is not None and loop.patient_id != patient.pk:
        raise NotFound
    open_loops = Loop.objects.open().filter(patient=patient).order_by("urgent_at", "pk")[:20]
    contact = _contact_clock(loop) if loop else next(filter(None, map(_contact_clock, open_loops)), None)
    settles = settled_by_talk(loop)
    words = words_of(actor, loops=[*open_loops, *([loop] if loop else [])], now=now)
    calls = Call.objects.filter(patient=patient).order_by("-started_at", "-pk")
    tries = calls.counted().filter(loop=loop) if loop else calls.counted()
    return CallSheet(
        patient=patient,
        band=band(actor, patient=patient, now=now),
        loop=loop,
        loop_title=words[loop.pk].title if loop else "",
        agenda=tuple(
            AgendaItem(
                loop_id=one.pk,
                title=words[one.pk].title,
                next_step=words[one.pk].next_step,
                due_at=one.due_at,
                here=loop is not None and one.pk == loop.pk,
            )
            for one in open_loops
        ),
        earlier=tuple(shown_calls(actor, calls[:RECENT], patient=patient, now=now)),
        attempts=_tries(tries),
        separate=_separate(calls.counted(), tries=tries, contact=contact, now=now),
        next_try_at=_next_try_at(loop, now=now),
        may_be_clinical=patient.reachable_by(actor, CLINICAL_EVIDENCE, now=now),
        script=script_for(loop.kind if loop else ""),
        zone=patient.zone,
        contact_until=contact.due_at if contact else None,
        settles=loop.kind_info.evidence_label(settles) if loop is not None and settles else "",
    )


def settled_by_talk(loop: Loop | None) -> str:
    """The evidence that a talk can still be for this open promise; "" when it waits for none."""
    if loop is None or loop.state != "open":
        return ""
    code = settled_by_talking(loop.kind_info)
    return code if code not in loop.evidence_kinds else ""


def _contact_clock(loop: Loop | None) -> Clock | None:
    """The first clock of the loop that asks for contact; None without one, and when the contact stands."""
    if loop is None or CONTACT in loop.evidence_kinds:
        return None
    counted = loop.clocks.filter(evidence=CONTACT).exclude(voided_because=Voided.CORRECTED)
    return counted.order_by("pk").first()


def _separate(calls: QuerySet[Call], *, tries: QuerySet[Call], contact: Clock | None, now: datetime) -> int:
    """How many attempts count: for a loop that waits for contact those inside its time, whatever loop they were
    logged on; else those of the tries in a row."""
    if contact is not None:
        inside = [one.as_attempt for one in calls.filter(started_at__gte=contact.anchor_at)]
        ends_at = contact.due_at + timedelta(seconds=1)
        return contact_so_far(inside, starts_at=contact.anchor_at, ends_at=ends_at, now=now).attempts
    return separate_attempts([one.as_attempt for one in tries[: _tries(tries)]])


def _next_try_at(loop: Loop | None, *, now: datetime) -> datetime | None:
    if loop is None:
        return None
    running = loop.clocks.filter(satisfied_at=None, voided_at=None, due_at__gt=now)
    clock = running.filter(anchor_event__startswith="call:").order_by("due_at", "pk").first()
    return clock.due_at if clock else None


def get_call(actor: Actor, *, call_id: int, now: datetime) -> CallPage:
    """One call as it was logged. Refuses Forbidden, NotFound."""
    call = call_for(actor, call_id=call_id, now=now)
    (shown,) = shown_calls(actor, [call], patient=call.patient, now=now)
    site = call.patient.home_site()
    seen(call.patient_id)
    return CallPage(
        call=shown,
        patient=call.patient,
        number=call.number,
        minutes=call.minutes,
        clinical=call.clinical,
        loop_id=call.loop_id,
        loop_title=words_of(actor, loops=[call.loop], now=now)[call.loop.pk].title if call.loop else "",
        zone=site.time_zone if site else "",
        may_strike=not call.is_struck and may_strike_call(actor, call=call, now=now),
    )


def call_for(actor: Actor, *, call_id: int, now: datetime) -> Call:
    """The row of one call that the actor may see. Refuses Forbidden, NotFound."""
    if not actor.may(access.READ):
        raise Forbidden
    call = Call.objects.select_related("patient", "loop").filter(pk=call_id).first()
    if call is None or not call.patient.reachable_by(actor, now=now):
        raise NotFound
    return call


def may_strike_call(actor: Actor, *, call: Call, now: datetime) -> bool:
    """Whether this is the actor's own call, or the actor may strike out anybody's."""
    own = call.by_id is not None and call.by_id == actor.user_id
    return call.patient.reachable_by(actor, access.STRIKE_CALL if own else access.STRIKE_ANY_CALL, now=now)


def counted_with(call: Call) -> datetime | None:
    """When the earlier attempt was that this call counts as one with; None when it counts, or is no attempt at all."""
    if not counts_as_attempt(call.as_attempt):
        return None
    tries = _tried_before(call.patient_id, at=call.started_at).exclude(pk=call.pk)
    return counted_attempt(call.started_at, tries=_instants(tries))


def _tried_before(patient_id: int, *, at: datetime) -> QuerySet[Call]:
    """The patient's calls of the day before this instant."""
    day = Call.objects.counted().filter(patient_id=patient_id)
    return day.filter(started_at__gt=at - A_DAY, started_at__lte=at)


def _instants(calls: QuerySet[Call]) -> list[datetime]:
    return [one.started_at for one in calls if counts_as_attempt(one.as_attempt)]


def propose_next(*, outcome: str, sheet: CallSheet, now: datetime) -> datetime | None:
    """When to try again after this outcome, inside the site's hours; None when nothing more is needed.

    A try that counts as one with the try before moves the next one no later than that one set it.
    """
    at = next_try(outcome=Outcome(outcome), at=now, tries=sheet.attempts + 1)
    site = sheet.patient.home_site()
    if at is None:
        return None
    calendar = business_calendar(site_id=site.pk if site else None)
    proposed = in_hours(at, zone=sheet.zone, is_business_day=calendar.is_business_day)
    if (
        sheet.next_try_at is None
        or counted_attempt(now, tries=_instants(_tried_before(sheet.patient.pk, at=now))) is None
    ):
        return proposed
    return min(proposed, sheet.next_try_at)


def _tries(calls: QuerySet[Call]) -> int:
    """How many of the latest calls in a row reached nobody."""
    tries = 0
    for outcome in calls.values_list("outcome", flat=True)[:RECENT]:
        if outcome == Outcome.REACHED:
            break
        tries += 1
    return tries
