"""What `hetsched simulate` tells: the simulation's figures, the plans behind it, the score."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hetsched.dispatch import Policy
from hetsched.errors import WorkloadError
from hetsched.quantity import parse_duration_ns
from hetsched.sim.arrivals import Closed
from hetsched.sim.maxload import MaxLoad, find_max_load
from hetsched.sim.model import LONGEST_NS
from hetsched.sim.result import AppResult, SimResult
from hetsched.sim.scenario import Scenario, policy_of, prepare, run
from hetsched.sim.scored import scores
from hetsched.sim.together import settled, starts_of
from hetsched.soc.profile import Profile
from hetsched.workload.files import load_workload, workload_sha256
from hetsched.workload.model import Score, Workload
from hetsched.workload.planning import Effort, Planned, is_bounded

SEEDS = 3
"""How many seeds each multiplier is tried with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A simulated workload.

    Attributes:
        scenario: what was simulated.
        result: what was found.
        scale: times all rates.
        xrbench_score: with the energy term; None without parameters, or where energy isn't known.
        without_energy: the score of latency and drops alone; None without parameters.
        max_load: None unless asked for.
    """

    scenario: Scenario
    result: SimResult
    scale: float
    xrbench_score: float | None
    without_energy: float | None
    max_load: MaxLoad | None

    @property
    def miss_rate(self) -> float | None:
        """Of all apps' requests together; None without any."""
        return self.result.miss_rate

    def app(self, name: str) -> AppResult:
        """The figures of one app.

        Raises:
            KeyError: when there is none of that name.
        """
        return self.result.app(name)

    def to_dict(self) -> dict[str, Any]:
        """The object that `hetsched simulate --json` prints."""
        workload, profile = self.scenario.workload, self.scenario.profile
        return {
            **self.result.to_dict(),
            "workload": {"name": workload.name, "sha256": workload_sha256(workload)},
            "profile": {"name": profile.name, "sha256": profile.sha256},
            "scale": self.scale,
            "plans": [_plan(each) for each in self.scenario.planned],
            "notes": list(self.scenario.notes),
            "miss_rate": self.result.miss_rate,
            "energy_uj": self.result.energy_uj,
            "xrbench_score": self.xrbench_score,
            "xrbench": _score_terms(workload.score, self.without_energy),
            "max_load": None if self.max_load is None else msgspec.to_builtins(self.max_load),
        }


def simulate(
    workload: Workload | str | Path,
    profile: Profile,
    *,
    policy: Policy | None = None,
    duration: str | int | None = None,
    seed: int | None = None,
    objective: str | None = None,
    scale: float = 1.0,
    find_max: bool = False,
    trace: bool = False,
    snapshots: int = 0,
    effort: Effort | None = None,
    told: Callable[[str, float], None] = lambda _name, _share: None,
) -> Outcome:
    """Simulate a workload on a SoC.

    Args:
        workload: or its file.
        profile: from `hetsched.profile`.
        policy: a name, a `StaticOrder` or a function; the workload's where left out.
        duration: for how long requests come, `"60s"` or ns; the workload's where left out.
        seed: likewise.
        objective: how apps without a plan get one: `latency`, `throughput`, `energy`, `joint`, or
            for comparison `band` and `whole`.
        scale: times all rates.
        find_max: also search for the largest multiplier of all rates that is sustained.
        trace: keep the events, as `outcome.result.trace`.
        snapshots: of the time series, `outcome.result.series`.
        effort: of the search for plans.
        told: what is being done, and what share of it is over.

    Raises:
        WorkloadError: when the workload can't be planned or served.
        SimError: when it can't be simulated.
    """
    if not isinstance(workload, Workload):
        workload = load_workload(workload)
    policy_of(workload, policy)  # a wrong one is told before plans are made
    duration_ns = parse_duration_ns(duration) if isinstance(duration, str) else duration
    scenario = settled(
        prepare(workload, profile, choice=objective, effort=effort, told=told),
        policy=policy,
        duration_ns=duration_ns,
        seed=seed,
        scale=scale,
    )
    result = run(
        scenario.ready,
        policy=policy,
        duration_ns=duration_ns,
        seed=seed,
        scale=scale,
        trace=trace,
        keep_requests=workload.score is not None,
        snapshots=snapshots,
        progress=lambda share: told("simulating", share),
    )
    full, bare = scores(workload, result)
    most = None
    if find_max:
        told("searching the largest load", 0.0)
        most = max_load(scenario, policy=policy, duration_ns=duration_ns, seed=result.seed)
    return Outcome(
        scenario=scenario,
        result=result,
        scale=scale,
        xrbench_score=full,
        without_energy=bare,
        max_load=most,
    )


def max_load(
    scenario: Scenario,
    *,
    policy: Policy | None = None,
    duration_ns: int | None = None,
    seed: int = 0,
    seeds: int = SEEDS,
    limit: float = 0.01,
    tolerance: float = 0.02,
) -> MaxLoad:
    """The largest multiplier of all rates at which no app misses more than its share.

    Below 1 a run lasts so many times longer: as many requests come, and those that happen to come
    together don't count for more. A workload whose load changes with time keeps its duration.

    Args:
        scenario: from `prepare`.
        policy: the workload's where left out.
        duration_ns: likewise.
        seed: the first one; so many follow.
        seeds: over which each app's requests are counted together.
        limit: of each app's miss rate.
        tolerance: see `find_max_load`.

    Raises:
        WorkloadError: when no app has a deadline, or no app has a rate.
    """
    workload = scenario.workload
    if all(app.deadline_ns is None for app in workload.apps):
        raise WorkloadError(
            f"workload {workload.name}: no app has a deadline that load could break"
        )
    if all(app.arrivals is None or isinstance(app.arrivals, Closed) for app in scenario.ready.apps):
        raise WorkloadError(f"workload {workload.name}: closed loops have no rate to be multiplied")

    lasts_ns = int(workload.duration_ns) if duration_ns is None else duration_ns
    is_even = not any(app.load or app.active for app in scenario.ready.apps)

    def worst(scale: float) -> float:
        runs = [
            run(
                scenario.ready,
                policy=policy,
                duration_ns=_longer_ns(lasts_ns, scale) if is_even else lasts_ns,
                seed=seed + at,
                scale=scale,
                drain=True,
            )
            for at in range(seeds)
        ]
        return worst_app(runs)

    return find_max_load(worst, limit=limit, tolerance=tolerance)


def max_load_together(
    scenario: Scenario, *, policy: Policy | None = None, seed: int = 0
) -> MaxLoad:
    """The largest load where apps planned together are planned anew for it.

    Tried are the plans settled at the declared load and those that settling starts from; then plans
    settled where the load is too much for the best of these, as long as others sustain more.
    """

    def most(each: Scenario) -> MaxLoad:
        return max_load(each, policy=policy, seed=seed)

    tried = [settled(scenario, policy=policy, seed=seed), *starts_of(scenario)]
    best = max((most(each) for each in tried), key=lambda found: found.scale)
    while scenario.choices is not None and best.above is not None and best.scale:
        found = most(settled(scenario, policy=policy, seed=seed, scale=best.above))
        if found.scale <= best.scale:
            break
        best = found
    return best


def _longer_ns(lasts_ns: int, scale: float) -> int:
    return min(round(lasts_ns / min(scale, 1.0)), max(lasts_ns, LONGEST_NS))


def worst_app(runs: Sequence[SimResult]) -> float:
    """The largest miss rate of an app, over all runs together."""
    worst = 0.0
    for at in range(len(runs[0].apps)):
        apps = [each.apps[at] for each in runs]
        judged = sum(app.requests - app.cancelled - app.in_flight for app in apps)
        lost = sum(app.missed + app.dropped + app.failed for app in apps)
        worst = max(worst, lost / judged if judged else 0.0)
    return worst


def _plan(planned: Planned) -> dict[str, Any]:
    plan = planned.plan
    return {
        "app": planned.app.name,
        "model": plan.model.name,
        "objective": plan.objective.name,
        "status": plan.status,
        "gap": plan.gap if is_bounded(planned) else None,
        "latency_ns": plan.latency_ns,
        "subgraphs": len(plan.subgraphs),
        "units": list(dict.fromkeys(part.unit for part in plan.subgraphs)),
    }


def _score_terms(score: Score | None, bare: float | None) -> dict[str, Any] | None:
    if score is None:
        return None
    return {
        "k_per_ms": score.k_per_ms,
        "energy_max_mj": score.energy_max_mj,
        "source": score.source,
        "without_energy": bare,
    }
