"""The secret address of one's own visits: made, shown once, ended."""

from __future__ import annotations

import secrets
from datetime import datetime

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden, Refusal
from liaison.directory.models import Practitioner
from liaison.scheduling.access import END_FEED, MAKE_FEED
from liaison.scheduling.models import CalendarFeed
from liaison.scheduling.rules import secret_hash


class WhichClinician(Refusal):
    """Nobody said which clinician this person is."""

    code = "scheduling.which_clinician"
    sentence = "Liaison does not know which clinician you are. Ask an administrator to say so under Directory."


def make_feed(*, actor: Actor, now: datetime) -> str:
    """A new secret address of one's own visits: the secret, told this once. An earlier one answers no more.

    Needs a fresh proof of who asks. Refuses: Forbidden (nobody in person), WhichClinician.
    """
    with act(actor, MAKE_FEED, now=now) as entry:
        if actor.user_id is None:
            raise Forbidden
        if not Practitioner.objects.filter(user=actor.user_id).exists():
            raise WhichClinician
        ended = _end(actor.user_id, now=now)
        secret = secrets.token_urlsafe(32)
        feed = CalendarFeed.objects.create(user_id=actor.user_id, secret_hash=secret_hash(secret), made_at=now)
        entry.about(feed)
        entry.note(instead_of=ended)
    return secret


def end_feed(*, actor: Actor, now: datetime) -> bool:
    """One's own address answers no more; whether there was one."""
    with act(actor, END_FEED, now=now) as entry:
        ended = _end(actor.user_id or 0, now=now)
        entry.note(ended=ended)
    return bool(ended)


def end_feed_of(*, actor: Actor, user_id: int, now: datetime) -> None:
    """Inside an act: somebody's account was closed, and so is their address, for good."""
    if not CalendarFeed.objects.in_force().filter(user=user_id).exists():
        return
    with act(actor.as_liaison(), END_FEED, now=now) as entry:
        entry.note(ended=_end(user_id, now=now), user_id=user_id)


def _end(user_id: int, *, now: datetime) -> list[int]:
    """The ids of what ended."""
    ended = []
    for feed in CalendarFeed.objects.in_force().filter(user=user_id).select_for_update():
        feed.end(now=now)
        feed.save(update_fields=["ended_at"])
        ended.append(feed.pk)
    return ended
