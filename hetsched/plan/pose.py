"""The placement problem of a model on a SoC, from its costs and what was asked for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hetsched.convert.capability import refusals as find_refusals
from hetsched.cost.analytic import cost_table
from hetsched.cost.store import CostStore
from hetsched.cost.stored import Used, measured_units, with_stored
from hetsched.cost.table import CostTable
from hetsched.ir.model import Model
from hetsched.place.problem import Problem
from hetsched.plan.hosting import hosted
from hetsched.plan.problem import Restrictions, build_problem
from hetsched.plan.uncounted import uncounted_note
from hetsched.quantity import End
from hetsched.soc.profile import Profile

if TYPE_CHECKING:
    from hetsched.plan.build import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Posed:
    """A placement problem and where it comes from.

    Attributes:
        model: what is placed.
        profile: the SoC.
        costs: of the model's groups there.
        restrictions: which the problem keeps.
        problem: with the best estimates.
        host_ops: ops that no unit of an accelerator's framework runs: the CPU does.
        told: what the user should be told about these.
        used: which measurements of a store count.
        uncounted: what the costs leave out.
    """

    model: Model
    profile: Profile
    costs: CostTable
    restrictions: Restrictions
    problem: Problem
    host_ops: frozenset[str]
    told: tuple[str, ...]
    used: tuple[Used, ...]
    uncounted: tuple[str, ...]

    def at(self, end: End) -> Problem:
        """The same problem with all costs at one end of their bands."""
        return build_problem(self.model.graph, self.profile, self.costs, self.restrictions, end)


def pose(
    model: Model,
    profile: Profile,
    request: "Request",
    costs: CostTable | None = None,
    store: CostStore | None = None,
) -> Posed:
    """Costs of what each unit can run, and the problem over them.

    Args:
        model: what is placed.
        profile: the SoC.
        request: whose framework, backend, pins, caps and refusals count.
        costs: measured ones; the profile's analytic model estimates them where left out.
        store: measurements that are taken in place of estimates.

    Raises:
        PlacementError: when a pin or cap names what isn't there.
        CapabilityError: for an unknown framework or backend.
    """
    host_ops: frozenset[str] = frozenset()
    told: tuple[str, ...] = ()
    uncounted = uncounted_note(model.graph) if costs is None else ()
    if costs is None or request.framework or request.backend:
        refused = find_refusals(model.graph, profile, request.framework, request.backend)
        kept, host_ops, told = hosted(model.graph, profile, refused)
        measured = measured_units(profile, store)
        costs = costs.without(kept) if costs else cost_table(model.graph, profile, kept, measured)
    used: tuple[Used, ...] = ()
    if store is not None:
        costs, used = with_stored(model, profile, costs, store)
    costs = costs.without(request.refused)
    restrictions = Restrictions(pins=request.pins, max_subgraphs=request.max_subgraphs)
    return Posed(
        model=model,
        profile=profile,
        costs=costs,
        restrictions=restrictions,
        problem=build_problem(model.graph, profile, costs, restrictions),
        host_ops=host_ops,
        told=told,
        used=used,
        uncounted=uncounted,
    )
