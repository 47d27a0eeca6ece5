"""Background jobs of scheduling."""

from liaison.core.actor import system_actor
from liaison.core.clock import current_time
from liaison.core.jobs import job
from liaison.scheduling.actions import expire_offer, remind_patient
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


@job()
def expire(*, offer_id: int) -> None:
    """End an offer of a freed time, if nobody answered it."""
    expire_offer(actor=system_actor("waitlist"), offer_id=offer_id, now=current_time())
