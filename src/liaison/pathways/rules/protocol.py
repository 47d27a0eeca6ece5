"""A protocol: criteria, and the loop with its clocks that is opened for each anchor that passes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from importlib.resources import files
from typing import Any

from liaison.core.calendars import FEDERAL, Allowance, BusinessCalendar, Unit, due_after_day, end_of_day
from liaison.pathways.rules.criteria import BadCriteria, Criteria, read_criteria

LAST_RECONCILIATION = 30
"""Days after discharge by which the medicines must be reconciled at the latest (DOMAIN 4.7: day 0–30)."""


class Complexity(StrEnum):
    """Medical decision making that the visit is expected to need (CPT 99495: moderate; 99496: high)."""

    MODERATE = "moderate"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockPlan:
    """One clock as the protocol describes it; `allow_high` replaces `allow` when the complexity is high."""

    rule: str
    step: str
    evidence: str
    allow: Allowance
    allow_high: Allowance

    def allowance(self, complexity: Complexity) -> Allowance:
        """How long it allows."""
        return self.allow_high if complexity is Complexity.HIGH else self.allow


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The loop that a protocol opens."""

    kind: str
    title: str
    priority: str
    clocks: tuple[ClockPlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """One version of a protocol."""

    code: str
    version: str
    title: str
    source: str
    criteria: Criteria
    opens: Opening

    def clock(self, rule: str) -> ClockPlan:
        """The clock of this rule; LookupError when there is none."""
        for plan in self.opens.clocks:
            if plan.rule == rule:
                return plan
        raise LookupError(f"Protocol {self.code} {self.version} has no clock {rule}.")


def read_protocol(data: Mapping[str, Any]) -> Protocol:
    """Read a protocol from JSON data. Raises BadCriteria."""
    try:
        opens = data["opens"]
        return Protocol(
            code=str(data["code"]),
            version=str(data["version"]),
            title=str(data["title"]),
            source=str(data["source"]),
            criteria=read_criteria(data["criteria"]),
            opens=Opening(
                kind=str(opens["kind"]),
                title=str(opens["title"]),
                priority=str(opens.get("priority", "routine")),
                clocks=tuple(_clock(one) for one in opens["clocks"]),
            ),
        )
    except (KeyError, TypeError) as problem:
        raise BadCriteria(f"protocol: {problem} is missing or of the wrong kind") from None


def _clock(data: Mapping[str, Any]) -> ClockPlan:
    allow = _allowance(data["allow"])
    return ClockPlan(
        rule=str(data["rule"]),
        step=str(data["step"]),
        evidence=str(data["evidence"]),
        allow=allow,
        allow_high=_allowance(data["allow_high"]) if "allow_high" in data else allow,
    )


def _allowance(data: Mapping[str, int]) -> Allowance:
    units = {"business_days": Unit.BUSINESS_DAYS, "days": Unit.CALENDAR_DAYS, "hours": Unit.HOURS}
    (unit, amount), *more = data.items()
    if more or unit not in units:
        raise BadCriteria(f"allow: one of {', '.join(units)} is needed")
    return Allowance(amount=amount, unit=units[unit])


def packaged_protocols() -> tuple[Mapping[str, Any], ...]:
    """The definitions that come with the program, as data, by name of file."""
    folder = files("liaison.pathways") / "protocols"
    found = sorted((one for one in folder.iterdir() if one.name.endswith(".json")), key=lambda one: one.name)
    return tuple(json.loads(one.read_text(encoding="utf-8")) for one in found)


def due_at(
    plan: ClockPlan, *, anchor_on: date, complexity: Complexity, zone: tzinfo, calendar: BusinessCalendar = FEDERAL
) -> datetime:
    """When a clock is due: the end of the local day. The anchor's day is day 0 (DOMAIN 2.1)."""
    return due_after_day(anchor_on, allowance=plan.allowance(complexity), zone=zone, calendar=calendar)


def reconcile_by(*, anchor_on: date, visit_on: date | None, otherwise: datetime, zone: tzinfo) -> datetime:
    """When the medicines must be reconciled: by the day of the visit, at the latest 30 days after the discharge."""
    if visit_on is None:
        return otherwise
    return end_of_day(min(visit_on, anchor_on + timedelta(days=LAST_RECONCILIATION)), zone=zone)
