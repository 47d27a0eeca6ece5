"""Several visits of one patient that belong together: plans for them, and what was booked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import NotFound
from liaison.patients.models import Patient
from liaison.scheduling.models import Appointment, Journey, JourneyStep, Modality, VisitType
from liaison.scheduling.queries.kept import free_bits
from liaison.scheduling.queries.looking import HORIZON, Question, TimesWanted, days_needed, question_of, wish_of
from liaison.scheduling.queries.times import SeatOffer, TimeOffer
from liaison.scheduling.rules import FreeBits, Span, day_span, with_the_way
from liaison.scheduling.rules.journey_search import plan_journey, why_no_plan
from liaison.scheduling.rules.journeys import (
    Gap,
    Hindered,
    Hindrance,
    JourneyPlan,
    JourneyWish,
    PlannedStep,
    PlanWhy,
    Step,
    StepPlace,
)

_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_AT_FIRST: Final = timedelta(days=28)
"""How far is looked first, besides the days that the gaps ask for: most plans lie there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyWanted:
    """What is asked for: kinds of visit (ids) in order, the gaps between them (one fewer), and what suits all.

    `site_ids` are the places that will do, the preferred first. The rest is as in `TimesWanted`.
    """

    patient_id: int
    visit_type_ids: tuple[int, ...]
    gaps: tuple[Gap, ...]
    site_ids: tuple[int, ...]
    any_order: bool = False
    not_before: date | None = None
    not_after: date | None = None
    weekdays: frozenset[int] = frozenset()
    from_at: time | None = None
    to_at: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitOfPlan:
    """One visit of a plan, on the wall clock of its place; `knows` says that somebody there knows the patient."""

    visit_type: VisitType
    offer: TimeOffer
    knows: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Visits in the order of their time, on how many days, and what speaks for them."""

    visits: tuple[VisitOfPlan, ...]
    trips: int
    whys: tuple[PlanWhy, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPlan:
    """Why there is none. `at` is the visit (by its place in what was asked) or the gap that leaves none; `missing`
    are the roles that nobody has for that visit anywhere; `relaxed` is what the gap `relaxed_at` would be, `then` the
    plan that there is then."""

    kind: Hindered
    at: int
    missing: tuple[str, ...] = ()
    relaxed_at: int | None = None
    relaxed: Gap | None = None
    then: Plan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyAnswer:
    """Plans, the best first, or why there are none up to `searched_until`."""

    plans: tuple[Plan, ...]
    none: NoPlan | None
    searched_until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyPlace:
    """Where a visit stands in its journey: the `number`th of `total`."""

    journey_id: int
    name: str
    number: int
    total: int


def plan_visits_together(actor: Actor, *, wanted: JourneyWanted, now: datetime) -> JourneyAnswer:
    """Plans for several visits. Stateless and without a lock: any process answers the same.

    Refuses: Forbidden, NotFound (no site whose calendar the actor sees).
    """
    looked = _Looked(actor, wanted, now=now)
    furthest = looked.first + _AT_FIRST + sum((gap.least_days for gap in wanted.gaps), 0) * _DAY
    plans: tuple[JourneyPlan, ...] = ()
    wish = looked.wish(until=furthest)
    if wish is not None:
        plans = plan_journey(wish)
        if not plans and furthest < looked.last:
            furthest = looked.last
            wish = looked.wish(until=furthest) or wish
            plans = plan_journey(wish)
    return JourneyAnswer(
        plans=tuple(looked.named(plan) for plan in plans),
        none=None if plans else looked.none(None if wish is None else why_no_plan(wish)),
        searched_until=(min(furthest, looked.last) - _MINUTE).astimezone(looked.zone).date(),
    )


class _Looked:
    """What a journey depends on, read once."""

    def __init__(self, actor: Actor, wanted: JourneyWanted, *, now: datetime) -> None:
        self.wanted = wanted
        of_kind = {kind: self._asked(actor, kind, now=now) for kind in dict.fromkeys(wanted.visit_type_ids)}
        self.questions = [of_kind[kind] for kind in wanted.visit_type_ids]
        every = [question for places in self.questions for question in places]
        if any(not places for places in self.questions):
            raise NotFound
        self.zone = every[0].site.zone
        self.first = min(question.first for question in every)
        self.last = min(max(question.last for question in every), self.first + HORIZON)
        self.theirs = tuple(
            Appointment.objects.filter(patient_id=wanted.patient_id, end_at__gt=now - _DAY)
            .holding_time()
            .values_list("start_at", "end_at", "site_id", "modality", "visit_type__code")
        )

    def _asked(self, actor: Actor, visit_type_id: int, *, now: datetime) -> list[Question]:
        """One question for each place, those passed over at which the actor sees no calendar."""
        wanted, found = self.wanted, []
        for site_id in wanted.site_ids:
            times = TimesWanted(
                visit_type_id=visit_type_id,
                site_id=site_id,
                patient_id=wanted.patient_id,
                not_before=wanted.not_before,
                not_after=wanted.not_after,
                weekdays=wanted.weekdays,
                from_at=wanted.from_at,
                to_at=wanted.to_at,
            )
            try:
                found.append(question_of(actor, wanted=times, now=now))
            except NotFound:
                if len(wanted.site_ids) == 1:
                    raise
        return found

    def wish(self, *, until: datetime) -> JourneyWish | None:
        """What the rules look for, up to an instant; None where no day lies before it."""
        asked = [
            [question for question in places if not question.missing and question.first < min(question.last, until)]
            for places in self.questions
        ]
        spans = [
            days_needed(wish_of(question, window=Span(question.first, min(question.last, until))))
            for places in asked
            for question in places
        ]
        if not spans:
            return None
        within = Span(min(span.start for span in spans), max(span.end for span in spans))
        free = {site.pk: self._free(asked, site_id=site.pk, within=within) for site in self._sites(asked)}
        steps = tuple(
            Step(kind=places[0].visit_type.code, places=tuple(self._place(one, free, until) for one in able))
            for places, able in zip(self.questions, asked, strict=True)
        )
        return JourneyWish(steps=steps, gaps=self.wanted.gaps, any_order=self.wanted.any_order)

    @staticmethod
    def _sites(asked: Sequence[Sequence[Question]]) -> set[Site]:
        return {question.site for places in asked for question in places}

    @staticmethod
    def _free(asked: Sequence[Sequence[Question]], *, site_id: int, within: Span) -> FreeBits:
        """The free time at one site of everybody and everything that any of the visits could take there."""
        there = [question for places in asked for question in places if question.site.pk == site_id]
        ids = {pk for question in there for need in question.needs for pk in need.pool}
        return free_bits(tuple(sorted(ids)), site=there[0].site, within=within)

    def _place(self, question: Question, free: Mapping[int, FreeBits], until: datetime) -> StepPlace:
        wish = wish_of(question, window=Span(question.first, min(question.last, until)))
        return StepPlace(
            site_id=question.site.pk,
            wish=replace(wish, avoid=tuple(self._away(question))),
            needs=question.needs,
            free=free[question.site.pk],
            known=question.known,
            people=frozenset(pk for pk, one in question.able.items() if one.practitioner_id is not None),
            in_person=question.visit_type.modality == Modality.IN_PERSON,
        )

    def _away(self, question: Question) -> Iterator[Span]:
        """When the patient can't come: other visits, with the way; and the days of a visit of the same kind."""
        kind, site = question.visit_type, question.site
        for start, end, site_id, modality, code in self.theirs:
            travels = site_id != site.pk and Modality.IN_PERSON == modality == kind.modality
            span = Span(start, end)
            yield with_the_way(span) if travels else span
            if code == kind.code:
                yield day_span(on=start.astimezone(site.zone).date(), zone=site.zone)

    def named(self, plan: JourneyPlan) -> Plan:
        """The plan with names."""
        return Plan(visits=tuple(self._visit(one) for one in plan.visits), trips=plan.trips, whys=plan.whys)

    def _visit(self, visit: PlannedStep) -> VisitOfPlan:
        question = next(one for one in self.questions[visit.step] if one.site.pk == visit.site_id)
        zone, able = question.site.zone, question.able
        offer = TimeOffer(
            start_at=visit.start.astimezone(zone),
            end_at=visit.end.astimezone(zone),
            site_id=question.site.pk,
            site_name=question.site.name,
            seats=tuple(
                SeatOffer(role=role, resource_id=pk, name=able[pk].name, is_person=able[pk].is_person)
                for role, pk in visit.assigned
            ),
            reasons=(),
            also_free=(),
        )
        return VisitOfPlan(visit_type=question.visit_type, offer=offer, knows=visit.knows)

    def none(self, why: Hindrance | None) -> NoPlan:
        """Why there is no plan, with names; without any day to look at the first visit has none."""
        if why is None:
            why = Hindrance(kind=Hindered.STEP, at=self._first_missing())
        missing = self.questions[why.at] if why.kind is Hindered.STEP else ()
        return NoPlan(
            kind=why.kind,
            at=why.at,
            missing=missing[0].missing if missing and all(one.missing for one in missing) else (),
            relaxed_at=why.relaxed_at,
            relaxed=why.relaxed,
            then=self.named(why.then) if why.then else None,
        )

    def _first_missing(self) -> int:
        lacking = [at for at, places in enumerate(self.questions) if all(one.missing for one in places)]
        return next(iter(lacking), 0)


def get_journey(actor: Actor, *, journey_id: int, now: datetime) -> Journey:
    """One journey with what its page shows. Refuses: NotFound."""
    rows = Journey.objects.filter(pk=journey_id, patient__in=Patient.objects.visible_to(actor, now=now))
    found = rows.select_related("patient", "loop").first()
    if found is None:
        raise NotFound
    seen(found.patient_id)
    return found


def journey_steps(journey: Journey) -> Sequence[JourneyStep]:
    """Its visits in their order. The journey was fetched for somebody."""
    rows = journey.steps.select_related("appointment__visit_type", "appointment__site")
    return tuple(rows.prefetch_related("appointment__reservations__resource").order_by("position"))


def place_in_journey(appointment: Appointment) -> JourneyPlace | None:
    """Which visit of which journey this is; None when of none. The appointment was fetched for somebody."""
    return places_in_journeys([appointment.pk]).get(appointment.pk)


def others_of_journey(appointment: Appointment, *, now: datetime) -> Sequence[Appointment]:
    """The other visits of its journey that are booked and ahead, in order. The appointment was fetched for somebody."""
    mine = JourneyStep.objects.filter(appointment=appointment).values("journey")
    rows = Appointment.objects.filter(journey_step__journey__in=mine, start_at__gt=now).holding_time()
    return tuple(rows.exclude(pk=appointment.pk).select_related("visit_type", "site").order_by("start_at"))


def places_in_journeys(appointment_ids: Sequence[int]) -> Mapping[int, JourneyPlace]:
    """The same for several appointments, by their ids; those of no journey are left out."""
    mine = JourneyStep.objects.filter(appointment__in=appointment_ids).select_related("journey")
    steps = {step.appointment_id: step for step in mine}
    totals: dict[int, int] = {}
    for journey_id in JourneyStep.objects.filter(journey__in=[one.journey_id for one in steps.values()]).values_list(
        "journey_id", flat=True
    ):
        totals[journey_id] = totals.get(journey_id, 0) + 1
    return {
        appointment_id: JourneyPlace(
            journey_id=step.journey_id, name=step.journey.name, number=step.position, total=totals[step.journey_id]
        )
        for appointment_id, step in steps.items()
    }
