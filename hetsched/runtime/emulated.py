"""Units of a SoC that isn't here, for the runtime: real numerics, the SoC's pace.

What a stage takes comes from its plan, which must be for that SoC: the same numbers that a
simulation uses. Stages that compute at the same time slow each other down by the formula of
`hetsched.cost.analytic_contention`, where the profile knows the memory's bandwidth.
"""

from collections.abc import Mapping, Sequence

from hetsched.backends.base import Backend, StageSpec
from hetsched.backends.emulated import EmulatedBackend
from hetsched.backends.emulated_pace import Expected, Pacer
from hetsched.convert.capability import refusals as find_refusals
from hetsched.cost.analytic import cost_table
from hetsched.cost.analytic_contention import Demand, demand, slowdowns
from hetsched.cost.analytic_work import group_work
from hetsched.cost.table import CostTable, Group
from hetsched.errors import BackendError, PlanError
from hetsched.ir.model import Model
from hetsched.plan.copying import copies_of
from hetsched.plan.files import check_profile
from hetsched.plan.hosting import hosted
from hetsched.plan.model import Plan, Subgraph
from hetsched.runtime.units import RuntimeUnit
from hetsched.soc.power import Idle
from hetsched.soc.profile import Profile


def emulated_units(profile: Profile, *, inner: Backend | None = None) -> tuple[RuntimeUnit, ...]:
    """A SoC's units, by the profile's names, for a `Runtime`; they only take plans for that SoC.

    Args:
        profile: from `hetsched.profile`.
        inner: what computes; by default ONNX Runtime's CPU provider, one thread a unit.
    """
    if inner is None:
        from hetsched.backends.ort import OrtBackend  # heavy

        inner = OrtBackend(threads=1)
    soc = _Soc(profile)
    pacer = Pacer(soc.slowdowns)
    return tuple(
        RuntimeUnit(
            name=unit.name,
            backend=EmulatedBackend(
                unit.name,
                profile.name,
                inner=inner,
                pacer=pacer,
                expect=soc.expected,
                told=soc.learn,
            ),
        )
        for unit in profile.units
    )


class _Soc:
    """What stages take on a SoC, as far as plans have told."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        usable = profile.memory.usable if profile.memory is not None else None
        self._bandwidth = None if usable is None else usable.base("bandwidth")
        self._known: dict[tuple[str, str, tuple[str, ...]], Expected] = {}

    def slowdowns(self, demands: Sequence[Demand]) -> Sequence[float]:
        """How many times as long each stage takes while all of them compute."""
        return slowdowns(demands, self._bandwidth) or [1.0] * len(demands)

    def expected(self, model: Model, stage: StageSpec, unit: str) -> Expected:
        """What a stage takes.

        Raises:
            BackendError: when no plan has told.
        """
        found = self._known.get((model.prepared_sha256, unit, stage.ops))
        if found is None:
            raise BackendError(
                f"stage {stage.id!r}: the plan doesn't say what it takes on {self._profile.name}'s "
                f"unit {unit!r}, so it can't be emulated there"
            )
        return found

    def learn(self, plan: Plan, model: Model) -> None:
        """Look up everything that a plan says.

        Raises:
            BackendError: when the plan is for another SoC.
        """
        try:
            check_profile(plan, self._profile)
        except PlanError as error:
            raise BackendError(f"these units are emulated: {error}") from error
        prepared = plan.model.prepared_sha256
        wanted = {(prepared, unit, part.ops) for part in plan.subgraphs for unit in _times(part)}
        if wanted <= self._known.keys():
            return  # each of the units is told, one is enough
        costs = _costs(model, self._profile)
        groups = {op: group for group in costs.groups for op in group.ops}
        for part in plan.subgraphs:
            for unit, total_ns in _times(part).items():
                key = (prepared, unit, part.ops)
                self._known[key] = self._split(plan, model, groups, part, unit, total_ns)

    def _split(
        self,
        plan: Plan,
        model: Model,
        groups: Mapping[str, Group],
        part: Subgraph,
        name: str,
        total_ns: int,
    ) -> Expected:
        """Into dispatch, copies, and computing with its demand on the memory, as simulations do."""
        unit = self._profile.unit(name)
        dispatch_ns = min(unit.dispatch_ns, total_ns)
        is_planned = name == part.unit
        copies = copies_of(plan, self._profile, part, total_ns - dispatch_ns) if is_planned else ()
        fixed_ns = dispatch_ns + sum(each.fixed_ns for each in copies)
        compute_ns = total_ns - fixed_ns - sum(each.shared_ns for each in copies)
        dtype = part.dtype if is_planned else unit.dtype
        asked = Demand(nbytes=0.0, traffic_ns=0.0, arithmetic_ns=float(compute_ns))
        if dtype in unit.rates:
            inside = {groups[op].name: groups[op] for op in part.ops if op in groups}
            works = [group_work(model.graph, group) for group in inside.values()]
            asked = demand(works, unit, dtype, float(compute_ns))
        idle = unit.idle or Idle()
        wake_ns = 0 if idle.wake is None else round(idle.wake.base("time"))
        return Expected(
            fixed_ns=float(fixed_ns),
            compute_ns=float(compute_ns),
            demand=asked,
            copies=tuple((each.link, float(each.shared_ns)) for each in copies),
            unit=name,
            keep_ns=wake_ns if idle.keep is None else round(idle.keep.base("time")),
            wake_ns=wake_ns,
        )


def _times(part: Subgraph) -> dict[str, int]:
    """By unit, what the plan says that a subgraph takes there."""
    others = {other.unit: other.cost_ns for other in part.alternatives}
    return {**others, part.unit: part.end_ns - part.start_ns}


def _costs(model: Model, profile: Profile) -> CostTable:
    """The profile's own estimates, which say how much of a stage is computing."""
    refused = find_refusals(model.graph, profile, None, None)
    kept, _, _ = hosted(model.graph, profile, refused)
    rated = [unit.name for unit in profile.units]
    return cost_table(model.graph, profile, kept, rated)
