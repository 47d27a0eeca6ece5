"""A clinician is sick: thirty visits of one day find other times among a thousand busy colleagues."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from bench.harness import NOW, Result, Scenario, fresh_database, percentiles
from bench.scenarios.slots import ZONE, _Clinic

VISITS, EACH_MINUTES = 30, 20
"""From 8:00 to 18:00, one after the other."""
PLANS = 20


def run(sizes: Sequence[int], say: Callable[[str], None]) -> list[Result]:
    """For each number of clinicians, with as many rooms, machines and bookings as the search for times has."""
    results: list[Result] = []
    for size in sizes:
        with fresh_database() as cluster:
            say(f"{size:,} clinicians …")
            clinic = _SickDay(cluster.url, size=size)
            say(f"{clinic.fill():,} bookings …")
            clinic.keep()
            say(f"{clinic.book():,} visits on the day on which one of them is sick …")
            results += clinic.replan()
    return results


class _SickDay(_Clinic):
    """The clinic of the search for times, in which one clinician sees thirty patients tomorrow in their own room."""

    def __init__(self, url: str, *, size: int) -> None:
        super().__init__(url, size=size)
        from liaison.scheduling.actions import NeedDraft, VisitTypeDraft, define_visit_type
        from liaison.scheduling.models import Resource

        self.sick = Resource.objects.able_to("specialty 1").order_by("pk")[0]
        self.own = {self.sick.pk, Resource.objects.able_to("room 1").order_by("pk")[0].pk}
        self.morning = (NOW + timedelta(days=1)).astimezone(ZONE).replace(hour=8, minute=0)
        needs = (NeedDraft(role="clinician", ability="specialty 1"), NeedDraft(role="room", ability="room 1"))
        draft = VisitTypeDraft(
            code="short", name="Short visit", duration_minutes=EACH_MINUTES, step_minutes=5, most_lead_days=60,
            needs=needs,
        )  # fmt: skip
        self.short = define_visit_type(actor=self.liaison, draft=draft, now=NOW)

    def _bookings(self) -> Iterator[tuple[int, datetime, datetime]]:
        for resource_id, start, end in super()._bookings():
            if resource_id not in self.own or start.date() != self.morning.date():
                yield resource_id, start, end

    def book(self) -> int:
        """Thirty patients come to the one who will be sick, one after the other: how many."""
        from liaison.patients.models import Patient
        from liaison.scheduling.actions import book_appointment
        from liaison.scheduling.ports import BookingOrder, Override, Seat
        from liaison.scheduling.queries import TimesWanted, earliest_times

        patients = list(Patient.objects.filter(sites__site=self.site).order_by("-pk")[:VISITS])
        booked = 0
        for number, patient in enumerate(patients):
            start = self.morning + number * timedelta(minutes=EACH_MINUTES)
            wanted = TimesWanted(
                visit_type_id=self.short.pk, site_id=self.site.pk, with_id=self.sick.pk, limit=1,
                not_before=start.date(), not_after=start.date(), from_at=start.time(),
            )  # fmt: skip
            for offer in earliest_times(self.rosa, wanted=wanted, now=NOW).offers:
                seats = tuple(Seat(role=seat.role, resource_id=seat.resource_id) for seat in offer.seats)
                order = BookingOrder(
                    key=f"sick {number}", visit_type_id=self.short.pk, site_id=self.site.pk, start_at=offer.start_at,
                    seats=seats,
                )  # fmt: skip
                why = Override(reason="The crowd has visits at any time")
                book_appointment(actor=self.rosa, patient=patient, order=order, override=why, now=NOW)
                booked += 1
        return booked

    def replan(self) -> list[Result]:
        """The figures: the first plan, which loads the solver, later ones, how good they are, and the press."""
        from liaison.scheduling.actions import ReplanMove, ReplanOrder, replan_day
        from liaison.scheduling.ports import Seat, Span
        from liaison.scheduling.queries import Closing, plan_day

        closing = Closing(
            site=self.site, resource=self.sick, during=Span(self.morning, self.morning + timedelta(hours=10))
        )
        taken, plan = [], plan_day(self.rosa, closing=closing, effort=0.0, now=NOW)
        for _ in range(PLANS):
            started = time.perf_counter()
            plan = plan_day(self.rosa, closing=closing, now=NOW)
            taken.append((time.perf_counter() - started) * 1000)
        moves = tuple(
            ReplanMove(
                appointment_id=line.visit.pk,
                version=line.visit.version,
                start_at=line.proposed.start_at if line.proposed else None,
                seats=tuple(
                    Seat(role=seat.role, resource_id=seat.resource_id)
                    for seat in (line.proposed.seats if line.proposed else ())
                ),
            )
            for line in plan.lines
        )
        order = ReplanOrder(
            key="sick", site_id=self.site.pk, resource_id=self.sick.pk, during=closing.during, reason="Sick",
            moves=moves,
        )  # fmt: skip
        started = time.perf_counter()
        replan_day(actor=self.rosa, order=order, now=NOW)
        pressed = round(time.perf_counter() - started, 2)
        return [
            *percentiles("a sick clinician's day, planned anew", taken, size=self.size),
            self._result("visits of that day", len(plan.lines), "visits"),
            self._result("of these without a time", plan.to_call, "visits"),
            self._result("at most from the best plan", plan.off_by, "%"),
            self._result("the whole plan applied", pressed, "seconds"),
        ]

    def _result(self, metric: str, value: Any, unit: str) -> Result:
        return Result(metric=metric, value=value, unit=unit, size=self.size)


SCENARIO = Scenario(name="replan", sizes=(100, 1_000), counts="clinicians", run=run)
