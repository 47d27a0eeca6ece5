"""One appointment, a patient's coming visits, and what scheduling tells the timeline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from django.db.models import Min
from django.urls import reverse
from django.utils.translation import gettext as _

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import NotFound
from liaison.core.timeline import TimelineEntry, years_in
from liaison.core.written_time import full_day_and_time
from liaison.loops.models import Clock, Loop
from liaison.patients.models import Patient
from liaison.scheduling.access import SERVE
from liaison.scheduling.kinds import MISSED_VISIT
from liaison.scheduling.models import Appointment, AppointmentQuerySet, Hold, InvitationAnswer, SeriesVisit, VisitType
from liaison.scheduling.ports import visit_promises
from liaison.scheduling.queries.answers import Answered, answers_to, in_words
from liaison.scheduling.queries.asked import is_arranged_elsewhere
from liaison.scheduling.queries.journeys import JourneyPlace, places_in_journeys
from liaison.scheduling.queries.readiness import Readiness, readiness_of
from liaison.scheduling.queries.series import Place, places_in_series
from liaison.scheduling.rules import MAY_SERVE, State, reason_in_words

KIND = "booking"
_SOURCE = "scheduling"
_SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComingVisit:
    """A visit ahead: when on the wall clock of the place, what, where and with whom, and whether it is ready."""

    appointment_id: int
    site_id: int
    start_at: datetime
    end_at: datetime
    what: str
    where: str
    who: tuple[str, ...]
    state: State
    modality: str
    interpreter_language: str
    loop_id: int | None
    referral_id: int | None
    version: int
    readiness: Readiness | None = None
    in_series: Place | None = None
    in_journey: JourneyPlace | None = None

    @property
    def url(self) -> str:
        """Its page."""
        return reverse("scheduling:appointment", args=[self.appointment_id])


def get_appointment(actor: Actor, *, appointment_id: int, now: datetime) -> Appointment:
    """One appointment with everything that its page shows. Refuses: NotFound."""
    found = (
        _visible(actor, now=now)
        .filter(pk=appointment_id)
        .select_related("patient", "visit_type", "site", "loop", "referral", "predecessor", "room")
        .prefetch_related("reservations__resource")
        .first()
    )
    if found is None:
        raise NotFound
    seen(found.patient_id)
    return found


def rebook_url(appointment: Appointment) -> str:
    """Where another time is found for a missed visit: the same kind of visit, for the same promise, else for the one
    to call about it. The appointment was fetched for somebody."""
    loops = Loop.objects.open()
    loop = (
        loops.filter(pk=appointment.loop_id or 0).first()
        or loops.filter(kind=MISSED_VISIT.code, about_type="scheduling.appointment", about_id=appointment.pk).first()
    )
    current = VisitType.objects.filter(code=appointment.visit_type.code, is_current=True).first()
    given = {
        "patient": appointment.patient_id,
        "visit_type": current.pk if current else None,
        "site": appointment.site_id,
        "loop": loop.pk if loop else None,
        "referral": appointment.referral_id,
    }
    return f"{reverse('scheduling:book')}?{urlencode({name: value for name, value in given.items() if value})}"


def hold_of(appointment: Appointment) -> Hold | None:
    """Until when the time is, or was, only kept for the patient; None for what was booked at once. The appointment was
    fetched for somebody."""
    return Hold.objects.select_related("appointment").filter(appointment=appointment).first()


def successor_of(appointment: Appointment) -> Appointment | None:
    """The visit that this one was moved to. The appointment was fetched for somebody."""
    return Appointment.objects.filter(predecessor=appointment).first()


def visit_to_move(*, patient: Patient, appointment_id: int) -> Appointment | None:
    """The visit of this patient that they would have earlier. The patient was fetched for somebody."""
    rows = Appointment.objects.select_related("visit_type")
    return rows.filter(pk=appointment_id, patient=patient).first()


def coming_visits(actor: Actor, *, patient: Patient, now: datetime) -> Sequence[ComingVisit]:
    """The patient's visits that are not over, the next first; those of earlier today included."""
    return [_coming(row) for row in _not_over(actor, patient=patient, now=now)]


def coming_with_readiness(actor: Actor, *, patient: Patient, now: datetime) -> Sequence[ComingVisit]:
    """The same visits with what their checks say and their place in a series, which takes some ten questions more."""
    rows = list(_not_over(actor, patient=patient, now=now))
    said = readiness_of([row for row in rows if row.state_now is not State.PENDING], now=now)
    ids = [row.pk for row in rows]
    places, journeys = places_in_series(ids), places_in_journeys(ids)
    return [
        replace(_coming(row), readiness=said.get(row.pk), in_series=places.get(row.pk), in_journey=journeys.get(row.pk))
        for row in rows
    ]


def _not_over(actor: Actor, *, patient: Patient, now: datetime) -> AppointmentQuerySet:
    coming = _visible(actor, now=now).filter(patient=patient, end_at__gte=now).holding_time()
    return _with_who(coming).order_by("start_at", "pk")


def may_serve(
    actor: Actor, *, patient: Patient, after_on: date, until: datetime, booked_too: bool, now: datetime
) -> Sequence[ComingVisit]:
    """The patient's visits of which somebody could say that they are for a promise: they name nothing, are expected
    or took place, on a local day after `after_on` and before `until`; the first comes first.

    Without `booked_too` only those that took place. None for whom may not say so.
    """
    if not actor.may(SERVE):
        return ()
    states = MAY_SERVE if booked_too else {State.FULFILLED}
    rows = _visible(actor, now=now).filter(patient=patient, loop=None, referral=None, state__in=states)
    near = rows.filter(start_at__gt=datetime.combine(after_on, time.min, tzinfo=UTC), start_at__lt=until)
    return [_coming(row) for row in _with_who(near).order_by("start_at", "pk") if row.visit_on > after_on]


def may_serve_loop(actor: Actor, *, patient: Patient, loop_id: int | None, now: datetime) -> Sequence[ComingVisit]:
    """What `may_serve` finds for an open promise: from the day after what its first clock counts from, up to 30 days
    ahead. None for one that moves on a page of its own; a second visit ahead is none either."""
    loop = Loop.objects.open().filter(pk=loop_id or 0, patient=patient).first()
    if loop is None or is_arranged_elsewhere(loop):
        return ()
    since = Clock.objects.filter(loop=loop).aggregate(first=Min("anchor_at"))["first"] or loop.opened_at
    booked = Appointment.objects.filter(loop=loop, state__in=MAY_SERVE - {State.FULFILLED}).exists()
    after_on = patient.day_at(since)
    found = may_serve(actor, patient=patient, after_on=after_on, until=now + _SOON, booked_too=not booked, now=now)
    promise = visit_promises().get(loop.kind)
    return [one for one in found if promise is None or not promise.why_not(one.modality)]


def seen_last_by(actor: Actor, *, patient: Patient, among: Collection[int], now: datetime) -> int | None:
    """Which of these people (resource ids) saw the patient last; None if nobody of them has."""
    seen_visits = _visible(actor, now=now).filter(
        patient=patient, state=State.FULFILLED, reservations__resource__in=among
    )
    return seen_visits.order_by("-start_at").values_list("reservations__resource", flat=True).first()


def timeline(
    actor: Actor,
    *,
    patient: Patient,
    kinds: Collection[str] = (),
    before: datetime | None = None,
    limit: int = 50,
    now: datetime,
) -> Sequence[TimelineEntry]:
    """Bookings and what became of them, the newest first: at most `limit`, earlier than `before`.

    `kinds` of nothing means all kinds; ours is "booking".
    """
    if kinds and KIND not in kinds:
        return ()
    rows = list(_with_who(_booked(actor, patient=patient, now=now)).order_by("-booked_at", "-pk"))
    together, journeys = _booked_together(rows), places_in_journeys([row.pk for row in rows])
    answers = answers_to([row.pk for row in rows])
    entries = [
        entry
        for row in rows
        for entry in (
            *_entries(row, together=together, journey=journeys.get(row.pk)),
            *_answered(row, map(in_words, answers.get(row.pk, ()))),
        )
        if before is None or entry.at < before
    ]
    entries.sort(key=lambda entry: (entry.at, entry.key), reverse=True)
    return entries[:limit]


def timeline_years(actor: Actor, *, patient: Patient, before: datetime, now: datetime) -> frozenset[int]:
    """The years before an instant of which `timeline` tells."""
    rows = _booked(actor, patient=patient, now=now)
    given = InvitationAnswer.objects.filter(appointment__in=rows, received_at__lt=before)
    marks = rows.order_by().values_list("booked_at", "missed_at", "cancelled_at", "seen_at", "start_at")
    told = [at for *others, seen_at, start_at in marks for at in (*others, start_at if seen_at else None)]
    years = {at.astimezone(UTC).year for at in told if at is not None and at < before}
    return years_in(given, "received_at") | years


def _booked(actor: Actor, *, patient: Patient, now: datetime) -> AppointmentQuerySet:
    """Their visits; a time that was only held was never a booking."""
    return _visible(actor, now=now).filter(patient=patient).not_only_held()


def _visible(actor: Actor, *, now: datetime) -> AppointmentQuerySet:
    return Appointment.objects.filter(patient__in=Patient.objects.visible_to(actor, now=now))


def _with_who(rows: AppointmentQuerySet) -> AppointmentQuerySet:
    return rows.select_related("visit_type", "site").prefetch_related("reservations__resource")


def _coming(row: Appointment) -> ComingVisit:
    seen(row.patient_id)
    return ComingVisit(
        appointment_id=row.pk,
        site_id=row.site_id,
        start_at=row.local_start,
        end_at=row.local_end,
        what=row.visit_type.name,
        where=row.site.name,
        who=row.people,
        state=row.state_now,
        modality=row.modality,
        interpreter_language=row.interpreter_language,
        loop_id=row.loop_id,
        referral_id=row.referral_id,
        version=row.version,
    )


def _booked_together(rows: Sequence[Appointment]) -> Mapping[int, Sequence[Appointment]]:
    """The visits of a series that were booked or moved in one step, in order of time, by the id of each of them."""
    series_of = dict(
        SeriesVisit.objects.filter(appointment__in=[row.pk for row in rows]).values_list("appointment", "series")
    )
    steps: dict[tuple[int, datetime, bool], list[Appointment]] = defaultdict(list)
    # What was moved stands no longer in its series: the visit that took its place does, and was booked later.
    for row in sorted(rows, key=lambda row: row.pk, reverse=True):
        if row.pk in series_of:
            steps[series_of[row.pk], row.booked_at, row.predecessor_id is not None].append(row)
            if row.predecessor_id is not None:
                series_of[row.predecessor_id] = series_of[row.pk]
    for visits in steps.values():
        visits.sort(key=lambda row: row.start_at)
    return {row.pk: visits for visits in steps.values() if len(visits) > 1 for row in visits}


def _entries(
    row: Appointment, *, together: Mapping[int, Sequence[Appointment]], journey: JourneyPlace | None
) -> Iterator[TimelineEntry]:
    seen(row.patient_id)
    when = full_day_and_time(row.local_start)
    with_whom = ", ".join((*row.people, row.site.name))
    visits = together.get(row.pk, (row,))
    if visits[0] == row:
        title = _booked_in_words(row, when, count=len(visits))
        detail = with_whom if journey is None else f"{with_whom}. {_part_of(journey)}"
        yield _entry(row, "booked", at=row.booked_at, title=title, detail=detail)
    if row.seen_at is not None:
        title = _("Seen: %(what)s") % {"what": row.visit_type.name}
        yield _entry(row, "seen", at=row.start_at, title=title, detail=with_whom)
    if row.missed_at is not None:
        title = _("Did not come: %(what)s, %(when)s") % {"what": row.visit_type.name, "when": when}
        yield _entry(row, "missed", at=row.missed_at, title=title, detail=with_whom)
    if row.cancelled_at is not None:
        title = _("Cancelled: %(what)s, %(when)s") % {"what": row.visit_type.name, "when": when}
        why = reason_in_words(row.cancel_reason)
        if row.was_cancelled_late:
            why = _("%(why)s. Late cancellation") % {"why": why}
        yield _entry(row, "cancelled", at=row.cancelled_at, title=title, detail=why)


def _answered(row: Appointment, answers: Iterable[Answered]) -> Iterator[TimelineEntry]:
    when = full_day_and_time(row.local_start)
    for answer in answers:
        title = _("%(answer)s. %(what)s, %(when)s") % {
            "answer": answer.words, "what": row.visit_type.name, "when": when,
        }  # fmt: skip
        yield _entry(row, f"answer-{answer.message_id:012d}", at=answer.at, title=title, detail=answer.comment)


def _part_of(journey: JourneyPlace) -> str:
    return _("Part of “%(name)s”, %(number)s of %(total)s") % {
        "name": journey.name, "number": journey.number, "total": journey.total,
    }  # fmt: skip


def _booked_in_words(row: Appointment, when: str, *, count: int) -> str:
    """That one visit was booked or moved, or several of a series in one step, of which this is the first."""
    moved = row.predecessor_id is not None
    if count > 1:
        several = _("%(count)s booked as a series, the first for %(when)s")
        said = _("%(count)s of a series moved, the first to %(when)s") if moved else several
        return f"{row.visit_type.name}. {said % {'count': count, 'when': when}}"
    booked = _("Moved to %(when)s") if moved else _("Booked for %(when)s")
    return f"{row.visit_type.name}. {booked % {'when': when}}"


def _entry(row: Appointment, what: str, *, at: datetime, title: str, detail: str) -> TimelineEntry:
    return TimelineEntry(
        at=at,
        kind=KIND,
        title=title,
        detail=detail,
        url=reverse("scheduling:appointment", args=[row.pk]),
        source=_SOURCE,
        key=f"{row.pk:012d}-{what}",
    )
