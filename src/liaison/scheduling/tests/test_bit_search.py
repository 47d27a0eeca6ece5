"""The search on bits answers what the plain search on spans answers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liaison.scheduling.rules import (
    FreeBits,
    Need,
    Offer,
    Reason,
    Span,
    Wish,
    bits_of,
    can_use_bits,
    earliest,
    earliest_in_bits,
    intersect,
    merge,
    subtract,
    whole_days,
)
from liaison.scheduling.rules.bits import is_exact, midnight

EXAMPLES = int(os.environ.get("LIAISON_SCHEDULES", "300"))
"""How many schedules are drawn; more by hand."""

NEW_YORK, LORD_HOWE = ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")
CLINICIAN, NURSE, ROOM, OTHER_ROOM = 1, 2, 11, 12


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


def wish(window: Span, **changes: object) -> Wish:
    fields: dict[str, object] = {
        "duration": minutes(30),
        "before": minutes(0),
        "after": minutes(0),
        "window": window,
        "zone": NEW_YORK,
        "step": minutes(15),
        "limit": 8,
    }
    return Wish(**(fields | changes))  # type: ignore[arg-type]  # keywords of several types


def both(asked: Wish, needs: Sequence[Need], free: Mapping[int, Sequence[Span]]) -> tuple[Offer, ...]:
    """What both searches answer; they must agree."""
    within = whole_days(Span(asked.window.start - minutes(600), asked.window.end + minutes(3000)))
    cut = {resource: intersect(spans, (within,)) for resource, spans in free.items()}
    bits = FreeBits(
        within=within,
        bits={resource: bits_of(spans, within=within) for resource, spans in cut.items()},
        says_all=all(is_exact(spans, start=within.start) for spans in cut.values()),
    )
    assert can_use_bits(asked, says_all=bits.says_all)
    found = earliest_in_bits(wish=asked, needs=needs, free=bits, known=frozenset({NURSE}))
    assert found == earliest(wish=asked, needs=needs, free=cut, known=frozenset({NURSE}))
    return found


def hours(start: str, end: str, zone: ZoneInfo = NEW_YORK) -> Span:
    return Span(datetime.fromisoformat(start).replace(tzinfo=zone), datetime.fromisoformat(end).replace(tzinfo=zone))


def walls(offers: Sequence[Offer], zone: ZoneInfo = NEW_YORK) -> list[str]:
    return [f"{offer.start.astimezone(zone):%d %H:%M}" for offer in offers]


A_CLINICIAN = Need(role="clinician", pool=(CLINICIAN, NURSE))
A_ROOM = Need(role="room", pool=(ROOM, OTHER_ROOM))
MORNING = hours("2026-03-02 09:00", "2026-03-02 12:00")


def test_clinician_and_room_must_be_free_together_with_their_buffers() -> None:
    free = {CLINICIAN: (MORNING,), OTHER_ROOM: (hours("2026-03-02 10:05", "2026-03-02 11:05"),)}
    found = both(wish(MORNING, before=minutes(5), after=minutes(5)), [A_CLINICIAN, A_ROOM], free)
    assert walls(found) == ["02 10:15", "02 10:30"]
    assert found[0].assigned == (("clinician", CLINICIAN), ("room", OTHER_ROOM))
    assert found[1].reasons == (Reason.NO_GAP,)


def test_two_of_a_pool_and_never_one_for_two_needs() -> None:
    two = Need(role="nurse", pool=(CLINICIAN, NURSE, ROOM), quantity=2)
    free = {CLINICIAN: (MORNING,), NURSE: (hours("2026-03-02 11:00", "2026-03-02 12:00"),)}
    assert walls(both(wish(MORNING), [two], free)) == ["02 11:00", "02 11:15", "02 11:30"]
    assert both(wish(MORNING), [two, A_CLINICIAN], free) == ()
    assert both(wish(MORNING), [], free) == ()


def test_a_patient_who_is_elsewhere_and_a_window_that_begins_at_an_odd_second() -> None:
    window = Span(MORNING.start + timedelta(minutes=1, seconds=7), MORNING.end)
    away = hours("2026-03-02 09:45", "2026-03-02 10:20")
    long_ago = hours("2026-02-02 09:45", "2026-02-02 10:20")
    found = both(wish(window, avoid=(away, long_ago)), [A_CLINICIAN], {CLINICIAN: (MORNING,)})
    assert walls(found)[:3] == ["02 09:15", "02 10:30", "02 10:45"]


def test_a_window_outside_what_is_known_finds_nothing() -> None:
    within = whole_days(MORNING)
    free = FreeBits(within=within, bits={CLINICIAN: bits_of([MORNING], within=within)}, says_all=True)
    later = Span(within.end + minutes(60), within.end + minutes(90))
    assert earliest_in_bits(wish=wish(later), needs=[A_CLINICIAN], free=free) == ()


def test_only_so_many_of_one_day() -> None:
    free = {CLINICIAN: (MORNING, hours("2026-03-03 09:00", "2026-03-03 12:00"))}
    window = hours("2026-03-02 00:00", "2026-03-04 00:00")
    found = both(wish(window, per_day=2, limit=3), [A_CLINICIAN], free)
    assert walls(found) == ["02 09:00", "02 09:15", "03 09:00"]


def test_a_patient_comes_on_some_weekdays_and_leaves_in_time() -> None:
    week = hours("2026-03-02 00:00", "2026-03-09 00:00")
    days = tuple(hours(f"2026-03-0{day} 09:00", f"2026-03-0{day} 17:00") for day in range(2, 7))
    asked = wish(week, weekdays=frozenset({1, 4}), from_at=time(15, 40), to_at=time(16, 30))
    assert walls(both(asked, [A_CLINICIAN], {CLINICIAN: days})) == ["03 15:45", "03 16:00", "06 15:45", "06 16:00"]
    assert walls(both(wish(week, to_at=time(9, 45)), [A_CLINICIAN], {CLINICIAN: days}))[:3] == [
        "02 09:00",
        "02 09:15",
        "03 09:00",
    ]
    late = wish(week, from_at=time(16, 15), weekdays=frozenset({0}))
    assert walls(both(late, [A_CLINICIAN], {CLINICIAN: days})) == ["02 16:15", "02 16:30"]
    assert both(wish(week, from_at=time(12), to_at=time(12, 20)), [A_CLINICIAN], {CLINICIAN: days}) == ()


def test_whole_hours_of_the_wall_clock_where_it_moves_by_half_an_hour() -> None:
    night = hours("2026-10-04 00:10", "2026-10-04 05:00", LORD_HOWE)
    found = both(wish(night, zone=LORD_HOWE, step=minutes(60)), [A_CLINICIAN], {CLINICIAN: (night,)})
    assert walls(found, LORD_HOWE) == ["04 01:00", "04 03:00", "04 04:00"]


def test_a_procedure_of_36_hours_over_midnight_and_a_leap_day() -> None:
    stay = hours("2028-02-28 20:00", "2028-03-01 09:00")
    found = both(wish(stay, duration=timedelta(hours=36), step=minutes(30)), [A_CLINICIAN], {CLINICIAN: (stay,)})
    assert walls(found) == ["28 20:00", "28 20:30", "28 21:00"]


def test_bits_answer_odd_minutes_only_where_they_say_everything() -> None:
    assert can_use_bits(wish(MORNING, duration=minutes(33)), says_all=True)
    assert not can_use_bits(wish(MORNING, duration=minutes(33)), says_all=False)
    assert not can_use_bits(wish(MORNING, before=minutes(2)), says_all=False)
    assert can_use_bits(wish(MORNING, duration=minutes(33), after=minutes(2)), says_all=False)
    old_amsterdam = hours("1930-03-02 09:00", "1930-03-02 12:00", ZoneInfo("Europe/Amsterdam"))
    assert not can_use_bits(wish(old_amsterdam, zone=ZoneInfo("Africa/Monrovia")), says_all=True)


CHANGES = {
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "America/Phoenix": (date(2026, 3, 8), date(2028, 2, 29)),
    "Europe/London": (date(2026, 3, 29), date(2026, 10, 25)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),
    "America/Santiago": (date(2026, 4, 5), date(2026, 9, 6)),
}
places = st.sampled_from([(ZoneInfo(name), day) for name, days in CHANGES.items() for day in days])


@st.composite
def schedules(draw: st.DrawFn) -> tuple[Wish, list[Need], dict[int, tuple[Span, ...]]]:
    """A wish around a change of the clock and what is free then, in whole five minutes or in any."""
    zone, on = draw(places)
    start = midnight(on) - timedelta(days=1)
    unit = draw(st.sampled_from([1, 5, 5, 15]))

    def some_spans(longest: int, most: int) -> st.SearchStrategy[tuple[Span, ...]]:
        edge = st.integers(min_value=-60 // unit, max_value=4000 // unit)
        pair = st.tuples(edge, st.integers(min_value=1, max_value=longest // unit)).map(
            lambda pair: Span(start + minutes(pair[0] * unit), start + minutes((pair[0] + pair[1]) * unit))
        )
        return st.lists(pair, max_size=most).map(merge)

    def some_free() -> st.SearchStrategy[tuple[Span, ...]]:
        working = st.one_of(some_spans(900, 4), st.just((Span(start, start + minutes(5000)),)))
        return st.builds(lambda works, taken: subtract(works, taken=taken), working, some_spans(300, 6))

    one_unit = draw(st.sampled_from([1, 5])) if unit != 1 else 5
    length = draw(st.sampled_from([1, 2, 4, 6, 6, 9, 12, 432 if one_unit == 5 else 7])) * one_unit
    first = draw(st.integers(min_value=0, max_value=1500))
    asked = Wish(
        duration=minutes(length),
        before=minutes(draw(st.integers(0, 4)) * one_unit),
        after=minutes(draw(st.integers(0, 4)) * one_unit),
        window=Span(
            start + timedelta(minutes=first, seconds=draw(st.sampled_from([0, 0, 17]))),
            start + minutes(first + draw(st.integers(min_value=60, max_value=3000))),
        ),
        zone=zone,
        step=minutes(draw(st.sampled_from([5, 10, 15, 20, 30, 60]))),
        limit=draw(st.integers(1, 12)),
        per_day=draw(st.sampled_from([None, 1, 4])),
        avoid=draw(some_spans(200, 3)),
        weekdays=draw(st.sampled_from([frozenset(), frozenset(), frozenset({0, 4, 5}), frozenset({6})])),
        from_at=draw(st.sampled_from([None, None, time(0, 30), time(2, 15), time(13)])),
        to_at=draw(st.sampled_from([None, None, time(2, 40), time(16), time(23, 59)])),
    )
    need = st.builds(
        Need,
        role=st.just("any"),
        pool=st.lists(st.integers(1, 6), min_size=1, max_size=5, unique=True).map(tuple),
        quantity=st.sampled_from([1, 1, 1, 2, 3]),
    )
    free = draw(st.fixed_dictionaries({resource: some_free() for resource in range(1, 7)}))
    return asked, draw(st.lists(need, min_size=1, max_size=3)), free


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schedules())
def test_bits_find_what_spans_find(schedule: tuple[Wish, list[Need], dict[int, tuple[Span, ...]]]) -> None:
    both(*schedule)


@pytest.mark.parametrize("zone", CHANGES)
def test_the_zones_of_these_tests_are_whole_five_minutes_from_utc(zone: str) -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert can_use_bits(wish(Span(noon, noon + minutes(5)), zone=ZoneInfo(zone)), says_all=True)
