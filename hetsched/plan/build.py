"""Make a plan: costs, placement, and everything a reader of the plan wants to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hetsched.cost.store import CostStore
from hetsched.cost.table import CostTable
from hetsched.errors import PlacementError
from hetsched.ir.model import Model
from hetsched.place.baselines import baselines
from hetsched.place.cut import cut_long_stages
from hetsched.place.evaluate import evaluate
from hetsched.place.placement import Placement, Schedule, Stage, Status
from hetsched.place.problem import OBJECTIVES, Problem
from hetsched.place.solve import place
from hetsched.place.validate import objective_value
from hetsched.plan import model as files
from hetsched.plan.assemble import assemble
from hetsched.plan.basis import stored_notes
from hetsched.plan.choose import best_rewritten
from hetsched.plan.pose import pose
from hetsched.quantity import format_ns
from hetsched.soc.profile import Profile

LARGEST_SEED = 2**31 - 1
"""Source: `random_seed` of CP-SAT's parameters is an int32."""

LONGEST_SEARCH_S = 30 * 24 * 3600
"""A month: the search's steps are counted in 64 bits."""

MOST_SUBGRAPHS = 2**31 - 1
"""Counted in 32 bits, natively."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to plan for, beside the model and the profile.

    Attributes:
        objective: `latency`, `throughput` or `energy`.
        gap: stop once (value - bound) / value is at most this.
        time_limit_s: for the whole search; the best so far is returned with its gap.
        seed: of every random choice in the search.
        framework: restrict each unit to what this framework's converter and unit rows allow.
        backend: of that framework.
        pins: op name to the only unit that may run it.
        max_subgraphs: unit name to the most subgraphs it may get.
        max_stage_ns: cut longer subgraphs at their cheapest tensors.
        rewrite: replace ops that keep accelerators out, where that makes the objective better.
        refused: (op, unit) that must not be, to the reason in words.
    """

    objective: str = "latency"
    gap: float = 0.01
    time_limit_s: float = 10.0
    seed: int = 0
    framework: str | None = None
    backend: str | None = None
    pins: Mapping[str, str] = field(default_factory=dict)
    max_subgraphs: Mapping[str, int] = field(default_factory=dict)
    max_stage_ns: int | None = None
    rewrite: bool = False
    refused: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what can be checked without a model.

        Raises:
            PlacementError: naming the option, its value and what would be accepted.
        """
        if self.objective not in OBJECTIVES:
            raise PlacementError(
                f"objective {self.objective!r} is unknown: take one of {', '.join(OBJECTIVES)}"
            )
        if not 0 <= self.gap < 1:
            raise PlacementError(
                f"gap {self.gap} is out of range: take 0 (proven optimal) up to below 1"
            )
        if not 0 < self.time_limit_s <= LONGEST_SEARCH_S:
            raise PlacementError(
                f"time limit {self.time_limit_s} s is out of range: take above 0 to "
                f"{LONGEST_SEARCH_S} s"
            )
        if not 0 <= self.seed <= LARGEST_SEED:
            raise PlacementError(f"seed {self.seed} is out of range: take 0 to {LARGEST_SEED}")
        for unit, cap in self.max_subgraphs.items():
            if not 0 <= cap <= MOST_SUBGRAPHS:
                raise PlacementError(
                    f"max subgraphs {unit}={cap} is out of range: take 0 to {MOST_SUBGRAPHS}"
                )
        if self.max_stage_ns is not None and self.max_stage_ns <= 0:
            raise PlacementError(f"max stage {self.max_stage_ns} ns is not positive")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A plan with what doesn't belong into its file.

    Attributes:
        plan: the plan.
        placement: the solver's answer behind it.
        notes: what the user should be told, one line each.
    """

    plan: files.Plan
    placement: Placement
    notes: tuple[str, ...]


def plan(
    model: Model,
    profile: Profile,
    *,
    objective: str = "latency",
    gap: float = 0.01,
    time_limit_s: float = 10.0,
    seed: int = 0,
    costs: CostTable | None = None,
    framework: str | None = None,
    backend: str | None = None,
    pins: Mapping[str, str] | None = None,
    max_subgraphs: Mapping[str, int] | None = None,
    max_stage_ns: int | None = None,
    store: CostStore | None = None,
    rewrite: bool = False,
) -> files.Plan:
    """Place a model's ops on a SoC's units.

    Args:
        model: from `hetsched.load`.
        profile: from `hetsched.profile`.
        objective: `latency`, `throughput` or `energy`.
        gap: stop once (value - bound) / value is at most this.
        time_limit_s: for the search, in seconds; the best so far is returned with its gap.
        seed: same seed and options, same plan.
        costs: measured costs; by default the profile's analytic model estimates them.
        framework: restrict the units to what this deployment framework supports.
        backend: of that framework.
        pins: op name to the only unit that may run it.
        max_subgraphs: unit name to the most subgraphs it may get.
        max_stage_ns: cut longer subgraphs at their cheapest tensors.
        store: imported measurements of the SoC, taken in place of estimates.
        rewrite: replace ops that keep accelerators out, where that makes the objective better.

    Raises:
        PlacementError: when no placement exists, naming the op and the units that refuse it.
        CapabilityError: for an unknown framework or backend.
    """
    request = Request(
        objective=objective,
        gap=gap,
        time_limit_s=time_limit_s,
        seed=seed,
        framework=framework,
        backend=backend,
        pins=pins or {},
        max_subgraphs=max_subgraphs or {},
        max_stage_ns=max_stage_ns,
        rewrite=rewrite,
    )
    return make(model, profile, request, costs, store).plan


def make(
    model: Model,
    profile: Profile,
    request: Request,
    costs: CostTable | None = None,
    store: CostStore | None = None,
    keep: Sequence[Stage] | None = None,
) -> Outcome:
    """As `plan`, with the solver's answer and the notes for the user.

    Given stages to keep, the plan is made of these, and the search only finds their bound.
    """
    if request.rewrite and costs is None:
        return best_rewritten(make, model, profile, request, store)
    posed = pose(model, profile, request, costs, store)
    problem = posed.problem
    placement = place(
        problem,
        objective=request.objective,
        gap=request.gap,
        time_limit_s=request.time_limit_s,
        seed=request.seed,
    )
    if keep is not None:
        placement = _with_schedule(problem, placement, evaluate(problem, keep), request)
    placement, overlong = _shorten(problem, placement, request)
    made = assemble(posed, request, placement, baselines(problem, request.objective))
    return Outcome(
        plan=made,
        placement=placement,
        notes=(
            *_restriction(request),
            *posed.told,
            *stored_notes(problem, posed.used),
            *_notes(made.subgraphs),
            *overlong,
            *posed.uncounted,
        ),
    )


def _shorten(
    problem: Problem, placement: Placement, request: Request
) -> tuple[Placement, tuple[str, ...]]:
    """Cut stages that are longer than asked for; what can't be cut further is told."""
    if request.max_stage_ns is None:
        return placement, ()
    schedule, overlong = cut_long_stages(problem, placement.schedule, request.max_stage_ns)
    return _with_schedule(problem, placement, schedule, request), _overlong(
        [problem.groups[group] for group in overlong], request.max_stage_ns
    )


def _with_schedule(
    problem: Problem, placement: Placement, schedule: Schedule, request: Request
) -> Placement:
    """Another schedule than the one found, against the same bound."""
    value = objective_value(problem, schedule, placement.objective)
    gap = (value - placement.bound) / value if value else 0.0
    status = Status.OPTIMAL if gap <= request.gap else Status.FEASIBLE
    return replace(placement, schedule=schedule, value=value, status=status)


def _overlong(groups: Sequence[str], limit_ns: int) -> tuple[str, ...]:
    if not groups:
        return ()
    some = ", ".join(groups[:3]) + (", ..." if len(groups) > 3 else "")
    what = "1 fused group" if len(groups) == 1 else f"{len(groups)} fused groups"
    return (f"longer than {format_ns(limit_ns)} and not to be cut: {what} ({some})",)


def _restriction(request: Request) -> tuple[str, ...]:
    """What `--framework` and `--backend` did: a CPU stays allowed, which a user may not expect."""
    if request.backend is not None:
        only = f"the {request.backend} backend of {request.framework}, and its CPU kernels"
        return (f"restricted to {only}: units that neither reaches run nothing",)
    if request.framework is not None:
        return (f"restricted to what {request.framework} converts and runs on each unit",)
    return ()


def _notes(subgraphs: Sequence[files.Subgraph]) -> tuple[str, ...]:
    """Each unchecked condition once, with the units that it concerns."""
    units: dict[str, dict[str, None]] = {}
    for part in subgraphs:
        for need in part.needs:
            units.setdefault(need, {})[part.unit] = None
    return tuple(f"{', '.join(names)}: {need}" for need, names in units.items())
