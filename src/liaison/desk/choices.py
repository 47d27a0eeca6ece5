"""What the desk's address asks for: tab, grouping, filters; everything else in it is passed over."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from django.http import QueryDict

from liaison.core.numbers import id_in
from liaison.loops.models import Priority
from liaison.loops.queries import DeskFilters, Tab, owner_from_value


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskWish:
    """Tab, cursor, grouping and filters; `narrowed` is the address without the tab and the cursor."""

    tab: Tab = Tab.OURS
    after: str = ""
    grouped: bool = False
    filters: DeskFilters = field(default_factory=DeskFilters)
    kind: str = ""
    priority: str = ""
    owner: str = ""
    handed: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether some filter is set."""
        return bool(self.kind or self.priority or self.owner or self.handed)

    @property
    def narrowed(self) -> str:
        """Grouping and filters as the end of an address ("&kind=task"), kept when the tab changes."""
        pairs = [("by", "patient" if self.grouped else ""), ("kind", self.kind), ("priority", self.priority)]
        pairs += [("owner", self.owner), ("handed", self.handed)]
        said = urlencode([pair for pair in pairs if pair[1]])
        return f"&{said}" if said else ""

    @property
    def flipped(self) -> str:
        """The same with the other grouping."""
        return replace(self, grouped=not self.grouped).narrowed

    @property
    def bare(self) -> str:
        """The same without filters."""
        return DeskWish(grouped=self.grouped).narrowed


def desk_wish(asked: QueryDict) -> DeskWish:
    """Read an address. An unknown tab is ours, mine and my teams'; an unknown filter narrows nothing."""
    tab = asked.get("tab", "")
    kind = asked.get("kind", "")
    priority = asked.get("priority", "")
    owner = owner_from_value(asked.get("owner", ""))
    priority = priority if priority in Priority.values else ""
    handed = id_in(asked.get("handed", ""))
    return DeskWish(
        tab=Tab(tab) if tab in set(Tab) else Tab.OURS,
        after=asked.get("after", ""),
        grouped=asked.get("by") == "patient",
        filters=DeskFilters(kinds=(kind,) if kind else (), priority=priority, owner=owner, hand_over_id=handed),
        kind=kind,
        priority=priority,
        owner=asked.get("owner", "") if owner else "",
        handed=str(handed) if handed else "",
    )
