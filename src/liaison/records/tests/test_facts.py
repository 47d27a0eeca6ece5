"""What each kind of resource says: facts for protocols, a headline for the timeline. Pure functions."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.records.rules.facts import facts_of
from liaison.records.rules.headlines import headline_of, number
from liaison.records.rules.readable import MOST_ROWS, label_of, rows_of
from liaison.records.rules.vocabulary import RESOURCE_TYPES

AT = "2026-02-20T09:30:00-05:00"
INSTANT = datetime(2026, 2, 20, 14, 30, tzinfo=UTC)
NOON = datetime(2026, 2, 20, 12, tzinfo=UTC)
A1C = {"coding": [{"system": "http://loinc.org", "code": "4548-4", "display": "Hemoglobin A1c"}]}


def brief(resource):
    return [
        (row.kind, row.status, row.code, row.starts_at, row.ends_at, row.value_number, row.value_text)
        for row in facts_of(resource)
    ]


@pytest.mark.parametrize(
    ("resource", "facts"),
    [
        (
            {
                "resourceType": "Encounter",
                "status": "finished",
                "class": {"code": "IMP"},
                "type": [{"coding": [{"code": "185347001"}]}],
                "reasonCode": [{"coding": [{"code": "74400008"}]}],
                "period": {"start": AT, "end": "2026-02-20"},
                "hospitalization": {"dischargeDisposition": {"coding": [{"code": "01"}]}},
            },
            [
                ("encounter", "finished", "IMP", INSTANT, NOON, None, "01"),
                ("encounter_type", "finished", "185347001", INSTANT, NOON, None, ""),
                ("encounter_reason", "finished", "74400008", INSTANT, NOON, None, ""),
            ],
        ),
        (
            {
                "resourceType": "Condition",
                "clinicalStatus": {"coding": [{"code": "resolved"}]},
                "verificationStatus": {"coding": [{"code": "confirmed"}]},
                "code": {"coding": [{"code": "E11"}, {"code": "44054006"}, {"display": "no code"}]},
                "recordedDate": "2026-02-20",
                "abatementDateTime": AT,
            },
            [
                ("condition", "resolved", "E11", NOON, INSTANT, None, "confirmed"),
                ("condition", "resolved", "44054006", NOON, INSTANT, None, "confirmed"),
            ],
        ),
        ({"resourceType": "Condition", "verificationStatus": {"coding": [{"code": "refuted"}]}}, []),
        (
            {"resourceType": "Condition", "clinicalStatus": " active ", "verificationStatus": "confirmed"},
            [("condition", "active", "", None, None, None, "confirmed")],
        ),
        ({"resourceType": "Condition", "verificationStatus": "refuted"}, []),
        ({"resourceType": "Observation", "status": "entered-in-error"}, []),
        (
            {
                "resourceType": "Observation",
                "status": "final",
                "code": A1C,
                "issued": AT,
                "valueQuantity": {"value": Decimal("6.80"), "comparator": "<", "code": "%"},
            },
            [("observation", "final", "4548-4", INSTANT, None, Decimal("6.80"), "<")],
        ),
        (
            {
                "resourceType": "Observation",
                "effectiveInstant": AT,
                "component": [
                    {"code": {"coding": [{"code": "8480-6"}]}, "valueInteger": 140},
                    {"code": {"coding": [{"code": "8462-4"}]}, "valueCodeableConcept": {"text": "low"}},
                    {"code": {"coding": [{"code": "x"}]}, "valueCodeableConcept": {"coding": [{"code": "LA1"}]}},
                    {"valueBoolean": True},
                    {"valueBoolean": False},
                    {"valueString": " said "},
                    {"valueDateTime": "2026"},
                ],
            },
            [
                ("observation", "", "", INSTANT, None, None, ""),
                ("observation", "", "8480-6", INSTANT, None, Decimal(140), ""),
                ("observation", "", "8462-4", INSTANT, None, None, "low"),
                ("observation", "", "x", INSTANT, None, None, "LA1"),
                ("observation", "", "", INSTANT, None, None, "true"),
                ("observation", "", "", INSTANT, None, None, "false"),
                ("observation", "", "", INSTANT, None, None, "said"),
                ("observation", "", "", INSTANT, None, None, "2026"),
            ],
        ),
        (
            {"resourceType": "Procedure", "status": "completed", "performedPeriod": {"start": "2026-02-20"}},
            [("procedure", "completed", "", NOON, None, None, "")],
        ),
        (
            {"resourceType": "Immunization", "vaccineCode": {"coding": [{"code": "140"}]}, "occurrenceDateTime": AT},
            [("immunization", "", "140", INSTANT, None, None, "")],
        ),
        (
            {
                "resourceType": "MedicationRequest",
                "intent": "order",
                "authoredOn": AT,
                "contained": [{"id": "other"}, {"id": "m", "code": {"coding": [{"code": "860975"}]}}],
                "medicationReference": {"reference": "#m"},
            },
            [("medication", "", "860975", INSTANT, None, None, "order")],
        ),
        (
            {"resourceType": "MedicationRequest", "medicationCodeableConcept": {"coding": [{"code": "860975"}]}},
            [("medication", "", "860975", None, None, None, "")],
        ),
        (
            {
                "resourceType": "MedicationStatement",
                "effectivePeriod": {"start": AT, "end": AT},
                "medicationReference": {},
            },
            [("medication", "", "", INSTANT, INSTANT, None, "")],
        ),
        (
            {"resourceType": "AllergyIntolerance", "recordedDate": AT, "criticality": "high"},
            [("allergy", "", "", INSTANT, None, None, "high")],
        ),
        (
            {"resourceType": "AllergyIntolerance", "onsetDateTime": AT},
            [("allergy", "", "", INSTANT, None, None, "")],
        ),
        ({"resourceType": "DiagnosticReport", "issued": AT}, [("report", "", "", INSTANT, None, None, "")]),
        ({"resourceType": "DocumentReference", "date": AT}, [("document", "", "", INSTANT, None, None, "")]),
        ({"resourceType": "CarePlan", "created": AT}, [("plan", "", "", INSTANT, None, None, "")]),
        (
            {"resourceType": "Goal", "lifecycleStatus": "active", "startDate": "2026-02-20"},
            [("goal", "active", "", NOON, None, None, "")],
        ),
        (
            {"resourceType": "Device", "manufactureDate": "2026-02-20", "expirationDate": "2026-02"},
            [("device", "", "", NOON, datetime(2026, 2, 28, 12, tzinfo=UTC), None, "")],
        ),
        (
            {"resourceType": "ServiceRequest", "intent": "order", "occurrenceDateTime": AT},
            [("referral", "", "", INSTANT, None, None, "order")],
        ),
        ({"resourceType": "Patient", "deceasedBoolean": True}, [("death", "", "", None, None, None, "")]),
        ({"resourceType": "Patient", "deceasedDateTime": AT}, [("death", "", "", INSTANT, None, None, "")]),
        ({"resourceType": "Patient"}, []),
        ({"resourceType": "Claim"}, []),
    ],
)
def test_each_type_gives_its_facts(resource, facts):
    assert brief(resource) == facts


@pytest.mark.parametrize(
    ("resource", "line"),
    [
        (
            {
                "resourceType": "Encounter",
                "class": {"code": "IMP"},
                "type": [{"text": "Hospital admission"}],
                "reasonCode": [{"text": "Pneumonia"}],
                "hospitalization": {"dischargeDisposition": {"text": "Home"}},
            },
            ("visit", "Hospital admission", "Hospital stay · Pneumonia · Home"),
        ),
        ({"resourceType": "Encounter", "class": {"code": "IMP"}}, ("visit", "Hospital stay", "")),
        ({"resourceType": "Encounter"}, ("visit", "Visit", "")),
        (
            {
                "resourceType": "Observation",
                "code": {"text": "Blood pressure"},
                "component": [
                    {"code": {"text": "Systolic"}, "valueQuantity": {"value": Decimal("139.99500001"), "unit": "mmHg"}},
                    {"code": {"text": "Nothing"}},
                ],
            },
            ("result", "Blood pressure", "Systolic: 140.00 mmHg"),
        ),
        (
            {"resourceType": "Observation", "code": A1C, "valueCodeableConcept": {"text": "positive"}},
            ("result", "Hemoglobin A1c", "positive"),
        ),
        (
            {"resourceType": "Observation", "dataAbsentReason": {"coding": [{"code": "unknown"}]}},
            ("result", "Observation", "unknown"),
        ),
        ({"resourceType": "Observation", "code": A1C, "valueBoolean": True}, ("result", "Hemoglobin A1c", "yes")),
        ({"resourceType": "Observation", "code": A1C, "valueBoolean": False}, ("result", "Hemoglobin A1c", "no")),
        ({"resourceType": "Observation", "code": A1C, "valueInteger": 7}, ("result", "Hemoglobin A1c", "7")),
        ({"resourceType": "Observation", "code": A1C, "valueDateTime": "2026"}, ("result", "Hemoglobin A1c", "2026")),
        (
            {"resourceType": "DiagnosticReport", "code": {"text": "CBC"}, "result": [{"display": "WBC"}, {}]},
            ("result", "CBC", "WBC"),
        ),
        (
            {
                "resourceType": "MedicationRequest",
                "medicationReference": {"display": "Metformin"},
                "dosageInstruction": [{"text": "1 daily"}, {}],
            },
            ("medication", "Metformin", "1 daily"),
        ),
        (
            {"resourceType": "Goal", "description": {"text": "Walk"}, "achievementStatus": {"text": "improving"}},
            ("plan", "Walk", "improving"),
        ),
        (
            {
                "resourceType": "CarePlan",
                "category": [{"text": "Diabetes"}],
                "activity": [{"detail": {"code": {"text": "Diet"}}}],
            },
            ("plan", "Diabetes", "Diet"),
        ),
        (
            {
                "resourceType": "DocumentReference",
                "type": {"text": "Note"},
                "content": [{"attachment": {"title": "a.pdf"}}],
            },
            ("document", "Note", "a.pdf"),
        ),
        (
            {
                "resourceType": "ImagingStudy",
                "series": [{"modality": {"display": "US"}, "bodySite": {"display": "chest"}}],
            },
            ("result", "US chest", ""),
        ),
        (
            {"resourceType": "ImagingStudy", "description": "Chest", "series": [{"modality": {"code": "CT"}}]},
            ("result", "Chest", "CT"),
        ),
        ({"resourceType": "ImagingStudy"}, ("result", "Imaging", "")),
        ({"resourceType": "Communication", "payload": [{"contentString": "Hello"}]}, ("message", "Message", "Hello")),
        ({"resourceType": "Appointment", "description": "MRI"}, ("booking", "Appointment", "MRI")),
        ({"resourceType": "Procedure", "code": {"text": "Colonoscopy"}}, ("procedure", "Colonoscopy", "")),
        ({"resourceType": "Claim", "type": {"coding": [{"code": "oral"}]}, "code": "odd"}, ("", "oral", "")),
    ],
)
def test_each_type_gives_its_line_on_the_timeline(resource, line):
    head = headline_of(resource)
    assert (head.kind, head.title, head.detail) == line


def test_a_line_knows_its_time_from_wherever_the_type_keeps_it():
    assert headline_of({"resourceType": "Encounter", "period": {"start": AT}}).at == INSTANT
    assert headline_of({"resourceType": "Condition", "onsetDateTime": "2026-02-20"}).date_only
    assert headline_of({"resourceType": "Claim", "created": AT}).at == INSTANT
    assert headline_of({"resourceType": "Claim"}).at is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Decimal("166.82501702858627"), "166.83"),
        (Decimal("6.80"), "6.80"),
        (Decimal("0.00012345"), "0.0001"),
        (12345, "12345"),
        (Decimal("1E+3"), "1000"),
        (True, ""),
        ("6", ""),
        (None, ""),
    ],
)
def test_numbers_read_as_a_person_writes_them(value, said):
    assert number(value) == said


def test_a_resource_is_a_table_of_plain_rows():
    rows = rows_of(
        {
            "resourceType": "Observation",
            "active": True,
            "code": {"coding": [{"code": "a", "display": "A"}, {"code": "b"}]},
            "subject": {"reference": "Patient/1"},
            "valueQuantity": {"value": Decimal("6.80"), "unit": "%"},
            "period": {"start": "2026"},
            "given": ["Walter", "J"],
            "nothing": None,
            "deep": [{"x": 1}],
        }
    )
    assert [(row.depth, row.label, row.value) for row in rows] == [
        (0, "Active", "yes"),
        (0, "Code", ""),
        (1, "Coding 1", "A (a)"),
        (1, "Coding 2", "b"),
        (0, "Subject", "→ Patient/1"),
        (0, "Value quantity", "6.80 %"),
        (0, "Period", "2026 – …"),
        (0, "Given", "Walter, J"),
        (0, "Nothing", ""),
        (0, "Deep", ""),
        (1, "X", "1"),
    ]
    assert len(rows_of({str(n): n for n in range(MOST_ROWS * 2)})) == MOST_ROWS
    assert label_of("_birthDate") == "Birth date"
    assert rows_of("nothing at all") == ()


KEYS = ["code", "coding", "period", "status", "class", "type", "valueQuantity", "component", "name", "display"]
LEAF = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.decimals(allow_nan=False, allow_infinity=False)
)


def nested(inner):
    """Lists and objects of what is given."""
    return st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)


TWO_DEEP = LEAF | nested(LEAF)
JSON = TWO_DEEP | nested(TWO_DEEP)


@given(
    st.sampled_from(sorted(RESOURCE_TYPES)),
    st.dictionaries(
        st.sampled_from(
            [
                "code",
                "status",
                "class",
                "period",
                "component",
                "type",
                "name",
                "category",
                "hospitalization",
                "valueQuantity",
                "identifier",
                "telecom",
            ]
        ),
        JSON,
    ),
)
def test_no_shape_however_odd_ends_in_a_traceback(resource_type, rest):
    from liaison.records.rules.people import read_organization, read_patient, read_practitioner

    resource = {**rest, "resourceType": resource_type}
    facts_of(resource)
    headline_of(resource)
    rows_of(resource)
    read_patient(resource)
    read_practitioner(resource)
    read_organization(resource)
