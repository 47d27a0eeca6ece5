"""FHIR dates: what they mean, and that a day never slips."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.records.rules.dates import NotADate, impossible_date, is_older, lenient, parse, span


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "instant", "date_only"),
    [
        ("2021-02-20T09:30:00-05:00", "2021-02-20T14:30:00+00:00", False),
        ("2021-02-20T09:30:00.125Z", "2021-02-20T09:30:00.125+00:00", False),
        (" 2021-02-20T09:30Z ".strip(), "2021-02-20T09:30:00+00:00", False),
        ("2021-02-20", "2021-02-20T12:00:00+00:00", True),
        ("2021-02", "2021-02-01T12:00:00+00:00", True),
        ("2021", "2021-01-01T12:00:00+00:00", True),
        ("2021-02-20T09:30:00", "2021-02-20T12:00:00+00:00", True),
    ],
)
def test_every_form_of_date_is_read(text, instant, date_only):
    when = parse(text)
    assert (when.at, when.date_only) == (at(instant), date_only)


def test_a_leap_second_is_the_last_second_before_it():
    assert parse("2016-12-31T23:59:60Z").at == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert parse("2016-12-31T18:59:60.5-05:00").at == datetime(2016, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)


def test_the_end_of_a_period_that_names_only_a_month_or_year_is_its_last_day():
    assert parse("2021", latest=True).at.date() == date(2021, 12, 31)
    assert parse("2024-02", latest=True).at.date() == date(2024, 2, 29)
    assert parse("2024-02-03", latest=True).at.date() == date(2024, 2, 3)


@pytest.mark.parametrize(
    "text",
    [
        "0000",
        "0000-00-00",
        "2021-13",
        "2021-00",
        "2021-02-30",
        "yesterday",
        "",
        "20210220",
        5,
        "2021-02-20T25:00Z",
        "２０２１-02-20",
    ],
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(NotADate):
        parse(text)
    assert lenient(text) is None


@pytest.mark.parametrize(
    "text", ["0001-01-01", "1066-10-14", "9999-12-31", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
)
def test_a_year_that_means_nothing_in_a_chart_counts_as_absent(text):
    assert parse(text) is None


@given(
    st.dates(date(1900, 1, 1), date(2100, 1, 1)),
    st.sampled_from(["Pacific/Pago_Pago", "America/New_York", "Asia/Tokyo"]),
)
def test_a_date_without_time_is_the_same_day_in_every_zone_we_serve(day, zone):
    when = parse(day.isoformat())
    assert when.at.astimezone(ZoneInfo(zone)).date() == day


def test_a_period_that_ends_before_it_starts_has_no_end():
    assert span({"start": "2021-02-20", "end": "2021-02-18"}).end is None
    assert span({"start": "2021-02-20T20:00:00Z", "end": "2021-02-20"}).end is not None
    assert span("nonsense").start is None


def test_the_first_impossible_date_is_named():
    assert impossible_date({"period": {"start": "2021", "end": "0000"}}) == (
        "period.end",
        "“0000” cannot be: there is no year 0000",
    )
    assert impossible_date({"period": "odd", "birthDate": "1941-07-09"}) is None


@pytest.mark.parametrize(
    ("came", "kept", "older"),
    [
        ("2026-02-20T14:00:00Z", "2026-02-20T14:00:01Z", True),
        ("2026-02-20T14:00:01Z", "2026-02-20T14:00:00Z", False),
        ("2026-02-20T10:00:00-05:00", "2026-02-20T14:00:00Z", False),
        ("2026-02-20T14:00:00Z", "2026-02-20T10:00:00-05:00", True),
        ("2026-02-20T14:00:00.500Z", "2026-02-20T14:00:00Z", False),
        ("2026-02-20T14:00:00Z", "2026-02-20T14:00:00.500Z", True),
        ("2026-02-20T14:00:00-05:00", "2026-02-20T15:00:00Z", False),
        ("2026-02-20T15:00:00Z", "2026-02-20T14:00:00-05:00", True),
        ("2026-02-20T09:00:00-05:00", "2026-02-20T14:00:00.000Z", None),
        ("2026-02-19", "2026-02-20", True),
        ("2026-02-20", "2026-02-20T14:00:00Z", None),
        ("garbage", "2026-02-20T14:00:00Z", None),
        ("2026-02-20T14:00:00Z", "garbage", None),
        (None, "2026-02-20T14:00:00Z", None),
        ("2026-02-20T14:00:00Z", "", None),
        (20260220, "2026-02-20T14:00:00Z", None),
    ],
)
def test_of_two_versions_the_older_is_told_by_the_moment_and_not_by_the_letters(came, kept, older):
    assert is_older(came, kept) is older
