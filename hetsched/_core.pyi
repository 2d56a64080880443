"""hetsched's native core."""

from collections.abc import Sequence
from typing import TypeAlias

LinkRow: TypeAlias = tuple[tuple[int, int, int, int], list[int], int]
EdgeRow: TypeAlias = tuple[int, Sequence[int], Sequence[int]]
StageRow: TypeAlias = tuple[int, Sequence[int]]

class Problem:
    """A placement problem as flat arrays.

    `cost` and `weights` are `[group * units + unit]`, a negative cost means unsupported; an edge is
    (producer or -1 for a model input, consumers, `[from * units + to]` transfer times); a negative
    limit in `max_stages` or `memory` means none.
    """

    def __init__(
        self,
        *,
        units: int,
        cost: Sequence[int],
        edges: Sequence[EdgeRow],
        home: int,
        dispatch: Sequence[int],
        max_stages: Sequence[int],
        weights: Sequence[int],
        memory: Sequence[int],
    ) -> None: ...
    @property
    def groups(self) -> int: ...
    @property
    def units(self) -> int: ...

def path_bound(problem: Problem) -> int:
    """No schedule ends before this: the longest path; a change of unit costs dispatch and copy."""

def load_bound(problem: Problem) -> int:
    """No schedule ends before this: the groups' times, spread over the units at their best."""

def solve_exact(
    problem: Problem, *, known: int, max_nodes: int, seconds: float = 1e9
) -> tuple[list[tuple[int, list[int]]], int, int, int]:
    """Stages better than `known` ns (none if there aren't any), value, bound, number of nodes.

    Ignores limits of memory and of stages per unit. At most 64 groups and 8 units.
    """

def solve_chain(
    problem: Problem,
    *,
    seed: int,
    gap: float,
    max_nodes: int,
    iterations: int,
    known: int = ...,
    seconds: float = 1e9,
) -> tuple[list[tuple[int, list[int]]], int, int, list[LinkRow]]:
    """Stages (they may break limits), value, bound, and what is known of each block.

    Stops at a bound of (1 - gap) times the lower of its value and `known`, that of a schedule that
    the caller has. A block is ((source, sink, first, last), lower, open): the clean points around
    it (-1 for none), its groups first <= g < last, the least time from source to sink, `[source
    unit * units + sink unit]` (-1 where impossible), and how far from the best its arc on the best
    path may be.
    """

def series_points(problem: Problem) -> list[int]:
    """Groups that are ordered against every other group."""

def clean_points(problem: Problem) -> list[int]:
    """Series points that no tensor made earlier, and no model input, passes by."""

def timing(problem: Problem, stages: Sequence[StageRow]) -> tuple[list[int], list[int], int]:
    """Starts, ends, makespan of (unit, groups) stages in dispatch order; ValueError if invalid."""

def anneal(
    problem: Problem,
    start: Sequence[StageRow],
    *,
    seed: int,
    iterations: int,
    hot: float = 0.02,
    cold: float = 1e-5,
    target: int = 0,
    seconds: float = 1e9,
) -> tuple[list[tuple[int, list[int]]], int, int]:
    """Stages no worse than `start`, their makespan in ns, and the number of iterations made."""

def anneal_load(
    problem: Problem,
    start: Sequence[StageRow],
    *,
    price: Sequence[int],
    seed: int,
    iterations: int,
    smooth: bool = False,
    hot: float = 0.02,
    seconds: float = 1e9,
) -> list[tuple[int, list[int]]]:
    """Stages whose busiest unit is less busy; with a price per unit and ns, whose time is cheaper.

    `smooth` evens out all units' times instead, which may leave the busiest one busier than before.
    Repeatable unless stopped by `seconds`.
    """

def pack_bound(
    problem: Problem,
    *,
    rounds: int,
    resolution: int,
    width: int,
    upper: int,
    gap: float,
    seconds: float = 1e9,
) -> int:
    """No schedule keeps its busiest unit less busy than this: by prices on the groups.

    Looks for bounds up to `upper` and stops at (1 - gap) x upper. Takes rounds x groups x
    2^(width + 1) x resolution steps per unit.
    """

def frontier(
    problem: Problem, *, price: Sequence[int], upper: int, states: int
) -> tuple[int, list[int]]:
    """Bound of the units' times, each at its price per ns, and the unit per group of the best end.

    No units come back when nothing below `upper` was found; the bound is 0 where there are
    more than 8 units.
    """

def balance(
    problem: Problem,
    *,
    states: int,
    labels: int,
    grain: int,
    whole: bool,
    upper: int,
    seconds: float = 1e9,
) -> tuple[int, list[list[int]]]:
    """No schedule keeps its busiest unit less busy than this; units per group of good ends.

    Looks for nothing from `upper` on. Keeps at most `states` and `labels` per group (no ends
    without labels); labels that differ by less than upper / grain are one. Where states are too
    many, `whole` tells fewer of them apart (better bounds), else the dearest are dropped (better
    ends). Repeatable unless stopped by `seconds`. The bound is 0 where there are more than 8 units.
    """
