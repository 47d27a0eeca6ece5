"""`liaison rebuild`: work out again what is kept beside the records: facts, headlines, free time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from liaison.core.actor import system_actor
from liaison.core.clock import current_time
from liaison.records.actions import RebuildSummary, rebuild_facts
from liaison.scheduling.actions import keep_free_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a rebuild did: resources and facts of the charts, days of free time that were missing or wrong."""

    charts: RebuildSummary
    days: int


def run_rebuild(*, console: Console) -> Rebuilt:
    """Rebuild everything that is worked out, and tell how much that was.

    The charts are one transaction, free time several: after an interruption the same command does what is left, and
    done twice it changes nothing.
    """
    actor, now, started = system_actor("rebuild"), current_time(), time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        charts = rebuild_facts(actor, now=now, progress=_shown(bar, "reading charts"))
        days = keep_free_time(actor, now=now, progress=_shown(bar, "free time"))
    console.print(
        f"{charts.resources:,} resources read again, {charts.facts:,} facts. "
        f"Free time: {days:,} days were missing or wrong. {time.monotonic() - started:.1f} s.",
        highlight=False,
        soft_wrap=True,
    )
    return Rebuilt(charts=charts, days=days)


def _shown(bar: Progress, what: str) -> Callable[[int, int], None]:
    task = bar.add_task(what, total=None)

    def show(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)

    return show
