"""What others hand to scheduling, and what an outside writer of invitations must offer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from liaison.scheduling.rules import (
    HOLD_FOR,
    REASONS,
    Asked,
    Barrier,
    Called,
    CancelReason,
    Checked,
    Duty,
    DutyStatus,
    Finding,
    HolidayPolicy,
    Hours,
    LateAnswer,
    Need,
    Offer,
    OfferBy,
    Pattern,
    Reason,
    Span,
    Stage,
    Standing,
    State,
    Urgency,
    read_line,
)
from liaison.scheduling.rules.journeys import Gap

__all__ = [
    "HOLD_FOR",
    "REASONS_IN_ORDER",
    "Asked",
    "Barrier",
    "BookingOrder",
    "Called",
    "CancelReason",
    "Checked",
    "Duty",
    "DutyStatus",
    "FeedWriter",
    "Finding",
    "Gap",
    "HolidayPolicy",
    "Hours",
    "Invitation",
    "InvitationWriter",
    "LateAnswer",
    "Method",
    "Need",
    "Offer",
    "OfferBy",
    "Override",
    "Pattern",
    "ReadinessCheck",
    "Reason",
    "Recurrence",
    "Seat",
    "Span",
    "Stage",
    "Standing",
    "State",
    "Urgency",
    "VisitPromise",
    "feed_writer",
    "invitation_writers",
    "read_line",
    "readiness_checks",
    "register_feed_writer",
    "register_invitation_writer",
    "register_readiness_check",
    "register_visit_promise",
    "unregister_feed_writers",
    "visit_promises",
]

REASONS_IN_ORDER = tuple(REASONS.items())
"""The reasons for a cancellation that a person picks from, with their words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One resource taken in one role ("clinician", "room")."""

    role: str
    resource_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingOrder:
    """What is to be booked. `key` makes it safe to send twice: the second time answers with the first booking.

    `start_at` is aware. `minutes` is how long the visit lasts where that is not what its kind says (1 to 1,440).
    `loop_id` and `referral_id` name the promise and the referral that this serves; `is_one_of_several` that others
    for it are meant too: a series, a time that is held until the patient answers.
    """

    key: str
    visit_type_id: int
    site_id: int
    start_at: datetime
    seats: tuple[Seat, ...]
    minutes: int | None = None
    loop_id: int | None = None
    referral_id: int | None = None
    note: str = ""
    is_one_of_several: bool = False

    def held_as(self, key: str) -> "BookingOrder":
        """The same, to be kept under another key while the patient makes up their mind: one of several times."""
        return replace(self, key=key, is_one_of_several=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A person's reason to book all the same. It shows on the booking.

    `met` is what they were told stands against it (`Warned.met`): for anything else they are asked again. None is for
    who decides on all of it at once.
    """

    reason: str
    met: frozenset[str] | None = None


class Method(StrEnum):
    """What an invitation says (RFC 5546)."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """How one event comes again (RFC 5545): its `rule`, the starts that are `excluded`, and what is otherwise.

    `last_at` is the last start of the rule.
    `others` are visits at another time than the rule's; each names by `recurs_at` the start that it stands for.
    """

    rule: str
    last_at: datetime
    excluded: tuple[datetime, ...] = ()
    others: tuple["Invitation", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """One message about one event, with nothing clinical in it (DOMAIN 1.8).

    `uid` stays for life and `sequence` rises with each change; `summary` is neutral, in the patient's language.
    `recurrence` makes it a series; `recurs_at` makes it one visit of a series, by the start that the rule gives it.
    """

    uid: str
    sequence: int
    method: Method
    stamped_at: datetime
    start_at: datetime
    end_at: datetime
    zone: ZoneInfo
    summary: str
    where: str
    organizer_name: str
    organizer_email: str
    attendee_email: str = ""
    url: str = ""
    language: str = "en"
    recurrence: Recurrence | None = None
    recurs_at: datetime | None = None


class InvitationWriter(Protocol):
    """Turns an invitation into a file that mail programs read."""

    def media_type(self, invitation: Invitation) -> str:
        """The media type with its parameters."""

    def write(self, invitation: Invitation) -> bytes:
        """The file."""


_writers: list[Callable[[], InvitationWriter]] = []


def register_invitation_writer(make: Callable[[], InvitationWriter]) -> None:
    """Name what writes invitations; each writer adds a file to the patient's message."""
    _writers.append(make)


def invitation_writers() -> tuple[InvitationWriter, ...]:
    """What writes invitations; none when no gateway is installed: then messages go without a file."""
    return tuple(make() for make in _writers)


class FeedWriter(Protocol):
    """Turns a clinician's visits into a file that calendar programs subscribe to."""

    feed_type: str

    def write_feed(self, duties: Sequence[Duty], *, name: str) -> bytes:
        """The file; the same visits give the same bytes."""


_feed_writers: list[Callable[[], FeedWriter]] = []


def register_feed_writer(make: Callable[[], FeedWriter]) -> None:
    """Name what writes the calendars that people subscribe to; the last one counts."""
    _feed_writers[:] = [make]


def unregister_feed_writers() -> None:
    """Forget what writes them."""
    _feed_writers.clear()


def feed_writer() -> FeedWriter | None:
    """What writes them; None when no gateway is installed: then there are none."""
    return _feed_writers[0]() if _feed_writers else None


class ReadinessCheck(Protocol):
    """Says of coming visits whether something that a package knows of is in order, from its own data."""

    def __call__(self, visits: Sequence[Checked], /, *, now: datetime) -> Mapping[int, Sequence[Finding]]:
        """The findings by appointment id; a visit that this check has nothing to say of may be left out.

        Asked for many visits at once, by jobs and pages: a fixed number of queries, and no writes.
        """
        ...


_checks: list[ReadinessCheck] = []


def register_readiness_check(check: ReadinessCheck) -> None:
    """Let a package above or below say what must be true for a visit (called in `AppConfig.ready`)."""
    if check not in _checks:
        _checks.append(check)


def readiness_checks() -> tuple[ReadinessCheck, ...]:
    """Every check, in the order in which they were registered."""
    return tuple(_checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitPromise:
    """A kind of loop that waits for a visit, told by the package that opens it.

    `evidence` is the code that the visit proves. `why_not` says of a visit of this modality ("in_person", "video",
    "phone") in a sentence why it would not count; "" when it would.
    """

    kind: str
    evidence: str
    why_not: Callable[[str], str]


_visit_promises: dict[str, VisitPromise] = {}


def register_visit_promise(promise: VisitPromise) -> None:
    """Let a package above say which of its promises wait for a visit (called in `AppConfig.ready`)."""
    _visit_promises[promise.kind] = promise


def visit_promises() -> Mapping[str, VisitPromise]:
    """Every such kind, by its code."""
    return dict(_visit_promises)
