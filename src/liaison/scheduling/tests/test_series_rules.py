"""Which days and instants a series falls on, over closed days and changes of the clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.core.calendars import FEDERAL, BusinessCalendar, organization_holidays
from liaison.scheduling.rules import wall
from liaison.scheduling.rules.series import (
    MOST_DAYS,
    MOST_VISITS,
    HolidayPolicy,
    Occurrence,
    Pattern,
    Repeats,
    comes_twice,
    expand,
    rule_days,
    rule_text,
    wrong_with,
)

NEW_YORK, PHOENIX, LONDON = ZoneInfo("America/New_York"), ZoneInfo("America/Phoenix"), ZoneInfo("Europe/London")
LORD_HOWE, SANTIAGO = ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/Santiago")
OPEN = BusinessCalendar(federal=False)
MON_THU = frozenset({0, 3})
PHYSIO = Pattern(first_on=date(2026, 3, 2), at=time(9), weekdays=MON_THU, count=12)
EVERY_DAY = frozenset(range(7))


def days(pattern: Pattern, **more: object) -> list[date | None]:
    given = {"zone": NEW_YORK, "holidays": HolidayPolicy.SKIP, "calendar": FEDERAL} | more
    return [one.on for one in expand(pattern, **given)]  # type: ignore[arg-type]  # keywords of several types


def at_of(pattern: Pattern, zone: ZoneInfo) -> list[Occurrence]:
    return list(expand(pattern, zone=zone, holidays=HolidayPolicy.KEEP, calendar=OPEN))


def test_twice_a_week_for_six_weeks_is_twelve_visits_at_nine_over_the_change_of_the_clocks() -> None:
    found = at_of(PHYSIO, NEW_YORK)
    assert [one.position for one in found] == list(range(1, 13))
    assert [one.planned_on.weekday() for one in found] == [0, 3] * 6
    walls = {one.at.astimezone(NEW_YORK).time() for one in found if one.at}
    assert walls == {time(9)}
    assert [one.at for one in found][:3] == [
        datetime(2026, 3, 2, 14, tzinfo=UTC),
        datetime(2026, 3, 5, 14, tzinfo=UTC),
        datetime(2026, 3, 9, 13, tzinfo=UTC),
    ]


def test_in_phoenix_the_clocks_never_change() -> None:
    assert {one.at.hour for one in at_of(PHYSIO, PHOENIX) if one.at} == {16}


def test_london_changes_three_weeks_later() -> None:
    hours = [one.at.hour for one in at_of(PHYSIO, LONDON) if one.at]
    assert hours == [9] * 8 + [8] * 4


@pytest.mark.parametrize(
    ("zone", "on", "at", "instant"),
    [
        (NEW_YORK, date(2026, 3, 8), time(2, 30), datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
        (LONDON, date(2026, 3, 29), time(1, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (LORD_HOWE, date(2026, 10, 4), time(2, 15), datetime(2026, 10, 3, 15, 45, tzinfo=UTC)),
        (SANTIAGO, date(2026, 9, 6), time(0, 30), datetime(2026, 9, 6, 4, 30, tzinfo=UTC)),
    ],
)
def test_a_time_that_the_clocks_skip_moves_forward_by_the_gap_that_day_only(
    zone: ZoneInfo, on: date, at: time, instant: datetime
) -> None:
    pattern = Pattern(first_on=on - timedelta(days=1), at=at, weekdays=EVERY_DAY, count=3)
    before, there, after = at_of(pattern, zone)
    assert (there.at, there.is_shifted, there.is_twice) == (instant, True, False)
    for other in (before, after):
        assert other.at is not None
        assert (other.at.astimezone(zone).time(), other.is_shifted) == (at, False)


@pytest.mark.parametrize(
    ("zone", "on", "at", "instant"),
    [
        (NEW_YORK, date(2026, 11, 1), time(1, 30), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        (LONDON, date(2026, 10, 25), time(1, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (LORD_HOWE, date(2026, 4, 5), time(1, 45), datetime(2026, 4, 4, 14, 45, tzinfo=UTC)),
        (SANTIAGO, date(2026, 4, 4), time(23, 30), datetime(2026, 4, 5, 2, 30, tzinfo=UTC)),
    ],
)
def test_a_time_that_comes_twice_is_the_first(zone: ZoneInfo, on: date, at: time, instant: datetime) -> None:
    pattern = Pattern(first_on=on, at=at, weekdays=EVERY_DAY, count=2)
    there, after = at_of(pattern, zone)
    assert (there.at, there.is_twice, there.is_shifted) == (instant, True, False)
    assert not after.is_twice
    assert not comes_twice(on=on, at=time(12), zone=zone)


def test_phoenix_has_neither() -> None:
    for on in (date(2026, 3, 8), date(2026, 11, 1)):
        (one, _) = at_of(Pattern(first_on=on, at=time(2, 30), weekdays=EVERY_DAY, count=2), PHOENIX)
        assert (one.is_shifted, one.is_twice) == (False, False)


def test_a_first_day_that_is_none_of_the_weekdays_only_begins_the_first_week() -> None:
    pattern = Pattern(first_on=date(2026, 3, 4), at=time(9), weekdays=MON_THU, every=2, count=3)
    assert days(pattern) == [date(2026, 3, 5), date(2026, 3, 16), date(2026, 3, 19)]


def test_the_last_day_counts_and_leap_day_is_a_day() -> None:
    pattern = Pattern(first_on=date(2028, 2, 28), at=time(9), weekdays=EVERY_DAY, until=date(2028, 3, 1))
    assert days(pattern) == [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]


def test_a_skipped_holiday_is_no_visit_and_another_one_comes_at_the_end() -> None:
    pattern = Pattern(first_on=date(2026, 11, 23), at=time(9), weekdays=MON_THU, count=4)
    found = expand(pattern, zone=NEW_YORK, holidays=HolidayPolicy.SKIP, calendar=FEDERAL)
    assert [one.on for one in found] == [
        date(2026, 11, 23), None, date(2026, 11, 30), date(2026, 12, 3), date(2026, 12, 7),
    ]  # fmt: skip
    assert (found[1].planned_on, found[1].holiday, found[1].at) == (date(2026, 11, 26), "Thanksgiving Day", None)


def test_a_holiday_can_be_kept_or_moved_to_the_next_working_day_that_has_no_visit() -> None:
    pattern = Pattern(first_on=date(2026, 11, 23), at=time(9), weekdays=MON_THU, count=4)
    assert days(pattern, holidays=HolidayPolicy.KEEP)[1] == date(2026, 11, 26)
    assert days(pattern, holidays=HolidayPolicy.NEXT)[1] == date(2026, 11, 27)
    house = FEDERAL.with_layers(organization_holidays("organization", days=[(date(2026, 11, 27), "Bridge day")]))
    assert days(pattern, holidays=HolidayPolicy.NEXT, calendar=house)[1] == date(2026, 12, 1)


def test_where_every_working_day_has_a_visit_the_holiday_is_left_out() -> None:
    weekdays = Pattern(first_on=date(2026, 11, 23), at=time(9), weekdays=frozenset(range(5)), until=date(2026, 12, 11))
    assert days(weekdays, holidays=HolidayPolicy.NEXT)[3] is None


def test_too_many_visits_show_as_one_too_many() -> None:
    pattern = Pattern(first_on=date(2026, 3, 2), at=time(9), weekdays=EVERY_DAY, until=date(2027, 3, 2))
    assert len(expand(pattern, zone=NEW_YORK, holidays=HolidayPolicy.KEEP, calendar=OPEN)) == MOST_VISITS + 1


def test_the_rule_is_written_as_the_standard_writes_it() -> None:
    assert rule_text(PHYSIO, zone=NEW_YORK) == "FREQ=WEEKLY;WKST=MO;BYDAY=MO,TH;COUNT=12"
    until = Pattern(first_on=date(2026, 3, 2), at=time(9), weekdays=frozenset({4}), every=3, until=date(2026, 5, 1))
    assert rule_text(until, zone=NEW_YORK) == "FREQ=WEEKLY;INTERVAL=3;WKST=MO;BYDAY=FR;UNTIL=20260502T035959Z"


MONTHLY = Pattern(first_on=date(2026, 1, 13), at=time(9), repeats=Repeats.WEEKDAY_OF_MONTH, count=3)


@pytest.mark.parametrize(
    ("changes", "expected", "rule"),
    [
        ({}, ["2026-01-13", "2026-02-10", "2026-03-10"], "FREQ=MONTHLY;BYDAY=2TU;COUNT=3"),
        (
            {"repeats": Repeats.LAST_WEEKDAY},
            ["2026-01-27", "2026-02-24", "2026-03-31"],
            "FREQ=MONTHLY;BYDAY=-1TU;COUNT=3",
        ),
        (
            {"first_on": date(2026, 3, 31)},
            ["2026-03-31", "2026-04-28", "2026-05-26"],
            "FREQ=MONTHLY;BYDAY=-1TU;COUNT=3",
        ),
        (
            {"repeats": Repeats.DAY_OF_MONTH, "every": 2},
            ["2026-01-13", "2026-03-13", "2026-05-13"],
            "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=13;COUNT=3",
        ),
        (
            {"repeats": Repeats.DAY_OF_MONTH, "first_on": date(2028, 1, 31)},
            ["2028-01-31", "2028-02-29", "2028-03-31"],
            "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1;COUNT=3",
        ),
        (
            {"repeats": Repeats.DAY_OF_MONTH, "first_on": date(2026, 1, 28)},
            ["2026-01-28", "2026-02-28", "2026-03-28"],
            "FREQ=MONTHLY;BYMONTHDAY=28;COUNT=3",
        ),
    ],
)
def test_once_a_month_no_month_is_left_out(changes: dict[str, object], expected: list[str], rule: str) -> None:
    pattern = replace(MONTHLY, **changes)  # type: ignore[arg-type]  # keywords of several types
    found = at_of(pattern, NEW_YORK)
    assert [one.planned_on.isoformat() for one in found] == expected
    assert rule_text(pattern, zone=NEW_YORK) == rule
    assert wrong_with(pattern) == ()
    assert {one.at.astimezone(NEW_YORK).time() for one in found if one.at} == {time(9)}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, []),
        ({"count": None, "until": date(2026, 4, 2)}, []),
        ({"weekdays": frozenset()}, ["weekdays"]),
        ({"weekdays": frozenset({7})}, ["weekdays"]),
        ({"every": 0}, ["every"]),
        ({"every": 13}, ["every"]),
        ({"count": None}, ["count"]),
        ({"until": date(2026, 4, 2)}, ["count"]),
        ({"count": 1}, ["count"]),
        ({"count": 101}, ["count"]),
        ({"count": None, "until": date(2026, 3, 1)}, ["until"]),
        ({"count": None, "until": date(2028, 3, 2)}, ["until"]),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(changes: dict[str, object], fields: list[str]) -> None:
    pattern = replace(PHYSIO, **changes)  # type: ignore[arg-type]  # keywords of several types
    assert [field for field, _ in wrong_with(pattern)] == fields


def by_hand(pattern: Pattern) -> Iterator[date]:
    """Day by day, with no library: the oracle of the rule."""
    on = pattern.first_on
    while on <= min(pattern.until or date.max, pattern.first_on + timedelta(days=MOST_DAYS)):
        if _is_of_the_week(on, pattern) if pattern.repeats is Repeats.WEEKLY else _is_of_the_month(on, pattern):
            yield on
        on += timedelta(days=1)


def _is_of_the_week(on: date, pattern: Pattern) -> bool:
    monday = pattern.first_on - timedelta(days=pattern.first_on.weekday())
    return on.weekday() in pattern.weekdays and (on - monday).days // 7 % pattern.every == 0


def _is_of_the_month(on: date, pattern: Pattern) -> bool:
    first = pattern.first_on
    if ((on.year - first.year) * 12 + on.month - first.month) % pattern.every:
        return False
    is_last_day = (on + timedelta(days=1)).month != on.month
    if pattern.repeats is Repeats.DAY_OF_MONTH:
        return on.day == first.day or (is_last_day and on.day < first.day)
    if on.weekday() != first.weekday():
        return False
    if pattern.repeats is Repeats.LAST_WEEKDAY or first.day > 28:
        return (on + timedelta(days=7)).month != on.month
    return (on.day - 1) // 7 == (first.day - 1) // 7


def instant_by_hand(on: date, at: time, zone: ZoneInfo) -> datetime:
    """Minute by minute through the day: the first instant that shows this wall time, else as if the clocks had not
    changed yet."""
    wanted = datetime.combine(on, at)
    start = datetime.combine(on - timedelta(days=1), time(12), tzinfo=zone).astimezone(UTC)
    minutes = (start + timedelta(minutes=more) for more in range(36 * 60))
    shown = next((one for one in minutes if one.astimezone(zone).replace(tzinfo=None) == wanted), None)
    if shown is not None:
        return shown
    before = max(
        one
        for one in (start + timedelta(minutes=more) for more in range(36 * 60))
        if one.astimezone(zone).replace(tzinfo=None) < wanted
    )
    offset = before.astimezone(zone).utcoffset()
    assert offset is not None
    return (wanted - offset).replace(tzinfo=UTC)


@st.composite
def patterns(draw: st.DrawFn) -> Pattern:
    first_on = draw(st.dates(date(2024, 1, 1), date(2029, 12, 31)))
    count = draw(st.none() | st.integers(2, 20))
    return Pattern(
        first_on=first_on,
        at=draw(st.times().map(lambda at: at.replace(second=0, microsecond=0))),
        weekdays=draw(st.frozensets(st.integers(0, 6), min_size=1)),
        repeats=draw(st.sampled_from(Repeats)),
        every=draw(st.integers(1, 12)),
        count=count,
        until=None if count else first_on + timedelta(days=draw(st.integers(0, 120))),
    )


@given(patterns())
def test_the_days_of_a_rule_equal_those_counted_by_hand(pattern: Pattern) -> None:
    assert list(rule_days(pattern)) == list(by_hand(pattern))


@given(patterns(), st.sampled_from([NEW_YORK, PHOENIX, LONDON, LORD_HOWE, SANTIAGO]))
def test_the_instants_of_a_series_equal_those_found_minute_by_minute(pattern: Pattern, zone: ZoneInfo) -> None:
    found = expand(pattern, zone=zone, holidays=HolidayPolicy.KEEP, calendar=OPEN)
    expected = list(islice(by_hand(pattern), pattern.count or MOST_VISITS + 1))
    assert [one.on for one in found] == expected
    changing = [on for on in expected if _clock_changes(on, zone)]
    for one in found:
        if one.on in {*changing[:2], *expected[:1]}:
            assert one.on is not None
            assert one.at == instant_by_hand(one.on, pattern.at, zone)
        else:
            assert one.at is not None
            assert one.at.astimezone(zone).replace(tzinfo=None) == datetime.combine(one.planned_on, pattern.at)


@given(st.sampled_from([NEW_YORK, LONDON, LORD_HOWE, SANTIAGO]), st.integers(2024, 2030), st.integers(0, 1439))
def test_on_days_when_the_clocks_change_the_oracle_agrees_at_every_minute(
    zone: ZoneInfo, year: int, minute: int
) -> None:
    at = time(minute // 60, minute % 60)
    for on in (date(year, 1, 1) + timedelta(days=more) for more in range(366)):
        if _clock_changes(on, zone):
            pattern = Pattern(first_on=on, at=at, weekdays=EVERY_DAY, count=2)
            assert at_of(pattern, zone)[0].at == instant_by_hand(on, at, zone)


@given(patterns())
def test_holidays_never_make_a_visit_on_a_closed_day_or_two_on_one_day(pattern: Pattern) -> None:
    for policy in (HolidayPolicy.SKIP, HolidayPolicy.NEXT):
        kept = [on for on in days(pattern, holidays=policy) if on is not None]
        assert len(kept) == len(set(kept))
        assert not any(FEDERAL.holiday_name(on) for on in kept)
        if pattern.count is not None and len(kept) < pattern.count:
            apart = pattern.every * 7 if pattern.repeats is Repeats.WEEKLY else pattern.every * 31 + 6
            last = [*by_hand(pattern)][-1]
            assert last + timedelta(days=apart) > pattern.first_on + timedelta(days=MOST_DAYS)


def _clock_changes(on: date, zone: ZoneInfo) -> bool:
    return wall.day_span(on=on, zone=zone).length != timedelta(days=1)
