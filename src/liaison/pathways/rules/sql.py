"""The set reading of criteria: one SQL statement for everybody, however many patients there are.

`compile_criteria` returns a statement whose rows are the anchors that have ended, each with the first condition
that it fails (-1 when all hold). Values always go as parameters, never into the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from liaison.pathways.rules.criteria import (
    Age,
    Alive,
    All,
    AnchorValue,
    AnyOf,
    Bound,
    Criteria,
    DaysSinceAnchor,
    HasFact,
    IsSex,
    Node,
    Not,
    Range,
    Window,
)

ALL_HOLD = -1

TODAY = "(home.now AT TIME ZONE home.time_zone)::date"
"""The local day at the patient's site."""

AGE = (
    f"(extract(year FROM {TODAY}) - extract(year FROM p.birth_on)"
    f" - (to_char({TODAY}, 'MMDD') < to_char(p.birth_on, 'MMDD'))::int)"
)
"""Completed years; a 29 February birthday counts from 1 March in common years (DOMAIN 0)."""


class Statement(NamedTuple):
    """SQL with `%s` places, and the values for them in order."""

    sql: str
    params: list[Any]


@dataclass(slots=True)
class _Writer:
    params: list[Any] = field(default_factory=list)

    def put(self, value: object) -> str:
        """A place for a value."""
        self.params.append(value)
        return "%s"

    def node(self, node: Node) -> str:  # noqa: PLR0911  one answer for each kind of node
        """A boolean expression that is never NULL."""
        match node:
            case All(parts):
                return "(" + " AND ".join(self.node(part) for part in parts) + ")" if parts else "TRUE"
            case AnyOf(parts):
                return "(" + " OR ".join(self.node(part) for part in parts) + ")" if parts else "FALSE"
            case Not(part):
                return f"(NOT {self.node(part)})"
            case Alive():
                return f"(NOT p.is_deceased OR coalesce(p.deceased_on > {TODAY}, FALSE))"
            case Age(years):
                return f"(p.birth_on IS NOT NULL AND {self.range(years, AGE)})"
            case IsSex(sex):
                return f"(p.sex = {self.put(sex)})"
            case DaysSinceAnchor():
                return self.days(node)
            case AnchorValue(values):
                return f"({self.listed('a.value_text', values)})"
            case _:
                return self.fact(node)

    def days(self, node: DaysSinceAnchor) -> str:
        since = f"({TODAY} - (a.ends_at AT TIME ZONE home.time_zone)::date)"
        return f"({since} BETWEEN {self.put(node.at_least)} AND {self.put(node.at_most)})"

    def range(self, limits: Range, number: str) -> str:
        parts = [f"{number} IS NOT NULL"]
        if limits.at_least is not None:
            parts.append(f"{number} >= {self.put(limits.at_least)}")
        if limits.below is not None:
            parts.append(f"{number} < {self.put(limits.below)}")
        return "(" + " AND ".join(parts) + ")"

    def fact(self, node: HasFact) -> str:
        matching = f"FROM records_fact f WHERE f.patient_id = a.patient_id AND {self.matching(node)}"
        if node.latest:
            order = "ORDER BY f.starts_at DESC NULLS LAST, f.id DESC LIMIT 1"
            matching = f"FROM (SELECT f.value_text, f.value_number {matching} {order}) f WHERE {self.value(node)}"
        else:
            matching = f"{matching} AND {self.value(node)}"
        if node.at_least == 1:
            return f"EXISTS (SELECT {matching})"
        return f"((SELECT count(*) {matching}) >= {self.put(node.at_least)})"

    def matching(self, node: HasFact) -> str:
        parts = [f"f.kind = {self.put(node.kind)}"]
        for column, wanted in (("code", node.codes), ("code_system", node.systems), ("status", node.statuses)):
            if wanted:
                parts.append(self.listed(f"f.{column}", wanted))
        if node.when is not None:
            parts.append(self.window(node.when))
        return " AND ".join(parts)

    def value(self, node: HasFact) -> str:
        parts = [self.listed("f.value_text", node.values)] if node.values else []
        if node.number is not None:
            parts.append(self.range(node.number, "f.value_number"))
        return " AND ".join(parts) or "TRUE"

    def listed(self, column: str, wanted: Sequence[str]) -> str:
        return f"{column} = ANY({self.put(list(wanted))}::text[])"

    def window(self, window: Window) -> str:
        column = f"f.{window.column}"
        parts = [f"{column} IS NOT NULL"]
        if window.start is not None:
            parts.append(f"{column} >= {self.bound(window.start)}")
        if window.end is not None:
            parts.append(f"{column} <= {self.bound(window.end)}")
        return "coalesce(" + " AND ".join(parts) + ", FALSE)"

    def bound(self, bound: Bound) -> str:
        base = "home.now" if bound.of == "now" else f"a.{bound.of}"
        return f"({base} + {self.put(24 * bound.days)} * interval '1 hour')" if bound.days else base


def compile_criteria(
    criteria: Criteria, *, now: datetime, patient_ids: Sequence[int] | None = None, passing_only: bool = False
) -> Statement:
    """One statement for all anchors that ended by `now`, of these patients or (None) of everybody.

    Columns: patient_id, anchor's fact id, resource_id, starts_at, ends_at, time_zone, failed (the number of the
    first condition that does not hold, `ALL_HOLD` when none fails). Patients merged into others are left out.
    `passing_only` leaves out anchors that fail, which lets the database stop early.
    """
    verdict = _Writer()
    conditions = [verdict.node(condition.holds) for condition in criteria.conditions]
    cases = " ".join(f"WHEN NOT {condition} THEN {n}" for n, condition in enumerate(conditions))
    failed = f"CASE {cases} ELSE {ALL_HOLD} END" if conditions and not passing_only else str(ALL_HOLD)
    home = _Writer()
    here = f"""
        SELECT s.time_zone, {home.put(now)}::timestamptz AS now
        FROM patients_patientsite ps JOIN accounts_site s ON s.id = ps.site_id
        WHERE ps.patient_id = p.id ORDER BY ps.is_home DESC, ps.id LIMIT 1
    """
    where = _Writer()
    wanted = _anchors(criteria, writer=where, now=now)
    if patient_ids is not None:
        wanted.append(f"a.patient_id = ANY({where.put(list(patient_ids))}::bigint[])")
    if passing_only:
        wanted += [_not_older(criteria, writer=where, now=now)]
        wanted += [where.node(condition.holds) for condition in criteria.conditions]
    sql = f"""
        SELECT a.patient_id, a.id, a.resource_id, a.starts_at, a.ends_at, home.time_zone, {failed} AS failed
        FROM records_fact a
        JOIN patients_patient p ON p.id = a.patient_id AND p.merged_into_id IS NULL
        JOIN LATERAL ({here}) home ON TRUE
        WHERE {" AND ".join(wanted)}
        ORDER BY a.patient_id, a.id
    """
    params = [*([] if passing_only else verdict.params), *home.params, *where.params]
    return Statement(sql, params)


def _anchors(criteria: Criteria, *, writer: _Writer, now: datetime) -> list[str]:
    anchor = criteria.anchor
    parts = [f"a.kind = {writer.put(anchor.kind)}", f"a.ends_at <= {writer.put(now)}"]
    for column, listed in (("code", anchor.codes), ("status", anchor.statuses)):
        if listed:
            parts.append(writer.listed(f"a.{column}", listed))
    return parts


def _not_older(criteria: Criteria, *, writer: _Writer, now: datetime) -> str:
    """What the index on the end of encounters can use: the age limit among the conditions, with a day to spare."""
    limits = [one.holds.at_most for one in criteria.conditions if isinstance(one.holds, DaysSinceAnchor)]
    if not limits:
        return "TRUE"
    return f"a.ends_at >= {writer.put(now)}::timestamptz - {writer.put(min(limits) + 2)} * interval '1 day'"
