"""Plan again as a plan was made, around what turned out not to work."""

from collections.abc import Collection, Mapping

from msgspec import structs

from hetsched.ir.model import Model
from hetsched.plan.build import Request, make
from hetsched.plan.files import as_planned
from hetsched.plan.model import Plan

HOST = "host"
"""Name of this machine's profile, which is measured on the spot."""


def plan_without(
    plan: Plan,
    model: Model,
    refused: Mapping[tuple[str, str], str],
    units: Collection[str] = (),
) -> Plan:
    """A plan for the same model, SoC and objective that leaves some things out.

    The plan's rewrites are kept as they are.

    Args:
        plan: what doesn't work.
        model: the plan's.
        refused: (op, unit) that can't be, to the reason.
        units: of the plan's SoC that run nothing.

    Raises:
        PlanError: when the model isn't the plan's.
        ProfileError: when the plan's profile isn't known here.
        PlacementError: when no placement is left.
    """
    prepared = as_planned(plan, model)
    out = {(op.name, unit): "the unit is left out" for op in prepared.graph.ops for unit in units}
    return continued(plan, _made(plan, prepared, request_like(plan, {**out, **refused})))


def request_like(plan: Plan, refused: Mapping[tuple[str, str], str] | None = None) -> Request:
    """What a plan was asked for, and what can't be beside that."""
    options = plan.options
    return Request(
        objective=plan.objective.name,
        gap=options.gap,
        time_limit_s=options.time_limit_s,
        seed=options.seed,
        framework=options.framework,
        backend=options.backend,
        pins=options.pins,
        max_subgraphs=options.max_subgraphs,
        max_stage_ns=options.max_stage_ns,
        refused=refused or {},
    )


def continued(plan: Plan, made: Plan) -> Plan:
    """A plan made again, for the model and with the rewrites of the one before."""
    kept = structs.replace(made.options, rewrite=plan.options.rewrite)
    return structs.replace(made, model=plan.model, rewrites=plan.rewrites, options=kept)


def _made(plan: Plan, model: Model, request: Request) -> Plan:
    if plan.profile.name == HOST:
        from hetsched.cost.measured import host, host_costs  # it measures

        here = host(None)
        soc, costs = host_costs(model, store=here.store)
        return make(model, soc, request, costs).plan
    from hetsched.soc.catalog import profile

    return make(model, profile(plan.profile.name), request).plan
