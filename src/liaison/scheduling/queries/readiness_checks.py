"""What scheduling itself knows of a visit's readiness: people and rooms, the message, the language, the referral."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from liaison.accounts.models import Site
from liaison.core.languages import language_name
from liaison.inbox.models import Message
from liaison.inbox.models.messages import MessageState
from liaison.inbox.ports import Unread
from liaison.inbox.queries import loops_instead, unread_of
from liaison.loops.models import Loop
from liaison.loops.queries.calendars import business_calendar
from liaison.orders.models import Referral
from liaison.patients.models import Patient
from liaison.scheduling.models import Appointment, InvitationAnswer, Reservation, SeriesVisit, VisitType
from liaison.scheduling.queries.answers import standing_answers
from liaison.scheduling.queries.displaced import who_finds, who_tells
from liaison.scheduling.queries.free import closed_time, working_time
from liaison.scheduling.rules import SAID_WORDS, Checked, Finding, Said, Span, Standing, last_safe_day, sits_inside

RESOURCES: Final = "scheduling.resources"
TOLD: Final = "scheduling.told"
ANSWERED: Final = "scheduling.answered"
LANGUAGE: Final = "scheduling.language"
REFERRAL: Final = "scheduling.referral"
PATIENT: Final = "scheduling.patient"

_TELLS: Final = ("appointment-confirmation", "appointment-moved")
_ON_ITS_WAY: Final = frozenset({MessageState.QUEUED, MessageState.SENDING})
_ARRIVED: Final = frozenset({MessageState.SENT, MessageState.DELIVERED})
_DID_NOT_ARRIVE: Final = frozenset({MessageState.FAILED, MessageState.UNKNOWN, MessageState.SUPPRESSED})
_NOT_SENT: Final = "No message went out: nobody knows whether the patient knows the time"
_OVER: Final = frozenset({"declined", "cancel_requested", "cancelled", "closed"})
_DAY: Final = timedelta(days=1)
Found = Mapping[int, Sequence[Finding]]


def check_resources(visits: Sequence[Checked], *, now: datetime) -> Found:
    """Everybody and everything that was reserved is in service, at work and not closed at that time.

    Working hours that were overridden when it was booked are not held against it again.
    """
    del now
    ids = [visit.appointment_id for visit in visits]
    by_visit: dict[int, list[Reservation]] = defaultdict(list)
    for row in Reservation.objects.filter(appointment_id__in=ids).select_related("resource"):
        by_visit[row.appointment_id].append(row)
    overridden = set(
        Appointment.objects.filter(pk__in=ids, overrides__contains=["outside_hours"]).values_list("pk", flat=True)
    )
    safe, looked_for = _safe_of(visits), who_finds(ids)
    found: dict[int, list[Finding]] = {}
    for site in Site.objects.filter(pk__in={visit.site_id for visit in visits}):
        there = [visit for visit in visits if visit.site_id == site.pk]
        taken = {row.resource_id for visit in there for row in by_visit[visit.appointment_id]}
        within = Span(min(visit.start_at for visit in there) - _DAY, max(visit.end_at for visit in there) + _DAY)
        closed = closed_time(tuple(taken), site_id=site.pk, within=within)
        working = working_time(tuple(taken), site=site, within=within)
        for visit in there:
            rows = by_visit[visit.appointment_id]
            hours = None if visit.appointment_id in overridden else working
            wrong = [words for row in rows if (words := _wrong_with(row, closed=closed[row.resource_id], hours=hours))]
            kept_by = looked_for.get(visit.appointment_id)
            found[visit.appointment_id] = [_of_resources(wrong, safe=safe[visit.appointment_id], kept_by=kept_by)]
    return found


def _wrong_with(row: Reservation, *, closed: Sequence[Span], hours: Mapping[int, Sequence[Span]] | None) -> str:
    """What is wrong with one resource's time, or ""; without `hours` working hours don't count."""
    claim = Span(row.during.lower, row.during.upper)
    if row.resource.retired_at is not None:
        return f"{row.resource} is out of service"
    if any(span.overlaps(claim) for span in closed):
        return f"{row.resource} is closed then"
    if hours is not None and not sits_inside(claim, working=hours.get(row.resource_id, ()), closed=()):
        return f"{row.resource} does not work there then"
    return ""


def _of_resources(wrong: Sequence[str], *, safe: datetime, kept_by: int | None) -> Finding:
    if not wrong:
        return Finding(code=RESOURCES, standing=Standing.READY, sentence="Everybody and everything is free for it")
    return Finding(
        code=RESOURCES,
        standing=Standing.BLOCKED,
        sentence="; ".join(wrong),
        next_step="Move the visit, or give it another room or person",
        safe_until=safe,
        kept_by=kept_by,
    )


def check_told(visits: Sequence[Checked], *, now: datetime) -> Found:
    """The patient was told of the time: the last message arrived and they read it, or they were reached otherwise."""
    del now
    wanted: dict[str, list[int]] = defaultdict(list)
    for visit in visits:
        for template in _TELLS:
            wanted[f"visit:{visit.appointment_id}:{template}"].append(visit.appointment_id)
    in_series = SeriesVisit.objects.filter(appointment_id__in=[visit.appointment_id for visit in visits])
    for key, appointment_id in in_series.exclude(told_key="").values_list("told_key", "appointment_id"):
        wanted[key].append(appointment_id or 0)
    messages = {
        appointment_id: row
        for row in Message.objects.filter(idempotency_key__in=wanted).select_related("patient").order_by("pk")
        for appointment_id in wanted[row.idempotency_key]
    }
    arrived = [row for row in messages.values() if row.state not in _DID_NOT_ARRIVE]
    missed = {row.pk: found for row in arrived if (found := unread_of(row))}
    loops = loops_instead([row for row in messages.values() if row.state in _DID_NOT_ARRIVE or row.pk in missed])
    ids = [visit.appointment_id for visit in visits]
    safe, ours, looked_for = _safe_of(visits), who_tells(ids), who_finds(ids)
    return {
        visit.appointment_id: [
            _of_our_move(
                ours[visit.appointment_id],
                safe=safe[visit.appointment_id],
                finder=looked_for.get(visit.appointment_id),
            )
            if visit.appointment_id in ours
            else _of_message(messages.get(visit.appointment_id), loops, missed, safe=safe[visit.appointment_id])
        ]
        for visit in visits
    }


def _of_our_move(loop: Loop, *, safe: datetime, finder: int | None) -> Finding:
    """A time that we changed: a message is not enough, somebody says so; or `finder`, who finds another one."""
    if loop.state == "closed":
        return Finding(code=TOLD, standing=Standing.READY, sentence="The patient knows the new time")
    return Finding(
        code=TOLD,
        standing=Standing.UNKNOWN,
        sentence="We moved this visit, and nobody knows yet whether the patient knows",
        next_step="Call the patient and say when the visit is",
        next_is_call=True,
        safe_until=safe,
        kept_by=loop.pk if loop.state == "open" else finder,
    )


def _of_message(
    message: Message | None, loops: Mapping[int, Loop], missed: Mapping[int, Unread], *, safe: datetime
) -> Finding:
    if message is not None and message.pk in missed:
        return _of_unread(missed[message.pk], loop=loops.get(message.pk), safe=safe)
    if message is not None and message.state in _ARRIVED:
        return Finding(code=TOLD, standing=Standing.READY, sentence="The patient was told the time")
    if message is not None and message.state in _ON_ITS_WAY:
        return Finding(code=TOLD, standing=Standing.READY, sentence="The message with the time is on its way")
    loop = loops.get(message.pk) if message is not None else None
    if loop is not None and loop.state == "closed":
        return Finding(code=TOLD, standing=Standing.READY, sentence="The patient was reached another way")
    unsent = message is None or message.state == MessageState.SUPPRESSED
    return Finding(
        code=TOLD,
        standing=Standing.UNKNOWN if unsent else Standing.BLOCKED,
        sentence=_NOT_SENT if unsent else "The message with the time did not arrive",
        next_step="Call the patient and say when the visit is",
        next_is_call=True,
        safe_until=safe,
        kept_by=loop.pk if loop is not None and loop.state == "open" else None,
    )


def _of_unread(missed: Unread, *, loop: Loop | None, safe: datetime) -> Finding:
    if loop is not None and loop.state == "closed":
        return Finding(code=TOLD, standing=Standing.READY, sentence="The patient was reached another way")
    return Finding(
        code=TOLD,
        standing=Standing.UNKNOWN,
        sentence=f"Told in {missed.sent}, {missed.known}",
        next_step=f"Call with an interpreter for {missed.language} and say when the visit is",
        next_is_call=True,
        safe_until=safe,
        kept_by=loop.pk if loop is not None and loop.state == "open" else None,
    )


def check_language(visits: Sequence[Checked], *, now: datetime) -> Found:
    """Somebody at the visit speaks the patient's language when an interpreter is needed."""
    del now
    rows = Appointment.objects.filter(pk__in=[visit.appointment_id for visit in visits]).exclude(
        interpreter_language=""
    )
    needed = {row.pk: row for row in rows.prefetch_related("reservations__resource__practitioner")}
    safe = _safe_of(visits)
    return {pk: [_of_language(row, safe=safe[pk])] for pk, row in needed.items()}


def _of_language(row: Appointment, *, safe: datetime) -> Finding:
    main = row.interpreter_language.replace("_", "-").partition("-")[0].lower()
    name = language_name(main)
    for taken in row.reservations.all():
        person = taken.resource.practitioner
        spoken = person.languages.lower() if person is not None else ""
        if "interpreter" in taken.role.lower() or main in spoken.replace(",", " ").split() or name.lower() in spoken:
            return Finding(code=LANGUAGE, standing=Standing.READY, sentence=f"{taken.resource} speaks {name} there")
    return Finding(
        code=LANGUAGE,
        standing=Standing.UNKNOWN,
        sentence=f"Nobody who is known to speak {name} is booked",
        next_step=f"See that an interpreter for {name} comes, or call one in",
        safe_until=safe,
    )


def check_referral(visits: Sequence[Checked], *, now: datetime) -> Found:
    """The referral that the visit serves still asks for it; a kind that needs one has one."""
    del now
    referrals = Referral.objects.in_bulk({visit.referral_id for visit in visits if visit.referral_id is not None})
    kinds = VisitType.objects.filter(pk__in={visit.visit_type_id for visit in visits}, referral_needed=True)
    needing = set(kinds.values_list("pk", flat=True))
    safe = _safe_of(visits)
    found: dict[int, list[Finding]] = {}
    for visit in visits:
        referral = referrals.get(visit.referral_id or 0)
        if referral is not None:
            found[visit.appointment_id] = [_of_referral(referral, safe=safe[visit.appointment_id])]
        elif visit.visit_type_id in needing:
            found[visit.appointment_id] = [_no_referral(safe=safe[visit.appointment_id])]
    return found


def _of_referral(referral: Referral, *, safe: datetime) -> Finding:
    if referral.state not in _OVER:
        return Finding(code=REFERRAL, standing=Standing.READY, sentence="The referral asks for this visit")
    return Finding(
        code=REFERRAL,
        standing=Standing.BLOCKED,
        sentence="The referral does not ask for this visit any more",
        next_step="Ask the referrer, then cancel the visit or refer again",
        safe_until=safe,
    )


def _no_referral(*, safe: datetime) -> Finding:
    return Finding(
        code=REFERRAL,
        standing=Standing.BLOCKED,
        sentence="This kind of visit needs a referral and has none",
        next_step="Refer the patient, or book another kind of visit",
        safe_until=safe,
    )


def check_patient(visits: Sequence[Checked], *, now: datetime) -> Found:
    """The patient lives."""
    dead = set(
        Patient.objects.filter(pk__in={visit.patient_id for visit in visits}, is_deceased=True).values_list(
            "pk", flat=True
        )
    )
    return {
        visit.appointment_id: [
            Finding(
                code=PATIENT,
                standing=Standing.BLOCKED,
                sentence="The patient has died",
                next_step="Cancel the visit; nobody calls the family about it",
                safe_until=now,
            )
        ]
        for visit in visits
        if visit.patient_id in dead
    }


def check_answered(visits: Sequence[Checked], *, now: datetime) -> Found:
    """What the patient answered to the invitation, where they answered: nobody must."""
    del now
    answers = standing_answers([visit.appointment_id for visit in visits])
    answered = [visit for visit in visits if visit.appointment_id in answers]
    keys = {answer.promise_key for answer in answers.values() if answer.promise_key}
    loops = {loop.once_key or "": loop for loop in Loop.objects.filter(once_key__in=keys)} if keys else {}
    safe = _safe_of(answered)
    return {pk: [_of_answer(answers[pk], loops, safe=safe[pk])] for pk in safe}


def _of_answer(answer: InvitationAnswer, loops: Mapping[str, Loop], *, safe: datetime) -> Finding:
    said, loop = Said(answer.said), loops.get(answer.promise_key)
    words = SAID_WORDS[said]
    if said is Said.ACCEPTED:
        return Finding(code=ANSWERED, standing=Standing.READY, sentence=words)
    if said is Said.TENTATIVE:
        step = "Ask them whether they come"
        return Finding(code=ANSWERED, standing=Standing.UNKNOWN, sentence=words, next_step=step, safe_until=safe)
    if loop is not None and loop.state != "open":
        return Finding(code=ANSWERED, standing=Standing.READY, sentence=f"{words}: it was settled with them")
    return Finding(
        code=ANSWERED,
        standing=Standing.BLOCKED if loop is not None else Standing.UNKNOWN,
        sentence=words,
        next_step="Call them and offer another time",
        next_is_call=True,
        safe_until=safe,
        kept_by=loop.pk if loop is not None else None,
    )


OURS: Final = (check_resources, check_told, check_answered, check_language, check_referral, check_patient)


def _safe_of(visits: Sequence[Checked]) -> Mapping[int, datetime]:
    """Until the end of the business day before each visit: then it can still be mended without a call at night."""
    calendars = {site_id: business_calendar(site_id=site_id) for site_id in {visit.site_id for visit in visits}}
    return {
        visit.appointment_id: last_safe_day(
            visit.start_at, zone=visit.zone, business_days=1, calendar=calendars[visit.site_id]
        )
        for visit in visits
    }
