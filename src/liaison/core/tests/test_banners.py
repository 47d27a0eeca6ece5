"""The notices that need no database."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from liaison.core.shell import steady_banners

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)


def test_the_training_clock_is_that_of_whoever_looks(settings: Any) -> None:
    settings.LIAISON_CLOCK_OFFSET = 60
    settings.LIAISON_MODE = "production"
    (banner,) = steady_banners(now=NOON, zone=ZoneInfo("America/New_York"))
    assert banner.text == "Training clock: it is Monday, March 2, 2026, 12:00 EST here, less than an hour ahead."
    (banner,) = steady_banners(now=NOON)
    assert banner.text == "Training clock: it is Monday, March 2, 2026, 17:00 UTC here, less than an hour ahead."


def test_without_a_training_clock_there_is_no_notice_of_it(settings: Any) -> None:
    settings.LIAISON_CLOCK_OFFSET = 0
    settings.LIAISON_MODE = "demo"
    assert [banner.kind for banner in steady_banners(now=NOON)] == ["demo"]
