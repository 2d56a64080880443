"""What the benchmarks of splitting share: a model as a chain of stages on one unit."""

from hetsched.backends.base import StageSpec
from hetsched.errors import PlacementError
from hetsched.ir.model import Model
from hetsched.plan.build import plan as make_plan
from hetsched.plan.model import Plan
from hetsched.soc.catalog import profile

PROFILE = "helio-g90"


def chain_plan(model: Model, parts: int) -> Plan:
    """The model on the profile's home unit, cut at its cheapest tensors into about equal parts.

    The limit on a stage's length is lowered until there are enough parts.

    Raises:
        PlacementError: when no limit gives that many parts.
    """
    unit = profile(PROFILE).home
    pins = {op.name: unit for op in model.graph.ops}
    whole = make_plan(model, profile(PROFILE), pins=pins)
    if parts == 1:
        return whole
    share = whole.latency_ns / parts
    for percent in range(160, 60, -4):
        limit_ns = int(share * percent / 100)
        found = make_plan(model, profile(PROFILE), pins=pins, max_stage_ns=limit_ns)
        if len(found.subgraphs) == parts:
            return found
        if len(found.subgraphs) > parts:
            break
    raise PlacementError(f"{model.name} can't be cut into {parts} parts of about equal length")


def specs(plan: Plan) -> list[StageSpec]:
    """The plan's subgraphs as a backend takes them."""
    return [StageSpec(id=s.id, ops=s.ops, outputs=s.outputs) for s in plan.subgraphs]
