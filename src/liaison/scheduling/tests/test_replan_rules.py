"""Which displaced visit gets which other time: greedy, then better, never two at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.scheduling.rules.bit_search import FreeBits
from liaison.scheduling.rules.bits import bits_of
from liaison.scheduling.rules.journeys import Gap, PlacedVisit
from liaison.scheduling.rules.replan import (
    NO_TIME,
    SOMEBODY_ELSE,
    TOO_LATE_FOR_IT,
    DayPlan,
    DisplacedVisit,
    NewTime,
    Press,
    TimeWhy,
    cost_of_plan,
    cost_of_time,
    greedy_plan,
    in_order_of_need,
    lower_bound,
    still_open,
)
from liaison.scheduling.rules.replan_polish import polished_plan
from liaison.scheduling.rules.replan_times import Beside, ToReplan, with_times
from liaison.scheduling.rules.search import Need, Wish
from liaison.scheduling.rules.spans import Span

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
NINE = MONDAY + timedelta(hours=9)
HALF_HOUR = timedelta(minutes=30)
ZONE = ZoneInfo("UTC")
IMANI, OKAFOR, ROOM, OTHER_ROOM = 1, 2, 11, 12


def at(hours: float, *, who: int = OKAFOR, room: int = ROOM, cost: int | None = None) -> NewTime:
    start = MONDAY + timedelta(hours=hours)
    span = Span(start, start + HALF_HOUR)
    assigned = (("clinician", who), ("room", room))
    return NewTime(
        start=start, end=span.end, claim=span, assigned=assigned, cost=round(hours * 60) if cost is None else cost
    )


def visit(key: int, *times: NewTime, press: Press = Press.ROUTINE, pinned: bool = False, **more) -> DisplacedVisit:
    return DisplacedVisit(
        key=key, patient_id=more.pop("patient", 100 + key), was=NINE, press=press, times=times, is_pinned=pinned, **more
    )


def test_who_can_least_wait_chooses_first() -> None:
    early, late = at(10), at(12)
    visits = [visit(1, early, late), visit(2, early, late, press=Press.CLINICAL)]
    plan = greedy_plan(visits)
    assert plan.picks == {1: late, 2: early}
    assert (plan.cost, plan.bound, plan.is_best, plan.off_by) == (720 + 600, 1200, False, 10)


def test_the_order_is_chosen_by_hand_pressing_due_choices_time() -> None:
    soon, later = NINE + timedelta(days=1), NINE + timedelta(days=2)
    visits = [
        visit(1, at(10), at(11)),
        visit(2, at(10)),
        visit(3, at(10), at(11), deadline=later),
        visit(4, at(10), at(11), deadline=soon),
        visit(5, at(10), at(11), press=Press.URGENT),
        visit(6, at(10), at(11), pinned=True),
    ]
    assert [one.key for one in in_order_of_need(visits)] == [6, 5, 4, 3, 2, 1]


def test_a_visit_without_a_time_is_not_lost_from_the_plan() -> None:
    visits = [visit(1, at(10)), visit(2, at(10)), visit(3)]
    plan = greedy_plan(visits)
    assert [plan.picks[key] is None for key in (1, 2, 3)] == [False, True, True]
    assert plan.cost == 600 + 2 * NO_TIME
    assert plan.bound == 1200 + NO_TIME == lower_bound(visits)


def test_a_patient_is_not_at_two_visits_at_once_and_buffers_count_for_the_room_only() -> None:
    same = [
        visit(1, at(10), patient=7),
        visit(2, at(10, who=IMANI, room=OTHER_ROOM), at(10.5, who=IMANI, room=OTHER_ROOM), patient=7),
    ]
    second = greedy_plan(same).picks[2]
    assert second is not None
    assert second.start == MONDAY + timedelta(hours=10.5)


def test_what_a_person_chose_stays_though_it_costs_the_others() -> None:
    visits = [visit(1, at(10, cost=50), pinned=True), visit(2, at(10), press=Press.CLINICAL)]
    for plan in (greedy_plan(visits), polished_plan(visits, first=greedy_plan(visits))):
        assert plan.picks == {1: visits[0].times[0], 2: None}


def test_polish_finds_what_greed_missed() -> None:
    # The first takes the only time of the second, though another would cost it next to nothing.
    visits = [
        visit(1, at(10, cost=10), at(12, cost=11), deadline=NINE),
        visit(2, at(10, cost=10)),
    ]
    first = greedy_plan(visits)
    assert first.cost == 10 + NO_TIME
    better = polished_plan(visits, first=first)
    assert {key: pick and pick.start.hour for key, pick in better.picks.items()} == {1: 12, 2: 10}
    assert (better.cost, better.bound, better.is_best, better.off_by) == (21, 21, True, 0)
    assert polished_plan(visits, first=better) is better


def test_a_plan_that_can_t_be_better_stays_and_is_then_known_to_be_the_best() -> None:
    visits = [visit(1, at(10)), visit(2, at(10), at(11))]
    first = greedy_plan(visits)
    assert first.bound < first.cost
    same = polished_plan(visits, first=first)
    assert same.picks == first.picks
    assert same.is_best


def test_without_any_effort_the_first_plan_stands() -> None:
    hours = [10 + quarter / 4 for quarter in range(12)]
    visits = [visit(key, *(at(hour, who=who) for hour in hours for who in (1, 2))) for key in range(30)]
    first = greedy_plan(visits)
    same = polished_plan(visits, first=first, effort=0.0)
    assert same.picks == first.picks
    assert first.bound <= same.bound <= same.cost


def test_what_a_time_costs_is_its_distance_by_how_hard_it_presses() -> None:
    hour = NINE + timedelta(hours=1)
    assert cost_of_time(hour, was=NINE, press=Press.ROUTINE, deadline=None, is_known=True) == 60
    assert cost_of_time(hour, was=NINE, press=Press.URGENT, deadline=hour, is_known=False) == 240 + SOMEBODY_ELSE
    late = cost_of_time(hour, was=NINE, press=Press.CLINICAL, deadline=NINE, is_known=True)
    assert late == 8 * (60 + TOO_LATE_FOR_IT)


def test_what_else_a_visit_could_have_leaves_the_others_alone() -> None:
    visits = [
        visit(1, at(10), at(11), at(11, room=OTHER_ROOM), at(12), at(13)),
        visit(2, at(12), at(14)),
    ]
    plan = DayPlan(picks={1: visits[0].times[0], 2: visits[1].times[0]}, cost=0, bound=0)
    assert [one.start.hour for one in still_open(visits, plan, most=9)[1]] == [10, 11, 13]
    assert [one.start.hour for one in still_open(visits, plan, most=2)[1]] == [10, 11]
    none = DayPlan(picks={1: None, 2: None}, cost=0, bound=0)
    assert len(still_open(visits, none, most=9)[1]) == 4


# --- the times of one visit ----------------------------------------------------------------------------------

DAYS = Span(MONDAY, MONDAY + timedelta(days=3))
NEEDS = (Need(role="clinician", pool=(IMANI, OKAFOR)), Need(role="room", pool=(ROOM, OTHER_ROOM)))


def free(**hours: tuple[float, float]) -> FreeBits:
    """When each is free, in hours from Monday's midnight."""
    whose = {"imani": IMANI, "okafor": OKAFOR, "room": ROOM, "other_room": OTHER_ROOM}
    spans = {
        whose[name]: [Span(MONDAY + timedelta(hours=first), MONDAY + timedelta(hours=last))]
        for name, (first, last) in hours.items()
    }
    return FreeBits(within=DAYS, bits={pk: bits_of(one, within=DAYS) for pk, one in spans.items()}, says_all=True)


def asked(bits: FreeBits, **changes) -> ToReplan:
    wish = Wish(
        duration=HALF_HOUR, before=timedelta(), after=timedelta(), window=DAYS, zone=ZONE, step=HALF_HOUR, limit=1
    )
    first = ToReplan(
        key=1, patient_id=7, was=NINE, press=Press.ROUTINE, deadline=None, wish=wish, needs=NEEDS, free=bits,
        had=frozenset({IMANI, ROOM}), known=frozenset({IMANI}),
    )  # fmt: skip
    return replace(first, **changes)


def test_the_times_nearest_to_its_own_come_first_and_say_what_they_are() -> None:
    visit = with_times(asked(free(okafor=(8, 10), imani=(33, 34), room=(0, 72))), now=MONDAY, most=99)
    times = [(one.start - MONDAY, one.assigned[0][1], one.whys) for one in visit.times]
    assert times[0] == (timedelta(hours=9), OKAFOR, (TimeWhy.SAME_TIME, TimeWhy.SOMEBODY_NEW))
    assert times[1][2] == (TimeWhy.SAME_DAY, TimeWhy.SOMEBODY_NEW)
    assert (timedelta(hours=33), IMANI, (TimeWhy.SAME_PERSON,)) in times
    assert [one.cost for one in visit.times] == sorted(one.cost for one in visit.times)
    knows = with_times(asked(free(okafor=(9, 10), room=(0, 72)), known=frozenset({OKAFOR})), now=MONDAY, most=1)
    assert [one.whys for one in knows.times] == [(TimeWhy.SAME_TIME, TimeWhy.KNOWS_PATIENT)]


def test_nobody_is_moved_forward_with_less_than_two_days_notice_nor_back_with_less_than_four_hours() -> None:
    bits, wednesday = free(okafor=(0, 72), room=(0, 72)), MONDAY + timedelta(hours=56)

    def offered(now: datetime) -> set[int]:
        times = with_times(asked(bits, was=wednesday), now=now, most=999).times
        return {(one.start - MONDAY) // timedelta(hours=1) for one in times}

    assert min(offered(MONDAY)) == 48
    assert min(offered(MONDAY + timedelta(hours=12))) == 56, "its own time, with somebody else"
    assert min(offered(MONDAY + timedelta(hours=55)) - {56}) == 59


def test_two_who_lead_at_one_time_have_a_room_each() -> None:
    bits = free(okafor=(9, 9.5), imani=(9, 9.5), room=(9, 9.5), other_room=(9, 9.5))
    times = with_times(asked(bits), now=MONDAY, most=99).times
    assert {tuple(pk for _, pk in one.assigned) for one in times} == {
        (IMANI, ROOM), (IMANI, OTHER_ROOM), (OKAFOR, ROOM), (OKAFOR, OTHER_ROOM),
    }  # fmt: skip
    assert with_times(asked(bits), now=MONDAY, most=3).times == times[:3]


def test_a_time_after_the_deadline_says_so_and_comes_last() -> None:
    bits = free(okafor=(9.5, 10.5), room=(0, 72))
    visit = with_times(asked(bits, deadline=NINE + timedelta(minutes=45)), now=MONDAY, most=99)
    assert [TimeWhy.AFTER_DEADLINE in one.whys for one in visit.times] == [False, True]


def test_another_time_than_its_own_leaves_the_patient_hours_to_hear_of_it() -> None:
    bits = free(okafor=(8, 15), room=(0, 72))
    now = NINE - timedelta(hours=1)
    starts = [one.start for one in with_times(asked(bits), now=now, most=99).times]
    assert starts[0] == NINE
    assert min(starts[1:]) == NINE + timedelta(hours=3)


@pytest.mark.parametrize(
    ("gap", "is_earlier", "hours"),
    [(Gap(least_days=1), True, [34]), (Gap(most_days=0), False, [10]), (Gap(), True, [34])],
)
def test_a_visit_of_a_journey_keeps_to_the_others(gap: Gap, is_earlier: bool, hours: list[int]) -> None:
    noon = MONDAY + timedelta(hours=12)
    beside = Beside(other=PlacedVisit(span=Span(noon, noon + HALF_HOUR), zone=ZONE), gap=gap, is_earlier=is_earlier)
    bits = free(okafor=(10, 10.5), imani=(34, 34.5), room=(0, 72))
    times = with_times(asked(bits, beside=(beside,)), now=MONDAY, most=99).times
    assert [(one.start - MONDAY) // timedelta(hours=1) for one in times] == hours


def test_who_would_sit_on_two_chairs_or_nothing_needed_gives_no_time() -> None:
    both = (Need(role="clinician", pool=(IMANI,)), Need(role="second", pool=(IMANI,)))
    assert with_times(asked(free(imani=(9, 12)), needs=both), now=MONDAY, most=9).times == ()
    assert with_times(asked(free(), needs=()), now=MONDAY, most=9).times == ()
    pair = (Need(role="clinician", pool=(IMANI, OKAFOR), quantity=2),)
    two = with_times(asked(free(imani=(9, 9.5), okafor=(9, 9.5)), needs=pair), now=MONDAY, most=9).times
    assert {frozenset(pk for _, pk in one.assigned) for one in two} == {frozenset({IMANI, OKAFOR})}


# --- properties ----------------------------------------------------------------------------------------------


@st.composite
def days(draw: st.DrawFn) -> list[DisplacedVisit]:
    visits = []
    for key in range(draw(st.integers(1, 6))):
        times = [
            at(draw(st.integers(36, 48)) / 4, who=draw(st.integers(1, 2)), room=draw(st.integers(11, 12)))
            for _ in range(draw(st.integers(0, 5)))
        ]
        press = draw(st.sampled_from(list(Press)))
        visits.append(
            visit(key, *sorted(times, key=lambda one: one.cost), press=press, patient=draw(st.integers(7, 9)))
        )
    return visits


@given(days())
def test_no_plan_needs_anybody_twice_and_polish_is_never_worse(visits: list[DisplacedVisit]) -> None:
    first = greedy_plan(visits)
    better = polished_plan(visits, first=first, effort=0.05)
    assert better == polished_plan(visits, first=first, effort=0.05)
    for plan in (first, better):
        taken = [
            (whose, span)
            for one in visits
            if (pick := plan.picks[one.key])
            for whose, span in pick.takes(one.patient_id)
        ]
        clash = [(a, b) for n, a in enumerate(taken) for b in taken[n + 1 :] if a[0] == b[0] and a[1].overlaps(b[1])]
        assert clash == []
        assert plan.cost == cost_of_plan(visits, plan.picks)
        assert plan.bound <= plan.cost
    assert better.cost <= first.cost
    assert better.bound >= first.bound
