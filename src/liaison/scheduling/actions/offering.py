"""A freed time is offered to those who wait: held for one, or to several at once and the first to accept gets it.

Every answer locks the opening first, then the offer, then the wait: so of two answers at once one is first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urljoin

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.live import announce
from liaison.core.refusals import Conflict, NotFound, Refusal
from liaison.core.verbs import Verb
from liaison.inbox.actions import cancel_queued, queue_message
from liaison.inbox.queries.reach import zones_of
from liaison.loops.actions import satisfy_clock, start_clock
from liaison.loops.models import Loop
from liaison.loops.ports import ClockToStart
from liaison.scheduling.access import EXPIRE, OFFER, WAIT
from liaison.scheduling.actions.attending import _change, _ids
from liaison.scheduling.actions.booking import _place, book_appointment, move_appointment
from liaison.scheduling.actions.waiting import locked_wait, note_lapse, settle
from liaison.scheduling.events import AppointmentBooked, AppointmentMoved, WaitlistOffered
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

OFFERED: Final = "waitlist-offer"
GONE: Final = "waitlist-gone"
_SALT: Final = "liaison.scheduling.offer"


class AlreadyOffered(Conflict):
    """One offer at a time."""

    code = "scheduling.already_offered"
    sentence = "This patient has an offer already. Wait for the answer, or withdraw it first."


class NoLongerFits(Conflict):
    """The time was taken, or does not suit this patient any more."""

    code = "scheduling.no_longer_fits"
    sentence = "This time is not free for this patient any more. The list below is fresh: choose another."


class TooLateToOffer(Refusal):
    """The time is so near that nobody could answer."""

    code = "scheduling.too_late_to_offer"
    sentence = "This time starts too soon to wait for an answer. Call the patient and book it directly."


class NoMail(Refusal):
    """An offer by mail needs an address that may be used."""

    code = "scheduling.no_mail"
    sentence = "This patient can't be reached by mail. Offer it on the phone."


class OfferOver(Conflict):
    """The offer was answered, withdrawn or taken by somebody else, or its time ran out."""

    code = "scheduling.offer_over"
    sentence = "This offer has ended. Look at what became of it."


class HeldForOffer(Refusal):
    """A time that is held is given back by withdrawing the offer."""

    code = "scheduling.held_for_offer"
    sentence = "This time is held for an offer to somebody on the waitlist. Withdraw the offer instead."
    status = 409


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
        _let_it_run(entry, offer, now=now)
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
            _let_it_run(entry, offer, now=now)
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
                _tell_gone(actor, row, now=now)
                return row
            taken = _take(row, time, wait, actor=actor, now=now)
        row.accept(appointment=taken, by_name=actor.name, now=now)
        row.save()
        wait.fill(by=taken, by_name=actor.name, now=now)
        wait.save()
        entry.note(appointment_id=taken.pk)
        _offer_ended(actor, row, now=now)
        settle(actor, wait, note=f"Takes {taken.local_start:%a %-d %b %H:%M}", now=now)
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
        _tell_gone(actor, row, now=now)
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


def leave_waitlist(
    *, actor: Actor, wait: WaitlistEntry, reason: str, expected_version: int | None = None, now: datetime
) -> WaitlistEntry:
    """No time is wanted any more; an offer that runs is withdrawn. Refuses: NotWaiting, Stale, ReasonMissing."""
    if not reason.strip():
        raise ReasonMissing
    with act(actor, WAIT, patient=wait.patient, subject=wait, reason=reason.strip(), now=now) as entry:
        for offer in wait.offers.filter(state=OfferState.OFFERED.value):
            withdraw_offer(actor=actor.as_liaison(), offer=offer, note=reason.strip(), now=now)
        row = locked_wait(wait.pk, expected_version=expected_version)
        row.leave(reason=reason.strip()[:300], by_name=actor.name, now=now)
        row.save()
        entry.about(row)
        settle(actor, row, note=reason.strip(), now=now)
    return row


class ReasonMissing(Refusal):
    """Colleagues will ask why."""

    code = "scheduling.reason_missing"
    sentence = "Say why: colleagues will see it."

    def __init__(self) -> None:
        super().__init__(fields={"reason": self.sentence})


def offer_link(offer: WaitlistOffer) -> str:
    """The address at which the patient answers: signed, and good for this offer only."""
    path = reverse("scheduling:answer", args=[Signer(salt=_SALT).sign(str(offer.pk))])
    return urljoin(settings.LIAISON_PUBLIC_URL, path)


def offer_of_link(token: str) -> WaitlistOffer:
    """The offer behind a signed address. Refuses: NotFound (not ours, or changed on the way)."""
    try:
        pk = int(Signer(salt=_SALT).unsign(token))
    except (BadSignature, ValueError) as error:
        raise NotFound from error
    found = WaitlistOffer.objects.select_related("entry__patient", "opening__site").filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


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


def _open_loop(wait: WaitlistEntry) -> int | None:
    """The promise of this wait, unless somebody ended it."""
    return Loop.objects.open().filter(pk=wait.loop_id or 0).values_list("pk", flat=True).first()


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
    )


def _hold(wait: WaitlistEntry, *, opening: Opening, time: TimeOffer, actor: Actor, now: datetime) -> Appointment:
    """A pending appointment: its reservations keep everybody else out until the answer."""
    key = f"hold:{wait.pk}:{opening.pk}:{wait.offers.count()}"
    order = _order(key, wait, opening, time)
    held = _place(order, patient=wait.patient, follows=None, actor=actor, verb=OFFER, override=None, now=now)
    held.state = State.PENDING.value
    held.save(update_fields=["state"])
    return held


def _take_hold(entry: Entry, hold: Appointment, wait: WaitlistEntry, *, actor: Actor, now: datetime) -> Appointment:
    """The pending appointment becomes a booked one; the later visit is cancelled in the same breath."""
    later = wait.later_visit
    if later is not None:
        later = _change(later, State.CANCELLED, _cancels(actor, CancelReason.FROM_WAITLIST, now=now),
                        expected_version=None, now=now)  # fmt: skip

    def book(current: Appointment) -> None:
        current.state = State.BOOKED.value
        current.version += 1
        if later is not None:
            current.predecessor = later
            current.ical_uid, current.ical_sequence = later.ical_uid, later.ical_sequence + 1

    taken = _change(hold, State.BOOKED, book, expected_version=None, now=now)
    if later is None:
        entry.publish(AppointmentBooked(at=now, **_ids(taken)))
    else:
        entry.publish(AppointmentMoved(previous_id=later.pk, at=now, **_ids(taken)))
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


def _let_it_run(entry: Entry, offer: WaitlistOffer, *, now: datetime) -> None:
    """The mail goes out, the desk waits for the answer, and the end is planned."""
    wait, policy, liaison = offer.entry, waitlist_policy(), entry.actor.as_liaison()
    when = f"{offer.local_start:%a %-d %b %H:%M}"
    by_mail, name = offer.by == OfferBy.MAIL, wait.patient.goes_by
    loop_id = _open_loop(wait)
    if loop_id is not None:
        clock = ClockToStart(
            rule_id=_clock_of(offer),
            rule_version=policy.version,
            source=policy.source,
            step=f"Hear whether {name} takes {when}" if by_mail else f"Call {name}: offer {when}",
            anchor_event=f"offer:{offer.pk}",
            anchor_at=now,
            due_at=offer.expires_at,
            waiting_on="the patient" if by_mail else "",
        )
        start_clock(liaison, loop_id=loop_id, clock=clock, now=now)
    if by_mail:
        _mail(liaison, offer, template=OFFERED, more={"link": offer_link(offer)}, now=now,
              send_at=offer.starts_at, expires_at=offer.expires_at)  # fmt: skip
    entry.publish(WaitlistOffered(offer_id=offer.pk, expires_at=offer.expires_at, at=now))
    _announce(offer, what="offered")


def _mail(
    actor: Actor,
    offer: WaitlistOffer,
    *,
    template: str,
    more: dict[str, Any],
    now: datetime,
    send_at: datetime | None = None,
    expires_at: datetime,
) -> None:
    site = offer.opening.site
    context = {
        "date": offer.local_start.date(),
        "time": offer.local_start.time(),
        "site": site.name,
        "address": site.address,
        "phone": site.phone or settings.LIAISON_ORGANIZATION,
        **more,
    }
    queue_message(
        actor,
        patient=offer.entry.patient,
        template=template,
        context=context,
        idempotency_key=f"{_mails_of(offer)}{template}",
        send_at=send_at,
        expires_at=expires_at,
        loop=offer.entry.loop,
        now=now,
    )


def _mails_of(offer: WaitlistOffer) -> str:
    return f"offer:{offer.pk}:"


def _clock_of(offer: WaitlistOffer) -> str:
    return f"waitlist-offer-{offer.pk}"


def _end(actor: Actor, row: WaitlistOffer, state: OfferState, *, now: datetime, note: str = "") -> None:
    """It can't be taken any more; what it held is free again."""
    row.end(state, by_name=actor.name, now=now, note=note)
    row.save()
    if row.hold is not None:
        reason = CancelReason.PATIENT if state is OfferState.DECLINED else CancelReason.OTHER
        _change(row.hold, State.CANCELLED, _cancels(actor, reason, now=now), expected_version=None, now=now)
    _offer_ended(actor, row, now=now)


def _offer_ended(actor: Actor, row: WaitlistOffer, *, now: datetime) -> None:
    loop_id = _open_loop(row.entry)
    if loop_id is not None:
        satisfy_clock(actor.as_liaison(), loop_id=loop_id, rule_id=_clock_of(row), by=f"offer:{row.pk}", now=now)
    _announce(row, what=row.state)


def _tell_gone(actor: Actor, row: WaitlistOffer, *, now: datetime) -> None:
    """Whoever was written to is told; a mail that did not go out yet simply does not."""
    if row.by != OfferBy.MAIL:
        return
    stopped = cancel_queued(actor.as_liaison(), prefix=_mails_of(row), reason="gone", now=now)
    if not stopped and row.start_at > now:
        _mail(actor.as_liaison(), row, template=GONE, more={}, now=now, expires_at=row.start_at)


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
            _tell_gone(actor, other, now=now)


def _announce(offer: WaitlistOffer, *, what: str) -> None:
    announce(topic=f"patient:{offer.entry.patient_id}", what="waitlist")
    announce(topic=f"calendar:{offer.opening.site_id}:{offer.local_start.date()}", what=what)
