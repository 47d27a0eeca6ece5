"""`liaison up`: everything that a running Liaison needs, until Ctrl-C.

The order: the data folder is ours alone, the ports are free, PostgreSQL runs, the settings are right, the database is
migrated, static files are collected, the demonstration clinic exists; then web, worker, events and the demonstration's
mail server start, and the address is printed when the pages answer.
"""

import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType

from liaison.console.claim import Claim
from liaison.console.ports import PORT_SECONDS, kept_ports, wait_for_ports
from liaison.console.postgres import Cluster
from liaison.console.prepared import remember, remembered
from liaison.console.problems import Problem
from liaison.console.settings import data_folder, embedded_folder, load_settings, plain_settings
from liaison.console.supervisor import Service, Supervisor, python

OPEN_SECONDS = 90.0
FIRST_TRIES = 4
TICK_SECONDS = 0.2
CUT_AFTER_SECONDS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line asked for. `port` serves pages, `port + 1` live events, `port + 2` demonstration mail."""

    mode: str
    host: str
    port: int
    web_workers: int
    as_of: str | None = None


class Up:
    """One run of `liaison up`. `say(name, line)` prints."""

    def __init__(self, wanted: Wanted, *, say: Callable[[str, str], None]) -> None:
        self.wanted = wanted
        self.say = say
        self.stopping = threading.Event()
        self.looking_after = False
        self.cluster: Cluster | None = None
        self.demo = wanted.mode == "demo"
        self.ran_before = data_folder().exists()
        self.claim = Claim(data_folder())
        self.mail_port: int | None = None
        self.public_url = ""
        self.sign_ins: list[str] = []

    def run(self) -> None:
        """Start, say when it is open, look after everything, stop. Returns after Ctrl-C or SIGTERM."""
        self._put_settings_into_environment()
        with ExitStack() as stack:
            stack.enter_context(self.claim.held())
            stack.enter_context(self._ports())
            if not os.environ.get("DATABASE_URL"):
                self.cluster = stack.enter_context(Cluster(embedded_folder()).lease())
                os.environ["DATABASE_URL"] = self.cluster.url
                self._say_where(self.cluster)
            stack.enter_context(self._signals())
            self._prepare()
            supervisor = Supervisor(self._services(), say=self.say)
            stack.callback(self.say, "liaison", "stopped")
            stack.callback(supervisor.stop)
            self.looking_after = True
            supervisor.start("web", "events", "mail")
            self._wait_open(supervisor)
            supervisor.start()  # the worker last: it would only slow the others down
            while not self.stopping.wait(TICK_SECONDS):
                self._look_after(supervisor)
            self.say("liaison", "stopping …")

    def _say_where(self, cluster: Cluster) -> None:
        if cluster.data.parent != cluster.folder:
            self.say("liaison", f"the database is in {cluster.data}: no other account may enter {cluster.folder}")

    def _put_settings_into_environment(self) -> None:
        wanted = self.wanted
        os.environ |= {
            "LIAISON_MODE": wanted.mode,
            "LIAISON_HOST": wanted.host,
            "LIAISON_PORT": str(wanted.port),
            "LIAISON_DATA": str(data_folder()),
        }
        if wanted.as_of:
            os.environ["LIAISON_AS_OF"] = wanted.as_of
        if self.demo and not os.environ.get("SMTP_URL"):
            os.environ["SMTP_URL"] = f"smtp://127.0.0.1:{wanted.port + 2}"
            self.mail_port = wanted.port + 2

    @contextmanager
    def _ports(self) -> Iterator[None]:
        """Keep the ports; on a new folder nothing of a killed run can hold one, so a taken one is refused at once."""
        host, pages = self.wanted.host, self.wanted.port
        patience = PORT_SECONDS if self.ran_before else 0.0
        if self.mail_port:  # its server takes no second one in, so looking is enough
            wait_for_ports(host, [self.mail_port], patience=patience)
        with kept_ports(host, [pages, pages + 1], patience=patience):
            yield

    def _prepare(self) -> None:
        """Settings, migrations, static files, the demonstration clinic; nothing of it if nothing changed."""
        settings = plain_settings()
        os.environ["LIAISON_CLOCK_OFFSET"] = str(settings.LIAISON_CLOCK_OFFSET)
        self.claim.tell_clock(settings.LIAISON_CLOCK_OFFSET)
        self.public_url = str(settings.LIAISON_PUBLIC_URL)
        stamp, url = data_folder() / "prepared.json", os.environ["DATABASE_URL"]
        quick = remembered(stamp, url=url) if self.demo and self.cluster else None
        if quick:
            self.sign_ins = list(quick.sign_ins)
            return
        load_settings()
        from liaison.console.demo import fill_if_empty, sign_ins
        from liaison.console.production import refuse_demonstration
        from liaison.console.schema import disconnect, migrate
        from liaison.console.static import collect

        applied = migrate()
        if applied:
            self.say("liaison", f"database: {applied} migrations applied")
        refuse_demonstration()
        collect()
        if self.demo:
            fill_if_empty(say=lambda line: self.say("liaison", line))
            self.sign_ins = sign_ins()
        disconnect()
        remember(stamp, url=url, sign_ins=self.sign_ins)

    def _services(self) -> tuple[Service, ...]:
        wanted = self.wanted
        services = [
            Service(
                name="web",
                command=serve_pages(host=wanted.host, port=wanted.port, workers=wanted.web_workers),
                environment=self._environment,
            ),
            Service(
                name="events",
                command=serve_events(host=wanted.host, port=wanted.port + 1),
                environment=self._environment,
            ),
            Service(
                name="worker",
                command=python("-m", "liaison.console.worker"),
                environment=self._environment,
            ),
        ]
        if self.mail_port:
            folder = str(data_folder() / "demo-mailbox")
            command = python("-m", "liaison.console.mailbox", "--port", str(self.mail_port), "--folder", folder)
            services.append(Service(name="mail", command=command, environment=self._environment))
        return tuple(services)

    def _environment(self) -> Mapping[str, str]:
        url = self.cluster.url if self.cluster else os.environ["DATABASE_URL"]
        return os.environ | {"DATABASE_URL": url, "PYTHONUNBUFFERED": "1"}

    def _wait_open(self, supervisor: Supervisor) -> None:
        deadline = time.monotonic() + OPEN_SECONDS
        while not self.stopping.wait(0.1):
            if _answers(self._address_here() + "/readyz"):
                self._say_open()
                return
            if time.monotonic() > deadline:
                raise Problem(f"The pages did not answer within {OPEN_SECONDS:.0f} s; the lines above say why.")
            supervisor.look_after()
            if name := supervisor.often_ended(times=FIRST_TRIES):
                raise Problem(f"{name} could not be started in {FIRST_TRIES} tries; the lines above say why.")

    def _address_here(self) -> str:
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - recognised, not bound
        host = everywhere.get(self.wanted.host, self.wanted.host)
        return f"http://{host}:{self.wanted.port}"

    def _say_open(self) -> None:
        self.say("liaison", f"open at {self.public_url}")
        if self.wanted.as_of:
            self.say("liaison", f"training clock: Liaison believes that it is {self.wanted.as_of}")
        for line in self.sign_ins:
            self.say("liaison", line)
        self.say("liaison", "Ctrl-C stops everything")

    def _look_after(self, supervisor: Supervisor) -> None:
        supervisor.look_after()
        if self.cluster and self.cluster.running() is None:
            self.say("postgres", "ended; it starts again")
            before = os.environ["DATABASE_URL"]
            os.environ["DATABASE_URL"] = self.cluster.start().url
            if os.environ["DATABASE_URL"] != before:
                supervisor.restart()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def stop(_number: int, _frame: FrameType | None) -> None:
            if self.stopping.is_set() or not self.looking_after:
                raise KeyboardInterrupt
            self.stopping.set()

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [signal.signal(number, stop) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)


def serve_pages(*, host: str, port: int, workers: int) -> tuple[str, ...]:
    """The command that serves the pages."""
    return _granian(host, port, "--interface", "rsgi", "--workers", str(workers), "liaison.console.web:pages")


def serve_events(*, host: str, port: int) -> tuple[str, ...]:
    """The command that serves the live events.

    The server would wait at its end for every open page, and a page listens for as long as it is open: after
    CUT_AFTER_SECONDS the streams are cut. A page connects again by itself and asks for what it missed.
    """
    cut = ("--workers-kill-timeout", str(CUT_AFTER_SECONDS))
    return _granian(host, port, "--interface", "asgi", *cut, "liaison.console.web:events")


def _granian(host: str, port: int, *more: str) -> tuple[str, ...]:
    always = ("--factory", "--no-ws", "--log-level", "error", "--host", host, "--port", str(port))
    return python("-m", "granian", *always, *more)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as response:  # noqa: S310 - our own address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
