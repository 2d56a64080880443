"""A linear relaxation of latency: no big-M, no order between independent groups.

`end[g]` is the time at which group g would be done if its stage ran g's ancestors before anything
else. Then every schedule satisfies:

* a reader on its input's unit ends no earlier than its input plus its own time; a reader elsewhere
  also pays a dispatch and the copies, even if another stage brought them there before;
* what runs on one unit between a group and one that depends on it takes its time there.

So the optimum of this model is a bound, and its assignment a start for a search.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ortools.sat.python import cp_model

from hetsched.place.problem import Problem
from hetsched.place.spans import bits, spans


@dataclass(frozen=True, slots=True, kw_only=True)
class Arc:
    """A solved part of the graph between two groups that everything passes through.

    Attributes:
        source: group before it, None at the start.
        sink: group after it.
        lower_ns: (source unit, sink unit) to the least time between the two; unit 0 for None.
    """

    source: int | None
    sink: int | None
    lower_ns: dict[tuple[int, int], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxed:
    """What the relaxation found.

    Attributes:
        bound_ns: no schedule ends before.
        units: per group the unit in the relaxation's best solution, None where it wasn't modelled;
            empty when the solver found no solution in time.
    """

    bound_ns: int
    units: tuple[int | None, ...]


@dataclass(slots=True, kw_only=True)
class _Model:
    problem: Problem
    model: cp_model.CpModel
    horizon_ns: int
    on: dict[int, dict[int, cp_model.IntVar]] = field(default_factory=dict)
    end: dict[int, cp_model.IntVar] = field(default_factory=dict)
    moves: dict[tuple[int, int], dict[tuple[int, int], cp_model.IntVar]] = field(
        default_factory=dict
    )
    copies: dict[tuple[int, int], list[tuple[int, cp_model.IntVar]]] = field(default_factory=dict)


def relax(
    problem: Problem,
    arcs: Sequence[Arc],
    *,
    upper_ns: int,
    seed: int,
    deadline: float,
    work_limit: float,
) -> Relaxed:
    """Bound the latency from below.

    Args:
        problem: what is placed; limits of stages per unit are ignored.
        arcs: parts whose inner groups needn't be modelled.
        upper_ns: latency of a known schedule.
        seed: of the solver.
        deadline: of `time.monotonic()`, the outer stop.
        work_limit: deterministic time, the stop that makes results repeatable.
    """
    inner = {g for arc in arcs for g in _inside(problem, arc)}
    made = _Model(problem=problem, model=cp_model.CpModel(), horizon_ns=upper_ns)
    for group in range(len(problem.groups)):
        if group not in inner:
            _add_group(made, group)
    total = made.model.new_int_var(0, upper_ns, "total")
    for group in made.end:
        _add_paths(made, group)
    for arc in arcs:
        _add_arc(made, arc, total)
    for group in made.end:
        if not problem.successors[group]:
            made.model.add(total >= made.end[group])
    _add_memory(made)
    _add_copies(made)
    _add_spans(made, total)
    made.model.minimize(total)
    return _solve(made, seed, max(0.01, deadline - time.monotonic()), work_limit)


def _inside(problem: Problem, arc: Arc) -> range:
    first = 0 if arc.source is None else arc.source + 1
    return range(first, len(problem.groups) if arc.sink is None else arc.sink)


def _add_group(made: _Model, group: int) -> None:
    """A group runs on exactly one of its units."""
    made.on[group] = {
        unit: made.model.new_bool_var(f"on_{group}_{unit}") for unit in made.problem.allowed(group)
    }
    made.model.add_exactly_one(made.on[group].values())
    made.end[group] = made.model.new_int_var(0, made.horizon_ns, f"end_{group}")


def _work(made: _Model, group: int) -> cp_model.LinearExprT:
    """The group's own time on its unit."""
    row = made.problem.cost_ns[group]
    return sum((row[unit] or 0) * on for unit, on in made.on[group].items())


def _moves(made: _Model, before: int, after: int) -> dict[tuple[int, int], cp_model.IntVar]:
    """For each pair of units whether `before` runs on the one and `after` on the other."""
    if (before, after) in made.moves:
        return made.moves[before, after]
    found = {
        (a, b): made.model.new_bool_var(f"move_{before}_{after}_{a}_{b}")
        for a in made.on[before]
        for b in made.on[after]
    }
    for a, on in made.on[before].items():
        made.model.add(sum(move for (x, _), move in found.items() if x == a) == on)
    for b, on in made.on[after].items():
        made.model.add(sum(move for (_, y), move in found.items() if y == b) == on)
    made.moves[before, after] = found
    return found


def _add_paths(made: _Model, group: int) -> None:
    """A group ends after each of its inputs, later if it runs elsewhere."""
    problem = made.problem
    carried: dict[int, list[int]] = {}
    inputs: list[int] = []
    for edge in problem.reads[group]:
        producer = problem.edges[edge].producer
        if producer is None:
            inputs.append(edge)
        else:
            carried.setdefault(producer, []).append(edge)
    fresh = sum(
        (
            problem.dispatch_ns[unit]
            + sum(problem.edges[edge].transfer_ns[problem.home][unit] for edge in inputs)
        )
        * on
        for unit, on in made.on[group].items()
    )
    made.model.add(made.end[group] >= _work(made, group) + fresh)
    for producer, edges in carried.items():
        if producer not in made.end:
            continue
        change = sum(
            (problem.dispatch_ns[b] + sum(problem.edges[edge].transfer_ns[a][b] for edge in edges))
            * move
            for (a, b), move in _moves(made, producer, group).items()
            if a != b
        )
        made.model.add(made.end[group] >= made.end[producer] + _work(made, group) + change)


def _add_arc(made: _Model, arc: Arc, total: cp_model.IntVar) -> None:
    """A solved part takes at least what it takes between its ends' units."""
    if arc.source is None and arc.sink is None:
        made.model.add(total >= min(arc.lower_ns.values()))
        return
    if arc.source is None or arc.sink is None:
        at = arc.sink if arc.source is None else arc.source
        assert at is not None
        pairs = [
            (made.on[at][b if arc.source is None else a], t) for (a, b), t in arc.lower_ns.items()
        ]
    else:
        moves = _moves(made, arc.source, arc.sink)
        pairs = [(moves[key], t) for key, t in arc.lower_ns.items()]
    takes = sum(t * var for var, t in pairs)
    start = 0 if arc.source is None else made.end[arc.source]
    if arc.sink is None:
        made.model.add(total >= start + takes)
    else:
        made.model.add(made.end[arc.sink] >= start + takes + _work(made, arc.sink))


def _add_memory(made: _Model) -> None:
    """The weights placed on a unit fit into its memory."""
    for unit, limit in enumerate(made.problem.memory_bytes):
        if limit is None:
            continue
        weights = made.problem.weights_bytes
        made.model.add(
            sum(weights[g][unit] * on[unit] for g, on in made.on.items() if unit in on) <= limit
        )


def _add_copies(made: _Model) -> None:
    """A tensor read on a unit that didn't make it is copied there once."""
    problem = made.problem
    for index, edge in enumerate(problem.edges):
        readers = [g for g in edge.consumers if g in made.end]
        if not readers or (edge.producer is not None and edge.producer not in made.end):
            continue
        for unit in range(len(problem.units)):
            here = [g for g in readers if unit in made.on[g]]
            if here:
                made.copies[index, unit] = _copies_to(made, index, unit, here)


def _copies_to(
    made: _Model, index: int, unit: int, readers: Sequence[int]
) -> list[tuple[int, cp_model.IntVar]]:
    edge = made.problem.edges[index]
    if edge.producer is None:
        if unit == made.problem.home:
            return []
        copy = made.model.new_bool_var(f"copy_{index}_{unit}")
        made.model.add_max_equality(copy, [made.on[g][unit] for g in readers])
        return [(edge.transfer_ns[made.problem.home][unit], copy)]
    found = []
    for source in made.on[edge.producer]:
        if source == unit:
            continue
        copy = made.model.new_bool_var(f"copy_{index}_{source}_{unit}")
        for reader in readers:
            made.model.add(copy >= _moves(made, edge.producer, reader)[source, unit])
        found.append((edge.transfer_ns[source][unit], copy))
    return found


def _add_spans(made: _Model, total: cp_model.IntVar) -> None:
    """What runs between two groups on one unit takes its time there."""
    everything = (1 << len(made.problem.groups)) - 1
    modelled = sum(1 << g for g in made.end)
    _add_span(made, None, None, everything & modelled, total)
    for first, last, between in spans(made.problem):
        if (first is None or first in made.end) and (last is None or last in made.end):
            _add_span(made, first, last, between & modelled, total)


def _add_span(
    made: _Model, first: int | None, last: int | None, between: int, total: cp_model.IntVar
) -> None:
    groups = list(bits(between))
    if len(groups) < 2:
        return
    problem = made.problem
    inside = between | (0 if last is None else 1 << last)
    edges = [
        index
        for index, edge in enumerate(problem.edges)
        if edge.consumers and all(inside >> g & 1 for g in edge.consumers)
    ]
    for unit in range(len(problem.units)):
        load = [
            (problem.cost_ns[g][unit] or 0) * made.on[g][unit] for g in groups if unit in made.on[g]
        ]
        if len(load) < 2:
            continue
        load += [t * copy for index in edges for t, copy in made.copies.get((index, unit), ())]
        load += _dispatches(made, unit, first, last, groups)
        start = 0 if first is None else made.end[first]
        if last is None:
            made.model.add(total >= start + sum(load))
        else:
            made.model.add(made.end[last] >= start + sum(load) + _work(made, last))


def _dispatches(
    made: _Model, unit: int, first: int | None, last: int | None, groups: Sequence[int]
) -> list[cp_model.LinearExprT]:
    """Dispatches of a unit between two groups, or None for start and end.

    * From the start, a unit that is used is dispatched.
    * If any group between runs elsewhere, the last one can't share a stage with the first: its own
      stage is dispatched after the first has ended. From the start, its unit is dispatched twice if
      it also ran something before, or waits for another unit to run something.
    """
    problem, model = made.problem, made.model
    mine = [made.on[g][unit] for g in groups if unit in made.on[g]]
    found: list[cp_model.LinearExprT] = []
    used = model.new_bool_var(f"used_{unit}_{first}_{last}")
    for on in mine:
        model.add_implication(on, used)
    if first is None:
        found.append(problem.dispatch_ns[unit] * used)
    if last is None or unit not in made.on[last]:
        return found
    elsewhere = [on for g in groups for other, on in made.on[g].items() if other != unit]
    if not elsewhere:
        return found
    again = model.new_bool_var(f"again_{unit}_{first}_{last}")
    joins = made.on[last][unit]
    if first is not None:
        for on in elsewhere:
            model.add(again >= joins + on - 1)
        found.append(problem.dispatch_ns[unit] * again)
        return found
    shared = model.new_bool_var(f"shared_{unit}_{last}")
    for on in elsewhere:
        model.add_implication(on, shared)
    model.add(again >= joins + used + shared - 2)
    shortest = min(
        problem.dispatch_ns[other] + (problem.cost_ns[g][other] or 0)
        for g in groups
        for other in made.on[g]
        if other != unit
    )
    found.append(min(problem.dispatch_ns[unit], shortest) * again)
    return found


def _solve(made: _Model, seed: int, time_limit_s: float, work_limit: float) -> Relaxed:
    solver = cp_model.CpSolver()
    solver.parameters.random_seed = seed
    solver.parameters.num_workers = 1
    solver.parameters.linearization_level = 2
    solver.parameters.max_time_in_seconds = time_limit_s
    solver.parameters.max_deterministic_time = work_limit
    status = solver.solve(made.model)
    bound = max(0, round(solver.best_objective_bound))
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Relaxed(bound_ns=bound, units=())
    units = [
        next((u for u, on in made.on[g].items() if solver.value(on)), None)
        if g in made.on
        else None
        for g in range(len(made.problem.groups))
    ]
    return Relaxed(bound_ns=bound, units=tuple(units))
