"""Which roles there are, and when a session has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

STASHED_FOR: Final = timedelta(minutes=5)


class Role(StrEnum):
    """What a person does here. The set is code, so that a change of who may do what is a reviewable change."""

    COORDINATOR = "coordinator"
    CLINICIAN = "clinician"
    FRONT_DESK = "front_desk"
    BILLING = "billing"
    RECORDS_CLERK = "records_clerk"
    SUPERVISOR = "supervisor"
    PRIVACY_OFFICER = "privacy_officer"
    ADMINISTRATOR = "administrator"


ROLE_WORDS: Final[Mapping[Role, str]] = MappingProxyType(
    {
        Role.COORDINATOR: "Care coordinator",
        Role.CLINICIAN: "Clinician",
        Role.FRONT_DESK: "Front desk",
        Role.BILLING: "Billing",
        Role.RECORDS_CLERK: "Records clerk",
        Role.SUPERVISOR: "Supervisor",
        Role.PRIVACY_OFFICER: "Privacy officer",
        Role.ADMINISTRATOR: "Administrator",
    }
)
"""What a role is called, in English; `access.ROLE_LABELS` has the same words translated."""


class Ended(StrEnum):
    """Why a session is over; the sign-in page says it."""

    NO = ""
    IDLE = "idle"
    ABSOLUTE = "absolute"


class Unfinished(StrEnum):
    """What somebody who has signed in must do before anything else."""

    NOTHING = ""
    PASSWORD = "password"  # noqa: S105 - names a step
    SECOND_FACTOR = "second_factor"


def reaches(sites: frozenset[int] | None, *, held: frozenset[int | None]) -> bool:
    """Whether who acts at `sites` (None: everywhere) reaches every site of `held` (None in it: a role everywhere)."""
    return sites is None or held <= sites


def meets(sites: frozenset[int] | None, *, held: frozenset[int | None]) -> bool:
    """Whether the two share a site; who holds nothing is met by everyone who acts anywhere."""
    return sites is None or not held or bool(held & sites)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """How long a session may stand without work, and how long in any case.

    The Security Rule asks for an automatic log-off and names no number (45 CFR 164.312(a)(2)(iii)); the
    defaults are those of DOMAIN 6.5: 15 minutes at a workstation, 12 hours in any case.
    """

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """How much of a session is left; never below zero."""

    idle: timedelta
    absolute: timedelta

    @property
    def ended(self) -> Ended:
        """Which limit was reached, the absolute one first."""
        if self.absolute <= timedelta():
            return Ended.ABSOLUTE
        return Ended.IDLE if self.idle <= timedelta() else Ended.NO

    @property
    def soonest(self) -> timedelta:
        """The time until the page locks."""
        return min(self.idle, self.absolute)


def left(*, began_at: datetime, seen_at: datetime, now: datetime, limits: SessionLimits) -> Left:
    """What is left at `now` of a session that began and was last worked in at these instants (half-open)."""
    return Left(
        idle=max(timedelta(), seen_at + limits.idle - now),
        absolute=max(timedelta(), began_at + limits.absolute - now),
    )


def still_waits(*, stashed_at: datetime, now: datetime, same_person: bool) -> bool:
    """Whether what was typed before confirming may still be sent: by whoever typed it, within five minutes."""
    return same_person and timedelta() <= now - stashed_at < STASHED_FOR


def is_work(*, background: bool, seen_at: datetime, now: datetime, grain: timedelta) -> bool:
    """Whether this request moves the idle limit: a person's own, and not more often than every `grain`."""
    return not background and now - seen_at >= grain


def initial_password_words(numbers: list[int], *, words: tuple[str, ...]) -> str:
    """A first password that can be read over the telephone: words joined by hyphens and a number at the end.

    `numbers` are random and chosen by the caller; the last one becomes three digits, the others choose words.
    """
    *chosen, last = numbers
    return "-".join([*(words[number % len(words)] for number in chosen), f"{last % 1000:03d}"])


_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def browser_in_words(user_agent: str) -> str:
    """ "Firefox on Windows", as far as a browser tells; its own words when it tells nothing known."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or user_agent or "An unknown browser"
