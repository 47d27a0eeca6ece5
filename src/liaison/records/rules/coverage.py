"""Who pays, in a word, as received: from Coverage resources, else from the insurer on a claim. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Final

from liaison.records.rules.dates import When, span
from liaison.records.rules.shapes import Json, first_words, items, obj, objects, text

LONGEST: Final = 60

_COMMON: Final = {
    "medicare": "Medicare",
    "medicaid": "Medicaid",
    "dual eligible": "Medicare + Medicaid",
    "private": "Private insurance",
    "no insurance": "Uninsured",
    "uninsured": "Uninsured",
    "self pay": "Uninsured",
    "selfpay": "Uninsured",
    "pay": "Uninsured",
}
"""Words of feeds and codes (HL7's `pay` is self-pay) as a coordinator says them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageWord:
    """Who pays. `word` is empty when it is not known; `as_of` is the date of the claim when only a claim says it."""

    word: str = ""
    as_of: datetime | None = None


def from_coverages(bodies: Iterable[Json], *, now: datetime, zone: tzinfo) -> str:
    """The coverages that hold on the date that it is at `now` in `zone`, the first payer first; "" when none does.

    Cancelled and draft ones, those entered in error, and those whose period is over or has not begun, don't count.
    """
    current = [one for one in bodies if text(one.get("status")) in {"active", ""} and _holds(one, now=now, zone=zone)]
    current.sort(key=_order)
    return " + ".join(dict.fromkeys(word for one in current if (word := _word_of_coverage(one))))[:LONGEST]


def from_claim(body: Json) -> str:
    """The insurer that a claim was for; "" when it does not say."""
    insurances = sorted(objects(body.get("insurance")), key=lambda one: one.get("focal") is not True)
    said = (text(obj(one.get("coverage")).get("display")) for one in insurances)
    insurer = text(obj(body.get("insurer")).get("display"))
    return spoken(next((one for one in said if one), insurer))


def spoken(said: str) -> str:
    """A feed's word as people say it: "dual_eligible" is "Medicare + Medicaid"; others as they came, cut."""
    folded = " ".join(said.replace("_", " ").replace("-", " ").casefold().split())
    return _COMMON.get(folded, said.strip()[:LONGEST])


def _holds(body: Json, *, now: datetime, zone: tzinfo) -> bool:
    period, today = span(body.get("period")), now.astimezone(zone).date()
    begun = period.start is None or _day(period.start, zone=zone) <= today
    return begun and (period.end is None or _day(period.end, zone=zone) >= today)


def _day(when: When, *, zone: tzinfo) -> date:
    """A date as it was written; of an instant, the date there."""
    return when.at.astimezone(UTC if when.date_only else zone).date()


def _order(body: Json) -> int:
    order = body.get("order")
    return order if type(order) is int else 1_000


def _word_of_coverage(body: Json) -> str:
    codes = [
        text(obj(one).get("code")) for one in items(obj(body.get("type")).get("coding")) if text(obj(one).get("code"))
    ]
    if any(spoken(code) == "Uninsured" for code in codes):
        return "Uninsured"
    payer = next((text(one.get("display")) for one in objects(body.get("payor"))), "")
    return spoken(payer or first_words(body.get("type")) or next(iter(codes), ""))
