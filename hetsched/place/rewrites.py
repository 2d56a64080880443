"""What a replacement costs on a SoC's units: the price by which rewrites are chosen."""

from collections.abc import Callable, Sequence

from hetsched.cost.analytic import cost_table
from hetsched.ir.graph import Graph
from hetsched.soc.profile import Profile


def unit_price(profile: Profile, units: Sequence[str]) -> Callable[[Graph], float]:
    """A price in ns: the sum over fused groups, on the unit where that is least.

    Copies between units aren't in it: a replacement runs where its op would have run.

    Args:
        profile: the SoC; its units have rates.
        units: names of those that a replacement may run on.
    """

    def price(graph: Graph) -> float:
        if not graph.ops:
            return 0.0
        table = cost_table(graph, profile, {})
        totals = dict.fromkeys(units, 0)
        for (_, unit), cost in table.costs.items():
            if unit in totals:
                totals[unit] += cost.latency_ns
        return float(min(totals.values()))

    return price
