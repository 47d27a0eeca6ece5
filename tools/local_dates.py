"""A date of somebody's care is the date there: nobody reads one off an instant without saying where.

Instants are called `now`, `at` or `…_at`, or come from `current_time()`. `now.date()` gives the date of UTC, which is
tomorrow's from seven or eight in the evening on in New York; `now.astimezone(zone).date()` says where. A line that is
right all the same ends with `# local:` and the reason.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("src",)


def main() -> int:
    """Tell which lines read a date off an instant; returns the exit status."""
    found = [where for path in _modules() for where in wrong_lines(path.read_text(encoding="utf-8"), name=str(path))]
    for where in found:
        print(where)
    return 1 if found else 0


def wrong_lines(source: str, *, name: str) -> list[str]:
    """Each "name:line: what stands there" of a module's source that reads a date off an instant."""
    lines = source.splitlines()
    return [
        f"{name}:{call.lineno}: {lines[call.lineno - 1].strip()}"
        for call in _dates(ast.parse(source, filename=name))
        if "# local:" not in lines[(call.end_lineno or call.lineno) - 1]
    ]


def _dates(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr="date"), args=[], keywords=[]) if _is_instant(value):
                yield node


def _is_instant(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr="astimezone")):
            return False
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in {"now", "at"} or name.endswith("_at")
        case ast.Call(func=ast.Name(id="current_time") | ast.Attribute(attr="current_time")):
            return True
        case ast.BinOp() | ast.BoolOp() | ast.IfExp() | ast.Call(func=ast.Name(id="min" | "max")):
            return any(_is_instant(child) for child in ast.iter_child_nodes(node))
    return False


def _modules() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (p for p in sorted((ROOT / folder).rglob("*.py")) if not {"migrations", "tests"} & set(p.parts))


if __name__ == "__main__":
    sys.exit(main())
