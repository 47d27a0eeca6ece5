"""Mrs Lewis's kind of journey in the small clinic: Walter needs labs, then an echo, then a follow-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any

from liaison.core.actor import system_actor
from liaison.scheduling import actions
from liaison.scheduling.actions import JourneyOrder, JourneyVisit
from liaison.scheduling.models import Journey, Resource, VisitType
from liaison.scheduling.ports import Seat
from liaison.scheduling.queries.journeys import JourneyAnswer, JourneyWanted, Plan, plan_visits_together
from liaison.scheduling.rules.journeys import Gap
from liaison.scheduling.tests.clinic import NOW, Clinic

NEXT_DAY, WITHIN_TWO_WEEKS = Gap(least_days=1), Gap(most_days=14)
GAPS = (NEXT_DAY, WITHIN_TWO_WEEKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heart:
    """What the journey needs besides the clinic: labs on weekday mornings, an echo on Tuesdays and Thursdays."""

    clinic: Clinic
    labs: VisitType
    echo: VisitType
    nurse: Resource
    machine: Resource

    def wanted(self, *kinds: VisitType, gaps: Sequence[Gap] = GAPS, **changes: Any) -> JourneyWanted:
        asked = JourneyWanted(
            patient_id=self.clinic.walter.pk,
            visit_type_ids=tuple(kind.pk for kind in kinds or (self.labs, self.echo, self.clinic.follow_up)),
            gaps=tuple(gaps),
            site_ids=(self.clinic.site.pk,),
        )
        return replace(asked, **changes)

    def plans(self, *kinds: VisitType, now: datetime = NOW, **changes: Any) -> JourneyAnswer:
        return plan_visits_together(self.clinic.rosa, wanted=self.wanted(*kinds, **changes), now=now)

    def order(self, plan: Plan | None = None, *, gaps: Sequence[Gap] = GAPS, **changes: Any) -> JourneyOrder:
        chosen = plan or self.plans().plans[0]
        visits = tuple(
            JourneyVisit(
                visit_type_id=one.visit_type.pk,
                site_id=one.offer.site_id,
                start_at=one.offer.start_at,
                seats=tuple(Seat(role=seat.role, resource_id=seat.resource_id) for seat in one.offer.seats),
                gap=gap,
            )
            for one, gap in zip(chosen.visits, (Gap(), *gaps), strict=True)
        )
        return replace(JourneyOrder(key="a journey", visits=visits, name="Heart check"), **changes)

    def book(self, order: JourneyOrder | None = None, *, now: datetime = NOW, **changes: Any) -> Journey:
        chosen = replace(order or self.order(), **changes)
        return actions.book_journey(actor=self.clinic.rosa, patient=self.clinic.walter, order=chosen, now=now)


def heart_of(clinic: Clinic) -> Heart:
    """Give the clinic a nurse, an echo machine and their kinds of visit."""
    arranger = system_actor("tests")
    nurse = _resource(clinic, "person", "Nurse Kim", "phlebotomy", days=range(5), closes=time(11))
    machine = _resource(clinic, "device", "Echo 1", "echo", days=(1, 3), closes=time(17))

    def kind(code: str, name: str, ability: str, *, minutes: int, after: int = 0) -> VisitType:
        draft = actions.VisitTypeDraft(
            code=code, name=name, duration_minutes=minutes, after_minutes=after, most_lead_days=90,
            needs=(actions.NeedDraft(role=ability, ability=ability),),
        )  # fmt: skip
        return actions.define_visit_type(actor=arranger, draft=draft, now=NOW)

    return Heart(
        clinic=clinic,
        labs=kind("labs", "Labs", "phlebotomy", minutes=15),
        echo=kind("echo", "Echo", "echo", minutes=45, after=15),
        nurse=nurse,
        machine=machine,
    )


def _resource(clinic: Clinic, kind: str, name: str, ability: str, *, days: Sequence[int], closes: time) -> Resource:
    arranger = system_actor("tests")
    made = actions.add_resource(
        actor=arranger,
        draft=actions.ResourceDraft(kind=kind, name=name, site=clinic.site, abilities=(ability,)),
        now=NOW,
    )
    hours = [actions.HoursDraft(site=clinic.site, weekday=day, opens=time(8), closes=closes) for day in days]
    actions.set_hours(actor=arranger, resource=made, hours=hours, now=NOW)
    return made
