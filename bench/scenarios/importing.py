"""Resources a second from bundles, the first time and again, with invented patients or with files of your own."""

import gzip
import json
import os
import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.crowd import hire, person_number
from bench.harness import NOW, Result, Scenario, fresh_database

OWN_FILES = "LIAISON_BENCH_BUNDLES"
METRICS = ("import, new", "import, again unchanged")
Resource = dict[str, Any]


def run(sizes: Sequence[int], say: Callable[[str], None]) -> list[Result]:
    """Import one gzipped transaction bundle for each patient, then the same files again."""
    results: list[Result] = []
    own = os.environ.get(OWN_FILES)
    for size in sizes:
        with fresh_database():
            hire()
            folder = Path(os.environ["LIAISON_DATA"]) / "bundles"
            folder.mkdir()
            if own:
                paths = sorted(path for path in Path(own).rglob("*") if path.is_file())[:size]
            else:
                paths = [write_bundle(folder, n) for n in range(1, size + 1)]
            say(f"{len(paths):,} bundles …")
            results += [_import(paths, metric=metric, size=size) for metric in METRICS]
    return results


def _import(paths: list[Path], *, metric: str, size: int) -> Result:
    from liaison.core.actor import system_actor
    from liaison.records.actions import import_files

    started = time.perf_counter()
    summary = import_files(system_actor("bench"), paths=paths, now=NOW)
    seconds = time.perf_counter() - started
    if summary.rejects:
        raise RuntimeError(f"{len(summary.rejects)} resources were rejected: {summary.rejects[0]}")
    return Result(metric=metric, value=round(summary.total.received / seconds), unit="resources/s", size=size)


def write_bundle(folder: Path, n: int, *, visits: int = 30) -> Path:
    """A gzipped bundle with ten resources for each visit of ten years of patient `n`."""
    path = folder / f"patient-{n:06d}.json.gz"
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        json.dump(_bundle(n, visits=visits), file)
    return path


def _bundle(n: int, *, visits: int) -> Resource:
    """What happened to one patient, in the proportions of a synthetic population."""
    draw = random.Random(n)
    patient, *rest = _resources(n, draw, visits=visits)
    entries = [
        {
            "fullUrl": f"urn:uuid:{resource['id']}",
            "resource": resource,
            "request": {"method": "POST", "url": resource["resourceType"]},
        }
        for resource in (patient, *rest)
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _resources(n: int, draw: random.Random, *, visits: int) -> Iterator[Resource]:
    given, family, born = person_number(n)
    patient: Resource = {
        "resourceType": "Patient",
        "id": _id(draw),
        "identifier": [{"system": "https://bench.example/mrn", "value": f"B{n:08d}"}],
        "name": [{"use": "official", "family": family, "given": [given]}],
        "telecom": [{"system": "phone", "value": f"555-{n % 1000:03d}-{n % 10000:04d}", "use": "home"}],
        "gender": "female" if n % 2 else "male",
        "birthDate": born.isoformat(),
    }
    yield patient
    about = {"reference": f"urn:uuid:{patient['id']}"}
    for _ in range(visits):
        at = NOW - timedelta(days=draw.randrange(30, 3650), minutes=draw.randrange(1440))
        encounter = _encounter(draw, about, at)
        yield encounter
        seen: Resource = {"subject": about, "encounter": {"reference": f"urn:uuid:{encounter['id']}"}}
        yield from (_observation(draw, seen, at) for _ in range(5))
        yield _condition(draw, about, seen, at)
        yield _procedure(draw, seen, at)
        yield _medication(draw, seen, at)
        yield _claim(draw, about, at)


def _id(draw: random.Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128), version=4))


def _coded(system: str, code: str, text: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def _encounter(draw: random.Random, about: Resource, at: datetime) -> Resource:
    return {
        "resourceType": "Encounter",
        "id": _id(draw),
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "type": [_coded("http://snomed.info/sct", "185349003", "Encounter for check up")],
        "subject": about,
        "period": {"start": at.isoformat(), "end": (at + timedelta(minutes=30)).isoformat()},
    }


def _observation(draw: random.Random, seen: Resource, at: datetime) -> Resource:
    code, text, unit = draw.choice(
        [("4548-4", "Hemoglobin A1c", "%"), ("8302-2", "Body Height", "cm"), ("2339-0", "Glucose", "mg/dL")]
    )
    return {
        "resourceType": "Observation",
        "id": _id(draw),
        "status": "final",
        "category": [_coded("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory", "laboratory")],
        "code": _coded("http://loinc.org", code, text),
        **seen,
        "effectiveDateTime": at.isoformat(),
        "issued": at.isoformat(),
        "valueQuantity": {
            "value": round(draw.uniform(4, 200), 3),
            "unit": unit,
            "system": "http://unitsofmeasure.org",
            "code": unit,
        },
    }


def _condition(draw: random.Random, about: Resource, seen: Resource, at: datetime) -> Resource:
    return {
        "resourceType": "Condition",
        "id": _id(draw),
        "clinicalStatus": _coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "active"),
        "code": _coded("http://snomed.info/sct", "44054006", "Diabetes mellitus type 2"),
        "subject": about,
        "encounter": seen["encounter"],
        "onsetDateTime": at.isoformat(),
    }


def _procedure(draw: random.Random, seen: Resource, at: datetime) -> Resource:
    return {
        "resourceType": "Procedure",
        "id": _id(draw),
        "status": "completed",
        "code": _coded("http://snomed.info/sct", "430193006", "Medication Reconciliation"),
        **seen,
        "performedPeriod": {"start": at.isoformat(), "end": at.isoformat()},
    }


def _medication(draw: random.Random, seen: Resource, at: datetime) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": _id(draw),
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": _coded(
            "http://www.nlm.nih.gov/research/umls/rxnorm", "860975", "24 HR Metformin hydrochloride 500 MG"
        ),
        **seen,
        "authoredOn": at.isoformat(),
    }


def _claim(draw: random.Random, about: Resource, at: datetime) -> Resource:
    return {
        "resourceType": "Claim",
        "id": _id(draw),
        "status": "active",
        "type": _coded("http://terminology.hl7.org/CodeSystem/claim-type", "institutional", "institutional"),
        "use": "claim",
        "patient": about,
        "created": at.isoformat(),
        "provider": {"display": "Bench clinic"},
        "priority": _coded("http://terminology.hl7.org/CodeSystem/processpriority", "normal", "normal"),
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"display": "Medicare"}}],
        "total": {"value": draw.randrange(10_000, 90_000) / 100, "currency": "USD"},
    }


SCENARIO = Scenario(name="import", sizes=(50,), counts="bundles", run=run)
