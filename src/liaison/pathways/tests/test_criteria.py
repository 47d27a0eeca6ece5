"""Criteria: their two readings agree, and bad data is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from liaison.pathways.rules.criteria import (
    Age,
    Alive,
    All,
    Anchor,
    AnchorValue,
    AnyOf,
    BadCriteria,
    Bound,
    Criteria,
    Criterion,
    DaysSinceAnchor,
    HasFact,
    IsSex,
    Not,
    Range,
    Window,
    read_criteria,
    read_node,
)
from liaison.pathways.rules.evaluate import FactSeen, PatientSeen, evaluate

NOW = datetime(2026, 3, 1, 3, 30, tzinfo=UTC)
ZONE = "America/New_York"

KINDS, CODES, STATUSES, VALUES = ("encounter", "observation"), ("A", "B"), ("final", "other"), ("", "x", "y")
instants = st.none() | st.integers(-100, 100).map(lambda hours: NOW + timedelta(hours=hours * 9))
numbers = st.none() | st.decimals(-5, 5, places=1)
some = lambda values: st.just(()) | st.lists(st.sampled_from(values), min_size=1, max_size=2).map(tuple)  # noqa: E731
bounds = st.builds(Bound, of=st.sampled_from(["now", "starts_at", "ends_at"]), days=st.integers(-20, 20))
ranges = st.builds(Range, at_least=numbers, below=numbers)
windows = st.builds(
    Window, column=st.sampled_from(["starts_at", "ends_at"]), start=st.none() | bounds, end=st.none() | bounds
)
facts_nodes = st.builds(
    HasFact,
    kind=st.sampled_from(KINDS),
    codes=some(CODES),
    systems=some(("s1", "s2")),
    statuses=some(STATUSES),
    values=some(VALUES),
    number=st.none() | ranges,
    when=windows | st.none(),
    at_least=st.integers(0, 3),
    latest=st.booleans(),
)
leaves = (
    facts_nodes
    | facts_nodes
    | facts_nodes
    | st.builds(Alive)
    | st.builds(Age, st.builds(Range, at_least=st.integers(0, 90).map(Decimal), below=st.none()))
    | st.builds(IsSex, st.sampled_from(["male", "female"]))
    | st.builds(DaysSinceAnchor, at_least=st.integers(0, 3), at_most=st.integers(0, 40))
    | st.builds(AnchorValue, some(VALUES))
)
nodes = st.recursive(
    leaves,
    lambda inner: (
        st.builds(All, st.lists(inner, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Not, inner)
    ),
    max_leaves=5,
)
criteria_trees = st.builds(
    Criteria,
    anchor=st.builds(
        Anchor,
        kind=st.just("encounter"),
        codes=st.sampled_from([(), ("A",), ("A", "B")]),
        statuses=st.sampled_from([(), ("final",)]),
    ),
    conditions=st.lists(st.builds(Criterion, holds=nodes, otherwise=st.just("no")), min_size=1, max_size=3).map(tuple),
)
fact_rows = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(KINDS),
        "code_system": st.sampled_from(["s1", "s2"]),
        "code": st.sampled_from(CODES),
        "status": st.sampled_from(STATUSES),
        "starts_at": instants,
        "ends_at": instants,
        "value_number": numbers,
        "value_text": st.sampled_from(VALUES),
    }
)
anchors = st.fixed_dictionaries(
    {
        "kind": st.just("encounter"),
        "code_system": st.just("s1"),
        "code": st.just("A"),
        "status": st.just("final"),
        "starts_at": instants,
        "ends_at": st.integers(0, 900).map(lambda hours: NOW - timedelta(hours=hours)),
        "value_number": numbers,
        "value_text": st.sampled_from(VALUES),
    }
)
charts = st.tuples(anchors, st.lists(fact_rows, max_size=5)).map(lambda chart: [chart[0], *chart[1]])
people = st.fixed_dictionaries(
    {
        "birth_on": st.none() | st.dates(date(1930, 1, 1), date(2026, 12, 31)) | st.just(date(2004, 2, 29)),
        "sex": st.sampled_from(["male", "female"]),
        "deceased_on": st.none() | st.dates(date(2026, 2, 25), date(2026, 3, 3)),
        "dead": st.booleans(),
    }
)


@pytest.fixture
def place(db):
    """A site, a source and what a fact needs to stand on."""
    from liaison.accounts.models import Site
    from liaison.core.postgres.guard import writes_open
    from liaison.records.models import Source

    with writes_open():
        site = Site.objects.create(code="r", name="R", time_zone=ZONE)
        source = Source.objects.create(name="t", sha256="t", received_at=NOW, received_by="t")
    return site, source


EVERY_BOUND = Criteria(
    anchor=Anchor(kind="encounter", codes=(), statuses=()),
    conditions=tuple(
        Criterion(
            holds=HasFact(
                kind="observation",
                codes=("A",),
                systems=(),
                statuses=(),
                values=(),
                number=limits,
                when=Window(column=column, start=start, end=end),
                at_least=1,
                latest=latest,
            ),
            otherwise="no",
        )
        for latest in (False, True)
        for column in ("starts_at", "ends_at")
        for limits in (None, Range(at_least=Decimal(1), below=None), Range(at_least=None, below=Decimal(2)))
        for start in (None, Bound(of="starts_at", days=-3))
        for end in (None, Bound(of="now"))
    ),
)
"""Conditions with each end of a window or range present and absent, so that every branch is taken in every run."""

SEEN_BEFORE = {
    "kind": "encounter", "code_system": "s1", "code": "A", "status": "final", "starts_at": NOW - timedelta(days=4),
    "ends_at": NOW - timedelta(days=2), "value_number": None, "value_text": "",
}  # fmt: skip
MEASURED = {**SEEN_BEFORE, "kind": "observation", "value_number": Decimal("1.5")}
SOMEBODY = {"birth_on": None, "sex": "male", "deceased_on": None, "dead": False}


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(tree=criteria_trees, crowd=st.lists(st.tuples(people, charts), min_size=1, max_size=3))
@example(tree=EVERY_BOUND, crowd=[(SOMEBODY, [SEEN_BEFORE, MEASURED])])
@example(tree=EVERY_BOUND, crowd=[(SOMEBODY, [{**SEEN_BEFORE, "starts_at": None}, {**MEASURED, "ends_at": None}])])
def test_the_set_reading_agrees_with_the_reference(place, tree, crowd):
    from liaison.pathways.queries import anchors_that_pass, judged_anchors

    expected = {}
    for person, rows in crowd:
        patient, seen = _keep(place, person, rows)
        for verdict in evaluate(tree, patient=seen, now=NOW):
            expected[patient, verdict.anchor_id] = verdict.failed
    patients = [pk for pk, _ in expected] or [0]
    judged = judged_anchors(tree, now=NOW, patient_ids=patients)
    assert {(one.patient_id, one.fact_id): one.failed for one in judged} == expected
    passing = {(one.patient_id, one.fact_id) for one in anchors_that_pass(tree, now=NOW, patient_ids=patients)}
    assert passing == {key for key, failed in expected.items() if failed is None}


def _keep(place, person, rows):
    import uuid

    from liaison.core.postgres.guard import writes_open
    from liaison.patients.models import Patient, PatientSite
    from liaison.records.models import Fact, Resource

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


def test_a_tree_is_read_from_data():
    tree = read_criteria(
        {
            "anchor": {"kind": "encounter", "codes": ["IMP"], "statuses": ["finished"]},
            "conditions": [
                {
                    "otherwise": "no",
                    "holds": {
                        "all": [
                            {"any": [{"alive": True}, {"alive": False}]},
                            {"not": {"sex": "male"}},
                            {"age": {"at_least": 18, "below": 65.5}},
                            {"anchor_value": ["snf"]},
                            {"days_since_anchor": {"at_most": 29}},
                            {
                                "fact": {
                                    "kind": "observation",
                                    "codes": ["4548-4"],
                                    "number": {"at_least": 9},
                                    "when": {
                                        "of": "ends_at",
                                        "from": {"anchor": "ends_at", "days": -3},
                                        "until": {"now": 0},
                                    },
                                    "latest": True,
                                }
                            },
                        ]
                    },
                }
            ],
        }
    )
    parts = tree.conditions[0].holds.parts
    assert parts[:3] == (
        AnyOf((Alive(), Not(Alive()))),
        Not(IsSex("male")),
        Age(Range(at_least=Decimal(18), below=Decimal("65.5"))),
    )
    assert parts[5].when == Window(column="ends_at", start=Bound(of="ends_at", days=-3), end=Bound(of="now"))
    assert parts[5].latest


@pytest.mark.parametrize(
    ("node", "complaint"),
    [
        ([], "an object is needed"),
        ({}, "exactly one name"),
        ({"all": [], "any": []}, "exactly one name"),
        ({"some": []}, "there is no node named 'some'"),
        ({"all": {}}, "a list is needed"),
        ({"alive": "yes"}, "true or false is needed"),
        ({"sex": ""}, "text is needed"),
        ({"age": {"over": 3}}, "unknown over"),
        ({"age": {"at_least": "3"}}, "a number is needed"),
        ({"age": {"at_least": True}}, "a number is needed"),
        ({"days_since_anchor": {"at_most": 2.5}}, "a whole number is needed"),
        ({"anchor_value": "snf"}, "a list of texts is needed"),
        ({"fact": {"kind": "x", "codes": [1]}}, "a list of texts is needed"),
        ({"fact": {"kind": "x", "when": {"of": "now"}}}, "starts_at or ends_at is needed"),
        ({"fact": {"kind": "x", "when": {"from": {"anchor": "now"}}}}, "starts_at or ends_at is needed"),
    ],
)
def test_what_is_no_tree_is_refused_with_the_place(node, complaint):
    with pytest.raises(BadCriteria, match=complaint):
        read_node(node, where="here")


def test_conditions_must_be_a_list():
    with pytest.raises(BadCriteria, match="conditions: a list"):
        read_criteria({"anchor": {"kind": "encounter"}, "conditions": {}})
