"""What each question of the criteria says of a small chart, by the reference and by the database alike."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from liaison.pathways.rules.criteria import (
    Age,
    Alive,
    All,
    Anchor,
    AnchorValue,
    AnyOf,
    Bound,
    Criteria,
    Criterion,
    DaysSinceAnchor,
    HasFact,
    IsSex,
    Node,
    Not,
    Range,
    Window,
)
from liaison.pathways.rules.evaluate import FactSeen, PatientSeen, evaluate
from liaison.pathways.rules.sql import compile_criteria

NOW = datetime(2026, 3, 1, 3, 30, tzinfo=UTC)
"""Still 28 February in New York."""

WALTER = {"birth_on": date(1961, 2, 28), "sex": "male", "dead": False, "deceased_on": None}
STAY = {
    "kind": "encounter", "code_system": "s1", "code": "IMP", "status": "finished", "value_number": None,
    "value_text": "home", "starts_at": NOW - timedelta(days=5), "ends_at": NOW - timedelta(days=2),
}  # fmt: skip
MEASURED = {
    **STAY, "kind": "observation", "code": "A1C", "status": "final", "value_number": Decimal("1.5"),
    "value_text": "high", "starts_at": NOW - timedelta(days=1), "ends_at": NOW - timedelta(hours=23),
}  # fmt: skip
EARLIER = {**MEASURED, "starts_at": NOW - timedelta(days=9), "value_number": Decimal(7), "value_text": "low"}
UNDATED = {**MEASURED, "starts_at": None, "ends_at": None}
UNMEASURED = {**MEASURED, "value_number": None}
NOT_STARTED = {**STAY, "starts_at": None}


def asked(node: Node) -> Criteria:
    """Criteria with one question about a hospital stay."""
    return Criteria(
        anchor=Anchor(kind="encounter", codes=("IMP",), statuses=("finished",)),
        conditions=(Criterion(holds=node, otherwise="no"),),
    )


def seen(**more: Any) -> HasFact:
    """An observation of which something is asked."""
    return HasFact(kind="observation", **more)


def within(**ends: Any) -> HasFact:
    """An observation in a window."""
    return seen(when=Window(**ends))


AFTER_LEAVING = Bound(of="ends_at")
YES, NO = Alive(), Not(Alive())


@pytest.mark.parametrize(
    ("node", "facts", "holds"),
    [
        (All(()), [], True),
        (All((YES, YES)), [], True),
        (All((YES, NO)), [], False),
        (AnyOf(()), [], False),
        (AnyOf((NO, YES)), [], True),
        (AnyOf((NO, NO)), [], False),
        (IsSex("male"), [], True),
        (IsSex("female"), [], False),
        (AnchorValue(("home", "snf")), [], True),
        (AnchorValue(("snf",)), [], False),
        (DaysSinceAnchor(at_least=2, at_most=2), [], True),
        (DaysSinceAnchor(at_least=0, at_most=1), [], False),
        (DaysSinceAnchor(at_least=3, at_most=9), [], False),
        (Age(Range(at_least=Decimal(65))), [], True),
        (Age(Range(below=Decimal(65))), [], False),
        (Age(Range(at_least=Decimal(66))), [], False),
        (seen(), [], False),
        (seen(), [MEASURED], True),
        (seen(codes=("A1C",), systems=("s1",), statuses=("final",)), [MEASURED], True),
        (seen(codes=("LDL",)), [MEASURED], False),
        (seen(systems=("s2",)), [MEASURED], False),
        (seen(statuses=("preliminary",)), [MEASURED], False),
        (seen(values=("high",)), [MEASURED], True),
        (seen(values=("low",)), [MEASURED], False),
        (seen(number=Range(at_least=Decimal("1.5"))), [MEASURED], True),
        (seen(number=Range(below=Decimal("1.5"))), [MEASURED], False),
        (seen(number=Range()), [UNMEASURED], False),
        (seen(at_least=2), [MEASURED], False),
        (seen(at_least=2), [MEASURED, EARLIER], True),
        (seen(at_least=0), [], True),
        (seen(values=("high",), latest=True), [MEASURED, EARLIER], True),
        (seen(values=("low",), latest=True), [MEASURED, EARLIER], False),
        (seen(values=("low",), latest=True), [EARLIER, UNDATED], True),
        (seen(latest=True), [], False),
        (within(), [MEASURED], True),
        (within(), [UNDATED], False),
        (within(column="ends_at"), [UNDATED], False),
        (within(column="ends_at", start=AFTER_LEAVING), [MEASURED], True),
        (within(start=AFTER_LEAVING), [MEASURED], True),
        (within(start=AFTER_LEAVING), [EARLIER], False),
        (within(end=AFTER_LEAVING), [MEASURED], False),
        (within(end=AFTER_LEAVING), [EARLIER], True),
        (within(start=Bound(of="ends_at", days=-7)), [EARLIER], True),
        (within(start=Bound(of="now", days=-2), end=Bound(of="now")), [MEASURED], True),
        (within(start=Bound(of="starts_at")), [EARLIER], False),
    ],
)  # fmt: skip
def test_a_question_says_the_same_by_both_readings(place, node, facts, holds):
    from liaison.pathways.tests.charts import both_readings

    assert both_readings(place, asked(node), [(WALTER, [STAY, *facts])]) == [None if holds else 0]


@pytest.mark.parametrize("end", ["start", "end"])
def test_a_window_from_an_unknown_start_of_the_stay_holds_nothing(place, end):
    from liaison.pathways.tests.charts import both_readings

    node = within(**{end: Bound(of="starts_at", days=1)})
    assert both_readings(place, asked(node), [(WALTER, [NOT_STARTED, MEASURED])]) == [0]


@pytest.mark.parametrize(
    ("dead", "died_on", "alive"),
    [
        (False, None, True),
        (True, None, False),
        (True, date(2026, 2, 28), False),
        (True, date(2026, 3, 1), True),
    ],
)
def test_a_person_is_alive_until_the_local_day_of_their_death(place, dead, died_on, alive):
    from liaison.pathways.tests.charts import both_readings

    person = {**WALTER, "dead": dead, "deceased_on": died_on}
    assert both_readings(place, asked(Alive()), [(person, [STAY])]) == [None if alive else 0]


def test_an_unknown_birth_date_is_of_no_age(place):
    from liaison.pathways.tests.charts import both_readings

    assert both_readings(place, asked(Age(Range())), [({**WALTER, "birth_on": None}, [STAY])]) == [0]


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "observation"},
        {"code": "AMB"},
        {"status": "in-progress"},
        {"ends_at": None},
        {"ends_at": NOW + timedelta(seconds=1)},
    ],
)
def test_only_an_ended_stay_of_the_kind_is_an_anchor(place, other):
    from liaison.pathways.tests.charts import both_readings

    assert both_readings(place, asked(YES), [(WALTER, [{**STAY, **other}])]) == []


def test_an_anchor_of_any_code_and_status_takes_every_stay(place):
    from liaison.pathways.tests.charts import both_readings

    tree = Criteria(
        anchor=Anchor(kind="encounter", codes=(), statuses=()), conditions=(Criterion(holds=NO, otherwise="no"),)
    )
    assert both_readings(place, tree, [(WALTER, [STAY, {**STAY, "code": "AMB", "status": "planned"}])]) == [0, 0]


def test_the_first_condition_that_fails_is_named_and_none_when_nothing_is_asked(place):
    from liaison.pathways.tests.charts import both_readings

    anchor = Anchor(kind="encounter", codes=(), statuses=())
    asks = tuple(Criterion(holds=node, otherwise="no") for node in (YES, NO, NO))
    assert both_readings(place, Criteria(anchor=anchor, conditions=asks), [(WALTER, [STAY])]) == [1]
    assert both_readings(place, Criteria(anchor=anchor, conditions=()), [(WALTER, [STAY])]) == [None]


def test_everybody_is_asked_when_nobody_is_named():
    one = compile_criteria(asked(YES), now=NOW, patient_ids=[7])
    everybody = compile_criteria(asked(YES), now=NOW)
    assert "a.patient_id = ANY" in one.sql
    assert [7] in one.params
    assert "a.patient_id = ANY" not in everybody.sql


def test_old_stays_are_left_out_early_when_the_criteria_set_a_limit():
    limited = compile_criteria(asked(DaysSinceAnchor(at_most=29)), now=NOW, passing_only=True)
    assert "interval '1 day'" in limited.sql
    assert 31 in limited.params
    assert "interval '1 day'" not in compile_criteria(asked(YES), now=NOW, passing_only=True).sql


def test_the_reference_passes_over_a_fact_without_the_time_that_is_asked():
    """The plain example of it: no database, and nothing drawn."""
    rows = [FactSeen(id=n, **row) for n, row in enumerate([STAY, UNDATED])]
    walter = PatientSeen(zone=ZoneInfo("America/New_York"), sex="male", facts=rows)
    for column in ("starts_at", "ends_at"):
        assert [one.failed for one in evaluate(asked(within(column=column)), patient=walter, now=NOW)] == [0]
