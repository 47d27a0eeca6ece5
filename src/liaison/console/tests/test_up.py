"""`liaison up` opens, survives what may happen to its parts, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import psycopg
import pytest

from liaison.console.postgres import Cluster

pytestmark = pytest.mark.journey
PATIENCE = 180


class Liaison:
    """A running `liaison up` and what it said."""

    def __init__(self, folder, *options, patients=30):
        self.folder, self.port = folder, three_free_ports()
        environment = {name: value for name, value in os.environ.items() if name not in UNWANTED}
        environment |= {"LIAISON_DATA": str(folder), "LIAISON_MODE": "demo", "LIAISON_DEMO_PATIENTS": str(patients)}
        command = [sys.executable, "-m", "liaison.console.main", "up", "--port", str(self.port), *options]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self.reader.start()

    def said(self, words):
        return any(words in line for line in list(self.lines))

    def wait(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, "".join(self.lines)
            time.sleep(0.05)

    def wait_open(self):
        self.wait(lambda: self.said("open at") or self.process.poll() is not None)
        assert self.said("open at"), "".join(self.lines)
        return self

    def answers(self, path="/readyz"):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as response:
                return response.status == 200
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(timeout=PATIENCE)
        self.reader.join(timeout=5)
        self.process.stdout.close()
        return status


UNWANTED = {"DATABASE_URL", "LIAISON_TEST_FOLDER", "DJANGO_SETTINGS_MODULE"}


def three_free_ports():
    """The first of three free ports in a row, below those that the system gives to outgoing connections.

    Each process begins to look elsewhere, and a started Liaison may lose its web server for a while.
    """
    for port in range(20_000 + os.getpid() % 3_000 * 3, 32_000, 3):
        if all(may_listen(port + offset) for offset in range(3)):
            return port
    raise RuntimeError("No three free ports in a row.")


def may_listen(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def processes_of(folder):
    """Process numbers and command lines of everything that was started for this data folder."""
    mark = f"LIAISON_DATA={folder}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (path / "environ").read_bytes().split(b"\0"):
                found.append((int(path.name), (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()))
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def folder(open_folder):
    yield open_folder
    Cluster(open_folder / "postgres").stop()


@pytest.fixture
def start(folder):
    """Start `liaison up`; whatever the test left running is ended."""
    started = []

    def make():
        started.append(Liaison(folder))
        return started[-1]

    yield make
    for liaison in started:
        if not liaison.process.stdout.closed:
            liaison.end()


def test_it_opens_looks_after_its_parts_and_leaves_nothing_behind(folder, start):
    liaison = start().wait_open()
    assert liaison.answers()
    cluster = Cluster(folder / "postgres")

    # A second one on the same folder is refused in one line.
    second = start()
    assert second.process.wait(timeout=PATIENCE) == 1
    second.end()
    assert "already runs" in second.lines[0]
    assert len(second.lines) == 1

    # PostgreSQL is killed: it starts again on its port and the pages answer again.
    os.kill(cluster.running().pid, signal.SIGKILL)
    liaison.wait(lambda: liaison.said("postgres │ ended"))
    liaison.wait(liaison.answers)

    # The web server is killed: it starts again, its orphaned worker does not answer in its place.
    before = [pid for pid, command in processes_of(folder) if "web:pages" in command]
    os.kill(min(before), signal.SIGKILL)
    liaison.wait(lambda: liaison.said("web │ ended (signal SIGKILL)"))
    liaison.wait(liaison.answers)
    assert not set(before) & {pid for pid, _ in processes_of(folder)}

    # The supervisor itself is killed: its children end, PostgreSQL stays, the next start works.
    liaison.end(signal.SIGKILL)
    liaison.wait(lambda: processes_of(folder) == [])
    assert cluster.running() is not None
    again = start().wait_open()
    assert again.answers()

    # One Ctrl-C stops everything.
    assert again.end(signal.SIGINT) == 0
    assert processes_of(folder) == []
    assert cluster.running() is None
    assert not again.answers("/healthz")


def test_the_training_clock_is_refused_in_production(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    environment |= {"LIAISON_DATA": str(tmp_path), "DATABASE_URL": "postgresql://127.0.0.1:9/none"}
    environment |= {
        "LIAISON_SECRET_KEY": "Jq0x7Vd3mZ1wKcT9yB5nHs2LfRg8Pe4uAoXi6tWj",
        "LIAISON_AUDIT_KEY": "d41f8c09b3e27a65f0918c2d7b4ea36501f9c8d2",
    }
    command = [sys.executable, "-m", "liaison.console.main", "up", "--mode", "production", "--as-of", "2021-02-20"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "training clock" in done.stderr
    assert "Traceback" not in done.stderr
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect("postgresql://127.0.0.1:9/none")
