"""The hourly look at everybody, and the look at once when somebody new could own what waits."""

from __future__ import annotations

from liaison.core.actor import system_actor
from liaison.core.clock import current_time
from liaison.core.jobs import job
from liaison.pathways.actions import evaluate


@job(cron="15 * * * *", queueing_lock="pathways.evaluate_everybody")
def evaluate_everybody() -> None:
    """Evaluate every protocol for everybody: what time alone changes, and what a feed may have missed.

    Hourly, because a night falls at another hour in each zone and a training clock may start at any.
    """
    evaluate(system_actor("pathways"), now=current_time())


@job()
def open_what_waits() -> None:
    """Look at everybody at once: what had nobody to own it may have an owner now."""
    evaluate(system_actor("pathways"), now=current_time())
