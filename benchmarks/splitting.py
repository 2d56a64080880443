"""What the benchmarks of splitting share: a model as a chain of stages on one unit."""

from hetsched.backends.base import StageSpec
from hetsched.ir.model import Model
from hetsched.plan.build import plan as make_plan
from hetsched.plan.model import Plan
from hetsched.soc.catalog import profile

PROFILE = "helio-g90"


def chain_plan(model: Model, parts: int) -> Plan:
    """The model on the profile's home unit, cut at its cheapest tensors into about equal parts.

    The limit on a stage's length is the highest that gives at least that many parts.
    """
    unit = profile(PROFILE).home
    pins = {op.name: unit for op in model.graph.ops}

    def cut(limit_ns: int | None) -> Plan:
        return make_plan(model, profile(PROFILE), pins=pins, max_stage_ns=limit_ns)

    whole = cut(None)
    if parts == 1:
        return whole
    low, high = whole.latency_ns // (4 * parts), whole.latency_ns
    found = cut(low)
    while high - low > whole.latency_ns // (50 * parts):
        middle = (low + high) // 2
        tried = cut(middle)
        if len(tried.subgraphs) >= parts:
            low, found = middle, tried
        else:
            high = middle
    return found


def specs(plan: Plan) -> list[StageSpec]:
    """The plan's subgraphs as a backend takes them."""
    return [StageSpec(id=s.id, ops=s.ops, outputs=s.outputs) for s in plan.subgraphs]
