"""A day that can't take place as planned: the visits that lose their time, and a plan of other times for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import Forbidden, NotFound
from liaison.loops.models import Loop
from liaison.loops.queries import words_of
from liaison.orders.models import Referral
from liaison.patients.models import CareTeamMember, Patient
from liaison.scheduling.access import MOVE, REPLAN
from liaison.scheduling.models import (
    Appointment,
    AppointmentQuerySet,
    JourneyStep,
    Modality,
    Replan,
    Reservation,
    Resource,
    VisitType,
)
from liaison.scheduling.queries.answers import is_seen_to, says_no
from liaison.scheduling.queries.free import free_time
from liaison.scheduling.queries.journeys import JourneyPlace, places_in_journeys
from liaison.scheduling.queries.kept import free_bits
from liaison.scheduling.queries.looking import Question, TimesWanted, days_needed, question_of, wish_of
from liaison.scheduling.queries.series import Place, places_in_series
from liaison.scheduling.queries.times import SeatOffer
from liaison.scheduling.rules import FreeBits, Need, Span, State, bits_of, day_span, with_the_way
from liaison.scheduling.rules.bits import CELL
from liaison.scheduling.rules.journeys import PlacedVisit
from liaison.scheduling.rules.replan import (
    DayPlan,
    DisplacedVisit,
    NewTime,
    Press,
    TimeWhy,
    greedy_plan,
    in_order_of_need,
    still_open,
)
from liaison.scheduling.rules.replan_polish import EFFORT, polished_plan
from liaison.scheduling.rules.replan_times import Beside, ToReplan, with_times

MOST_VISITS: Final = 200
"""Visits that are planned anew at once; a longer absence is planned a part at a time."""
MOST_OFFERED: Final = 8
"""Times that one visit is offered besides the one that is proposed."""

_AHEAD: Final = timedelta(days=21)
_DAY: Final = timedelta(days=1)
_LEAST_TIMES, _MOST_TIMES, _TIMES_EACH = 60, 240, 4
_STATES: Final = (State.PENDING, State.BOOKED, State.ARRIVED, State.CHECKED_IN)
_PRESSES: Final = {"urgent": Press.URGENT, "clinical": Press.CLINICAL, "stat": Press.CLINICAL}

Picked = tuple[datetime, frozenset[tuple[str, int]]]
"""A time that a person chose: its start, and the role and the resource of each seat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """Who or what can't be there, and when: the whole site where no resource is named."""

    site: Site
    resource: Resource | None
    during: Span

    @property
    def of(self) -> Resource | Site:
        """What is closed."""
        return self.resource or self.site


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTimeOffer:
    """A time that a displaced visit could have, on the wall clock of its place, with names."""

    start_at: datetime
    end_at: datetime
    site_id: int
    seats: tuple[SeatOffer, ...]
    whys: tuple[TimeWhy, ...]

    @property
    def picked(self) -> Picked:
        """What a form says of it."""
        return self.start_at, frozenset((seat.role, seat.resource_id) for seat in self.seats)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplacedLine:
    """One visit that loses its time: what it rests on, the time that the plan gives it (None: call), and others.

    `is_due_by` is the instant by which it was promised; `was_chosen` says that a person chose this time, `is_gone`
    that the one which they chose can't be had any more. `says_no` says that the patient can't come then and nobody
    asked them yet what suits: the plan by itself gives them no time.
    """

    visit: Appointment
    serves: str
    is_due_by: datetime | None
    press: Press
    series: Place | None
    journey: JourneyPlace | None
    proposed: NewTimeOffer | None
    others: tuple[NewTimeOffer, ...]
    was_chosen: bool
    is_gone: bool
    says_no: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReplan:
    """A plan for the visits that `closing` displaces, those that can least wait first.

    `is_best` says that no plan is better, else at most `off_by` per cent of its cost could be saved. `unseen` are
    visits of patients whom this actor does not see, or at other sites; `held` times that are only kept.
    """

    lines: tuple[DisplacedLine, ...]
    is_best: bool
    off_by: int
    unseen: int
    held: int

    @property
    def to_call(self) -> int:
        """How many have no time in the plan."""
        return sum(line.proposed is None for line in self.lines)


def displaced_by(closing: Closing, *, now: datetime) -> AppointmentQuerySet:
    """The visits that are not over and need what is closed, buffers included, in order of time.

    Not those whose patient died or is with the clinician, nor times that are only kept.
    """
    rows = _touched(closing).filter(state__in=_STATES, seen_at=None, end_at__gt=now, patient__is_deceased=False)
    return rows.not_only_held().order_by("start_at", "pk")


def replan_of_key(key: str) -> Replan | None:
    """What a form planned anew already."""
    return Replan.objects.filter(idempotency_key=key).first()


def may_move_from(actor: Actor, rows: AppointmentQuerySet, *, now: datetime) -> AppointmentQuerySet:
    """Those of the visits that this actor may move: of patients whom they see, at sites where they book."""
    mine = rows.filter(patient__in=Patient.objects.visible_to(actor, MOVE, now=now))
    sites = actor.sites_for(MOVE)
    return mine if sites is None else mine.filter(site__in=sites)


def what_can_close(actor: Actor) -> tuple[Sequence[Site], Sequence[Resource]]:
    """The sites that this actor may plan anew, and who and what belongs there, by name. Refuses: Forbidden."""
    if not actor.may(REPLAN):
        raise Forbidden
    ids = actor.sites_for(REPLAN)
    sites, resources = Site.objects.order_by("name"), Resource.objects.in_service().select_related("site")
    if ids is not None:
        sites, resources = sites.filter(pk__in=ids), resources.filter(site__in=ids)
    return tuple(sites), tuple(resources.order_by("kind", "name", "pk"))


def get_replan(actor: Actor, *, replan_id: int) -> Replan:
    """A day that was planned anew, with its visits. Refuses: Forbidden, NotFound."""
    if not actor.may(REPLAN):
        raise Forbidden
    found = Replan.objects.select_related("site", "resource", "closure").filter(pk=replan_id).first()
    if found is None or not actor.may_at(REPLAN, site_id=found.site_id):
        raise NotFound
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplannedLine:
    """What became of one visit of a day that was planned anew; `loop` is the promise that came of it."""

    visit: Appointment
    moved_to: Appointment | None
    loop: Loop | None


def replanned_lines(actor: Actor, *, replan: Replan, now: datetime) -> tuple[Sequence[ReplannedLine], int]:
    """Its visits in order of time, and how many more there are whose patients this actor does not see."""
    rows = replan.displaced.select_related(
        "appointment__patient", "appointment__visit_type", "appointment__site",
        "moved_to__visit_type", "moved_to__site", "loop",
    )  # fmt: skip
    rows = rows.prefetch_related("appointment__reservations__resource", "moved_to__reservations__resource")
    mine = rows.filter(appointment__patient__in=Patient.objects.visible_to(actor, now=now))
    lines = [
        ReplannedLine(visit=row.appointment, moved_to=row.moved_to, loop=row.loop)
        for row in mine.order_by("appointment__start_at", "pk")
    ]
    for line in lines:
        seen(line.visit.patient_id)
    return lines, rows.count() - len(lines)


def plan_day(
    actor: Actor,
    *,
    closing: Closing,
    chosen: Mapping[int, Picked | None] | None = None,
    effort: float = EFFORT,
    now: datetime,
) -> DayReplan:
    """Other times for all that loses its own. `chosen` are times that a person picked, None for "call", by visit.

    Stateless and without a lock. Refuses: Forbidden, NotFound (no site of theirs).
    """
    if not actor.may(REPLAN):
        raise Forbidden
    if not actor.may_at(REPLAN, site_id=closing.site.pk):
        raise NotFound
    every = displaced_by(closing, now=now)
    rows = list(
        may_move_from(actor, every, now=now)
        .select_related("patient", "visit_type", "site", "loop", "referral")
        .prefetch_related("reservations__resource")[:MOST_VISITS]
    )
    looked = _Looked(actor, rows, closing, now=now)
    pinned = [_pinned(one, chosen or {}) for one in looked.visits()]
    visits = [replace(one, times=()) if one.key in looked.saying_no and not one.is_pinned else one for one in pinned]
    plan = polished_plan(visits, first=greedy_plan(visits), effort=effort)
    for row in rows:
        seen(row.patient_id)
    return DayReplan(
        lines=tuple(looked.lines(visits, plan, chosen or {})),
        is_best=plan.is_best,
        off_by=plan.off_by,
        unseen=every.count() - len(rows),
        held=_touched(closing).filter(hold__end="", end_at__gt=now).count(),
    )


def _touched(closing: Closing) -> AppointmentQuerySet:
    during = (closing.during.start, closing.during.end)
    taken = Reservation.objects.filter(active=True, during__overlap=during)
    if closing.resource is not None:
        taken = taken.filter(resource=closing.resource)
    else:
        taken = taken.filter(appointment__site=closing.site)
    return Appointment.objects.filter(pk__in=taken.values("appointment"))


def _pinned(visit: DisplacedVisit, chosen: Mapping[int, Picked | None]) -> DisplacedVisit:
    """The visit with the time that a person chose for it, if it can still be had; with none where somebody calls."""
    if visit.key not in chosen:
        return visit
    pick = chosen[visit.key]
    if pick is None:
        return replace(visit, times=())
    same = tuple(one for one in visit.times if (one.start, frozenset(one.assigned)) == pick)
    return replace(visit, times=same, is_pinned=True) if same else visit


class _Looked:
    """What a plan depends on, read once for all visits."""

    def __init__(self, actor: Actor, rows: Sequence[Appointment], closing: Closing, *, now: datetime) -> None:
        self.actor, self.rows, self.closing, self.now = actor, rows, closing, now
        self.leaving = {row.pk for row in rows}
        self.patients = {row.patient_id for row in rows}
        self.questions = self._asked()
        self.free = {site.pk: self._free(site) for site in {question.site for question in self.questions.values()}}
        self.known = self._known()
        self.could_serve = self._could_serve()
        self.elsewhere = self._elsewhere()
        self.beside = self._beside()
        answers = says_no(self.leaving)
        self.saying_no = frozenset(pk for pk, answer in answers.items() if is_seen_to(answer.promise_key))
        self.all_times: dict[int, DisplacedVisit] = {}

    def visits(self) -> list[DisplacedVisit]:
        """Each visit with the times that it could have."""
        most = min(max(_LEAST_TIMES, _TIMES_EACH * len(self.rows)), _MOST_TIMES)
        found = [self._visit(row, most=most) for row in self.rows]
        self.all_times = {one.key: one for one in found}
        return found

    def lines(
        self, visits: Sequence[DisplacedVisit], plan: DayPlan, chosen: Mapping[int, Picked | None]
    ) -> Iterator[DisplacedLine]:
        """The plan with names, who can least wait first."""
        rows = {row.pk: row for row in self.rows}
        series, journeys = places_in_series(sorted(rows)), places_in_journeys(sorted(rows))
        loops = {row.loop.pk: row.loop for row in self.rows if row.loop is not None}
        words = words_of(self.actor, loops=loops.values(), now=self.now)
        whole = list(self.all_times.values())
        free = still_open(whole, plan, most=MOST_OFFERED + 1)
        for visit in in_order_of_need(whole):
            row, pick = rows[visit.key], plan.picks[visit.key]
            others = [one for one in free[visit.key] if one != pick]
            is_pinned = any(one.is_pinned for one in visits if one.key == visit.key)
            yield DisplacedLine(
                visit=row,
                serves=words[row.loop_id].title if row.loop_id is not None else "",
                is_due_by=visit.deadline,
                press=visit.press,
                series=series.get(row.pk),
                journey=journeys.get(row.pk),
                proposed=self._named(pick, row) if pick else None,
                others=tuple(self._named(one, row) for one in others[:MOST_OFFERED]),
                was_chosen=row.pk in chosen and (is_pinned or chosen[row.pk] is None),
                is_gone=chosen.get(row.pk) is not None and not is_pinned,
                says_no=row.pk in self.saying_no,
            )

    def _asked(self) -> dict[tuple[str, int], Question]:
        """One question for each kind of visit and place, of nobody in particular: today's version of the kind."""
        wanted = {(row.visit_type.code, row.site_id) for row in self.rows}
        kinds = VisitType.objects.filter(is_current=True, code__in={code for code, _ in wanted})
        current = {kind.code: kind.pk for kind in kinds}
        return {
            (code, site_id): question_of(
                self.actor, wanted=TimesWanted(visit_type_id=current[code], site_id=site_id), now=self.now
            )
            for code, site_id in sorted(wanted)
            if code in current
        }

    def _window(self, question: Question, *, was: datetime) -> Span | None:
        last = min(question.last, max(was, self.now) + _AHEAD)
        return Span(question.first, last) if question.first < last else None

    def _free(self, site: Site) -> FreeBits:
        """Free time at one site, as if the displaced visits were gone and what is closed were closed already."""
        there = [question for question in self.questions.values() if question.site == site]
        ids = {pk for question in there for need in question.needs for pk in need.pool}
        last = max(row.start_at for row in self.rows)
        reach = days_needed(wish_of(there[0], window=Span(self.now, max(last, self.now) + _AHEAD)))
        within = Span(reach.start, reach.end + 2 * _DAY)
        held = self._held() & ids
        bits = dict(free_bits(sorted(ids - held), site=site, within=within).bits)
        spans = free_time(sorted(held), site=site, within=within, leaving=self.leaving)
        bits |= {pk: bits_of(free, within=within) for pk, free in spans.items()}
        closed = self._closed_cells(within)
        for pk in bits:
            if self.closing.resource is None or self.closing.resource.pk == pk:
                bits[pk] &= ~closed
        return FreeBits(within=within, bits=bits, says_all=False)

    def _closed_cells(self, within: Span) -> int:
        """The five minutes that the closure touches."""
        during = self.closing.during
        first = max((during.start - within.start) // CELL, 0)
        last = max(-((within.start - during.end) // CELL), first)
        return (1 << last) - (1 << first)

    def _held(self) -> set[int]:
        rows = self.rows
        return {taken.resource_id for row in rows for taken in row.reservations.all()}

    def _known(self) -> Mapping[int, frozenset[int]]:
        """Who knows each patient: their care team, and who saw them before."""
        able = {pk: one for question in self.questions.values() for pk, one in question.able.items() if one.is_person}
        resource_of = {one.practitioner_id: pk for pk, one in able.items() if one.practitioner_id is not None}
        found: dict[int, set[int]] = defaultdict(set)
        team = CareTeamMember.objects.current(now=self.now).filter(
            patient_id__in=self.patients, practitioner_id__in=resource_of
        )
        for patient_id, practitioner_id in team.values_list("patient_id", "practitioner_id"):
            found[patient_id].add(resource_of[practitioner_id])
        met = Reservation.objects.filter(
            appointment__patient_id__in=self.patients, appointment__state=State.FULFILLED, resource_id__in=able
        )
        for patient_id, resource_id in met.values_list("appointment__patient_id", "resource_id").distinct():
            found[patient_id].add(resource_id)
        return {patient_id: frozenset(pks) for patient_id, pks in found.items()}

    def _could_serve(self) -> Mapping[int, Resource]:
        """Everybody with a place in the directory whom a visit of these kinds could be with, or was."""
        able = {pk for question in self.questions.values() for pk in question.able}
        rows = Resource.objects.filter(pk__in=able | self._held(), practitioner__isnull=False)
        return {one.pk: one for one in rows.select_related("practitioner")}

    def _elsewhere(self) -> Mapping[int, Sequence[Appointment]]:
        """What else each patient has ahead, without what loses its time."""
        rows = Appointment.objects.filter(patient_id__in=self.patients, end_at__gt=self.now - _DAY).holding_time()
        found: dict[int, list[Appointment]] = defaultdict(list)
        for row in rows.exclude(pk__in=self.leaving).select_related("visit_type"):
            found[row.patient_id].append(row)
        return found

    def _beside(self) -> Mapping[int, tuple[Beside, ...]]:
        """The visits of its journey before and after each, where they stand."""
        mine = {step.appointment_id: step for step in JourneyStep.objects.filter(appointment__in=self.leaving)}
        steps = JourneyStep.objects.filter(journey__in=[step.journey_id for step in mine.values()])
        stand = steps.filter(appointment__cancelled_at=None, appointment__missed_at=None)
        at = {(step.journey_id, step.position): step for step in stand.select_related("appointment")}
        found: dict[int, tuple[Beside, ...]] = {}
        for pk, step in mine.items():
            before, after = (at.get((step.journey_id, step.position + by)) for by in (-1, 1))
            earlier = [_beside(before.appointment, step, is_earlier=True)] if before else []
            later = [_beside(after.appointment, after, is_earlier=False)] if after else []
            found[pk] = (*earlier, *later)
        return found

    def _visit(self, row: Appointment, *, most: int) -> DisplacedVisit:
        """One visit with its times; one of a kind that is not offered any more, or with no day left, has none."""
        question = self.questions.get((row.visit_type.code, row.site_id))
        window = self._window(question, was=row.start_at) if question is not None else None
        press, deadline = _press(row), _deadline(row)
        if question is None or window is None:
            return DisplacedVisit(
                key=row.pk, patient_id=row.patient_id, was=row.start_at, press=press, deadline=deadline
            )
        had = frozenset(taken.resource_id for taken in row.reservations.all())
        lasting = row.end_at - row.start_at
        asked = ToReplan(
            key=row.pk,
            patient_id=row.patient_id,
            was=row.start_at,
            press=press,
            deadline=deadline,
            wish=replace(wish_of(question, window=window), duration=lasting, avoid=tuple(self._away(row))),
            needs=self._needs(row, question),
            free=self.free[row.site_id],
            had=had,
            known=had | self.known.get(row.patient_id, frozenset()),
            beside=self.beside.get(row.pk, ()),
        )
        return with_times(asked, now=self.now, most=most)

    def _needs(self, row: Appointment, question: Question) -> tuple[Need, ...]:
        """What it needs, of a referral's visit only from whom that asks; none where that can't be had.

        A seat that nobody whom the referral asks could take is anybody's, unless one of them had it.
        """
        if row.referral is None:
            needs = question.needs
        else:
            asked = frozenset(pk for pk, one in self.could_serve.items() if _is_asked(row.referral, one))
            had = {taken.role for taken in row.reservations.all() if taken.resource_id in asked}
            needs = tuple(_of_those(need, asked, is_bound=need.role in had) for need in question.needs)
        return () if any(len(need.pool) < need.quantity for need in needs) else needs

    def _away(self, row: Appointment) -> Iterator[Span]:
        """When the patient can't come: other visits, with the way; and the days of another visit of the same kind."""
        for other in self.elsewhere.get(row.patient_id, ()):
            travels = other.site_id != row.site_id and Modality.IN_PERSON == other.modality == row.modality
            span = Span(other.start_at, other.end_at)
            yield with_the_way(span) if travels else span
            if other.visit_type.code == row.visit_type.code:
                yield day_span(on=other.start_at.astimezone(row.site.zone).date(), zone=row.site.zone)

    def _named(self, time: NewTime, row: Appointment) -> NewTimeOffer:
        question = self.questions[row.visit_type.code, row.site_id]
        able, zone = question.able, question.site.zone
        return NewTimeOffer(
            start_at=time.start.astimezone(zone),
            end_at=time.end.astimezone(zone),
            site_id=row.site_id,
            seats=tuple(
                SeatOffer(role=role, resource_id=pk, name=able[pk].name, is_person=able[pk].is_person)
                for role, pk in time.assigned
            ),
            whys=time.whys,
        )


def _is_asked(referral: Referral, one: Resource) -> bool:
    """Whether the referral asks this person: by name, or, where it asks a place, by their specialty."""
    if referral.target_practitioner_id is not None:
        return one.practitioner_id == referral.target_practitioner_id
    return one.practitioner is not None and one.practitioner.specialty_id == referral.specialty_id


def _of_those(need: Need, asked: frozenset[int], *, is_bound: bool) -> Need:
    pool = tuple(pk for pk in need.pool if pk in asked)
    return replace(need, pool=pool) if pool or is_bound else need


def _beside(other: Appointment, step: JourneyStep, *, is_earlier: bool) -> Beside:
    placed = PlacedVisit(span=Span(other.start_at, other.end_at), zone=other.zone)
    return Beside(other=placed, gap=step.gap, is_earlier=is_earlier)


def _press(row: Appointment) -> Press:
    """How hard it presses: by the promise that it serves, or the referral."""
    of_loop = _PRESSES.get(row.loop.priority, Press.ROUTINE) if row.loop is not None else Press.ROUTINE
    of_referral = _PRESSES.get(row.referral.urgency, Press.ROUTINE) if row.referral is not None else Press.ROUTINE
    return max(of_loop, of_referral)


def _deadline(row: Appointment) -> datetime | None:
    """By when the visit was promised: when its promise falls due, if that is not before the visit anyway."""
    loop = row.loop
    if loop is None or loop.state != "open" or loop.due_at < row.start_at:
        return None
    return loop.due_at
