"""What scheduling itself knows of a visit's readiness: people and rooms, the message, the language, the referral."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from liaison.accounts.models import Site
from liaison.core.languages import language_name
from liaison.inbox.models import Message
from liaison.inbox.models.messages import MessageState
from liaison.loops.models import Loop
from liaison.loops.queries.calendars import business_calendar
from liaison.orders.models import Referral
from liaison.patients.models import Patient
from liaison.scheduling.models import Appointment, Reservation, VisitType
from liaison.scheduling.queries.free import closed_time, working_time
from liaison.scheduling.rules import Checked, Finding, Span, Standing, last_safe_day, sits_inside

RESOURCES: Final = "scheduling.resources"
TOLD: Final = "scheduling.told"
LANGUAGE: Final = "scheduling.language"
REFERRAL: Final = "scheduling.referral"
PATIENT: Final = "scheduling.patient"

_TELLS: Final = ("appointment-confirmation", "appointment-moved")
_ON_ITS_WAY: Final = frozenset({MessageState.QUEUED, MessageState.SENDING})
_ARRIVED: Final = frozenset({MessageState.SENT, MessageState.DELIVERED})
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
    sites = Site.objects.in_bulk({visit.site_id for visit in visits})
    return {
        visit.appointment_id: list(
            _of_resources(
                visit,
                by_visit[visit.appointment_id],
                site=sites[visit.site_id],
                ignore_hours=visit.appointment_id in overridden,
            )
        )
        for visit in visits
    }


def _of_resources(visit: Checked, taken: Sequence[Reservation], *, site: Site, ignore_hours: bool) -> Iterator[Finding]:
    ids = [row.resource_id for row in taken]
    claim = Span(taken[0].during.lower, taken[0].during.upper) if taken else Span(visit.start_at, visit.end_at)
    closed = closed_time(ids, site_id=site.pk, within=claim)
    working = working_time(ids, site=site, within=Span(visit.start_at - _DAY, visit.end_at + _DAY))
    safe = _safe(visit)
    wrong = []
    for row in taken:
        if row.resource.retired_at is not None:
            wrong.append(f"{row.resource} is out of service")
        elif closed[row.resource_id]:
            wrong.append(f"{row.resource} is closed then")
        elif not ignore_hours and not sits_inside(claim, working=working.get(row.resource_id, ()), closed=()):
            wrong.append(f"{row.resource} does not work there then")
    if wrong:
        step = "Move the visit, or give it another room or person"
        yield Finding(
            code=RESOURCES, standing=Standing.BLOCKED, sentence="; ".join(wrong), next_step=step, safe_until=safe
        )
    else:
        yield Finding(code=RESOURCES, standing=Standing.READY, sentence="Everybody and everything is free for it")


def check_told(visits: Sequence[Checked], *, now: datetime) -> Found:
    """The patient was told of the time: the last message about it arrived, or somebody reached them another way."""
    del now
    wanted = {f"visit:{visit.appointment_id}:{template}": visit for visit in visits for template in _TELLS}
    messages = {
        wanted[row.idempotency_key].appointment_id: row
        for row in Message.objects.filter(idempotency_key__in=wanted).order_by("pk")
    }
    failed = [row.pk for row in messages.values() if row.state in {MessageState.FAILED, MessageState.UNKNOWN}]
    loops = {loop.about_id: loop for loop in Loop.objects.filter(about_type="inbox.message", about_id__in=failed)}
    return {visit.appointment_id: [_of_message(visit, messages.get(visit.appointment_id), loops)] for visit in visits}


def _of_message(visit: Checked, message: Message | None, loops: Mapping[int | None, Loop]) -> Finding:
    step, safe = "Call the patient and say when the visit is", _safe(visit)
    if message is None or message.state == MessageState.SUPPRESSED:
        sentence = "No message went out: nobody knows whether the patient knows the time"
        return Finding(code=TOLD, standing=Standing.UNKNOWN, sentence=sentence, next_step=step, safe_until=safe)
    if message.state in _ARRIVED:
        return Finding(code=TOLD, standing=Standing.READY, sentence="The patient was told the time")
    if message.state in _ON_ITS_WAY:
        return Finding(code=TOLD, standing=Standing.READY, sentence="The message with the time is on its way")
    loop = loops.get(message.pk)
    if loop is not None and loop.state == "closed":
        return Finding(code=TOLD, standing=Standing.READY, sentence="The patient was reached another way")
    return Finding(
        code=TOLD,
        standing=Standing.BLOCKED,
        sentence="The message with the time did not arrive",
        next_step=step,
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
    return {
        visit.appointment_id: [_of_language(visit, needed[visit.appointment_id])]
        for visit in visits
        if visit.appointment_id in needed
    }


def _of_language(visit: Checked, row: Appointment) -> Finding:
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
        safe_until=_safe(visit),
    )


def check_referral(visits: Sequence[Checked], *, now: datetime) -> Found:
    """The referral that the visit serves still asks for it; a kind that needs one has one."""
    del now
    referrals = Referral.objects.in_bulk({visit.referral_id for visit in visits if visit.referral_id is not None})
    kinds = VisitType.objects.filter(pk__in={visit.visit_type_id for visit in visits}, referral_needed=True)
    needing = set(kinds.values_list("pk", flat=True))
    found: dict[int, list[Finding]] = {}
    for visit in visits:
        referral = referrals.get(visit.referral_id or 0)
        if referral is not None:
            found[visit.appointment_id] = [_of_referral(visit, referral)]
        elif visit.visit_type_id in needing:
            found[visit.appointment_id] = [_no_referral(visit)]
    return found


def _of_referral(visit: Checked, referral: Referral) -> Finding:
    if referral.state not in _OVER:
        return Finding(code=REFERRAL, standing=Standing.READY, sentence="The referral asks for this visit")
    return Finding(
        code=REFERRAL,
        standing=Standing.BLOCKED,
        sentence="The referral does not ask for this visit any more",
        next_step="Ask the referrer, then cancel the visit or refer again",
        safe_until=_safe(visit),
    )


def _no_referral(visit: Checked) -> Finding:
    return Finding(
        code=REFERRAL,
        standing=Standing.BLOCKED,
        sentence="This kind of visit needs a referral and has none",
        next_step="Refer the patient, or book another kind of visit",
        safe_until=_safe(visit),
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


OURS: Final = (check_resources, check_told, check_language, check_referral, check_patient)


def _safe(visit: Checked) -> datetime:
    """Until the end of the business day before: then it can still be mended without a call at night."""
    calendar = business_calendar(site_id=visit.site_id)
    return last_safe_day(visit.start_at, zone=visit.zone, business_days=1, calendar=calendar)
