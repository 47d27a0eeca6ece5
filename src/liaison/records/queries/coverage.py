"""Who pays for a patient, in a word, from the chart as received."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import NotFound
from liaison.patients.models import Patient
from liaison.records.access import SEE_COVERAGE
from liaison.records.models import Resource
from liaison.records.rules.coverage import CoverageWord, from_claim, from_coverages
from liaison.records.rules.shapes import obj

MOST_COVERAGES: Final = 20


def coverage_word(actor: Actor, *, patient: Patient, now: datetime) -> CoverageWord | None:
    """Who pays at `now`: by the Coverage resources, else by the latest claim (then with its date), else unknown.

    None for someone whose role does not include it. Refuses NotFound.
    """
    if not patient.reachable_by(actor, now=now):
        raise NotFound
    if not patient.reachable_by(actor, SEE_COVERAGE, now=now):
        return None
    seen(patient.pk)
    mine = Resource.objects.filter(patient=patient)
    coverages = mine.filter(resource_type="Coverage").order_by("-pk").values_list("body", flat=True)[:MOST_COVERAGES]
    word = from_coverages([obj(body) for body in coverages], now=now, zone=patient.zone)
    if word:
        return CoverageWord(word=word)
    claims = mine.filter(resource_type="Claim", at__lte=now).order_by("-at", "-pk")
    claim = claims.values_list("body", "at").first()
    if claim is None:
        return CoverageWord()
    word = from_claim(obj(claim[0]))
    return CoverageWord(word=word, as_of=claim[1] if word else None)
