"""What a program decides, it decides by codes; the words that people read are never asked.

A sentence is written for a person: it is mended, translated, shortened. Whoever asks how it begins, or what stands in
it, breaks when somebody finds a better word. What has to be known later stands beside it, in a column or an enum.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ROOT / "src" / "liaison"

WORDS: Final = frozenset(
    {"heading", "label", "next_step", "reason", "sentence", "step", "title", "voided_reason", "words"}
)
"""What columns, fields and names are called that hold words for people."""

_ASKING: Final = frozenset({"startswith", "endswith", "find", "index", "count"})
_LOOKUPS: Final = ("startswith", "istartswith", "endswith", "iendswith", "regex", "iregex")
_IN_TEMPLATES: Final = (
    re.compile(r"\{%\s*(?:el)?if\b[^%]*\|\s*(?:slice|first|truncatechars|make_list)\b[^%]*%\}"),
    re.compile(
        r"\{%\s*(?:el)?if\b[^%]*[\"'][^\"']*[\"']\s+(?:not\s+)?in\s+[\w.]*\.(?:"
        + "|".join(sorted(WORDS))
        + r")\b[^%]*%\}"
    ),
)


def main() -> int:
    """Tell where words decide; returns the exit status."""
    found = [where for path in _files("*.py") for where in in_code(_read(path), name=_name(path))]
    found += [where for path in _files("*.html") for where in in_template(_read(path), name=_name(path))]
    for where in found:
        print(where)
    if found:
        print("Put a code beside the words (a column, an enum), and ask that.")
    return 1 if found else 0


def in_code(source: str, *, name: str) -> list[str]:
    """Each "name:line: what stands there" of a module that asks how words begin or end, or what stands in them."""
    lines = source.splitlines()
    at = sorted({number for node in ast.walk(ast.parse(source)) for number in _asks(node)})
    return [f"{name}:{number}: {lines[number - 1].strip()}" for number in at]


def in_template(source: str, *, name: str) -> list[str]:
    """Each "name:line: the tag" of a template whose `if` asks about a part of a text."""
    tags = {(found.start(), found[0]) for shape in _IN_TEMPLATES for found in shape.finditer(source)}
    return [f"{name}:{source.count(chr(10), 0, start) + 1}: {tag}" for start, tag in sorted(tags)]


def _asks(node: ast.AST) -> Iterator[int]:
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr in _ASKING and _is_words(node.func.value):
            yield node.lineno
        for given in node.keywords:
            field, _, lookup = (given.arg or "").rpartition("__")
            if lookup in _LOOKUPS and field.rpartition("__")[2] in WORDS:
                yield given.value.lineno
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        for before, how, after in zip(sides, node.ops, sides[1:], strict=False):
            if isinstance(how, ast.In | ast.NotIn) and _is_text(before) and _is_words(after):
                yield node.lineno


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value != ""


def _is_words(node: ast.expr) -> bool:
    """Whether it is a part of words, or words: `line.sentence`, `title`, `step[:5]`, `sentence.lower()`."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Slice) and _is_words(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args:
        return _is_words(node.func.value)
    return (isinstance(node, ast.Attribute) and node.attr in WORDS) or (isinstance(node, ast.Name) and node.id in WORDS)


def _files(shape: str) -> Iterator[Path]:
    passing = {"tests", "migrations", "static"}
    return (path for path in sorted(PACKAGES.rglob(shape)) if not passing & set(path.parts))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
