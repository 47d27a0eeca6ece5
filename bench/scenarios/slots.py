"""Searching for times: clinicians, rooms and machines over ninety days that are mostly given away."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from bench.browser import Browser, web_server
from bench.crowd import SITES, add_patients, hire
from bench.harness import NOW, Result, Scenario, fresh_database, measure, percentiles
from bench.rows import copy_rows

DAYS = 90
ZONE = ZoneInfo("America/New_York")
SPECIALTIES, ROOM_KINDS, MACHINE_KINDS = 20, 5, 5
"""At 1,000 clinicians: 50 of each specialty, 60 rooms of each kind and 20 machines of each."""
STARTS_A_DAY, MINUTES = 15, 40
"""From 8:00 to 18:00, one booking after the other."""
PATIENTS_EACH = 20
STEPS, STEPS_DAYS = 5, 14
"""Visits of a journey, and the days in which they must lie."""
SEARCHES = 200


def run(sizes: Sequence[int], say: Callable[[str], None]) -> list[Result]:
    """For each number of clinicians, three rooms for ten of them, one machine, 750 bookings for each."""
    results: list[Result] = []
    for size in sizes:
        with fresh_database() as cluster:
            say(f"{size:,} clinicians …")
            clinic = _Clinic(cluster.url, size=size)
            say(f"{clinic.fill():,} bookings …")
            results += clinic.keep()
            say("searching …")
            results += clinic.search()
    return results


class _Clinic:
    """One big site, and Rosa who searches there."""

    def __init__(self, url: str, *, size: int) -> None:
        from liaison.accounts.models import Site, User
        from liaison.accounts.queries import actor_of
        from liaison.core.actor import system_actor
        from liaison.core.postgres.guard import writes_open

        self.url, self.size = url, size
        self.draw = random.Random(size)
        staff = hire()
        add_patients(url, staff=staff, first=1, last=self.size * PATIENTS_EACH + 1, with_loops=False)
        self.liaison = system_actor("bench")
        self.site = Site.objects.get(pk=staff.site_ids[0])
        self.rosa_user = User.objects.get(pk=staff.rosa_id)
        self.rosa = actor_of(self.rosa_user, now=NOW)
        with writes_open():
            self.resource_ids = self._furnish()
        self.visit_types = self._visit_types()

    def _furnish(self) -> list[int]:
        from datetime import time as wall

        from liaison.scheduling.models import Resource, WorkingHours

        kinds = [("person", "specialty", SPECIALTIES, self.size), ("room", "room", ROOM_KINDS, self.size * 3 // 10)]
        kinds.append(("device", "machine", MACHINE_KINDS, self.size // 10))
        made = Resource.objects.bulk_create(
            Resource(kind=kind, name=f"{ability} {n}", site=self.site, abilities=[f"{ability} {n % sorts}"])
            for kind, ability, sorts, count in kinds
            for n in range(count)
        )
        WorkingHours.objects.bulk_create(
            (
                WorkingHours(resource=one, site=self.site, weekday=day, opens=wall(8), closes=wall(18))
                for one in made
                for day in range(5)
            ),
            batch_size=5000,
        )
        return [one.pk for one in made]

    def _visit_types(self) -> dict[str, Any]:
        from liaison.scheduling.actions import NeedDraft, VisitTypeDraft, define_visit_type

        def define(code: str, minutes: int, *needs: tuple[str, str]) -> Any:
            drafts = tuple(NeedDraft(role=role, ability=ability) for role, ability in needs)
            draft = VisitTypeDraft(
                code=code, name=code, duration_minutes=minutes, step_minutes=5, most_lead_days=DAYS, needs=drafts
            )
            return define_visit_type(actor=self.liaison, draft=draft, now=NOW)

        three = (("clinician", "specialty 1"), ("room", "room 1"), ("machine", "machine 1"))
        return {
            "three": define("three", 40, *three),
            "any": define("any", 120, ("clinician", "specialty 2")),
            "never": define("never", 590, *three),
            **{
                f"step {n}": define(f"step {n}", MINUTES, ("clinician", f"specialty {n}"), ("room", f"room {n}"))
                for n in range(STEPS)
            },
        }

    def fill(self) -> int:
        """Give most of the near days away and fewer of the far ones, by COPY: how many bookings."""
        from liaison.scheduling.models import Appointment, Reservation

        bookings = list(self._bookings())
        with psycopg.connect(self.url, options="-c search_path=liaison,public") as connection:
            appointments = (self._appointment(number, start, end) for number, (_, start, end) in enumerate(bookings, 1))
            copy_rows(connection, Appointment, columns=APPOINTMENT_COLUMNS, rows=appointments)
            taken = (
                (number, resource_id, "any", f"[{start.isoformat()},{end.isoformat()})")
                for number, (resource_id, start, end) in enumerate(bookings, 1)
            )
            copy_rows(connection, Reservation, columns=RESERVATION_COLUMNS, rows=taken)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        return len(bookings)

    def _bookings(self) -> Iterator[tuple[int, datetime, datetime]]:
        first = NOW.astimezone(ZONE).replace(hour=8, minute=0)
        length = timedelta(minutes=MINUTES)
        for ahead in range(DAYS):
            morning = (first + timedelta(days=ahead)).astimezone(ZONE)
            if morning.weekday() >= 5:
                continue
            share = max(0.95 - ahead * 0.0085, 0.2)
            opens = morning.astimezone(UTC)
            for resource_id in self.resource_ids:
                for slot in range(STARTS_A_DAY):
                    if self.draw.random() < share:
                        start = opens + slot * length
                        yield resource_id, start, start + length

    def _appointment(self, number: int, start: datetime, end: datetime) -> tuple[Any, ...]:
        patient_id = 1 + number % (self.size * PATIENTS_EACH)
        visit_type_id = self.visit_types["three"].pk
        who = f"bench {number}"
        return (
            patient_id, visit_type_id, self.site.pk, start, end, "America/New_York", "in_person", "booked",
            who, who, NOW, "Rosa",
        )  # fmt: skip

    def keep(self) -> list[Result]:
        """Work all free time out, as the first night does."""
        from liaison.scheduling.actions import keep_free_time

        started = time.perf_counter()
        days = keep_free_time(self.liaison, now=NOW)
        seconds = round(time.perf_counter() - started, 1)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        return [
            Result(metric="days of free time worked out", value=days, unit="days", size=self.size),
            Result(metric="working them out", value=seconds, unit="seconds", size=self.size),
        ]

    def search(self) -> list[Result]:
        """The figures: inside the engine, as a page asks, and the page itself."""
        results: list[Result] = []
        engine = {
            "clinician, room and machine, 14 days, engine": ("three", 14, True),
            "any of a specialty, 60 days, engine": ("any", 60, False),
        }
        for name, (kind, days, alone) in engine.items():
            asks = [self._engine(kind, days=days, alone=alone) for _ in range(20)]
            results += percentiles(name, self._times(asks), size=self.size)
        questions = {
            "clinician, room and machine, as a page asks": ("three", True),
            "any of a specialty, as a page asks": ("any", False),
        }
        for name, (kind, alone) in questions.items():
            asks = [self._question(kind, alone=alone) for _ in range(20)]
            results += percentiles(name, self._times(asks), size=self.size)
        results += percentiles("no time, explained", self._times([self._why() for _ in range(20)]), size=self.size)
        for name, any_order in (("in this order", False), ("in any order", True)):
            asks = [self._journey(any_order=any_order) for _ in range(4)]
            results += percentiles(
                f"{STEPS} visits in {STEPS_DAYS} days {name}, engine", self._times(asks), size=self.size
            )
            pages = [self._journey_asked(any_order=any_order) for _ in range(4)]
            results += percentiles(f"{STEPS} visits {name}, as a page asks", self._times(pages), size=self.size)
        address = f"/book/?patient={self._patient_id()}&visit_type={self.visit_types['three'].pk}&site={self.site.pk}"
        with web_server() as port:
            browser = Browser(port, user_id=self.rosa_user.pk)
            taken = measure(partial(browser.get, address), times=SEARCHES)
        return results + percentiles("the booking page over HTTP", taken, size=self.size)

    def _times(self, asks: Sequence[Callable[[], object]]) -> list[float]:
        """Milliseconds of the questions, which take turns."""
        turns = cycle(asks)

        def ask() -> object:
            return next(turns)()

        return measure(ask, times=SEARCHES, warm_up=len(asks))

    def _engine(self, kind: str, *, days: int, alone: bool) -> Callable[[], object]:
        """Read the kept bits and search in them: what is left when who asks and what for is known."""
        from liaison.scheduling.models import Resource
        from liaison.scheduling.queries.kept import free_bits
        from liaison.scheduling.rules import Need, Span, Wish, earliest_in_bits, whole_days

        visit_type = self.visit_types[kind]
        pools = [
            tuple(Resource.objects.able_to(need.ability).values_list("pk", flat=True))
            for need in visit_type.needs.all()
        ]
        if alone:
            pools[0] = (self.draw.choice(pools[0]),)
        needs = [Need(role=str(number), pool=pool) for number, pool in enumerate(pools)]
        window = Span(NOW, NOW + timedelta(days=days))
        wish = Wish(
            duration=visit_type.duration, before=visit_type.before, after=visit_type.after, window=window,
            zone=self.site.zone, step=timedelta(minutes=5), limit=20,
        )  # fmt: skip
        ids = {resource_id for pool in pools for resource_id in pool}

        def ask() -> object:
            free = free_bits(ids, site=self.site, within=whole_days(window))
            return earliest_in_bits(wish=wish, needs=needs, free=free)

        return ask

    def _question(self, kind: str, *, alone: bool) -> Callable[[], object]:
        from liaison.scheduling import queries

        visit_type = self.visit_types[kind]
        able = queries.clinicians_for(self.rosa, visit_type=visit_type, site_id=self.site.pk)
        wanted = queries.TimesWanted(
            visit_type_id=visit_type.pk,
            site_id=self.site.pk,
            patient_id=self._patient_id(),
            with_id=self.draw.choice(able).pk if alone else None,
        )
        return partial(queries.earliest_times, self.rosa, wanted=wanted, now=NOW)

    def _why(self) -> Callable[[], object]:
        """A visit longer than any free stretch, with every wish that there is: nothing helps."""
        from datetime import time as wall

        from liaison.scheduling import queries

        visit_type = self.visit_types["never"]
        able = queries.clinicians_for(self.rosa, visit_type=visit_type, site_id=self.site.pk)
        wanted = queries.TimesWanted(
            visit_type_id=visit_type.pk,
            site_id=self.site.pk,
            patient_id=self._patient_id(),
            with_id=self.draw.choice(able).pk,
            not_before=NOW.date() + timedelta(days=3),
            not_after=NOW.date() + timedelta(days=17),
            weekdays=frozenset({1, 3}),
            from_at=wall(9),
            to_at=wall(12),
        )
        return partial(queries.explain, self.rosa, wanted=wanted, now=NOW)

    def _journey(self, *, any_order: bool) -> Callable[[], object]:
        """Read the kept bits of everybody who could serve one of the visits, and plan them with a day between two."""
        from liaison.scheduling.models import Resource
        from liaison.scheduling.queries.kept import free_bits
        from liaison.scheduling.rules import Need, Span, Wish, whole_days
        from liaison.scheduling.rules.journey_search import plan_journey
        from liaison.scheduling.rules.journeys import JourneyWish, Step, StepPlace

        window = Span(NOW, NOW + timedelta(days=STEPS_DAYS))
        kinds = [self.visit_types[f"step {n}"] for n in range(STEPS)]
        pools = [
            tuple(
                Need(role=need.role, pool=tuple(Resource.objects.able_to(need.ability).values_list("pk", flat=True)))
                for need in kind.needs.all()
            )
            for kind in kinds
        ]
        ids = {pk for needs in pools for need in needs for pk in need.pool}

        def ask() -> object:
            free = free_bits(ids, site=self.site, within=whole_days(window))
            steps = tuple(
                Step(
                    kind=kind.code,
                    places=(
                        StepPlace(
                            site_id=self.site.pk,
                            wish=Wish(
                                duration=kind.duration, before=kind.before, after=kind.after, window=window,
                                zone=self.site.zone, step=timedelta(minutes=5), limit=1,
                            ),
                            needs=needs,
                            free=free,
                        ),
                    ),
                )
                for kind, needs in zip(kinds, pools, strict=True)
            )  # fmt: skip
            return plan_journey(JourneyWish(steps=steps, gaps=_gaps(), any_order=any_order))

        return ask

    def _journey_asked(self, *, any_order: bool) -> Callable[[], object]:
        from liaison.scheduling import queries

        wanted = queries.JourneyWanted(
            patient_id=self._patient_id(),
            visit_type_ids=tuple(self.visit_types[f"step {n}"].pk for n in range(STEPS)),
            gaps=_gaps(),
            site_ids=(self.site.pk,),
            any_order=any_order,
        )
        return partial(queries.plan_visits_together, self.rosa, wanted=wanted, now=NOW)

    def _patient_id(self) -> int:
        return self.draw.randrange(1, self.size * PATIENTS_EACH // SITES) * SITES


def _gaps() -> tuple[Any, ...]:
    """The second visit a day after the first at least, the third soon after it, the rest at any time."""
    from liaison.scheduling.rules.journeys import Gap

    return (Gap(least_days=1), Gap(most_days=3), *[Gap()] * (STEPS - 3))


APPOINTMENT_COLUMNS = (
    "patient_id", "visit_type_id", "site_id", "start_at", "end_at", "time_zone", "modality", "state",
    "idempotency_key", "ical_uid", "booked_at", "booked_by_name",
)  # fmt: skip
RESERVATION_COLUMNS = ("appointment_id", "resource_id", "role", "during")

SCENARIO = Scenario(name="slots", sizes=(100, 1_000), counts="clinicians", run=run)
