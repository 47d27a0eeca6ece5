"""Which address a message may go to, or why it may not go at all.

The order of the questions is the order of who is hurt by getting it wrong: a message to the dead, a message to
someone who asked us to stop, a message to an address the patient asked us not to use (45 CFR 164.522(b):
confidential communications), and only then a message that does not arrive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from liaison.patients import ports as reaching
from liaison.patients.ports import Line, keeps_to_confidential, ways_to_reach


class Channel(StrEnum):
    """A way to reach a person."""

    EMAIL = "email"
    TEXT = "text"
    PHONE = "phone"
    LETTER = "letter"


class Category(StrEnum):
    """What a message is about; people opt in and out by channel and category (DOMAIN 8.1)."""

    APPOINTMENT = "appointment"
    CLINICAL = "clinical"
    BILLING = "billing"
    SURVEY = "survey"
    MARKETING = "marketing"


class Standing(StrEnum):
    """What the patient said about one channel and category."""

    ALLOWED = "allowed"
    STOPPED = "stopped"


class Why(StrEnum):
    """Why a message may not be sent."""

    DECEASED = "deceased"
    OPTED_OUT = "opted_out"
    NOT_ASKED = "not_asked"
    BAD_ADDRESS = "bad_address"
    DO_NOT_CONTACT = "do_not_contact"
    NO_ADDRESS = "no_address"


KINDS = {
    Channel.EMAIL: "email",
    Channel.TEXT: "phone",
    Channel.PHONE: "phone",
    Channel.LETTER: "address",
}
"""The kind of a proxy's address that each channel uses."""

_WAYS = {
    Channel.EMAIL: reaching.Channel.EMAIL,
    Channel.TEXT: reaching.Channel.TEXT,
    Channel.PHONE: reaching.Channel.CALL,
    Channel.LETTER: reaching.Channel.LETTER,
}
"""What each channel is to `patients`, which decides on which of their own lines a patient may be reached."""

NEEDS_A_YES = frozenset({(Channel.TEXT, Category.MARKETING), (Channel.EMAIL, Category.MARKETING)})
"""Marketing needs written consent first (DOMAIN 8.1); silence is a no."""

PARENT_SEES_ALL_UNTIL = 12
OF_AGE = 18
TEEN_OPEN = frozenset({Category.APPOINTMENT, Category.BILLING})
"""What a parent of a 12 to 17 year old may receive (DOMAIN 8.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyPoint:
    """Where a proxy is reached, and the categories of message that the proxy's scope covers."""

    name: str
    kind: str
    value: str
    starts_on: date | None = None
    ends_on: date | None = None
    receives: frozenset[Category] = frozenset(Category)
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """All that decides how a patient is reached. `age` is completed years, None when the birth date is unknown."""

    deceased: bool
    age: int | None
    lines: Sequence[Line]
    proxies: Sequence[ProxyPoint] = ()
    standings: Sequence[tuple[Channel, Category, Standing]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to send. When it goes to a proxy `point_id` is None, `proxy` the name and `language` theirs, if known."""

    value: str
    point_id: int | None = None
    proxy: str = ""
    language: str = ""


def choose_address(reach: Reach, *, channel: Channel, category: Category, on: date) -> Address | Why:
    """The address for this channel and category on this day, or the reason there is none.

    `reach.standings` must be oldest first: the last word on a channel and category counts.
    """
    if reach.deceased:
        return Why.DECEASED
    refused = _refused(reach, channel=channel, category=category)
    if refused:
        return refused
    if _goes_to_parent(reach):
        address = _proxy_address(reach, channel=channel, category=category, on=on)
        if address:
            return address
    own = own_address(reach.lines, channel=channel)
    if isinstance(own, Address) or own is Why.DO_NOT_CONTACT:
        return own
    return _proxy_address(reach, channel=channel, category=category, on=on) or own


def own_address(lines: Sequence[Line], *, channel: Channel) -> Address | Why:
    """The patient's own address for a channel, the preferred first and then the oldest."""
    ways = [way for way in ways_to_reach(lines) if way.channel is _WAYS[channel]]
    if not ways:
        return Why.NO_ADDRESS
    best = min(ways, key=lambda way: (bool(way.blocked), not way.preferred, way.line_id))
    if not best.blocked:
        return Address(value=best.value, point_id=best.line_id)
    failed = any(way.blocked == "bad" for way in ways)
    return Why.BAD_ADDRESS if failed and not keeps_to_confidential(lines) else Why.DO_NOT_CONTACT


def _refused(reach: Reach, *, channel: Channel, category: Category) -> Why | None:
    said = [standing for where, what, standing in reach.standings if (where, what) == (channel, category)]
    if said and said[-1] is Standing.STOPPED:
        return Why.OPTED_OUT
    if not said and (channel, category) in NEEDS_A_YES:
        return Why.NOT_ASKED
    return None


def _goes_to_parent(reach: Reach) -> bool:
    """Children up to eleven are written to through a parent; from twelve they have their own account."""
    return reach.age is not None and reach.age < PARENT_SEES_ALL_UNTIL


def _proxy_address(reach: Reach, *, channel: Channel, category: Category, on: date) -> Address | None:
    if keeps_to_confidential(reach.lines):
        return None
    teen = reach.age is not None and PARENT_SEES_ALL_UNTIL <= reach.age < OF_AGE
    if teen and category not in TEEN_OPEN:
        return None
    for proxy in reach.proxies:
        if proxy.kind == KINDS[channel] and category in proxy.receives and _current(proxy, on=on):
            return Address(value=proxy.value, proxy=proxy.name, language=proxy.language)
    return None


def _current(proxy: ProxyPoint, *, on: date) -> bool:
    started = proxy.starts_on is None or proxy.starts_on <= on
    return started and (proxy.ends_on is None or on < proxy.ends_on)
