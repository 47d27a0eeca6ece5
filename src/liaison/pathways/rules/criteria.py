"""Criteria: a small tree of questions about one patient, and one anchor, at one moment.

The tree is data. It is read in two ways that must agree: `evaluate` asks one patient's facts in plain Python
(the reference), `sql.compile_protocol` makes one statement that asks everybody's. Nodes as JSON:

    {"all": [NODE, …]}   {"any": [NODE, …]}   {"not": NODE}
    {"alive": true}                                     not deceased on the local day of `now`
    {"age": {"at_least": 18, "below": 65}}              completed years on that day (DOMAIN 0)
    {"sex": "female"}
    {"anchor_value": ["snf", "rehab"]}                  the anchor's own value is one of these
    {"days_since_anchor": {"at_least": 0, "at_most": 29}}   local calendar days from the anchor's day to today's
    {"fact": {"kind": "encounter", "codes": ["IMP"], "systems": [], "statuses": ["finished"],
              "values": [], "number": {"at_least": 9, "below": 12},
              "when": {"of": "starts_at", "from": {"anchor": "ends_at", "days": 0}, "until": {"now": 0}},
              "at_least": 1, "latest": false}}

A `fact` node holds when at least `at_least` facts match everything it says; an empty list says nothing. A time
window is closed at both ends and counts elapsed time (`days` may be negative); a fact without that time never
matches one. With `latest`, only the fact that started last among those of the kind, codes, systems, statuses
and window counts (the last received, if several started at once), and its value must match.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

Column = Literal["starts_at", "ends_at"]


class BadCriteria(ValueError):
    """The data is no criteria tree; the message says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One end of a window: `days` (elapsed, may be negative) from `now` or from a time of the anchor."""

    of: Literal["now", "starts_at", "ends_at"]
    days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A closed span of time that a fact's `column` must lie in; an end that is None is open."""

    column: Column = "starts_at"
    start: Bound | None = None
    end: Bound | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Numbers from `at_least` up to but not including `below`; None is unbounded."""

    at_least: Decimal | None = None
    below: Decimal | None = None

    def holds(self, number: Decimal | None) -> bool:
        """Whether the number lies in it; an unknown number never does."""
        if number is None:
            return False
        return (self.at_least is None or number >= self.at_least) and (self.below is None or number < self.below)


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds (true when there is none)."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds (false when there is none)."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Node


@dataclass(frozen=True, slots=True)
class Alive:
    """Not deceased on the local day."""


@dataclass(frozen=True, slots=True)
class Age:
    """Completed years on the local day; an unknown birth date never matches."""

    years: Range


@dataclass(frozen=True, slots=True)
class IsSex:
    """Administrative sex."""

    sex: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysSinceAnchor:
    """Local calendar days from the day of the anchor's end to today."""

    at_least: int = 0
    at_most: int


@dataclass(frozen=True, slots=True)
class AnchorValue:
    """The anchor's value (for a stay: where the patient went) is one of these."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HasFact:
    """Facts of a kind; see the module."""

    kind: str
    codes: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    number: Range | None = None
    when: Window | None = None
    at_least: int = 1
    latest: bool = False


Node = All | AnyOf | Not | Alive | Age | IsSex | DaysSinceAnchor | AnchorValue | HasFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The event that a protocol hangs on: a fact with an end, such as a hospital stay."""

    kind: str
    codes: tuple[str, ...]
    statuses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One condition of a protocol, and what is said of an anchor that fails it ("too long ago")."""

    holds: Node
    otherwise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """The whole question: the anchor, and the conditions in the order in which failing them is told."""

    anchor: Anchor
    conditions: tuple[Criterion, ...] = field(default_factory=tuple)

    def reason(self, failed: int | None) -> str | None:
        """What is said of an anchor that fails the condition of this number; None of one that passes."""
        return self.conditions[failed].otherwise if failed is not None else None


def read_criteria(data: object) -> Criteria:
    """Read criteria from JSON data. Raises BadCriteria."""
    whole = _object(data, "criteria")
    _only(whole, {"anchor", "conditions"}, "criteria")
    anchor = _object(whole.get("anchor"), "anchor")
    _only(anchor, {"kind", "codes", "statuses"}, "anchor")
    conditions = whole.get("conditions", [])
    if not isinstance(conditions, list):
        raise BadCriteria("conditions: a list is needed")
    return Criteria(
        anchor=Anchor(
            kind=_text(anchor.get("kind"), "anchor.kind"),
            codes=_texts(anchor.get("codes"), "anchor.codes"),
            statuses=_texts(anchor.get("statuses"), "anchor.statuses"),
        ),
        conditions=tuple(_criterion(one, f"conditions[{n}]") for n, one in enumerate(conditions)),
    )


def _criterion(data: object, where: str) -> Criterion:
    one = _object(data, where)
    _only(one, {"holds", "otherwise"}, where)
    return Criterion(
        holds=read_node(one.get("holds"), where=f"{where}.holds"), otherwise=_text(one.get("otherwise"), where)
    )


def read_node(data: object, *, where: str = "") -> Node:
    """Read one node of the tree. Raises BadCriteria."""
    node = _object(data, where)
    if len(node) != 1:
        raise BadCriteria(f"{where}: a node has exactly one name, not {sorted(node)}")
    name, inside = next(iter(node.items()))
    reader = _READERS.get(name)
    if reader is None:
        raise BadCriteria(f"{where}: there is no node named {name!r}")
    return reader(inside, f"{where}.{name}")


def _parts(data: object, where: str) -> tuple[Node, ...]:
    if not isinstance(data, list):
        raise BadCriteria(f"{where}: a list is needed")
    return tuple(read_node(part, where=f"{where}[{n}]") for n, part in enumerate(data))


def _alive(data: object, where: str) -> Node:
    if not isinstance(data, bool):
        raise BadCriteria(f"{where}: true or false is needed")
    return Alive() if data else Not(Alive())


def _days(data: object, where: str) -> DaysSinceAnchor:
    days = _object(data, where)
    _only(days, {"at_least", "at_most"}, where)
    return DaysSinceAnchor(at_least=_whole(days.get("at_least", 0), where), at_most=_whole(days.get("at_most"), where))


def _fact(data: object, where: str) -> HasFact:
    fact = _object(data, where)
    _only(fact, {"kind", "codes", "systems", "statuses", "values", "number", "when", "at_least", "latest"}, where)
    return HasFact(
        kind=_text(fact.get("kind"), f"{where}.kind"),
        codes=_texts(fact.get("codes"), f"{where}.codes"),
        systems=_texts(fact.get("systems"), f"{where}.systems"),
        statuses=_texts(fact.get("statuses"), f"{where}.statuses"),
        values=_texts(fact.get("values"), f"{where}.values"),
        number=_range(fact["number"], f"{where}.number") if "number" in fact else None,
        when=_window(fact["when"], f"{where}.when") if "when" in fact else None,
        at_least=_whole(fact.get("at_least", 1), f"{where}.at_least"),
        latest=fact.get("latest") is True,
    )


def _window(data: object, where: str) -> Window:
    window = _object(data, where)
    _only(window, {"of", "from", "until"}, where)
    column = window.get("of", "starts_at")
    if column not in {"starts_at", "ends_at"}:
        raise BadCriteria(f"{where}.of: starts_at or ends_at is needed")
    return Window(
        column=column,
        start=_bound(window["from"], f"{where}.from") if "from" in window else None,
        end=_bound(window["until"], f"{where}.until") if "until" in window else None,
    )


def _bound(data: object, where: str) -> Bound:
    bound = _object(data, where)
    if set(bound) == {"now"}:
        return Bound(of="now", days=_whole(bound["now"], where))
    _only(bound, {"anchor", "days"}, where)
    column = bound.get("anchor")
    if column not in {"starts_at", "ends_at"}:
        raise BadCriteria(f"{where}.anchor: starts_at or ends_at is needed")
    return Bound(of=column, days=_whole(bound.get("days", 0), where))


def _range(data: object, where: str) -> Range:
    limits = _object(data, where)
    _only(limits, {"at_least", "below"}, where)
    return Range(at_least=_number(limits.get("at_least"), where), below=_number(limits.get("below"), where))


def _number(value: object, where: str) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise BadCriteria(f"{where}: a number is needed")
    return Decimal(str(value))


def _whole(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadCriteria(f"{where}: a whole number is needed")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise BadCriteria(f"{where}: text is needed")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadCriteria(f"{where}: a list of texts is needed")
    return tuple(value)


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadCriteria(f"{where}: an object is needed")
    return value


def _only(value: dict[str, Any], known: set[str], where: str) -> None:
    if unknown := set(value) - known:
        raise BadCriteria(f"{where}: unknown {', '.join(sorted(unknown))}")


_READERS: dict[str, Callable[[object, str], Node]] = {
    "all": lambda data, where: All(_parts(data, where)),
    "any": lambda data, where: AnyOf(_parts(data, where)),
    "not": lambda data, where: Not(read_node(data, where=where)),
    "alive": _alive,
    "age": lambda data, where: Age(_range(data, where)),
    "sex": lambda data, where: IsSex(_text(data, where)),
    "anchor_value": lambda data, where: AnchorValue(_texts(data, where)),
    "days_since_anchor": _days,
    "fact": _fact,
}
