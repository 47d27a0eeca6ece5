"""Time enters here and nowhere else: views, jobs and commands read it and pass it on as `now`.

The training clock shifts it by a fixed offset so that a clinic can practise on a past population.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings


def current_time() -> datetime:
    """The instant that Liaison lives in: the real one plus the training offset (aware, UTC)."""
    return datetime.now(UTC) + training_offset()  # noqa: TID251 - the one place that reads the clock


def training_offset() -> timedelta:
    """How far the training clock stands from the real one; zero outside training."""
    return timedelta(seconds=settings.LIAISON_CLOCK_OFFSET)


def real_instant(at: datetime) -> datetime:
    """The real instant at which Liaison's clock shows `at`; jobs are scheduled by it."""
    return at - training_offset()
