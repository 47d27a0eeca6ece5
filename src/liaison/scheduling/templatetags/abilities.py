"""What resources can do, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django import template

register = template.Library()


@register.filter
def said(codes: Iterable[str], words: Mapping[str, str]) -> str:
    """The abilities with these codes, in words and with commas."""
    return ", ".join(words.get(code, code) for code in codes)
