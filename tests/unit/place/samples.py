"""Random problems, and random valid stages."""

import random

from hypothesis import strategies as st

from hetsched.place.placement import Stage
from hetsched.place.problem import Problem
from hetsched.testing import random_problem


@st.composite
def small_problems(draw: st.DrawFn, most_groups: int = 5, limits: bool = False) -> Problem:
    """Problems small enough for brute force, of every shape from a chain to a bush."""
    return random_problem(
        draw(st.integers(0, 10**6)),
        draw(st.integers(1, most_groups)),
        draw(st.integers(1, 3)),
        branching=draw(st.sampled_from([0.0, 0.3, 0.7, 1.0])),
        refused=draw(st.sampled_from([0.1, 0.5])),
        dispatch_ns=draw(st.sampled_from([(0, 0), (1_000, 20_000), (50_000, 200_000)])),
        max_stages=limits and draw(st.booleans()),
        memory=limits and draw(st.booleans()),
    )


def small(seed: int) -> Problem:
    """Problems small enough for brute force, some with limits that can be kept."""
    rng = random.Random(seed)
    return random_problem(
        seed,
        groups=rng.randint(1, 6),
        units=rng.randint(1, 3),
        branching=rng.choice([0.0, 0.4, 1.0]),
        dispatch_ns=rng.choice([(1_000, 20_000), (20_000, 60_000)]),
        max_stages=rng.random() < 0.4,
        memory=rng.random() < 0.4,
    )


def random_stages(problem: Problem, seed: int) -> list[Stage]:
    """Some valid stages in dispatch order: groups dealt in order to a few open stages."""
    rng = random.Random(seed)
    stages: list[tuple[int, list[int]]] = []
    stage_of: dict[int, int] = {}
    for group in range(len(problem.groups)):
        earliest = max((stage_of[p] for p in problem.predecessors[group]), default=0)
        open_stages = [
            s
            for s in range(earliest, len(stages))
            if problem.cost_ns[group][stages[s][0]] is not None
        ]
        if open_stages and rng.random() < 0.6:
            chosen = rng.choice(open_stages)
        else:
            chosen = len(stages)
            stages.append((rng.choice(list(problem.allowed(group))), []))
        stages[chosen][1].append(group)
        stage_of[group] = chosen
    return [Stage(unit=unit, groups=tuple(groups)) for unit, groups in stages]
