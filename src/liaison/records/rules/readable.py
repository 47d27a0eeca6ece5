"""A resource as a table for a person: one row for each value, labels in words, nesting kept as depth."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MOST_ROWS = 1_500
LONGEST_VALUE = 2_000
MOST_LEVELS = 60
"""Objects and lists inside each other that are shown; nothing a person reads is nested so deep."""

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SKIPPED = frozenset({"resourceType", "div"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`value` is empty on a row that only heads what follows it, one level deeper."""

    depth: int
    label: str
    value: str


def rows_of(resource: object) -> tuple[Row, ...]:
    """The rows of a resource in its own order; at most `MOST_ROWS`, long values cut. Never markup: plain text.

    What lies deeper than `MOST_LEVELS` is told in one row: a resource may come with hundreds of levels.
    """
    found = []
    for row in _rows(resource, depth=0, level=0):
        found.append(row)
        if len(found) >= MOST_ROWS:
            break
    return tuple(found)


def label_of(name: str) -> str:
    """A field's name in words: `effectiveDateTime` is "Effective date time"."""
    return _HUMP.sub(" ", name.lstrip("_")).replace("_", " ").capitalize()


def _rows(value: object, *, depth: int, level: int) -> Iterator[Row]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in _SKIPPED:
                yield from _field(label_of(name), inner, depth=depth, level=level)


def _field(label: str, value: Any, *, depth: int, level: int) -> Iterator[Row]:
    short = _in_short(value)
    if short is not None:
        yield Row(depth=depth, label=label, value=short[:LONGEST_VALUE])
    elif level >= MOST_LEVELS:
        yield Row(depth=depth, label=label, value="nested deeper than is shown here; the JSON holds it")
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            name = label if len(value) == 1 else f"{label} {number}"
            yield from _field(name, inner, depth=depth, level=level + 1)
    else:
        yield Row(depth=depth, label=label, value="")
        yield from _rows(value, depth=depth + 1, level=level + 1)


def _in_short(value: Any) -> str | None:
    """Plain values as text, and the shapes that are one thing to a person: codings, quantities, references."""
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(one for one in value if one) if all(isinstance(one, str) for one in value) else None
    return _shape(value) if isinstance(value, dict) else str(value)


def _shape(value: dict[str, Any]) -> str | None:
    if any(isinstance(one, dict | list) for one in value.values()):
        return None  # not the plain shape that its names promise
    names = set(value)
    if names <= {"system", "code", "display", "version", "userSelected"} and "code" in names:
        return f"{value.get('display', '')} ({value['code']})".strip() if "display" in names else str(value["code"])
    if names <= {"reference", "display", "type"} and "reference" in names:
        return f"{value.get('display', '')} → {value['reference']}".strip()
    if names <= {"value", "unit", "system", "code", "comparator"} and "value" in names:
        unit = value.get("unit") or value.get("code") or ""
        return f"{value.get('comparator', '')}{value['value']} {unit}".strip()
    if names <= {"start", "end"} and names:
        return f"{value.get('start', '…')} – {value.get('end', '…')}"
    return None
