"""The places of Liaison: what the navigation, the palette and the keyboard's sheet offer, and to whom.

Each package registers its own in `AppConfig.ready`. Whoever carries the verb that opens a place is offered it;
nobody else is, so that no offer leads to "no".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise

from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.verbs import Verb

GOING_KEYS: Final = frozenset("abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somewhere to go: the address's name (and query), who may, and under which words it is found.

    `verb` opens it (None: everybody who signed in), with `everywhere` only for who carries it at every site.
    With a `letter` it stands in the navigation, and `g` and the letter go there; without, only in the palette.
    `rank` orders them all. `mode` names the one kind of installation that has it.
    """

    label: str | Promise
    name: str
    icon: str
    rank: int
    verb: Verb | None = None
    everywhere: bool = False
    letter: str = ""
    query: str = ""
    words: str = ""
    mode: str = ""

    @property
    def url(self) -> str:
        """Its address."""
        url = address(self.name)
        return f"{url}?{self.query}" if url and self.query else url

    def is_open_to(self, actor: Actor) -> bool:
        """Whether `actor` may go there, in this installation."""
        if actor.is_anonymous or self.mode not in {"", settings.LIAISON_MODE}:
            return False
        if self.verb is None:
            return True
        return actor.may_at(self.verb, site_id=EVERYWHERE) if self.everywhere else actor.may(self.verb)


_places: dict[tuple[str, str], Place] = {}
_frame: dict[str, str] = {}


def register_places(*places: Place) -> None:
    """Offer places (called in `AppConfig.ready`). Raises ValueError for a letter that is no letter or has a place."""
    for place in places:
        key = (place.name, place.query)
        taken = {each.letter for other, each in _places.items() if other != key}
        if place.letter and (place.letter not in GOING_KEYS or place.letter in taken):
            raise ValueError(f"{place.name} can't have the letter {place.letter}: another place has it.")
        _places[key] = place


def register_frame(**names: str) -> None:
    """Say under which name an address is found that every page's frame uses: `sign_out="account_logout"`."""
    _frame.update(names)


def all_places() -> Sequence[Place]:
    """Every place, in order."""
    return sorted(_places.values(), key=lambda place: place.rank)


def places_for(actor: Actor) -> Sequence[Place]:
    """Where `actor` may go, in order."""
    return [place for place in all_places() if place.is_open_to(actor) and place.url]


def frame_address(use: str) -> str:
    """The address for one use of the frame, "" when no package serves it."""
    return address(_frame[use]) if use in _frame else ""


def address(name: str) -> str:
    """The address with this name, "" when this installation has none."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
