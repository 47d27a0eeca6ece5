"""The words of a page of HTML. Pure functions.

Anybody may send us markup, so it is read in one way forward: no place of it is looked at again for every tag that
has no end (the standard reader does, and takes half a minute for 60 KB of "<a <a <a").
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LONGEST_MARKUP: Final = 500_000
"""Characters of markup that are read; what was written last stands first in a mail."""

_BLOCKS: Final = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "blockquote", "table"})
_SILENT: Final = frozenset({"head", "template"})
_RAW: Final = frozenset({"script", "style", "title"})
_RAW_ENDS: Final = {name: re.compile(f"</{name}", re.IGNORECASE) for name in _RAW}
_TAG: Final = re.compile(r"""<(/?)([a-zA-Z][^\s/>]*+)(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+)*+>""")
"""A tag, with ">" allowed in a quoted value. It never goes back, and fails only where no tag ends any more."""

_TAG_STARTS: Final = re.compile(r"</?[a-zA-Z]")
_LOOSE: Final = re.compile(r"<(/?)([a-zA-Z][^\s/>]*+)[^>]*+>")
_LONG_NUMBER: Final = re.compile(r"&#[xX]?[0-9a-fA-F]{9,};?")
"""A numbered character that is none; the standard reader stumbles over thousands of digits."""


@dataclass(slots=True)
class _Page:
    """What is left to read, from `at`; `tag` reads tags and becomes looser once one has no end."""

    markup: str
    at: int = 0
    tag: re.Pattern[str] | None = _TAG
    silent: int = 0


def text_of_html(markup: str) -> str:
    """The words of a page: no tags, no scripts, no styles; a line for each block. Reads `LONGEST_MARKUP` at most."""
    said = "".join(_words(_Page(markup[:LONGEST_MARKUP])))
    plain = html.unescape(_LONG_NUMBER.sub("\ufffd", said))
    lines = (" ".join(line.split()) for line in plain.splitlines())
    return "\n".join(line for line in lines if line)


def _words(page: _Page) -> Iterator[str]:
    while page.at < len(page.markup):
        start = page.markup.find("<", page.at)
        end = start if start >= 0 else len(page.markup)
        if not page.silent:
            yield page.markup[page.at : end]
        page.at = end
        if start >= 0:
            yield _past(page)


def _past(page: _Page) -> str:
    """Go past the "<" at which the page stands, with what belongs to it; a line end, "<" or nothing to be said."""
    if not _TAG_STARTS.match(page.markup, page.at):
        return _past_remark(page)
    found = page.tag.match(page.markup, page.at) if page.tag else None
    if found is None:
        return _past_no_tag(page)
    page.at = found.end()
    return _tag(page, closes=bool(found[1]), name=found[2].lower())


def _past_remark(page: _Page) -> str:
    """A comment, a doctype, an instruction; one without an end lasts to the end of the page, as in a browser."""
    if page.markup[page.at + 1 : page.at + 2] not in ("!", "?", "/"):
        page.at += 1
        return "" if page.silent else "<"
    ends = "-->" if page.markup.startswith("<!--", page.at) else ">"
    found = page.markup.find(ends, page.at + 2)
    page.at = found + len(ends) if found >= 0 else len(page.markup)
    return ""


def _past_no_tag(page: _Page) -> str:
    """No tag ends any more. One more try, which takes quotes for letters; after that there are only words."""
    page.tag = _LOOSE if page.tag is _TAG else None
    page.at += 0 if page.tag else 1
    return ""


def _tag(page: _Page, *, closes: bool, name: str) -> str:
    if name in _RAW and not closes:
        found = _RAW_ENDS[name].search(page.markup, page.at)
        page.at = found.start() if found else len(page.markup)
    elif name in _SILENT:
        page.silent = max(0, page.silent + (-1 if closes else 1))
    elif name == "body":
        page.silent = 0
    return "\n" if name in _BLOCKS and not page.silent else ""
