"""Background jobs of scheduling."""

from liaison.core.actor import system_actor
from liaison.core.clock import current_time
from liaison.core.jobs import job
from liaison.scheduling.actions import (
    check_coming,
    check_visits,
    expire_offer,
    extend_series,
    finish_days,
    keep_free_time,
    lapse_hold,
    lapse_overdue,
    miss_overdue,
    remind_patient,
)
from liaison.scheduling.rules import ReminderKind


@job()
def remind(*, appointment_id: int, kind: str) -> None:
    """Remind a patient of a visit, if that still makes sense when the time has come."""
    remind_patient(
        actor=system_actor("reminders"),
        appointment_id=appointment_id,
        kind=ReminderKind(kind),
        now=current_time(),
    )


@job(cron="25 2 * * *", queueing_lock="scheduling.extend_free_time")
def extend_free_time() -> None:
    """Keep free time for one day more, drop the days that are over, and mend what may have gone wrong."""
    keep_free_time(system_actor("scheduling"), now=current_time())


@job()
def expire(*, offer_id: int) -> None:
    """End an offer of a freed time, if nobody answered it."""
    expire_offer(actor=system_actor("waitlist"), offer_id=offer_id, now=current_time())


@job()
def lapse(*, appointment_id: int) -> None:
    """End the hold of a time that nobody took."""
    lapse_hold(actor=system_actor("held times"), appointment_id=appointment_id, now=current_time())


@job(cron="*/5 * * * *", queueing_lock="scheduling.lapse_what_is_over")
def lapse_what_is_over() -> None:
    """Held times that are over and whose own job failed, or ran by another clock, are free again too."""
    lapse_overdue(actor=system_actor("held times"), now=current_time())


@job(cron="40 2 * * *")
def check_coming_visits() -> None:
    """Each night: what stands in the way of the visits of the next two weeks has a loop, and what passed has none."""
    check_coming(actor=system_actor("readiness"), now=current_time())


@job()
def check_visit(*, appointment_id: int) -> None:
    """Look again at one visit, after something that it depends on changed."""
    check_visits(actor=system_actor("readiness"), appointment_ids=[appointment_id], now=current_time())


@job(cron="*/5 * * * *", queueing_lock="scheduling.note_missed_visits")
def note_missed_visits() -> None:
    """Visits whose time is over and to which nobody came are missed, where their kind says so."""
    miss_overdue(actor=system_actor("the day of the visit"), now=current_time())


@job(cron="3,33 * * * *", queueing_lock="scheduling.finish_visits")
def finish_visits() -> None:
    """Once the local day of a visit is over, who was seen was seen: it can't be taken back any more."""
    finish_days(actor=system_actor("the day of the visit"), now=current_time())


@job(cron="50 2 * * *", queueing_lock="scheduling.book_series_ahead")
def book_series_ahead() -> None:
    """Each night: visits of series that may be booked now get their time, or a loop to find one."""
    extend_series(system_actor("series"), now=current_time())
