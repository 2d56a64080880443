"""Throughput by labels: a graph of states, searched in rounds of growing size."""

from hetsched import _core
from hetsched.place.annealing import anneal_starts, polish
from hetsched.place.incumbent import Incumbent
from hetsched.place.placement import Schedule
from hetsched.place.problem import THROUGHPUT, Problem
from hetsched.place.stages import best_stages

_STATES_PER_SECOND = 8_000_000
_LABELS_PER_SECOND = 8_000_000
"""States and labels that the searches extend per second: assumptions that turn a time limit into an
amount of work, which normally ends a search before the clock does."""

_STATES_SHARE = 0.2
_FIRST_POLISH = 0.05
_POLISH = 0.3

_FIRST_ROUND = (0.02, 200)
_ROUNDS = ((0.15, 100), (0.3, 1000))
_ROUNDS_COARSE = ((0.1, 200),)
_ANNEAL_SHARE = 0.5
_ANNEAL_TRIES = 4
"""Parts of the time limit for labels in each round, and their grain: labels that differ by less
than that part of the value to beat become one. Coarse grains close chains early, fine ones bound
better. Where the graph of states is too large to be complete, more labels raise the bound little:
annealing has that time."""

_MOST_WAYS = 2**24
"""Decisions that a round may remember, at 4 bytes each."""


class Balancer:
    """Rounds of the native search, each with the best value so far to beat."""

    def __init__(self, at: Incumbent) -> None:
        """Build the graph of states and price it."""
        self.at = at
        self.found: list[Schedule] = []
        at.raise_bound(_core.load_bound(at.native))
        self.graph = _core.Balance(
            at.native,
            states=self._amount(_STATES_SHARE, _STATES_PER_SECOND),
            whole=True,
            upper=max(1, at.value),
            seconds=at.limits.left_s,
        )
        at.raise_bound(self.graph.bound)

    def first(self) -> None:
        """The first, quick round."""
        if not self.at.over():
            self._round(*_FIRST_ROUND, _FIRST_POLISH)

    def rest(self) -> None:
        """All further rounds."""
        for share, grain in _ROUNDS if self.complete else _ROUNDS_COARSE:
            if self.at.over():
                return
            self._round(share, grain, _POLISH)
        if self.complete:
            polish(self.at, self.found, _POLISH)
        else:
            anneal_starts(self.at, [self.at.best], _ANNEAL_SHARE, _ANNEAL_TRIES)

    @property
    def complete(self) -> bool:
        """Whether the graph has all states."""
        return self.graph.fits and self.graph.complete

    def _round(self, share: float, grain: int, polished: float) -> None:
        at = self.at
        if not self.graph.fits:
            return
        bound, ends = self.graph.search(
            labels=self._amount(share, _LABELS_PER_SECOND),
            grain=grain,
            upper=max(1, at.value),
            seconds=at.limits.left_s,
        )
        at.raise_bound(bound)
        self.found = _staged(at.problem, ends)
        for each in self.found:
            at.offer(each, "search")
        polish(at, self.found, polished)

    def _amount(self, share: float, per_second: float) -> int:
        """What may be kept per group, so that extending all of it is that much work."""
        groups = len(self.at.problem.groups)
        work = self.at.amount(share, per_second)
        return max(1, min(_MOST_WAYS // groups, int(work / groups / len(self.at.problem.units))))


def _staged(problem: Problem, ends: list[list[int]]) -> list[Schedule]:
    """Schedules of units per group, where limits are kept."""
    staged = [best_stages(problem, unit_of, THROUGHPUT) for unit_of in ends]
    return [each for each in staged if each is not None]
