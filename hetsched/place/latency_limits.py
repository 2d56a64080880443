"""Limits of stages and memory per unit as prices: a search that knows no limits learns them.

A price per stage lengthens a unit's dispatch, a price per byte the groups with weights there. No
schedule gets longer by more than it pays, so with limits kept

    latency >= least latency under prices - sum of prices x limits

for any prices: a bound. Prices of what is overused go up, of the rest down.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hetsched.place.problem import Problem

Rows = Sequence[tuple[int, Sequence[int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What using limited things costs.

    Attributes:
        stage_ns: per unit, of each stage.
        memory_ns: per unit, of its whole memory limit; a part of it costs that part.
    """

    stage_ns: tuple[int, ...]
    memory_ns: tuple[int, ...]

    def total_ns(self, problem: Problem) -> int:
        """What a schedule that uses every limit up pays."""
        caps = zip(self.stage_ns, problem.max_stages, strict=True)
        return sum(self.memory_ns) + sum(price * (cap or 0) for price, cap in caps)


def no_prices(problem: Problem) -> Prices:
    """Everything for free."""
    zero = (0,) * len(problem.units)
    return Prices(stage_ns=zero, memory_ns=zero)


def priced(problem: Problem, prices: Prices) -> Problem:
    """The problem with prices as time and no limits; where a limit rules a group out, no cost.

    A group's price is rounded down, so that nobody pays more than the price.
    """
    units = range(len(problem.units))
    return replace(
        problem,
        dispatch_ns=tuple(problem.dispatch_ns[u] + prices.stage_ns[u] for u in units),
        cost_ns=tuple(
            tuple(
                None
                if cost is None or problem.max_stages[u] == 0 or weights[u] > _memory(problem, u)
                else cost + prices.memory_ns[u] * weights[u] // max(1, _memory(problem, u))
                for u, cost in enumerate(row)
            )
            for row, weights in zip(problem.cost_ns, problem.weights_bytes, strict=True)
        ),
        max_stages=(None,) * len(problem.units),
        memory_bytes=(None,) * len(problem.units),
    )


def _memory(problem: Problem, unit: int) -> int:
    """The unit's limit, or more than anything where it has none."""
    limit = problem.memory_bytes[unit]
    return 1 << 62 if limit is None else limit


def changed(problem: Problem, prices: Prices, rows: Rows, missing_ns: int) -> Prices:
    """Prices after seeing what a schedule uses.

    Args:
        problem: with its limits.
        prices: under which the schedule was found.
        rows: the schedule's (unit, groups).
        missing_ns: how far the bound under these prices is from the best known latency: the step
            that would close it, were everything linear. Source: Polyak's step size.
    """
    stages = [_excess_stages(problem, rows, unit) for unit in range(len(problem.units))]
    memory = [_excess_memory(problem, rows, unit) for unit in range(len(problem.units))]
    norm = sum(x * x for x in (*stages, *memory))
    if not norm:
        return prices
    step = max(0, missing_ns) / norm
    return Prices(
        stage_ns=tuple(
            max(0, round(price + step * over))
            for price, over in zip(prices.stage_ns, stages, strict=True)
        ),
        memory_ns=tuple(
            max(0, round(price + step * over))
            for price, over in zip(prices.memory_ns, memory, strict=True)
        ),
    )


def _excess_stages(problem: Problem, rows: Rows, unit: int) -> float:
    """Stages above the unit's cap; negative when below it, 0 without one."""
    cap = problem.max_stages[unit]
    return 0.0 if cap is None else float(sum(at == unit for at, _ in rows) - cap)


def _excess_memory(problem: Problem, rows: Rows, unit: int) -> float:
    """Weights above the unit's memory, in memories; negative when below it, 0 without a limit."""
    limit = problem.memory_bytes[unit]
    if limit is None:
        return 0.0
    used = sum(problem.weights_bytes[g][unit] for at, groups in rows if at == unit for g in groups)
    return (used - limit) / max(1, limit)


def is_limited(problem: Problem) -> bool:
    """Whether any unit has a limit."""
    limits = (*problem.max_stages, *problem.memory_bytes)
    return any(limit is not None for limit in limits)


def keeps_limits(problem: Problem, rows: Rows) -> bool:
    """Whether no unit gets more stages or more weights than it may."""
    return all(
        _excess_stages(problem, rows, unit) <= 0 and _excess_memory(problem, rows, unit) <= 0
        for unit in range(len(problem.units))
    )
