"""Choices that the costs' error bands don't settle: pure arithmetic over placement problems.

A plan is compared with another placement of the same model. Its *advantage* is how much lower its
objective is with the best estimates. Errors of one unit's costs move together (its rates share
their fit): if the GPU is slower than thought, it is so in both placements. So each unit in turn,
and the copies between units, are put to either end of their band as a whole, in both placements,
and what that takes off the advantage at most is the unit's *effect*. Units with the same costs
throughout (equal cores, measured once) have one error together. Different units' errors are
independent: the combined band is the root of the sum of the squared effects. A choice whose
advantage is smaller than its combined band is within the error band.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Literal, TypeVar

from hetsched.cost.table import CostTable
from hetsched.place.evaluate import evaluate, value, within_limits
from hetsched.place.placement import Schedule, Stage
from hetsched.place.problem import OBJECTIVE_UNITS, Problem
from hetsched.plan.model import BASELINES, Doubt
from hetsched.quantity import format_ns, format_uj
from hetsched.soc.profile import Profile

T = TypeVar("T")
_SHOW: Mapping[str, Callable[[float], str]] = {"ns": format_ns, "uJ": format_uj}


@dataclass(frozen=True, slots=True)
class _World:
    """The problem with one source of error at one end, and the plan's objective there."""

    problem: Problem
    plan: int


class Errors:
    """A plan under every single error that its costs may have."""

    def __init__(
        self,
        problem: Problem,
        low: Problem,
        high: Problem,
        schedule: Schedule,
        objective: str,
        same: Sequence[frozenset[int]] = (),
    ) -> None:
        """Put each source of error to either end.

        Args:
            problem: with the best estimates.
            low: the same problem with every number at the lower end of its band.
            high: at the upper end.
            schedule: the plan.
            objective: what it minimises.
            same: units with one error together, see `alike`; each has its own by default.
        """
        alone = [frozenset({unit}) for unit in range(len(problem.units))]
        self.objective = objective
        self._stages = schedule.stages
        self._estimate = self._world(problem)
        self._sources = [
            tuple(self._world(_mixed(problem, end, units)) for end in (low, high))
            for units in (*(same or alone), None)
        ]

    def _world(self, problem: Problem) -> _World:
        return _World(problem, self._value(problem, self._stages))

    def _value(self, problem: Problem, stages: Sequence[Stage]) -> int:
        return value(problem, evaluate(problem, stages), self.objective)

    @property
    def plan(self) -> int:
        """The plan's objective by the best estimates."""
        return self._estimate.plan

    def compare(self, stages: Sequence[Stage]) -> tuple[int, int]:
        """Advantage of the plan over another placement, and how far that may be off."""
        advantage = self._value(self._estimate.problem, stages) - self._estimate.plan
        squares = 0.0
        for ends in self._sources:
            least = min(self._value(world.problem, stages) - world.plan for world in ends)
            squares += max(0, advantage - least) ** 2
        return advantage, round(sqrt(squares))


def alike(profile: Profile, costs: CostTable) -> list[frozenset[int]]:
    """Units that their dispatch and their costs don't tell apart, together; all others alone.

    Args:
        profile: whose units' positions are told.
        costs: of the model's groups.
    """
    found: dict[object, set[int]] = {}
    for at, unit in enumerate(profile.units):
        figure = unit.dispatch
        row = tuple(costs.costs.get((group.name, unit.name)) for group in costs.groups)
        key = (figure.base("time"), figure.low, figure.high, row)
        found.setdefault(key, set()).add(at)
    return [frozenset(units) for units in found.values()]


def _mixed(problem: Problem, end: Problem, units: frozenset[int] | None) -> Problem:
    """The problem with some units' costs, dispatch and power from another; for None all copies."""
    if units is None:
        return replace(problem, edges=end.edges)
    return replace(
        problem,
        cost_ns=tuple(
            _with(row, units, other)
            for row, other in zip(problem.cost_ns, end.cost_ns, strict=True)
        ),
        dispatch_ns=_with(problem.dispatch_ns, units, end.dispatch_ns),
        power_mw=_with(problem.power_mw, units, end.power_mw),
    )


def _with(row: Sequence[T], units: frozenset[int], other: Sequence[T]) -> tuple[T, ...]:
    """A row with some units' values from another."""
    return tuple(other[at] if at in units else value for at, value in enumerate(row))


def doubts(
    errors: Errors,
    problem: Problem,
    schedule: Schedule,
    baselines: Mapping[str, Schedule | None],
) -> tuple[Doubt, ...]:
    """What isn't settled: baselines first, then single subgraphs that could be elsewhere.

    Args:
        errors: of the plan.
        problem: with the best estimates.
        schedule: the plan.
        baselines: other placements by name.
    """
    against = _against_baselines(errors, schedule, baselines)
    return (*against, *_of_stages(errors, problem, schedule))


def _against_baselines(
    errors: Errors, schedule: Schedule, baselines: Mapping[str, Schedule | None]
) -> list[Doubt]:
    """Baselines that may be as good; those with one placement are told together."""
    names: dict[tuple[Stage, ...], list[str]] = {}
    for name, other in baselines.items():
        if other is not None and other.stages != schedule.stages:
            names.setdefault(other.stages, []).append(name)
    found = []
    for stages, same in names.items():
        advantage, band = errors.compare(stages)
        if advantage < band:
            show = _SHOW[OBJECTIVE_UNITS[errors.objective]]
            what = (
                f"{' / '.join(BASELINES.get(name, name) for name in same)} "
                f"({show(errors.plan + advantage)}) is within the error band of this plan "
                f"({show(errors.plan)})"
            )
            found.append(_doubt(errors, "baseline", same[0], (None, None), (advantage, band), what))
    return found


def _of_stages(errors: Errors, problem: Problem, schedule: Schedule) -> list[Doubt]:
    """Subgraphs that one other unit could run as well; the closest unit for each."""
    found = []
    for index, stage in enumerate(schedule.stages):
        close: list[Doubt] = []
        for unit, stages in _moved(problem, schedule, index):
            advantage, band = errors.compare(stages)
            if advantage < band:
                here, there = problem.units[stage.unit], problem.units[unit]
                what = f"s{index} on {there} is within the error band of s{index} on {here}"
                units = (here, there)
                close.append(
                    _doubt(errors, "subgraph", f"s{index}", units, (advantage, band), what)
                )
        found += sorted(close, key=lambda doubt: doubt.advantage - doubt.band)[:1]
    return found


def _moved(
    problem: Problem, schedule: Schedule, index: int
) -> Iterator[tuple[int, tuple[Stage, ...]]]:
    """The placements with one stage on another unit that may run it."""
    stage = schedule.stages[index]
    for unit in range(len(problem.units)):
        if unit == stage.unit or any(
            problem.cost_ns[group][unit] is None for group in stage.groups
        ):
            continue
        moved = replace(stage, unit=unit)
        stages = (*schedule.stages[:index], moved, *schedule.stages[index + 1 :])
        if within_limits(problem, stages):
            yield unit, stages


def _doubt(
    errors: Errors,
    kind: Literal["baseline", "subgraph"],
    subject: str,
    units: tuple[str | None, str | None],
    difference: tuple[int, int],
    what: str,
) -> Doubt:
    advantage, band = difference
    measure = OBJECTIVE_UNITS[errors.objective]
    show = _SHOW[measure]
    return Doubt(
        kind=kind,
        subject=subject,
        unit=units[0],
        other=units[1],
        advantage=advantage,
        band=band,
        measure=measure,
        message=f"{what}: {show(advantage)} apart, known to within {show(band)}",
    )
