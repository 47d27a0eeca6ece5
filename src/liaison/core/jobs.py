"""Background jobs: a Postgres queue inside the same database.

    @job(retry=Backoff(attempts=5))
    def send_message(*, message_id: int) -> None: ...

    defer(send_message, message_id=7)            # exists exactly when the transaction commits
    defer(remind, at=at, appointment_id=3)       # not before `at` on Liaison's clock

Jobs carry ids, never a patient's data, and tolerate being run twice. Each package keeps its own in
`jobs.py`; a periodic one says so with `cron`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from procrastinate import App, BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.tasks import Task
from psycopg.errors import RaiseException

from liaison.core.audit import seal_entries
from liaison.core.clock import real_instant
from liaison.core.refusals import Refusal

log = logging.getLogger(__name__)

STALLED_AFTER_SECONDS: Final = 60
MOST_BEGINNINGS: Final = 10


@dataclass(frozen=True, slots=True)
class Backoff(BaseRetryStrategy):
    """Try again after 2, 4, 8 … seconds, up to an hour apart; a refusal is never tried again."""

    attempts: int = 6

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """None ends the job as failed."""
        if isinstance(exception, Refusal) or job.attempts >= self.attempts:
            return None
        return RetryDecision(retry_in={"seconds": min(2 ** (job.attempts + 1), 3600)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One declared job, before the queue's application exists."""

    name: str
    run: Callable[..., None]
    cron: str | None
    retry: BaseRetryStrategy
    queueing_lock: str | None
    lock: str | None


_declared: dict[str, Declared] = {}
_app: App | None = None


def job(
    *,
    cron: str | None = None,
    retry: BaseRetryStrategy | None = None,
    queueing_lock: str | None = None,
    lock: str | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare a function as a job named "package.function".

    `cron` makes it periodic: minute, hour, day of the month, month, day of the week and, as a sixth field if there is
    one, the second. A periodic job takes no arguments. Of the jobs with one `lock` one runs at a time, and the others
    wait in the queue without keeping a place that other work could have: for what talks to a slow machine.
    """

    def declare(run: Callable[..., None]) -> Callable[..., None]:
        name = f"{run.__module__.removeprefix('liaison.').split('.')[0]}.{run.__name__}"
        if name in _declared:
            raise ValueError(f"The job {name} is declared twice.")
        _declared[name] = Declared(
            name=name, run=run, cron=cron, retry=retry or Backoff(), queueing_lock=queueing_lock, lock=lock
        )
        if _app is not None:
            _register(_app, _declared[name])
        return run

    return declare


def defer(run: Callable[..., None], *, at: datetime | None = None, **ids: Any) -> None:
    """Put a job into the queue, in the current transaction. `at` is an instant on Liaison's clock."""
    from procrastinate.contrib.django import app

    name = f"{run.__module__.removeprefix('liaison.').split('.')[0]}.{run.__name__}"
    app.configure_task(name, schedule_at=real_instant(at) if at else None).defer(**ids)


def on_app_ready(app: App) -> None:
    """Register everything declared so far with the queue (called once by procrastinate)."""
    global _app  # noqa: PLW0603 - set once, when Django has loaded
    _app = app
    for declared in _declared.values():
        _register(app, declared)
    _register_periodic(app, _retry_stalled, name="core.retry_stalled", cron="* * * * *")


def _register(app: App, declared: Declared) -> None:
    if declared.cron is None:
        app.task(name=declared.name, retry=declared.retry, queueing_lock=declared.queueing_lock, lock=declared.lock)(
            declared.run
        )
        return

    def periodic(timestamp: int) -> None:
        del timestamp
        declared.run()

    task: Task[Any, Any, Any] = app.task(
        name=declared.name,
        retry=declared.retry,
        queueing_lock=declared.queueing_lock or declared.name,
        lock=declared.lock,
    )(periodic)
    app.periodic(cron=declared.cron)(task)


def _register_periodic(app: App, run: Callable[..., Any], *, name: str, cron: str) -> None:
    task = app.task(name=name, queueing_lock=name, pass_context=True)(run)
    app.periodic(cron=cron)(task)


GIVE_BACK: Final = """
UPDATE procrastinate_jobs
SET status = (CASE WHEN abort_requested THEN 'failed' ELSE 'todo' END)::procrastinate_job_status,
    attempts = attempts + 1, scheduled_at = now()
WHERE id = %(job_id)s AND status = 'doing' AND worker_id IS NOT DISTINCT FROM %(worker_id)s
"""
"""Only while it still belongs to the worker that is gone: two sweeps may see it at once, and one gives it back."""


async def _retry_stalled(context: JobContext, timestamp: int) -> None:
    """Give jobs of a killed worker to a living one: SIGKILL leaves them marked as being done.

    One that has been begun MOST_BEGINNINGS times ends as failed: perhaps it is what kills the workers. One that waits
    in the queue a second time (a periodic job) is left to that. One that another sweep saw to in the same moment is
    left alone, and stops no other.
    """
    del timestamp
    for stalled in await context.app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_SECONDS):
        log.warning("jobs.stalled", extra={"job": stalled.id, "task": stalled.task_name})
        try:
            await _see_to(context.app, stalled)
        except ConnectorException as error:
            if not isinstance(error.__cause__, RaiseException):
                raise
            log.info("jobs.stalled_no_more", extra={"job": stalled.id, "task": stalled.task_name})


async def _see_to(app: App, stalled: Job) -> None:
    if stalled.attempts + 1 >= MOST_BEGINNINGS:
        log.error("jobs.stalled_too_often", extra={"job": stalled.id, "task": stalled.task_name})
        await app.job_manager.finish_job(stalled, status=Status.FAILED, delete_job=False)
        return
    try:
        await app.connector.execute_query_async(GIVE_BACK, job_id=stalled.id, worker_id=stalled.worker_id)
    except UniqueViolation:
        await app.job_manager.finish_job(stalled, status=Status.ABORTED, delete_job=False)


@job(cron="* * * * * */5", retry=Backoff(attempts=1))
def seal_audit_entries() -> None:
    """Close what was written to the audit trail since the last time into the chain."""
    while seal_entries():
        pass
