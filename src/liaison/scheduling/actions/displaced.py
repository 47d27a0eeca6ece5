"""The promises to those whose visit lost its time when a day was planned anew: nobody is lost, all are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.calendars import Allowance, Unit, due_after
from liaison.core.written_time import day_and_time
from liaison.loops.actions import add_evidence, change_waiting, drop_waiting, give_up_loop, open_or_wait, restart_clock
from liaison.loops.models import Priority, WaitingPromise
from liaison.loops.ports import About, ClockToStart, PromiseToKeep
from liaison.loops.queries import owner_for
from liaison.loops.queries.calendars import business_calendar
from liaison.scheduling.access import TELL_NEW_TIME
from liaison.scheduling.kinds import NEW_TIME, NO_TIME
from liaison.scheduling.models import Appointment, Displacement, Reservation
from liaison.scheduling.ports import Span
from liaison.scheduling.queries.displaced import closed_of

_TELL: Final = "new-time"
_FIND: Final = "displaced"
_KEY: Final = "displaced:"
_WITHIN_DAYS: Final = 1
_HOUR: Final = timedelta(hours=1)
_SOON: Final = timedelta(days=2)
_TELL_SOURCE: Final = "Whose visit we moved is told by the next business day, before the old and the new time"
_FIND_SOURCE: Final = "A visit that lost its time has another one by the next business day, before its old time"


def keep_promises(actor: Actor, *, displaced: Sequence[Displacement], now: datetime) -> None:
    """Inside an act: a promise for each patient, to tell them the new time or to find them one.

    None where only the room is another one: the message says all that there is to know.
    """
    for row in displaced:
        had_one, key = _take_over(actor, row, now=now), _key_of(row)
        if row.moved_to is None:
            _promise(actor, row, _to_find(row, once_key=key, now=now), now=now)
        elif had_one or not row.moved_to.is_as(row.appointment):
            _promise(actor, row, _to_tell(row, row.moved_to, once_key=key, now=now), now=now)


def _promise(actor: Actor, row: Displacement, promise: PromiseToKeep, *, now: datetime) -> None:
    visit = row.appointment
    owner = owner_for(visit.patient, site=visit.site, now=now)
    row.loop = open_or_wait(
        actor.as_liaison(), promise=promise, patient=visit.patient, site=visit.site, owner=owner, now=now
    )
    row.save(update_fields=["loop", "expected"])


def link_displacement(*, once_key: str, loop_id: int) -> None:
    """Inside an act: the loop of this key, which had waited for an owner, sees to a visit that lost its time."""
    if once_key.startswith(_KEY):
        number = once_key.removeprefix(_KEY).partition(":")[0]
        Displacement.objects.filter(pk=number, loop=None).update(loop_id=loop_id)


def follow_displaced(actor: Actor, *, previous: Appointment, moved: Appointment, now: datetime) -> None:
    """A visit that lost its time, or was given another one, got a new one by hand. Safe twice."""
    when = day_and_time(moved.local_start)
    for row in _open_of(previous):
        with act(actor, TELL_NEW_TIME, patient=previous.patient, subject=row, now=now):
            if row.moved_to_id is None:
                _keep(actor, row, kind="settled", note=f"Another time: {when}.", visit=moved, now=now)
            else:
                _say_instead(actor, row, _in_words(row, moved), visit=moved, now=now)
            row.moved_to = moved
            row.save(update_fields=["moved_to"])


def call_off_displaced(actor: Actor, *, appointment: Appointment, now: datetime) -> None:
    """A visit that lost its time, or was given another one, is off. Safe twice."""
    for row in _open_of(appointment):
        with act(actor, TELL_NEW_TIME, patient=appointment.patient, subject=row, now=now):
            if row.moved_to_id is None:
                _keep(actor, row, kind="settled", note="The visit is off.", visit=appointment, now=now)
            else:
                words = f"the visit on {day_and_time(row.known.local_start)} is off"
                _say_instead(actor, row, words, visit=appointment, now=now)


def note_told(actor: Actor, *, appointment: Appointment, how: str, now: datetime) -> None:
    """The patient shows that they know the new time: they said yes to it, or came. Safe twice."""
    for row in _open_of(appointment):
        if row.moved_to_id is not None:
            with act(actor, TELL_NEW_TIME, patient=appointment.patient, subject=row, now=now):
                _keep(actor, row, kind="told_patient", note=how, visit=appointment, now=now)


def let_it_stand(actor: Actor, *, opened: Span, now: datetime) -> Sequence[int]:
    """Time that was closed is open again: the ids of the visits that had lost theirs and still have no other one.

    Those at whose time nothing else is closed take place after all; of the others it is said who still can't be there.
    """
    there = Reservation.objects.filter(active=True, during__overlap=(opened.start, opened.end)).values("appointment")
    rows = _standing().filter(moved_to=None, appointment__in=there).select_for_update(of=("self",), no_key=True)
    open_again = [row for row in rows if not _has_ended(row)]
    for row in open_again:
        with act(actor, TELL_NEW_TIME, patient=row.appointment.patient, subject=row, now=now):
            closed = closed_of(row.appointment)
            if closed is None:
                _stand(actor, row, now=now)
            elif row.replan.closure_id is None:
                _run_instead(actor, row, _find_clock(row, who=closed.of_what, now=now), now=now)
    return [row.appointment_id for row in open_again]


def _stand(actor: Actor, row: Displacement, *, now: datetime) -> None:
    """It takes place after all; who was never told that it had moved to this time is told."""
    note, visit = "The time is open again: the visit stands.", row.appointment
    _keep(actor, row, kind="settled", note=note, visit=visit, now=now)
    if row.expected is not None:
        took = _standing().get(moved_to=visit)
        _promise(actor, took, _to_tell(took, visit, once_key=f"{_key_of(took)}:{row.pk}", now=now), now=now)


def _open_of(appointment: Appointment) -> Sequence[Displacement]:
    """What was promised of this visit and stands: as the one that lost its time, or as the one that took its place."""
    rows = _standing().filter(Q(appointment=appointment, moved_to=None) | Q(moved_to=appointment))
    return [row for row in rows if not _has_ended(row)]


def _standing() -> QuerySet[Displacement]:
    rows = Displacement.objects.select_related("loop", "replan", "appointment__patient", "appointment__site")
    return rows.select_related("expected__site").order_by("pk")


def _has_ended(row: Displacement) -> bool:
    return row.loop.state != "open" if row.loop is not None else not _waiting(row).exists()


def _take_over(actor: Actor, row: Displacement, *, now: datetime) -> bool:
    """The visit was planned anew before: what was promised then is part of what is promised now. Whether it was.

    Who was not told of that either still counts on the time before it.
    """
    promised = _open_of(row.appointment)
    for earlier in promised:
        if earlier.known != row.appointment:
            row.expected = earlier.known
        why = "Its day was planned anew once more: another promise says the time that it has now."
        if earlier.loop is not None:
            give_up_loop(actor.as_liaison(), loop_id=earlier.loop.pk, reason=why, now=now)
        drop_waiting(actor.as_liaison(), waiting=_waiting(earlier), reason=why, now=now)
    return bool(promised)


def _keep(actor: Actor, row: Displacement, *, kind: str, note: str, visit: Appointment, now: datetime) -> None:
    about = About(type="scheduling.appointment", id=visit.pk)
    if row.loop is not None and row.loop.state == "open":
        add_evidence(actor.as_liaison(), loop_id=row.loop.pk, kind=kind, note=note, about=about, now=now)
    drop_waiting(actor.as_liaison(), waiting=_waiting(row), reason=note, now=now)


def _say_instead(actor: Actor, row: Displacement, words: str, *, visit: Appointment, now: datetime) -> None:
    """The patient is told this now; they may not have heard what was to be said before."""
    _run_instead(actor, row, _tell_clock(row, words, visit=visit, now=now), title=_tell_title(row, words), now=now)


def _run_instead(actor: Actor, row: Displacement, clock: ClockToStart, *, now: datetime, title: str = "") -> None:
    """This is the next step now, and its due time; `title` says the promise anew where it is another one."""
    ours = actor.as_liaison()
    change_waiting(ours, waiting=_waiting(row), clocks=(clock,), title=title, now=now)
    if row.loop is not None:
        restart_clock(ours, loop_id=row.loop.pk, clock=clock, reason="It changed again", title=title, now=now)


def _waiting(row: Displacement) -> QuerySet[WaitingPromise]:
    own = Q(once_key=_key_of(row)) | Q(once_key__startswith=f"{_key_of(row)}:")
    return WaitingPromise.objects.waiting().filter(own)


def _key_of(row: Displacement) -> str:
    return f"{_KEY}{row.pk}"


def _to_tell(row: Displacement, moved: Appointment, *, once_key: str, now: datetime) -> PromiseToKeep:
    return PromiseToKeep(
        kind=NEW_TIME.code,
        title=_tell_title(row, _in_words(row, moved)),
        about=About(type="scheduling.appointment", id=moved.pk),
        once_key=once_key,
        clocks=(_tell_clock(row, _in_words(row, moved), visit=moved, now=now),),
        priority=_priority(row.known, now=now),
    )


def _tell_title(row: Displacement, words: str) -> str:
    return f"Tell {row.appointment.patient.goes_by}: {words}"[:300]


def _in_words(row: Displacement, moved: Appointment) -> str:
    """What the patient is to hear: the time that they know, the new one, and with whom it is."""
    old, people = row.known, ", ".join(moved.people)
    when = day_and_time(old.local_start)
    with_whom = f" with {people}" if people else ""
    if (old.start_at, old.site_id) == (moved.start_at, moved.site_id):
        return f"the visit on {when} stays at that time,{with_whom or ' elsewhere'}"
    return f"the visit on {when} is now {day_and_time(moved.local_start)}{with_whom}"


def _tell_clock(row: Displacement, words: str, *, visit: Appointment, now: datetime) -> ClockToStart:
    return ClockToStart(
        rule_id=_TELL,
        rule_version="1",
        source=_TELL_SOURCE,
        step=_tell_title(row, words),
        anchor_event=f"replan:{row.replan_id}",
        anchor_at=now,
        due_at=_due(row.known, before=min(row.known.start_at, visit.start_at), now=now),
        evidence="told_patient",
    )


def _to_find(row: Displacement, *, once_key: str, now: datetime) -> PromiseToKeep:
    name, known = row.appointment.patient.goes_by, day_and_time(row.known.local_start)
    return PromiseToKeep(
        kind=NO_TIME.code,
        title=f"Find {name} another time than {known}",
        about=About(type="scheduling.appointment", id=row.appointment.pk),
        once_key=once_key,
        clocks=(_find_clock(row, who=row.replan.of_what, now=now),),
        priority=_priority(row.known, now=now),
    )


def _find_clock(row: Displacement, *, who: str, now: datetime) -> ClockToStart:
    """`who` can't be there; the patient may still count on a time before that one."""
    visit, name = row.appointment, row.appointment.patient.goes_by
    knows = f" (they expect {day_and_time(row.known.local_start)})" if row.expected is not None else ""
    return ClockToStart(
        rule_id=_FIND,
        rule_version="1",
        source=_FIND_SOURCE,
        step=f"Call {name}{knows}: {who} can’t be there {day_and_time(visit.local_start)}; find another time",
        is_call=True,
        anchor_event=f"replan:{row.replan_id}",
        anchor_at=now,
        due_at=_due(visit, before=min(row.known.start_at, visit.start_at), now=now),
        evidence="settled",
    )


def _priority(visit: Appointment, *, now: datetime) -> str:
    """Who would come within two days for nothing is told first."""
    return Priority.URGENT if visit.start_at - now < _SOON else Priority.ROUTINE


def _due(visit: Appointment, *, before: datetime, now: datetime) -> datetime:
    """By the next business day, and before this instant; never in less than an hour."""
    allowance = Allowance(amount=_WITHIN_DAYS, unit=Unit.BUSINESS_DAYS)
    due = due_after(now, allowance=allowance, zone=visit.zone, calendar=business_calendar(site_id=visit.site_id))
    return max(min(due, before), now + _HOUR)
