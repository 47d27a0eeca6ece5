"""Promises whose owner can't see the patient any more: a role ran out, somebody left the care team, a patient moved."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.loops import access
from liaison.loops.actions.moves import give, locked
from liaison.loops.models import Loop
from liaison.loops.ports import Owner
from liaison.loops.queries.owners import keeper_for, name_of
from liaison.loops.queries.reach import out_of_reach

log = logging.getLogger(__name__)

AT_ONCE: Final = 200
"""How many loops of one owner one transaction moves."""


def give_on(actor: Actor, *, now: datetime) -> int:
    """Give what its owner can't see any more to who can; how many stay, as nobody can. Safe to run twice and at once.

    It goes where a new promise would (`queries/owners.py:keeper_for`). What stays is on the supervisors' board.
    """
    people = Loop.objects.open().filter(owner_user__isnull=False).order_by().values_list("owner_user_id").distinct()
    stay = sum(_give_on(actor, user_id=user_id, now=now) for (user_id,) in list(people))
    if stay:
        log.warning("loops.owner_cannot_see", extra={"loops": stay})
    return stay


def _give_on(actor: Actor, *, user_id: int, now: datetime) -> int:
    lost = list(out_of_reach(user_id, now=now).order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    if not lost:
        return 0
    with act(actor, access.ESCALATE, now=now) as entry:
        loops = locked(Loop.objects.open().filter(pk__in=lost, owner_user_id=user_id))
        name, stay = name_of(Owner(user_id=user_id)), 0
        for loop in loops.values():
            keeper = keeper_for(loop.owner, patient=loop.patient, site=loop.site, now=now)
            if keeper is None:
                stay += 1
                continue
            loop.hand_over_id = keeper.hand_over_id or loop.hand_over_id
            give(loop, to=keeper.owner, actor=actor, entry=entry, now=now, what="given_on",
                 sentence=f"Given to {name_of(keeper.owner)}: {name} can't see the patient any more.")  # fmt: skip
        entry.note(loops=len(loops) - stay, from_user_id=user_id)
    return stay
