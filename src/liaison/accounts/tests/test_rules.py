"""When sessions end: no database."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.accounts.rules import (
    Ended,
    SessionLimits,
    browser_in_words,
    initial_password_words,
    is_work,
    left,
    still_waits,
)

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
LIMITS = SessionLimits(idle=timedelta(minutes=15), absolute=timedelta(hours=12))


def test_a_session_ends_at_fifteen_quiet_minutes_and_not_a_second_before() -> None:
    quiet = NOW - timedelta(minutes=15)
    assert left(began_at=quiet, seen_at=quiet, now=NOW, limits=LIMITS).ended is Ended.IDLE
    almost = quiet + timedelta(seconds=1)
    still = left(began_at=quiet, seen_at=almost, now=NOW, limits=LIMITS)
    assert (still.ended, still.soonest) == (Ended.NO, timedelta(seconds=1))


def test_a_session_ends_after_twelve_hours_however_busy_it_was() -> None:
    began = NOW - timedelta(hours=12)
    assert left(began_at=began, seen_at=NOW, now=NOW, limits=LIMITS).ended is Ended.ABSOLUTE


@given(began=st.integers(0, 100_000), seen=st.integers(0, 100_000))
def test_what_is_left_is_never_negative_and_never_more_than_the_limits(began: int, seen: int) -> None:
    found = left(began_at=NOW - timedelta(seconds=began), seen_at=NOW - timedelta(seconds=seen), now=NOW, limits=LIMITS)
    assert timedelta() <= found.soonest <= LIMITS.idle
    assert (found.ended is Ended.NO) == (found.soonest > timedelta())


def test_only_a_persons_own_requests_are_work_and_only_every_half_minute() -> None:
    grain = timedelta(seconds=30)
    long_ago, just_now = NOW - timedelta(minutes=2), NOW - timedelta(seconds=29)
    assert is_work(background=False, seen_at=long_ago, now=NOW, grain=grain)
    assert not is_work(background=True, seen_at=long_ago, now=NOW, grain=grain)
    assert not is_work(background=False, seen_at=just_now, now=NOW, grain=grain)


def test_a_first_password_is_words_and_three_digits() -> None:
    assert initial_password_words([0, 4, 2, 1007], words=("acorn", "berry", "cedar")) == "acorn-berry-cedar-007"


def test_a_browser_is_told_in_words_as_far_as_it_tells() -> None:
    edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36 Edg/141.0"
    safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1"
    assert browser_in_words(edge) == "Edge on Windows"
    assert browser_in_words(safari) == "Safari on iPhone"
    assert browser_in_words("Lynx on Linux") == "Linux"
    assert browser_in_words("curl/8") == "curl/8"
    assert browser_in_words("") == "An unknown browser"


@pytest.mark.parametrize(
    ("seconds", "same", "waits"),
    [(0, True, True), (299, True, True), (300, True, False), (-1, True, False), (10, False, False)],
)
def test_what_was_typed_waits_five_minutes_for_whoever_typed_it(seconds: int, same: bool, waits: bool) -> None:
    assert still_waits(stashed_at=NOW, now=NOW + timedelta(seconds=seconds), same_person=same) is waits
