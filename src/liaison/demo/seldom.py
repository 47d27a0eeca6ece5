"""What chance alone would leave out: mail that never arrived, advice not understood, promises kept and given up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from liaison.core.actor import Actor, system_actor
from liaison.demo.charts import Chart
from liaison.demo.staff import Staffed
from liaison.inbox.actions import claim_message, log_call, queue_message, settle
from liaison.inbox.ports import PermanentFailure, TeachBackItem, Understood
from liaison.loops import actions as loops
from liaison.loops.models import Loop, State
from liaison.loops.ports import LoopKind, registered_kinds
from liaison.patients.models import ContactKind, Patient

OF_EACH: Final = 3
NO_SUCH_BOX: Final = PermanentFailure(reply="recipient: 550 5.1.1 No such mailbox", bad_address=True)
_TOPICS: Final = ("When to take the water tablet", "Which foods hold salt", "When to call us at night")


def tell_seldom_stories(
    charts: Sequence[Chart], patients: dict[int, Patient], staffed: Staffed, *, now: datetime
) -> None:
    """Three failed messages and three teach-backs at Riverside, and of every kind some that ended either way."""
    at_riverside = [patients[chart.number] for chart in charts if chart.site == "RIV" and chart.number != 1]
    actor = staffed.who("Rosa Delgado")
    for place, patient in enumerate(at_riverside[-OF_EACH:]):
        _explain_twice(actor, patient, topic=_TOPICS[place], now=now - timedelta(hours=20 - place))
    for patient in list(_with_mail(at_riverside))[:OF_EACH]:
        _fail_to_reach(actor, patient, now=now - timedelta(hours=2))
    for kind in registered_kinds():
        if not kind.managed_at:
            _end_some(kind, staffed=staffed, now=now - timedelta(minutes=30))


def _explain_twice(actor: Actor, patient: Patient, *, topic: str, now: datetime) -> None:
    for attempt, understood in enumerate((Understood.NO, Understood.PARTLY)):
        item = TeachBackItem(topic=topic, patient_words="Said it back only in part", understood=understood)
        log_call(
            actor,
            patient=patient,
            outcome="reached",
            said="Went through the plan; one point stays unclear.",
            teach_backs=[item],
            idempotency_key=f"demo-teach-{patient.pk}-{attempt}",
            now=now + timedelta(hours=3 * attempt),
        )


def _with_mail(patients: Sequence[Patient]) -> Iterator[Patient]:
    for patient in patients:
        if patient.contact_points.filter(kind=ContactKind.EMAIL, may_email=True, bad_since=None).exists():
            yield patient


def _fail_to_reach(actor: Actor, patient: Patient, *, now: datetime) -> None:
    """A message that the other side refused for good; it was queued on the last day on which it could go at once."""
    post = system_actor("post office")
    message = queue_message(
        actor,
        patient=patient,
        template="note",
        context={"text": "Please call us about your next visit."},
        idempotency_key=f"demo-note-{patient.pk}",
        now=now - timedelta(days=2),
    )
    due = max(message.next_attempt_at or now, now - timedelta(days=2))
    claim = claim_message(post, message_id=message.pk, now=min(due, now))
    if claim is not None:
        settle(post, claim, result=NO_SUCH_BOX, now=min(due, now))


def _end_some(kind: LoopKind, *, staffed: Staffed, now: datetime) -> None:
    """Let one promise of a kind be kept and one be given up, if none was and at least one stays open."""
    supervisor = staffed.who("Marta Kowalska")
    for state in (State.CLOSED, State.GIVEN_UP):
        waiting = list(Loop.objects.open().filter(kind=kind.code).order_by("-pk")[:2])
        if len(waiting) < 2 or Loop.objects.filter(kind=kind.code, state=state).exists():
            continue
        if state == State.GIVEN_UP:
            reason = "The patient no longer wishes it"
            loops.give_up_loop(supervisor, loop_id=waiting[0].pk, reason=reason, now=now)
            continue
        for code in waiting[0].missing_evidence:
            who = system_actor("demonstration") if code in kind.clinical_evidence else supervisor
            loop = loops.add_evidence(who, loop_id=waiting[0].pk, kind=code, note="Done and written down", now=now)
        if loop.state == State.OPEN:
            loops.close_loop(supervisor, loop_id=loop.pk, now=now)
