"""Whom a page is about: `?patient=` or `?loop=` in its address."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.http import HttpRequest

from liaison.core.asking import actor_of
from liaison.core.numbers import id_in
from liaison.core.verbs import Verb
from liaison.inbox.queries import patient_and_loop
from liaison.loops.models import Loop
from liaison.loops.queries import words_of
from liaison.patients.models import Patient


def whom(request: HttpRequest, *, verb: Verb, now: datetime) -> tuple[Patient, Loop | None]:
    """The patient on whom this person may use `verb`, and the loop if it is theirs. Refuses NotFound."""
    loop_id, patient_id = id_in(request.GET.get("loop", "")), id_in(request.GET.get("patient", ""))
    return patient_and_loop(actor_of(request), verb=verb, patient_id=patient_id, loop_id=loop_id, now=now)


def titles_for(request: HttpRequest, *, loops: Iterable[Loop], now: datetime) -> dict[int, str]:
    """What this person may read of the titles of loops, by id."""
    return {pk: words.title for pk, words in words_of(actor_of(request), loops=loops, now=now).items()}
