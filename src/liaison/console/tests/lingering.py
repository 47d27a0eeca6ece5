"""A worker with one more job, which takes as long as a test wants: `python -m liaison.console.tests.lingering`."""

import asyncio
from pathlib import Path

from liaison.console.settings import load_settings

LOCK = 20_261_122


def linger(*, path: str) -> None:
    """Note the beginning, wait until nobody holds the lock, note the end."""
    from django.db import connection

    with Path(path).open("a") as notes:
        notes.write("began\n")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    with Path(path).open("a") as notes:
        notes.write("ended\n")


def main() -> None:
    """Declare the job and work."""
    load_settings()
    from liaison.console.worker import seal_what_is_left, work
    from liaison.core.jobs import job

    linger.__module__ = "liaison.console.tests.lingering"
    job()(linger)
    asyncio.run(work())
    seal_what_is_left()


if __name__ == "__main__":
    main()
