"""What others would do with the same problem: the hint and the floor of every placer.

Every baseline is evaluated under the problem's own semantics, and is None where it breaks a limit
that its method doesn't know how to keep.
"""

import heapq
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from hetsched.place.evaluate import evaluate, score, within_limits
from hetsched.place.heft import heft
from hetsched.place.placement import Schedule, Stage
from hetsched.place.problem import LATENCY, Problem
from hetsched.place.stages import best_stages, ordered


def baselines(problem: Problem, objective: str = LATENCY) -> dict[str, Schedule | None]:
    """All baselines by name, each as good as its method gets for the objective.

    * `cpu`: everything as one stage on the best CPU (`problem.cpus`; home where that is empty).
    * `best-single-unit`: everything as one stage on the best of the units able to.
    * `first-fit`: as the runtimes do it, see `first_fit`.
    * `heft`: HEFT's units and order, merged into stages.
    """
    return {
        "cpu": _best_single(problem, objective, problem.cpus or (problem.home,)),
        "best-single-unit": _best_single(problem, objective, range(len(problem.units))),
        "first-fit": first_fit(problem),
        "heft": _heft(problem, objective),
    }


def _best_single(problem: Problem, objective: str, units: Sequence[int]) -> Schedule | None:
    """The best schedule of one stage on one of the units."""
    everything = tuple(range(len(problem.groups)))
    found = [
        evaluate(problem, stages)
        for unit in units
        for stages in [[Stage(unit=unit, groups=everything)]]
        if all(row[unit] is not None for row in problem.cost_ns) and within_limits(problem, stages)
    ]
    return min(found, key=lambda schedule: score(problem, schedule, objective), default=None)


def _heft(problem: Problem, objective: str) -> Schedule | None:
    placed = heft(problem)
    return None if placed is None else best_stages(problem, placed[0], objective, placed[1])


def first_fit(problem: Problem) -> Schedule | None:
    """Units claim groups in the order of `problem.priority`; each takes the largest regions it can.

    A unit with a cap keeps its regions with the most groups; what it leaves is offered to the next
    unit. Without a given order the unit that would run the whole model fastest comes first and home
    last.

    Source: ONNX Runtime asks its execution providers in the order given for the nodes they can run
    (`GetCapability`) and fuses those into convex partitions; the CPU takes the rest. Keeping the
    largest partitions under a cap is what TensorFlow Lite's delegates do
    (`max_delegated_partitions`).
    """
    node_of = list(range(len(problem.groups)))
    claimed: dict[int, Stage] = {}
    for unit in problem.priority or _fastest_first(problem):
        wanted = {
            group
            for group, row in enumerate(problem.cost_ns)
            if row[unit] is not None and node_of[group] not in claimed
        }
        found = _regions(problem, node_of, wanted)
        found.sort(key=lambda region: (-len(region), region))
        for region in found[: problem.max_stages[unit]]:
            for group in region:
                node_of[group] = region[0]
            claimed[region[0]] = Stage(unit=unit, groups=tuple(region))
    if sum(len(stage.groups) for stage in claimed.values()) < len(problem.groups):
        return None
    stages = ordered(problem, [claimed[node] for node in sorted(claimed)])
    return evaluate(problem, stages) if within_limits(problem, stages) else None


def _fastest_first(problem: Problem) -> list[int]:
    """Units by their time for the whole model (what one can't run at its slowest); home last."""
    total = [0] * len(problem.units)
    for row in problem.cost_ns:
        slowest = max((cost for cost in row if cost is not None), default=0)
        for unit, cost in enumerate(row):
            total[unit] += slowest if cost is None else cost
    return sorted(range(len(problem.units)), key=lambda unit: (unit == problem.home, total[unit]))


def _regions(problem: Problem, node_of: Sequence[int], wanted: AbstractSet[int]) -> list[list[int]]:
    """Maximal convex regions of the wanted groups; regions claimed before count as single nodes.

    The graph is drained by turns: all wanted groups that are ready, then all others. Groups of one
    turn that aren't connected become regions of their own.
    """
    members: dict[int, list[int]] = {}
    for group, node in enumerate(node_of):
        members.setdefault(node, []).append(group)
    before: dict[int, set[int]] = {node: set() for node in members}
    after: dict[int, set[int]] = {node: set() for node in members}
    for group, node in enumerate(node_of):
        for producer in problem.predecessors[group]:
            if node_of[producer] != node:
                before[node].add(node_of[producer])
                after[node_of[producer]].add(node)
    missing = {node: len(row) for node, row in before.items()}
    ready: dict[bool, list[int]] = {True: [], False: []}
    for node, count in missing.items():
        if count == 0:
            heapq.heappush(ready[node in wanted], node)
    found: list[list[int]] = []
    while ready[True] or ready[False]:
        for turn in (True, False):
            taken: list[int] = []
            while ready[turn]:
                node = heapq.heappop(ready[turn])
                taken.append(node)
                for reader in after[node]:
                    missing[reader] -= 1
                    if missing[reader] == 0:
                        heapq.heappush(ready[reader in wanted], reader)
            if turn:
                found.extend(connected(problem, taken))
    return found


def connected(problem: Problem, groups: Sequence[int]) -> list[list[int]]:
    """Groups that tensors between them tie together, each part ascending."""
    left = set(groups)
    parts: list[list[int]] = []
    for group in sorted(groups):
        if group not in left:
            continue
        left.discard(group)
        part, stack = [group], [group]
        while stack:
            at = stack.pop()
            for near in (*problem.predecessors[at], *problem.successors[at]):
                if near in left:
                    left.discard(near)
                    part.append(near)
                    stack.append(near)
        parts.append(sorted(part))
    return parts
