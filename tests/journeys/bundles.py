"""FHIR bundles of invented patients: someone just home from hospital, and whole small histories."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

Resource = dict[str, Any]
NUMBERS = "https://journeys.example/number"
BEGAN = datetime(2020, 1, 6, 14, 0, tzinfo=UTC)
DECIMALS = ("5.40", "0.0000001", "1200.0", "3", "98.60000000000000001", "-1.5", "1e3")
"""Numbers whose digits a reader through binary floats would lose."""


def home_from_hospital(folder: Path, *, number: str, discharged_at: datetime) -> Path:
    """A bundle of one patient who was in hospital for three days until `discharged_at`, as a file."""
    draw = random.Random(number)
    person = _patient(draw, number=number, family="Homecoming", given="Wilma")
    stay = {
        "resourceType": "Encounter",
        "id": _id(draw),
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": _to(person),
        "period": {"start": (discharged_at - timedelta(days=3)).isoformat(), "end": discharged_at.isoformat()},
        "hospitalization": {"dischargeDisposition": {"coding": [{"code": "home"}]}},
    }
    return _written(folder / f"{number}.json", [person, stay])


def histories(folder: Path, *, patients: int, observations: int) -> list[Path]:
    """One gzipped transaction bundle a patient, each with its visits and results; the same every time."""
    return [
        _written(folder / f"patient-{n:03d}.json.gz", list(_history(n, observations=observations)))
        for n in range(patients)
    ]


def _history(n: int, *, observations: int) -> Iterator[Resource]:
    draw = random.Random(n)
    person = _patient(draw, number=f"J{n:05d}", family=f"Ledger{chr(65 + n)}", given="Ada")
    yield person
    for day in range(observations // 10):
        at = BEGAN + timedelta(days=7 * day, minutes=n)
        visit = {
            "resourceType": "Encounter",
            "id": _id(draw),
            "status": "finished",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": _to(person),
            "period": {"start": at.isoformat(), "end": (at + timedelta(minutes=20)).isoformat()},
        }
        yield visit
        for _ in range(10):
            yield {
                "resourceType": "Observation",
                "id": _id(draw),
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "2339-0", "display": "Glucose"}]},
                "subject": _to(person),
                "encounter": _to(visit),
                "effectiveDateTime": at.isoformat(),
                "valueQuantity": {"value": _Digits(draw.choice(DECIMALS)), "unit": "mg/dL"},
            }


class _Digits(str):
    """A number, as its digits."""

    __slots__ = ()


def _patient(draw: random.Random, *, number: str, family: str, given: str) -> Resource:
    return {
        "resourceType": "Patient",
        "id": _id(draw),
        "identifier": [{"system": NUMBERS, "value": number}],
        "name": [{"use": "official", "family": family, "given": [given]}],
        "telecom": [{"system": "phone", "value": "518-555-0142", "use": "home"}],
        "gender": "female",
        "birthDate": "1951-04-02",
    }


def _to(resource: Resource) -> Resource:
    return {"reference": f"urn:uuid:{resource['id']}"}


def _id(draw: random.Random) -> str:
    return str(UUID(int=draw.getrandbits(128), version=4))


def _written(path: Path, resources: list[Resource]) -> Path:
    entries = [
        {
            "fullUrl": f"urn:uuid:{one['id']}",
            "resource": one,
            "request": {"method": "POST", "url": one["resourceType"]},
        }
        for one in resources
    ]
    text = _dumped({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def _dumped(value: Any) -> str:
    """JSON in which a number keeps its digits."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_dumped(key)}:{_dumped(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_dumped(inner) for inner in value) + "]"
    if isinstance(value, _Digits):
        return str(value)
    return _quoted(value)


def _quoted(text: str) -> str:
    assert '"' not in text, text
    assert "\\" not in text, text
    return f'"{text}"'
