"""What to ask on a call, and when somebody is here to call."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from liaison.inbox.rules.script import AFTER_A_STAY, ANY_CALL, in_hours, script_for

HERE = ZoneInfo("America/New_York")


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of March 2026 at the site."""
    return datetime(2026, 3, day, hour, minute, tzinfo=HERE)


def is_business_day(on: date) -> bool:
    """Monday to Friday but for the 9th."""
    return on.weekday() < 5 and on != date(2026, 3, 9)


@pytest.mark.parametrize(
    ("wanted", "proposed"),
    [
        (at(2, 10, 15), at(2, 10, 15)),
        (at(2, 7), at(2, 9)),
        (at(2, 17), at(3, 9)),
        (at(6, 20), at(10, 9)),
        (at(7, 12), at(10, 9)),
    ],
)
def test_a_next_try_falls_into_office_hours(wanted: datetime, proposed: datetime) -> None:
    assert in_hours(wanted.astimezone(UTC), zone=HERE, is_business_day=is_business_day) == proposed


def test_a_call_after_a_stay_has_its_own_script() -> None:
    assert script_for("post-discharge") is AFTER_A_STAY
    assert script_for("referral") is ANY_CALL
    assert len({step.code for step in (*AFTER_A_STAY, *ANY_CALL)}) == len(AFTER_A_STAY) + len(ANY_CALL)
    assert any(step.clinical for step in AFTER_A_STAY)
