"""Modules of at most 400 lines and functions of at most 50; the build fails at 600 and 80.

A line of a template has at most 500 characters; the build fails at 3000. It is broken where white space doesn't show:
between template tags, blocks and the cells of a grid, and between the attributes of a tag.
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
    """How long is fine, and from where on the build fails."""

    fine: int
    fails: int
    unit: str = "lines"


MODULE = Limit(fine=400, fails=600)
FUNCTION = Limit(fine=50, fails=80)
TEMPLATE_LINE = Limit(fine=500, fails=1300, unit="characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Long:
    """Something that is longer than fine."""

    where: str
    length: int
    limit: Limit


def main() -> int:
    """Tell what is too long; returns the exit status."""
    allowed = _exceptions()
    code = [long for path in _modules() for long in long_things(path.read_text("utf-8"), where=_name(path))]
    pages = [long for path in _templates() for long in long_lines(path.read_text("utf-8"), where=_name(path))]
    found = code + pages
    too_long = [long for long in found if long.length >= long.limit.fails and long.where not in allowed]
    for long in too_long:
        print(f"{long.where}: {long.length} {long.limit.unit}, at most {long.limit.fine} are fine")
    for where in sorted(set(allowed) - {long.where for long in found if long.length >= long.limit.fails}):
        print(f"{where} is not too long any more: remove it from {EXCEPTIONS.relative_to(ROOT)}")
        return 1
    print(
        f"{len(code)} modules and functions and {len(pages)} lines of templates are longer than is fine, "
        f"{len(too_long)} too long."
    )
    return 1 if too_long else 0


def _exceptions() -> dict[str, str]:
    if not EXCEPTIONS.exists():
        return {}
    lines = [line for line in EXCEPTIONS.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return {where.strip(): reason.strip() for where, _, reason in (line.rpartition(": ") for line in lines)}


def _modules() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (p for p in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in p.parts)


def _templates() -> Iterator[Path]:
    yield from sorted((ROOT / "src").rglob("templates/**/*.html"))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def long_lines(text: str, *, where: str) -> Iterator[Long]:
    """The lines of this template that are longer than fine, as `path:line`."""
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > TEMPLATE_LINE.fine:
            yield Long(where=f"{where}:{number}", length=len(line), limit=TEMPLATE_LINE)


def long_things(text: str, *, where: str) -> Iterator[Long]:
    """The module itself, if it is longer than fine, and each such function of it, as `path::name`."""
    lines = text.count("\n")
    if lines > MODULE.fine:
        yield Long(where=where, length=lines, limit=MODULE)
    for node in ast.walk(ast.parse(text, filename=where)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION.fine:
                yield Long(where=f"{where}::{node.name}", length=length, limit=FUNCTION)


if __name__ == "__main__":
    sys.exit(main())
