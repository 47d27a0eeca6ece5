"""Background jobs of the chart."""

from liaison.core.actor import system_actor
from liaison.core.clock import current_time
from liaison.core.jobs import Backoff, job
from liaison.records.actions import rebuild_if_readers_changed


@job(cron="*/5 * * * *", retry=Backoff(attempts=1))
def read_again() -> None:
    """Read the kept resources again when this release reads them differently from the one that read them last."""
    rebuild_if_readers_changed(system_actor("records"), now=current_time())
