"""What chance alone would leave out: mail that never arrived or was answered, advice not understood, patients who wait
for an earlier time, rooms that close over a visit, promises kept and given up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from liaison.core.actor import Actor, system_actor
from liaison.demo.anew import plan_a_day_anew
from liaison.demo.charts import Chart
from liaison.demo.invited import answer_invitations, invite_more
from liaison.demo.kept import keep_times
from liaison.demo.office import Office
from liaison.demo.staff import Staffed
from liaison.demo.together import come_several_times
from liaison.demo.weekly import SERIES, come_every_week
from liaison.inbox.actions import claim_message, log_call, queue_message, receive_mail, settle
from liaison.inbox.models import Message
from liaison.inbox.ports import (
    CallDetails,
    HowItWent,
    MessageToSend,
    PermanentFailure,
    Result,
    TeachBackItem,
    Understood,
)
from liaison.inbox.queries import checked_mail
from liaison.loops import actions as loops
from liaison.loops.models import Loop, State
from liaison.loops.ports import LoopKind, registered_kinds
from liaison.patients.models import ContactKind, Patient
from liaison.scheduling import actions as scheduling
from liaison.scheduling.models import Appointment
from liaison.scheduling.ports import CancelReason, Span
from liaison.scheduling.ports import State as VisitState

OF_EACH: Final = 3
NO_SUCH_BOX: Final = PermanentFailure(reply="recipient: 550 5.1.1 No such mailbox", bad_address=True)
_CALL_US: Final = "Please call us about your next visit."
_BRING_LIST: Final = "Please bring the list of your tablets to your next visit."
_ANSWERS: Final = ("May my daughter come along?", "I can't find the list. What now?", "Which door do I take?")
_TOPICS: Final = ("When to take the water tablet", "Which foods hold salt", "When to call us at night")


def tell_seldom_stories(
    charts: Sequence[Chart], patients: dict[int, Patient], staffed: Staffed, *, office: Office
) -> None:
    """A few of each at Riverside, and of every kind some that ended either way."""
    now = office.at_work
    at_riverside = [patients[chart.number] for chart in charts if chart.site == "RIV" and chart.number != 1]
    actor = staffed.who("Rosa Delgado")
    for place, patient in enumerate(at_riverside[-OF_EACH:]):
        _explain_twice(
            actor, patient, topic=_TOPICS[place], began=office.now - timedelta(hours=40 - place), office=office
        )
    with_mail = list(_with_mail(at_riverside))
    for patient in with_mail[:OF_EACH]:
        _write(actor, patient, text=_CALL_US, ends=NO_SUCH_BOX, now=office.ago(timedelta(hours=2)))
    for patient, words in zip(with_mail[OF_EACH:], _ANSWERS, strict=False):
        written = _write(actor, patient, text=_BRING_LIST, ends=None, now=office.ago(timedelta(hours=3)))
        _answer(written, words=words, now=office.ago(timedelta(hours=1)))
    for patient in at_riverside[10 : 10 + OF_EACH]:
        _wait_for_earlier(actor, patient, staffed=staffed, now=now)
    come_every_week(actor, at_riverside[14 : 14 + SERIES], staffed, now=now)
    come_several_times(actor, at_riverside[14 + SERIES : 14 + SERIES + OF_EACH], staffed, now=now)
    keep_times(actor, at_riverside[14 + SERIES + OF_EACH :], staffed, office=office)
    _close_rooms_over_visits(staffed, now=now)
    invite_more(actor, with_mail, staffed, now=now)
    answer_invitations(actor, now=now)
    _call_the_unwritten(office)
    plan_a_day_anew(actor, with_mail, staffed, now=now)
    for kind in registered_kinds():
        if not kind.managed_at:
            _end_some(kind, staffed=staffed, now=now)


def _explain_twice(actor: Actor, patient: Patient, *, topic: str, began: datetime, office: Office) -> None:
    for attempt, understood in enumerate((Understood.NO, Understood.PARTLY)):
        item = TeachBackItem(topic=topic, patient_words="Said it back only in part", understood=understood)
        log_call(
            actor,
            patient=patient,
            went=HowItWent(
                outcome="reached", said="Went through the plan; one point stays unclear.", teach_backs=[item]
            ),
            idempotency_key=f"demo-teach-{patient.pk}-{attempt}",
            now=office.past(began + timedelta(hours=20 * attempt)),
        )


def _call_the_unwritten(office: Office) -> None:
    """Patients without an e-mail address were told of their visits by phone; the last few are still to be called."""
    waiting = Loop.objects.open().filter(clocks__rule_id="untold").select_related("patient").distinct()
    for loop in list(waiting.order_by("-opened_at", "pk"))[OF_EACH - 1 :]:
        log_call(
            system_actor("demonstration"),
            patient=loop.patient,
            loop=loop,
            went=HowItWent(
                outcome="reached",
                said="Told them when the visit is; they wrote it down.",
                details=CallDetails(settled=True),
            ),
            idempotency_key=f"demo-unwritten-{loop.pk}",
            now=min(office.soon_after(loop.story.latest("pk").at + timedelta(minutes=20)), office.at_work),
        )


def _with_mail(patients: Sequence[Patient]) -> Iterator[Patient]:
    for patient in patients:
        if patient.contact_points.filter(kind=ContactKind.EMAIL, may_email=True, bad_since=None).exists():
            yield patient


def _write(actor: Actor, patient: Patient, *, text: str, ends: Result | None, now: datetime) -> Message:
    """A message and how it ended, queued on the last day on which it could go at once; None leaves it to the worker."""
    post = system_actor("post office")
    message = queue_message(
        actor,
        patient=patient,
        message=MessageToSend(template="note", context={"text": text}),
        idempotency_key=f"demo-note-{patient.pk}",
        now=now - timedelta(days=2),
    )
    if ends is None:
        return message
    due = max(message.next_attempt_at or now, now - timedelta(days=2))
    claim = claim_message(post, message_id=message.pk, now=min(due, now))
    if claim is not None:
        settle(post, claim, result=ends, now=min(due, now))
    return message


def _answer(message: Message, *, words: str, now: datetime) -> None:
    """What the patient wrote back."""
    lines = (
        f"From: {message.to_address}",
        "To: care@riverside.example",
        "Subject: Re: your message",
        f"Message-ID: <answer-{message.pk}@post.example>",
        f"In-Reply-To: {message.message_id}",
        "Content-Type: text/plain; charset=utf-8",
        "",
        words,
    )
    delivered = checked_mail("\r\n".join(lines).encode())
    receive_mail(system_actor("post office"), delivered=delivered, now=now)


def _wait_for_earlier(actor: Actor, patient: Patient, *, staffed: Staffed, now: datetime) -> None:
    draft = scheduling.WaitDraft(
        key=f"demo-wait-{patient.pk}", visit_type_code="office", site_ids=(staffed.sites["RIV"].pk,)
    )
    wait = scheduling.join_waitlist(actor=actor, patient=patient, draft=draft, now=now - timedelta(days=3))
    if patient.pk % OF_EACH == 0:
        scheduling.leave_waitlist(actor=actor, wait=wait, reason="The date they have suits them after all", now=now)


def _close_rooms_over_visits(staffed: Staffed, *, now: datetime) -> None:
    """Three rooms close over a coming visit: one opens again, one visit is called off, one waits for a solution."""
    marta, ready = staffed.who("Marta Kowalska"), system_actor("readiness")
    coming = Appointment.objects.filter(
        site=staffed.sites["RIV"],
        state=VisitState.BOOKED,
        start_at__gt=now + timedelta(days=1),
        reservations__role="room",
    ).order_by("start_at", "pk")
    for place, visit in enumerate(coming[:OF_EACH]):
        room = visit.reservations.select_related("resource").get(role="room").resource
        during = Span(visit.start_at, visit.end_at)
        closure = scheduling.close_time(actor=marta, of=room, during=during, reason="Water damage", now=now)
        scheduling.check_visits(actor=ready, appointment_ids=[visit.pk], now=now)
        if place == 0:
            scheduling.open_time(actor=marta, closure=closure, now=now)
        if place == 1:
            scheduling.cancel_appointment(actor=marta, appointment=visit, reason=CancelReason.ROOM, now=now)
        scheduling.check_visits(actor=ready, appointment_ids=[visit.pk], now=now)


def _end_some(kind: LoopKind, *, staffed: Staffed, now: datetime) -> None:
    """Let one promise of a kind be kept and one be given up, if none was and at least one stays open."""
    supervisor = staffed.who("Marta Kowalska")
    for state in (State.CLOSED, State.GIVEN_UP):
        waiting = list(Loop.objects.open().filter(kind=kind.code).order_by("opened_at", "pk")[:2])
        if len(waiting) < 2 or Loop.objects.filter(kind=kind.code, state=state).exists():
            continue
        now = max(now, waiting[0].story.latest("pk").at)  # one of today may have been opened after the working hours
        if state == State.GIVEN_UP:
            reason = "The patient no longer wishes it"
            loops.give_up_loop(supervisor, loop_id=waiting[0].pk, reason=reason, now=now)
            continue
        for code in waiting[0].missing_evidence:
            who = system_actor("demonstration") if code in kind.clinical_evidence else supervisor
            loop = loops.add_evidence(who, loop_id=waiting[0].pk, kind=code, note="Done and written down.", now=now)
        if loop.state == State.OPEN:
            loops.close_loop(supervisor, loop_id=loop.pk, now=now)
