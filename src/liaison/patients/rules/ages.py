"""Ages in completed years, and the day on which one is reached (DOMAIN 0)."""

from __future__ import annotations

from datetime import date


def age_on(birth_on: date, *, on: date) -> int:
    """Completed years on a date; someone born on 29 February is a year older on 1 March in common years."""
    before = (on.month, on.day) < (birth_on.month, birth_on.day)
    return on.year - birth_on.year - before


def turns_on(birth_on: date, *, years: int) -> date:
    """The first date on which they are that many years old (1 March for 29 February in common years)."""
    try:
        return birth_on.replace(year=birth_on.year + years)
    except ValueError:
        return date(birth_on.year + years, 3, 1)
