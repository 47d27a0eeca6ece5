"""What became of messages that did not reach the patient: the loops in which somebody tells them another way."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Concat, NullIf

from liaison.inbox.kinds import FAILED_MESSAGE
from liaison.inbox.models import Message
from liaison.inbox.models.messages import FailureKind, MessageState
from liaison.inbox.queries.unread import unread_of
from liaison.inbox.rules.untold import NEWS, OTHER_LANGUAGE, WORDS
from liaison.loops.models import Loop

UNTOLD: Final = "untold:"
"""How the once key of a loop begins that calls a patient about everything that could not be sent to them."""

CAME_TO_NOTHING: Final = (MessageState.FAILED, MessageState.UNKNOWN)
"""States of messages that did not arrive, or perhaps not."""

ON_ITS_WAY: Final = (MessageState.QUEUED, MessageState.SENDING, MessageState.SENT, MessageState.DELIVERED)
"""States of messages that the reader has, or is about to have."""


def failed_without_loop() -> list[Message]:
    """What failed, or perhaps did, and has no loop: nobody could own one. What a person settled is not asked again, nor
    what the loop sees to in which they are told with an interpreter."""
    failed = Q(state=MessageState.FAILED, failure_kind__in=(FailureKind.PERMANENT, FailureKind.TEMPORARY))
    loops = Loop.objects.filter(kind=FAILED_MESSAGE.code, about_type="inbox.message", about_id=OuterRef("pk"))
    rows = Message.objects.filter(failed | Q(state=MessageState.UNKNOWN)).exclude(Exists(loops))
    found = list(rows.select_related("patient", "loop", "queued_by", "template").order_by("pk"))
    told = loops_instead([row for row in found if is_unread_news(row)])
    return [row for row in found if row.pk not in told]


def withheld_without_loop(*, now: datetime) -> list[Message]:
    """News of visits ahead that could not be sent, or not so that they can read it, and that no loop tells them."""
    rows = Message.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), template__code__in=list(NEWS))
    rows = rows.exclude(has_later_news())
    rows = rows.filter(Q(suppressed_reason__in=list(WORDS)) | Q(pk__in=_perhaps_unread(rows).values("pk")))
    seen = rows.select_related("patient", "loop", "queued_by", "template").order_by("pk")
    found = [row for row in seen if reason_to_call(row)]
    told = loops_instead(found)
    return [row for row in found if row.pk not in told]


def reason_to_call(message: Message) -> str:
    """Why this message tells the patient nothing, as `rules.untold` knows it; "" where it does, and for what failed in
    a language that they read."""
    if message.state == MessageState.SUPPRESSED:
        return message.suppressed_reason
    return OTHER_LANGUAGE if message.state in (*ON_ITS_WAY, *CAME_TO_NOTHING) and unread_of(message) else ""


def is_unread_news(message: Message) -> bool:
    """Whether it says what the patient must know of a visit, in a language that its reader does not read."""
    news = message.template is not None and message.template.code in NEWS
    return news and unread_of(message) is not None


def has_later_news() -> Exists:
    """The condition that a message was overtaken: the patient was written to about the same visit since, or was to be.

    Of a visit that was booked, moved and cancelled only the last counts.
    """
    later = Message.objects.filter(patient=OuterRef("patient"), matter=OuterRef("matter"), pk__gt=OuterRef("pk"))
    return Exists(later.exclude(matter="").filter(template__code__in=list(NEWS)))


def came_to_nothing_at(message: Message) -> datetime:
    """Since when this message tells the patient nothing: its end, or its beginning if its language is why."""
    ended = message.ended_at if message.state in {MessageState.SUPPRESSED, MessageState.FAILED} else None
    return ended or message.queued_at


def _perhaps_unread(rows: QuerySet[Message]) -> QuerySet[Message]:
    """Those on their way to a proxy, or whose patient reads another language than theirs: few to look at closer.

    "es-MX" is the language "es"; "est" is another.
    """
    reads = Coalesce(NullIf("patient__written_language", Value("")), "patient__spoken_language")
    known = rows.filter(state__in=ON_ITS_WAY).annotate(reads=reads)
    same = Q(reads__iexact=F("language"))
    for between in ("-", "_"):
        same |= Q(reads__istartswith=Concat(F("language"), Value(between)))
    return known.exclude(same, to_proxy="")


def loops_instead(messages: Collection[Message]) -> Mapping[int, Loop]:
    """By message id: the latest loop that sees, or saw, to the patient being told another way.

    That is the loop about the message itself, or the patient's loop about all that could not be sent, unless that one
    ended before the message did.
    """
    ids, patients = [row.pk for row in messages], {row.patient_id for row in messages}
    about = Q(about_type="inbox.message", about_id__in=ids)
    loops = Loop.objects.filter(
        about | Q(once_key__startswith=UNTOLD), kind=FAILED_MESSAGE.code, patient_id__in=patients
    )
    found: dict[int, Loop] = {}
    for loop in loops.order_by("pk"):
        found |= {row.pk: loop for row in messages if _sees_to(loop, row)}
    return found


def _sees_to(loop: Loop, message: Message) -> bool:
    if loop.about_id == message.pk:
        return True
    if loop.patient_id != message.patient_id or not (loop.once_key or "").startswith(UNTOLD):
        return False
    return loop.ended_at is None or loop.ended_at >= came_to_nothing_at(message)
