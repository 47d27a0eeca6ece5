"""Instants and ages in words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from liaison.core.spoken_time import age_in_words, due_in_words, moment_in_words

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)  # Wednesday, 10:00 in New York


@pytest.mark.parametrize(
    ("away", "text", "tone"),
    [
        (timedelta(seconds=-1), "1 min late", "late"),
        (timedelta(minutes=-59), "59 min late", "late"),
        (timedelta(hours=-3), "3 h late", "late"),
        (timedelta(hours=-11), "11 h late", "late"),
        (timedelta(days=-1), "1 day late", "late"),
        (timedelta(days=-2), "2 days late", "late"),
        (timedelta(days=-90), "3 months late", "late"),
        (timedelta(seconds=20), "in 1 min", "today"),
        (timedelta(minutes=40), "in 40 min", "today"),
        (timedelta(hours=7), "today 17:00", "today"),
        (timedelta(hours=23), "tomorrow 09:00", "later"),
        (timedelta(days=2), "Fri 10:00", "later"),
        (timedelta(days=30), "Apr 3", "later"),
        (timedelta(days=400), "Apr 8, 2027", "later"),
    ],
)
def test_a_due_time_is_said_as_a_person_would(away, text, tone):
    spoken = due_in_words(NOW + away, now=NOW, zone=NEW_YORK)
    assert (spoken.text, spoken.tone) == (text, tone)


def test_the_exact_time_names_day_and_zone():
    assert due_in_words(NOW, now=NOW, zone=NEW_YORK).exact == "Wednesday, March 4, 2026 10:00 EST"


def test_today_is_the_day_of_the_clinic():
    late_evening = datetime(2026, 3, 5, 4, 30, tzinfo=UTC)  # 23:30 on the 4th in New York
    assert due_in_words(late_evening, now=NOW, zone=NEW_YORK).text == "today 23:30"
    assert due_in_words(late_evening, now=NOW, zone=ZoneInfo("UTC")).text == "tomorrow 04:30"


@pytest.mark.parametrize(("days", "text"), [(0, "today"), (1, "tomorrow"), (2, "Fri"), (20, "Mar 24")])
def test_what_is_due_within_a_day_names_the_day_and_no_clock(days, text):
    ends = datetime(2026, 3, 4, 23, 59, 59, tzinfo=NEW_YORK) + timedelta(days=days)
    spoken = due_in_words(ends, now=NOW, zone=NEW_YORK)
    assert spoken.text == text
    assert "23:59" in spoken.exact


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOW, "10:00"),
        (NOW - timedelta(days=20), "Feb 12 10:00"),
        (NOW - timedelta(days=400), "Jan 28, 2025"),
    ],
)
def test_a_moment_is_as_short_as_it_can_be(at, text):
    assert moment_in_words(at, now=NOW, zone=NEW_YORK).text == text


@pytest.mark.parametrize(
    ("born", "text"),
    [
        (date(1959, 3, 4), "67 y"),
        (date(1959, 3, 5), "66 y"),
        (date(2024, 3, 4), "2 y"),
        (date(2025, 10, 1), "5 mo"),
        (date(2026, 2, 23), "9 d"),
        (date(2026, 3, 9), "0 d"),
    ],
)
def test_ages_are_days_then_months_then_years(born, text):
    assert age_in_words(born, on=date(2026, 3, 4)) == text
