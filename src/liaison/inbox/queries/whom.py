"""Whom a page is about, when its address names a patient, a loop or both."""

from __future__ import annotations

from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.refusals import NotFound
from liaison.core.verbs import Verb
from liaison.loops.models import Loop
from liaison.patients.models import Patient
from liaison.patients.queries import get_patient


def patient_and_loop(
    actor: Actor, *, verb: Verb, patient_id: int | None, loop_id: int | None, now: datetime
) -> tuple[Patient, Loop | None]:
    """The patient on whom the actor may use `verb` (the loop's where none is named), and the loop if it is theirs.

    Refuses: NotFound (nobody is named, or nobody whom they can see).
    """
    loop = Loop.objects.filter(pk=loop_id).first() if loop_id else None
    wanted = patient_id or (loop.patient_id if loop else None)
    if wanted is None:
        raise NotFound
    patient = get_patient(actor, patient_id=wanted, verb=verb, now=now)
    return patient, loop if loop and loop.patient_id == patient.pk else None
