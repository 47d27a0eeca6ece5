"""What patients answered to invitations: the answer that stands, all of them, and which invitation is meant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from django.db.models import F, Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from liaison.inbox.models import Message
from liaison.loops.models import Loop, WaitingPromise
from liaison.scheduling.models import Appointment, AppointmentQuerySet, InvitationAnswer, Series, SeriesVisit
from liaison.scheduling.rules import SAID_WORDS, Heard, Said

_WENT: Final = ("sending", "sent", "delivered", "unknown")
_CHANGES_NOTHING: Final[Mapping[Heard, str | Promise]] = MappingProxyType(
    {
        Heard.OTHER_TIME: gettext_lazy("to an invitation for another time: it changes nothing"),
        Heard.OVERTAKEN: gettext_lazy("before they answered otherwise: it changes nothing"),
        Heard.OVER: gettext_lazy("after the visit was over or off: it changes nothing"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One answer in words. `counts` says whether it stood when it came."""

    at: datetime
    said: Said
    words: str
    comment: str
    counts: bool
    message_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a patient answered about one visit: the answer that stands, and every one in the order of coming.

    `loop_id` is the loop that sees to a visit which they can't keep, while it is open.
    """

    stands: Answered | None
    every: tuple[Answered, ...]
    loop_id: int | None


def answers_of(appointment: Appointment) -> Answers:
    """What the patient answered. The appointment was fetched for somebody."""
    rows = answers_to([appointment.pk]).get(appointment.pk, ())
    standing = standing_answers([appointment.pk]).get(appointment.pk) if rows else None
    open_loops = (
        Loop.objects.open().filter(once_key=standing.promise_key) if standing and standing.promise_key else None
    )
    return Answers(
        stands=in_words(standing) if standing else None,
        every=tuple(in_words(row) for row in rows),
        loop_id=open_loops.values_list("pk", flat=True).first() if open_loops is not None else None,
    )


def in_words(row: InvitationAnswer) -> Answered:
    """An answer as people read it."""
    said = Said(row.said)
    words = _(SAID_WORDS[said])
    why = _CHANGES_NOTHING.get(Heard(row.heard))
    return Answered(
        at=row.received_at,
        said=said,
        words=f"{words}, {why}" if why else words,
        comment=row.comment,
        counts=row.counts,
        message_id=row.message_id,
    )


def invited_by(*, uid: str, address: str) -> int | None:
    """The id of our latest message that carried the invitation of this event to this address; for the inbox."""
    visits = Appointment.objects.filter(ical_uid=uid).values_list("pk", flat=True)
    keys = [f"visit:{pk}:" for pk in visits]
    series = Series.objects.filter(ical_uid=uid).first()
    if series is not None:
        of_series = SeriesVisit.objects.filter(series=series, is_in_event=True, appointment__isnull=False)
        keys += [f"series:{series.pk}:", *(f"visit:{pk}:" for pk in of_series.values_list("appointment", flat=True))]
    if not keys:
        return None
    any_of = Q()
    for key in keys:
        any_of |= Q(idempotency_key__startswith=key)
    went = Message.objects.filter(any_of, direction="out", state__in=_WENT, to_address__iexact=address)
    return went.order_by("-pk").values_list("pk", flat=True).first()


def standing_answers(appointment_ids: Collection[int]) -> Mapping[int, InvitationAnswer]:
    """The answer that stands, by the id of its visit. The visits were fetched for somebody, or for a job."""
    rows = InvitationAnswer.objects.filter(appointment__in=appointment_ids).standing()
    return {row.appointment_id: row for row in rows}


def answers_to(appointment_ids: Collection[int]) -> Mapping[int, Sequence[InvitationAnswer]]:
    """Every answer, in the order in which they came, by visit. The visits were fetched for somebody."""
    found: dict[int, list[InvitationAnswer]] = defaultdict(list)
    for row in InvitationAnswer.objects.filter(appointment__in=appointment_ids).order_by("received_at", "pk"):
        found[row.appointment_id].append(row)
    return found


def is_seen_to(key: str) -> bool:
    """Whether the promise to call who can't come, of this key, is open or waits for an owner."""
    waits = WaitingPromise.objects.waiting().filter(once_key=key)
    return Loop.objects.open().filter(once_key=key).exists() or waits.exists()


def those_before(appointment_ids: Collection[int]) -> Mapping[int, Sequence[int]]:
    """Each visit, then those whose place it took only because a day was planned anew: nobody asked the patient then.

    The visits were fetched for somebody, or for a job.
    """
    lines = {pk: [pk] for pk in appointment_ids}
    ends = {pk: pk for pk in appointment_ids}
    while ends:
        rows = _put_by_a_replan().filter(pk__in=ends).values_list("pk", "predecessor")
        ends = {was: ends[pk] for pk, was in rows if was is not None}
        for was, first in ends.items():
            lines[first].append(was)
    return lines


def those_after(appointment_ids: Collection[int]) -> frozenset[int]:
    """These visits, and those that took the place of one of them only because a day was planned anew."""
    found, last = set(appointment_ids), set(appointment_ids)
    while last:
        last = set(_put_by_a_replan().filter(predecessor__in=last).values_list("pk", flat=True))
        found |= last
    return frozenset(found)


def says_no(appointment_ids: Collection[int]) -> Mapping[int, InvitationAnswer]:
    """By visit the answer "can't come" that stands, to it or to one whose place it took when a day was planned anew."""
    lines = those_before(appointment_ids)
    answers = standing_answers([pk for line in lines.values() for pk in line])
    last = {pk: next((answers[one] for one in line if one in answers), None) for pk, line in lines.items()}
    return {pk: answer for pk, answer in last.items() if answer is not None and answer.said == Said.DECLINED}


def _put_by_a_replan() -> AppointmentQuerySet:
    return Appointment.objects.filter(predecessor__displacements__replan__done_at=F("booked_at")).distinct()
