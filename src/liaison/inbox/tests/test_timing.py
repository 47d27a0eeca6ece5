"""When a message may go, and when trying ends."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.inbox.rules.timing import BACK_OFF, allowed_at, next_attempt_at, over_cap

NEW_YORK, LOS_ANGELES, TOKYO = (ZoneInfo(name) for name in ("America/New_York", "America/Los_Angeles", "Asia/Tokyo"))
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


def local(hour: int, minute: int = 0, *, day: int = 2, zone: ZoneInfo = NEW_YORK) -> datetime:
    """An instant of March 2026 on that zone's wall."""
    return datetime(2026, 3, day, hour, minute, tzinfo=zone)


@pytest.mark.parametrize(
    ("asked", "goes"),
    [
        (local(8), local(8)),
        (local(20, 59), local(20, 59)),
        (local(21), local(8, day=3)),
        (local(23, 30), local(8, day=3)),
        (local(0), local(8)),
        (local(7, 59), local(8)),
        (local(23, day=7), local(8, day=8)),
    ],
)
def test_a_text_waits_for_the_morning_where_the_recipient_is(asked: datetime, goes: datetime) -> None:
    assert allowed_at(asked.astimezone(UTC), zones=(NEW_YORK,)) == goes


def test_an_unknown_zone_waits_until_it_suits_both() -> None:
    assert allowed_at(local(9), zones=(NEW_YORK, LOS_ANGELES)) == local(8, zone=LOS_ANGELES)
    assert allowed_at(local(20, 30, zone=LOS_ANGELES), zones=(NEW_YORK, LOS_ANGELES)) == local(
        8, day=3, zone=LOS_ANGELES
    )


def test_when_no_hour_suits_all_the_first_zone_counts() -> None:
    assert allowed_at(local(23), zones=(NEW_YORK, TOKYO, LOS_ANGELES)) >= local(23)
    nowhere = allowed_at(local(3), zones=(NEW_YORK, TOKYO, ZoneInfo("Asia/Kolkata"), LOS_ANGELES))
    assert nowhere == local(8)


def test_what_is_urgent_does_not_wait() -> None:
    assert allowed_at(local(3), zones=(NEW_YORK,), urgent=True) == local(3)


@given(st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes)))
def test_in_one_zone_the_result_is_never_quiet_and_never_a_day_away(at: datetime) -> None:
    goes = allowed_at(at, zones=(NEW_YORK,))
    assert 8 <= goes.astimezone(NEW_YORK).hour < 21
    assert at <= goes <= at + timedelta(hours=12)


def test_one_text_a_day_and_three_a_week() -> None:
    def ago(*days: float) -> list[datetime]:
        return [NOW - timedelta(days=one) for one in days]

    assert not over_cap([], now=NOW)
    assert over_cap(ago(0.5), now=NOW)
    assert not over_cap(ago(1), now=NOW)
    assert not over_cap(ago(2, 3), now=NOW)
    assert over_cap(ago(2, 3, 4), now=NOW)
    assert not over_cap(ago(2, 3, 7), now=NOW)


def test_trying_ends_after_about_two_days() -> None:
    at, tries = NOW, 0
    while True:
        tries += 1
        following = next_attempt_at(attempts=tries, now=at)
        if following is None:
            break
        assert following > at
        at = following
    assert tries == len(BACK_OFF) + 1
    assert timedelta(hours=36) < at - NOW < timedelta(hours=48)


def test_a_message_that_would_come_too_late_is_not_tried_again() -> None:
    assert next_attempt_at(attempts=1, now=NOW, expires_at=NOW + timedelta(seconds=60)) is None
    assert next_attempt_at(attempts=1, now=NOW, expires_at=NOW + timedelta(seconds=61)) == NOW + timedelta(minutes=1)
