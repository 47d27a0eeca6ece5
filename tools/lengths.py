"""Modules of at most 400 lines and functions of at most 50; the build fails at 600 and 80.

What must be longer stands in tools/lengths.txt: `path` or `path::name`, a colon and the reason.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("src", "tests", "bench", "tools")
EXCEPTIONS = ROOT / "tools" / "lengths.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Lines that are fine, and lines from which the build fails."""

    fine: int
    fails: int


MODULE = Limit(fine=400, fails=600)
FUNCTION = Limit(fine=50, fails=80)


@dataclass(frozen=True, slots=True, kw_only=True)
class Long:
    """Something that is longer than fine."""

    where: str
    lines: int
    limit: Limit


def main() -> int:
    """Tell what is too long; returns the exit status."""
    allowed = _exceptions()
    found = [long for path in _modules() for long in _long_things(path)]
    too_long = [long for long in found if long.lines >= long.limit.fails and long.where not in allowed]
    for long in too_long:
        print(f"{long.where}: {long.lines} lines, at most {long.limit.fine} are fine")
    for where in sorted(set(allowed) - {long.where for long in found if long.lines >= long.limit.fails}):
        print(f"{where} is not too long any more: remove it from {EXCEPTIONS.relative_to(ROOT)}")
        return 1
    print(f"{len(found)} things are longer than is fine, {len(too_long)} too long.")
    return 1 if too_long else 0


def _exceptions() -> dict[str, str]:
    if not EXCEPTIONS.exists():
        return {}
    lines = [line for line in EXCEPTIONS.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return {where.strip(): reason.strip() for where, _, reason in (line.rpartition(": ") for line in lines)}


def _modules() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (p for p in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in p.parts)


def _long_things(path: Path) -> Iterator[Long]:
    text = path.read_text(encoding="utf-8")
    where = str(path.relative_to(ROOT))
    lines = text.count("\n")
    if lines > MODULE.fine:
        yield Long(where=where, lines=lines, limit=MODULE)
    for node in ast.walk(ast.parse(text, filename=where)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION.fine:
                yield Long(where=f"{where}::{node.name}", lines=length, limit=FUNCTION)


if __name__ == "__main__":
    sys.exit(main())
