"""Criteria: their two readings agree, and bad data is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
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

NOW = datetime(2026, 3, 1, 3, 30, tzinfo=UTC)

KINDS, CODES, STATUSES, VALUES = ("encounter", "observation"), ("A", "B"), ("final", "other"), ("", "x", "y")
instants = st.none() | st.integers(-100, 100).map(lambda hours: NOW + timedelta(hours=hours * 9))
numbers = st.none() | st.decimals(-5, 5, places=1)
some = lambda values: st.just(()) | st.lists(st.sampled_from(values), min_size=1, max_size=2).map(tuple)  # noqa: E731 - a strategy reads best on a line
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


def _joined(inner: st.SearchStrategy) -> st.SearchStrategy:
    return (
        inner
        | st.builds(All, st.lists(inner, max_size=2).map(tuple))
        | st.builds(AnyOf, st.lists(inner, max_size=2).map(tuple))
        | st.builds(Not, inner)
    )


nodes = _joined(_joined(leaves))
"""Trees of at most two joints: deep enough for each joint to stand inside each, and never slow to draw."""

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


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(tree=criteria_trees, crowd=st.lists(st.tuples(people, charts), min_size=1, max_size=3))
def test_the_set_reading_agrees_with_the_reference(place, tree, crowd):
    from liaison.pathways.tests.charts import both_readings

    both_readings(place, tree, crowd)


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
