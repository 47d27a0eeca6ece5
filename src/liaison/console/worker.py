"""The job queue's worker as a process: `python -m liaison.console.worker`.

It finishes what it does when it is told to stop, for at most FINISH_SECONDS; a job that was cut off is given to another
worker by the sweep.
"""

import asyncio
import signal

from liaison.console.settings import load_settings

FINISH_SECONDS = 8


async def work() -> None:
    """Run jobs until SIGTERM or SIGINT."""
    from procrastinate.contrib.django import app
    from procrastinate.contrib.django.django_connector import DjangoConnector

    if not isinstance(app.connector, DjangoConnector):
        raise TypeError("The job queue does not use Django's database.")
    with app.replace_connector(app.connector.get_worker_connector()) as queue:
        async with queue.open_async():
            await queue.run_worker_async(shutdown_graceful_timeout=FINISH_SECONDS, install_signal_handlers=True)


def main() -> None:
    """Load Django and work."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    load_settings()
    asyncio.run(work())


if __name__ == "__main__":
    main()
