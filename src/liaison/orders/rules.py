"""The states of a referral, what may follow what, the clock of each, and how FHIR says it: pure functions.

States, timers and the three facts that close a referral are those of DOMAIN 3.5.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from liaison.core.calendars import Allowance, BusinessCalendar, Unit, due_after
from liaison.loops.ports import ROUTINE, URGENT, ClockToStart
from liaison.orders.ports import REPORT, REVIEWED, TOLD, ReferralOrder

URGENCIES: Final = (ROUTINE, URGENT)


class State(StrEnum):
    """Where a referral stands."""

    DRAFT = "draft"
    SENT = "sent"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    SCHEDULED = "scheduled"
    NO_SHOW = "no_show"
    VISIT_CANCELLED = "visit_cancelled"
    SEEN = "seen"
    NOTE_RECEIVED = "note_received"
    REVIEWED = "reviewed"
    CLOSED = "closed"
    CANCEL_REQUESTED = "cancel_requested"
    CANCELLED = "cancelled"


WORDS: Final[Mapping[State, str]] = MappingProxyType(
    {
        State.DRAFT: "Draft",
        State.SENT: "Sent",
        State.RECEIVED: "Received",
        State.ACCEPTED: "Accepted",
        State.DECLINED: "Declined",
        State.SCHEDULED: "Scheduled",
        State.NO_SHOW: "Visit missed",
        State.VISIT_CANCELLED: "Visit cancelled",
        State.SEEN: "Seen, note pending",
        State.NOTE_RECEIVED: "Note received",
        State.REVIEWED: "Reviewed",
        State.CLOSED: "Closed",
        State.CANCEL_REQUESTED: "Cancel requested",
        State.CANCELLED: "Cancelled",
    }
)

TRACK: Final = (
    State.SENT,
    State.RECEIVED,
    State.ACCEPTED,
    State.SCHEDULED,
    State.SEEN,
    State.NOTE_RECEIVED,
    State.REVIEWED,
    State.CLOSED,
)
"""The way of a referral that goes well."""

ENDED: Final = frozenset({State.CLOSED, State.CANCELLED})
OPEN: Final = tuple(state for state in State if state not in ENDED)

_ASKED = (State.SENT, State.RECEIVED, State.ACCEPTED)
_VISIT = (State.SCHEDULED, State.NO_SHOW, State.VISIT_CANCELLED)
BEFORE_VISIT: Final = (*_ASKED, *_VISIT)
"""Whose visit is still to come, or to be had once more."""

_BACK = (State.SEEN, State.NOTE_RECEIVED, State.REVIEWED)

MAY_FOLLOW: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.SENT: frozenset({State.DRAFT, State.DECLINED, State.SENT, State.RECEIVED, State.ACCEPTED}),
        State.RECEIVED: frozenset({State.SENT}),
        State.ACCEPTED: frozenset({State.SENT, State.RECEIVED}),
        State.DECLINED: frozenset(BEFORE_VISIT),
        State.SCHEDULED: frozenset(BEFORE_VISIT),
        State.NO_SHOW: frozenset({State.SCHEDULED}),
        State.VISIT_CANCELLED: frozenset({State.SCHEDULED}),
        State.SEEN: frozenset({*BEFORE_VISIT, State.CANCEL_REQUESTED}),
        State.NOTE_RECEIVED: frozenset({*BEFORE_VISIT, State.SEEN}),
        State.REVIEWED: frozenset({State.NOTE_RECEIVED}),
        State.CLOSED: frozenset({State.NOTE_RECEIVED, State.REVIEWED}),
        State.CANCEL_REQUESTED: frozenset(BEFORE_VISIT),
        State.CANCELLED: frozenset({State.DRAFT, State.DECLINED, State.CANCEL_REQUESTED, *_BACK}),
        State.DRAFT: frozenset(),
    }
)
"""From which states each state may be reached. SENT follows itself and others when the referral is re-routed; an
office that books the patient without a word skips RECEIVED and ACCEPTED, and a note may come before word of a visit.
What the target still works on is cancelled in two steps: asked for, then confirmed.
"""


def is_before_it_was_sent(visit_at: datetime, *, sent_at: datetime) -> bool:
    """Whether a visit would lie before the minute in which the referral went to whom it asks now. A time in the past is
    right otherwise: often one learns late of a visit that others arranged."""
    return visit_at < sent_at.replace(second=0, microsecond=0)


def is_before_its_visit(seen_at: datetime, *, visit_at: datetime | None, zone: tzinfo) -> bool:
    """Whether somebody was seen on an earlier day of the site than that of the visit that is arranged."""
    return visit_at is not None and seen_at.astimezone(zone).date() < visit_at.astimezone(zone).date()


def is_visit_ahead(state: str, *, visit_at: datetime | None, now: datetime) -> bool:
    """Whether a referral counts on a visit, booked here or arranged with them, that has yet to begin."""
    return state == State.SCHEDULED and visit_at is not None and visit_at > now


def may_become(state: str, *, to: State) -> bool:
    """Whether a referral in `state` may move to `to`."""
    return state in MAY_FOLLOW[to]


ASKED_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "referrer_id": "who refers",
        "specialty": "the specialty",
        "target": "whom it asks",
        "urgency": "how fast",
        "question": "the question",
        "history": "what they need to know",
        "coverage_status": "the payer's word",
        "coverage_note": "the payer's word",
        "attachments": "what goes along",
    }
)


def what_differs(kept: ReferralOrder, asked: ReferralOrder) -> dict[str, str]:
    """What is asked otherwise than it is kept: the words for it by field, without a word of what it says."""
    before, after = _said(kept), _said(asked)
    return {name: words for name, words in ASKED_WORDS.items() if before[name] != after[name]}


def _said(order: ReferralOrder) -> dict[str, Any]:
    values = {name: getattr(order, name) for name in ASKED_WORDS}
    return {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}


def missing_facts(facts: Collection[str]) -> tuple[str, ...]:
    """Which of the three facts that close a referral are still to come."""
    return tuple(fact for fact in (REPORT, REVIEWED, TOLD) if fact not in facts)


# --- clocks ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names that the words of a step may use, and the referrer's account if they have one."""

    patient: str
    target: str
    referrer: str
    specialty: str
    referrer_user_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRule:
    """The clock of one state, from the version of the table that holds on a date."""

    rule_id: str
    version: str
    source: str
    step: str
    waiting_on: str
    from_visit: bool
    allowances: Mapping[str, Allowance]


def clock_rule(state: State, *, on: date) -> ClockRule | None:
    """The rule of a state on a date: the newest version that is in effect; None for a state without a clock."""
    versions = [table for table in _tables() if table.effective_on <= on]
    newest = max(versions, key=lambda table: table.effective_on)
    return newest.rules.get(state)


def clock_for(
    state: State,
    *,
    urgency: str,
    names: Names,
    referral_id: int,
    now: datetime,
    visit_at: datetime | None,
    zone: tzinfo,
    calendar: BusinessCalendar,
) -> ClockToStart | None:
    """The clock that runs in a state, from now or (where the rule says so) from the visit; None when none runs.

    A clock that runs from a visit without a time runs from now.
    """
    rule = clock_rule(state, on=now.astimezone(zone).date())
    if rule is None:
        return None
    anchor_at = visit_at if rule.from_visit and visit_at is not None else now
    waiting = {"target": names.target, "referrer": names.referrer, "visit": "the visit", "": ""}
    return ClockToStart(
        rule_id=rule.rule_id,
        rule_version=rule.version,
        source=f"{rule.source}: {rule.allowances[urgency]}, {urgency}",
        step=rule.step.format(
            patient=names.patient, target=names.target, referrer=names.referrer, specialty=names.specialty
        ),
        waiting_on=waiting[rule.waiting_on],
        waiting_on_user_id=names.referrer_user_id if rule.waiting_on == "referrer" else None,
        anchor_event=f"visit:referral:{referral_id}" if anchor_at is visit_at else f"referral:{referral_id}:{state}",
        anchor_at=anchor_at,
        calendar=rule.allowances[urgency].days_off(calendar),
        due_at=due_after(anchor_at, allowance=rule.allowances[urgency], zone=zone, calendar=calendar),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    effective_on: date
    rules: Mapping[State, ClockRule]


@cache
def _tables() -> tuple[_Table, ...]:
    data = json.loads((files(__package__) / "clocks.json").read_text(encoding="utf-8"))
    return tuple(_table(version) for version in data)


def _table(version: dict[str, Any]) -> _Table:
    return _Table(
        effective_on=date.fromisoformat(version["effective_on"]),
        rules={
            State(state): ClockRule(
                rule_id=row["rule_id"],
                version=version["version"],
                source=version["source"],
                step=row["step"],
                waiting_on=row.get("waiting_on", ""),
                from_visit=row.get("anchor") == "visit",
                allowances={urgency: _allowance(row[urgency]) for urgency in URGENCIES},
            )
            for state, row in version["clocks"].items()
        },
    )


def _allowance(row: dict[str, int]) -> Allowance:
    ((unit, amount),) = row.items()
    return Allowance(amount=amount, unit=Unit(unit))
