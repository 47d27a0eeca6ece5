"""Patients for whom several visits that belong together were booked at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from liaison.core.actor import Actor
from liaison.demo.staff import Staffed
from liaison.patients.models import Patient
from liaison.scheduling import actions as scheduling
from liaison.scheduling.ports import Gap, Seat
from liaison.scheduling.queries import JourneyWanted, plan_visits_together

STORIES: Final = (
    ("New blood pressure tablets", ("office", "phone", "office"), (Gap(least_days=3), Gap(most_days=14))),
    ("Sleep: talk, then look again", ("office", "phone"), (Gap(least_days=1),)),
)


def come_several_times(actor: Actor, patients: Sequence[Patient], staffed: Staffed, *, now: datetime) -> None:
    """A journey for each story, where the calendar has a plan for it."""
    site = staffed.sites["RIV"]
    for patient, (name, kinds, gaps) in zip(patients, STORIES, strict=False):
        wanted = JourneyWanted(
            patient_id=patient.pk,
            visit_type_ids=tuple(staffed.visit_types[kind].pk for kind in kinds),
            gaps=gaps,
            site_ids=(site.pk,),
            not_before=now.astimezone(site.zone).date() + timedelta(days=4),
        )
        for plan in plan_visits_together(actor, wanted=wanted, now=now).plans[:1]:
            visits = tuple(
                scheduling.JourneyVisit(
                    visit_type_id=one.visit_type.pk,
                    site_id=one.offer.site_id,
                    start_at=one.offer.start_at,
                    seats=tuple(Seat(role=seat.role, resource_id=seat.resource_id) for seat in one.offer.seats),
                    gap=gap,
                )
                for one, gap in zip(plan.visits, (Gap(), *gaps), strict=True)
            )
            order = scheduling.JourneyOrder(key=f"demo-journey-{patient.pk}", visits=visits, name=name)
            scheduling.book_journey(actor=actor, patient=patient, order=order, now=now)
