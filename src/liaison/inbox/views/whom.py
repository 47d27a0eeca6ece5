"""Whom a page is about: `?patient=` or `?loop=` in its address."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest

from liaison.core.asking import actor_of
from liaison.core.numbers import id_in
from liaison.core.refusals import NotFound
from liaison.core.verbs import Verb
from liaison.loops.models import Loop
from liaison.loops.queries import words_of
from liaison.patients.models import Patient
from liaison.patients.queries import get_patient


def whom(request: HttpRequest, *, verb: Verb) -> tuple[Patient, Loop | None]:
    """The patient on whom this person may use `verb`, and the loop if it is theirs. Refuses NotFound."""
    loop_id, patient_id = id_in(request.GET.get("loop", "")), id_in(request.GET.get("patient", ""))
    loop = Loop.objects.filter(pk=loop_id).first() if loop_id else None
    wanted = patient_id or (loop.patient_id if loop else None)
    if wanted is None:
        raise NotFound
    patient = get_patient(actor_of(request), patient_id=wanted, verb=verb)
    return patient, loop if loop and loop.patient_id == patient.pk else None


def titles_for(request: HttpRequest, *, loops: Iterable[Loop]) -> dict[int, str]:
    """What this person may read of the titles of loops, by id."""
    return {pk: words.title for pk, words in words_of(actor_of(request), loops=loops).items()}
