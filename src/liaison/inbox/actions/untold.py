"""When a confirmation can't be sent, or read: somebody calls the patient, who would come on the wrong day."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, time
from typing import Final

from django.db.models import Exists, Max, OuterRef, Q
from django.utils.text import capfirst

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.core.keys import hold_key
from liaison.inbox.actions.failures import SOON, next_business_day, open_failed_loop, owner_of
from liaison.inbox.kinds import FAILED_MESSAGE
from liaison.inbox.models import Call, Message
from liaison.inbox.models.messages import MessageState
from liaison.inbox.ports import is_told_anyway
from liaison.inbox.queries.unread import unread_of
from liaison.inbox.queries.untold import (
    CAME_TO_NOTHING,
    ON_ITS_WAY,
    UNTOLD,
    came_to_nothing_at,
    has_later_news,
    is_unread_news,
    reason_to_call,
)
from liaison.inbox.rules.contact import Outcome, With
from liaison.inbox.rules.unread import Unread
from liaison.inbox.rules.untold import CAME_BACK, NEWS, OTHER_LANGUAGE, WORDS, must_be_called, news, step_of, title_of
from liaison.loops.actions import open_loop, raise_priority, restart_clock
from liaison.loops.models import Clock, Loop, Priority
from liaison.loops.ports import About, ClockToStart, Promise
from liaison.loops.queries.calendars import business_calendar

log = logging.getLogger(__name__)

RULE: Final = "untold"

MOST_NEWS: Final = 3
SOURCE: Final = "Who could not be written to about a visit is called by the next business day"
SOURCE_OF_LANGUAGE: Final = "Who was written to in a language that they do not read is called by the next business day"


def call_who_was_not_told(actor: Actor, *, message_id: int, reason: str, now: datetime) -> Loop | None:
    """Open the loop that has a patient called about a visit, or add to the one that is open; None for neither.

    One loop a patient: what could not be sent next stands in its step as well, and it is due by the earlier of the
    two. Reminders open none, nor does what `rules.untold` says needs no call. Where nobody could own it, or the
    patient belongs to no site, `open_what_waits` opens it later.
    """
    message = Message.objects.select_related("patient", "loop", "queued_by", "template").get(pk=message_id)
    site = message.patient.home_site()
    if site is None or not needs_call(message, site=site, reason=reason, now=now):
        return None
    hold_key(f"{UNTOLD}{message.patient_id}")
    known = Loop.objects.open().filter(patient=message.patient, once_key__startswith=UNTOLD).order_by("pk").first()
    if known is not None:
        missed = _missed(message, reason=reason)
        why = f"{'In ' + missed.sent if missed else 'Not sent'} either: {_news(message, site=site)}."
        return _add(actor, known, message, site=site, reason=reason, why=why, now=now)
    return _open(actor, message, site=site, reason=reason, now=now)


def call_who_cannot_read_it(actor: Actor, *, message_id: int, now: datetime) -> Loop | None:
    """The same for a message that goes, in a language that its reader does not read; None where it needs no call."""
    message = Message.objects.select_related("patient", "template").get(pk=message_id)
    if message.template is None or message.template.code not in NEWS or reason_to_call(message) != OTHER_LANGUAGE:
        return None
    return call_who_was_not_told(actor, message_id=message_id, reason=OTHER_LANGUAGE, now=now)


def call_about_failure(actor: Actor, *, message: Message, kind: str, now: datetime) -> Loop | None:
    """See that whoever this failed message was for is reached another way; None where nobody could own it.

    A patient who is to be told with an interpreter anyway, as they could not have read it, has one promise that says
    both; otherwise `open_failed_loop`.
    """
    return say_what_became_of_it(actor, message=message, now=now) or open_failed_loop(
        actor, message=message, kind=kind, now=now
    )


def say_what_became_of_it(actor: Actor, *, message: Message, now: datetime) -> Loop | None:
    """The open loop that tells this message with an interpreter says that it failed, or that it did not after all.

    None where there is no such loop.
    """
    site = message.patient.home_site()
    if site is None or not is_unread_news(message):
        return None
    hold_key(f"{UNTOLD}{message.patient_id}")
    known = Loop.objects.open().filter(patient=message.patient, once_key__startswith=UNTOLD).order_by("pk").first()
    if known is None:
        return None
    came_back = _came_back(message)
    went = "it is tried once more" if message.state == MessageState.QUEUED else "it arrived after all"
    became = CAME_BACK[came_back] if came_back else went
    why = f"{capfirst(became)}: {_news(message, site=site)}."
    return _add(actor, known, message, site=site, reason=OTHER_LANGUAGE, why=why, now=now)


def needs_call(message: Message, *, site: Site, reason: str, now: datetime) -> bool:
    """Whether somebody must tell the patient by phone what this message, not sent or not read for `reason`, says.

    Not where another promise is to tell them by phone anyway.
    """
    if is_told_anyway(message.idempotency_key):
        return False
    template, talked = message.template.code if message.template else "", _talked(message, site=site)
    return must_be_called(template=template, reason=reason, ends_at=message.expires_at, talked=talked, now=now)


def _talked(message: Message, *, site: Site) -> bool:
    """Whether patient or proxy was reached by phone since the day on which the message was written."""
    day = datetime.combine(message.queued_at.astimezone(site.zone).date(), time(0), tzinfo=site.zone)
    reached = Call.objects.counted().filter(patient_id=message.patient_id, outcome=Outcome.REACHED)
    return reached.filter(started_at__gte=day).exclude(with_whom=With.OTHER).exists()


def _open(actor: Actor, message: Message, *, site: Site, reason: str, now: datetime) -> Loop | None:
    missed = _missed(message, reason=reason)
    unsaid = _unsaid(message, loop=None, site=site, now=now)
    if not unsaid:
        return None
    step = _step(unsaid, site=site, reason=reason, missed=missed)
    owner, who = owner_of(message, site=site, now=now), message.patient.goes_by
    if owner is None:
        log.warning("inbox.untold_without_owner", extra={"message_id": message.pk})
        return None
    return open_loop(
        actor,
        patient=message.patient,
        promise=Promise(
            kind=FAILED_MESSAGE.code,
            title=title_of(who, unread=missed),
            clocks=(_clock(message, site=site, step=step, reason=reason, now=now),),
            priority=Priority.URGENT if _pressing(message, now=now) else Priority.ROUTINE,
            about=About(type="inbox.message", id=message.pk),
            once_key=f"{UNTOLD}{message.pk}",
        ),
        owner=owner,
        now=now,
    )


def _add(actor: Actor, loop: Loop, message: Message, *, site: Site, reason: str, why: str, now: datetime) -> Loop:
    running = Clock.objects.filter(loop=loop, rule_id=RULE, satisfied_at=None, voided_at=None).order_by("pk").last()
    unsaid = _unsaid(message, loop=loop, site=site, now=now)
    missed = _missed(message, reason=reason) or next(filter(None, map(_missed_before, unsaid)), None)
    step = _step(unsaid, site=site, reason=reason, missed=missed) if unsaid else ""
    if not unsaid or (running is not None and step == running.step):
        return loop
    earlier = running.due_at if running else None
    clock = _clock(message, site=site, step=step, reason=reason, now=now, no_later_than=earlier)
    restart_clock(actor, loop_id=loop.pk, clock=clock, reason=why, now=now)
    if _pressing(message, now=now) and loop.priority == Priority.ROUTINE:
        why = "The visit is within two days."
        raise_priority(actor, loop_id=loop.pk, priority=Priority.URGENT, reason=why, now=now)
    return Loop.objects.get(pk=loop.pk)


def _came_back(message: Message) -> str:
    """How it failed, as `rules.untold` knows it; "" where it did not."""
    if message.state == MessageState.UNKNOWN:
        return "unknown"
    return message.failure_kind if message.state == MessageState.FAILED else ""


def _unsaid(message: Message, *, loop: Loop | None, site: Site, now: datetime) -> list[Message]:
    """The message and what else of use could not be sent, or read, since the patient's loop before this one ended.

    The visit that comes first first, and of each visit only its latest news; none where that news reached them. What
    was not sent before the loop opened counts if it needs a call.
    """
    theirs = Message.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), patient_id=message.patient_id)
    ended = Loop.objects.filter(patient_id=message.patient_id, once_key__startswith=UNTOLD, ended_at__isnull=False)
    before = ended.filter(pk__lt=loop.pk) if loop else ended
    since = before.aggregate(last=Max("ended_at"))["last"]
    own = Loop.objects.filter(kind=FAILED_MESSAGE.code, about_type="inbox.message", about_id=OuterRef("pk"))
    failed = Q(state__in=CAME_TO_NOTHING) & ~Exists(own.exclude(once_key__startswith=UNTOLD))
    rows = theirs.filter(
        Q(suppressed_reason__in=list(WORDS)) | Q(state__in=ON_ITS_WAY) | failed, template__code__in=list(NEWS)
    )
    new = [
        (row, reason)
        for row in rows.exclude(has_later_news()).select_related("template", "patient").order_by("expires_at", "pk")
        if (row.pk == message.pk or since is None or came_to_nothing_at(row) > since)
        and (reason := reason_to_call(row))
    ]
    return [
        row
        for row, reason in new
        if row.pk == message.pk
        or (loop is not None and came_to_nothing_at(row) >= loop.opened_at)
        or needs_call(row, site=site, reason=reason, now=now)
    ]


def _missed_before(message: Message) -> Unread | None:
    return _missed(message, reason=reason_to_call(message))


def _missed(message: Message, *, reason: str) -> Unread | None:
    return unread_of(message) if reason == OTHER_LANGUAGE else None


def _step(messages: Sequence[Message], *, site: Site, reason: str, missed: Unread | None) -> str:
    said = list(dict.fromkeys(_news(message, site=site) for message in messages))
    more = [f"and {len(said) - MOST_NEWS} more"] if len(said) > MOST_NEWS else []
    who, words = messages[0].patient.goes_by, "; ".join([*said[:MOST_NEWS], *more])
    came_back = next(filter(None, map(_came_back, reversed(messages))), "")
    return step_of(who, reason=reason, unread=missed, said=words, came_back=came_back)


def _news(message: Message, *, site: Site) -> str:
    starts_at = message.expires_at.astimezone(site.zone) if message.expires_at else None
    return news(message.template.code if message.template else "", starts_at=starts_at)


def _pressing(message: Message, *, now: datetime) -> bool:
    return message.expires_at is not None and message.expires_at - now < SOON


def _clock(
    message: Message, *, site: Site, step: str, reason: str, now: datetime, no_later_than: datetime | None = None
) -> ClockToStart:
    """Due by the next business day, and before the visit that it is about."""
    dues = (next_business_day(site, now=now), message.expires_at, no_later_than)
    return ClockToStart(
        rule_id=RULE,
        rule_version="1",
        source=SOURCE_OF_LANGUAGE if reason == OTHER_LANGUAGE else SOURCE,
        step=step,
        anchor_event=f"message:{message.pk}",
        anchor_at=now,
        due_at=min(due for due in dues if due is not None),
        calendar=business_calendar(site_id=site.pk).name,
        evidence="reached_another_way",
        is_call=True,
    )
