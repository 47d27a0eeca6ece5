"""A day of the calendar: what the server takes for a site with many people and rooms, and the browser to draw it."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import psycopg

from bench.browser import Browser, web_server
from bench.crowd import SITES, add_patients, hire
from bench.harness import NOW, Result, Scenario, fresh_database, measure, percentiles
from bench.rows import copy_rows
from bench.scenarios.slots import APPOINTMENT_COLUMNS, RESERVATION_COLUMNS

ZONE = ZoneInfo("America/New_York")
DAYS_AROUND = 30
STARTS_A_DAY, MINUTES = 15, 40
"""From 8:00 to 18:00, one visit after the other; each takes a person and a room, and every tenth is left free."""
REQUESTS, DRAWINGS = 60, 12
VIEWS = {
    "day": "/calendar/",
    "day as a list": "/calendar/?view=list",
    "week": "/calendar/week/",
    "month": "/calendar/month/",
    "sheets": "/calendar/sheets/",
}
DRAWN = """() => new Promise((done) => {
  const day = document.getElementById('day');
  document.addEventListener('htmx:beforeSwap', () => performance.mark('arrived'), { once: true });
  document.addEventListener('htmx:afterSettle', () => requestAnimationFrame(() => requestAnimationFrame(() => {
    const took = performance.measure('drawn', 'arrived').duration;
    performance.clearMarks();
    done(took);
  })), { once: true });
  htmx.trigger(day, 'live', {});
})"""
OPENED = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
  done(performance.now() - performance.getEntriesByType('navigation')[0].responseEnd))))"""


def run(sizes: Sequence[int], say: Callable[[str], None]) -> list[Result]:
    """For each number of resources, half of them people and half rooms, 61 days that are mostly given away."""
    results: list[Result] = []
    with fresh_database() as cluster:
        clinic = _Clinic(cluster.url, most=max(sizes))
        with web_server() as port:
            for size in sizes:
                say(f"{size:,} people and rooms …")
                say(f"{clinic.grow(size):,} bookings; asking …")
                results += _asked(port, rosa_id=clinic.rosa_id, site_id=clinic.site.pk, size=size)
                say("drawing …")
                results += _drawn(port, rosa_id=clinic.rosa_id, site_id=clinic.site.pk, size=size, say=say)
    return results


def _address(path: str, *, site_id: int) -> str:
    return f"{path}{'&' if '?' in path else '?'}site={site_id}&on={NOW.astimezone(ZONE).date()}"


def _asked(port: int, *, rosa_id: int, site_id: int, size: int) -> list[Result]:
    """Milliseconds over HTTP, one request after the other."""
    browser, results = Browser(port, user_id=rosa_id), []
    for name, path in VIEWS.items():
        address = _address(path, site_id=site_id)
        results += percentiles(f"{name}, over HTTP", measure(partial(browser.get, address), times=REQUESTS), size=size)
    fragment = partial(browser.get, _address("/calendar/", site_id=site_id), **{"HX-Request": "true"})
    results += percentiles("day after a change, over HTTP", measure(fragment, times=REQUESTS), size=size)
    return results


def _drawn(port: int, *, rosa_id: int, site_id: int, size: int, say: Callable[[str], None]) -> list[Result]:
    """Milliseconds from the arrival of the day's data to the next painted frame, in Chromium."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        say("no browser here: drawing is not measured (make developer browser)")
        return []
    name, value = Browser(port, user_id=rosa_id).cookie.split("=", 1)
    address = f"http://127.0.0.1:{port}{_address('/calendar/', site_id=site_id)}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 1920, "height": 1000})
        context.add_cookies([{"name": name, "value": value, "url": f"http://127.0.0.1:{port}"}])
        page = context.new_page()
        opened = []
        for _ in range(DRAWINGS):
            page.goto(address, wait_until="commit")
            page.wait_for_load_state("domcontentloaded")
            opened.append(float(page.evaluate(OPENED)))
        page.wait_for_load_state("load")
        blocks = page.locator(".c-block").count()
        redrawn = [float(page.evaluate(DRAWN)) for _ in range(DRAWINGS)]
        browser.close()
    return [
        Result(metric="visits drawn, in the rows of all whose time they take", value=blocks, unit="blocks", size=size),
        *percentiles("day opened, from the last byte to the frame", opened, size=size),
        *percentiles("day redrawn, from its data to the frame", redrawn, size=size),
    ]


class _Clinic:
    """A site whose calendar fills up, and Rosa who looks at it."""

    def __init__(self, url: str, *, most: int) -> None:
        from liaison.accounts.models import Site
        from liaison.core.actor import system_actor
        from liaison.scheduling.actions import NeedDraft, VisitTypeDraft, define_visit_type

        self.url, self.pairs, self.bookings = url, 0, 0
        staff = hire()
        self.patients = max(most // 2, 1) * 20
        add_patients(url, staff=staff, first=1, last=self.patients * SITES + 1, with_loops=False)
        self.rosa_id, self.site = staff.rosa_id, Site.objects.get(pk=staff.site_ids[0])
        needs = (NeedDraft(role="clinician", ability="physician"), NeedDraft(role="room", ability="exam_room"))
        draft = VisitTypeDraft(code="visit", name="Office visit", duration_minutes=MINUTES, needs=needs)
        self.kind_id = define_visit_type(actor=system_actor("bench"), draft=draft, now=NOW).pk

    def grow(self, size: int) -> int:
        """Add people and rooms, with their visits, until there are `size` of them: how many bookings there are."""
        from liaison.core.postgres.guard import writes_open
        from liaison.scheduling.models import Appointment, Reservation

        have, self.pairs = self.pairs, max(size // 2, 1)
        with writes_open():
            people, rooms = self._furnish(range(have, self.pairs))
        visits = list(enumerate(_visits(range(have, self.pairs)), self.bookings + 1))
        with psycopg.connect(self.url, options="-c search_path=liaison,public") as connection:
            appointments = (self._appointment(number, start) for number, (_, start) in visits)
            copy_rows(connection, Appointment, columns=APPOINTMENT_COLUMNS, rows=appointments)
            copy_rows(connection, Reservation, columns=RESERVATION_COLUMNS, rows=_taken(visits, people, rooms))
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        self.bookings += len(visits)
        return self.bookings

    def _furnish(self, pairs: Sequence[int]) -> tuple[dict[int, int], dict[int, int]]:
        from datetime import time as wall

        from liaison.scheduling.models import Resource, WorkingHours

        made = Resource.objects.bulk_create(
            Resource(kind=kind, name=f"{name} {pair}", site=self.site, abilities=[ability])
            for kind, name, ability in (("person", "Dr Number", "physician"), ("room", "Room", "exam_room"))
            for pair in pairs
        )
        WorkingHours.objects.bulk_create(
            WorkingHours(resource=one, site=self.site, weekday=day, opens=wall(8), closes=wall(18))
            for one in made
            for day in range(7)
        )
        ids = [one.pk for one in made]
        return dict(zip(pairs, ids[: len(pairs)], strict=True)), dict(zip(pairs, ids[len(pairs) :], strict=True))

    def _appointment(self, number: int, start: datetime) -> tuple[object, ...]:
        patient, end = (number % self.patients + 1) * SITES, start + timedelta(minutes=MINUTES)
        return (
            patient, self.kind_id, self.site.pk, start, end, "America/New_York", "in_person", "booked",
            f"bench:{number}", f"{number}@bench", NOW, "Bench",
        )  # fmt: skip


def _taken(
    visits: Iterable[tuple[int, tuple[int, datetime]]], people: Mapping[int, int], rooms: Mapping[int, int]
) -> Iterator[tuple[object, ...]]:
    """The time that each visit takes of its person and of its room."""
    for number, (pair, start) in visits:
        during = f"[{start.isoformat()},{(start + timedelta(minutes=MINUTES)).isoformat()})"
        yield number, people[pair], "clinician", during
        yield number, rooms[pair], "room", during


def _visits(pairs: Sequence[int]) -> Iterator[tuple[int, datetime]]:
    first = NOW.astimezone(ZONE).replace(hour=8, minute=0) - timedelta(days=DAYS_AROUND)
    for ahead in range(2 * DAYS_AROUND + 1):
        morning = (first + timedelta(days=ahead)).astimezone(UTC)
        for pair in pairs:
            for number in range(STARTS_A_DAY):
                if (pair + number) % 10:
                    yield pair, morning + timedelta(minutes=number * MINUTES)


SCENARIO = Scenario(name="calendar", sizes=(60, 100), counts="resources", run=run)
