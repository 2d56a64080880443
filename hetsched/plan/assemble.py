"""A placement as a plan: everything that its file says."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from hetsched import __version__
from hetsched.ir.model import Model
from hetsched.place.evaluate import evaluate
from hetsched.place.placement import Placement, Schedule, Status
from hetsched.place.problem import OBJECTIVE_UNITS
from hetsched.plan import model as files
from hetsched.plan.basis import cost_basis
from hetsched.plan.doubt import Errors, alike, doubts
from hetsched.plan.hosting import host_stages
from hetsched.plan.pose import Posed
from hetsched.plan.stages import Described, Solved, describe
from hetsched.quantity import End

if TYPE_CHECKING:
    from hetsched.plan.build import Request


def assemble(
    posed: Posed,
    request: "Request",
    placement: Placement,
    others: Mapping[str, Schedule | None],
) -> files.Plan:
    """The plan of a placement.

    Args:
        posed: what was placed.
        request: what was asked for.
        placement: of the posed problem.
        others: baselines that the plan is compared with.
    """
    schedule = placement.schedule
    least, most = posed.at(End.LOW), posed.at(End.HIGH)
    parts = describe(
        Solved(
            graph=posed.model.graph,
            profile=posed.profile,
            costs=posed.costs,
            problem=posed.problem,
            schedule=schedule,
            low=evaluate(least, schedule.stages),
            high=evaluate(most, schedule.stages),
        )
    )
    same = alike(posed.profile, posed.costs)
    errors = Errors(posed.problem, least, most, schedule, request.objective, same)
    return msgspec.structs.replace(
        _plain(posed, request, placement, parts),
        host_stages=host_stages(parts.subgraphs, posed.host_ops),
        cost_basis=cost_basis(posed.profile, parts.subgraphs, posed.used),
        warnings=doubts(errors, posed.problem, schedule, others),
    )


def _plain(posed: Posed, request: "Request", placement: Placement, parts: Described) -> files.Plan:
    """Without what its costs rest on and leave open."""
    status: Literal["optimal", "feasible"] = (
        "optimal" if placement.status is Status.OPTIMAL else "feasible"
    )
    profile = posed.profile
    return files.Plan(
        schema=files.SCHEMA,
        hetsched=__version__,
        model=_model_ref(posed.model),
        profile=files.ProfileRef(name=profile.name, sha256=profile.sha256),
        options=files.Options(
            gap=request.gap,
            seed=request.seed,
            time_limit_s=request.time_limit_s,
            framework=request.framework,
            backend=request.backend,
            pins=dict(request.pins),
            max_subgraphs=dict(request.max_subgraphs),
            max_stage_ns=request.max_stage_ns,
            rewrite=request.rewrite,
        ),
        status=status,
        gap=placement.gap,
        objective=msgspec.convert(
            {
                "name": request.objective,
                "value": placement.value,
                "bound": placement.bound,
                "unit": OBJECTIVE_UNITS[request.objective],
            },
            files.Objective,
        ),
        baselines=dict(placement.baselines),
        latency_ns=parts.latency_ns,
        latency_low_ns=parts.latency_low_ns,
        latency_high_ns=parts.latency_high_ns,
        throughput_rps=1e9 / parts.busiest_ns if parts.busiest_ns else 0.0,
        energy_uj=parts.energy_uj,
        peak_memory_bytes=parts.peak_memory_bytes,
        accuracy=None,
        subgraphs=parts.subgraphs,
        transfers=parts.transfers,
        host_stages=(),
        rewrites=(),
    )


def _model_ref(model: Model) -> files.ModelRef:
    return files.ModelRef(
        name=model.name,
        ref=model.ref,
        sha256=model.sha256,
        ops=len(model.graph.ops),
        shapes=dict(model.shapes),
        prepared_sha256=model.prepared_sha256,
    )
