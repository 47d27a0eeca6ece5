"""A plan for a displaced day made better by a solver (CP-SAT of OR-Tools), within a limit, the same each time.

It begins from the plan that is there and is never worse. The library takes a second to load: only who polishes a plan
loads it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from liaison.scheduling.rules.bits import CELL
from liaison.scheduling.rules.replan import DayPlan, DisplacedVisit, NewTime, cost_of_plan
from liaison.scheduling.rules.spans import Span

EFFORT: Final = 1.0
"""How long the solver may work, in its own measure of work, which is the same on every machine: about a second."""
_SECONDS: Final = 4.0
"""When a slow machine gives up all the same."""
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_SEED: Final = 7


def polished_plan(visits: Sequence[DisplacedVisit], *, first: DayPlan, effort: float = EFFORT) -> DayPlan:
    """The best plan that is found from `first` on, and how little a better one could cost.

    One worker and one seed: the same visits give the same plan.
    """
    if first.is_best:
        return first
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    chosen = _choices(model, visits, first=first)
    _nobody_twice(model, visits, chosen)
    model.minimize(
        sum(one.cost * is_it for visit in visits for one, is_it in zip(visit.times, chosen[visit.key], strict=True))
        + sum(visit.cost_of_none * (1 - sum(chosen[visit.key])) for visit in visits)
    )
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = _SEED
    solver.parameters.max_deterministic_time = effort
    solver.parameters.max_time_in_seconds = _SECONDS
    status = solver.solve(model)
    bound = max(first.bound, _rounded_up(solver.best_objective_bound))
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return DayPlan(picks=first.picks, cost=first.cost, bound=first.bound)
    picks: dict[int, NewTime | None] = {
        visit.key: next(
            (one for one, is_it in zip(visit.times, chosen[visit.key], strict=True) if solver.boolean_value(is_it)),
            None,
        )
        for visit in visits
    }
    cost = cost_of_plan(visits, picks)
    if cost >= first.cost:
        return DayPlan(picks=first.picks, cost=first.cost, bound=min(bound, first.cost))
    return DayPlan(picks=picks, cost=cost, bound=min(bound, cost))


def _choices(model: Any, visits: Sequence[DisplacedVisit], *, first: DayPlan) -> dict[int, list[Any]]:
    """A yes or no for each time of each visit, at most one yes, with the first plan as the place to begin."""
    chosen: dict[int, list[Any]] = {}
    for visit in visits:
        chosen[visit.key] = [model.new_bool_var("") for _ in visit.times]
        model.add_at_most_one(chosen[visit.key])
        for one, is_it in zip(visit.times, chosen[visit.key], strict=True):
            model.add_hint(is_it, one == first.picks[visit.key])
    return chosen


def _nobody_twice(model: Any, visits: Sequence[DisplacedVisit], chosen: dict[int, list[Any]]) -> None:
    """In each five minutes nobody and nothing is needed by two."""
    needed: dict[tuple[int, int], dict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for visit in visits:
        for one, is_it in zip(visit.times, chosen[visit.key], strict=True):
            for whose, span in one.takes(visit.patient_id):
                for cell in _cells(span):
                    needed[whose, cell][visit.key].append(is_it)
    said: set[frozenset[int]] = set()
    for by_visit in needed.values():
        together = [is_it for several in by_visit.values() for is_it in several]
        same = frozenset(is_it.index for is_it in together)
        if len(by_visit) > 1 and same not in said:
            said.add(same)
            model.add_at_most_one(together)


def _cells(span: Span) -> Iterator[int]:
    """The five minutes that a span touches, counted from one instant."""
    return iter(range((span.start - _EPOCH) // CELL, -((_EPOCH - span.end) // CELL)))


def _rounded_up(bound: float) -> int:
    return -int(-bound // 1)
