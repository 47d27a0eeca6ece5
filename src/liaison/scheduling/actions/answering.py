"""What follows when a patient answers an invitation from their calendar.

An answer never changes the visit itself: a mail's sender is easily forged, and who says that they can't come mostly
wants another time. It is noted on the visit, and "can't come" becomes a promise to call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.calendars import Allowance, Unit, due_after
from liaison.core.written_time import long_day
from liaison.inbox.actions import ask_for_an_answer
from liaison.inbox.events import CalendarAnswer, InvitationAnswered
from liaison.inbox.models import Message
from liaison.loops.actions import add_evidence, drop_waiting, open_or_wait
from liaison.loops.models import Loop, WaitingPromise
from liaison.loops.ports import About, ClockToStart, PromiseToKeep
from liaison.loops.queries.calendars import business_calendar
from liaison.scheduling.access import NOTE_ANSWER, SETTLE_ANSWER
from liaison.scheduling.actions.attending import tell_who_looks
from liaison.scheduling.actions.displaced import note_told
from liaison.scheduling.actions.serving import owner_of_visit
from liaison.scheduling.kinds import CANT_COME, CANT_COME_AND_WROTE
from liaison.scheduling.models import Appointment, InvitationAnswer, Series, SeriesVisit
from liaison.scheduling.queries.answers import is_seen_to, says_no, standing_answers, those_after, those_before
from liaison.scheduling.rules import Heard, Said, State, weigh

_RULE: Final = "cant-come"
_WITHIN_DAYS: Final = 1
_HOUR: Final = timedelta(hours=1)
_EXPECTED: Final = (State.PENDING, State.BOOKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meant:
    """A visit that an answer is about, and the sequence that its invitation has now."""

    appointment_id: int
    sequence: int


def note_answers(*, actor: Actor, fact: InvitationAnswered, now: datetime) -> Sequence[int]:
    """Note what the patient answered on each visit that is meant; returns the ids of those for which it counts.

    The same answer again changes nothing. What they can't come to has one loop, however many visits that are, and it
    owes an answer besides when they wrote more.
    """
    key, counts, declined = f"cant-come:{fact.message_id}", [], []
    for answer in fact.answers:
        for meant in _meant_by(answer, now=now):
            noted = _note(actor, meant, answer, message_id=fact.message_id, key=key, now=now)
            if noted is None:
                continue
            counts.append(noted.pk)
            if answer.said is Said.DECLINED:
                declined.append(noted)
            else:
                settle_declined(actor=actor, appointment=noted, note="They answered anew: they may come.", now=now)
                if answer.said is Said.ACCEPTED:
                    note_told(actor, appointment=noted, how="They accepted the new time.", now=now)
    if declined:
        _promise(actor, declined, key=key, wrote=fact.wants_answer, now=now)
    elif fact.wants_answer:
        message = Message.objects.select_related("patient").get(pk=fact.message_id)
        ask_for_an_answer(actor.as_liaison(), message=message, now=now)
    return counts


def settle_declined(*, actor: Actor, appointment: Appointment, note: str, now: datetime) -> None:
    """Inside an act: a visit that the patient could not keep has another time, is off, or they come after all.

    What took its place when a day was planned anew stands for it: then nobody had asked them.
    The promise is kept once that holds of every visit that they could not keep.
    """
    for key in _promises_of(appointment):
        if not _others_wait(key, appointment=appointment, now=now):
            _end(actor, appointment, key=key, note=note, now=now)


def settle_with_patient(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """Somebody spoke with the patient: what was declined together stands, and nobody needs to call. Safe twice."""
    with act(actor, SETTLE_ANSWER, patient=appointment.patient, subject=appointment, now=now):
        for key in _promises_of(appointment):
            note = "Settled with the patient: the visit stands."
            _end(actor, appointment, key=key, note=note, kinds=("settled", "answered_mail"), now=now)
        tell_who_looks(appointment, what="answered")


def _promises_of(appointment: Appointment) -> Sequence[str]:
    line = those_before([appointment.pk])[appointment.pk]
    rows = InvitationAnswer.objects.filter(appointment__in=line).exclude(promise_key="")
    return sorted(set(rows.values_list("promise_key", flat=True)))


def _end(
    actor: Actor,
    appointment: Appointment,
    *,
    key: str,
    note: str,
    kinds: tuple[str, ...] = ("settled",),
    now: datetime,
) -> None:
    about = About(type="scheduling.appointment", id=appointment.pk)
    for loop in Loop.objects.open().filter(once_key=key):
        for kind in (one for one in kinds if one in loop.missing_evidence):
            add_evidence(actor.as_liaison(), loop_id=loop.pk, kind=kind, note=note, about=about, now=now)
    waiting = WaitingPromise.objects.waiting().filter(once_key=key)
    drop_waiting(actor.as_liaison(), waiting=waiting, reason=note, now=now)


def _meant_by(answer: CalendarAnswer, *, now: datetime) -> Iterator[_Meant]:
    """The visits of the event that was answered, each with the sequence of its invitation now."""
    latest = Appointment.objects.filter(ical_uid=answer.uid).order_by("-ical_sequence").first()
    if latest is not None:
        yield _Meant(appointment_id=latest.pk, sequence=latest.ical_sequence)
        return
    series = Series.objects.filter(ical_uid=answer.uid).first()
    rows = SeriesVisit.objects.filter(series=series, is_in_event=True, appointment__isnull=False)
    if answer.recurs_at is not None:
        rows = rows.filter(rule_at=answer.recurs_at)
    else:  # one that was told alone since then is answered alone
        rows = rows.filter(appointment__start_at__gt=now, appointment__state__in=_EXPECTED).exclude(told_key="")
    for row in rows.select_related("appointment", "series").order_by("position"):
        own = row.appointment.ical_sequence if row.appointment and answer.recurs_at is not None else 0
        yield _Meant(appointment_id=row.appointment_id or 0, sequence=row.series.ical_sequence + own)


def _note(
    actor: Actor, meant: _Meant, answer: CalendarAnswer, *, message_id: int, key: str, now: datetime
) -> Appointment | None:
    """Keep one answer to one visit; the visit if it counts, None if it changes nothing."""
    row = Appointment.objects.select_related("patient", "site", "booked_by").get(pk=meant.appointment_id)
    with act(actor, NOTE_ANSWER, patient=row.patient, subject=row, now=now) as entry:
        row = (
            Appointment.objects.select_for_update(no_key=True, of=("self",))
            .select_related("patient", "site", "booked_by")
            .get(pk=row.pk)
        )
        stamped_at = min(answer.stamped_at or now, now)
        standing = standing_answers([row.pk]).get(row.pk)
        entry.note(said=answer.said.value)
        if _is_known(row, standing, answer, stamped_at=stamped_at):
            entry.note(known=True)
            return None
        heard = weigh(
            sequence=answer.sequence,
            current=meant.sequence,
            is_over=not row.expects_patient or row.start_at <= now,
            stamped_at=stamped_at,
            standing_at=standing.stamped_at if standing else None,
        )
        promises = heard is Heard.APPLIED and answer.said is Said.DECLINED
        InvitationAnswer.objects.create(
            appointment=row, message_id=message_id, said=answer.said, sequence=answer.sequence, stamped_at=stamped_at,
            received_at=now, heard=heard, comment=answer.comment, promise_key=key if promises else "",
        )  # fmt: skip
        entry.note(heard=heard.value, message_id=message_id)
        tell_who_looks(row, what="answered")
    return row if heard is Heard.APPLIED else None


def _is_known(
    row: Appointment, standing: InvitationAnswer | None, answer: CalendarAnswer, *, stamped_at: datetime
) -> bool:
    """Whether this was said before: the same answer in another mail, or what stands anyway and is seen to."""
    same = InvitationAnswer.objects.filter(appointment=row, said=answer.said, sequence=answer.sequence)
    if same.filter(stamped_at=stamped_at).exists():
        return True
    if standing is None or (standing.said, standing.sequence) != (answer.said, answer.sequence):
        return False
    return answer.said is not Said.DECLINED or is_seen_to(standing.promise_key)


def _others_wait(key: str, *, appointment: Appointment, now: datetime) -> bool:
    """Whether another visit that was declined in the same mail is still expected, and still declined.

    What took its place when a day was planned anew counts as that visit: nobody asked the patient.
    """
    rows = InvitationAnswer.objects.filter(promise_key=key)
    rows = rows.exclude(appointment__in=those_before([appointment.pk])[appointment.pk])
    others = those_after(rows.values_list("appointment", flat=True)) - {appointment.pk}
    expected = Appointment.objects.filter(pk__in=others, state__in=_EXPECTED, start_at__gt=now)
    return bool(says_no(expected.values_list("pk", flat=True)))


def _promise(actor: Actor, declined: Sequence[Appointment], *, key: str, wrote: bool, now: datetime) -> None:
    """Somebody calls the patient and offers another time, by the next business day and before the visit.

    Where they `wrote` more, the same call answers it.
    """
    first = min(declined, key=lambda one: one.start_at)
    name, day = first.patient.goes_by, long_day(first.local_start)
    due = due_after(
        now,
        allowance=Allowance(amount=_WITHIN_DAYS, unit=Unit.BUSINESS_DAYS),
        zone=first.zone,
        calendar=business_calendar(site_id=first.site_id),
    )
    several = f"{name} says they can’t come to {len(declined)} visits, the first on {day}"
    promise = PromiseToKeep(
        kind=(CANT_COME_AND_WROTE if wrote else CANT_COME).code,
        title=(several if len(declined) > 1 else f"{name} says they can’t come on {day}")
        + (", and wrote more" if wrote else ""),
        about=About(type="scheduling.appointment", id=first.pk),
        once_key=key,
        clocks=(
            ClockToStart(
                rule_id=_RULE,
                rule_version="1",
                source="Who says that they can't come is offered another time by the next business day",
                step=f"Call {name}: offer another time" + (", and answer their message" if wrote else ""),
                anchor_event=f"appointment:{first.pk}",
                anchor_at=now,
                due_at=max(min(due, first.start_at), now + _HOUR),
                evidence="settled",
                is_call=True,
            ),
        ),
    )
    owner = owner_of_visit(first, now=now)
    open_or_wait(actor.as_liaison(), promise=promise, patient=first.patient, site=first.site, owner=owner, now=now)
