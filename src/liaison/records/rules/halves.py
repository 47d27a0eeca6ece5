"""Halves of characters in a bundle: the resources that hold one are told apart from all the others.

JSON writes a character beyond the first 65,536 in two halves. Software that cuts texts by length leaves one of them
alone; no text can hold it, and no decoder reads past it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

HALF_A_CHARACTER: Final = "holds half of a character (such as \\ud800 alone): a text was cut inside it"
_ESCAPES: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""Everything that JSON writes with a backslash, from left to right; the group is a half without its other one."""
_NEVER_WRITTEN: Final = range(0xFDD0, 0xFDF0)
"""Code points that are no characters and that Unicode leaves to programs for marks of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """JSON with a mark, which stood nowhere in it, in the place of every half of a character."""

    data: bytes
    code: int

    def within(self, piece: bytes) -> bool:
        """Whether this piece of the data holds a half of a character."""
        return _written(self.code) in piece


def marked_halves(data: bytes | bytearray) -> Marked | None:
    """The data with its halves marked; None if it holds none, or every mark already."""
    code = next((code for code in _NEVER_WRITTEN if not _holds(data, code)), None)
    if code is None:
        return None
    mark = _written(code)
    marked = _ESCAPES.sub(lambda found: mark if found[1] else found[0], data)
    return Marked(data=bytes(marked), code=code) if mark in marked else None


def _holds(data: bytes | bytearray, code: int) -> bool:
    return chr(code).encode() in data or re.search(re.escape(_written(code)), data, re.IGNORECASE) is not None


def _written(code: int) -> bytes:
    return b"\\u%04x" % code
