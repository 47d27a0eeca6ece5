"""Several visits that belong together: the rules between them, and the search for times."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from liaison.scheduling.rules import Span
from liaison.scheduling.rules.journey_search import plan_journey, why_no_plan
from liaison.scheduling.rules.journeys import (
    Gap,
    GapFault,
    Hindered,
    JourneyPlan,
    JourneyWish,
    PlacedVisit,
    PlanWhy,
    Step,
    distance_in_words,
    gap_fault,
    gap_in_words,
    with_whys,
)
from liaison.scheduling.tests.journey_world import (
    ECHO,
    HEART,
    LAB,
    MONDAY,
    NEW_YORK,
    NURSE,
    World,
    asked,
    at,
    ends_by_brute_force,
    free,
    written,
)

NEXT_DAY, SAME_DAY = Gap(least_days=1), Gap(most_days=0)


def placed(day: int, opens: str, closes: str) -> PlacedVisit:
    return PlacedVisit(span=free(day, opens, closes), zone=NEW_YORK)


class TestTheRuleBetweenTwoVisits:
    @pytest.mark.parametrize(
        ("gap", "later", "fault"),
        [
            (Gap(), placed(0, "10:00", "11:00"), None),
            (Gap(), placed(0, "09:15", "09:45"), GapFault.ORDER),
            (NEXT_DAY, placed(0, "10:00", "11:00"), GapFault.TOO_NEAR),
            (NEXT_DAY, placed(1, "08:00", "09:00"), None),
            (Gap(most_days=14), placed(15, "08:00", "09:00"), GapFault.TOO_FAR),
            (Gap(most_days=14), placed(14, "08:00", "09:00"), None),
            (Gap(most_days=0, least_minutes=30), placed(0, "09:45", "10:00"), GapFault.MINUTES_TOO_FEW),
            (Gap(most_days=0, most_minutes=30), placed(0, "11:00", "12:00"), GapFault.MINUTES_TOO_MANY),
            (Gap(most_days=0, most_minutes=30), placed(0, "10:00", "12:00"), None),
        ],
    )
    def test_it_is_kept_or_says_what_is_wrong(self, gap: Gap, later: PlacedVisit, fault: GapFault | None) -> None:
        assert gap_fault(gap, earlier=placed(0, "09:00", "09:30"), later=later) is fault

    def test_days_are_those_of_the_wall_clock_when_the_clocks_change(self) -> None:
        """March 8 has 23 hours in New York: Saturday evening to Monday early is two days, though less than 36 hours."""
        saturday, monday = placed(5, "20:00", "20:30"), placed(7, "07:00", "07:30")
        assert gap_fault(Gap(least_days=2, most_days=2), earlier=saturday, later=monday) is None

    @pytest.mark.parametrize(
        "wrong",
        [
            {"least_days": 3, "most_days": 2},
            {"least_minutes": 9, "most_minutes": 8},
            {"least_days": -1},
            {"least_minutes": -1},
        ],
    )
    def test_what_nothing_could_keep_to_is_no_rule(self, wrong: dict[str, int]) -> None:
        with pytest.raises(ValueError, match="A gap is at least nothing"):
            Gap(**wrong)

    @pytest.mark.parametrize(
        ("gap", "words"),
        [
            (Gap(), "at any time after"),
            (NEXT_DAY, "at least 1 day after"),
            (Gap(least_days=3), "at least 3 days after"),
            (Gap(most_days=14), "at most 14 days after"),
            (Gap(least_days=2, most_days=2), "exactly 2 days after"),
            (Gap(least_days=1, most_days=14), "1 to 14 days after"),
            (SAME_DAY, "on the same day, after"),
            (Gap(most_days=0, most_minutes=60), "on the same day, at most 60 minutes after"),
            (Gap(least_minutes=20, most_minutes=60), "at any time, at least 20 minutes and at most 60 minutes after"),
        ],
    )
    def test_it_is_said_in_words(self, gap: Gap, words: str) -> None:
        assert gap_in_words(gap) == words

    @pytest.mark.parametrize(
        ("later", "words"),
        [
            (placed(3, "09:00", "10:00"), "3 days after"),
            (placed(-1, "09:00", "10:00"), "1 day before"),
            (placed(0, "09:10", "10:00"), "before the end of"),
            (placed(0, "10:00", "10:30"), "30 minutes after"),
        ],
    )
    def test_so_is_the_distance(self, later: PlacedVisit, words: str) -> None:
        assert distance_in_words(placed(0, "09:00", "09:30"), later) == words


def mrs_lewis(world: World, *, gaps: tuple[Gap, ...] = (NEXT_DAY, Gap(most_days=14)), **more: object) -> JourneyWish:
    steps = (world.step({LAB}, kind="labs"), world.step({ECHO}, kind="echo"), world.step({HEART}, kind="heart"))
    return asked(*steps, gaps=gaps, **more)  # type: ignore[arg-type]  # passed on as it is


class TestMrsLewis:
    """Labs, then an echo at least a day later, then the cardiologist at most fourteen days after the echo."""

    def test_gets_two_trips_where_the_cardiologist_is_there_on_the_day_of_the_echo(self) -> None:
        world = World(
            times={
                LAB: [free(0, "08:00", "09:00"), free(1, "08:00", "09:00")],
                ECHO: [free(0, "08:00", "12:00"), free(2, "08:00", "09:00"), free(3, "09:00", "10:00")],
                HEART: [free(3, "10:00", "12:00"), free(2, "08:00", "08:30")],
            }
        )
        plans = plan_journey(mrs_lewis(world))
        assert written(plans[0]) == ["0 Mon 08:00", "1 Thu 09:30", "2 Thu 10:00"]
        assert plans[0].whys == (PlanWhy.FEWEST_TRIPS, PlanWhy.DONE_EARLIEST)
        assert [plan.trips for plan in plans] == [2, 3]
        assert written(plans[1]) == ["0 Mon 08:00", "1 Wed 08:00", "2 Thu 10:00"]
        assert plans[1].whys == ()

    def test_is_told_which_gap_leaves_nothing_and_what_would_help(self) -> None:
        world = World(
            times={
                LAB: [free(3, "08:00", "09:00")],
                ECHO: [free(3, "10:00", "12:00")],
                HEART: [free(5, "08:00", "09:00")],
            }
        )
        wish = mrs_lewis(world)
        assert plan_journey(wish) == ()
        why = why_no_plan(wish)
        assert (why.kind, why.at, why.relaxed_at, why.relaxed) == (Hindered.GAP, 0, 0, Gap())
        assert why.then is not None
        assert written(why.then) == ["0 Thu 08:30", "1 Thu 10:00", "2 Sat 08:00"]

    def test_is_told_that_the_second_gap_is_too_short_and_by_how_much(self) -> None:
        world = World(
            times={
                LAB: [free(0, "08:00", "09:00")],
                ECHO: [free(1, "10:00", "12:00")],
                HEART: [free(6, "08:00", "09:00")],
            }
        )
        why = why_no_plan(mrs_lewis(world, gaps=(NEXT_DAY, Gap(most_days=2))))
        assert (why.kind, why.at, why.relaxed_at, why.relaxed) == (Hindered.GAP, 1, 1, Gap(most_days=5))

    def test_is_told_how_many_days_less_would_do(self) -> None:
        """Of four days between the labs and the echo only two can be kept."""
        world = World(times={LAB: [free(0, "08:00", "09:00")], ECHO: [free(2, "10:00", "12:00")]})
        why = why_no_plan(asked(world.step({LAB}), world.step({ECHO}), gaps=[Gap(least_days=4)]))
        assert (why.relaxed_at, why.relaxed) == (0, Gap(least_days=2))

    def test_is_told_what_can_not_be_had_at_all(self) -> None:
        world = World(times={LAB: [free(0, "08:00", "09:00")], HEART: [free(6, "08:00", "09:00")]})
        why = why_no_plan(mrs_lewis(world))
        assert (why.kind, why.at, why.relaxed) == (Hindered.STEP, 1, None)


class TestThePlans:
    def test_in_the_best_order_need_one_trip_where_the_order_that_was_typed_needs_two(self) -> None:
        world = World(
            times={
                LAB: [free(0, "10:00", "11:00"), free(2, "10:00", "11:00")],
                ECHO: [free(0, "08:00", "09:00"), free(4, "08:00", "09:00")],
            }
        )
        steps = (world.step({LAB}), world.step({ECHO}))
        assert written(plan_journey(asked(*steps))[0]) == ["0 Mon 10:00", "1 Fri 08:00"]
        best = plan_journey(asked(*steps, any_order=True))[0]
        assert written(best) == ["1 Mon 08:30", "0 Mon 10:00"]
        assert best.whys == (PlanWhy.ONE_TRIP, PlanWhy.DONE_EARLIEST)

    def test_no_two_differ_by_minutes_only(self) -> None:
        times = {
            LAB: [free(day, "08:00", "12:00") for day in range(5)],
            ECHO: [free(day, "08:00", "12:00") for day in range(5)],
        }
        world = World(times=times)
        plans = plan_journey(asked(world.step({LAB}), world.step({ECHO})))
        assert [(plan.trips, plan.days) for plan in plans] == [
            (1, (MONDAY, MONDAY)),
            (1, (MONDAY + timedelta(days=1),) * 2),
            (1, (MONDAY + timedelta(days=2),) * 2),
            (2, (MONDAY, MONDAY + timedelta(days=1))),
            (2, (MONDAY, MONDAY + timedelta(days=2))),
        ]

    def test_that_are_cut_short_keep_the_one_that_is_done_first(self) -> None:
        world = World(
            times={
                LAB: [free(0, "08:00", "09:00"), free(4, "08:00", "09:00"), free(5, "08:00", "09:00")],
                ECHO: [free(1, "08:00", "09:00"), free(4, "09:00", "10:00"), free(5, "09:00", "10:00")],
            }
        )
        plans = plan_journey(asked(world.step({LAB}), world.step({ECHO}), limit=2))
        assert [written(plan) for plan in plans] == [["0 Fri 08:30", "1 Fri 09:00"], ["0 Mon 08:00", "1 Tue 08:00"]]
        assert [plan.whys for plan in plans] == [(PlanWhy.ONE_TRIP,), (PlanWhy.DONE_EARLIEST,)]

    def test_prefer_who_knows_the_patient_on_the_same_day(self) -> None:
        world = World(
            times={
                LAB: [free(0, "08:00", "09:00")],
                HEART: [free(1, "08:00", "10:00")],
                NURSE: [free(1, "11:00", "12:00")],
            }
        )
        steps = (world.step({LAB}), world.step((HEART, NURSE), known={NURSE}))
        plan = plan_journey(asked(*steps))[0]
        assert written(plan) == ["0 Mon 08:00", "1 Tue 11:00"]
        assert plan.visits[1].assigned == (("role 0", NURSE),)
        assert plan.whys == (PlanWhy.FEWEST_TRIPS, PlanWhy.DONE_EARLIEST, PlanWhy.KNOWS_PATIENT)

    def test_take_somebody_else_where_who_knows_the_patient_can_not_follow(self) -> None:
        world = World(
            times={
                LAB: [free(0, "10:00", "11:00")],
                HEART: [free(0, "11:00", "12:00")],
                NURSE: [free(0, "08:00", "09:00")],
            }
        )
        steps = (world.step({LAB}), world.step((HEART, NURSE), known={NURSE}))
        plan = plan_journey(asked(*steps, gaps=[SAME_DAY]))[0]
        assert plan.visits[1].assigned == (("role 0", HEART),)
        assert plan.known == 0

    def test_leave_time_for_the_way_to_another_site(self) -> None:
        world = World(times={LAB: [free(0, "08:00", "08:30")], ECHO: [free(0, "08:00", "10:00")]})
        far = world.step({ECHO}, site=2)
        assert written(plan_journey(asked(world.step({LAB}), far, gaps=[SAME_DAY]))[0]) == [
            "0 Mon 08:00",
            "1 Mon 09:15",
        ]
        call = world.step({ECHO}, site=2, in_person=False)
        assert written(plan_journey(asked(world.step({LAB}), call, gaps=[SAME_DAY]))[0]) == [
            "0 Mon 08:00",
            "1 Mon 08:30",
        ]

    def test_count_the_way_also_over_a_call_in_between(self) -> None:
        world = World(
            times={
                LAB: [free(0, "08:00", "08:30")],
                NURSE: [free(0, "08:30", "08:45")],
                ECHO: [free(0, "08:00", "10:00")],
            }
        )
        steps = (
            world.step({LAB}),
            world.step({NURSE}, minutes=15, site=2, in_person=False),
            world.step({ECHO}, site=2),
        )
        plan = plan_journey(asked(*steps, gaps=[SAME_DAY, SAME_DAY]))[0]
        assert written(plan) == ["0 Mon 08:00", "1 Mon 08:30", "2 Mon 09:15"]

    def test_stay_at_one_site_where_that_can_be(self) -> None:
        world = World(
            times={
                LAB: [free(0, "08:00", "09:00")],
                ECHO: [free(0, "11:00", "12:00")],
                HEART: [free(0, "09:45", "10:15")],
            }
        )
        places = (world.place({ECHO}, site=1), world.place({HEART}, site=2))
        plan = plan_journey(asked(world.step({LAB}), Step(kind="echo", places=places), gaps=[SAME_DAY]))[0]
        assert [(visit.site_id, visit.knows) for visit in plan.visits] == [(1, False), (1, False)]

    def test_go_to_another_site_where_there_is_no_other_way(self) -> None:
        world = World(times={LAB: [free(0, "08:00", "09:00")], HEART: [free(0, "09:45", "10:15")]})
        places = (world.place({ECHO}, site=1), world.place({HEART}, site=2))
        plan = plan_journey(asked(world.step({LAB}), Step(kind="echo", places=places), gaps=[SAME_DAY]))[0]
        assert written(plan) == ["0 Mon 08:30", "1 Mon 09:45"]
        assert [visit.site_id for visit in plan.visits] == [1, 2]

    def test_never_give_one_room_to_two_visits_whose_buffers_meet(self) -> None:
        world = World(times={LAB: [free(0, "08:00", "10:00")]})
        steps = (world.step({LAB}, kind="a", after=15), world.step({LAB}, kind="b", before=15))
        assert written(plan_journey(asked(*steps))[0]) == ["0 Mon 08:00", "1 Mon 09:00"]

    def test_take_the_other_room_where_the_first_is_needed_right_after(self) -> None:
        world = World(times={LAB: [free(0, "08:00", "09:15")], ECHO: [free(0, "08:00", "09:00")]})
        steps = (world.step((LAB, ECHO), kind="a", after=15), world.step({LAB}, kind="b", before=15))
        plan = plan_journey(asked(*steps, gaps=[Gap(most_days=0, most_minutes=0)]))[0]
        assert [visit.assigned[0][1] for visit in plan.visits] == [ECHO, LAB]

    def test_never_have_one_kind_of_visit_twice_on_a_day_with_the_same_person(self) -> None:
        world = World(times={HEART: [free(0, "08:00", "10:00"), free(1, "08:00", "10:00")]})
        step = world.step({HEART}, kind="same", people={HEART})
        assert [plan.trips for plan in plan_journey(asked(step, step))] == [2]

    def test_say_so_where_the_visits_keep_each_other_out(self) -> None:
        world = World(times={HEART: [free(0, "08:00", "10:00")]})
        step = world.step({HEART}, kind="same", people={HEART})
        wish = asked(step, step, gaps=[SAME_DAY])
        assert plan_journey(wish) == ()
        why = why_no_plan(wish)
        assert (why.kind, why.relaxed) == (Hindered.TOGETHER, None)

    def test_look_no_longer_than_is_bearable_for_what_can_never_be(self) -> None:
        """Five of the same on one day with one person: millions of times could be tried, all in vain."""
        world = World(times={HEART: [free(0, "08:00", "18:00")]})
        step = world.step({HEART}, kind="same", people={HEART}, step=5)
        assert plan_journey(asked(*[step] * 5)) == ()

    def test_keep_the_minutes_between_two_visits(self) -> None:
        world = World(
            times={LAB: [free(0, "08:00", "08:30"), free(0, "11:00", "11:30")], ECHO: [free(0, "12:00", "13:00")]}
        )
        steps = (world.step({LAB}), world.step({ECHO}))
        gap = Gap(most_days=0, least_minutes=20, most_minutes=45)
        assert written(plan_journey(asked(*steps, gaps=[gap]))[0]) == ["0 Mon 11:00", "1 Mon 12:00"]

    def test_give_up_minutes_first_where_that_helps(self) -> None:
        world = World(times={LAB: [free(0, "08:00", "08:30")], ECHO: [free(0, "12:00", "13:00")]})
        why = why_no_plan(asked(world.step({LAB}), world.step({ECHO}), gaps=[Gap(most_days=0, most_minutes=15)]))
        assert (why.kind, why.relaxed) == (Hindered.GAP, SAME_DAY)

    def test_have_no_minutes_that_the_steps_of_the_clock_do_not_offer(self) -> None:
        """Seventeen minutes long, then at most two more: no start on five minutes lies there."""
        world = World(times={LAB: [free(0, "08:00", "09:00")], ECHO: [free(0, "08:00", "13:00")]})
        steps = (world.step({LAB}, minutes=17, step=5), world.step({ECHO}, step=5))
        assert plan_journey(asked(*steps, gaps=[Gap(most_days=0, least_minutes=1, most_minutes=2)])) == ()

    def test_wait_little_between_two_visits_of_a_day(self) -> None:
        world = World(times={LAB: [free(0, "08:00", "12:00")], ECHO: [free(0, "11:00", "12:00")]})
        assert written(plan_journey(asked(world.step({LAB}), world.step({ECHO})))[0]) == ["0 Mon 10:30", "1 Mon 11:00"]

    def test_keep_from_the_patients_own_visits(self) -> None:
        world = World(times={LAB: [free(0, "08:00", "10:00")], ECHO: [free(0, "08:00", "12:00")]})
        busy = (free(0, "08:00", "09:00"),)
        steps = (world.step({LAB}, avoid=busy), world.step({ECHO}, avoid=busy))
        assert written(plan_journey(asked(*steps))[0]) == ["0 Mon 09:00", "1 Mon 09:30"]

    def test_stay_on_the_wall_clock_in_the_night_in_which_it_changes(self) -> None:
        """The clocks of New York skip an hour on Sunday, March 8; Saturday, Sunday and Monday follow each other."""
        world = World(
            times={
                LAB: [free(5, "23:00", "23:30")],
                ECHO: [free(6, "03:00", "04:00")],
                HEART: [free(7, "00:00", "01:00")],
            },
            days=9,
        )
        plan = plan_journey(mrs_lewis(world, gaps=(Gap(least_days=1, most_days=1),) * 2))[0]
        assert written(plan) == ["0 Sat 23:00", "1 Sun 03:00", "2 Mon 00:00"]
        assert plan.trips == 3

    def test_of_nothing_are_none(self) -> None:
        assert with_whys(()) == ()
        step = Step(kind="nowhere", places=())
        assert plan_journey(asked(step, step)) == ()
        assert why_no_plan(asked(step, step)).kind is Hindered.STEP

    def test_need_a_gap_between_every_two(self) -> None:
        world = World(times={})
        with pytest.raises(ValueError, match="one gap fewer"):
            plan_journey(asked(world.step({LAB}), world.step({ECHO}), gaps=[SAME_DAY, SAME_DAY]))


gap_days = some.sampled_from([(0, None), (1, None), (0, 0), (0, 1), (1, 2), (2, None)])
gap_minutes = some.sampled_from([(0, None), (0, None), (30, None), (0, 45), (15, 60)])
gaps = some.builds(
    lambda days, minutes: Gap(least_days=days[0], most_days=days[1], least_minutes=minutes[0], most_minutes=minutes[1]),
    gap_days,
    gap_minutes,
)


@some.composite
def free_times(draw: some.DrawFn, zone: ZoneInfo) -> list[Span]:
    """Free for an hour or so on some of three days around a change of the clock."""
    spans = []
    for day in draw(some.sets(some.sampled_from([5, 6, 7]), max_size=3)):
        hour, length = draw(some.sampled_from([8, 9, 11])), draw(some.sampled_from([30, 60, 90]))
        start = at(day, f"{hour:02d}:00", zone)
        spans.append(Span(start, start + timedelta(minutes=length)))
    return sorted(spans)


@some.composite
def small_worlds(draw: some.DrawFn) -> tuple[World, JourneyWish]:
    zone = draw(some.sampled_from([NEW_YORK, ZoneInfo("America/Phoenix"), ZoneInfo("Australia/Lord_Howe")]))
    times = {pk: draw(free_times(zone)) for pk in (LAB, ECHO, HEART)}
    world = World(times=times, days=9, zone=zone)
    steps = []
    for _ in range(draw(some.sampled_from([2, 3]))):
        pools = draw(some.sampled_from([((LAB,),), ((LAB, ECHO),), ((HEART,),), ((LAB, ECHO), (HEART, ECHO))]))
        common = {
            "minutes": draw(some.sampled_from([20, 30])),
            "before": draw(some.sampled_from([0, 10])),
            "after": draw(some.sampled_from([0, 15])),
            "step": 30,
            "people": draw(some.sampled_from([(), (HEART,)])),
            "known": draw(some.sampled_from([(), (ECHO,)])),
        }
        sites = draw(some.sampled_from([(1,), (2,), (1, 2)]))
        places = tuple(world.place(*pools, site=site, **common) for site in sites)
        steps.append(Step(kind=draw(some.sampled_from(["a", "b"])), places=places))
    chosen = tuple(draw(gaps) for _ in steps[1:])
    return world, asked(*steps, gaps=chosen, any_order=draw(some.booleans()), limit=99, per_trips=99)


@settings(max_examples=150, deadline=None)
@given(small_worlds())
def test_the_search_finds_what_trying_everything_finds(drawn: tuple[World, JourneyWish]) -> None:
    world, wish = drawn
    found = plan_journey(wish)
    assert {(plan.trips, plan.days[-1]) for plan in found} == ends_by_brute_force(wish, world.times)
    for plan in found:
        assert_sound(plan, wish, zone=world.zone)


def assert_sound(plan: JourneyPlan, wish: JourneyWish, *, zone: ZoneInfo) -> None:
    """A plan has every step once, keeps every gap, and takes only who is free."""
    assert sorted(visit.step for visit in plan.visits) == list(range(len(wish.steps)))
    spans = [PlacedVisit(span=Span(visit.start, visit.end), zone=zone) for visit in plan.visits]
    assert plan.days == tuple(span.on for span in spans)
    for gap, earlier, later in zip(wish.gaps, spans, spans[1:], strict=False):
        assert gap_fault(gap, earlier=earlier, later=later) is None
    for visit in plan.visits:
        place = next(one for one in wish.steps[visit.step].places if one.site_id == visit.site_id)
        assert len(visit.assigned) == len(place.needs)
        assert len({resource for _, resource in visit.assigned}) == len(visit.assigned)
