"""Whom a freed time suits, in which order, and how long an offer runs."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from liaison.scheduling.rules import (
    OfferMode,
    Suits,
    Unfit,
    Urgency,
    asks_whether_to_stay,
    place_in_line,
    run_of_offer,
    unfit,
    waitlist_policy,
)

NEW_YORK = ZoneInfo("America/New_York")
PHOENIX = ZoneInfo("America/Phoenix")
TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)  # Monday, ten in New York
TUESDAY_TEN = datetime(2026, 3, 3, 10, tzinfo=NEW_YORK)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("suits", "against"),
    [
        (Suits(), None),
        (Suits(least_notice=timedelta(hours=24)), None),
        (Suits(least_notice=timedelta(hours=24, minutes=1)), Unfit.NOTICE),
        (Suits(weekdays=frozenset({1, 3})), None),
        (Suits(weekdays=frozenset({0})), Unfit.WEEKDAY),
        (Suits(from_time=time(10), to_time=time(11)), None),
        (Suits(from_time=time(10, 15)), Unfit.TIME_OF_DAY),
        (Suits(to_time=time(10)), Unfit.TIME_OF_DAY),
        (Suits(not_before=date(2026, 3, 3), until=date(2026, 3, 3)), None),
        (Suits(not_before=date(2026, 3, 4)), Unfit.TOO_EARLY),
        (Suits(until=date(2026, 3, 2)), Unfit.TOO_LATE),
        (Suits(earlier_than=datetime(2026, 3, 4, 9, tzinfo=NEW_YORK)), None),
        (Suits(earlier_than=datetime(2026, 3, 3, 16, tzinfo=NEW_YORK)), Unfit.NOT_EARLIER),
    ],
)
def test_a_time_suits_or_says_why_not(suits: Suits, against: Unfit | None) -> None:
    assert unfit(suits, start=TUESDAY_TEN, zone=NEW_YORK, now=NOW) is against


def test_the_line_goes_by_priority_then_day_then_fewer_offers() -> None:
    early, late = datetime(2026, 1, 5, 9, tzinfo=UTC), datetime(2026, 2, 5, 9, tzinfo=UTC)
    keys = {
        "urgent but late": place_in_line(Urgency.URGENT, joined_on=late.date(), recent_offers=5, joined_at=late),
        "soon": place_in_line(Urgency.SOON, joined_on=late.date(), recent_offers=0, joined_at=late),
        "same day, no offers": place_in_line(
            Urgency.ROUTINE, joined_on=early.date(), recent_offers=0, joined_at=early + HOUR
        ),
        "same day, offered": place_in_line(Urgency.ROUTINE, joined_on=early.date(), recent_offers=1, joined_at=early),
        "late": place_in_line(Urgency.ROUTINE, joined_on=late.date(), recent_offers=0, joined_at=late),
    }
    assert sorted(keys, key=lambda name: keys[name]) == list(keys)


def run(now: datetime, *, lasts: timedelta = HOUR, last_call: datetime | None = None, zones: tuple[ZoneInfo, ...]):  # type: ignore[no-untyped-def]  # the fixtures have no types
    return run_of_offer(
        now=now,
        lasts=lasts,
        last_call=last_call or now + timedelta(days=30),
        zones=zones,
        shortest=timedelta(minutes=15),
    )


def test_by_day_an_offer_runs_from_now_for_its_time() -> None:
    ran = run(NOW, zones=(NEW_YORK,))
    assert (ran.starts_at, ran.expires_at) == (NOW, NOW + HOUR)


def test_an_offer_made_at_night_starts_in_the_morning() -> None:
    ran = run(datetime(2026, 3, 2, 23, tzinfo=NEW_YORK), zones=(NEW_YORK,))
    assert ran.starts_at == datetime(2026, 3, 3, 8, tzinfo=NEW_YORK)
    assert ran.expires_at == datetime(2026, 3, 3, 9, tzinfo=NEW_YORK)


def test_an_offer_stands_still_overnight() -> None:
    ran = run(datetime(2026, 3, 2, 20, 30, tzinfo=NEW_YORK), lasts=2 * HOUR, zones=(NEW_YORK,))
    assert ran.expires_at == datetime(2026, 3, 3, 9, 30, tzinfo=NEW_YORK)


def test_the_night_of_the_clock_change_counts_no_hour_twice() -> None:
    ran = run(datetime(2026, 3, 7, 20, 30, tzinfo=NEW_YORK), lasts=2 * HOUR, zones=(NEW_YORK,))
    assert ran.expires_at == datetime(2026, 3, 8, 9, 30, tzinfo=NEW_YORK)


def test_where_we_do_not_know_the_zone_both_nights_are_quiet() -> None:
    ran = run(datetime(2026, 3, 2, 8, 30, tzinfo=NEW_YORK), zones=(NEW_YORK, PHOENIX))
    assert ran.starts_at == datetime(2026, 3, 2, 8, tzinfo=PHOENIX)
    late = run(datetime(2026, 3, 2, 20, 30, tzinfo=NEW_YORK), zones=(NEW_YORK, PHOENIX))
    assert late.expires_at == datetime(2026, 3, 3, 8, 30, tzinfo=PHOENIX)


def test_zones_that_share_no_waking_hour_still_get_an_end() -> None:
    ran = run(datetime(2026, 3, 2, 10, tzinfo=NEW_YORK), zones=(NEW_YORK, TOKYO))
    assert ran.expires_at > ran.starts_at


def test_without_a_known_zone_nothing_is_quiet() -> None:
    assert run(datetime(2026, 3, 2, 3, tzinfo=NEW_YORK), zones=()).starts_at == datetime(2026, 3, 2, 3, tzinfo=NEW_YORK)


def test_it_ends_before_the_notice_that_the_patient_needs() -> None:
    last_call = NOW + timedelta(minutes=20)
    assert run(NOW, last_call=last_call, zones=(NEW_YORK,)).expires_at == last_call


def test_with_too_little_time_to_answer_it_is_not_made() -> None:
    assert run(NOW, last_call=NOW + timedelta(minutes=14), zones=(NEW_YORK,)) is None
    assert run(NOW, last_call=NOW - HOUR, zones=(NEW_YORK,)) is None


def test_after_each_three_unanswered_offers_somebody_asks() -> None:
    assert [asks_whether_to_stay(lapses=n, after=3) for n in range(7)] == [
        False,
        False,
        False,
        True,
        False,
        False,
        True,
    ]


def test_the_house_rules_are_whole_and_say_where_they_come_from() -> None:
    policy = waitlist_policy()
    assert set(policy.offer_for) == set(OfferMode)
    assert set(policy.look_again_days) == set(Urgency)
    assert policy.source
