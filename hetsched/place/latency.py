"""The schedule that ends earliest, and how early any schedule can end.

Series points cut the graph into blocks that are solved exactly where they are small enough, else
searched and bounded; a shortest path over the units of the points puts them together. What stays
open is bounded by an integer program and searched as a whole. `native/place` does the heavy work.
"""

import time
from dataclasses import dataclass
from typing import TypeAlias

from hetsched import _core
from hetsched.place.evaluate import evaluate
from hetsched.place.latency_limits import (
    Rows,
    changed,
    is_limited,
    keeps_limits,
    no_prices,
    priced,
)
from hetsched.place.native import native_problem, to_rows, to_stages
from hetsched.place.placement import Schedule
from hetsched.place.problem import Problem

Link: TypeAlias = tuple[tuple[int, int, int, int], list[int], int]
"""Of a block: (source, sink, first, last), least times, openness; see `_core.solve_chain`."""

# Amounts of work per second of the time limit, so small that the work and not the clock stops a
# search on a 2-core machine: the same answer every time.
_NODES_PER_S = 12_000
_ARC_ITERATIONS_PER_S = 100
_GROUP_EVALUATIONS_PER_S = 2_000_000
_CP_SAT_WORK_PER_S = 0.3

# With limits, the blocks are solved this often, under changing prices.
_PRICE_ROUNDS = 40
_PRICE_STEP_DECAY = 0.93
_NEVER = 1 << 60

# First temperatures of annealing, as parts of the latency: high where nothing was searched yet.
_HOT_AFTER_BASELINE = 0.05
_HOT_AFTER_BLOCKS = 0.005

# What comes after the searches (times, checks) has the rest.
_TIME_USED = 0.95

# The blocks may take this part of the time limit; they normally need far less.
_BLOCKS_SHARE = 0.75

# The integer program pays for open blocks of some size; its solver takes a second to import.
_MOST_RELAXED = 400
_LEAST_RELAX_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyResult:
    """What was found.

    Attributes:
        schedule: valid, never worse than the floor.
        bound: no schedule ends before this, in ns.
        method: what found the schedule.
    """

    schedule: Schedule
    bound: int
    method: str


def solve_latency(
    problem: Problem,
    *,
    floor: Schedule,
    gap: float,
    time_limit_s: float,
    seed: int,
    budget_s: float | None = None,
) -> LatencyResult:
    """Search for the schedule with the earliest end.

    Args:
        problem: what is placed.
        floor: a valid schedule; the answer is never worse.
        gap: stop as soon as (value - bound) / value is at most this.
        time_limit_s: return the best so far after this.
        seed: of the random searches; the same seed and budget give the same answer unless time
            ran out.
        budget_s: time that the amounts of work are made for; the time limit by default.
    """
    search = _Search(problem, floor, gap, time_limit_s, seed, budget_s or time_limit_s)
    search.solve_blocks()
    if not search.closed:
        search.anneal()
    if not search.closed and search.open_groups <= _MOST_RELAXED and search.left_s > _LEAST_RELAX_S:
        search.relax()
    return LatencyResult(
        schedule=evaluate(problem, to_stages(search.rows)),
        bound=min(search.bound, search.value),
        method=search.method,
    )


class _Search:
    """The best schedule and bound so far."""

    def __init__(
        self,
        problem: Problem,
        floor: Schedule,
        gap: float,
        time_limit_s: float,
        seed: int,
        budget_s: float,
    ) -> None:
        self.problem = problem
        self.native = native_problem(problem)
        self.rows: Rows = to_rows(floor)
        self.value = max(floor.end_ns, default=0)
        self.bound = 0
        self.method = "baseline"
        self.gap = gap
        self.limit_s = time_limit_s
        self.budget_s = budget_s
        self.deadline = time.monotonic() + _TIME_USED * time_limit_s
        self.seed = seed
        self.links: list[Link] = []

    @property
    def closed(self) -> bool:
        """Whether the gap asked for is reached, or the time is over."""
        return self.value - self.bound <= self.gap * self.value or self.left_s <= 0

    @property
    def left_s(self) -> float:
        return self.deadline - time.monotonic()

    @property
    def open_groups(self) -> int:
        """Groups in blocks whose arc on the best path is still open."""
        return sum(last - first for (_, _, first, last), _, wide in self.links if wide)

    def offer(self, rows: Rows, method: str) -> None:
        """Keep a schedule if it is better and keeps all limits."""
        if not rows or not keeps_limits(self.problem, rows):
            return
        value = _core.timing(self.native, rows)[2]
        if value < self.value:
            self.rows, self.value, self.method = rows, value, method

    def solve_blocks(self) -> None:
        """Decompose at clean points; exact for most models. Limits are learnt as prices."""
        prices = no_prices(self.problem)
        rounds = _PRICE_ROUNDS if is_limited(self.problem) else 1
        for at in range(rounds):
            rows, bound, links = self._chain(priced(self.problem, prices), rounds, first=at == 0)
            bound -= prices.total_ns(self.problem)
            self.bound = max(self.bound, min(bound, self.value))
            self.links = self.links or links
            self.offer(rows, "blocks")
            if self.closed or not rows:
                return
            missing_ns = round((self.value - bound) * _PRICE_STEP_DECAY ** (at + 1))
            prices = changed(self.problem, prices, rows, missing_ns)

    def _chain(self, problem: Problem, rounds: int, *, first: bool) -> tuple[Rows, int, list[Link]]:
        """Stages, bound and links without regard to limits."""
        free = not is_limited(self.problem)
        rows, _, bound, links = _core.solve_chain(
            native_problem(problem),
            seed=self.seed,
            gap=self.gap / 2,
            max_nodes=int(_NODES_PER_S * self.budget_s / rounds),
            iterations=int(_ARC_ITERATIONS_PER_S * self.budget_s / rounds),
            known=self.value if first and free else _NEVER,
            seconds=min(self.left_s, _BLOCKS_SHARE * self.limit_s / rounds),
        )
        return rows, bound, links

    def relax(self) -> None:
        """Raise the bound by the integer program over what is still open."""
        from hetsched.place.cpsat.latency import Arc, relax

        units = len(self.problem.units)
        arcs = [
            Arc(
                source=None if source < 0 else source,
                sink=None if sink < 0 else sink,
                lower_ns={
                    divmod(at, units): lower for at, lower in enumerate(lowers) if lower >= 0
                },
            )
            for (source, sink, first, last), lowers, wide in self.links
            if not wide or first == last
        ]
        relaxed = relax(
            self.problem,
            arcs,
            upper_ns=self.value,
            seed=self.seed,
            deadline=self.deadline,
            work_limit=_CP_SAT_WORK_PER_S * self.budget_s,
        )
        self.bound = max(self.bound, relaxed.bound_ns)

    def anneal(self) -> None:
        """Search the whole problem from the best schedule so far."""
        rows, _, _ = _core.anneal(
            self.native,
            self.rows,
            seed=self.seed,
            iterations=int(_GROUP_EVALUATIONS_PER_S * self.budget_s / len(self.problem.groups)),
            hot=_HOT_AFTER_BASELINE if self.method == "baseline" else _HOT_AFTER_BLOCKS,
            target=int(self.bound / (1 - self.gap)),
            seconds=0.6 * self.left_s,
        )
        self.offer(rows, "local search")
