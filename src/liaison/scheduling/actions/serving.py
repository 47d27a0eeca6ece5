"""What a visit does to the promise that it serves: the referral moves on, a missed visit is called about."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from liaison.core.actor import Actor
from liaison.core.calendars import end_of_day
from liaison.core.written_time import day_and_time, long_day
from liaison.loops.actions import (
    add_evidence,
    change_waiting,
    drop_waiting,
    give_up_loop,
    open_or_wait,
    restart_clock,
    satisfy_clock,
    start_clock,
    void_clock,
)
from liaison.loops.models import Clock, Loop, WaitingPromise
from liaison.loops.ports import About, ClockToStart, Owner, PromiseToKeep
from liaison.loops.queries import owner_for
from liaison.orders.actions import mark_scheduled, mark_seen, mark_visit_cancelled, mark_visit_missed
from liaison.orders.models import Referral
from liaison.scheduling.actions.attending import cancel_appointment
from liaison.scheduling.kinds import MISSED_VISIT
from liaison.scheduling.models import Appointment, SeriesVisit
from liaison.scheduling.rules import BARRIERS, Barrier, CancelReason, State

_RULE: Final = "missed-visit"
_AWAITED: Final = ("scheduled", "no_show")
"""States of a referral whose visit is still to be accounted for."""


def schedule_referral(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """The referral's visit has a time. Refuses NotNow: the referral has ended, so this visit is not its."""
    if appointment.referral_id is not None:
        mark_scheduled(
            actor,
            referral_id=appointment.referral_id,
            visit_at=appointment.start_at,
            appointment_id=appointment.pk,
            now=now,
        )


def unschedule_referral(*, actor: Actor, appointment: Appointment, reason: str, now: datetime) -> None:
    """The referral's visit will not take place; its clock to find another one starts."""
    referral = _waiting_for(appointment, states=("scheduled",))
    if referral is not None:
        mark_visit_cancelled(actor, referral_id=referral.pk, reason=reason, now=now)


def is_referrals_visit(appointment: Appointment) -> bool:
    """Whether the referral counts on this visit: of a series only on the first that has a time."""
    row = SeriesVisit.objects.filter(appointment=appointment).first()
    if row is None or appointment.referral_id is None:
        return True
    earlier = SeriesVisit.objects.filter(series=row.series_id, appointment__start_at__lt=appointment.start_at)
    return not earlier.exclude(appointment__state=State.CANCELLED).exists()


def count_on_the_next(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """A visit of a series is off: the referral that counted on it counts on the next one that stands."""
    if appointment.referral_id is None:
        return
    visits = Appointment.objects.filter(series_visit__series__visits__appointment=appointment, start_at__gt=now)
    following = visits.filter(state=State.BOOKED).select_related("patient", "site").order_by("start_at").first()
    waits = Referral.objects.filter(pk=appointment.referral_id, state="visit_cancelled").exists()
    if following is not None and waits:
        schedule_referral(actor=actor, appointment=following, now=now)


def fulfil_referral(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """The specialist saw the patient; the note is awaited."""
    referral = _waiting_for(appointment, states=_AWAITED)
    if referral is not None:
        mark_seen(actor, referral_id=referral.pk, seen_at=min(appointment.start_at, now), seen_earlier=True, now=now)


def cancel_what_was_not_needed(*, actor: Actor, appointment_id: int, now: datetime) -> None:
    """The patient was seen before the day of this visit, which a referral counted on: it is off, and they are told.

    One of a series is one of several that are wanted, and stays; so does one that is over or was cancelled meanwhile.
    """
    if not SeriesVisit.objects.filter(appointment_id=appointment_id).exists():
        cancel_what_is_needed_no_more(actor=actor, appointment_id=appointment_id, now=now)


def cancel_what_is_needed_no_more(*, actor: Actor, appointment_id: int, now: datetime) -> None:
    """Somebody said of this very visit that it is not needed: it is off, and the patient told, also one of a series.

    One that has begun or was cancelled meanwhile is left as it is.
    """
    appointment = Appointment.objects.select_related("patient", "site", "visit_type").get(pk=appointment_id)
    if _lies_ahead(appointment, now=now):
        cancel_appointment(actor=actor.as_liaison(), appointment=appointment, reason=CancelReason.OTHER, now=now)


def _lies_ahead(appointment: Appointment, *, now: datetime) -> bool:
    return appointment.state_now in (State.PENDING, State.BOOKED) and appointment.start_at > now


def look_for_another_visit(*, actor: Actor, referral_id: int, now: datetime) -> None:
    """What a referral said last was taken back, and it counts on its visit again: for one that is off, find another."""
    referral = Referral.objects.filter(pk=referral_id, state="scheduled").first()
    off = Appointment.objects.filter(pk=referral.appointment_id or 0, state=State.CANCELLED) if referral else None
    if off is not None and off.exists():
        mark_visit_cancelled(actor, referral_id=referral_id, reason="It was cancelled meanwhile.", now=now)


def follow_up_missed(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """Nobody came: somebody calls the patient the same day (DOMAIN 1.7). The referral looks for another visit; the
    call is a step of the loop that the visit served, or of a loop of its own."""
    referral = _waiting_for(appointment, states=("scheduled",))
    if referral is not None:
        mark_visit_missed(actor, referral_id=referral.pk, now=now)
    serves = _served_loop(appointment)
    if serves is not None:
        start_clock(actor, loop_id=serves.pk, clock=_call(appointment, now=now), now=now)
    else:
        _open_missed(actor, appointment, now=now)


def take_back_missed(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """They came after all: nobody calls, and the referral counts on the visit again."""
    referral = _waiting_for(appointment, states=("no_show",))
    if referral is not None:
        schedule_referral(actor=actor, appointment=appointment, now=now)
    serves = _served_loop(appointment)
    if serves is not None and _is_to_call(serves):
        void_clock(actor, loop_id=serves.pk, rule_id=_RULE, reason="They came after all", now=now)
    missed = _missed_loop(appointment)
    if missed is not None:
        give_up_loop(actor, loop_id=missed.pk, reason="They came after all", now=now)
    drop_waiting(actor, waiting=_waiting_call(appointment), reason="They came after all", now=now)


def note_barrier(*, actor: Actor, appointment: Appointment, wants_another: bool, now: datetime) -> None:
    """The patient was asked what came in the way: the call is made. Whoever wants another time still waits for it."""
    words = BARRIERS[Barrier(appointment.barrier)]
    serves = _served_loop(appointment)
    if serves is not None and _is_to_call(serves):
        satisfy_clock(actor, loop_id=serves.pk, rule_id=_RULE, by=f"appointment:{appointment.pk}", now=now)
    missed, waiting = _missed_loop(appointment), _waiting_call(appointment)
    if wants_another:
        step = f"Book another time for {appointment.patient.goes_by}"
        clock = _call(appointment, now=now, step=step, evidence="answered")
        change_waiting(actor, waiting=waiting, clocks=(clock,), now=now)
        if missed is not None:
            restart_clock(actor, loop_id=missed.pk, clock=clock, reason=words, now=now)
        return
    note = f"{words}. No other time is wanted."
    drop_waiting(actor, waiting=waiting, reason=note, now=now)
    if missed is not None:
        _answer(actor, missed, note=note, appointment=appointment, now=now)


def answer_missed(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """Another visit was booked for the promise that a missed one left: the patient was called and has a time."""
    loop = appointment.loop
    if loop is None or loop.state != "open":
        return
    if loop.kind == MISSED_VISIT.code:
        when = day_and_time(appointment.local_start)
        _answer(actor, loop, note=f"Another time: {when}.", appointment=appointment, now=now)
    elif _is_to_call(loop):
        satisfy_clock(actor, loop_id=loop.pk, rule_id=_RULE, by=f"appointment:{appointment.pk}", now=now)


def _answer(actor: Actor, loop: Loop, *, note: str, appointment: Appointment, now: datetime) -> None:
    add_evidence(actor, loop_id=loop.pk, kind="answered", note=note, about=about_visit(appointment), now=now)


def _served_loop(appointment: Appointment) -> Loop | None:
    """The open promise that this visit was booked for, as it stands now; its referral's, where it names none."""
    loop_id = appointment.loop_id
    if loop_id is None and appointment.referral_id is not None:
        loop_id = Referral.objects.values_list("loop_id", flat=True).get(pk=appointment.referral_id)
    return Loop.objects.open().filter(pk=loop_id or 0).first()


def _missed_loop(appointment: Appointment) -> Loop | None:
    """The open promise to call about this missed visit."""
    rows = Loop.objects.open().filter(kind=MISSED_VISIT.code, about_type="scheduling.appointment")
    return rows.filter(about_id=appointment.pk).first()


def _waiting_call(appointment: Appointment) -> QuerySet[WaitingPromise]:
    """The promise to call about this missed visit that nobody could own so far."""
    about = about_visit(appointment)
    rows = WaitingPromise.objects.waiting().filter(kind=MISSED_VISIT.code)
    return rows.filter(about_type=about.type, about_id=about.id)


def _is_to_call(loop: Loop) -> bool:
    return Clock.objects.filter(loop=loop, rule_id=_RULE, satisfied_at=None, voided_at=None).exists()


def _waiting_for(appointment: Appointment, *, states: tuple[str, ...]) -> Referral | None:
    """The referral that this visit was booked for, if it still counts on it; people may have moved it by hand."""
    if appointment.referral_id is None:
        return None
    return Referral.objects.filter(pk=appointment.referral_id, appointment_id=appointment.pk, state__in=states).first()


def _open_missed(actor: Actor, appointment: Appointment, *, now: datetime) -> None:
    owner = owner_of_visit(appointment, now=now)
    promise = _to_call(appointment, clock=_call(appointment, now=now, evidence="answered"))
    open_or_wait(actor, promise=promise, patient=appointment.patient, site=appointment.site, owner=owner, now=now)


def _to_call(appointment: Appointment, *, clock: ClockToStart) -> PromiseToKeep:
    return PromiseToKeep(
        kind=MISSED_VISIT.code,
        title=f"{appointment.patient.goes_by} did not come on {long_day(appointment.local_start)}",
        about=about_visit(appointment),
        once_key=f"missed-visit:{appointment.pk}:{appointment.version}",
        clocks=(clock,),
    )


def about_visit(appointment: Appointment) -> About:
    """What a promise is about that was opened because of this visit."""
    return About(type="scheduling.appointment", id=appointment.pk)


def _call(appointment: Appointment, *, now: datetime, step: str = "", evidence: str = "") -> ClockToStart:
    """What is to be done on the day of a missed visit, or today if that was noted later."""
    site = appointment.site
    on = max(appointment.visit_on, now.astimezone(site.zone).date())
    name = appointment.patient.goes_by
    return ClockToStart(
        rule_id=_RULE,
        rule_version="1",
        source="A missed visit is called about on the same day",
        step=step or f"Call {name}: offer another time, ask what came in the way",
        anchor_event=f"appointment:{appointment.pk}",
        anchor_at=now,
        due_at=end_of_day(on, zone=site.zone),
        evidence=evidence,
        is_call=not step,
    )


def owner_of_visit(appointment: Appointment, *, now: datetime) -> Owner | None:
    """Who booked it, else whoever follows the patient up at the site of the visit."""
    booker = appointment.booked_by
    if booker is not None and booker.is_active:
        return Owner(user_id=booker.pk)
    return owner_for(appointment.patient, site=appointment.site, now=now)
