"""How urgent a loop is, why in words, when it climbs the ladder, and who covers what: pure functions."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import cache
from importlib.resources import files
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final, Literal

from liaison.core.calendars import BusinessCalendar, add_business_days, start_of_day
from liaison.loops.ports import CLINICAL, ROUTINE, URGENT, LoopKind, Owner

UNDO_WITHIN: Final = timedelta(seconds=10)
UNDO_ON_ITS_WAY: Final = timedelta(seconds=20)

RISES_EARLIER_BY: Final[Mapping[str, timedelta]] = MappingProxyType(
    {ROUTINE: timedelta(0), URGENT: timedelta(days=2), CLINICAL: timedelta(days=14)}
)
"""How much earlier than its due time a loop stands on the desk. A clinical one that is due now stands before a
routine one that is two weeks late; among equals the one due first comes first."""

OPEN, CLOSED, GIVEN_UP = "open", "closed", "given_up"

_LONGEST_ID: Final = 18


# --- rank and words -------------------------------------------------------------------------------------------


def urgent_at(due_at: datetime, *, priority: str) -> datetime:
    """The instant that orders the desk: the due time, moved earlier by priority."""
    return due_at - RISES_EARLIER_BY[priority]


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """One reason why a loop stands where it does: a code for its colour and shape, and the words."""

    code: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """Where a loop stands among the others: `at` orders the desk, `reasons` say why, the weightiest first.

    `counts_as` says by how much a pressing loop stands earlier ("due 2 days earlier"), "" for who stands by its due
    time. How late it is nobody says here: the due time does, once (`core.spoken_time`).
    """

    at: datetime
    reasons: tuple[Why, ...]
    counts_as: str

    @property
    def words(self) -> str:
        """The rank in one line: "urgent (counts as due 2 days earlier), then late"."""
        first, *then = (reason.words for reason in self.reasons)
        return ", then ".join([f"{first} (counts as {self.counts_as})" if self.counts_as else first, *then])


def rank(due_at: datetime, *, priority: str, now: datetime, zone: tzinfo) -> Rank:
    """The rank of an open loop: first how pressing it is, then when it is due. Nothing else moves a row."""
    pressing = () if priority == ROUTINE else (Why(code=priority, words=priority),)
    return Rank(
        at=urgent_at(due_at, priority=priority),
        reasons=(*pressing, _due_reason(due_at, now=now, zone=zone)),
        counts_as=f"due {RISES_EARLIER_BY[priority].days} days earlier" if pressing else "",
    )


def _due_reason(due_at: datetime, *, now: datetime, zone: tzinfo) -> Why:
    if is_late(due_at, now=now):
        return Why(code="late", words="late")
    if is_due_today(due_at, now=now, zone=zone):
        return Why(code="today", words="due today")
    return Why(code="later", words="due later")


def order_words() -> tuple[str, ...]:
    """The rule behind `rank` in sentences, for whoever asks why the desk stands as it does."""
    urgent, clinical = (RISES_EARLIER_BY[priority].days for priority in (URGENT, CLINICAL))
    return (
        "What is due first stands first: late, then today, then later.",
        f"Urgent counts as due {urgent} days earlier, clinical as due {clinical} days earlier.",
        "What reaches its due time turns urgent by itself.",
        "Being escalated tells somebody more; it does not change the order.",
    )


def is_late(due_at: datetime, *, now: datetime) -> bool:
    """Whether the due time has passed."""
    return due_at < now


def is_due_today(due_at: datetime, *, now: datetime, zone: tzinfo) -> bool:
    """Whether it is due later on the site's local day, and not yet late."""
    return now <= due_at and due_at.astimezone(zone).date() == now.astimezone(zone).date()


def why(
    *, due_at: datetime, priority: str, escalation_level: int, waiting_on: str, now: datetime, zone: tzinfo
) -> tuple[Why, ...]:
    """What presses about a loop: the reasons for its rank, then who was told and whom it waits on."""
    ranked = rank(due_at, priority=priority, now=now, zone=zone)
    reasons = [reason for reason in ranked.reasons if reason.code != "later"]
    if escalation_level >= ESCALATED_FROM:
        reasons.append(Why(code="escalated", words=f"escalated{_to_whom(escalation_level, priority=priority)}"))
    if waiting_on:
        reasons.append(Why(code="waiting", words=f"waiting on {waiting_on}"))
    return tuple(reasons)


EVENT_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "loop": "when it was set by hand",
        "patient": "when the death was recorded",
        "call": "the call",
        "message": "the message that failed",
        "request": "the request",
        "visit": "the visit",
        "appointment": "the visit",
    }
)
"""What clocks of any kind of loop run from; a kind may say it better, or name further events."""

CALENDAR_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "federal": "federal holidays",
        "organization": "the organization's closed days",
        "site": "the site's closed days",
        "payer": "the payer's closed days",
    }
)


def event_words(event: str, *, kind: LoopKind) -> str:
    """What a clock runs from or ended by, as a person says it: "encounter:12" is "the discharge".

    "" for what nobody named; words that are no event ("done by Rosa") stay as they are.
    """
    if " " in event:
        return event
    name = ":".join(part for part in event.split(":") if not part.replace("-", "").isdecimal())
    if name == "evidence":
        return "its evidence came in"
    return kind.event_words.get(name) or EVENT_WORDS.get(name, "")


def calendar_words(name: str) -> str:
    """The days that a clock does not count: "federal" is "weekends, federal holidays"; "" counts all of them."""
    if name in {"", "weekdays"}:
        return "weekends" if name else ""
    layers = (CALENDAR_WORDS.get(layer.partition(":")[0], layer) for layer in name.split("+"))
    return ", ".join(("weekends", *layers))


# --- the escalation ladder (DOMAIN 3.4) -----------------------------------------------------------------------

ESCALATED_FROM: Final = 3
"""Levels below only remind the owner; from here on somebody above the owner knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One rung: when (business days or hours from the due time, or at once), who is told, what it raises.

    A promise that was late already when somebody got it is counted from then: nobody breaks what they didn't have.
    """

    level: int
    notify: tuple[str, ...]
    business_days: int | None = None
    hours: int | None = None
    raise_to: str = ""

    def reached_at(
        self, *, due_at: datetime, started_at: datetime, calendar: BusinessCalendar, zone: tzinfo
    ) -> datetime:
        """The instant of this rung. Days before the due day begin at its midnight, days after keep the hour."""
        counted_from = max(due_at, started_at)
        if self.hours is not None:
            return counted_from + timedelta(hours=self.hours)
        if self.business_days is None:
            return started_at
        if self.business_days == 0:
            return counted_from
        local = counted_from.astimezone(zone)
        day = add_business_days(local.date(), days=self.business_days, calendar=calendar)
        if self.business_days < 0:
            return start_of_day(day, zone=zone)
        return datetime.combine(day, local.time(), tzinfo=zone)


TOLD_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "owner": "its owner",
        "backup": "the owner's team",
        "lead": "the site's supervisor",
        "supervisor": "the site's supervisor",
        "manager": "the manager of all sites",
        "clinician": "the clinicians",
    }
)
"""Whom a rung tells, as colleagues call them."""


def told_words(notify: Sequence[str]) -> str:
    """Those whom a rung tells, in words: "its owner and the clinicians"."""
    names = list(dict.fromkeys(TOLD_WORDS[one] for one in notify))
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _to_whom(level: int, *, priority: str) -> str:
    rung = next((one for one in ladder(priority) if one.level == level), None)
    return f" to {TOLD_WORDS[rung.notify[-1]]}" if rung is not None else ""


@cache
def ladder(priority: str) -> tuple[Level, ...]:
    """The rungs for a priority, lowest first, as `escalation.json` in this package has them."""
    data = json.loads((files(__package__) / "escalation.json").read_text(encoding="utf-8"))
    return tuple(_level(row) for row in data["clinical" if priority == CLINICAL else "default"])


def _level(row: dict[str, Any]) -> Level:
    after = row["after"]
    return Level(
        level=row["level"],
        notify=tuple(row["notify"]),
        business_days=after.get("business_days"),
        hours=after.get("hours"),
        raise_to=row.get("raise_to", ""),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """Where a loop stands on its ladder: the level reached (None at the foot) and when the next one comes.

    `raise_to` is the highest priority that a rung up to here raises to, "" for none: a ladder that is climbed several
    rungs at once raises as if it had been climbed one by one.
    """

    reached: Level | None
    next_at: datetime | None
    raise_to: str = ""


def climb(
    *,
    priority: str,
    due_at: datetime,
    started_at: datetime,
    now: datetime,
    calendar: BusinessCalendar,
    zone: tzinfo,
) -> Rung:
    """The highest level whose time has come by `now`, and the instant of the next above it."""
    reached, next_at, raise_to = None, None, ""
    for level in ladder(priority):
        at = level.reached_at(due_at=due_at, started_at=started_at, calendar=calendar, zone=zone)
        if at <= now:
            reached = level
            raise_to = raised(raise_to or ROUTINE, to=level.raise_to) if level.raise_to else raise_to
        else:
            next_at = at if next_at is None else min(next_at, at)
    return Rung(reached=reached, next_at=next_at, raise_to=raise_to)


def raised(priority: str, *, to: str) -> str:
    """The higher of two priorities; a ladder never lowers one."""
    order = (ROUTINE, URGENT, CLINICAL)
    return max(priority, to or priority, key=order.index)


# --- what may be done -----------------------------------------------------------------------------------------


def missing(required: Sequence[str], *, present: Collection[str]) -> tuple[str, ...]:
    """The codes of evidence still to come, in the kind's order."""
    return tuple(code for code in required if code not in present)


_OF_THE_DESK: Final = frozenset({
    "acknowledged", "assigned", "escalated", "given_on", "handed_over", "not_handed_over", "priority", "returned",
    "resumed", "review", "snoozed", "taken", "woken",
})  # fmt: skip
"""Lines about who keeps a promise, and by when: they never repeat what it is about."""
_CLINICAL_HEADS: Final[Mapping[str, str]] = MappingProxyType(
    {"opened": "Opened", "given_up": "Given up", "step_set": "Next step set", "step_done": "Step done"}
)


def without_clinical_words(sentence: str, *, what: str, evidence: str, kind: LoopKind) -> str:
    """A line of a loop's story for somebody who doesn't read the chart: that it happened, not what was found.

    `evidence` is the code of the proof that the line tells of, "" for none.

    Of kinds with clinical evidence those of `what` "evidence", "closed" and "undone" say no more than that. Of kinds
    whose title and step are clinical themselves every other line is the kind's name too, but for those that only say
    who keeps the promise and by when.
    """
    if what not in {"evidence", "closed", "undone"}:
        bare = kind.clinical_words and what not in _OF_THE_DESK
        return f"{_CLINICAL_HEADS.get(what, 'Changed')}: {kind.label}." if bare else sentence
    if not kind.clinical_evidence:
        return sentence
    if what == "undone":
        return "Taken back."
    told = evidence if evidence in kind.accepted_evidence else ""
    if told and told not in kind.clinical_evidence:
        return sentence
    said = [f"{kind.evidence_label(told)}."] if told else []
    return " ".join([*said, "Closed."] if what == "closed" else said) or "Evidence recorded."


def may_undo(*, done_at: datetime, now: datetime, is_last: bool, by_same_person: bool, undoable: bool) -> bool:
    """Whether a slip may still be taken back: by who made it, as the last change, within ten seconds.

    The ten seconds are what the bar shows, from when the answer came and without the time in which it is pointed at,
    which it counts for ten more at most: a press in them is heard, also over a slow line.
    """
    return undoable and is_last and by_same_person and done_at <= now < done_at + UNDO_WITHIN + UNDO_ON_ITS_WAY


def earliest_running(dues: Sequence[tuple[datetime, int]]) -> int | None:
    """The id of the clock that is due first among (due, id); None when none runs."""
    return min(dues)[1] if dues else None


def snooze_is_short_enough(until: datetime, *, due_at: datetime, now: datetime) -> bool:
    """A snooze lies ahead and never hides a step past its due time."""
    return now < until <= due_at


# --- covering for a colleague ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One loop and who keeps it from now on."""

    loop_id: int
    to: Owner


def share_out(
    loops: Sequence[tuple[int, int]],
    *,
    covers: Sequence[Owner],
    load: Mapping[Owner, int],
    sees: Mapping[Owner, Collection[int]],
) -> tuple[Moved, ...]:
    """Share (patient id, loop id) pairs among the covers: a patient's loops stay together, the least busy first.

    `load` says how many open loops each cover has already, `sees` which patients (ids) each can see: nobody gets a
    loop of another, and one whose patient no cover sees is left out. Raises ValueError without a cover.
    """
    if not covers:
        raise ValueError("Nobody to hand over to.")
    busy = {owner: load.get(owner, 0) for owner in covers}
    moved: list[Moved] = []
    for patient_id, group in groupby(sorted(loops), key=lambda pair: pair[0]):
        seeing = [cover for cover in covers if patient_id in sees.get(cover, ())]
        if not seeing:
            continue
        owner = min(seeing, key=lambda cover: busy[cover])
        for _, loop_id in group:
            moved.append(Moved(loop_id=loop_id, to=owner))
            busy[owner] += 1
    return tuple(moved)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarOf:
    """Whose closed days: the organization's (id 0), a site's or a payer's."""

    what: Literal["organization", "site", "payer"]
    id: int = 0


def calendar_of(code: str) -> CalendarOf | None:
    """Whose calendar a code names ("organization", "site:3", "payer:7"); None for anything else."""
    if code == "organization":
        return CalendarOf(what="organization")
    what, _, number = code.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) <= _LONGEST_ID):
        return None
    if what == "site":
        return CalendarOf(what="site", id=int(number))
    return CalendarOf(what="payer", id=int(number)) if what == "payer" else None
