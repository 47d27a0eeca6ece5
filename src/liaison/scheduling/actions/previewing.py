"""What moving a visit would do, before anybody does it: it asks what the move itself asks, and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden, Refusal
from liaison.scheduling.access import MOVE, OVERRIDE
from liaison.scheduling.actions.booking import kind_and_place, placing_of, refuse_unless_movable
from liaison.scheduling.actions.checking import NEEDS_PERMISSION, Against, Breach, Placing, breaches, check_seats
from liaison.scheduling.actions.offering import refuse_if_held
from liaison.scheduling.actions.refusals import NotYourSite
from liaison.scheduling.models import Appointment, Resource
from liaison.scheduling.ports import BookingOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class MovePreview:
    """What a move would meet. Nothing can be done where there is a `refusal`.

    `against` are the sentences that stand against it, `met` names each (`Override.met`); with any of them a reason is
    needed, and `may_override` says whether this actor may give one. `coming` and `leaving` are the resources that the
    visit would get and lose.
    """

    refusal: Refusal | None
    against: tuple[str, ...]
    met: tuple[str, ...]
    may_override: bool
    coming: tuple[Resource, ...]
    leaving: tuple[Resource, ...]


def preview_move(actor: Actor, *, appointment: Appointment, order: BookingOrder, now: datetime) -> MovePreview:
    """Ask all that `move_appointment` would, without a lock: somebody may still be faster. Refuses: Forbidden."""
    if not actor.may(MOVE):
        raise Forbidden
    had = {row.resource_id: row.resource for row in appointment.reservations.select_related("resource")}
    wanted = Resource.objects.in_bulk([seat.resource_id for seat in order.seats])
    refusal: Refusal | None = None
    against: tuple[str, ...] = ()
    met: tuple[str, ...] = ()
    may_override = True
    try:
        refuse_if_held(appointment)
        refuse_unless_movable(appointment, expected_version=None)
        visit_type, site = kind_and_place(order)
        if not actor.may_at(MOVE, site_id=site.pk):
            raise NotYourSite
        placing = placing_of(
            order,
            patient=appointment.patient,
            visit_type=visit_type,
            site=site,
            resources=wanted,
            follows=appointment,
        )
        check_seats(placing)
        found_against = tuple(breaches(placing, now=now))
        against = tuple(_in_words(breach, placing) for breach in found_against)
        met = tuple(breach.met(placing) for breach in found_against)
        if any(breach.against in NEEDS_PERMISSION for breach in found_against):
            may_override = actor.may_at(OVERRIDE, site_id=site.pk)
    except Refusal as found:
        refusal = found
    return MovePreview(
        refusal=refusal,
        against=against,
        met=met,
        may_override=may_override,
        coming=tuple(resource for pk, resource in wanted.items() if pk not in had),
        leaving=tuple(resource for pk, resource in had.items() if pk not in wanted),
    )


def _in_words(breach: Breach, placing: Placing) -> str:
    """What stands against it, said of a time that nobody chose yet."""
    if breach.against is Against.NOT_FREE and breach.resource_id is not None:
        return f"{placing.resources[breach.resource_id]} has another visit at that time."
    return breach.refusal.sentence
