"""What follows from a booking and what becomes of it: the patient is told and reminded, the referral moves on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from liaison.accounts.events import PersonDeactivated
from liaison.core.actor import Actor
from liaison.core.facts import reacts_to
from liaison.core.jobs import defer
from liaison.inbox.events import InvitationAnswered, MessageFailed
from liaison.loops.events import OwnerFound
from liaison.orders.events import (
    ReferralCancelled,
    ReferralCancelRequested,
    ReferralDeclined,
    ReferralMoveUndone,
    ReferralNoteReceived,
    ReferralSeen,
)
from liaison.patients.actions import put_back, repoint
from liaison.patients.events import PatientDeceased, PatientsMerged, PatientsUnmerged
from liaison.scheduling.actions import (
    answer_missed,
    call_off_displaced,
    cancel_what_is_needed_no_more,
    cancel_what_was_not_needed,
    confirm_booking,
    confirm_cancellation,
    confirm_move,
    count_on_the_next,
    end_feed_of,
    follow_displaced,
    follow_moved_visit,
    follow_the_later_visit,
    follow_up_missed,
    fulfil_referral,
    give_up_alternatives,
    give_up_holds_of_the_dead,
    is_referrals_visit,
    let_it_stand,
    link_blocker,
    link_displacement,
    link_series_visit,
    look_for_another_visit,
    note_answers,
    note_freed_visit,
    note_opened_time,
    note_told,
    refuse_if_held,
    reminders_ahead,
    schedule_referral,
    settle_after_visit,
    settle_declined,
    settle_lapsed,
    settle_series_visit,
    take_back_missed,
    tell_of_series,
    unschedule_referral,
    withhold,
)
from liaison.scheduling.events import (
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentMoved,
    AppointmentNotMissed,
    AppointmentSeen,
    AppointmentServes,
    SeriesTold,
    TimeHeld,
    TimeOpened,
    WaitlistOffered,
)
from liaison.scheduling.jobs import check_visit, expire, lapse, remind
from liaison.scheduling.models import Appointment, Journey, Series, WaitlistEntry
from liaison.scheduling.ports import Span
from liaison.scheduling.queries import coming_ids
from liaison.scheduling.queries.answers import those_before
from liaison.scheduling.rules import reason_in_words

_SOON: Final = timedelta(minutes=10)


@reacts_to(AppointmentBooked)
def tell_of_the_booking(fact: AppointmentBooked, *, actor: Actor) -> None:
    """Confirm, and plan the reminders."""
    appointment = _appointment(fact.appointment_id)
    if is_referrals_visit(appointment):
        schedule_referral(actor=actor, appointment=appointment, now=fact.at)
    settle_series_visit(actor=actor, appointment=appointment, now=fact.at)
    if fact.series_id is None:
        confirm_booking(actor=actor, appointment=appointment, now=fact.at)
    _plan_reminders(appointment, now=fact.at)


@reacts_to(AppointmentMoved)
def tell_of_the_move(fact: AppointmentMoved, *, actor: Actor) -> None:
    """Say the new time, and plan its reminders; those of the old time see that it is cancelled."""
    appointment = _appointment(fact.appointment_id)
    previous = _appointment(fact.previous_id)
    follow_moved_visit(appointment=appointment, previous=previous)
    if is_referrals_visit(appointment):
        schedule_referral(actor=actor, appointment=appointment, now=fact.at)
    if fact.series_id is None:
        confirm_move(actor=actor, appointment=appointment, previous=previous, now=fact.at)
    else:
        withhold(actor, previous, reason="moved", now=fact.at)
    _plan_reminders(appointment, now=fact.at)


@reacts_to(AppointmentCancelled)
def tell_of_the_cancellation(fact: AppointmentCancelled, *, actor: Actor) -> None:
    """Say that it is off; the referral needs another visit."""
    appointment = _appointment(fact.appointment_id)
    if fact.series_id is None:
        confirm_cancellation(actor=actor, appointment=appointment, now=fact.at)
    else:
        withhold(actor, appointment, reason="cancelled", now=fact.at)
    unschedule_referral(actor=actor, appointment=appointment, reason=reason_in_words(fact.reason), now=fact.at)
    count_on_the_next(actor=actor, appointment=appointment, now=fact.at)


@reacts_to(SeriesTold)
def tell_once(fact: SeriesTold, *, actor: Actor) -> None:
    """One message for all that changed together."""
    series = Series.objects.select_related("patient", "site", "loop").get(pk=fact.series_id)
    tell_of_series(actor=actor, series=series, what=fact.what, appointment_ids=fact.appointment_ids, now=fact.at)


@reacts_to(AppointmentSeen)
def move_the_referral_on(fact: AppointmentSeen, *, actor: Actor) -> None:
    """The specialist's note is awaited from now on."""
    fulfil_referral(actor=actor, appointment=_appointment(fact.appointment_id), now=fact.at)


@reacts_to(AppointmentMissed)
def see_to_the_missed_visit(fact: AppointmentMissed, *, actor: Actor) -> None:
    """Somebody calls the patient."""
    follow_up_missed(actor=actor, appointment=_appointment(fact.appointment_id), now=fact.at)


@reacts_to(AppointmentNotMissed)
def count_on_the_visit_again(fact: AppointmentNotMissed, *, actor: Actor) -> None:
    """Nobody needs to call: the patient came after all."""
    take_back_missed(actor=actor, appointment=_appointment(fact.appointment_id), now=fact.at)


@reacts_to(AppointmentBooked)
def settle_the_missed_one(fact: AppointmentBooked, *, actor: Actor) -> None:
    """A patient who missed a visit has another time."""
    answer_missed(actor=actor, appointment=_appointment(fact.appointment_id), now=fact.at)


@reacts_to(AppointmentServes)
def settle_the_missed_one_by_this(fact: AppointmentServes, *, actor: Actor) -> None:
    """A patient who missed a visit has another time: it was booked without saying so."""
    answer_missed(actor=actor, appointment=_appointment(fact.appointment_id), now=fact.at)


@reacts_to(AppointmentCancelled)
def keep_the_freed_time(fact: AppointmentCancelled, *, actor: Actor) -> None:
    """Somebody on the waitlist may want it. A time that is held for an offer is not cancelled this way."""
    appointment = _appointment(fact.appointment_id)
    refuse_if_held(appointment)
    note_freed_visit(actor=actor, appointment=appointment, now=fact.at)


@reacts_to(AppointmentMoved)
def keep_the_time_left(fact: AppointmentMoved, *, actor: Actor) -> None:
    """The old time may suit somebody who waits; who waited to move this visit forward now moves the new one."""
    previous = _appointment(fact.previous_id)
    refuse_if_held(previous)
    follow_the_later_visit(actor=actor, previous=previous, moved_id=fact.appointment_id, now=fact.at)
    note_freed_visit(actor=actor, appointment=previous, moved_to_id=fact.appointment_id, now=fact.at)


@reacts_to(AppointmentMoved)
def follow_who_lost_their_time(fact: AppointmentMoved, *, actor: Actor) -> None:
    """Who had lost their time has one; who is to be told of another one is told of this."""
    moved, previous = _appointment(fact.appointment_id), _appointment(fact.previous_id)
    follow_displaced(actor, previous=previous, moved=moved, now=fact.at)


@reacts_to(AppointmentCancelled)
def call_off_who_lost_their_time(fact: AppointmentCancelled, *, actor: Actor) -> None:
    """No other time is looked for; who does not know the last one is told that the visit is off."""
    call_off_displaced(actor, appointment=_appointment(fact.appointment_id), now=fact.at)


@reacts_to(AppointmentArrived)
def count_who_came_as_told(fact: AppointmentArrived, *, actor: Actor) -> None:
    """Who comes at the new time knew it."""
    note_told(actor, appointment=_appointment(fact.appointment_id), how="They came.", now=fact.at)


@reacts_to(TimeOpened)
def let_stand_what_lost_its_time(fact: TimeOpened, *, actor: Actor) -> None:
    """What found no other time takes place where it stood, if nothing else is closed then; it is looked at anew."""
    for appointment_id in let_it_stand(actor, opened=Span(fact.start_at, fact.end_at), now=fact.at):
        defer(check_visit, at=fact.at, appointment_id=appointment_id)


@reacts_to(InvitationAnswered)
def hear_what_they_answer(fact: InvitationAnswered, *, actor: Actor) -> None:
    """It is noted on the visit; who can't come is called; whether the visit is ready is looked at anew."""
    for appointment_id in note_answers(actor=actor, fact=fact, now=fact.at):
        defer(check_visit, at=fact.at, appointment_id=appointment_id)


@reacts_to(AppointmentMoved)
def settle_what_they_could_not_keep(fact: AppointmentMoved, *, actor: Actor) -> None:
    """Who could not come has another time, unless only a day was planned anew: then nobody has asked them yet."""
    if fact.previous_id in those_before([fact.appointment_id])[fact.appointment_id]:
        return
    previous = _appointment(fact.previous_id)
    settle_declined(actor=actor, appointment=previous, note="The visit has another time.", now=fact.at)


@reacts_to(AppointmentCancelled)
def settle_what_is_off(fact: AppointmentCancelled, *, actor: Actor) -> None:
    """Nobody needs to offer another time for a visit that is off: what it served says what comes next."""
    appointment = _appointment(fact.appointment_id)
    settle_declined(actor=actor, appointment=appointment, note="The visit is off.", now=fact.at)


@reacts_to(AppointmentArrived)
def settle_who_came_after_all(fact: AppointmentArrived, *, actor: Actor) -> None:
    """They said that they could not come, and came."""
    appointment = _appointment(fact.appointment_id)
    settle_declined(actor=actor, appointment=appointment, note="They came after all.", now=fact.at)


@reacts_to(AppointmentMissed)
def settle_who_did_not_come(fact: AppointmentMissed, *, actor: Actor) -> None:
    """They did not come, as they had said: the call about the missed visit takes the place of this one."""
    appointment = _appointment(fact.appointment_id)
    settle_declined(actor=actor, appointment=appointment, note="The visit was missed.", now=fact.at)


@reacts_to(PersonDeactivated)
def end_their_calendar_address(fact: PersonDeactivated, *, actor: Actor) -> None:
    """Their calendar reads nothing more, also when the account is opened again."""
    end_feed_of(actor=actor, user_id=fact.user_id, now=fact.at)


@reacts_to(TimeOpened)
def keep_the_opened_time(fact: TimeOpened, *, actor: Actor) -> None:
    """Time that was closed may suit somebody who waits."""
    note_opened_time(actor=actor, fact=fact, now=fact.at)


@reacts_to(AppointmentSeen)
def end_the_wait(fact: AppointmentSeen, *, actor: Actor) -> None:
    """The visit that should have moved forward took place: nobody waits for an earlier one any more."""
    settle_after_visit(actor=actor, appointment=_appointment(fact.appointment_id), now=fact.at)


@reacts_to(WaitlistOffered)
def end_it_in_time(fact: WaitlistOffered, *, actor: Actor) -> None:
    """The offer ends by itself when nobody answers."""
    del actor
    defer(expire, at=fact.expires_at, offer_id=fact.offer_id)


@reacts_to(AppointmentBooked)
def check_the_booking(fact: AppointmentBooked, *, actor: Actor) -> None:
    """Soon after: by then the confirmation has gone out, or failed."""
    del actor
    defer(check_visit, at=fact.at + _SOON, appointment_id=fact.appointment_id)


@reacts_to(TimeHeld)
def let_it_lapse_in_time(fact: TimeHeld, *, actor: Actor) -> None:
    """The hold ends by itself when nobody takes it."""
    del actor
    defer(lapse, at=fact.until_at, appointment_id=fact.appointment_id)


@reacts_to(AppointmentBooked)
def let_go_of_alternatives(fact: AppointmentBooked, *, actor: Actor) -> None:
    """Other times that were held for the same are free again; who did not take one in time has one after all."""
    appointment = _appointment(fact.appointment_id)
    give_up_alternatives(actor=actor, appointment=appointment, now=fact.at)
    settle_lapsed(actor=actor, appointment=appointment, now=fact.at)


@reacts_to(AppointmentMoved)
def check_both_times(fact: AppointmentMoved, *, actor: Actor) -> None:
    """The new time is looked at; what stood in the way of the old one does so no longer."""
    del actor
    defer(check_visit, at=fact.at + _SOON, appointment_id=fact.appointment_id)
    defer(check_visit, at=fact.at, appointment_id=fact.previous_id)


@reacts_to(AppointmentCancelled)
def let_go_of_blockers(fact: AppointmentCancelled, *, actor: Actor) -> None:
    """Nothing stands in the way of a visit that will not take place."""
    del actor
    defer(check_visit, at=fact.at, appointment_id=fact.appointment_id)


@reacts_to(MessageFailed)
def check_what_they_were_told(fact: MessageFailed, *, actor: Actor) -> None:
    """The patient may not know the time."""
    del actor
    _check_coming(fact.patient_id, now=fact.at)


@reacts_to(PatientDeceased)
def hold_nothing_for_the_dead(fact: PatientDeceased, *, actor: Actor) -> None:
    """What was kept for them is free again."""
    give_up_holds_of_the_dead(actor=actor, patient_id=fact.patient_id, now=fact.at)


@reacts_to(PatientDeceased)
def check_after_a_death(fact: PatientDeceased, *, actor: Actor) -> None:
    """What was planned is to be cancelled."""
    del actor
    _check_coming(fact.patient_id, now=fact.at)


@reacts_to(ReferralDeclined)
def check_after_a_decline(fact: ReferralDeclined, *, actor: Actor) -> None:
    """The visit that it asked for may not be wanted any more."""
    del actor
    _check_coming(fact.patient_id, now=fact.at)


@reacts_to(ReferralSeen)
def cancel_what_they_need_no_more(fact: ReferralSeen, *, actor: Actor) -> None:
    """The patient was seen before the visit that is booked here: nobody waits for them then."""
    if fact.instead_of is not None:
        cancel_what_was_not_needed(actor=actor, appointment_id=fact.instead_of, now=fact.at)


@reacts_to(ReferralNoteReceived)
def cancel_what_the_note_left_over(fact: ReferralNoteReceived, *, actor: Actor) -> None:
    """The note came, and who filed it says that the visit booked here is not needed any more."""
    if fact.not_needed is not None:
        cancel_what_is_needed_no_more(actor=actor, appointment_id=fact.not_needed, now=fact.at)


@reacts_to(ReferralMoveUndone)
def find_what_was_cancelled(fact: ReferralMoveUndone, *, actor: Actor) -> None:
    """The visit that it counted on may have been cancelled with what is taken back: another one is to be found."""
    look_for_another_visit(actor=actor, referral_id=fact.referral_id, now=fact.at)


@reacts_to(ReferralMoveUndone)
def check_after_taking_back(fact: ReferralMoveUndone, *, actor: Actor) -> None:
    """The visit may be wanted again, or no more."""
    del actor
    _check_coming(fact.patient_id, now=fact.at)


@reacts_to(ReferralCancelRequested)
def check_after_asking_to_cancel(fact: ReferralCancelRequested, *, actor: Actor) -> None:
    """We asked the target to stop, so the visit is not wanted any more."""
    del actor
    _check_coming(fact.patient_id, now=fact.at)


@reacts_to(ReferralCancelled)
def check_after_a_cancelled_referral(fact: ReferralCancelled, *, actor: Actor) -> None:
    """The visit that it asked for may not be wanted any more."""
    del actor
    _check_coming(fact.patient_id, now=fact.at)


@reacts_to(OwnerFound)
def show_who_mends_it(fact: OwnerFound, *, actor: Actor) -> None:
    """What stands in the way of a visit, or a visit of a series without a time, names the loop that sees to it."""
    del actor
    link_blocker(once_key=fact.once_key, loop_id=fact.loop_id)
    link_series_visit(once_key=fact.once_key, loop_id=fact.loop_id)
    link_displacement(once_key=fact.once_key, loop_id=fact.loop_id)


@reacts_to(PatientsMerged)
def follow_the_survivor(fact: PatientsMerged, *, actor: Actor) -> None:
    """The merged patient's visits are the survivor's."""
    del actor
    repoint(fact, rows=Appointment.objects.all())
    repoint(fact, rows=WaitlistEntry.objects.all())
    repoint(fact, rows=Series.objects.all())
    repoint(fact, rows=Journey.objects.all())


@reacts_to(PatientsUnmerged)
def go_back_to_their_own(fact: PatientsUnmerged, *, actor: Actor) -> None:
    """The merge was a mistake: each visit goes back to whose it was."""
    del actor
    put_back(fact, model=Appointment)
    put_back(fact, model=WaitlistEntry)
    put_back(fact, model=Series)
    put_back(fact, model=Journey)


def _check_coming(patient_id: int, *, now: datetime) -> None:
    for appointment_id in coming_ids(patient_id=patient_id, now=now):
        defer(check_visit, at=now, appointment_id=appointment_id)


def _plan_reminders(appointment: Appointment, *, now: datetime) -> None:
    for reminder in reminders_ahead(appointment, now=now):
        defer(remind, at=reminder.at, appointment_id=appointment.pk, kind=reminder.kind.value)


def _appointment(pk: int) -> Appointment:
    return Appointment.objects.select_related("patient", "site", "loop", "booked_by").get(pk=pk)
