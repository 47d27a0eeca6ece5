"""The job queue's worker as a process: `python -m liaison.console.worker`.

It finishes what it does when it is told to stop, for at most FINISH_SECONDS; a job that was cut off is given to another
worker by the sweep.
"""

import asyncio
import signal
import time
from contextlib import suppress

from liaison.console.settings import load_settings
from liaison.core.serving import name_connections

FINISH_SECONDS = 8
AT_ONCE = 4
"""Jobs that run at the same time: a mail server that is slow to answer keeps two of them at most."""

LOOK_SECONDS = 1.0
"""How long a job lies in the queue at most where the word of it was lost."""


async def work() -> None:
    """Run jobs until SIGTERM or SIGINT: when the queue tells of one, and whatever it has every LOOK_SECONDS."""
    from procrastinate.contrib.django import app
    from procrastinate.contrib.django.django_connector import DjangoConnector

    if not isinstance(app.connector, DjangoConnector):
        raise TypeError("The job queue does not use Django's database.")
    with app.replace_connector(app.connector.get_worker_connector()) as queue:
        async with queue.open_async():
            await queue.run_worker_async(
                concurrency=AT_ONCE,
                fetch_job_polling_interval=LOOK_SECONDS,
                shutdown_graceful_timeout=FINISH_SECONDS,
                install_signal_handlers=True,
            )


def look_at_everybody() -> None:
    """Put the protocols' look at everybody into the queue: the clock may have been set since the last one."""
    from procrastinate.exceptions import AlreadyEnqueued

    from liaison.core.jobs import defer
    from liaison.pathways.jobs import evaluate_everybody

    with suppress(AlreadyEnqueued):
        defer(evaluate_everybody, timestamp=int(time.time()))


def seal_what_is_left() -> None:
    """Close what was written to the audit trail until now: after a clean stop nothing waits for its seal.

    A database that is gone by then keeps nothing back: the next worker seals.
    """
    from django.db import Error, connections

    from liaison.core.audit import seal_entries

    with suppress(Error):
        while seal_entries():
            pass
    connections.close_all()


def main() -> None:
    """Load Django and work; whoever is told to stop leaves the audit trail sealed."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    name_connections("worker")
    load_settings()
    look_at_everybody()
    asyncio.run(work())
    seal_what_is_left()


if __name__ == "__main__":
    main()
