"""What became of the visits of a day that was planned anew: of which there is something to tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django import template

from liaison.scheduling.queries.replanning import ReplannedLine

register = template.Library()


@register.filter
def is_no_news(line: ReplannedLine) -> bool:
    """Whether only the room is another one, so that nobody has to be told."""
    return line.loop is None and line.moved_to is not None and line.moved_to.is_as(line.visit)


@register.filter
def to_be_told(lines: Iterable[ReplannedLine]) -> Sequence[ReplannedLine]:
    """Those of whose visit there is something to tell, also if it was told since."""
    return [line for line in lines if not is_no_news(line)]
