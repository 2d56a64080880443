"""The best schedule and bound that a search for throughput or energy has so far."""

from dataclasses import dataclass, field

from hetsched import _core
from hetsched.place.evaluate import power_uw, score
from hetsched.place.limits import Limits
from hetsched.place.native import native_problem
from hetsched.place.placement import Schedule
from hetsched.place.problem import ENERGY, Problem


@dataclass(slots=True, kw_only=True)
class Incumbent:
    """What is known of one problem.

    Attributes:
        problem: what is placed.
        objective: `throughput` or `energy`.
        limits: when to stop.
        best: the best schedule so far.
        bound: no schedule has a lower score.
        method: what found the best schedule.
        seeds: how many seeds were given out.
        native: the problem as the native searches take it.
        prices: per unit and ns for energy (0 where the power isn't known: such units can't be
            used), none for throughput.
        value: the best schedule's score.
    """

    problem: Problem
    objective: str
    limits: Limits
    best: Schedule
    bound: int = 0
    method: str = "baseline"
    seeds: int = 0
    native: _core.Problem = field(init=False)
    prices: tuple[int, ...] = field(init=False)
    value: int = field(init=False)

    def __post_init__(self) -> None:
        """Translate the problem for the native searches."""
        self.native = native_problem(self.problem)
        self.value = score(self.problem, self.best, self.objective)
        self.prices = ()
        if self.objective == ENERGY:
            self.prices = tuple(
                0 if power is None else power_uw(self.problem, unit)
                for unit, power in enumerate(self.problem.power_mw)
            )

    def closed(self) -> bool:
        """Whether the gap asked for is reached."""
        return self.value - self.bound <= self.limits.gap * self.value

    def over(self) -> bool:
        """Whether nothing more is to be done: the gap is reached, or the time is up."""
        return self.closed() or self.limits.left_s <= 0

    def offer(self, schedule: Schedule | None, method: str) -> None:
        """Keep a valid schedule if it is better."""
        if schedule is None:
            return
        value = score(self.problem, schedule, self.objective)
        if value < self.value:
            self.best, self.value, self.method = schedule, value, method

    def raise_bound(self, bound: int) -> None:
        """Keep a bound if it is better."""
        self.bound = max(self.bound, bound)

    def next_seed(self) -> int:
        """A seed that no other search of this problem has."""
        self.seeds += 1
        return self.limits.seed * 1000 + self.seeds

    def amount(self, share: float, per_second: float) -> float:
        """Work that fits a share of the time limit."""
        return share * self.limits.limit_s * per_second
