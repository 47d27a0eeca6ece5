"""A view asks a query of its package, or of one below, never the database itself; and it asks the clock once.

A query has a name, a docstring and an actor, and stands where reads of patients are looked for. A view that filters
rows has none of these: the next reader does not find it, and the next author forgets whom it shows to whom.

One request lives in one instant: what is due, who may see it, what is written down and what the page says of it all
stand at the same `now`. So only a view, which is what an address names, reads the clock, at most once, and calls no
other view; everything that helps it takes `now`.
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

CLOCK: Final = "current_time"

_AGAIN: Final = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)
"""What stands inside is done more than once, or later."""


def main() -> int:
    """Tell which views ask the database, or the clock more than once; returns the exit status."""
    sources = [(path, path.read_text(encoding="utf-8")) for path in _views()]
    asking = [where for path, source in sources for where in wrong_lines(source, name=_name(path))]
    timing = [
        where
        for path, source in sources
        for where in second_looks(source, name=_name(path), addressed=_addressed_beside(path))
    ]
    _tell(asking, remedy="Give it a name, a docstring and an actor in the package's queries, and call it.")
    _tell(timing, remedy="Read the clock once, in the view that the address names, and hand `now` on.")
    return 1 if asking or timing else 0


def _tell(found: list[str], *, remedy: str) -> None:
    for where in found:
        print(where)
    if found:
        print(remedy)


def wrong_lines(source: str, *, name: str) -> list[str]:
    """Each "name:line: what stands there" of a view's source that asks the database."""
    lines = source.splitlines()
    return [f"{name}:{at}: {lines[at - 1].strip()}" for at in sorted(set(_asking(ast.parse(source, filename=name))))]


def second_looks(source: str, *, name: str, addressed: frozenset[str]) -> list[str]:
    """Each "name:line: what stands there" of a view's source that may give one request a second `now`.

    `addressed` are the names of the functions that addresses lead to.
    """
    lines = source.splitlines()
    found = {
        at
        for part in ast.parse(source, filename=name).body
        for at in (
            _looks_of_view(part, addressed)
            if isinstance(part, ast.FunctionDef) and part.name in addressed
            else _looks(part)
        )
    }
    return [f"{name}:{at}: {lines[at - 1].strip()}" for at in sorted(found)]


def addressed_in(source: str) -> frozenset[str]:
    """The names of the functions that the `path(…)`s in the source of a package's `urls` lead to."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="path"), args=[_, ast.Call(args=[wrapped]), *_]):
                found.add(_last_name(wrapped))
            case ast.Call(func=ast.Name(id="path"), args=[_, view, *_]):
                found.add(_last_name(view))
    return frozenset(found - {""})


def _last_name(node: ast.AST) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def _looks_of_view(view: ast.FunctionDef, addressed: frozenset[str]) -> Iterator[int]:
    yield from sorted(_looks(view))[1:]
    for node in ast.walk(view):
        match node:
            case ast.Call(func=called, args=[ast.Name(id="request"), *_]) if _last_name(called) in addressed:
                yield node.lineno
            case _ if isinstance(node, _AGAIN):
                yield from _looks(node)


def _looks(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name) and _last_name(node) == CLOCK:
            yield node.end_lineno or node.lineno


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


def _addressed_beside(view: Path) -> frozenset[str]:
    package = PACKAGES / view.relative_to(PACKAGES).parts[0]
    return addressed_in((package / "urls.py").read_text(encoding="utf-8"))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
