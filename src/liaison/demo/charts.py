"""Charts of invented patients as FHIR R4 resources, so that the demonstration comes in by the import like any feed.

Everything is drawn from one seeded `random.Random`; dates are relative to the `now` of the build.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from liaison.demo import cast

Resource = dict[str, Any]

_HERE: Final = ZoneInfo(cast.SITES[0].time_zone)

SYSTEM: Final = "urn:liaison:demo:mrn"
_CONDITIONS: Final = (
    ("44054006", "Type 2 diabetes mellitus"),
    ("59621000", "Essential hypertension"),
    ("195967001", "Asthma"),
    ("42343007", "Congestive heart failure"),
    ("13645005", "Chronic obstructive lung disease"),
    ("49436004", "Atrial fibrillation"),
    ("396275006", "Osteoarthritis"),
    ("35489007", "Depressive disorder"),
)
_LABS: Final = (
    ("4548-4", "Hemoglobin A1c", "%", 5.2, 10.4),
    ("2947-0", "Sodium", "mmol/L", 131.0, 146.0),
    ("718-7", "Hemoglobin", "g/dL", 10.1, 16.2),
    ("33914-3", "Estimated glomerular filtration rate", "mL/min/{1.73_m2}", 28.0, 104.0),
    ("18262-6", "LDL cholesterol", "mg/dL", 58.0, 192.0),
)
_MEDICINES: Final = (
    ("860975", "Metformin 500 mg tablet"),
    ("314076", "Lisinopril 10 mg tablet"),
    ("617312", "Atorvastatin 20 mg tablet"),
    ("310798", "Hydrochlorothiazide 25 mg tablet"),
    ("855332", "Warfarin 5 mg tablet"),
)
_VACCINES: Final = (("140", "Influenza, seasonal"), ("133", "Pneumococcal conjugate"), ("115", "Tdap"))
_STAYS: Final = (
    "Hospital admission for heart failure",
    "Hospital admission for pneumonia",
    "Hospital admission after a fall",
    "Hospital admission for chest pain",
)

_PAYERS = ("Medicaid", "Hudson Mutual", "", "Elm Health Plan", "Hudson Mutual", "Self-pay", "Elm Health Plan")


@dataclass(slots=True, kw_only=True)
class Chart:
    """One invented patient: their FHIR Patient, what happened to them, and their latest discharge if any."""

    number: int
    site: str
    given: str
    family: str
    gender: str
    birth_on: date
    language: str
    person: Resource
    happened: list[Resource] = field(default_factory=list)
    stay: Resource | None = None
    discharged_at: datetime | None = None

    @property
    def mrn(self) -> str:
        """The medical record number."""
        return f"RH{self.number:06d}"


def draw_charts(*, seed: int, count: int, now: datetime) -> list[Chart]:
    """Draw `count` patients. The first is Walter Ng of the fixed cast; a few left hospital lately."""
    dice = random.Random(seed)
    charts = [_walter(dice, now=now), *(_somebody(dice, number=number, now=now) for number in range(2, count + 1))]
    for chart in charts:
        _live(dice, chart, now=now)
    for place, chart in enumerate([charts[0], *dice.sample(charts[1:], k=max(3, min(6, count // 6), count // 18))]):
        _stay(dice, chart, days_ago=(1, 2, 4, 6, 9, 12)[place % 6], now=now)
    return charts


def write_patients(charts: list[Chart], *, site: str, folder: Path) -> Path:
    """Write the people and the past of one site as NDJSON."""
    path = folder / f"{site.lower()}-charts.ndjson"
    return _written(path, (line for chart in charts if chart.site == site for line in (chart.person, *chart.happened)))


def write_stays(charts: list[Chart], *, name: str, folder: Path) -> Path:
    """Write the hospital stays of these charts as NDJSON."""
    return _written(folder / f"{name}-stays.ndjson", (chart.stay for chart in charts if chart.stay is not None))


def _written(path: Path, lines: Iterable[Resource]) -> Path:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


def _walter(dice: random.Random, *, now: datetime) -> Chart:
    return _chart(
        dice, number=1, site="RIV", given="Walter", family="Ng", gender="male",
        birth_on=date(now.year - 78, 4, 12), language="en",
    )  # fmt: skip


def _somebody(dice: random.Random, *, number: int, now: datetime) -> Chart:
    gender = dice.choice(("female", "male"))
    age_days = int(min(max(dice.gauss(58, 21), 1), 97) * 365.25) + dice.randrange(365)
    languages, weights = zip(*cast.LANGUAGES, strict=True)
    return _chart(
        dice,
        number=number,
        site={2: "NOR", 3: "HAR"}.get(number) or dice.choices(("RIV", "NOR", "HAR"), weights=(62, 26, 12))[0],
        given=dice.choice(cast.WOMEN if gender == "female" else cast.MEN),
        family=dice.choice(cast.FAMILIES),
        gender=gender,
        birth_on=now.astimezone(_HERE).date() - timedelta(days=age_days),
        language=dice.choices(languages, weights=weights)[0],
    )


def _chart(
    dice: random.Random,
    *,
    number: int,
    site: str,
    given: str,
    family: str,
    gender: str,
    birth_on: date,
    language: str,
) -> Chart:
    key = str(uuid.UUID(int=dice.getrandbits(128), version=4))
    telecom = [{"system": "phone", "value": f"+1518555{number % 10000:04d}", "use": "mobile"}]
    if dice.random() < 0.82 or number == 1:
        telecom.append({"system": "email", "value": f"{given}.{family}{number}@example.org".lower(), "use": "home"})
    street = f"{dice.randrange(1, 400)} {dice.choice(cast.STREETS)}"
    person = {
        "resourceType": "Patient",
        "id": key,
        "identifier": [{"system": SYSTEM, "value": f"RH{number:06d}", "type": {"coding": [{"code": "MR"}]}}],
        "name": [{"use": "official", "family": family, "given": [given]}],
        "telecom": telecom,
        "gender": gender,
        "birthDate": birth_on.isoformat(),
        "address": [
            {"use": "home", "line": [street], "city": "Albany", "state": "NY", "postalCode": "12207", "country": "US"}
        ],
        "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": language}]}}],
    }
    return Chart(
        number=number, site=site, given=given, family=family, gender=gender, birth_on=birth_on,
        language=language, person=person,
    )  # fmt: skip


def _live(dice: random.Random, chart: Chart, *, now: datetime) -> None:
    """Two or three years of visits, with what was found at them."""
    for code, name in dice.sample(_CONDITIONS, k=dice.choices((0, 1, 2, 3), weights=(20, 35, 30, 15))[0]):
        began = now - timedelta(days=dice.randrange(400, 4000))
        chart.happened.append(_condition(dice, chart, code=code, name=name, began=began))
    chart.happened += _coverage(chart, now=now)
    for _ in range(dice.randrange(2, 8)):
        at = _office_hours(dice, now - timedelta(days=8 + dice.randrange(8, 900)))
        chart.happened += _visit(dice, chart, at=at)


def _coverage(chart: Chart, *, now: datetime) -> Iterator[Resource]:
    """Who pays: Medicare from 65 on, else by the patient's number, so that no die is thrown; of some, nothing came."""
    old = chart.birth_on.year <= now.year - 65
    payer = "Medicare" if old else _PAYERS[chart.number % len(_PAYERS)]
    if payer:
        yield {
            "resourceType": "Coverage",
            "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"coverage {chart.person['id']}")),
            "status": "active",
            "type": {"coding": [{"code": "pay"}]} if payer == "Self-pay" else {"text": payer},
            "beneficiary": {"reference": f"Patient/{chart.person['id']}"},
            "payor": [{"display": payer}],
        }


def _visit(dice: random.Random, chart: Chart, *, at: datetime) -> Iterator[Resource]:
    visit = _resource(dice, "Encounter", chart) | {
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "type": [_coded("http://snomed.info/sct", "185349003", "Office visit")],
        "period": {"start": _at(at), "end": _at(at + timedelta(minutes=25))},
    }
    yield visit
    systolic, diastolic = dice.randrange(104, 172), dice.randrange(58, 102)
    yield _observation(dice, chart, at=at) | {
        "code": _coded("http://loinc.org", "85354-9", "Blood pressure panel"),
        "component": [
            {"code": _coded("http://loinc.org", "8480-6", "Systolic"), "valueQuantity": _quantity(systolic, "mm[Hg]")},
            {
                "code": _coded("http://loinc.org", "8462-4", "Diastolic"),
                "valueQuantity": _quantity(diastolic, "mm[Hg]"),
            },
        ],
    }
    for code, name, unit, low, high in dice.sample(_LABS, k=dice.randrange(3)):
        value = round(dice.uniform(low, high), 1)
        yield _observation(dice, chart, at=at + timedelta(hours=5)) | {
            "code": _coded("http://loinc.org", code, name),
            "valueQuantity": _quantity(value, unit),
        }
    if dice.random() < 0.3:
        code, name = dice.choice(_MEDICINES)
        yield _resource(dice, "MedicationRequest", chart) | {
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": _coded("http://www.nlm.nih.gov/research/umls/rxnorm", code, name),
            "authoredOn": _at(at),
        }
    if dice.random() < 0.25:
        code, name = dice.choice(_VACCINES)
        yield {
            **_resource(dice, "Immunization", chart, patient="patient"),
            "status": "completed",
            "vaccineCode": _coded("http://hl7.org/fhir/sid/cvx", code, name),
            "occurrenceDateTime": _at(at),
        }


def _stay(dice: random.Random, chart: Chart, *, days_ago: int, now: datetime) -> None:
    """A stay in hospital that ended `days_ago`."""
    ended = _office_hours(dice, now - timedelta(days=days_ago))
    reason = dice.choice(_STAYS)
    chart.discharged_at = ended
    chart.stay = _resource(dice, "Encounter", chart) | {
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "type": [_coded("http://snomed.info/sct", "32485007", reason)],
        "period": {"start": _at(ended - timedelta(days=dice.randrange(2, 8))), "end": _at(ended)},
        "hospitalization": {"dischargeDisposition": {"coding": [{"code": "home"}], "text": "Home"}},
    }


def _condition(dice: random.Random, chart: Chart, *, code: str, name: str, began: datetime) -> Resource:
    active = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
    return _resource(dice, "Condition", chart) | {
        "clinicalStatus": active,
        "code": _coded("http://snomed.info/sct", code, name),
        "onsetDateTime": _at(began),
        "recordedDate": _at(began),
    }


def _observation(dice: random.Random, chart: Chart, *, at: datetime) -> Resource:
    return _resource(dice, "Observation", chart) | {"status": "final", "effectiveDateTime": _at(at)}


def _resource(dice: random.Random, kind: str, chart: Chart, *, patient: str = "subject") -> Resource:
    key = str(uuid.UUID(int=dice.getrandbits(128), version=4))
    return {"resourceType": kind, "id": key, patient: {"reference": f"Patient/{chart.person['id']}"}}


def _coded(system: str, code: str, display: str) -> Mapping[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _quantity(value: float, unit: str) -> Mapping[str, Any]:
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


def _office_hours(dice: random.Random, day: datetime) -> datetime:
    return day.astimezone(UTC).replace(
        hour=dice.randrange(13, 20), minute=dice.choice((0, 15, 30, 45)), second=0, microsecond=0
    )


def _at(instant: datetime) -> str:
    return instant.isoformat()
