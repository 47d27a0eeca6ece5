"""Who may follow what: the topics of live announcements, and whom each package lets hear them.

A topic is a word and a name ("patient:12", "desk:3", "calendar:3:2026-11-23"), or a word alone ("desk"). Each
package says in its `topics.py` who may follow its own:

    @numbered_topic("loop", shows_presence=True)
    def loops(actor, numbers, /, *, now):
        return {those of `numbers` that the actor may see}

A topic that nobody registered is followed by nobody.

Some topics are told site by site ("desk:3"): `at_sites` says who may follow them, `announce_at_sites` in `core/live.py`
tells them, and the tag `by_site` writes them into a page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.numbers import id_in
from liaison.core.refusals import NotFound
from liaison.core.verbs import Verb


class TopicRule(Protocol):
    """Says which of the topics of one kind an actor may follow; `names` are what follows the first colon."""

    def __call__(self, actor: Actor, names: frozenset[str], /, *, now: datetime) -> Collection[str]:
        """Those of `names` that `actor` may follow at `now`; asked once for all topics of one page."""
        ...


class NumberRule(Protocol):
    """The same for topics whose name is the id of a row."""

    def __call__(self, actor: Actor, numbers: frozenset[int], /, *, now: datetime) -> Collection[int]:
        """Those of `numbers` that `actor` may follow at `now`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of topic. Only where `shows_presence` do people see who else has it open."""

    rule: TopicRule
    shows_presence: bool


_kinds: dict[str, Kind] = {}


def topic(kind: str, *, shows_presence: bool = False) -> Callable[[TopicRule], TopicRule]:
    """Register who may follow the topics of one kind. Raises ValueError for a kind that is registered twice."""

    def register(rule: TopicRule) -> TopicRule:
        if kind in _kinds:
            raise ValueError(f"The topic {kind} is registered twice.")
        _kinds[kind] = Kind(rule=rule, shows_presence=shows_presence)
        return rule

    return register


def numbered_topic(kind: str, *, shows_presence: bool = False) -> Callable[[NumberRule], NumberRule]:
    """Register who may follow the topics "kind:12"; anything but a plain number after the colon is refused."""

    def register(rule: NumberRule) -> NumberRule:
        def of_names(actor: Actor, names: frozenset[str], /, *, now: datetime) -> Collection[str]:
            numbers = frozenset(number for name in names if (number := id_in(name)) is not None)
            return {str(number) for number in rule(actor, numbers, now=now)} if numbers else set()

        topic(kind, shows_presence=shows_presence)(of_names)
        return rule

    return register


def at_sites(actor: Actor, verb: Verb, names: Iterable[str]) -> frozenset[str]:
    """Of topics that are told site by site, those at whose sites this actor may use `verb`.

    The topic without a site tells of all sites, and is for who may use the verb everywhere.
    """
    return frozenset(name for name in names if _holds(actor, verb, name))


def _holds(actor: Actor, verb: Verb, name: str) -> bool:
    if not name:
        return actor.may_at(verb, site_id=EVERYWHERE)
    site_id = id_in(name)
    return site_id is not None and name == str(site_id) and actor.may_at(verb, site_id=site_id)


def all_topics() -> Mapping[str, Kind]:
    """Every registered kind of topic."""
    return MappingProxyType(_kinds)


def followable(actor: Actor, topics: Iterable[str], *, now: datetime) -> tuple[str, ...]:
    """Those of `topics` that this actor may follow at `now`, in their order and each once; nobody follows nothing."""
    if actor.is_anonymous:
        return ()
    wanted = tuple(dict.fromkeys(topics))
    names: dict[str, set[str]] = defaultdict(set)
    for each in wanted:
        kind, name = _parts(each)
        names[kind].add(name)
    granted = {
        kind: _kinds[kind].rule(actor, frozenset(asked), now=now) for kind, asked in names.items() if kind in _kinds
    }
    return tuple(each for each in wanted if _parts(each)[1] in granted.get(_parts(each)[0], ()))


def refuse_unless_present_in(actor: Actor, *, topic: str, now: datetime) -> None:
    """Refuse NotFound unless `topic` shows who is present and this actor may follow it.

    Says nothing about a patient, so it leaves no read entry: a page asks every few seconds.
    """
    kind = _kinds.get(_parts(topic)[0])
    if kind is None or not kind.shows_presence or not followable(actor, [topic], now=now):
        raise NotFound


def _parts(topic: str) -> tuple[str, str]:
    kind, _, name = topic.partition(":")
    return kind, name
