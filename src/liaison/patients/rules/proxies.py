"""What a proxy may know and do, by the patient's age and by what right they speak (DOMAIN 6.3 and 8.3)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Final

from liaison.patients.rules.ages import age_on, turns_on

TEEN_FROM: Final = 12
ADULT_FROM: Final = 18


class Scope(StrEnum):
    """What a proxy may be told about or do."""

    SCHEDULE = "schedule"
    IMMUNIZATIONS = "immunizations"
    BILLING = "billing"
    CLINICAL = "clinical"
    MESSAGES = "messages"
    DECISIONS = "decisions"


FULL_SCOPE: Final = frozenset(Scope)
TEEN_SCOPE: Final = frozenset({Scope.SCHEDULE, Scope.IMMUNIZATIONS, Scope.BILLING})


class Tier(StrEnum):
    """The age group that decides how much a parent may see."""

    CHILD = "child"
    TEEN = "teen"
    ADULT = "adult"
    UNKNOWN = "unknown"


_BY_MINORITY: Final = frozenset({"parent", "guardian"})


def tier_on(birth_on: date | None, *, on: date) -> Tier:
    """Under 12 a child, from 12 a teen, from 18 an adult; without a birth date unknown."""
    if birth_on is None:
        return Tier.UNKNOWN
    age = age_on(birth_on, on=on)
    if age >= ADULT_FROM:
        return Tier.ADULT
    return Tier.TEEN if age >= TEEN_FROM else Tier.CHILD


def allowed_scope(
    kind: str, *, granted: Iterable[str], birth_on: date | None, deceased: bool, on: date
) -> frozenset[Scope]:
    """What of `granted` holds on a date.

    A parent has it all for a child, only schedule, immunizations and billing for a teen (never what the teen
    may keep confidential), nothing for an adult. A guardian of a minor is as a parent; of an adult, by the
    court's order, keeps what was granted. An executor speaks for the dead only, and all others for the living
    only. Without a birth date a parent gets what a teen's parent gets.
    """
    asked = frozenset(Scope(code) for code in granted)
    if deceased != (kind == "executor"):
        return frozenset()
    tier = tier_on(birth_on, on=on)
    if kind not in _BY_MINORITY:
        return asked
    if tier is Tier.ADULT:
        return asked if kind == "guardian" else frozenset()
    return asked if tier is Tier.CHILD else asked & TEEN_SCOPE


def latest_end_on(kind: str, *, birth_on: date | None) -> date | None:
    """The day on which the right ends by itself: a parent's at 18 (half-open: not on that day); None for others."""
    if kind != "parent" or birth_on is None:
        return None
    return turns_on(birth_on, years=ADULT_FROM)
