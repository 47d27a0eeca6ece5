"""Turning a protocol off and on for the whole organization."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from liaison.core.act import Entry, act
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.refusals import NotFound, Refusal, constraint_refusal
from liaison.core.twice import once
from liaison.pathways.access import SWITCH
from liaison.pathways.models import Protocol, ProtocolPause


class SayWhyOff(Refusal):
    """Colleagues will ask why nothing is opened any more."""

    code: ClassVar[str] = "pathways.say_why_off"
    sentence = "Say why: colleagues will ask why no follow-ups are opened."
    field = "reason"


class AlreadyOff(Refusal):
    """Two people turned it off at once."""

    code: ClassVar[str] = "pathways.already_off"
    sentence = "This protocol is off already. Look at its page for who turned it off, and why."
    status = 409


class NotOff(Refusal):
    """It is on."""

    code: ClassVar[str] = "pathways.not_off"
    sentence = "This protocol is on already. Look at its page again."
    status = 409


constraint_refusal("pathways_paused_once_at_a_time", AlreadyOff)


@once
def turn_off(actor: Actor, *, code: str, reason: str, now: datetime) -> ProtocolPause:
    """Open nothing new by this protocol, at any site; follow-ups that run go on.

    Refuses Forbidden (it is the whole organization's), NotFound, SayWhyOff, AlreadyOff.
    """
    with act(actor, SWITCH, site_id=EVERYWHERE, reason=reason.strip(), now=now) as entry:
        if not reason.strip():
            raise SayWhyOff
        _refuse_unknown(code)
        paused = ProtocolPause.objects.filter(code=code, ended_at=None).first()
        if paused is not None:
            entry.only_once(paused)
            raise AlreadyOff
        pause = ProtocolPause.objects.create(
            code=code, since_at=now, reason=reason.strip()[:300], by_id=actor.user_id, by_name=actor.name
        )
        entry.about(pause)
        entry.note(code=code, on=False)
    return pause


@once
def turn_on(actor: Actor, *, code: str, now: datetime) -> ProtocolPause:
    """Open follow-ups by this protocol again, also for stays that ended meanwhile and still fit.

    Refuses Forbidden, NotFound, NotOff.
    """
    with act(actor, SWITCH, site_id=EVERYWHERE, now=now) as entry:
        _refuse_unknown(code)
        pause = ProtocolPause.objects.select_for_update().filter(code=code, ended_at=None).first()
        if pause is None:
            _ended_before(entry, code=code)
            raise NotOff
        pause.end(by_name=actor.name, now=now)
        pause.save(update_fields=["ended_at", "ended_by_name"])
        entry.about(pause)
        entry.note(code=code, on=True)
    return pause


def _ended_before(entry: Entry, *, code: str) -> None:
    """End the act if this very press has turned it on already."""
    for last in ProtocolPause.objects.filter(code=code).order_by("-pk")[:1]:
        entry.only_once(last)


def _refuse_unknown(code: str) -> None:
    """Refuse NotFound for a code that no protocol has; its row is locked, so that one at a time turns it off or on."""
    if not Protocol.objects.select_for_update(no_key=True).filter(code=code, retired_at=None):
        raise NotFound
