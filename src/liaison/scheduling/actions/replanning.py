"""A day that can't take place as planned: close the time, and move all that lay in it, or nothing.

The old times are given up before the first new one is taken, so that visits may swap rooms with each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from liaison.accounts.models import Site
from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.keys import hold_key
from liaison.core.live import announce
from liaison.core.refusals import Conflict, NotFound, Refusal, Stale
from liaison.core.written_time import day_and_time
from liaison.scheduling.access import MOVE, REPLAN
from liaison.scheduling.actions.booking import hold_patient, place_visit, refuse_unless_movable
from liaison.scheduling.actions.displaced import keep_promises
from liaison.scheduling.actions.keeping import lock_resources, lock_sites, refresh_free_time
from liaison.scheduling.actions.refusals import Impossible, KeyReused, ReasonMissing, ReferralNeeded, Warned, WrongSeats
from liaison.scheduling.events import AppointmentMoved
from liaison.scheduling.models import Appointment, Closure, Displacement, Replan, Resource, ResourceKind, VisitType
from liaison.scheduling.ports import BookingOrder, CancelReason, Seat, Span
from liaison.scheduling.queries.replanning import MOST_VISITS, Closing, displaced_by, may_move_from, replan_of_key

_MINUTE = timedelta(minutes=1)
_OF_THE_TIME = (Warned, WrongSeats, ReferralNeeded, Stale)
_REASON_OF: Mapping[str, CancelReason] = {
    ResourceKind.PERSON: CancelReason.PROVIDER,
    ResourceKind.ROOM: CancelReason.ROOM,
    ResourceKind.DEVICE: CancelReason.EQUIPMENT,
}


class DayTaken(Conflict):
    """A time of the plan was given away, so nothing was done."""

    code = "scheduling.day_taken"
    sentence = "One of these times can't be had any more. Nothing was done: look at the plan again."


class DayChanged(Conflict):
    """Other visits lie in that time than the plan was made for."""

    code = "scheduling.day_changed"
    sentence = "The visits of that time changed meanwhile. Nothing was done: the plan below is fresh."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplanMove:
    """What becomes of one visit: another time, or none (`start_at` is None): then somebody calls."""

    appointment_id: int
    version: int
    start_at: datetime | None = None
    seats: tuple[Seat, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplanOrder:
    """A plan as a person chose it: who or what is away (a resource, else the whole site), when, why, and each visit.

    `key` makes it safe to send twice.
    """

    key: str
    site_id: int
    resource_id: int | None
    during: Span
    reason: str
    moves: tuple[ReplanMove, ...]


def replan_day(*, actor: Actor, order: ReplanOrder, now: datetime) -> Replan:
    """Close the time, move every visit that has another one, promise a call about each of the others; all or nothing.

    The same key again answers with the first. Every patient has a promise that stays open until they were told; a
    visit without a time stands where it stood until one is found. Visits that this actor can't move are promised to
    be seen to by who can. Nothing is overridden. Refuses: Impossible (over already), ReasonMissing, DayTaken (it says
    which time), DayChanged, KeyReused, Forbidden, NotFound.
    """
    reason = order.reason.strip()
    with act(actor, REPLAN, site_id=order.site_id, reason=reason, now=now) as entry:
        hold_key(order.key)
        first = replan_of_key(order.key)
        entry.note(repeated=first is not None)
        if first is not None:
            if not _is_the_same(first, order):
                raise KeyReused
            entry.about(first)
            return first
        if not reason:
            raise ReasonMissing
        if order.during.end <= now:
            raise Impossible("That time is over. Choose a later one.", fields={"to_on": "That time is over."})
        replan = _Replanning(actor, order, entry, now=now).apply()
        entry.about(replan)
    return replan


def _is_the_same(first: Replan, order: ReplanOrder) -> bool:
    return (
        (first.site_id, first.resource_id) == (order.site_id, order.resource_id)
        and Span(first.during.lower, first.during.upper) == order.during
        and first.reason == order.reason.strip()
        and _is_chosen_as_before(first, order)
    )


def _is_chosen_as_before(first: Replan, order: ReplanOrder) -> bool:
    """Whether each visit gets the time that it got then: what was booked kept its key when it moved on."""
    then = {_key_of(order, pk): pk for pk in first.displaced.values_list("appointment_id", flat=True)}
    booked = Appointment.objects.filter(idempotency_key__in=then).prefetch_related("reservations")
    times = {
        then[one.idempotency_key]: (
            one.start_at,
            frozenset((row.role, row.resource_id) for row in one.reservations.all()),
        )
        for one in booked
    }
    wanted = {
        move.appointment_id: (move.start_at, frozenset((seat.role, seat.resource_id) for seat in move.seats))
        for move in order.moves
        if move.start_at is not None
    }
    return times == wanted and {move.appointment_id for move in order.moves} <= set(then.values())


def _key_of(order: ReplanOrder, appointment_id: int) -> str:
    """The key of what this order books in place of a visit."""
    return f"replan:{hashlib.sha256(order.key.encode()).hexdigest()[:40]}:{appointment_id}"


class _Replanning:
    """One plan on its way into the calendar."""

    def __init__(self, actor: Actor, order: ReplanOrder, entry: Entry, *, now: datetime) -> None:
        self.actor, self.order, self.entry, self.now = actor, order, entry, now
        self.moves = {move.appointment_id: move for move in order.moves}
        self.closing = self._closing()

    def apply(self) -> Replan:
        """Do all of it."""
        touched = self._lock()
        visits = self._visits()
        closure = self._close(touched)
        replan = Replan.objects.create(
            site=self.closing.site,
            resource=self.closing.resource,
            closure=closure,
            during=closure.during,
            reason=closure.reason,
            idempotency_key=self.order.key,
            done_at=self.now,
            done_by_id=self.actor.user_id,
            done_by_name=self.actor.name,
        )
        for visit in visits:
            if self._moves_away(visit):
                self._leave(visit)
        displaced = [self._displace(replan, visit) for visit in visits]
        keep_promises(self.actor, displaced=displaced, now=self.now)
        moved = sum(row.moved_to_id is not None for row in displaced)
        self.entry.concerns(*(visit.patient_id for visit in visits))
        self.entry.note(closure_id=closure.pk, moved=moved, without=len(displaced) - moved)
        return replan

    def _closing(self) -> Closing:
        site = Site.objects.filter(pk=self.order.site_id).first()
        resource = Resource.objects.filter(pk=self.order.resource_id or 0, site=site).first()
        if site is None or (resource is None and self.order.resource_id is not None):
            raise NotFound
        return Closing(site=site, resource=resource, during=self.order.during)

    def _lock(self) -> Sequence[int]:
        """Visits, patients, sites, then everybody whose time changes, each in the order of their ids and in the order
        in which moving one visit does: the ids of those that close."""
        rows = displaced_by(self.closing, now=self.now).order_by("pk").select_for_update(no_key=True, of=("self",))
        for patient_id in sorted(set(rows.values_list("patient_id", flat=True))):
            hold_patient(patient_id)
        closed = [self.closing.resource.pk] if self.closing.resource else self._working_there()
        had = Resource.objects.filter(reservations__appointment__in=list(self.moves)).values_list("pk", flat=True)
        wanted = {seat.resource_id for move in self.order.moves for seat in move.seats}
        lock_resources({*closed, *had, *wanted})
        return closed

    def _working_there(self) -> Sequence[int]:
        lock_sites([self.closing.site.pk])
        return tuple(Resource.objects.working_at(self.closing.site.pk).values_list("pk", flat=True))

    def _visits(self) -> Sequence[Appointment]:
        """All that lies in that time, now that nobody can change it. Refuses: DayChanged when the plan knew otherwise.

        What lies beyond those that are planned at once is seen to like what this actor can't see.
        """
        every = displaced_by(self.closing, now=self.now)
        mine = set(may_move_from(self.actor, every, now=self.now).values_list("pk", flat=True)[:MOST_VISITS])
        visits = list(every.select_related("patient", "visit_type", "site", "loop"))
        came, gone = mine - set(self.moves), set(self.moves) - mine
        other = [visit for visit in visits if visit.pk in mine & set(self.moves) and not self._is_as_known(visit)]
        if came or gone or other:
            changed = len(came) + len(gone) + len(other)
            visits_changed = "1 visit" if changed == 1 else f"{changed} visits"
            raise DayChanged(
                f"{visits_changed} of that time came in, moved or changed meanwhile. Nothing was done: the plan below "
                "is fresh."
            )
        return visits

    def _is_as_known(self, visit: Appointment) -> bool:
        return visit.version == self.moves[visit.pk].version

    def _close(self, touched: Sequence[int]) -> Closure:
        during = self.order.during
        closure = Closure.objects.create(
            resource=self.closing.resource,
            site=self.closing.site if self.closing.resource is None else None,
            during=(during.start, during.end),
            reason=self.order.reason.strip(),
        )
        closure.refresh_from_db(fields=["during"])
        refresh_free_time(touched, during=during)
        return closure

    def _moves_away(self, visit: Appointment) -> bool:
        move = self.moves.get(visit.pk)
        return move is not None and move.start_at is not None

    def _leave(self, visit: Appointment) -> None:
        """Give up the time that it had."""
        refuse_unless_movable(visit, expected_version=None)
        kind = self.closing.resource.kind if self.closing.resource else ""
        reason = _REASON_OF.get(kind, CancelReason.OTHER)
        visit.cancel(reason=reason, by_name=self.actor.name, now=self.now)
        visit.save()
        visit.reservations.update(active=False)

    def _displace(self, replan: Replan, visit: Appointment) -> Displacement:
        move = self.moves.get(visit.pk)
        moved = self._move(visit, move, move.start_at) if move is not None and move.start_at is not None else None
        return Displacement.objects.create(replan=replan, appointment=visit, moved_to=moved)

    def _move(self, old: Appointment, move: ReplanMove, start_at: datetime) -> Appointment:
        """Give one visit its new time, audited by itself. Refuses: DayTaken."""
        current = VisitType.objects.filter(code=old.visit_type.code, is_current=True).first() or old.visit_type
        order = BookingOrder(
            key=_key_of(self.order, old.pk),
            visit_type_id=current.pk,
            site_id=old.site_id,
            start_at=start_at,
            seats=move.seats,
            minutes=(old.end_at - old.start_at) // _MINUTE,
            loop_id=old.loop_id,
            referral_id=old.referral_id,
            note=old.note,
        )
        why = self.order.reason.strip()
        with act(self.actor, MOVE, patient=old.patient, subject=old, reason=why, now=self.now) as entry:
            try:
                moved = place_visit(
                    order, patient=old.patient, follows=old, actor=self.actor, verb=MOVE, override=None,
                    now=self.now,
                )  # fmt: skip
            except _OF_THE_TIME as refusal:
                raise _taken(old, start_at, refusal) from refusal
            announce(topic=f"calendar:{old.site_id}:{old.visit_on}", what="moved")
            fact = AppointmentMoved(
                appointment_id=moved.pk,
                previous_id=old.pk,
                patient_id=moved.patient_id,
                loop_id=moved.loop_id,
                referral_id=moved.referral_id,
                at=self.now,
            )
            entry.publish(fact)
            entry.about(moved)
            entry.note(previous_id=old.pk)
        return moved


def _taken(visit: Appointment, start_at: datetime, refusal: Refusal) -> DayTaken:
    who, when = visit.patient.goes_by, day_and_time(start_at.astimezone(visit.zone))
    return DayTaken(f"{who}, {when}, can't be had any more: {refusal.sentence} Nothing was done; the plan is fresh.")
