"""Plans for several apps together: of each app's candidates the ones that load the SoC evenly.

Each app's candidates are its plans for latency and for throughput, and the whole model on each unit
that runs it. A combination is judged by the busiest unit's share of time at the declared rates;
among equals, by the latency of all apps together. What would be late even on an idle SoC only
counts where an app has nothing better.

The choice is exact over the candidates while there are few combinations, and a descent from the
best plan of each app otherwise. Nothing is proven about plans that are no candidates.

Shares of time say nothing about how requests meet: a simulation goes on from here, see
`hetsched.sim.together`, with the best combination of whole models among its starts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What apps that are planned together choose from.

    Attributes:
        options: per app, what it may be planned as.
        starts: per combination worth a look, the index of each app's option: the best by shares of
            time, the best of whole models where each app has one, each app's own best.
    """

    options: tuple[tuple[Planned, ...], ...]
    starts: tuple[tuple[int, ...], ...]

    def planned(self, chosen: Sequence[int]) -> tuple[Planned, ...]:
        """The apps as one combination plans them."""
        return tuple(options[at] for options, at in zip(self.options, chosen, strict=True))


def choices_together(
    workload: Workload, profile: Profile, planned: Sequence[Planned], effort: Effort
) -> Choices:
    """Each app's candidates and the best of their combinations; plan files stay what they are."""
    plans = [_candidates(each, profile, effort) for each in planned]
    wholes = [[at for at, plan in enumerate(each) if _is_whole(plan)] or [0] for each in plans]
    narrowed = [[each[at] for at in kept] for each, kept in zip(plans, wholes, strict=True)]
    of_wholes = _best(workload, planned, narrowed)
    starts = (
        _best(workload, planned, plans),
        tuple(kept[at] for kept, at in zip(wholes, of_wholes, strict=True)),
        (0,) * len(plans),
    )
    return Choices(
        options=tuple(
            tuple(replace(each, plan=plan) for plan in found)
            for each, found in zip(planned, plans, strict=True)
        ),
        starts=tuple(dict.fromkeys(starts)),
    )


def _is_whole(plan: Plan) -> bool:
    """Whether the whole model runs on one unit and nowhere else."""
    return len(plan.subgraphs) == 1 and not plan.subgraphs[0].alternatives


def best_together(
    workload: Workload, planned: Sequence[Planned], options: Sequence[Sequence[Plan]]
) -> tuple[Planned, ...]:
    """The same apps with one of the plans that each may have."""
    best = _best(workload, planned, options)
    return tuple(
        replace(each, plan=plans[at])
        for each, plans, at in zip(planned, options, best, strict=True)
    )


def _best(
    workload: Workload, planned: Sequence[Planned], options: Sequence[Sequence[Plan]]
) -> tuple[int, ...]:
    """Index of each app's option in the combination that loads the SoC most evenly."""
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
    return min(product(*sizes), key=score) if few else _descend(sizes, score)


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
