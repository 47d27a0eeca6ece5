"""The reference reading of criteria: one patient at a time, in plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal

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
)

_BEFORE_EVERYTHING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSeen:
    """A fact as criteria see it; `id` orders facts by arrival."""

    id: int
    kind: str
    code_system: str = ""
    code: str = ""
    status: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    value_number: Decimal | None = None
    value_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientSeen:
    """A patient as criteria see them, with all their facts; `zone` is that of their site."""

    zone: tzinfo
    birth_on: date | None = None
    sex: str = "unknown"
    is_deceased: bool = False
    deceased_on: date | None = None
    facts: Sequence[FactSeen] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What criteria say of one anchor: `failed` is the first condition that does not hold, None when all do."""

    anchor_id: int
    failed: int | None


@dataclass(frozen=True, slots=True)
class _Case:
    patient: PatientSeen
    anchor: FactSeen
    now: datetime

    @property
    def today(self) -> date:
        return self.now.astimezone(self.patient.zone).date()


def evaluate(criteria: Criteria, *, patient: PatientSeen, now: datetime) -> list[Verdict]:
    """A verdict for each anchor of this patient that has ended by `now`, in the order of arrival."""
    verdicts = []
    for fact in sorted(patient.facts, key=lambda one: one.id):
        if not _is_anchor(criteria, fact=fact, now=now):
            continue
        case = _Case(patient, fact, now)
        failed = (n for n, condition in enumerate(criteria.conditions) if not holds(condition.holds, case=case))
        verdicts.append(Verdict(anchor_id=fact.id, failed=next(failed, None)))
    return verdicts


def _is_anchor(criteria: Criteria, *, fact: FactSeen, now: datetime) -> bool:
    anchor = criteria.anchor
    return (
        fact.kind == anchor.kind
        and _listed(fact.code, anchor.codes)
        and _listed(fact.status, anchor.statuses)
        and fact.ends_at is not None
        and fact.ends_at <= now
    )


def _listed(value: str, wanted: tuple[str, ...]) -> bool:
    return not wanted or value in wanted


def holds(node: Node, *, case: _Case) -> bool:  # noqa: PLR0911  one answer for each kind of node
    """Whether a node holds in this case."""
    match node:
        case All(parts):
            return all(holds(part, case=case) for part in parts)
        case AnyOf(parts):
            return any(holds(part, case=case) for part in parts)
        case Not(part):
            return not holds(part, case=case)
        case Alive():
            patient = case.patient
            return not patient.is_deceased or (patient.deceased_on is not None and patient.deceased_on > case.today)
        case Age(years):
            return years.holds(_age(case.patient.birth_on, on=case.today))
        case IsSex(sex):
            return case.patient.sex == sex
        case DaysSinceAnchor():
            return node.at_least <= _days_since(case) <= node.at_most
        case AnchorValue(values):
            return case.anchor.value_text in values
        case _:
            return _has(node, case=case)


def _age(birth_on: date | None, *, on: date) -> Decimal | None:
    if birth_on is None:
        return None
    return Decimal(on.year - birth_on.year - ((on.month, on.day) < (birth_on.month, birth_on.day)))


def _days_since(case: _Case) -> int:
    ended = case.anchor.ends_at or case.now
    return (case.today - ended.astimezone(case.patient.zone).date()).days


def _has(node: HasFact, *, case: _Case) -> bool:
    matching = [fact for fact in case.patient.facts if _matches(node, fact=fact, case=case)]
    if node.latest:
        matching = [max(matching, key=_latest_first)] if matching else []
    return sum(_value_matches(node, fact=fact) for fact in matching) >= node.at_least


def _latest_first(fact: FactSeen) -> tuple[datetime, int]:
    return fact.starts_at or _BEFORE_EVERYTHING, fact.id


def _matches(node: HasFact, *, fact: FactSeen, case: _Case) -> bool:
    return (
        fact.kind == node.kind
        and _listed(fact.code, node.codes)
        and _listed(fact.code_system, node.systems)
        and _listed(fact.status, node.statuses)
        and _in_window(node, fact=fact, case=case)
    )


def _value_matches(node: HasFact, *, fact: FactSeen) -> bool:
    return _listed(fact.value_text, node.values) and (node.number is None or node.number.holds(fact.value_number))


def _in_window(node: HasFact, *, fact: FactSeen, case: _Case) -> bool:
    if node.when is None:
        return True
    at = fact.starts_at if node.when.column == "starts_at" else fact.ends_at
    if at is None:
        return False
    start, end = _instant(node.when.start, case=case), _instant(node.when.end, case=case)
    return (node.when.start is None or (start is not None and at >= start)) and (
        node.when.end is None or (end is not None and at <= end)
    )


def _instant(bound: Bound | None, *, case: _Case) -> datetime | None:
    if bound is None:
        return None
    times = {"now": case.now, "starts_at": case.anchor.starts_at, "ends_at": case.anchor.ends_at}
    base = times[bound.of]
    return base + timedelta(days=bound.days) if base is not None else None
