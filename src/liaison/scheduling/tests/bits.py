"""Bits of free time read back, for comparing."""

from __future__ import annotations

from datetime import datetime

from liaison.scheduling.rules import CELL, Span, merge


def spans_of(bits: int, *, start: datetime) -> tuple[Span, ...]:
    """The spans whose five minutes are set: the opposite of `bits_of` for exact time."""
    spans, at = [], 0
    while bits:
        gap = (bits & -bits).bit_length() - 1
        bits >>= gap
        length = (~bits & (bits + 1)).bit_length() - 1
        spans.append(Span(start + (at + gap) * CELL, start + (at + gap + length) * CELL))
        bits >>= length
        at += gap + length
    return merge(spans)
