"""A freed time is offered to those who wait: held for one, or to several at once and the first to accept gets it.

Every answer locks the opening first, then the offer, then the wait: so of two answers at once one is first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.refusals import NotFound
from liaison.core.twice import once
from liaison.core.verbs import Verb
from liaison.core.written_time import day_and_time
from liaison.inbox.queries.reach import zones_of
from liaison.scheduling.access import EXPIRE, OFFER, WAIT
from liaison.scheduling.actions.attending import change_state, ids_of
from liaison.scheduling.actions.booking import book_appointment, move_appointment, place_visit
from liaison.scheduling.actions.offer_telling import let_it_run, offer_ended, tell_gone
from liaison.scheduling.actions.refusals import (
    AlreadyOffered,
    HeldForOffer,
    NoLongerFits,
    NoMail,
    OfferOver,
    ReasonMissing,
    TooLateToOffer,
)
from liaison.scheduling.actions.waiting import locked_wait, note_lapse, settle
from liaison.scheduling.events import AppointmentBooked, AppointmentMoved
from liaison.scheduling.models import Appointment, Opening, VisitType, WaitlistEntry, WaitlistOffer
from liaison.scheduling.ports import BookingOrder, CancelReason, Seat
from liaison.scheduling.queries.times import TimeOffer
from liaison.scheduling.queries.waiting import candidates, fitting_time, takes_mail
from liaison.scheduling.rules import (
    OfferBy,
    OfferMode,
    OfferState,
    Run,
    State,
    run_of_offer,
    waitlist_policy,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """What became of an offer to several: whom it went to, and whom not (entry ids)."""

    offers: tuple[WaitlistOffer, ...]
    left_out: tuple[int, ...]


def offer_to_one(*, actor: Actor, wait: WaitlistEntry, opening: Opening, by: OfferBy, now: datetime) -> WaitlistOffer:
    """Hold the first time of the opening that suits this patient, and offer it to them alone.

    Refuses: NotFound (another site's opening), NotWaiting, AlreadyOffered, NoMail, NoLongerFits, TooLateToOffer.
    """
    with act(actor, OFFER, patient=wait.patient, now=now) as entry:
        _at_its_site(actor, opening)
        _lock_opening(opening.pk)
        row = locked_wait(wait.pk)
        if row.offers.filter(state=OfferState.OFFERED.value).exists():
            raise AlreadyOffered
        if by is OfferBy.MAIL and not takes_mail(row.patient, now=now):
            raise NoMail
        time = fitting_time(row, opening=opening, now=now)
        if time is None:
            raise NoLongerFits
        run = _run(row, time, mode=OfferMode.EXCLUSIVE, now=now)
        if run is None:
            raise TooLateToOffer
        hold = _hold(row, opening=opening, time=time, actor=actor, now=now)
        offer = _write_offer(row, opening, time, run, actor=actor, by=by, hold=hold, now=now)
        entry.about(offer)
        entry.note(mode=offer.mode, by=offer.by, opening_id=opening.pk)
        let_it_run(entry, offer, now=now)
    return offer


def offer_to_several(*, actor: Actor, opening: Opening, entry_ids: Iterable[int], now: datetime) -> Broadcast:
    """Offer a time to several at once by mail; nothing is held and the first to accept gets it.

    Whoever has no mail, an offer already or no fitting time is left out, and so is everybody when it is too late to
    wait for an answer. Refuses: NotFound.
    """
    wanted = set(entry_ids)
    with act(actor, OFFER, site_id=opening.site_id, now=now) as entry:
        _lock_opening(opening.pk)
        made = []
        for one in candidates(actor, opening=opening, now=now):
            run = _run(one.entry, one.time, mode=OfferMode.BROADCAST, now=now)
            if one.entry.pk not in wanted or one.has_offer or not one.takes_mail or run is None:
                continue
            row = locked_wait(one.entry.pk)
            offer = _write_offer(row, opening, one.time, run, actor=actor, by=OfferBy.MAIL, hold=None, now=now)
            entry.concerns(row.patient_id)
            let_it_run(entry, offer, now=now)
            made.append(offer)
        entry.note(opening_id=opening.pk, offers=len(made))
    return Broadcast(offers=tuple(made), left_out=tuple(sorted(wanted - {offer.entry_id for offer in made})))


def accept_offer(*, actor: Actor, offer: WaitlistOffer, now: datetime) -> WaitlistOffer:
    """The patient takes it: it is booked, and the later visit cancelled, in one step. Accepted twice is once.

    Of several who were offered one time the first gets it and the others are told that it is gone. The offer comes
    back superseded when somebody took the time in another way. Refuses: OfferOver, and what booking refuses.
    """
    with _answering(actor, OFFER, offer, now=now) as (entry, row):
        if row.state == OfferState.ACCEPTED:
            entry.note(repeated=True)
            return row
        _refuse_if_over(row, now=now)
        wait = locked_wait(row.entry_id)
        if row.hold is not None:
            taken = _take_hold(entry, row.hold, wait, actor=actor, now=now)
        else:
            time = fitting_time(wait, opening=row.opening, start_at=row.start_at, now=now)
            if time is None:
                _end(actor, row, OfferState.SUPERSEDED, now=now)
                tell_gone(actor, row, now=now)
                return row
            taken = _take(row, time, wait, actor=actor, now=now)
        row.accept(appointment=taken, by_name=actor.name, now=now)
        row.save()
        wait.fill(by=taken, by_name=actor.name, now=now)
        wait.save()
        entry.note(appointment_id=taken.pk)
        offer_ended(actor, row, now=now)
        settle(actor, wait, note=f"Takes {day_and_time(taken.local_start)}", now=now)
        _supersede_others(actor, row, now=now)
    return row


def decline_offer(*, actor: Actor, offer: WaitlistOffer, note: str = "", now: datetime) -> WaitlistOffer:
    """The patient does not want this time; they stay on the list. Declined twice is once. Refuses: OfferOver."""
    with _answering(actor, OFFER, offer, now=now) as (entry, row):
        if row.state == OfferState.DECLINED:
            entry.note(repeated=True)
            return row
        _refuse_if_over(row, now=now)
        _end(actor, row, OfferState.DECLINED, now=now, note=note)
        WaitlistEntry.objects.filter(pk=row.entry_id).update(lapses=0)
    return row


def withdraw_offer(*, actor: Actor, offer: WaitlistOffer, note: str = "", now: datetime) -> WaitlistOffer:
    """We take it back; a mail that still waits is not sent, one that was sent is followed by a word.

    Refuses: OfferOver.
    """
    with _answering(actor, OFFER, offer, now=now) as (_, row):
        if not row.is_open:
            raise OfferOver
        _end(actor, row, OfferState.WITHDRAWN, now=now, note=note)
        tell_gone(actor, row, now=now)
    return row


def expire_offer(*, actor: Actor, offer_id: int, now: datetime) -> bool:
    """Nobody answered in time: the hold ends and the patient stays on the list. Returns whether it did; safe twice."""
    offer = WaitlistOffer.objects.select_related("entry__patient").filter(pk=offer_id).first()
    if offer is None:
        return False
    with _answering(actor, EXPIRE, offer, now=now) as (entry, row):
        expired = row.is_open and now >= row.expires_at
        entry.note(expired=expired)
        if expired:
            _end(actor, row, OfferState.EXPIRED, now=now)
            note_lapse(actor, locked_wait(row.entry_id), now=now)
    return expired


@once
def leave_waitlist(
    *, actor: Actor, wait: WaitlistEntry, reason: str, expected_version: int | None = None, now: datetime
) -> WaitlistEntry:
    """No time is wanted any more; an offer that runs is withdrawn. Refuses: NotWaiting, Stale, ReasonMissing."""
    with act(actor, WAIT, patient=wait.patient, subject=wait, reason=reason.strip(), now=now) as entry:
        if not reason.strip():
            raise ReasonMissing
        for offer in wait.offers.filter(state=OfferState.OFFERED.value):
            withdraw_offer(actor=actor.as_liaison(), offer=offer, note=reason.strip(), now=now)
        row = locked_wait(wait.pk, expected_version=expected_version, entry=entry)
        row.leave(reason=reason.strip()[:300], by_name=actor.name, now=now)
        row.save()
        entry.about(row)
        settle(actor, row, note=reason.strip(), now=now)
    return row


def refuse_if_held(appointment: Appointment) -> None:
    """Refuse HeldForOffer for the time that an offer holds."""
    if WaitlistOffer.objects.filter(hold=appointment, state=OfferState.OFFERED.value).exists():
        raise HeldForOffer


@contextmanager
def _answering(
    actor: Actor, verb: Verb, offer: WaitlistOffer, *, now: datetime
) -> Iterator[tuple[Entry, WaitlistOffer]]:
    """One offer, authorised and locked behind its opening."""
    with act(actor, verb, patient=offer.entry.patient, subject=offer, now=now) as entry:
        opening = _lock_opening(offer.opening_id)
        _at_its_site(actor, opening)
        row = (
            WaitlistOffer.objects.select_for_update(of=("self",))
            .select_related("entry__patient", "opening__site", "hold", "visit_type")
            .get(pk=offer.pk)
        )
        entry.about(row)
        yield entry, row


def _lock_opening(pk: int) -> Opening:
    return Opening.objects.select_for_update(of=("self",)).select_related("site").get(pk=pk)


def _at_its_site(actor: Actor, opening: Opening) -> None:
    if not actor.may_at(OFFER, site_id=opening.site_id):
        raise NotFound


def _refuse_if_over(row: WaitlistOffer, *, now: datetime) -> None:
    if not row.is_open or now >= row.expires_at:
        raise OfferOver


def _kind(wait: WaitlistEntry) -> VisitType:
    """The visit type in today's version; a time that fits was found, so there is one."""
    return VisitType.objects.get(code=wait.visit_type_code, is_current=True)


def _run(wait: WaitlistEntry, time: TimeOffer, *, mode: OfferMode, now: datetime) -> Run | None:
    policy, kind = waitlist_policy(), _kind(wait)
    return run_of_offer(
        now=now,
        lasts=policy.offer_for[mode],
        last_call=time.start_at - wait.suits(kind=kind).least_notice,
        zones=zones_of(wait.patient),
        shortest=policy.shortest_offer,
    )


def _order(key: str, wait: WaitlistEntry, opening: Opening, time: TimeOffer) -> BookingOrder:
    later = wait.later_visit
    return BookingOrder(
        key=key,
        visit_type_id=_kind(wait).pk,
        site_id=opening.site_id,
        start_at=time.start_at,
        seats=tuple(Seat(role=seat.role, resource_id=seat.resource_id) for seat in time.seats),
        loop_id=later.loop_id if later else wait.serves_id,
        referral_id=later.referral_id if later else wait.referral_id,
        note=later.note if later else "",
        is_one_of_several=True,
    )


def _hold(wait: WaitlistEntry, *, opening: Opening, time: TimeOffer, actor: Actor, now: datetime) -> Appointment:
    """A pending appointment: its reservations keep everybody else out until the answer."""
    key = f"hold:{wait.pk}:{opening.pk}:{wait.offers.count()}"
    order = _order(key, wait, opening, time)
    held = place_visit(order, patient=wait.patient, follows=None, actor=actor, verb=OFFER, override=None, now=now)
    held.state = State.PENDING.value
    held.save(update_fields=["state"])
    return held


def _take_hold(entry: Entry, hold: Appointment, wait: WaitlistEntry, *, actor: Actor, now: datetime) -> Appointment:
    """The pending appointment becomes a booked one; the later visit is cancelled in the same breath."""
    later = wait.later_visit
    if later is not None:
        later = change_state(later, State.CANCELLED, _cancels(actor, CancelReason.FROM_WAITLIST, now=now),
                        expected_version=None, now=now)  # fmt: skip

    def book(current: Appointment) -> None:
        current.state = State.BOOKED.value
        current.version += 1
        if later is not None:
            current.predecessor = later
            current.ical_uid, current.ical_sequence = later.ical_uid, later.ical_sequence + 1

    taken = change_state(hold, State.BOOKED, book, expected_version=None, now=now)
    if later is None:
        entry.publish(AppointmentBooked(at=now, **ids_of(taken)))
    else:
        entry.publish(AppointmentMoved(previous_id=later.pk, at=now, **ids_of(taken)))
    return taken


def _take(offer: WaitlistOffer, time: TimeOffer, wait: WaitlistEntry, *, actor: Actor, now: datetime) -> Appointment:
    order = _order(f"offer:{offer.pk}", wait, offer.opening, time)
    later = wait.later_visit
    if later is None:
        return book_appointment(actor=actor, patient=wait.patient, order=order, now=now)
    return move_appointment(actor=actor, appointment=later, order=order, reason=CancelReason.FROM_WAITLIST, now=now)


def _cancels(actor: Actor, reason: CancelReason, *, now: datetime) -> Any:
    def cancel(visit: Appointment) -> None:
        visit.cancel(reason=reason, by_name=actor.name, now=now)

    return cancel


def _write_offer(
    wait: WaitlistEntry,
    opening: Opening,
    time: TimeOffer,
    run: Run,
    *,
    actor: Actor,
    by: OfferBy,
    hold: Appointment | None,
    now: datetime,
) -> WaitlistOffer:
    patient = wait.patient
    return WaitlistOffer.objects.create(
        entry=wait,
        opening=opening,
        visit_type=_kind(wait),
        start_at=time.start_at,
        mode=(OfferMode.EXCLUSIVE if hold else OfferMode.BROADCAST).value,
        by=by.value,
        language=patient.written_language or patient.spoken_language,
        hold=hold,
        offered_at=now,
        offered_by_name=actor.name,
        starts_at=run.starts_at,
        expires_at=run.expires_at,
    )


def _end(actor: Actor, row: WaitlistOffer, state: OfferState, *, now: datetime, note: str = "") -> None:
    """It can't be taken any more; what it held is free again."""
    row.end(state, by_name=actor.name, now=now, note=note)
    row.save()
    if row.hold is not None:
        reason = CancelReason.PATIENT if state is OfferState.DECLINED else CancelReason.OTHER
        change_state(row.hold, State.CANCELLED, _cancels(actor, reason, now=now), expected_version=None, now=now)
    offer_ended(actor, row, now=now)


def _supersede_others(actor: Actor, won: WaitlistOffer, *, now: datetime) -> None:
    """The others of the round whose time overlaps can't have it any more, unless they still could elsewhere."""
    others = (
        WaitlistOffer.objects.select_for_update(of=("self",))
        .filter(opening=won.opening, state=OfferState.OFFERED.value, hold=None)
        .exclude(pk=won.pk)
        .select_related("entry__patient", "opening__site", "hold", "visit_type")
        .order_by("pk")
    )
    for other in others:
        if fitting_time(other.entry, opening=other.opening, start_at=other.start_at, now=now) is None:
            _end(actor, other, OfferState.SUPERSEDED, now=now)
            tell_gone(actor, other, now=now)
