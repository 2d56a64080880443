"""From the solver-free problem to the native one, and back from native stages."""

from collections.abc import Sequence

from hetsched import _core
from hetsched.place.placement import Schedule, Stage
from hetsched.place.problem import Problem


def native_problem(problem: Problem) -> _core.Problem:
    """The same problem as flat arrays."""
    return _core.Problem(
        units=len(problem.units),
        cost=[-1 if cost is None else cost for row in problem.cost_ns for cost in row],
        edges=[
            (
                -1 if edge.producer is None else edge.producer,
                edge.consumers,
                [cost for row in edge.transfer_ns for cost in row],
            )
            for edge in problem.edges
        ],
        home=problem.home,
        dispatch=problem.dispatch_ns,
        max_stages=[-1 if cap is None else cap for cap in problem.max_stages],
        weights=[size for row in problem.weights_bytes for size in row],
        memory=[-1 if cap is None else cap for cap in problem.memory_bytes],
    )


def to_rows(schedule: Schedule) -> list[tuple[int, tuple[int, ...]]]:
    """(unit, groups) of each stage, in dispatch order."""
    return [(stage.unit, stage.groups) for stage in schedule.stages]


def to_stages(rows: Sequence[tuple[int, Sequence[int]]]) -> list[Stage]:
    """Stages from (unit, groups) rows."""
    return [Stage(unit=unit, groups=tuple(sorted(groups))) for unit, groups in rows]
