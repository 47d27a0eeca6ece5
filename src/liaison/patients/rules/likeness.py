"""How alike two registrations are, and why: the points that a person reads before deciding on a merge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from rapidfuzz.distance import JaroWinkler
from rapidfuzz.fuzz import token_sort_ratio

from liaison.patients.rules.names import fold

SHOW_FROM: Final = 50
"""Fewer points than this are not worth a person's look."""

POINTS: Final = {
    "same_identifier": 60,
    "identifiers_disagree": -10,
    "disputed_identifier": 0,
    "same_name": 35,
    "similar_name": 22,
    "slightly_similar_name": 8,
    "different_name": -30,
    "same_birth_date": 30,
    "similar_birth_date": 12,
    "different_birth_date": -30,
    "same_phone": 15,
    "same_email": 15,
    "same_address": 10,
    "different_sex": -15,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What is compared of one registration. Names are (given, family); identifiers (system, key)."""

    names: tuple[tuple[str, str], ...]
    birth_on: date | None = None
    sex: str = "unknown"
    phones: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    identifiers: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that speaks for or against, by its code in `POINTS`."""

    code: str
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """The sum, what it is made of, and whether identifiers of one system disagree.

    With a conflict nobody may merge without saying that they saw it: two numbers of one system usually mean
    two people.
    """

    score: int
    reasons: tuple[Reason, ...]
    conflict: bool

    @property
    def is_disputed(self) -> bool:
        """Whether one identifier came for both; see `disputed`."""
        return any(reason.code == "disputed_identifier" for reason in self.reasons)


def compare(one: Registration, *, other: Registration) -> Likeness:
    """Score two registrations; the same either way round."""
    codes = [
        *_identifier_codes(one.identifiers, other.identifiers),
        *_name_codes(one.names, other.names),
        *_birth_codes(one.birth_on, other.birth_on),
        *(["same_phone"] if one.phones & other.phones else []),
        *(["same_email"] if one.emails & other.emails else []),
        *(["same_address"] if one.addresses & other.addresses else []),
        *(["different_sex"] if {one.sex, other.sex} == {"female", "male"} else []),
    ]
    reasons = tuple(Reason(code=code, points=POINTS[code]) for code in codes)
    return Likeness(
        score=sum(reason.points for reason in reasons),
        reasons=reasons,
        conflict="identifiers_disagree" in codes,
    )


def disputed(likeness: Likeness) -> Likeness:
    """The same likeness of two people for whom one identifier came, which only one of them could be given.

    That is a conflict whatever else they share, and however little: a person decides.
    """
    why = Reason(code="disputed_identifier", points=POINTS["disputed_identifier"])
    return replace(likeness, score=likeness.score + why.points, reasons=(why, *likeness.reasons), conflict=True)


def _identifier_codes(one: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]) -> Sequence[str]:
    shared = one & other
    agreed = {system for system, _ in shared}
    both = {system for system, _ in one} & {system for system, _ in other}
    codes = ["same_identifier"] if shared else []
    return [*codes, "identifiers_disagree"] if both - agreed else codes


def _name_codes(one: tuple[tuple[str, str], ...], other: tuple[tuple[str, str], ...]) -> Sequence[str]:
    best = max((_name_alike(mine, theirs) for mine in one for theirs in other), default=None)
    if best is None:
        return []
    if best >= 99:
        return ["same_name"]
    if best >= 86:
        return ["similar_name"]
    return ["slightly_similar_name"] if best >= 72 else ["different_name"]


def _name_alike(one: tuple[str, str], other: tuple[str, str]) -> float:
    """0 to 100: word order does not count; a spelling slip in one part counts a little."""
    mine, theirs = fold(" ".join(one)), fold(" ".join(other))
    whole = float(token_sort_ratio(mine, theirs))
    parts = [JaroWinkler.similarity(fold(a), fold(b)) * 100 for a, b in zip(one, other, strict=True)]
    return max(whole, min(parts))


def _birth_codes(one: date | None, other: date | None) -> Sequence[str]:
    if one is None or other is None:
        return []
    if one == other:
        return ["same_birth_date"]
    return ["similar_birth_date"] if _slip(one, other) else ["different_birth_date"]


def _slip(one: date, other: date) -> bool:
    """Day and month swapped, or one digit typed wrong."""
    if (one.year, one.month, one.day) == (other.year, other.day, other.month):
        return True
    return sum(a != b for a, b in zip(f"{one:%Y%m%d}", f"{other:%Y%m%d}", strict=True)) == 1
