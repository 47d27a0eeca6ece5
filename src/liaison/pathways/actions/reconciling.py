"""Saying that the medicines were gone through after a hospital stay, and on which day."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.calendars import start_of_day
from liaison.core.refusals import Refusal
from liaison.loops.actions import add_evidence
from liaison.loops.models import Evidence
from liaison.pathways.access import RECONCILE
from liaison.pathways.actions.following import NotRunning, visible_enrolment
from liaison.pathways.kinds import RECONCILIATION
from liaison.pathways.models import Enrolment
from liaison.pathways.rules.transition import NotThatDay, why_not_reconciled_on


class ReconciledInTheFuture(Refusal):
    """The day that was typed in has not come."""

    code: ClassVar[str] = "pathways.reconciled_in_the_future"
    sentence = "This day lies ahead. Give the day on which the medicines were gone through, today at the latest."
    field = "done_on"


class ReconciledTooEarly(Refusal):
    """The day that was typed in was before the patient was home."""

    code: ClassVar[str] = "pathways.reconciled_too_early"
    sentence = (
        "That was before the discharge: what was prescribed at the end of the stay was not known yet. Give the day of "
        "the discharge, or a later one."
    )
    field = "done_on"


class Reconciled(Refusal):
    """The medicines were gone through already."""

    code: ClassVar[str] = "pathways.reconciled"
    sentence = (
        "It is recorded already that the medicines were gone through. Open the follow-up to see when; strike it out "
        "there if that was a mistake."
    )
    status = 409


def record_reconciliation(actor: Actor, *, enrolment_id: int, done_on: date, note: str, now: datetime) -> Enrolment:
    """Say that the medicines were gone through on a day where the patient is at home, and how one knows.

    That day counts, not the one on which it is typed in: by the day of the visit (DOMAIN 2.1). The same again changes
    nothing. Refuses Forbidden, NotFound, NotRunning, Reconciled, ReconciledInTheFuture, ReconciledTooEarly.
    """
    enrolment = visible_enrolment(actor, enrolment_id, now=now)
    with act(actor, RECONCILE, patient=enrolment.patient, subject=enrolment, now=now) as entry:
        enrolment = Enrolment.objects.select_for_update().select_related("loop", "patient").get(pk=enrolment_id)
        zone = ZoneInfo(enrolment.time_zone)
        match why_not_reconciled_on(done_on, discharged_on=enrolment.anchor_on, today=now.astimezone(zone).date()):
            case NotThatDay.AHEAD:
                raise ReconciledInTheFuture
            case NotThatDay.TOO_EARLY:
                raise ReconciledTooEarly
        at, words = start_of_day(done_on, zone=zone), note.strip()
        known = Evidence.objects.filter(loop_id=enrolment.loop_id, kind=RECONCILIATION, withdrawn_at=None).last()
        entry.note(repeated=known is not None)
        if known is not None and (known.happened_at, known.note) == (at, words):
            return enrolment
        if known is not None:
            raise Reconciled
        if enrolment.voided_at is not None or enrolment.loop.state != "open":
            raise NotRunning
        add_evidence(actor, loop_id=enrolment.loop_id, kind=RECONCILIATION, note=words, happened_at=at, now=now)
    return enrolment
