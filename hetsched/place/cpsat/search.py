"""Minimise what the units do in total: solve, stage the answer, order circles of stages, repeat."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ortools.sat.python import cp_model

from hetsched.errors import PlacementError
from hetsched.place.cpsat.variables import Variables, hint, order_pair
from hetsched.place.evaluate import evaluate, score, within_limits
from hetsched.place.limits import Limits
from hetsched.place.placement import Schedule, Stage
from hetsched.place.problem import Problem
from hetsched.place.stages import best_stages, ordered

_CLOSING_S = 0.1
"""Time kept for what comes after the solver, which also looks at the clock only now and then."""

_ASK_AGAIN_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The best schedule, None where the solver found none, and a bound in the objective's score.

    `infeasible` is proven, not given up.
    """

    schedule: Schedule | None
    bound: int
    infeasible: bool = False


class Stop:
    """Ends a search from another thread."""

    def __init__(self) -> None:
        """Nothing to stop yet."""
        self.asked = False
        self.solver: cp_model.CpSolver | None = None

    def ask(self, thread: threading.Thread) -> None:
        """Stop the search that a thread does, and wait until it has ended."""
        self.asked = True
        while thread.is_alive():
            if self.solver is not None:
                # Has no effect on a solver that is about to begin: asked again until it has.
                self.solver.stop_search()
            thread.join(_ASK_AGAIN_S)


def search(
    variables: Variables,
    objective: str,
    floor: Schedule | None,
    bound: int,
    limits: Limits,
    stop: Stop | None = None,
) -> Found:
    """Solve a model with its objective set.

    Args:
        variables: the model.
        objective: `throughput` or `energy`.
        floor: a valid schedule to begin with, None where there is none.
        bound: a lower bound known already, as a score.
        limits: when to stop.
        stop: stops it before.

    Returns:
        A schedule no worse than the floor.
    """
    problem = variables.problem
    best = floor
    work = limits.work
    stop = stop or Stop()
    while True:
        if stop.asked or (best is not None and limits.left_s <= _CLOSING_S):
            return Found(schedule=best, bound=bound)
        if best is not None:
            if _gap(score(problem, best, objective), bound) <= limits.gap:
                return Found(schedule=best, bound=min(bound, score(problem, best, objective)))
            hint(variables, best)
        solver = stop.solver = _solver(limits, work)
        status = solver.solve(variables.model)
        work -= solver.response_proto.deterministic_time
        if status == cp_model.INFEASIBLE:
            return Found(schedule=best, bound=bound, infeasible=best is None)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return Found(schedule=best, bound=max(bound, _bound(solver)))
        bound = max(bound, _bound(solver))
        runs = [solver.values(row).tolist() for row in variables.runs]
        unit_of = [
            next(unit for unit, variable in choices.items() if solver.boolean_value(variable))
            for choices in variables.on
        ]
        best = _better(problem, objective, best, _realised(problem, objective, unit_of, runs))
        closed = solver.objective_value <= bound / (1 - limits.gap) if limits.gap < 1 else True
        added = _order_one_cycle(variables, unit_of, runs) if closed else False
        if not added or limits.left_s <= 0 or work <= 0:
            top = bound if best is None else min(bound, score(problem, best, objective))
            return Found(schedule=best, bound=top)


def _gap(value: int, bound: int) -> float:
    return (value - bound) / value if value else 0.0


def _solver(limits: Limits, work: float) -> cp_model.CpSolver:
    """One worker with the strongest linear relaxation: repeatable, and these models live by it."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.linearization_level = 2
    solver.parameters.random_seed = limits.seed % 2**31
    solver.parameters.relative_gap_limit = limits.gap
    solver.parameters.max_time_in_seconds = max(_CLOSING_S, limits.left_s - _CLOSING_S)
    solver.parameters.max_deterministic_time = max(0.0, work)
    return solver


def _bound(solver: cp_model.CpSolver) -> int:
    """The solver's bound, exact: what it hands out as a float is rounded where energy is large."""
    return max(0, int(solver.response_proto.inner_objective_lower_bound))


def _better(
    problem: Problem, objective: str, one: Schedule | None, other: Schedule | None
) -> Schedule | None:
    """The schedule with the lower score; the first of two equals."""
    known = [schedule for schedule in (one, other) if schedule is not None]
    return min(known, key=lambda schedule: score(problem, schedule, objective), default=None)


def _keys(unit_of: Sequence[int], runs: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Stage per group as the solver counts them: unit, and how many it has begun."""
    return [(unit, runs[group][unit]) for group, unit in enumerate(unit_of)]


def _realised(
    problem: Problem, objective: str, unit_of: Sequence[int], runs: Sequence[Sequence[int]]
) -> Schedule | None:
    """The best staging of an assignment: the solver's own stages or those that merging finds."""
    merged = best_stages(problem, unit_of, objective)
    members: dict[tuple[int, int], list[int]] = {}
    for group, key in enumerate(_keys(unit_of, runs)):
        members.setdefault(key, []).append(group)
    own = [Stage(unit=unit, groups=tuple(groups)) for (unit, _), groups in members.items()]
    try:
        stages = ordered(problem, own)
    except PlacementError:
        return merged
    if not within_limits(problem, stages):
        return merged
    return _better(problem, objective, merged, evaluate(problem, stages))


def _order_one_cycle(
    variables: Variables, unit_of: Sequence[int], runs: Sequence[Sequence[int]]
) -> bool:
    """If the solver's stages wait for each other, order the groups that show it.

    On a cycle of stages let each be left from one group towards the next. Whichever of two such
    neighbours comes first, one of the two units needs another stage: the answer isn't one any more.

    Returns:
        Whether some pair is ordered that wasn't before.
    """
    known = len(variables.first)
    exits = _cycle(variables.problem, _keys(unit_of, runs))
    for one, other in zip(exits, [*exits[1:], *exits[:1]], strict=True):
        pair = min(one, other), max(one, other)
        if one != other and pair not in variables.first:
            order_pair(variables, *pair)
    return len(variables.first) > known


def _cycle(problem: Problem, keys: Sequence[tuple[int, int]]) -> list[int]:
    """A shortest cycle of stages: per stage the group by which it is left. Empty without one."""
    leads: dict[tuple[int, int], dict[tuple[int, int], int]] = {key: {} for key in keys}
    for group, before in enumerate(problem.predecessors):
        for producer in before:
            if keys[producer] != keys[group]:
                leads[keys[producer]].setdefault(keys[group], producer)
    best: list[int] = []
    for root in leads:
        way = _way_back(leads, root)
        if way and (not best or len(way) < len(best)):
            best = way
    return best


def _way_back(
    leads: dict[tuple[int, int], dict[tuple[int, int], int]], root: tuple[int, int]
) -> list[int]:
    """Exits along a shortest way from a stage back to itself; empty without one."""
    came: dict[tuple[int, int], tuple[tuple[int, int], int]] = {}
    queue = deque([root])
    while queue and root not in came:
        at = queue.popleft()
        for after, by in leads[at].items():
            if after not in came:
                came[after] = (at, by)
                queue.append(after)
    if root not in came:
        return []
    at, exits = root, list[int]()
    while not exits or at != root:
        at, by = came[at]
        exits.append(by)
    return exits[::-1]
