"""What the end of a visit's time and of its day bring by themselves, and what came in the way of a missed visit."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.refusals import Stale
from liaison.scheduling.access import ASK_BARRIER
from liaison.scheduling.actions.attending import record_missed, record_seen, tell_who_looks
from liaison.scheduling.actions.refusals import CannotChange
from liaison.scheduling.actions.serving import note_barrier
from liaison.scheduling.models import Appointment
from liaison.scheduling.queries.displaced import without_time
from liaison.scheduling.rules import (
    MISSED_WITHIN,
    Barrier,
    LateAnswer,
    State,
    is_finished,
    is_missed_by_itself,
)

_LONGEST_VISIT: Final = timedelta(days=2)


def miss_overdue(*, actor: Actor, now: datetime) -> int:
    """Note visits to which nobody came as missed, each in a transaction of its own (DOMAIN 1.7). Returns how many.

    Not one that lost its time when a day was planned anew: whoever was expected could not be seen.

    Safe to run twice, or after a worker was killed: who is noted already is not found again.
    """
    rows = Appointment.objects.filter(
        state=State.BOOKED, start_at__gt=now - MISSED_WITHIN - _LONGEST_VISIT, end_at__lte=now
    )
    rows = rows.exclude(pk__in=without_time(rows))
    overdue = [row for row in rows.select_related("patient", "visit_type").order_by("pk") if _is_missed(row, now=now)]
    for row in overdue:
        with suppress(Stale, CannotChange):  # somebody noted the patient meanwhile
            record_missed(actor=actor, appointment=row, expected_version=row.version, now=now)
    return len(overdue)


def _is_missed(row: Appointment, *, now: datetime) -> bool:
    answer = LateAnswer(row.late_answer) if row.late_answer else None
    return is_missed_by_itself(row.stamps, grace=row.visit_type.no_show_after, late_answer=answer, now=now)


def finish_days(*, actor: Actor, now: datetime) -> int:
    """Visits whose patient was seen count as having taken place once the local day is over. Returns how many.

    Safe to run twice: a visit that took place is not found again.
    """
    rows = Appointment.objects.filter(state=State.CHECKED_IN, seen_at__isnull=False, end_at__lte=now)
    rows = rows.select_related("patient", "visit_type").order_by("pk")
    over = [row for row in rows if is_finished(row.stamps, zone=row.zone, now=now)]
    for row in over:
        with suppress(Stale, CannotChange):
            record_seen(actor=actor, appointment=row, expected_version=row.version, now=now)
    return len(over)


def record_barrier(
    *, actor: Actor, appointment: Appointment, barrier: Barrier, note: str = "", wants_another: bool, now: datetime
) -> Appointment:
    """Keep what came in the way of a missed visit, and whether the patient wants another time. Said again, it is
    corrected. The call of that day is then made (DOMAIN 1.7). Refuses: CannotChange (not missed)."""
    with act(actor, ASK_BARRIER, patient=appointment.patient, subject=appointment, now=now) as entry:
        current = (
            Appointment.objects.select_for_update(no_key=True, of=("self",))
            .select_related("patient", "site", "loop", "booked_by")
            .get(pk=appointment.pk)
        )
        if current.state_now is not State.NO_SHOW:
            raise CannotChange("This visit was not missed, or the patient came after all. Look at what it says now.")
        current.name_barrier(barrier, note=note.strip(), by_name=actor.name, now=now)
        current.save()
        note_barrier(actor=actor.as_liaison(), appointment=current, wants_another=wants_another, now=now)
        entry.about(current)
        entry.note(barrier=barrier.value, wants_another=wants_another)
        tell_who_looks(current, what="barrier")
    return current
