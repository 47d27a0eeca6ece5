"""A view asks a query of its package, or of one below; it never asks the database itself.

A query has a name, a docstring and an actor, and stands where reads of patients are looked for. A view that filters
rows has none of these: the next reader does not find it, and the next author forgets whom it shows to whom.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ROOT / "src" / "liaison"

ASKING: Final = frozenset(
    {
        "aggregate", "annotate", "cursor", "distinct", "exclude", "exists", "filter", "first", "in_bulk", "last",
        "only", "order_by", "prefetch_related", "raw", "refresh_from_db", "select_for_update", "select_related",
        "values_list", "visible_to",
    }
)  # fmt: skip
"""What is called on a table; `all`, `count`, `get` and `values` are called on lists and dictionaries too."""

SHORTCUTS: Final = frozenset({"get_object_or_404", "get_list_or_404"})


def main() -> int:
    """Tell which views ask the database; returns the exit status."""
    found = [where for path in _views() for where in wrong_lines(path.read_text(encoding="utf-8"), name=_name(path))]
    for where in found:
        print(where)
    if found:
        print("Give it a name, a docstring and an actor in the package's queries, and call it.")
    return 1 if found else 0


def wrong_lines(source: str, *, name: str) -> list[str]:
    """Each "name:line: what stands there" of a view's source that asks the database."""
    lines = source.splitlines()
    return [f"{name}:{at}: {lines[at - 1].strip()}" for at in sorted(set(_asking(ast.parse(source, filename=name))))]


def _asking(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr="objects"):
                yield node.end_lineno or node.lineno
            case ast.Call(func=ast.Attribute(attr=word, end_lineno=at)) if word in ASKING:
                yield at or node.lineno
            case ast.Name(id=word) if word in SHORTCUTS:
                yield node.lineno


def _views() -> Iterator[Path]:
    yield from sorted(PACKAGES.glob("*/views.py"))
    yield from sorted(PACKAGES.glob("*/views/**/*.py"))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
