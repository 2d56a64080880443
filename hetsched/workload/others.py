"""What others would do with the same models and costs: for comparison with plans.

* `whole`: each model runs on one unit, whole.
* `band`: subgraphs as Band cuts them, each of which may run on any unit that supports it; which one
  does is decided when it is ready.

Source for Band: Jeong et al., "Band: Coordinated Multi-DNN Inference on Heterogeneous Mobile
Processors", MobiSys 2022: ops with the same set of supporting processors, next to each other, are
one subgraph; its scheduler picks a subgraph's processor at run time by measured latencies.
"""

from collections.abc import Sequence
from functools import lru_cache

from hetsched.ir.model import Model
from hetsched.place.baselines import connected
from hetsched.place.evaluate import evaluate, within_limits
from hetsched.place.placement import Placement, Stage, Status
from hetsched.place.problem import LATENCY, Problem
from hetsched.place.validate import objective_value
from hetsched.plan.assemble import assemble
from hetsched.plan.build import Request
from hetsched.plan.model import Plan
from hetsched.plan.pose import Posed, pose
from hetsched.soc.profile import Profile
from hetsched.workload.planning import without_alternatives


def whole_plans(model: Model, profile: Profile) -> dict[str, Plan]:
    """By unit, the plan that runs the whole model there; units that can't aren't in it."""
    return _whole_plans(_Pair(model, profile))


def band_plan(model: Model, profile: Profile) -> Plan:
    """The model in subgraphs as Band cuts it, each first on the unit that is fastest for it."""
    return _band_plan(_Pair(model, profile))


class _Pair:
    """A model and a SoC, told apart by their content: the key of what was made of them."""

    def __init__(self, model: Model, profile: Profile) -> None:
        self.model = model
        self.profile = profile
        self._key = (model.ref, model.prepared_sha256, profile.sha256)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Pair) and self._key == other._key


@lru_cache(maxsize=128)
def _whole_plans(pair: _Pair) -> dict[str, Plan]:
    posed = pose(pair.model, pair.profile, Request())
    problem = posed.problem
    everything = tuple(range(len(problem.groups)))
    found = {}
    for index, unit in enumerate(problem.units):
        stages = [Stage(unit=index, groups=everything)]
        runs_all = all(row[index] is not None for row in problem.cost_ns)
        if runs_all and within_limits(problem, stages):
            found[unit] = without_alternatives(_plan(posed, stages))
    return found


@lru_cache(maxsize=128)
def _band_plan(pair: _Pair) -> Plan:
    posed = pose(pair.model, pair.profile, Request())
    return _plan(posed, band_stages(posed.problem))


def band_stages(problem: Problem) -> list[Stage]:
    """Neighbouring groups that the same units run, as large as they stay convex.

    Groups are taken in waves: everything ready that a set of units runs, then the next set.
    """
    supports = [frozenset(problem.allowed(group)) for group in range(len(problem.groups))]
    missing = [len(before) for before in problem.predecessors]
    ready = [group for group, count in enumerate(missing) if count == 0]
    stages: list[Stage] = []
    while ready:
        wanted = supports[min(ready)]
        wave: list[int] = []
        at = 0
        queue = sorted(group for group in ready if supports[group] == wanted)
        ready = [group for group in ready if supports[group] != wanted]
        while at < len(queue):
            group = queue[at]
            at += 1
            wave.append(group)
            for reader in problem.successors[group]:
                missing[reader] -= 1
                if missing[reader] == 0:
                    (queue if supports[reader] == wanted else ready).append(reader)
        stages += [
            Stage(unit=_fastest(problem, part), groups=tuple(part))
            for part in connected(problem, wave)
        ]
    return stages


def _fastest(problem: Problem, groups: Sequence[int]) -> int:
    def total_ns(unit: int) -> int:
        return sum(problem.cost_ns[group][unit] or 0 for group in groups)

    return min(problem.allowed(groups[0]), key=total_ns)


def _plan(posed: Posed, stages: Sequence[Stage]) -> Plan:
    """These stages as a plan that nobody has searched for: its bound says nothing."""
    schedule = evaluate(posed.problem, stages)
    placement = Placement(
        status=Status.FEASIBLE,
        objective=LATENCY,
        value=objective_value(posed.problem, schedule, LATENCY),
        bound=0,
        solve_s=0.0,
        schedule=schedule,
        baselines={},
        method="given",
    )
    return assemble(posed, Request(), placement, {})
