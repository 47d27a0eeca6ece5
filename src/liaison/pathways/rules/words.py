"""Criteria in words, for people who want to know what a protocol asks."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from liaison.pathways.rules.criteria import (
    Age,
    Alive,
    All,
    Anchor,
    AnchorValue,
    AnyOf,
    Bound,
    DaysSinceAnchor,
    HasFact,
    IsSex,
    Node,
    Not,
    Range,
    Window,
)

CLASSES = {
    "IMP": "hospital stay",
    "ACUTE": "acute stay",
    "NONAC": "non-acute stay",
    "OBSENC": "observation",
    "AMB": "outpatient",
    "EMER": "emergency",
}
"""Encounter classes (HL7 ActEncounterCode) as a coordinator calls them."""
KINDS = {"encounter": "stay or visit", "observation": "result", "death": "record of death"}


def anchor_words(anchor: Anchor) -> str:
    """What a protocol hangs on: "a stay or visit (hospital stay, acute stay), finished, that has ended"."""
    coded = f" ({', '.join(_coded(anchor.codes))})" if anchor.codes else ""
    status = f", {' or '.join(anchor.statuses)}," if anchor.statuses else ""
    return f"a {_kind(anchor.kind)}{coded}{status} that has ended"


def node_words(node: Node) -> str:  # noqa: PLR0911  one answer for each kind of node
    """One question of the criteria as a clause: "0 to 29 days have passed since then"."""
    match node:
        case All(parts):
            return _joined(parts, word="and") or "always"
        case AnyOf(parts):
            return _joined(parts, word="or") or "never"
        case Not(part):
            return f"not: {node_words(part)}"
        case Alive():
            return "the patient is alive"
        case Age(years):
            return f"the patient's age in years is {_range(years)}"
        case IsSex(sex):
            return f"the patient's sex is {sex}"
        case DaysSinceAnchor():
            return f"{node.at_least} to {node.at_most} days have passed since it ended"
        case AnchorValue(values):
            return f"it ended with {_either(values)}"
        case _:
            return _fact(node)


def _joined(parts: Sequence[Node], *, word: str) -> str:
    said = [node_words(part) for part in parts]
    return said[0] if len(said) == 1 else f" {word} ".join(f"({one})" for one in said)


def _fact(node: HasFact) -> str:
    times = "" if node.at_least == 1 else f"at least {node.at_least} times "
    said = [f"there is {times}{'as the latest ' if node.latest else ''}a {_kind(node.kind)}"]
    said += [f"coded {_either(_coded(node.codes))}"] if node.codes else []
    said += [f"in {_either(node.systems)}"] if node.systems else []
    said += [f"that is {_either(node.statuses)}"] if node.statuses else []
    said += [f"saying {_either(node.values)}"] if node.values else []
    said += [f"of {_range(node.number)}"] if node.number is not None else []
    said += [_window(node.when)] if node.when is not None else []
    return " ".join(said)


def _kind(kind: str) -> str:
    return KINDS.get(kind, kind.replace("_", " "))


def _coded(codes: Sequence[str]) -> list[str]:
    return [CLASSES.get(code, code) for code in codes]


def _either(values: Sequence[str]) -> str:
    return " or ".join(values) or "nothing"


def _range(limits: Range) -> str:
    ends = [f"at least {_number(limits.at_least)}"] if limits.at_least is not None else []
    ends += [f"below {_number(limits.below)}"] if limits.below is not None else []
    return " and ".join(ends) or "known"


def _number(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _window(window: Window) -> str:
    verb = "that began" if window.column == "starts_at" else "that ended"
    ends = [f"from {_bound(window.start)}"] if window.start is not None else []
    ends += [f"until {_bound(window.end)}"] if window.end is not None else []
    return " ".join([verb, *ends]) if ends else f"{verb} at a known time"


def _bound(bound: Bound) -> str:
    base = {"now": "now", "starts_at": "its beginning", "ends_at": "its end"}[bound.of]
    if not bound.days:
        return base
    return f"{abs(bound.days)} days {'after' if bound.days > 0 else 'before'} {base}"
