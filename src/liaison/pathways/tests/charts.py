"""Small charts that criteria are read against, in both readings."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from liaison.accounts.models import Site
from liaison.core.postgres.guard import writes_open
from liaison.pathways.queries import anchors_that_pass, judged_anchors
from liaison.pathways.rules.criteria import Criteria
from liaison.pathways.rules.evaluate import FactSeen, PatientSeen, evaluate
from liaison.patients.models import Patient, PatientSite
from liaison.records.models import Fact, Resource, Source

NOW = datetime(2026, 3, 1, 3, 30, tzinfo=UTC)
"""Still 28 February at the site."""

ZONE = "America/New_York"

Chart = tuple[dict[str, Any], list[dict[str, Any]]]
"""A person (birth_on, sex, dead, deceased_on) and the columns of their facts."""


def make_place() -> tuple[Site, Source]:
    """A site, a source and what a fact needs to stand on."""
    with writes_open():
        site = Site.objects.create(code="r", name="R", time_zone=ZONE)
        source = Source.objects.create(name="t", sha256="t", received_at=NOW, received_by="t")
    return site, source


def both_readings(place: tuple[Site, Source], tree: Criteria, crowd: Sequence[Chart]) -> list[int | None]:
    """Read these charts by the reference and by the database, assert that they agree, and say what they found.

    For each anchor, in the order of people and facts: the first condition that fails, None when all hold.
    """
    expected: dict[tuple[int, int], int | None] = {}
    for person, rows in crowd:
        patient, seen = _keep(place, person, rows)
        for verdict in evaluate(tree, patient=seen, now=NOW):
            expected[patient, verdict.anchor_id] = verdict.failed
    patients = [pk for pk, _ in expected] or [0]
    judged = judged_anchors(tree, now=NOW, patient_ids=patients)
    assert {(one.patient_id, one.fact_id): one.failed for one in judged} == expected
    passing = {(one.patient_id, one.fact_id) for one in anchors_that_pass(tree, now=NOW, patient_ids=patients)}
    assert passing == {key for key, failed in expected.items() if failed is None}
    return list(expected.values())


def _keep(place: tuple[Site, Source], person: dict[str, Any], rows: list[dict[str, Any]]) -> tuple[int, PatientSeen]:
    site, source = place
    dead, about = person["dead"], {key: person[key] for key in ("birth_on", "sex")}
    died = person["deceased_on"] if dead else None
    with writes_open():
        patient = Patient.objects.create(
            family="X", registered_at=NOW, changed_at=NOW, is_deceased=dead, deceased_on=died, **about
        )
        PatientSite.objects.create(patient=patient, site=site, is_home=True)
        resource = Resource.objects.create(
            resource_type="Basic",
            fhir_id=uuid.uuid4().hex,
            body={},
            digest=uuid.uuid4(),
            source=source,
            received_at=NOW,
        )
        facts = Fact.objects.bulk_create(Fact(patient=patient, resource=resource, **row) for row in rows)
    seen = PatientSeen(
        zone=ZoneInfo(ZONE),
        is_deceased=dead,
        deceased_on=died,
        facts=[FactSeen(id=fact.pk, **row) for fact, row in zip(facts, rows, strict=True)],
        **about,
    )
    return patient.pk, seen
