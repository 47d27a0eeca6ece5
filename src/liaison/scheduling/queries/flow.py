"""The flow of a day at a site: who is expected, here, in a room, with the clinician, gone; waits; who did not come."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import Forbidden, NotFound
from liaison.patients.models import Patient
from liaison.scheduling.access import SEE_CALENDAR
from liaison.scheduling.models import Appointment, AppointmentQuerySet, Resource, ResourceKind
from liaison.scheduling.rules import (
    STAGES,
    LateAnswer,
    Span,
    Stage,
    State,
    day_span,
    late_by,
    median_wait,
    next_stage,
    since,
    stage_of,
    wait_of,
)

LOOK_BACK: Final = timedelta(days=30)
"""How far back visits are listed of which nobody said what became of them."""

_UNSAID: Final = (State.BOOKED.value, State.ARRIVED.value, State.CHECKED_IN.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomChoice:
    """A room to take a patient to; `taken` when somebody else is noted to be in it."""

    resource_id: int
    name: str
    taken: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowCard:
    """One visit on the board. Names are empty where this actor may not see the patient.

    `since_at` is the last stamp, `late` how late the patient is or came; `asks` whether somebody has yet to decide
    what is done about that. `following` is the stage that one press notes; `room_id` the room it would be.
    """

    appointment_id: int
    version: int
    is_visible: bool
    patient_name: str
    what: str
    start_at: datetime
    clinician: str
    clinician_ids: frozenset[int]
    room: str
    room_id: int | None
    stage: Stage
    following: Stage | None
    since_at: datetime
    late: timedelta | None
    late_answer: LateAnswer | None
    late_answered_by: str
    is_remote: bool
    interpreter_language: str

    @property
    def asks(self) -> bool:
        """Whether the question about a late patient is open."""
        return self.late is not None and self.late_answer is None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowColumn:
    """One stage, who waits longest first; those to be fitted in later after the others; who left last on top."""

    stage: Stage
    cards: tuple[FlowCard, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowBoard:
    """The flow of one local day. `missed` did not come; of `unsaid`, on earlier days, nobody said what became."""

    site: Site
    on: date
    columns: tuple[FlowColumn, ...]
    clinicians: tuple[tuple[int, str], ...]
    clinician_id: int | None
    rooms: tuple[RoomChoice, ...]
    missed: tuple[Appointment, ...]
    unsaid: tuple[Appointment, ...]
    seen_today: int
    median_wait: timedelta | None

    @property
    def count(self) -> int:
        """How many patients are on the board."""
        return sum(len(column.cards) for column in self.columns)

    @property
    def asking(self) -> int:
        """About how many late patients somebody has yet to decide."""
        return sum(card.asks for column in self.columns for card in column.cards)


def flow_board(actor: Actor, *, site_id: int, clinician_id: int | None = None, now: datetime) -> FlowBoard:
    """The flow of today at a site, of everybody or of one clinician. Refuses: Forbidden, NotFound (other site)."""
    if not actor.may(SEE_CALENDAR):
        raise Forbidden
    site = Site.objects.filter(pk=site_id).first()
    if site is None or not actor.may_at(SEE_CALENDAR, site_id=site_id):
        raise NotFound
    on = now.astimezone(site.zone).date()
    whole = day_span(on=on, zone=site.zone)
    rows = _today(site, whole)
    unsaid = _unsaid(actor, site, before=whole.start, now=now)
    visible = _visible(actor, {row.patient_id for row in rows} | {row.patient_id for row in unsaid}, now=now)
    everyone = [card for row in rows if (card := _card(row, is_visible=row.patient_id in visible, now=now))]
    chosen = [card for card in everyone if clinician_id is None or clinician_id in card.clinician_ids]
    ids = {card.appointment_id for card in chosen}
    waits = [wait for row in rows if row.pk in ids and (wait := wait_of(row.stamps)) is not None]
    return FlowBoard(
        site=site,
        on=on,
        columns=tuple(_column(stage, chosen) for stage in STAGES),
        clinicians=_clinicians(everyone, rows),
        clinician_id=clinician_id,
        rooms=rooms_at(site, rows=rows),
        missed=tuple(row for row in rows if row.state_now is State.NO_SHOW and row.patient_id in visible),
        unsaid=tuple(row for row in unsaid if row.patient_id in visible),
        seen_today=len(waits),
        median_wait=median_wait(waits),
    )


def rooms_at(site: Site, *, rows: Sequence[Appointment]) -> tuple[RoomChoice, ...]:
    """The rooms in use at a site; `rows` are the visits that may be in them."""
    taken = Counter(row.room_id for row in rows if stage_of(row.stamps) in {Stage.ROOMED, Stage.SEEN})
    rooms = Resource.objects.in_service().filter(kind=ResourceKind.ROOM)
    here = rooms.filter(site=site) | rooms.working_at(site.pk)
    return tuple(
        RoomChoice(resource_id=room.pk, name=room.name, taken=taken[room.pk] > 0)
        for room in here.distinct().order_by("name", "pk")
    )


def rooms_for(appointment: Appointment, *, now: datetime) -> tuple[RoomChoice, ...]:
    """The rooms that this patient can be taken to. The appointment was fetched for somebody."""
    whole = day_span(on=now.astimezone(appointment.zone).date(), zone=appointment.zone)
    others = [row for row in _today(appointment.site, whole) if row.pk != appointment.pk]
    return rooms_at(appointment.site, rows=others)


def own_room(appointment: Appointment) -> int | None:
    """The room that the visit is in, else the one that was booked for it."""
    if appointment.room_id is not None:
        return appointment.room_id
    booked = [each.resource for each in appointment.reservations.all() if each.resource.kind == ResourceKind.ROOM]
    return booked[0].pk if booked else None


def room_of(appointment: Appointment, *, chosen: int | None) -> Resource | None:
    """The room that was chosen (a resource id), else the visit's own. The appointment was fetched for somebody."""
    return Resource.objects.filter(pk=chosen or own_room(appointment) or 0).first()


def _today(site: Site, whole: Span) -> list[Appointment]:
    rows = Appointment.objects.filter(site=site).overlapping(whole).standing()
    return list(_with_all(rows).order_by("start_at", "pk"))


def _unsaid(actor: Actor, site: Site, *, before: datetime, now: datetime) -> list[Appointment]:
    """Visits of earlier days that nobody ended. Those that the night will count as having taken place are none."""
    rows = Appointment.objects.filter(
        site=site, state__in=_UNSAID, seen_at=None, end_at__lte=before, start_at__gt=before - LOOK_BACK
    )
    return list(
        _with_all(rows.filter(patient__in=Patient.objects.visible_to(actor, now=now))).order_by("-start_at", "pk")
    )


def _with_all(rows: AppointmentQuerySet) -> AppointmentQuerySet:
    return rows.select_related("patient", "visit_type", "room", "site").prefetch_related("reservations__resource")


def _visible(actor: Actor, patient_ids: set[int], *, now: datetime) -> set[int]:
    visible = set(Patient.objects.visible_to(actor, now=now).filter(pk__in=patient_ids).values_list("pk", flat=True))
    seen(visible)
    return visible


def _card(row: Appointment, *, is_visible: bool, now: datetime) -> FlowCard | None:
    stamps = row.stamps
    stage = stage_of(stamps)
    if stage is None:
        return None
    people = [each.resource for each in row.reservations.all() if each.resource.kind == ResourceKind.PERSON]
    return FlowCard(
        appointment_id=row.pk,
        version=row.version,
        is_visible=is_visible,
        patient_name=row.patient.display_name if is_visible else "",
        what=row.visit_type.name if is_visible else "",
        start_at=row.local_start,
        clinician=", ".join(person.name for person in people),
        clinician_ids=frozenset(person.pk for person in people),
        room=row.room.name if row.room else "",
        room_id=own_room(row),
        stage=stage,
        following=next_stage(stamps) if is_visible else None,
        since_at=since(stamps),
        late=late_by(stamps, threshold=row.visit_type.late_after, now=now),
        late_answer=LateAnswer(row.late_answer) if row.late_answer else None,
        late_answered_by=row.late_answered_by_name,
        is_remote=not stamps.has_room,
        interpreter_language=row.interpreter_language if is_visible else "",
    )


def _column(stage: Stage, cards: Sequence[FlowCard]) -> FlowColumn:
    inside = [card for card in cards if card.stage is stage]
    inside.sort(key=lambda card: card.since_at, reverse=stage is Stage.LEFT)
    inside.sort(key=lambda card: card.late_answer is LateAnswer.FIT_IN and card.late is not None)
    return FlowColumn(stage=stage, cards=tuple(inside))


def _clinicians(cards: Sequence[FlowCard], rows: Sequence[Appointment]) -> tuple[tuple[int, str], ...]:
    shown = {card.appointment_id for card in cards}
    names: dict[int, str] = defaultdict(str)
    for row in rows:
        for each in row.reservations.all():
            if row.pk in shown and each.resource.kind == ResourceKind.PERSON:
                names[each.resource_id] = each.resource.name
    return tuple(sorted(names.items(), key=lambda pair: (pair[1], pair[0])))
