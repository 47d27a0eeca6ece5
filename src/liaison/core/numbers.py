"""The ids that people's browsers send: in an address, a form, a topic, a place to read on from."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 18
"""Digits of the longest id; every number that short fits a bigint."""


def id_in(text: str | None) -> int | None:
    """The id that `text` is: ASCII digits, at most eighteen. None for nothing and for anything else."""
    if text and text.isascii() and text.isdecimal() and len(text) <= LONGEST:
        return int(text)
    return None
