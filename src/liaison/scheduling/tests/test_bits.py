"""Free time as bits of five minutes."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from liaison.scheduling.rules import CELL, Span, bits_of, kept_days, kept_of, merge, whole_days
from liaison.scheduling.rules.bits import is_exact, midnight
from liaison.scheduling.tests.bits import spans_of

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
DAY = Span(MIDNIGHT, MIDNIGHT + timedelta(days=1))
TWO_DAYS = Span(MIDNIGHT, MIDNIGHT + timedelta(days=2))


def span(start: int, end: int) -> Span:
    """From minute to minute of the day."""
    return Span(MIDNIGHT + timedelta(minutes=start), MIDNIGHT + timedelta(minutes=end))


def test_five_minutes_are_free_only_when_all_of_them_are() -> None:
    assert bits_of([span(0, 10)], within=DAY) == 0b11
    assert bits_of([span(1, 10)], within=DAY) == 0b10
    assert bits_of([span(0, 9)], within=DAY) == 0b01
    assert bits_of([span(1, 9)], within=DAY) == 0


def test_time_outside_the_days_is_cut_off() -> None:
    assert bits_of([span(-60, 5), span(1435, 1600)], within=DAY) == 1 | 1 << 287


def test_a_day_is_36_bytes_and_says_whether_it_says_everything() -> None:
    first, second = kept_of([span(0, 10), span(1435, 1447)], days=TWO_DAYS)
    assert (first.on, second.on) == (date(2026, 3, 2), date(2026, 3, 3))
    assert [len(day.bits) for day in (first, second)] == [36, 36]
    assert (first.bits[0], first.bits[-1], second.bits[0]) == (0b11, 0b1000_0000, 0b1)
    assert (first.is_exact, second.is_exact) == (True, False)


def test_the_bytes_of_days_that_follow_each_other_are_one_number() -> None:
    free = [span(600, 1500), span(1600, 1700)]
    joined = b"".join(day.bits for day in kept_of(free, days=TWO_DAYS))
    assert int.from_bytes(joined, "little") == bits_of(free, within=TWO_DAYS)


def test_whole_days_around_a_span() -> None:
    assert whole_days(span(5, 10)) == DAY
    assert whole_days(span(0, 1440)) == DAY
    assert whole_days(span(0, 1441)) == TWO_DAYS


def test_time_is_kept_from_yesterday_to_a_week_beyond_the_longest_lead() -> None:
    now = MIDNIGHT + timedelta(hours=15)
    assert kept_days(now=now, most_lead_days=None).start == midnight(date(2026, 3, 1))
    assert kept_days(now=now, most_lead_days=30).end == MIDNIGHT + timedelta(days=127)
    assert kept_days(now=now, most_lead_days=200).end == MIDNIGHT + timedelta(days=207)
    assert kept_days(now=now, most_lead_days=3650).end == MIDNIGHT + timedelta(days=407)


def test_what_begins_and_ends_on_whole_five_minutes_is_exact() -> None:
    assert is_exact([span(5, 10)], start=MIDNIGHT)
    assert not is_exact([span(5, 11)], start=MIDNIGHT)
    assert not is_exact([span(4, 10)], start=MIDNIGHT)


def test_bits_are_read_back_as_spans() -> None:
    assert spans_of(0, start=MIDNIGHT) == ()
    assert spans_of(0b1110_0101, start=MIDNIGHT) == (span(0, 5), span(10, 15), span(25, 40))


free_times = st.lists(
    st.tuples(st.integers(min_value=-100, max_value=2900), st.integers(min_value=1, max_value=300)).map(
        lambda pair: span(pair[0], pair[0] + pair[1])
    ),
    max_size=8,
).map(merge)


@given(free_times)
def test_a_bit_is_set_exactly_where_a_free_span_covers_its_minutes(free: tuple[Span, ...]) -> None:
    bits = bits_of(free, within=TWO_DAYS)
    for cell in range(2 * 288):
        covered = any(one.covers(Span(MIDNIGHT + cell * CELL, MIDNIGHT + (cell + 1) * CELL)) for one in free)
        assert bool(bits >> cell & 1) == covered
    assert bits_of(spans_of(bits, start=MIDNIGHT), within=TWO_DAYS) == bits
    if is_exact(free, start=MIDNIGHT):
        assert all(day.is_exact for day in kept_of(free, days=TWO_DAYS))
