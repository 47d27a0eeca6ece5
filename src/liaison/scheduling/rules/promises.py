"""Which promises of a patient a visit like the one being booked would keep."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitMeant:
    """The visit that is being booked: its kind, what it needs, where and with whom (the id of a person, None for
    anyone). `is_specialists`: it needs a referral, or somebody of a specialty."""

    code: str
    abilities: frozenset[str]
    is_specialists: bool
    site_id: int | None
    person_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedVisit:
    """What a promise waits for. `kind` is the loop's kind, `visit_code` the kind of a visit that was missed.

    Of a referral: its `specialty`, the resource ids of whom it asks, and the sites at which they work.
    """

    kind: str
    visit_code: str = ""
    specialty: str = ""
    people: frozenset[int] = frozenset()
    sites: frozenset[int] = frozenset()


def fits(visit: VisitMeant, awaited: AwaitedVisit) -> bool:
    """Whether a visit like this is what the promise waits for, as far as kinds, places and people say.

    A referral waits for whom it asks, or for its specialty where they work; a missed visit for another of its kind;
    any other promise for a visit that is named like its kind or is no specialist's.
    """
    if awaited.specialty:
        is_with_them = visit.person_id in awaited.people or awaited.specialty in visit.abilities
        return visit.site_id in awaited.sites and is_with_them
    if awaited.visit_code:
        return visit.code == awaited.visit_code
    return visit.code == awaited.kind or not visit.is_specialists


def needs_specialist(abilities: Collection[str], *, specialties: Collection[str]) -> bool:
    """Whether one of the abilities that a visit needs is a specialty."""
    return not set(abilities).isdisjoint(specialties)
