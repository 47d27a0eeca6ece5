"""Bookings one after the other, and eight processes that race for the same times."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from bench.crowd import SITES, add_patients, hire
from bench.harness import NOW, Result, Scenario, fresh_database

RACERS = 8
ATTEMPTS_EACH = 1_250
"""Of each racer, over and over the same times."""
PAIRS = 20
"""Clinicians, and as many rooms."""
ZONE = ZoneInfo("America/New_York")
MINUTES = 40
"""From one start to the next: 30 minutes of visit and 5 after it, on the grid."""


def run(sizes: Sequence[int], say: Callable[[str], None]) -> list[Result]:
    """Book `size` visits alone, then let the racers try for `size` others, all of them for each, again and again."""
    results: list[Result] = []
    for size in sizes:
        with fresh_database() as cluster:
            say(f"{size:,} bookings …")
            plan = _arrange(cluster.url, size=size)
            results.append(_alone(plan, size=size))
            say(f"{RACERS} processes race for {size:,} times …")
            results += _race(cluster.url, plan, size=size)
    return results


def _arrange(url: str, *, size: int) -> dict[str, Any]:
    """Clinicians and rooms that work long weekdays, a visit type, and patients."""
    from datetime import time as wall

    from liaison.accounts.models import Site
    from liaison.core.actor import system_actor
    from liaison.scheduling import actions

    staff = hire()
    add_patients(url, staff=staff, first=1, last=(RACERS + 1) * size * SITES + 1, with_loops=False)
    site = Site.objects.get(pk=staff.site_ids[0])
    liaison = system_actor("bench")
    ids: dict[str, list[int]] = {"person": [], "room": []}
    hours = [actions.HoursDraft(site=site, weekday=day, opens=wall(6), closes=wall(22)) for day in range(5)]
    for kind, ability in (("person", "physician"), ("room", "exam_room")):
        for n in range(PAIRS):
            draft = actions.ResourceDraft(
                kind=kind,
                name=f"{kind} {n}",
                site=site,
                abilities=(ability,),
                practitioner=_practitioner(kind, n, site),
            )
            resource = actions.add_resource(actor=liaison, draft=draft, now=NOW)
            actions.set_hours(actor=liaison, resource=resource, hours=hours, now=NOW)
            ids[kind].append(resource.pk)
    visit_type = actions.define_visit_type(
        actor=liaison,
        draft=actions.VisitTypeDraft(
            code="visit",
            name="Visit",
            duration_minutes=30,
            after_minutes=5,
            step_minutes=5,
            most_lead_days=365,
            needs=(
                actions.NeedDraft(role="clinician", ability="physician"),
                actions.NeedDraft(role="room", ability="exam_room"),
            ),
        ),
        now=NOW,
    )
    return {"site": site.pk, "visit_type": visit_type.pk, "rosa": staff.rosa_id, **ids}


def _practitioner(kind: str, n: int, site: Any) -> Any:
    from liaison.core.postgres.guard import writes_open
    from liaison.directory.models import Practitioner

    if kind != "person":
        return None
    with writes_open():
        return Practitioner.objects.create(name=f"Dr {n}", site=site)


def _times() -> Iterator[tuple[datetime, int]]:
    """Every start on every weekday from tomorrow on, for each pair of clinician and room."""
    for day in range(1, 360):
        start = (NOW.astimezone(ZONE) + timedelta(days=day)).replace(hour=6, minute=0)
        if start.weekday() < 5:
            for step in range(23):
                for pair in range(PAIRS):
                    yield start + timedelta(minutes=step * MINUTES), pair


class _Desk:
    """Books visits as Rosa."""

    def __init__(self, plan: dict[str, Any]) -> None:
        from liaison.accounts.models import User
        from liaison.accounts.queries import actor_of
        from liaison.scheduling.actions import book_appointment
        from liaison.scheduling.ports import BookingOrder, Seat

        self._rosa = actor_of(User.objects.get(pk=plan["rosa"]), now=NOW)
        self._plan, self._book, self._order, self._seat = plan, book_appointment, BookingOrder, Seat

    def book(self, *, number: int, start: datetime, pair: int, key: str) -> None:
        """One visit for patient `number` of the first site (numbers are multiples of SITES there)."""
        from liaison.patients.models import Patient

        seats = (
            self._seat(role="clinician", resource_id=self._plan["person"][pair]),
            self._seat(role="room", resource_id=self._plan["room"][pair]),
        )
        order = self._order(
            key=key, visit_type_id=self._plan["visit_type"], site_id=self._plan["site"], start_at=start, seats=seats
        )
        patient = Patient.objects.get(pk=number * SITES)
        self._book(actor=self._rosa, patient=patient, order=order, now=NOW)


def _alone(plan: dict[str, Any], *, size: int) -> Result:
    desk, times = _Desk(plan), _times()
    started = time.perf_counter()
    for number, (start, pair) in zip(range(1, size + 1), times, strict=False):
        desk.book(number=number, start=start, pair=pair, key=f"alone {number}")
    rate = size / (time.perf_counter() - started)
    return Result(metric="bookings, one process", value=round(rate, 1), unit="per second", size=size)


def _race(url: str, plan: dict[str, Any], *, size: int) -> list[Result]:
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(RACERS + 1)
    told: Any = context.Queue()
    racers = [context.Process(target=_racer, args=(plan, size, n, gate, told)) for n in range(RACERS)]
    for racer in racers:
        racer.start()
    gate.wait(timeout=120)
    started = time.perf_counter()
    outcomes = [told.get(timeout=1_800) for _ in racers]
    seconds = time.perf_counter() - started
    for racer in racers:
        racer.join()
    made = sum(booked for booked, _ in outcomes)
    refused = sum(no for _, no in outcomes)
    return [
        Result(metric=f"{RACERS} racing: bookings made", value=made, unit="bookings", size=size),
        Result(metric=f"{RACERS} racing: refused", value=refused, unit="attempts", size=size),
        Result(metric=f"{RACERS} racing: double bookings", value=_doubles(url), unit="bookings", size=size),
        Result(
            metric=f"{RACERS} racing: attempts",
            value=round((made + refused) / seconds, 1),
            unit="per second",
            size=size,
        ),
    ]


def _racer(plan: dict[str, Any], size: int, racer: int, gate: Any, told: Any) -> None:
    """Try for every time in the same order as the other racers, and again from the first, also for what it has."""
    from liaison.console.settings import load_settings

    load_settings()
    from liaison.core.refusals import Refusal

    desk = _Desk(plan)
    times = list(_times())[size : 2 * size]
    booked = refused = 0
    gate.wait(timeout=120)
    for index, (start, pair) in islice(enumerate(cycle(times)), max(size, ATTEMPTS_EACH)):
        number = (racer + 1) * size + index % size + 1
        try:
            desk.book(number=number, start=start, pair=pair, key=f"race {racer} {index}")
            booked += 1
        except Refusal:
            refused += 1
    told.put((booked, refused))


def _doubles(url: str) -> int:
    """Pairs of living reservations of one resource that overlap: the database must not hold any."""
    with psycopg.connect(url, options="-c search_path=liaison,public") as connection:
        row = connection.execute(
            """
            SELECT count(*) FROM scheduling_reservation a JOIN scheduling_reservation b
            ON a.resource_id = b.resource_id AND a.id < b.id AND a.during && b.during AND a.active AND b.active
            """
        ).fetchone()
    return int(row[0]) if row else 0


SCENARIO = Scenario(name="book", sizes=(100, 500), counts="times", run=run)
