"""A worker that is killed in the middle of a job: another one does the job again, once."""

import json
import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from liaison.console.tests.lingering import LOCK
from liaison.console.tests.test_commands import HIDDEN

pytestmark = pytest.mark.journey
PATIENCE = 60


@pytest.fixture
def start(ready):
    """Start a real worker on the database; whoever still works at the end is ended."""
    environment = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    environment |= {"LIAISON_MODE": "demo", "DATABASE_URL": ready.url}
    started = []

    def worker():
        command = [sys.executable, "-m", "liaison.console.tests.lingering"]
        started.append(subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL))
        return started[-1]

    yield worker
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def queue(ready):
    """The job queue, read and filled past the application."""
    with psycopg.connect(ready.url, autocommit=True, options="-c search_path=liaison,public") as connection:
        yield Queue(connection)


class Queue:
    """Jobs by their ids."""

    def __init__(self, connection):
        self.connection = connection

    def ask(self, query, *values):
        return self.connection.execute(query, values).fetchone()

    def add(self, task, arguments, *, lock=None):
        statement = (
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, lock) VALUES ('default', %s, %s, %s)"
            " RETURNING id"
        )
        return self.ask(statement, task, arguments, lock)[0]

    def state(self, job):
        return self.ask("SELECT status::text, attempts FROM procrastinate_jobs WHERE id = %s", job)

    def until(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.connection.execute("TABLE procrastinate_jobs").fetchall()
            time.sleep(0.02)


def test_a_job_cut_off_by_sigkill_is_done_again_by_another_worker_once(start, queue, tmp_path):
    notes = tmp_path / "notes"
    notes.touch()
    queue.ask("SELECT pg_advisory_lock(%s)", LOCK)
    job = queue.add("console.linger", f'{{"path": "{notes}"}}')
    first = start()
    queue.until(lambda: notes.read_text() == "began\n")
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert queue.state(job) == ("doing", 0)

    # Another worker leaves it alone while the first may only be slow: its last sign of life is young.
    start()
    sweep = queue.add("core.retry_stalled", '{"timestamp": 0}')
    queue.until(lambda: queue.state(sweep)[0] == "succeeded")
    assert queue.state(job) == ("doing", 0)

    # Later (here: the sign of life grows old at once) the sweep gives it to the one that lives.
    grow_old = (
        "UPDATE procrastinate_workers w SET last_heartbeat = now() - interval '2 minutes'"
        " FROM procrastinate_jobs j WHERE j.worker_id = w.id AND j.id = %s RETURNING w.id"
    )
    queue.ask(grow_old, job)
    queue.ask("SELECT pg_advisory_unlock(%s)", LOCK)
    again = queue.add("core.retry_stalled", '{"timestamp": 1}')
    queue.until(lambda: queue.state(again)[0] == "succeeded" and queue.state(job)[0] == "succeeded")
    assert notes.read_text() == "began\nbegan\nended\n"

    # A third sweep finds nothing to do.
    third = queue.add("core.retry_stalled", '{"timestamp": 2}')
    queue.until(lambda: queue.state(third)[0] == "succeeded")
    assert notes.read_text() == "began\nbegan\nended\n"
    assert queue.state(job)[0] == "succeeded"


def test_a_worker_that_is_stopped_leaves_the_audit_trail_sealed(start, queue):
    worker = start()
    queue.until(lambda: queue.ask("SELECT count(*) FROM procrastinate_workers")[0] == 1)
    for entry in range(20):
        queue.connection.execute(
            """
            INSERT INTO core_auditentry (recorded_at, actor_name, roles, verb, outcome, refusal_code, reason,
                patient_ids, subject_type, before_hash, after_hash, details, request_id, session_hash)
            VALUES (now(), %s, '', 'trial', 'done', '', '', '{}', '', '', '', '{}', '', '')
            """,
            [f"Rosa {entry}"],
        )
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=PATIENCE) == 0
    assert queue.ask("SELECT count(*) FROM core_auditentry WHERE seal_id IS NULL")[0] == 0
    assert queue.ask("SELECT count(*) FROM procrastinate_workers")[0] == 0


@pytest.mark.parametrize(("lock", "told"), [("console.line_up", True), (None, False)])
def test_the_end_of_a_job_that_others_wait_for_is_told_to_the_workers(queue, lock, told):
    job = queue.add("console.linger", "{}", lock=lock)
    queue.connection.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", [job])
    queue.connection.execute("LISTEN procrastinate_any_queue_v1")
    queue.connection.execute("UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = %s", [job])
    queue.connection.execute("NOTIFY procrastinate_any_queue_v1, 'the end'")
    words = [word.payload for word in queue.connection.notifies(stop_after=2 if told else 1, timeout=PATIENCE)]
    assert words.pop() == "the end"
    assert [json.loads(word) for word in words] == ([{"type": "job_inserted", "job_id": job}] if told else [])
