"""A whole Liaison for the journeys: `liaison up` on a small demonstration clinic, and a real browser.

One clinic and one browser serve all journeys of a worker; each journey uses patients of its own. It is always a
Wednesday morning there: on a Sunday no mail goes out and nobody works, which would be other journeys.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from liaison.console.postgres import Cluster
from tests.journeys.read_off import arrive, settled

WEDNESDAY = datetime(2026, 9, 16, 14, 10, tzinfo=UTC)  # ten past ten in New York
OFFSET = timedelta(seconds=int((WEDNESDAY - datetime.now(UTC)).total_seconds()))
ROOT = Path(__file__).resolve().parents[2]
OPEN_SECONDS = 400
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)  # a machine that does much else at the same time is slow, not wrong
LIAISON = (sys.executable, "-m", "liaison.console.main")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # where little memory may be shared, as in many containers, a page would stand still
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first journey of a worker waits for a whole clinic to be built, which takes minutes on a busy machine."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(900))


@dataclass(frozen=True)
class Clinic:
    """A running Liaison: where it answers, where its data is, and what it printed."""

    url: str
    folder: Path
    database_url: str
    process: subprocess.Popen[str]
    offset: timedelta | None

    def now(self) -> datetime:
        """What this clinic's clock says (UTC)."""
        assert self.offset is not None, "This one's clock was set by the command line."
        return datetime.now(UTC) + self.offset

    def environment(self) -> dict[str, str]:
        """What another program is told to work in this clinic at its time, and nothing else."""
        path = os.environ.get("PYTHONPATH", str(ROOT / "src"))
        told = {"LIAISON_DATA": str(self.folder), "LIAISON_MODE": "demo", "DATABASE_URL": self.database_url}
        return told | _clock(self.offset) | {"PATH": "/usr/bin:/bin", "PYTHONPATH": path}

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database holds, read past the application."""
        with psycopg.connect(self.database_url, options="-c search_path=liaison,public") as connection:
            return connection.execute(query, values).fetchall()

    def value(self, query: str, *values: Any) -> Any:
        """The first column of the first row, or None."""
        rows = self.rows(query, *values)
        return rows[0][0] if rows else None

    def until(self, question: Callable[[], Any], *, seconds: float = 60) -> Any:
        """Ask until the answer is true; the last answer."""
        deadline = time.monotonic() + seconds
        while not (answer := question()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return answer

    def mails(self) -> list[str]:
        """Everything that the demonstration's mail server took, as raw messages."""
        folder = self.folder / "demo-mailbox"
        return [path.read_text(errors="replace") for path in sorted(folder.glob("**/*.eml"))]


@pytest.fixture(scope="session")
def demonstration(django_db_setup) -> str:
    """A database with some sixty invented patients that nobody works in: clinics begin as copies of it."""
    del django_db_setup
    with _new_home("demonstration", template="liaison_template") as home:
        done = subprocess.run(
            [*LIAISON, "demo"], cwd=ROOT, env=home.environment(patients=60), capture_output=True,
            text=True, timeout=OPEN_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    return home.database


@pytest.fixture(scope="session")
def clinic(demonstration) -> Iterator[Clinic]:
    """Start a Liaison of our own, on free ports, with some sixty invented patients."""
    with _new_home("clinic", template=demonstration) as home, home.open() as clinic:
        yield clinic


@pytest.fixture
def home(demonstration) -> Iterator[Home]:
    """Where a clinic of a journey's own may open more than once, each time on another day."""
    with _new_home("again", template=demonstration) as home:
        yield home


def run_clinic(name: str, *arguments: str, patients: int) -> Iterator[Clinic]:
    """`liaison up` on a migrated database of its own in the server of this test run."""
    template = "liaison_template"
    with _new_home(name, template=template) as home, home.open(*arguments, offset=None, patients=patients) as clinic:
        yield clinic


@dataclass(frozen=True)
class Home:
    """Where a clinic keeps its data: a database in the server of this test run, and a folder."""

    database: str
    url: str
    folder: Path

    def environment(self, *, patients: int, offset: timedelta | None = OFFSET) -> dict[str, str]:
        """What a Liaison that lives here is told; `patients` are invented if it is empty."""
        keep = {name: value for name, value in os.environ.items() if not _is_ours(name)}
        ours = {"LIAISON_DATA": str(self.folder), "LIAISON_MODE": "demo", "PYTHONUNBUFFERED": "1"}
        return keep | ours | _clock(offset) | {"LIAISON_DEMO_PATIENTS": str(patients), "DATABASE_URL": self.url}

    @contextmanager
    def open(self, *arguments: str, offset: timedelta | None = OFFSET, patients: int = 60) -> Iterator[Clinic]:
        """`liaison up`, until the end of the block; without an offset the arguments set its clock."""
        port, log = _three_free_ports(), self.folder / "up.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [*LIAISON, "up", "--port", str(port), *arguments], cwd=ROOT, text=True, stdout=output,
                stderr=subprocess.STDOUT, env=self.environment(patients=patients, offset=offset),
            )  # fmt: skip
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_open(process, f"{url}/readyz", log=log)
            yield Clinic(url=url, folder=self.folder, database_url=self.url, process=process, offset=offset)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _new_home(name: str, *, template: str) -> Iterator[Home]:
    cluster = Cluster(Path(os.environ["LIAISON_TEST_FOLDER"]) / "postgres", throw_away=True)
    database = f"journey_{name}_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    cluster.create_database(database, template=template)
    folder = Path(tempfile.mkdtemp(prefix="liaison-journey-"))
    folder.chmod(0o755)
    try:
        yield Home(database=database, url=cluster.url_of(database), folder=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _clock(offset: timedelta | None) -> dict[str, str]:
    return {} if offset is None else {"LIAISON_CLOCK_OFFSET": str(int(offset.total_seconds()))}


def _is_ours(name: str) -> bool:
    return name.startswith(("LIAISON_", "DJANGO_", "COVERAGE_", "PYTEST")) or name in {"DATABASE_URL", "SMTP_URL"}


def _three_free_ports() -> int:
    for port in range(18000 + os.getpid() % 1000 * 3, 30000, 3):
        if all(_is_free(port + offset) for offset in range(3)):
            return port
    raise RuntimeError("No three free ports in a row.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _wait_until_open(process: subprocess.Popen[str], address: str, *, log: Path) -> None:
    deadline = time.monotonic() + OPEN_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=3) as answer:
                if answer.status == 200 and "open at" in log.read_text():
                    return
        except OSError:
            pass
        time.sleep(0.2)
    pytest.fail(f"`liaison up` did not open:\n{log.read_text()[-4000:]}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the journeys of a module; its event loop must not outlive them in this process."""
    path = shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@dataclass
class Person:
    """Someone at a browser of their own."""

    name: str
    page: Page
    context: BrowserContext
    clinic: Clinic
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a page of the clinic."""
        self.page.goto(self.clinic.url + path)
        return self.page


@pytest.fixture
def as_person(clinic: Clinic, browser: Browser) -> Iterator[Callable[..., Person]]:
    """Sign someone of the demonstration in, by name, in a browser window of their own."""
    opened: list[Person] = []

    def sign_in(name: str, *, at: Clinic = clinic, width: int = 1280, scheme: str = "light") -> Person:
        context = browser.new_context(
            viewport={"width": width, "height": 860}, color_scheme=scheme, locale="en-US", reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE)
        person = Person(name=name, page=context.new_page(), context=context, clinic=at)
        opened.append(person)
        person.page.on("pageerror", lambda error: person.faults.append(str(error)))
        person.open("/account/login/")
        person.page.fill("input[name=login]", email_of(name))
        person.page.fill("input[name=password]", "riverside-demo")
        person.page.click("main form button[type=submit]")
        arrive(person.page, r"^((?!/account/login).)*$")
        return person

    yield sign_in
    faults = [f"{person.name}: {fault}" for person in opened for fault in person.faults]
    for person in opened:
        person.context.close()
    assert not faults, "\n".join(faults)


def email_of(name: str) -> str:
    """The demonstration's address of a member of staff."""
    return ".".join(name.removeprefix("Dr ").lower().split()) + "@riverside.example"


AT_REST = """() => Promise.all(
    document.getAnimations()
        .filter(one => isFinite(one.effect.getComputedTiming().endTime))
        .map(one => one.finished.catch(() => null))
).then(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))))"""
"""Until colours and sizes have become what they will be: in the middle of a change axe sees neither."""


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], list[str]]:
    """Findings of axe on a page that has come to rest, each as "rule: where"."""
    script = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()

    def run(page: Page) -> list[str]:
        settled(page)
        page.evaluate(AT_REST)
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(script)
        found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{violation['id']} ({violation['impact']}): {node['target']}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    return run


def liaison(clinic, *arguments):
    """Run the `liaison` command against the running clinic."""
    command = [*LIAISON, *arguments]
    return subprocess.run(
        command, env=clinic.environment(), capture_output=True, text=True, timeout=180, check=False, cwd=ROOT
    )
