"""Plans for several apps together: of each app's candidates the ones that load the SoC evenly.

Each app's candidates are its plans for latency and for throughput, and the whole model on each unit
that runs it. A combination is judged by the busiest unit's share of time at the declared rates;
among equals, by the latency of all apps together. What would be late even on an idle SoC only
counts where an app has nothing better.

The choice is exact over the candidates while there are few combinations, and a descent from the
best plan of each app otherwise. Nothing is proven about plans that are no candidates.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from math import prod

from hetsched.plan.model import Plan
from hetsched.soc.profile import Profile
from hetsched.workload.model import Workload, carried_deadline
from hetsched.workload.others import whole_plans
from hetsched.workload.planning import Effort, Planned, kept_plan
from hetsched.workload.rates import rates_hz

MOST = 20_000
"""Combinations that are all looked at."""


def chosen_together(
    workload: Workload, profile: Profile, planned: Sequence[Planned], effort: Effort
) -> tuple[Planned, ...]:
    """The same apps with the plans that go together best; plan files stay what they are."""
    options = [_candidates(each, profile, effort) for each in planned]
    return best_together(workload, planned, options)


def best_together(
    workload: Workload, planned: Sequence[Planned], options: Sequence[Sequence[Plan]]
) -> tuple[Planned, ...]:
    """The same apps with one of the plans that each may have."""
    rates = rates_hz(workload)
    busy = [
        [_shares(plan, rates[each.app.name]) for plan in plans]
        for each, plans in zip(planned, options, strict=True)
    ]
    latency = [[plan.latency_ns for plan in plans] for plans in options]

    limits = _limits(workload, planned)

    def score(chosen: Sequence[int]) -> tuple[int, float, int]:
        shares: dict[str, float] = {}
        for app, at in enumerate(chosen):
            for unit, share in busy[app][at].items():
                shares[unit] = shares.get(unit, 0.0) + share
        together = sum(latency[app][at] for app, at in enumerate(chosen))
        missed = sum(
            sum(latency[app][chosen[app]] for app in path) > most_ns for path, most_ns in limits
        )
        return missed, round(max(shares.values(), default=0.0), 9), together

    sizes = [range(len(plans)) for plans in options]
    few = prod(len(size) for size in sizes) <= MOST
    best = min(product(*sizes), key=score) if few else _descend(sizes, score)
    return tuple(
        replace(each, plan=plans[at])
        for each, plans, at in zip(planned, options, best, strict=True)
    )


def _limits(workload: Workload, planned: Sequence[Planned]) -> list[tuple[list[int], int]]:
    """Per deadline, the apps that must all have run by then: one, or a cascade from its origin."""
    index_of = {each.app.name: index for index, each in enumerate(planned)}
    found = []
    for app in workload.apps:
        deadline_ns, before = carried_deadline(workload, app)
        if deadline_ns is not None:
            found.append(([index_of[name] for name in (*before, app.name)], deadline_ns))
    return found


def _descend(
    sizes: Sequence[range], score: Callable[[Sequence[int]], tuple[int, float, int]]
) -> tuple[int, ...]:
    """From the first candidates on, the best change of one app until none helps."""
    best = (0,) * len(sizes)
    while True:
        near = [
            (*best[:app], at, *best[app + 1 :]) for app, size in enumerate(sizes) for at in size
        ]
        found = min(near, key=score)
        if score(found) >= score(best):
            return best
        best = found


def _shares(plan: Plan, rate: float | None) -> dict[str, float]:
    """Share of each unit's time; as if requests came back to back where the rate isn't known."""
    per_ns = 1 / max(plan.latency_ns, 1) if rate is None else rate / 1e9
    found: dict[str, float] = {}
    for part in plan.subgraphs:
        found[part.unit] = found.get(part.unit, 0.0) + (part.end_ns - part.start_ns) * per_ns
    return found


def _candidates(planned: Planned, profile: Profile, effort: Effort) -> list[Plan]:
    """The plan that it has comes first."""
    if not planned.made:
        return [planned.plan]
    found = [planned.plan]
    found += [
        kept_plan(planned.model, profile, objective, effort)
        for objective in ("latency", "throughput")
        if objective != planned.plan.objective.name
    ]
    return [*found, *whole_plans(planned.model, profile).values()]
