"""What calls prove: contact made, or two documented attempts (DOMAIN 2.1, CPT 99495 and 99496)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Outcome(StrEnum):
    """How a call ended."""

    REACHED = "reached"
    LEFT_MESSAGE = "left_message"
    NO_ANSWER = "no_answer"
    WRONG_NUMBER = "wrong_number"
    BUSY = "busy"


class With(StrEnum):
    """Whom we spoke with, or tried to."""

    PATIENT = "patient"
    PROXY = "proxy"
    OTHER = "other"


class Contact(StrEnum):
    """Where the contact of a window stands."""

    DUE = "due"
    CONTACTED = "contacted"
    ATTEMPTS_DOCUMENTED = "attempts_documented"
    MISSED = "missed"


class Understood(StrEnum):
    """What a teach-back showed."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


SEPARATE = timedelta(hours=1)
"""Two tries count as separate when at least this far apart: dialling again at once is the same try."""

NEEDED_ATTEMPTS = 2
HEARS_CLINICAL = "clinical"
"""The scope of a proxy (`patients.rules.Scope`) who may hear how the patient is; a talk with another is no contact."""
TRIED = frozenset({Outcome.LEFT_MESSAGE, Outcome.NO_ANSWER, Outcome.BUSY})
NURSE_AFTER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call: when, how it ended, with whom, and whether it addressed clinical status and needs."""

    at: datetime
    outcome: Outcome
    with_whom: With = With.PATIENT
    clinical: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSoFar:
    """The standing, and how many separate failed attempts are documented inside the window."""

    standing: Contact
    attempts: int
    contacted_at: datetime | None = None


def makes_contact(attempt: Attempt) -> bool:
    """Whether this call is the interactive contact: patient or caregiver, and not only about scheduling."""
    return attempt.outcome is Outcome.REACHED and attempt.with_whom is not With.OTHER and attempt.clinical


def counts_as_attempt(attempt: Attempt) -> bool:
    """Whether this call is a documented try that failed. A wrong number was no try to reach this patient."""
    someone_else = attempt.outcome is Outcome.REACHED and attempt.with_whom is With.OTHER
    return attempt.outcome in TRIED or someone_else


def contact_so_far(
    attempts: Sequence[Attempt], *, starts_at: datetime, ends_at: datetime, now: datetime
) -> ContactSoFar:
    """The standing of the contact in the half-open window [starts_at, ends_at).

    Two or more separate attempts inside the window that failed keep the service reportable, "keep trying": a later
    contact inside the window still turns the standing into contacted.
    """
    inside = sorted((one for one in attempts if starts_at <= one.at < ends_at), key=lambda one: one.at)
    contacts = [one.at for one in inside if makes_contact(one)]
    tries = separate_attempts(inside)
    if contacts:
        return ContactSoFar(standing=Contact.CONTACTED, attempts=tries, contacted_at=contacts[0])
    if tries >= NEEDED_ATTEMPTS:
        return ContactSoFar(standing=Contact.ATTEMPTS_DOCUMENTED, attempts=tries)
    return ContactSoFar(standing=Contact.DUE if now < ends_at else Contact.MISSED, attempts=tries)


def separate_attempts(attempts: Sequence[Attempt]) -> int:
    """How many of these, in any order, are tries that failed and far enough from the one counted before."""
    count = 0
    last: datetime | None = None
    for at in sorted(one.at for one in attempts if counts_as_attempt(one)):
        if last is None or at - last >= SEPARATE:
            count += 1
            last = at
    return count


def counted_with(at: datetime, *, tries: Sequence[datetime]) -> datetime | None:
    """The attempt that a try at `at` counts as one with, or None when it counts by itself.

    `tries` are instants of the tries so far, in any order; those after `at` do not matter.
    """
    counted: datetime | None = None
    for one in sorted(one for one in tries if one <= at):
        if counted is None or one - counted >= SEPARATE:
            counted = one
    return counted if counted is not None and at - counted < SEPARATE else None


def next_try(*, outcome: Outcome, at: datetime, tries: int) -> datetime | None:
    """When to propose the next attempt: soon after a busy line, later the same day, then at another hour next day.

    None when the call needs no further try. `tries` counts this one. Opening hours are the caller's to apply.
    """
    if outcome is Outcome.REACHED:
        return None
    if outcome is Outcome.BUSY:
        return at + timedelta(minutes=30)
    if outcome is Outcome.WRONG_NUMBER:
        return at
    return at + (timedelta(hours=3) if tries <= 1 else timedelta(hours=21))


def needs_nurse(understood: Sequence[Understood]) -> bool:
    """Whether one topic was understood only partly or not at all twice (DOMAIN 8.2): a nurse explains it."""
    return sum(1 for one in understood if one is not Understood.YES) >= NURSE_AFTER
