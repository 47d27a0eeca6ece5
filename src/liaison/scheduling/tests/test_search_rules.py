"""The search for times, against an oracle that tries every minute and every combination."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liaison.scheduling.rules import Need, Offer, Reason, Span, Wish, earliest, intersect, merge, subtract

NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
EIGHT = datetime(2026, 3, 2, 13, tzinfo=UTC)  # 08:00 in New York


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


def at(minute: int) -> datetime:
    return EIGHT + minutes(minute)


def span(start: int, end: int) -> Span:
    return Span(at(start), at(end))


def wish(**changes: object) -> Wish:
    fields: dict[str, object] = {
        "duration": minutes(30),
        "before": minutes(0),
        "after": minutes(0),
        "window": span(0, 600),
        "zone": NEW_YORK,
        "step": minutes(15),
        "limit": 5,
    }
    return Wish(**(fields | changes))  # type: ignore[arg-type]  # keywords of several types


DOCTOR, OTHER_DOCTOR, ROOM, OTHER_ROOM = 1, 2, 11, 12
CLINICIAN = Need(role="clinician", pool=(DOCTOR, OTHER_DOCTOR))
A_ROOM = Need(role="room", pool=(ROOM, OTHER_ROOM))


def test_the_earliest_time_is_the_first_at_which_clinician_and_room_are_both_free() -> None:
    free = {DOCTOR: (span(0, 240),), ROOM: (span(0, 20), span(70, 120))}
    offers = earliest(wish=wish(), needs=[CLINICIAN, A_ROOM], free=free)
    assert [offer.start for offer in offers] == [at(75), at(90)]
    assert offers[0].end == at(105)
    assert offers[0].assigned == (("clinician", DOCTOR), ("room", ROOM))
    assert offers[0].reasons == (Reason.EARLIEST,)


def test_buffers_must_be_free_too_but_do_not_lengthen_the_visit() -> None:
    offers = earliest(wish=wish(before=minutes(10), after=minutes(5)), needs=[CLINICIAN], free={DOCTOR: (span(0, 50),)})
    assert [(offer.start, offer.end) for offer in offers] == [(at(15), at(45))]


def test_a_stretch_too_short_for_the_visit_is_passed_over() -> None:
    offers = earliest(wish=wish(), needs=[CLINICIAN], free={DOCTOR: (span(0, 20), span(60, 90))})
    assert [offer.start for offer in offers] == [at(60)]


def test_what_is_taken_before_within_and_after_a_stretch_is_cut_out() -> None:
    whole = (span(10, 60), span(80, 90))
    assert subtract(whole, taken=()) == whole
    assert subtract(whole, taken=(span(0, 5), span(65, 70), span(95, 99))) == whole
    assert subtract(whole, taken=(span(0, 20), span(30, 40), span(55, 85))) == (
        span(20, 30),
        span(40, 55),
        span(85, 90),
    )
    assert subtract(whole, taken=(span(0, 99),)) == ()
    assert intersect(whole, (span(0, 20), span(50, 85))) == (span(10, 20), span(50, 60), span(80, 85))


def test_a_clinician_who_knows_the_patient_goes_first_and_the_others_are_named() -> None:
    free = {DOCTOR: (span(0, 60),), OTHER_DOCTOR: (span(0, 240),)}
    offer = earliest(wish=wish(limit=1), needs=[CLINICIAN], free=free, known=frozenset({OTHER_DOCTOR}))[0]
    assert offer.assigned == (("clinician", OTHER_DOCTOR),)
    assert offer.also_free == (DOCTOR,)
    assert Reason.KNOWS_PATIENT in offer.reasons


def test_a_day_without_a_gap_goes_before_the_order_of_the_pool() -> None:
    free = {DOCTOR: (span(-60, 240),), OTHER_DOCTOR: (span(0, 240),)}
    offer = earliest(wish=wish(limit=1), needs=[CLINICIAN], free=free)[0]
    assert offer.assigned == (("clinician", OTHER_DOCTOR),)
    assert offer.reasons == (Reason.EARLIEST, Reason.NO_GAP)


def test_two_of_one_pool_are_two_different_people() -> None:
    two = Need(role="nurse", pool=(DOCTOR, OTHER_DOCTOR), quantity=2)
    free = {DOCTOR: (span(0, 60),), OTHER_DOCTOR: (span(30, 120),)}
    offers = earliest(wish=wish(), needs=[two], free=free)
    assert [offer.start for offer in offers] == [at(30)]
    assert {resource for _, resource in offers[0].assigned} == {DOCTOR, OTHER_DOCTOR}


def test_one_person_cannot_serve_two_needs_at_once() -> None:
    only = Need(role="assistant", pool=(DOCTOR,))
    offers = earliest(wish=wish(limit=1), needs=[CLINICIAN, only], free={DOCTOR: (span(0, 60),)})
    assert offers == ()


def test_days_take_turns_when_only_some_times_of_each_are_wanted() -> None:
    next_day = 24 * 60
    free = {DOCTOR: (span(0, 240), span(next_day, next_day + 240))}
    offers = earliest(wish=wish(window=span(0, 2 * next_day), limit=4, per_day=2), needs=[CLINICIAN], free=free)
    assert [offer.start for offer in offers] == [at(0), at(15), at(next_day), at(next_day + 15)]
    assert Reason.EARLIEST_THAT_DAY in offers[2].reasons


def test_a_patient_who_is_elsewhere_is_offered_what_touches_neither_end() -> None:
    offers = earliest(
        wish=wish(avoid=(span(60, 90),), after=minutes(10)), needs=[CLINICIAN], free={DOCTOR: (span(15, 150),)}
    )
    assert [offer.start for offer in offers] == [at(15), at(30), at(90), at(105)]


def test_nothing_needed_is_nothing_found() -> None:
    assert earliest(wish=wish(), needs=[], free={DOCTOR: (span(0, 60),)}) == ()


def test_starts_lie_on_whole_steps_of_the_wall_clock_even_where_clocks_move_by_half_an_hour() -> None:
    change = datetime(2026, 10, 3, 15, 30, tzinfo=UTC)  # 02:00 becomes 02:30 on Lord Howe
    free = {DOCTOR: (Span(change - minutes(50), change + minutes(120)),)}
    offers = earliest(
        wish=wish(
            zone=LORD_HOWE,
            step=minutes(60),
            limit=9,
            window=Span(change - minutes(600), change + minutes(600)),
        ),
        needs=[CLINICIAN],
        free=free,
    )
    assert [offer.start.astimezone(LORD_HOWE).strftime("%H:%M") for offer in offers] == ["03:00", "04:00"]


def test_a_start_that_is_not_on_a_whole_minute_waits_for_the_next_step() -> None:
    free = {DOCTOR: (Span(at(0) + timedelta(seconds=1), at(60)),)}
    assert earliest(wish=wish(), needs=[CLINICIAN], free=free)[0].start == at(15)


busy_day = st.lists(
    st.tuples(st.integers(min_value=0, max_value=160), st.integers(min_value=1, max_value=60)).map(
        lambda pair: span(pair[0], pair[0] + pair[1])
    ),
    max_size=4,
).map(merge)
some_need = st.builds(
    Need,
    role=st.just("any"),
    pool=st.lists(st.integers(min_value=1, max_value=4), min_size=1, max_size=3, unique=True).map(tuple),
    quantity=st.integers(min_value=1, max_value=2),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    free=st.dictionaries(st.integers(min_value=1, max_value=4), busy_day, max_size=4),
    needs=st.lists(some_need, min_size=1, max_size=2),
    duration=st.integers(min_value=1, max_value=45),
    before=st.integers(min_value=0, max_value=10),
    after=st.integers(min_value=0, max_value=10),
    step=st.sampled_from([1, 5, 15, 20, 30, 60]),
    limit=st.integers(min_value=1, max_value=8),
    avoid=busy_day,
    window=st.tuples(st.integers(min_value=0, max_value=100), st.integers(min_value=1, max_value=150)),
)
def test_the_search_finds_what_trying_everything_finds(
    free: Mapping[int, tuple[Span, ...]],
    needs: list[Need],
    duration: int,
    before: int,
    after: int,
    step: int,
    limit: int,
    avoid: tuple[Span, ...],
    window: tuple[int, int],
) -> None:
    asked = wish(
        duration=minutes(duration),
        before=minutes(before),
        after=minutes(after),
        step=minutes(step),
        limit=limit,
        avoid=avoid,
        window=span(window[0], window[0] + window[1]),
    )
    offers = earliest(wish=asked, needs=needs, free=free)
    assert [offer.start for offer in offers] == every_start(asked, needs, free)[:limit]
    for offer in offers:
        assert_is_possible(offer, asked, needs, free)


def every_start(asked: Wish, needs: Sequence[Need], free: Mapping[int, Sequence[Span]]) -> list[datetime]:
    """Minute by minute, every way to fill every seat."""
    found = []
    moment = asked.window.start
    while moment < asked.window.end:
        seats = [need.pool for need in needs for _ in range(need.quantity)]
        elsewhere = any(one.overlaps(Span(moment, moment + asked.duration)) for one in asked.avoid)
        on_step = moment.astimezone(asked.zone).minute % (asked.step // minutes(1)) == 0
        if (on_step and not elsewhere) and any(
            len(set(people)) == len(people) and all(is_free(one, asked.claim(moment), free) for one in people)
            for people in product(*seats)
        ):
            found.append(moment)
        moment += minutes(1)
    return found


def is_free(resource: int, claim: Span, free: Mapping[int, Sequence[Span]]) -> bool:
    return any(one.covers(claim) for one in free.get(resource, ()))


def assert_is_possible(offer: Offer, asked: Wish, needs: Sequence[Need], free: Mapping[int, Sequence[Span]]) -> None:
    people = [resource for _, resource in offer.assigned]
    assert len(set(people)) == len(people) == sum(need.quantity for need in needs)
    assert all(is_free(one, asked.claim(offer.start), free) for one in (*people, *offer.also_free))
    assert not set(people) & set(offer.also_free)
