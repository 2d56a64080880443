"""A solution of a placement problem, free of any solver."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How good the answer is known to be."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Groups that one unit runs in one dispatch.

    Attributes:
        unit: index.
        groups: indices, ascending (the problem's order is topological).
    """

    unit: int
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A tensor brought to a unit, inside the duration of the stage that pays for it.

    Attributes:
        edge: index into the problem's edges.
        source: unit that made it (or home).
        target: unit that needs it.
        stage: index of the paying stage.
        duration_ns: what the copy takes.
    """

    edge: int
    source: int
    target: int
    stage: int
    duration_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Stages with their times.

    Attributes:
        stages: in dispatch order: a topological order of the stages, and each unit's own order.
        start_ns: per stage.
        end_ns: per stage.
        copies: every copy, by stage.
    """

    stages: tuple[Stage, ...]
    start_ns: tuple[int, ...]
    end_ns: tuple[int, ...]
    copies: tuple[Copy, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The best schedule found, and how far from the best possible it can be.

    Attributes:
        status: `optimal` when the gap is at most the one asked for.
        objective: `latency`, `throughput` or `energy`.
        value: the schedule's objective, in ns or uJ.
        bound: no schedule has a lower objective than this.
        solve_s: wall time spent.
        schedule: stages and times.
        baselines: `cpu`, `best-single-unit`, `first-fit`, `heft` to their objective, None where
            that baseline has no valid placement.
        method: which placer found the schedule, for the curious.
    """

    status: Status
    objective: str
    value: int
    bound: int
    solve_s: float
    schedule: Schedule
    baselines: Mapping[str, int | None]
    method: str

    @property
    def gap(self) -> float:
        """(value - bound) / value; 0 for a value of 0."""
        return (self.value - self.bound) / self.value if self.value else 0.0
