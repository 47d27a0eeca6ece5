"""Processes are started again when they end, and nothing of them stays when they are stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from liaison.console.supervisor import Service, Supervisor, python
from liaison.console.tests.test_up import three_free_ports
from liaison.console.up import serve_events

SLEEPS = "import time; print('here', flush=True); time.sleep(60)"


@pytest.fixture
def said():
    return []


@pytest.fixture
def watch(said):
    """Make a supervisor of these programs; it is stopped at the end."""
    made = []

    def make(*programs):
        services = tuple(
            Service(name=f"p{n}", command=python("-c", program), environment=lambda: os.environ)
            for n, program in enumerate(programs)
        )
        supervisor = Supervisor(services, say=lambda name, line: said.append((name, line)))
        made.append(supervisor)
        supervisor.start()
        return supervisor

    yield make
    for supervisor in made:
        supervisor.stop()


def wait_for(condition, *, supervisor=None, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        if supervisor:
            supervisor.look_after()
        time.sleep(0.01)


def alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_what_a_process_prints_is_passed_on_with_its_name(watch, said):
    watch(SLEEPS, SLEEPS)
    wait_for(lambda: {("p0", "here"), ("p1", "here")} <= set(said))


def test_a_process_that_ends_is_started_again_after_a_pause_that_grows(watch, said):
    supervisor = watch("raise SystemExit(3)")
    wait_for(lambda: sum("ended" in line for _, line in said) >= 2, supervisor=supervisor)
    ends = [line for _, line in said if "ended" in line][:2]
    assert ends == ["ended (status 3); it starts again in 1 s", "ended (status 3); it starts again in 2 s"]


def test_a_killed_process_takes_its_own_children_along(watch, said):
    supervisor = watch(
        "import os, subprocess, time; child = subprocess.Popen(['sleep', '60'])\n"
        "print(os.getpid(), child.pid, flush=True); time.sleep(60)"
    )
    wait_for(lambda: said)
    leader, child = map(int, said[0][1].split())
    os.kill(leader, signal.SIGKILL)
    wait_for(lambda: not alive(child), supervisor=supervisor)
    assert said[1] == ("p0", "ended (signal SIGKILL); it starts again in 1 s")


def test_stopping_lets_a_process_finish_what_it_does(watch, said):
    supervisor = watch(
        "import signal, sys, time\n"
        "def finish(*_): time.sleep(0.3); print('finished', flush=True); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, finish); print('here', flush=True); time.sleep(60)"
    )
    wait_for(lambda: said)
    supervisor.stop()
    wait_for(lambda: ("p0", "finished") in said)


def test_children_end_when_the_supervisor_is_killed():
    code = (
        "import os, time\n"
        "from liaison.console.supervisor import Service, Supervisor, python\n"
        "service = Service(name='p', command=python('-c', 'import os, time; print(os.getpid(), flush=True); "
        "time.sleep(60)'), environment=lambda: os.environ)\n"
        "Supervisor((service,), say=lambda name, line: print(line, flush=True)).start(); time.sleep(60)"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    child = int(supervisor.stdout.readline())
    assert alive(child)
    supervisor.kill()
    supervisor.communicate()
    wait_for(lambda: not alive(child))


def test_a_restart_ends_what_runs_and_starts_all_of_it_again(watch, said):
    supervisor = watch("import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    wait_for(lambda: len(said) == 1)
    supervisor.restart()
    wait_for(lambda: len(said) == 2)
    first, second = (int(line) for _, line in said)
    assert not alive(first)
    assert alive(second)
    assert supervisor.often_ended(times=1) is None


ENDLESS = """
import asyncio
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

async def stream():
    yield "here"
    await asyncio.Event().wait()

async def endless(request): return StreamingResponse(stream())

def events(): return Starlette(routes=[Route("/", endless)])
"""


def test_a_page_that_listens_does_not_keep_the_events_from_stopping(tmp_path, said):
    (tmp_path / "endless.py").write_text(ENDLESS)
    port, environment = three_free_ports(), os.environ | {"PYTHONPATH": str(tmp_path)}
    *served, _events = serve_events(host="127.0.0.1", port=port)
    service = Service(name="events", command=(*served, "endless:events"), environment=lambda: environment)
    supervisor = Supervisor((service,), say=lambda name, line: said.append((name, line)))
    supervisor.start()
    try:
        wait_for(lambda: listens(port))
        with socket.create_connection(("127.0.0.1", port), timeout=60) as page:
            page.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            heard = b""
            while b"here" not in heard:
                heard += page.recv(4096)
            supervisor.stop()
            assert page.recv(4096) == b""
    finally:
        supervisor.stop()
    assert said == []


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True
