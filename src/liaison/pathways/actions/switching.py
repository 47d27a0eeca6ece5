"""Turning a protocol off and on for the whole organization."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from liaison.core.act import act
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.refusals import NotFound, Refusal, constraint_refusal
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


def turn_off(actor: Actor, *, code: str, reason: str, now: datetime) -> ProtocolPause:
    """Open nothing new by this protocol, at any site; follow-ups that run go on.

    Refuses Forbidden (it is the whole organization's), NotFound, SayWhyOff, AlreadyOff.
    """
    if not reason.strip():
        raise SayWhyOff
    with act(actor, SWITCH, site_id=EVERYWHERE, reason=reason.strip(), now=now) as entry:
        _refuse_unknown(code)
        pause = ProtocolPause.objects.create(
            code=code, since_at=now, reason=reason.strip()[:300], by_id=actor.user_id, by_name=actor.name
        )
        entry.about(pause)
        entry.note(code=code, on=False)
    return pause


def turn_on(actor: Actor, *, code: str, now: datetime) -> ProtocolPause:
    """Open follow-ups by this protocol again, also for stays that ended meanwhile and still fit.

    Refuses Forbidden, NotFound, NotOff.
    """
    with act(actor, SWITCH, site_id=EVERYWHERE, now=now) as entry:
        _refuse_unknown(code)
        pause = ProtocolPause.objects.select_for_update().filter(code=code, ended_at=None).first()
        if pause is None:
            raise NotOff
        pause.end(by_name=actor.name, now=now)
        pause.save(update_fields=["ended_at", "ended_by_name"])
        entry.about(pause)
        entry.note(code=code, on=True)
    return pause


def _refuse_unknown(code: str) -> None:
    if not Protocol.objects.filter(code=code, retired_at=None).exists():
        raise NotFound
