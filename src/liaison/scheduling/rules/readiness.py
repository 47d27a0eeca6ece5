"""What must be true for a visit to take place as booked, and what follows when it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from liaison.core.calendars import BusinessCalendar, add_business_days, end_of_day


class Standing(StrEnum):
    """What a check found, the worst first."""

    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    READY = "ready"


_WORST_FIRST = tuple(Standing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One answer of one check about one visit, from the data of the package that checks.

    `code` names the check ("scheduling.resources"), `sentence` says what is so, `next_step` what to do about it,
    verb first, and `next_is_call` that it is a call. `safe_until` is the last moment at which it can still be mended;
    `kept_by` is the open loop that already sees to it, so that no second one opens.
    """

    code: str
    standing: Standing
    sentence: str
    next_step: str = ""
    next_is_call: bool = False
    safe_until: datetime | None = None
    kept_by: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A visit as the checks see it: ids to look things up by, and its time as instants."""

    appointment_id: int
    patient_id: int
    site_id: int
    visit_type_id: int
    referral_id: int | None
    start_at: datetime
    end_at: datetime
    zone: ZoneInfo
    state: str


def overall(findings: Sequence[Finding]) -> Standing:
    """The worst of them; nothing found means ready."""
    return min((finding.standing for finding in findings), key=_WORST_FIRST.index, default=Standing.READY)


def in_order(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The worst first, then what can be mended the shortest, then by code."""
    return tuple(
        sorted(
            findings,
            key=lambda one: (
                _WORST_FIRST.index(one.standing),
                one.safe_until.timestamp() if one.safe_until else float("inf"),
                one.code,
            ),
        )
    )


def last_safe_day(start: datetime, *, zone: ZoneInfo, business_days: int, calendar: BusinessCalendar) -> datetime:
    """The end of the local day that lies so many business days before the visit."""
    on = start.astimezone(zone).date()
    return end_of_day(add_business_days(on, days=-business_days, calendar=calendar), zone=zone)


def due_of(finding: Finding, *, start: datetime, now: datetime) -> datetime:
    """When a blocker is due: its last safe moment, never after the visit starts; within the hour if that is past."""
    due = min(finding.safe_until or start, start)
    return due if due > now else now + timedelta(hours=1)


def by_code(findings: Sequence[Finding]) -> Mapping[str, Finding]:
    """The blocked ones by the name of their check: one blocker for each check."""
    return {one.code: one for one in reversed(in_order(findings)) if one.standing is Standing.BLOCKED}
