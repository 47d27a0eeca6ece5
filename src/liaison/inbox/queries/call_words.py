"""A call as somebody may read it: how it ended, when and with whom, what was said, and what was explained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from liaison.core.actor import Actor
from liaison.core.written_time import near_day
from liaison.inbox import access
from liaison.inbox.models import Call, TeachBack
from liaison.inbox.rules.contact import Outcome, Understood, With
from liaison.patients.models import Patient

ENTERED_LATER: Final = timedelta(minutes=15)
"""From which on it is told that a call was written down later than it was made."""
UNDERSTOOD_WORDS: Final[Mapping[str, Promise]] = {
    Understood.YES: gettext_lazy("understood"),
    Understood.PARTLY: gettext_lazy("understood in part"),
    Understood.NO: gettext_lazy("not understood"),
}
WHOM_WORDS: Final[Mapping[str, Promise]] = {
    With.PATIENT: gettext_lazy("the patient"),
    With.PROXY: gettext_lazy("a proxy"),
    With.OTHER: gettext_lazy("someone else"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """One thing that was explained: their own words, if any were noted, and in words whether they understood."""

    topic: str
    words: str
    understood: str
    retaught: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallShown:
    """One call; `said` and `taught` are empty for who may not read them (`hidden` says so).

    `at` is when it was made; `entered_at` when it was written down, where that was clearly later, and
    `entered_on` that day in words, where it was another one at the patient's site. `struck_at`
    and its like are empty for one that counts. `no_contact` says that only somebody else was reached.
    """

    id: int
    at: datetime
    outcome: str
    outcome_label: str
    with_whom: str
    said: str
    by: str
    logged_at: datetime
    entered_at: datetime | None = None
    entered_on: str = ""
    taught: tuple[Taught, ...] = ()
    hidden: bool = False
    no_contact: bool = False
    struck_at: datetime | None = None
    struck_by: str = ""
    struck_reason: str = ""


def shown_calls(actor: Actor, calls: Iterable[Call], *, patient: Patient, now: datetime) -> Iterator[CallShown]:
    """Calls with this patient, each with the words of it that the actor may read.

    What was said of how the patient is and what they need, and what was explained to them, is for those who read
    clinical notes, and for who wrote it.
    """
    reads = patient.reachable_by(actor, access.READ_CLINICAL_NOTE, now=now)
    rows, zone = list(calls), patient.zone
    taught = _taught(rows)
    for call in rows:
        own = call.by_id is not None and call.by_id == actor.user_id
        shown = _shown(call, taught=taught.get(call.pk, ()), reads=reads or own)
        yield shown if shown.entered_at is None else replace(shown, entered_on=_other_day(call, zone=zone))


def _other_day(call: Call, *, zone: ZoneInfo) -> str:
    """The day on which it was entered, if it was made on another; empty if it was the same."""
    made_on, entered_on = call.started_at.astimezone(zone).date(), call.logged_at.astimezone(zone).date()
    return near_day(entered_on, year=made_on.year) if entered_on != made_on else ""


def whom_words(call: Call) -> str:
    """Whom we spoke with, or tried to: their name, else what they are."""
    return call.with_name or str(WHOM_WORDS[call.with_whom])


def in_one_line(shown: CallShown) -> str:
    """What was said and what was explained, as one line of a timeline."""
    parts = [shown.said, *(_explained(one) for one in shown.taught)]
    if shown.no_contact:
        parts.append(_("Counts as an attempt, not as contact."))
    return " ".join(part for part in parts if part)


def _explained(one: Taught) -> str:
    words = f": “{one.words}”" if one.words else ""
    return _("Teach-back, %(topic)s%(words)s (%(understood)s).") % {
        "topic": one.topic,
        "words": words,
        "understood": one.understood,
    }


def _taught(calls: Sequence[Call]) -> Mapping[int, tuple[Taught, ...]]:
    found: dict[int, tuple[Taught, ...]] = {}
    for row in TeachBack.objects.filter(call_id__in=[call.pk for call in calls]).order_by("pk"):
        one = Taught(
            topic=row.topic,
            words=row.patient_words,
            understood=str(UNDERSTOOD_WORDS[row.understood]),
            retaught=row.retaught,
        )
        found[row.call_id] = (*found.get(row.call_id, ()), one)
    return found


def _shown(call: Call, *, taught: tuple[Taught, ...], reads: bool) -> CallShown:
    later = call.logged_at - call.started_at >= ENTERED_LATER
    return CallShown(
        id=call.pk,
        at=call.started_at,
        outcome=call.outcome,
        outcome_label=call.get_outcome_display(),
        with_whom=whom_words(call),
        said=call.said if reads or not call.clinical else "",
        by=call.by_name,
        logged_at=call.logged_at,
        entered_at=call.logged_at if later else None,
        taught=taught if reads else (),
        hidden=not reads and (call.clinical or bool(taught)),
        no_contact=call.outcome == Outcome.REACHED and call.with_whom == With.OTHER and not call.is_struck,
        struck_at=call.struck_at,
        struck_by=call.struck_by_name,
        struck_reason=call.struck_reason,
    )
