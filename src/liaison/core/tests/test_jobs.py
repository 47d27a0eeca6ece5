"""Jobs exist exactly when the change does, and a killed worker's job goes to another."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from liaison.core.clock import current_time, real_instant
from liaison.core.jobs import GIVE_BACK, MOST_BEGINNINGS, Backoff, defer, job, seal_audit_entries
from liaison.core.refusals import Conflict

ran: list[int] = []


@job(retry=Backoff(attempts=1))
def note_number(*, number: int) -> None:
    """Remember a number."""
    ran.append(number)


def work_once() -> None:
    """Run a real worker until the queue is empty."""
    worker = app.with_connector(app.connector.get_worker_connector())
    worker.run_worker(wait=False, install_signal_handlers=False, listen_notify=False)


@pytest.mark.django_db(transaction=True)
def test_a_deferred_job_runs_after_the_commit() -> None:
    ran.clear()
    defer(note_number, number=4)
    work_once()
    assert ran == [4]


@pytest.mark.django_db
def test_a_job_goes_away_with_its_transaction() -> None:
    with pytest.raises(Conflict), transaction.atomic():
        defer(note_number, number=5)
        raise Conflict
    assert not ProcrastinateJob.objects.filter(task_name="core.note_number").exists()


@pytest.mark.django_db
def test_a_job_for_later_waits_for_its_instant() -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)
    defer(note_number, at=at, number=6)
    assert ProcrastinateJob.objects.get(task_name="core.note_number").scheduled_at == at


def test_the_training_clock_shifts_what_we_call_now(settings) -> None:
    settings.LIAISON_CLOCK_OFFSET = -86_400
    yesterday = current_time()
    assert abs(real_instant(yesterday) - yesterday - timedelta(days=1)) < timedelta(seconds=1)


def test_waiting_grows_and_ends_and_a_refusal_is_final() -> None:
    class Attempted:
        attempts = 2

    again = Backoff(attempts=3).get_retry_decision(exception=OSError(), job=Attempted())
    assert again is not None
    assert Backoff(attempts=2).get_retry_decision(exception=OSError(), job=Attempted()) is None
    assert Backoff(attempts=9).get_retry_decision(exception=Conflict(), job=Attempted()) is None


def left_by_a_killed_worker(*, number: int, attempts: int = 0, queueing_lock: str | None = None) -> int:
    """A job that is marked as being done by a worker that is no more; its id."""
    app.configure_task("core.note_number", queueing_lock=queueing_lock).defer(number=number)
    found = ProcrastinateJob.objects.filter(task_name="core.note_number").latest("id")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', attempts = %s WHERE id = %s", [attempts, found.id]
        )
    return int(found.id)


def sweep() -> None:
    """Run the sweep before anything else in the queue, and then what it gives back."""
    ran.clear()
    app.configure_task("core.retry_stalled", priority=1).defer(timestamp=0)
    work_once()


@pytest.mark.django_db(transaction=True)
def test_a_job_of_a_killed_worker_is_run_by_another_once() -> None:
    left = left_by_a_killed_worker(number=7)
    sweep()
    assert ran == [7]
    sweep()
    assert ran == []
    done = ProcrastinateJob.objects.get(id=left)
    assert (done.status, done.attempts) == ("succeeded", 2)


@pytest.mark.django_db(transaction=True)
def test_a_job_that_waits_a_second_time_does_not_keep_the_others_from_being_run() -> None:
    twice = left_by_a_killed_worker(number=8, queueing_lock="eight")
    other = left_by_a_killed_worker(number=9)
    app.configure_task("core.note_number", queueing_lock="eight").defer(number=8)
    sweep()
    assert sorted(ran) == [8, 9]
    assert ProcrastinateJob.objects.get(id=twice).status == "aborted"
    assert ProcrastinateJob.objects.get(id=other).status == "succeeded"


@pytest.mark.django_db(transaction=True)
def test_a_job_that_another_sweep_gave_back_meanwhile_does_not_keep_the_others_from_being_run() -> None:
    first, second, third = (left_by_a_killed_worker(number=number) for number in (11, 12, 13))
    with meanwhile_ended(second, when=first):
        sweep()
    assert sorted(ran) == [11, 13]
    assert ProcrastinateJob.objects.get(id=third).status == "succeeded"
    assert not ProcrastinateJob.objects.filter(task_name="core.retry_stalled", status="failed").exists()


@pytest.mark.django_db(transaction=True)
def test_a_job_that_a_living_worker_has_meanwhile_is_not_given_back_once_more() -> None:
    """Two sweeps saw it at once; the one that comes second finds it in the hands of another worker."""
    left = left_by_a_killed_worker(number=14)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
        (living,) = cursor.fetchone()
        cursor.execute("UPDATE procrastinate_jobs SET worker_id = %s WHERE id = %s", [living, left])
        cursor.execute(GIVE_BACK, {"job_id": left, "worker_id": None})
        assert cursor.rowcount == 0
        cursor.execute(GIVE_BACK, {"job_id": left, "worker_id": living})
        assert cursor.rowcount == 1
    assert ProcrastinateJob.objects.get(id=left).status == "todo"
    ran.clear()
    work_once()
    assert ran == [14]


@contextmanager
def meanwhile_ended(job_id: int, *, when: int) -> Iterator[None]:
    """In the same step in which the job `when` is given back, somebody else ends this one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION liaison_meanwhile() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = {job_id}; RETURN NULL; END $$;"
            " CREATE TRIGGER liaison_meanwhile AFTER UPDATE ON procrastinate_jobs FOR EACH ROW"
            f" WHEN (new.id = {when} AND new.status = 'todo') EXECUTE FUNCTION liaison_meanwhile()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION liaison_meanwhile CASCADE")


@pytest.mark.django_db(transaction=True)
def test_a_job_that_was_begun_too_often_ends_as_failed() -> None:
    deadly = left_by_a_killed_worker(number=10, attempts=MOST_BEGINNINGS - 1)
    sweep()
    assert ran == []
    assert ProcrastinateJob.objects.get(id=deadly).status == "failed"


@pytest.mark.django_db
def test_the_seal_job_leaves_nothing_unsealed() -> None:
    seal_audit_entries()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_auditentry WHERE seal_id IS NULL")
        assert cursor.fetchone()[0] == 0
