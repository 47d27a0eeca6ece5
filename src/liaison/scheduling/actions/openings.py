"""Times that became free, kept for those who wait; and what a visit that changed means for a wait."""

from __future__ import annotations

from datetime import datetime

from liaison.accounts.models import Site
from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.scheduling.access import OFFER, OPENING
from liaison.scheduling.actions.offering import leave_waitlist
from liaison.scheduling.actions.refusals import Impossible
from liaison.scheduling.events import TimeOpened
from liaison.scheduling.models import Appointment, Opening, OpeningWhy, WaitlistEntry, WaitlistOffer
from liaison.scheduling.ports import Span
from liaison.scheduling.queries.displaced import is_displaced
from liaison.scheduling.rules import WaitState, waitlist_policy


def note_freed_visit(
    *, actor: Actor, appointment: Appointment, moved_to_id: int | None = None, now: datetime
) -> Opening | None:
    """Keep the time of a visit that was cancelled or moved, if it lies ahead. Returns it, or None.

    Nor is a time kept at which nobody can be there any more, nor one of which the visit that moved still has a part.
    A time that became free because somebody took an earlier one counts one round more; after the last round of the
    house rules it is not kept, so that one cancellation never moves everybody.
    """
    depth = _depth(moved_to_id)
    if (
        is_displaced(appointment)
        or appointment.start_at <= now
        or depth > waitlist_policy().most_rounds
        or _is_kept(appointment, by=moved_to_id)
    ):
        return None
    with act(actor, OPENING, site_id=appointment.site_id, now=now) as entry:
        opening, _ = Opening.objects.get_or_create(
            appointment=appointment,
            defaults={
                "site": appointment.site,
                "start_at": appointment.start_at,
                "end_at": appointment.end_at,
                "why": OpeningWhy.CANCELLED if moved_to_id is None else OpeningWhy.MOVED,
                "depth": depth,
                "found_at": now,
                "found_by_name": actor.name,
            },
        )
        entry.about(opening)
    return opening


def _is_kept(left: Appointment, *, by: int | None) -> bool:
    """Whether the visit that moved (`by`) still has some of the time that it left: then nobody else can have it."""
    taken = left.reservations.filter(during__overlap=(left.start_at, left.end_at)).values("resource_id")
    return Appointment.objects.filter(
        pk__in=[by], start_at__lt=left.end_at, end_at__gt=left.start_at, reservations__resource__in=taken
    ).exists()


def note_opened_time(*, actor: Actor, fact: TimeOpened, now: datetime) -> Opening | None:
    """Keep what lies ahead of time that was closed and is open again. Returns it, or None."""
    if fact.end_at <= now:
        return None
    with act(actor, OPENING, site_id=fact.site_id, now=now) as entry:
        opening = Opening.objects.create(
            site_id=fact.site_id,
            start_at=max(fact.start_at, now),
            end_at=fact.end_at,
            why=OpeningWhy.REOPENED,
            found_at=now,
            found_by_name=actor.name,
        )
        entry.about(opening)
    return opening


def open_by_hand(*, actor: Actor, site: Site, span: Span, now: datetime) -> Opening:
    """A person names a stretch of time that those who wait may have. Refuses: Forbidden, Impossible (past)."""
    with act(actor, OFFER, site_id=site.pk, now=now) as entry:
        if span.end <= now:
            over = "That time is over. Choose a later one."
            raise Impossible(over, fields={"on": over})
        opening, _ = Opening.objects.get_or_create(
            site=site,
            start_at=span.start,
            end_at=span.end,
            why=OpeningWhy.BY_HAND,
            appointment=None,
            defaults={"found_at": now, "found_by_name": actor.name},
        )
        entry.about(opening)
    return opening


def follow_the_later_visit(*, actor: Actor, previous: Appointment, moved_id: int, now: datetime) -> None:
    """A visit got another time by hand: who waited to move it forward now waits to move the new one."""
    for wait in _waits_for(previous):
        with act(actor, OPENING, patient=wait.patient, subject=wait, now=now) as entry:
            WaitlistEntry.objects.filter(pk=wait.pk).update(moves_id=moved_id)
            entry.note(moves_id=moved_id)


def settle_after_visit(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """The visit took place: nobody waits for an earlier one any more."""
    for wait in _waits_for(appointment):
        leave_waitlist(actor=actor, wait=wait, reason="The visit took place", now=now)


def _waits_for(visit: Appointment) -> list[WaitlistEntry]:
    rows = WaitlistEntry.objects.filter(moves=visit, state=WaitState.WAITING.value)
    return list(rows.select_related("patient").order_by("pk"))


def _depth(moved_to_id: int | None) -> int:
    """How many earlier times had to be taken for this one to be free, this one included."""
    if moved_to_id is None:
        return 1
    offer = WaitlistOffer.objects.filter(appointment_id=moved_to_id).select_related("opening").first()
    return 1 if offer is None else offer.opening.depth + 1
