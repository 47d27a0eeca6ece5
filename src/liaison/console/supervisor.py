"""Start processes, watch them, start them again when they end, and stop them all.

Each process leads a group of its own: a Ctrl-C at the terminal reaches only the supervisor, which stops the others
in order, and what a dead process left behind (a server's workers) is ended with its group.
"""

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO

from liaison.console.lifeline import end_with_parent

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
LONG_LIFE = 60.0
GRACE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One process to keep alive; `environment` is asked anew at every start."""

    name: str
    command: tuple[str, ...]
    environment: Callable[[], Mapping[str, str]]


@dataclass(slots=True, kw_only=True)
class _Watched:
    service: Service
    process: "subprocess.Popen[str] | None" = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    again_at: float = math.inf
    ends: int = 0


class Supervisor:
    """Keeps services alive. `say(name, line)` prints one line of one service."""

    def __init__(self, services: tuple[Service, ...], *, say: Callable[[str, str], None]) -> None:
        self._watched = [_Watched(service=service) for service in services]
        self._say = say

    def start(self, *names: str) -> None:
        """Start these services, or without names all that do not run yet. Only what was started is looked after."""
        for watched in self._watched:
            if watched.process is None and (not names or watched.service.name in names):
                self._start(watched)

    def look_after(self) -> None:
        """Start again what has ended and has waited long enough; call this often, from the main thread."""
        for watched in self._watched:
            if watched.process is None:
                if time.monotonic() >= watched.again_at:
                    self._start(watched)
            elif watched.process.poll() is not None:
                self._note_end(watched, watched.process)

    def often_ended(self, *, times: int) -> str | None:
        """The name of a service that has ended so often since it was first started, or None."""
        return next((watched.service.name for watched in self._watched if watched.ends >= times), None)

    def restart(self) -> None:
        """Stop everything and start it again, as when the database moved to another address."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Ask every process to finish, wait GRACE_SECONDS at most, then end what is left."""
        living = [watched for watched in self._watched if watched.process is not None]
        for watched in living:
            _signal_group(watched.process, signal.SIGTERM, only_leader=True)
        deadline = time.monotonic() + GRACE_SECONDS
        for watched in living:
            process = watched.process
            if process is None:
                continue
            try:
                process.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._say(watched.service.name, f"did not stop within {GRACE_SECONDS:.0f} s and was ended")
            _signal_group(process, signal.SIGKILL)
            process.wait()
            watched.process = None

    def _start(self, watched: _Watched) -> None:
        process = subprocess.Popen(
            watched.service.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=dict(watched.service.environment()),
            start_new_session=True,
            preexec_fn=end_with_parent(),  # noqa: PLW1509 - see there
        )
        watched.process, watched.started = process, time.monotonic()
        if process.stdout:
            pump = threading.Thread(target=self._pump, args=(watched.service.name, process.stdout), daemon=True)
            pump.start()

    def _pump(self, name: str, output: IO[str]) -> None:
        with output:
            for line in output:
                self._say(name, line.rstrip("\n"))

    def _note_end(self, watched: _Watched, process: "subprocess.Popen[str]") -> None:
        _signal_group(process, signal.SIGKILL)
        now = time.monotonic()
        if now - watched.started > LONG_LIFE:
            watched.pause = FIRST_PAUSE
        self._say(
            watched.service.name,
            f"ended ({_reason(process.returncode)}); it starts again in {watched.pause:.0f} s",
        )
        watched.process, watched.again_at = None, now + watched.pause
        watched.ends += 1
        watched.pause = min(watched.pause * 2, LONGEST_PAUSE)


def _reason(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"


def _signal_group(
    process: "subprocess.Popen[str] | None", number: signal.Signals, *, only_leader: bool = False
) -> None:
    if process is None:
        return
    try:
        if only_leader:
            process.send_signal(number)
        else:
            os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def python(*arguments: str) -> tuple[str, ...]:
    """The command that runs this Python with these arguments."""
    return (sys.executable, *arguments)
