"""The best objective of a tiny problem, by trying every partition into stages in every order.

Independent of the package's solvers, evaluator and validator.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hetsched.place.problem import Problem


@dataclass(frozen=True, kw_only=True)
class _State:
    done: int
    end_of: tuple[int, ...]
    unit_of: tuple[int, ...]
    free: tuple[int, ...]
    busy: tuple[int, ...]
    count: tuple[int, ...]
    weights: tuple[int, ...]
    brought: frozenset[tuple[int, int]]


def brute_force(problem: Problem, objective: str) -> int | None:
    """The optimum, None where nothing is feasible: ns, and fJ (uW x ns) for energy."""
    groups, units = len(problem.groups), len(problem.units)
    zero = (0,) * units
    best: list[int | None] = [None]
    root = _State(
        done=0, end_of=(0,) * groups, unit_of=(-1,) * groups, free=zero, busy=zero, count=zero,
        weights=zero, brought=frozenset(),
    )  # fmt: skip

    def visit(state: _State) -> None:
        worth = _value(problem, objective, state)
        if best[0] is not None and worth >= best[0]:
            return
        if state.done == (1 << groups) - 1:
            best[0] = worth
            return
        for chosen in _closed_subsets(problem, state.done):
            for unit in range(units):
                after = _run(problem, state, chosen, unit)
                if after is not None:
                    visit(after)

    visit(root)
    return best[0]


def _value(problem: Problem, objective: str, state: _State) -> int:
    if objective == "latency":
        return max(state.end_of)
    if objective == "throughput":
        return max(state.busy)
    watts = zip(problem.power_mw, state.busy, strict=True)
    return sum(round((milliwatts or 0) * 1000) * time for milliwatts, time in watts)


def _closed_subsets(problem: Problem, done: int) -> Iterator[list[int]]:
    """Non-empty sets of remaining groups that read from nothing else that remains."""
    left = [g for g in range(len(problem.groups)) if not done >> g & 1]
    for pattern in range(1, 1 << len(left)):
        chosen = [g for i, g in enumerate(left) if pattern >> i & 1]
        known = done | sum(1 << g for g in chosen)
        if all(known >> before & 1 for g in chosen for before in problem.predecessors[g]):
            yield chosen


def _run(problem: Problem, state: _State, chosen: list[int], unit: int) -> _State | None:
    """The state after one more stage, None where it can't be."""
    costs = [problem.cost_ns[g][unit] for g in chosen]
    weights = state.weights[unit] + sum(problem.weights_bytes[g][unit] for g in chosen)
    cap, memory = problem.max_stages[unit], problem.memory_bytes[unit]
    if None in costs or (cap is not None and state.count[unit] == cap):
        return None
    if memory is not None and weights > memory:
        return None
    start, took = state.free[unit], problem.dispatch_ns[unit] + sum(c or 0 for c in costs)
    brought = set(state.brought)
    for number, edge in enumerate(problem.edges):
        if edge.producer in chosen or not set(edge.consumers) & set(chosen):
            continue
        source = problem.home if edge.producer is None else state.unit_of[edge.producer]
        start = max(start, 0 if edge.producer is None else state.end_of[edge.producer])
        if source != unit and (number, unit) not in brought:
            brought.add((number, unit))
            took += edge.transfer_ns[source][unit]
    return replace(
        state,
        done=state.done | sum(1 << g for g in chosen),
        end_of=tuple(start + took if g in chosen else t for g, t in enumerate(state.end_of)),
        unit_of=tuple(unit if g in chosen else u for g, u in enumerate(state.unit_of)),
        free=_set(state.free, unit, start + took),
        busy=_set(state.busy, unit, state.busy[unit] + took),
        count=_set(state.count, unit, state.count[unit] + 1),
        weights=_set(state.weights, unit, weights),
        brought=frozenset(brought),
    )


def _set(row: tuple[int, ...], at: int, value: int) -> tuple[int, ...]:
    return (*row[:at], value, *row[at + 1 :])
