"""What benchmarks of several apps share: a model as one stage that any core here runs."""

from hetsched.cost.measured import host_costs
from hetsched.ir.model import Model
from hetsched.plan.build import plan as make_plan
from hetsched.plan.model import Plan


def whole(model: Model, budget_s: float = 1.0) -> Plan:
    """One subgraph, with every other core as an alternative; its time is measured."""
    profile, costs = host_costs(model, budget_s=budget_s)
    pins = {op.name: profile.home for op in model.graph.ops}
    return make_plan(model, profile, costs=costs, pins=pins)
