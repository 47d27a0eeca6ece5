"""Which address a message may go to, or why it may not go at all.

The order of the questions is the order of who is hurt by getting it wrong: a message to the dead, a message to
someone who asked us to stop, a message to an address the patient asked us not to use (45 CFR 164.522(b):
confidential communications), and only then a message that does not arrive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


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
"""The kind of contact point that each channel uses."""

NEEDS_A_YES = frozenset({(Channel.TEXT, Category.MARKETING), (Channel.EMAIL, Category.MARKETING)})
"""Marketing needs written consent first (DOMAIN 8.1); silence is a no."""

PARENT_SEES_ALL_UNTIL = 12
OF_AGE = 18
TEEN_OPEN = frozenset({Category.APPOINTMENT, Category.BILLING})
"""What a parent of a 12 to 17 year old may receive (DOMAIN 8.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One contact point: `kind` is email, phone or address; `id` is its row."""

    id: int
    kind: str
    value: str
    preferred: bool = False
    confidential: bool = False
    may_use: bool = True
    bad: bool = False


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
    points: Sequence[Point]
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
    own = own_address(reach.points, channel=channel)
    if isinstance(own, Address) or own is Why.DO_NOT_CONTACT:
        return own
    return _proxy_address(reach, channel=channel, category=category, on=on) or own


def own_address(points: Sequence[Point], *, channel: Channel) -> Address | Why:
    """The patient's own address for a channel, the preferred first.

    A confidential point, of whatever kind, closes everything that is not confidential: the request covers all that
    is sent (45 CFR 164.522(b)), so an e-mail does not go to the family's mailbox of someone who asked for calls to
    one number only.
    """
    confidential = [point for point in points if point.confidential]
    of_kind = [point for point in points if point.kind == KINDS[channel]]
    candidates = [point for point in of_kind if point.confidential or not confidential]
    if not candidates:
        return Why.DO_NOT_CONTACT if of_kind else Why.NO_ADDRESS
    permitted = [point for point in candidates if point.may_use]
    if not permitted:
        return Why.DO_NOT_CONTACT
    good = [point for point in permitted if not point.bad]
    if not good:
        # An asked-for confidential address that bounces must not fall back to anyone else's mailbox.
        return Why.DO_NOT_CONTACT if confidential else Why.BAD_ADDRESS
    best = min(good, key=lambda point: (not point.preferred, point.id))
    return Address(value=best.value, point_id=best.id)


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
    if any(point.confidential for point in reach.points):
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
