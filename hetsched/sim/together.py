"""Plans that go together, chosen by simulating them: under one policy, load and seed.

Combinations of the apps' candidates are simulated from a few starts, among them the best
combination of whole models: what is chosen is never worse than that one, in this simulation. Then
one app's plan at a time is changed for another candidate while that helps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hetsched.dispatch import Policy
from hetsched.sim.model import SimApp
from hetsched.sim.result import SimResult
from hetsched.sim.scenario import Ready, Scenario, run
from hetsched.sim.scored import scores
from hetsched.workload.joint import Choices
from hetsched.workload.model import Workload
from hetsched.workload.planning import is_bounded

MOST = 100
"""Combinations that are simulated at most; the starts come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rivals:
    """What may be simulated; can be sent to another process.

    Attributes:
        ready: with the first start.
        apps: per app, its candidates for the simulator.
        gaps: per app and candidate, its plan's gap; None where nobody has searched.
        starts: combinations to begin with, as indices of candidates.
    """

    ready: Ready
    apps: tuple[tuple[SimApp, ...], ...]
    gaps: tuple[tuple[float | None, ...], ...]
    starts: tuple[tuple[int, ...], ...]

    def combined(self, chosen: Sequence[int]) -> Ready:
        """The workload with each app as chosen."""
        apps = tuple(found[at] for found, at in zip(self.apps, chosen, strict=True))
        return replace(self.ready, apps=apps)

    def gap(self, chosen: Sequence[int]) -> float | None:
        """The largest of the chosen plans' gaps; None where nobody has searched for any."""
        found = (gaps[at] for gaps, at in zip(self.gaps, chosen, strict=True))
        return max((gap for gap in found if gap is not None), default=None)


def rivals_of(scenario: Scenario) -> Rivals | None:
    """What the scenario's apps choose from together; None where each has one plan."""
    choices = scenario.choices
    if choices is None:
        return None
    return Rivals(
        ready=scenario.ready,
        apps=scenario.candidates,
        gaps=tuple(
            tuple(each.plan.gap if is_bounded(each) else None for each in options)
            for options in choices.options
        ),
        starts=choices.starts,
    )


def settled(
    scenario: Scenario,
    *,
    policy: Policy | None = None,
    duration_ns: int | None = None,
    seed: int | None = None,
    scale: float = 1.0,
) -> Scenario:
    """The scenario with the plans that went together best when simulated like this."""
    rivals = rivals_of(scenario)
    if rivals is None or scenario.choices is None:
        return scenario
    best = chosen(rivals, policy=policy, duration_ns=duration_ns, seed=seed, scale=scale)
    return _with(scenario, scenario.choices, rivals, best)


def starts_of(scenario: Scenario) -> tuple[Scenario, ...]:
    """The scenario with each combination that settling starts from; none without a choice."""
    rivals, choices = rivals_of(scenario), scenario.choices
    if rivals is None or choices is None:
        return ()
    return tuple(_with(scenario, choices, rivals, start) for start in rivals.starts)


def _with(
    scenario: Scenario, choices: Choices, rivals: Rivals, chosen: tuple[int, ...]
) -> Scenario:
    return replace(scenario, planned=choices.planned(chosen), ready=rivals.combined(chosen))


def chosen(
    rivals: Rivals,
    *,
    policy: Policy | None = None,
    duration_ns: int | None = None,
    seed: int | None = None,
    scale: float = 1.0,
) -> tuple[int, ...]:
    """The best combination found, as indices of candidates; see `hetsched.sim.scenario.run`."""
    tried: dict[tuple[int, ...], tuple[float, int, float]] = {}

    def value(combination: tuple[int, ...]) -> tuple[float, int, float]:
        if combination not in tried:
            result = run(
                rivals.combined(combination),
                policy=policy,
                duration_ns=duration_ns,
                seed=seed,
                scale=scale,
                keep_requests=rivals.ready.workload.score is not None,
            )
            tried[combination] = _value(rivals.ready.workload, result)
        return tried[combination]

    best = min(rivals.starts, key=value)
    while True:
        found = best
        for near in _near(best, rivals.apps):
            if len(tried) >= MOST or tried[best][1] == 0:
                return best  # nothing is lost: no candidate can do better by much
            best = min(best, near, key=value)
        if found == best:
            return best


def _near(start: tuple[int, ...], apps: Sequence[Sequence[SimApp]]) -> list[tuple[int, ...]]:
    """Combinations that differ in one app."""
    return [
        (*start[:app], at, *start[app + 1 :])
        for app, found in enumerate(apps)
        for at in range(len(found))
        if at != start[app]
    ]


def _value(workload: Workload, result: SimResult) -> tuple[float, int, float]:
    """Smaller is better: XRBench's score where it is asked for, requests lost, mean latencies."""
    _, bare = scores(workload, result)
    lost = sum(app.missed + app.dropped + app.failed for app in result.apps)
    return -(bare or 0.0), lost, sum(app.mean_ns or 0.0 for app in result.apps)
