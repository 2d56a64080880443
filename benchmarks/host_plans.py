"""What benchmarks of several apps share: a model as stages that any core here runs."""

from hetsched.cost.measured import host_costs
from hetsched.cost.table import CostTable
from hetsched.ir.model import Model
from hetsched.place.placement import Stage
from hetsched.plan.build import Request, make
from hetsched.plan.model import Plan


def whole(model: Model, longest_ns: int | None = None, budget_s: float = 1.0) -> Plan:
    """One subgraph, or several in a row of at most that long each; every core is an alternative."""
    profile, costs = host_costs(model, budget_s=budget_s)
    home = profile.home
    stages = tuple(Stage(unit=0, groups=row) for row in _rows(costs, home, longest_ns))
    return make(model, profile, Request(time_limit_s=0.01), costs, keep=stages).plan


def _rows(costs: CostTable, unit: str, longest_ns: int | None) -> list[tuple[int, ...]]:
    rows: list[list[int]] = [[]]
    total_ns = 0
    for index, group in enumerate(costs.groups):
        cost_ns = costs.costs[group.name, unit].latency_ns
        if longest_ns is not None and rows[-1] and total_ns + cost_ns > longest_ns:
            rows.append([])
            total_ns = 0
        rows[-1].append(index)
        total_ns += cost_ns
    return [tuple(row) for row in rows]
